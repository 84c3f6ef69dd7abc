"""Compares what writers were promised with what the database holds."""

from __future__ import annotations

import base64
import json
import re
import time
from collections import Counter
from typing import Callable

from kit.api import Api
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


def steps_of_runs(sql: Sql) -> tuple[dict[str, dict[str, tuple[str, str]]], list[str]]:
    """Id and status of each step, by run and name; and what is there twice."""
    steps: dict[str, dict[str, tuple[str, str]]] = {}
    wrong = []
    for run, name, identifier, status in sql("SELECT pipeline_run_id, name, id, status FROM step_run"):
        if name in steps.setdefault(run, {}):
            wrong.append(f"twice: step {name} of run {run}")
        steps[run][name] = (identifier, status)
    return steps, wrong


def check_statuses(runs: dict[str, tuple[str, str]], steps: dict[str, dict[str, tuple[str, str]]]) -> list[str]:
    """Of all runs that writers have made, acknowledged or not."""
    wrong = []
    for name, (identifier, status) in runs.items():
        if status != (should := status_of([each for _, each in steps.get(identifier, {}).values()])):
            wrong.append(f"wrong: run {name} is {status}, by its steps {should}")
    return wrong


def check_runs(sql: Sql, writers: list[Writer]) -> list[str]:
    rows = sql("SELECT name, id, status FROM pipeline_run WHERE name LIKE 'c-%'")
    wrong = [f"twice: run {name}" for name, count in Counter(row[0] for row in rows).items() if count > 1]
    found = {name: (identifier, status) for name, identifier, status in rows}
    steps, twice = steps_of_runs(sql)
    for writer in writers:
        for name, run in writer.journal.runs.items():
            wrong += compare("run", name, run.promise, found.get(name))
            its = steps.get(found[name][0], {}) if name in found else {}
            for step, promise in run.steps.items():
                wrong += compare(f"step {step} of run", name, promise, its.get(step))
    return wrong + twice + check_statuses(found, steps)


def check_snapshot(sql: Sql) -> list[str]:
    """What was restored from a backup is of one moment: statuses follow from steps, and no step is without its run."""
    rows = sql("SELECT name, id, status FROM pipeline_run WHERE name LIKE 'c-%'")
    steps, wrong = steps_of_runs(sql)
    wrong += check_statuses({name: (identifier, status) for name, identifier, status in rows}, steps)
    alone = sql("SELECT COUNT(*) FROM step_run s LEFT JOIN pipeline_run r ON r.id = s.pipeline_run_id WHERE r.id IS NULL")[0][0]
    return [f"backup: {each}" for each in wrong + ([f"{alone} steps without their run"] if alone != "0" else [])]


def check_versions(sql: Sql, writers: list[Writer]) -> list[str]:
    """Numbers from 1 on, without a gap: none was deleted."""
    rows = sql("SELECT id, number, name FROM model_version")
    numbers = sorted(int(row[1]) for row in rows)
    wrong = [] if numbers == list(range(1, len(rows) + 1)) else ["wrong: the numbers of model versions"]
    wrong += [f"wrong: model version {number} has the name {name}" for _, number, name in rows if number != name]
    found = {identifier: int(number) for identifier, number, _ in rows}
    for writer in writers:
        for identifier, number in writer.journal.versions.items():
            if (has := found.get(hexadecimal(identifier))) != number:
                wrong.append(f"wrong: model version {number} has the number {has}" if has else f"lost: model version {number}")
    return wrong


def check_secrets(sql: Sql, api: Api, writers: list[Writer]) -> list[str]:
    rows = sql("SELECT name, id FROM secret WHERE name LIKE 'c-%'")
    wrong = [f"twice: secret {name}" for name, count in Counter(row[0] for row in rows).items() if count > 1]
    found = {name: (identifier, api.read(f"/secrets/{identifier}")["body"]["values"]["v"]) for name, identifier in rows}
    for writer in writers:
        for name, secret in writer.journal.secrets.items():
            wrong += compare("secret", name, secret, found.get(name))
    return wrong


# What writers make, as tables and the audit log call it.
AUDITED = ("tag", "pipeline_run", "step_run", "model_version", "secret")


def check_audit(sql: Sql) -> list[str]:
    """Each row that is there was made by exactly one entry, and each that was made is there or was deleted by one."""
    wrong = []
    for kind in AUDITED:
        there = {row[0] for row in sql(f"SELECT id FROM {kind}")}
        entries: dict[str, Counter[str]] = {"created": Counter(), "deleted": Counter()}
        for identifier, effect, count in sql(
                "SELECT object_id, effect, COUNT(*) FROM kanso_audit WHERE outcome = 'done' AND effect IN ('created', 'deleted') "
                f"AND object_type = '{kind}' GROUP BY object_id, effect"):
            entries[effect][identifier] = int(count)
        made, gone = entries["created"], entries["deleted"]
        wrong += [f"audit: {kind} {each} was {effect} {count} times" for effect, counter in entries.items()
                  for each, count in counter.items() if count > 1]
        wrong += [f"audit: {kind} {each} has no entry" for each in there - set(made)]
        wrong += [f"audit: {kind} {each} is not there" for each in set(made) - set(gone) - there]
        wrong += [f"audit: {kind} {each} was deleted and is there" for each in set(gone) & there]
    return wrong


def jobs_of_deliveries(sql: Sql) -> tuple[int, int]:
    """How many are left of what deliveries lead to, and how many are done. (Workloads are watched for as long as they run.)"""
    [[left, done]] = sql("SELECT COALESCE(SUM(state IN ('waiting', 'running')), 0), COALESCE(SUM(state = 'done'), 0) "
                         "FROM kanso_job WHERE kind <> 'watch'")
    return int(left), int(done)


def wait_for_jobs(sql: Sql, seconds: float = 120) -> None:
    """Until what deliveries lead to has come to its end, which may take as long as it likes while it goes on."""
    left, done = jobs_of_deliveries(sql)
    while left:
        wait_until(lambda done=done: jobs_of_deliveries(sql)[1] != done, seconds,  # type: ignore[misc]
                   "progress of the background work")
        time.sleep(1)
        left, done = jobs_of_deliveries(sql)


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


def check(sql: Sql, api: Api, writers: list[Writer], contest: Contest, started: Callable[[], list[str]]) -> list[str]:
    """Everything that is wrong, a line each."""
    wrong = [re.sub(r"\s+", " ", each) for writer in writers for each in writer.journal.wrong]
    wait_for_jobs(sql)
    wrong += check_tags(sql, writers, contest) + check_runs(sql, writers) + check_versions(sql, writers)
    wrong += check_secrets(sql, api, writers) + check_audit(sql)
    return wrong + check_deliveries(sql, writers, started()) + check_leftovers(sql)
