"""One bad day: writers, faults at random, and the reckoning."""

from __future__ import annotations

import random
import threading
import time
from dataclasses import dataclass, field

import requests

from kit.api import Api
from kit.process import wait_until

from .check import check
from .faults import FAULTS, Target
from .workload import start


@dataclass
class Report:
    seed: int
    acknowledged: int = 0
    unanswered: int = 0
    back: dict[str, list[float]] = field(default_factory=dict)  # seconds until the server took a write again
    wrong: list[str] = field(default_factory=list)

    def faults(self) -> int:
        return sum(map(len, self.back.values()))


def takes_writes(api: Api) -> bool:
    try:
        return api.post("/tags", {"name": f"b-{time.time_ns()}", "color": "blue"}, timeout=5).ok
    except requests.RequestException:
        return False


def bad_day(target: Target, seed: int, faults: int, writers: int = 6, patience: float = 60,
            names: list[str] | None = None) -> Report:
    """`faults` of them, one of each kind before any comes again, each once the server has recovered from the last."""
    chance, report, ended = random.Random(seed), Report(seed), threading.Event()
    probe = Api(target.kanso.url)
    at_work, contest = start(target.kanso.url, seed, writers, ended)
    kinds: list[str] = []
    try:
        for _ in range(faults):
            if not kinds:
                kinds = list(names or FAULTS)
                chance.shuffle(kinds)
            kind = kinds.pop()
            time.sleep(chance.uniform(0.1, 1))
            FAULTS[kind](target, chance)
            begin = time.monotonic()
            wait_until(lambda: takes_writes(probe), patience, f"the server after {kind} (seed {seed})")
            report.back.setdefault(kind, []).append(time.monotonic() - begin)
    finally:
        ended.set()
        for writer in at_work:
            writer.join(90)
    report.wrong = [f"a writer hangs (seed {seed})" for writer in at_work if writer.is_alive()]
    report.wrong += check(target.sql, at_work, contest,
                          lambda: [call["workload_id"] for call in target.workloads.calls("run")])
    report.acknowledged = sum(writer.journal.acknowledged for writer in at_work)
    report.unanswered = sum(writer.journal.unanswered for writer in at_work)
    return report
