"""One bad day: writers, faults at random, and the reckoning."""

from __future__ import annotations

import math
import random
import subprocess
import threading
import time
from dataclasses import dataclass, field
from typing import Callable

import requests

from kit.api import Api
from kit.process import wait_until

from .check import check, check_snapshot, jobs_of_deliveries
from .faults import FAULTS, Fault, Target
from .workload import Load, start


@dataclass
class Report:
    seed: int
    acknowledged: int = 0
    unanswered: int = 0
    back: dict[str, list[float]] = field(default_factory=dict)  # seconds until the server took a write again
    wrong: list[str] = field(default_factory=list)
    deadlocks: int = 0  # that the database has counted since it was started last

    def faults(self) -> int:
        return sum(map(len, self.back.values()))


def takes_writes(api: Api) -> bool:
    try:
        return api.post("/tags", {"name": f"b-{time.time_ns()}", "color": "blue"}, timeout=5).ok
    except requests.RequestException:
        return False


def count_unfinished(target: Target, load: Load) -> None:
    """Where the database is just away, the count of before holds."""
    try:
        load.unfinished = jobs_of_deliveries(target.sql)[0]
    except (RuntimeError, subprocess.TimeoutExpired):
        pass


def restored(target: Target) -> list[str]:
    """What is wrong with the last backup that was made meanwhile."""
    host = target.hosts[0]
    if not target.backups:
        return []
    target.sql("CREATE DATABASE restored CHARACTER SET utf8mb4; GRANT ALL ON restored.* TO kanso@localhost")
    url = f"mysql://kanso:{host.mariadb.password}@localhost/restored?unix_socket={host.home / 'db' / 'mariadb.sock'}"
    done = subprocess.run([str(host.build / "bin" / "kansoctl"), "restore", str(host.home.parent / "backup.gz")], text=True,
                          env=host.environment | {"ZENML_STORE_URL": url}, capture_output=True, timeout=900)
    if done.returncode:
        return [f"restore: {done.stderr}"]
    return check_snapshot(lambda statement: target.sql("USE restored; " + statement))


def bad_day(target: Target, seed: int, faults: int, load: Load, patience: float = 60, seconds: float = math.inf,
            names: list[str] | None = None, kinds_of: dict[str, Fault] = FAULTS,
            told: Callable[[str], None] = lambda line: None) -> Report:
    """`faults` of them, one of each kind before any comes again, each once both hosts have recovered from the last; fewer
    when that takes longer than `seconds`."""
    chance, report, ended = random.Random(seed), Report(seed), threading.Event()
    urls = [host.url for host in target.hosts]
    probes = [Api(url) for url in urls]
    at_work, contest = start(urls, seed, load, ended)
    possible = [name for name in names or kinds_of if name not in target.lacks]
    kinds: list[str] = []
    end = time.monotonic() + seconds
    try:
        for number in range(faults):
            if time.monotonic() > end:
                break
            if not kinds:
                kinds = list(possible)
                chance.shuffle(kinds)
            kind = kinds.pop()
            time.sleep(chance.uniform(0.1, 1))
            kinds_of[kind](target, chance)
            begin = time.monotonic()
            wait_until(lambda: all(takes_writes(probe) for probe in probes), patience, f"the server after {kind} (seed {seed})")
            report.back.setdefault(kind, []).append(time.monotonic() - begin)
            told(f"{number + 1} {kind}: back after {report.back[kind][-1]:.2f} s")
            count_unfinished(target, load)
            if target.clock:
                target.clock.sweep()
    except (Exception, KeyboardInterrupt, SystemExit) as error:  # the day is shorter; what it was good for until then is compared all the same
        target.wrong.append(f"{kind}: {type(error).__name__}: {error}")
        told(target.wrong[-1])
    finally:
        ended.set()
        told(f"the reckoning, with {load.unfinished} jobs unfinished")
        for writer in at_work:
            writer.join(90)
    report.wrong = [f"a writer hangs (seed {seed})" for writer in at_work if writer.is_alive()] + target.wrong
    report.wrong += check(target.sql, probes[0], at_work, contest,
                          lambda: [call["workload_id"] for call in target.workloads.calls("run")])
    report.wrong += restored(target) + target.differences()
    report.acknowledged = sum(writer.journal.acknowledged for writer in at_work)
    report.unanswered = sum(writer.journal.unanswered for writer in at_work)
    report.deadlocks = int(target.sql("SHOW GLOBAL STATUS LIKE 'Innodb_deadlocks'")[0][1])
    return report
