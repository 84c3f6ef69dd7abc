"""Compares what writers were promised with what the database holds."""

from __future__ import annotations

import base64
import json
import re
from collections import Counter
from typing import Callable

from kit.process import wait_until

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


def wait_for_jobs(sql: Sql, seconds: float = 300) -> None:
    """Until what deliveries lead to has come to its end. (Workloads are watched for as long as they run.)"""
    wait_until(lambda: sql("SELECT COUNT(*) FROM kanso_job WHERE kind <> 'watch' AND state IN ('waiting', 'running')")
               == [["0"]], seconds, "the end of the background work")


def check_deliveries(sql: Sql, writers: list[Writer], started: list[str]) -> list[str]:
    """Each delivery that was acknowledged has one execution of the trigger, one run, and one workload; `started` are the
    workloads that the manager was asked to start."""
    executions = Counter(json.loads(base64.b64decode(row[0].replace("\\n", "")))["after"]
                         for row in sql("SELECT event_metadata FROM trigger_execution"))
    wrong = []
    for writer in writers:
        for commit, acknowledged in writer.journal.deliveries.items():
            count = executions.pop(commit, 0)
            if count > 1 or count < acknowledged:
                wrong.append(f"a delivery ({'' if acknowledged else 'not '}acknowledged) has {count} executions")
    if executions:
        wrong.append(f"{len(executions)} executions of nothing that was delivered")
    wrong += [f"{kind} has failed: {outcome}" for kind, outcome in
              sql("SELECT kind, COALESCE(outcome, '') FROM kanso_job WHERE state = 'failed'")]
    total = int(sql("SELECT COUNT(*) FROM trigger_execution")[0][0])
    runs = sql("SELECT HEX(UNHEX(d.id)) FROM pipeline_run r JOIN pipeline_deployment d ON d.id = r.deployment_id "
               "WHERE d.template_id IS NOT NULL")
    if len(runs) != total:
        wrong.append(f"{total} executions and {len(runs)} runs")
    if (asked := {hexadecimal(each).upper() for each in started}) != (made := {row[0] for row in runs}):
        wrong.append(f"of {len(made)} runs {len(made - asked)} were not started, and {len(asked - made)} others were")
    return wrong


def check_leftovers(sql: Sql) -> list[str]:
    guards = sql("SELECT COUNT(*) FROM kanso_name_guard")[0][0]
    return [] if guards == "0" else [f"{guards} names are still guarded"]


def check(sql: Sql, writers: list[Writer], contest: Contest, started: Callable[[], list[str]]) -> list[str]:
    """Everything that is wrong, a line each."""
    wrong = [re.sub(r"\s+", " ", each) for writer in writers for each in writer.journal.wrong]
    wait_for_jobs(sql)
    wrong += check_tags(sql, writers, contest) + check_runs(sql, writers)
    return wrong + check_deliveries(sql, writers, started()) + check_leftovers(sql)
