"""Compares what writers were promised with what the database holds."""

from __future__ import annotations

import re
from collections import Counter
from typing import Callable

from .workload import STEPS, Contest, Promise, Writer

Sql = Callable[[str], list[list[str]]]


def hexadecimal(identifier: str) -> str:
    return identifier.replace("-", "")


def compare(kind: str, name: str, promise: Promise, row: tuple[str, str] | None) -> list[str]:
    """What is wrong about one thing; row: its id and its value."""
    if row is None:
        return [f"lost: {kind} {name}"] if promise.there else []
    if promise.there is False:
        return [f"{kind} {name} was deleted and is there"]
    if promise.id and row[0] != hexadecimal(promise.id):
        return [f"{kind} {name} has another id than was answered"]
    if promise.allowed and row[1] not in promise.allowed:
        return [f"wrong: {kind} {name} is {row[1]}, promised was {' or '.join(sorted(promise.allowed))}"]
    return []


def check_tags(sql: Sql, writers: list[Writer], contest: Contest) -> list[str]:
    rows = sql("SELECT name, id, color FROM tag WHERE name LIKE 'c-%' OR name LIKE 'r-%'")
    wrong = [f"twice: tag {name}" for name, count in Counter(row[0].lower() for row in rows).items() if count > 1]
    found = {name: (identifier, color) for name, identifier, color in rows}
    for writer in writers:
        for name, tag in writer.journal.tags.items():
            wrong += compare("tag", name, tag, found.get(name))
    for name, winners in contest.winners.items():
        if len(winners) > 1:
            wrong.append(f"twice: tag {name} was acknowledged to {len(winners)} writers")
        wrong += compare("tag", name, Promise(True, {"blue"}, winners[0]), found.get(name))
    return wrong


def status_of(steps: list[str]) -> str:
    """The status that a run has by those of its steps (docs/contract)."""
    if "failed" in steps:
        return "failed"
    return "running" if "running" in steps or len(steps) < len(STEPS) else "completed"


def check_runs(sql: Sql, writers: list[Writer]) -> list[str]:
    rows = sql("SELECT name, id, status FROM pipeline_run WHERE name LIKE 'c-%'")
    wrong = [f"twice: run {name}" for name, count in Counter(row[0] for row in rows).items() if count > 1]
    found = {name: (identifier, status) for name, identifier, status in rows}
    steps: dict[str, dict[str, tuple[str, str]]] = {}
    for run, name, identifier, status in sql("SELECT pipeline_run_id, name, id, status FROM step_run"):
        if name in steps.setdefault(run, {}):
            wrong.append(f"twice: step {name} of run {run}")
        steps[run][name] = (identifier, status)
    for writer in writers:
        for name, run in writer.journal.runs.items():
            wrong += compare("run", name, run.promise, found.get(name))
            its = steps.get(found[name][0], {}) if name in found else {}
            for step, promise in run.steps.items():
                wrong += compare(f"step {step} of run", name, promise, its.get(step))
            if name in found and found[name][1] != (should := status_of([status for _, status in its.values()])):
                wrong.append(f"wrong: run {name} is {found[name][1]}, by its steps {should}")
    return wrong


def check_leftovers(sql: Sql) -> list[str]:
    guards = sql("SELECT COUNT(*) FROM kanso_name_guard")[0][0]
    return [] if guards == "0" else [f"{guards} names are still guarded"]


def check(sql: Sql, writers: list[Writer], contest: Contest) -> list[str]:
    """Everything that is wrong, a line each."""
    wrong = [re.sub(r"\s+", " ", each) for writer in writers for each in writer.journal.wrong]
    return wrong + check_tags(sql, writers, contest) + check_runs(sql, writers) + check_leftovers(sql)
