#!/usr/bin/env python3
"""What a request costs nginx, the worker and the database: their time on a processor, system calls and switches.

    cost.py [--runs 100] [--times 50] [--only runs]

Times that a client sees depend on what else the machine does; these hardly do. Needs perf and the right to look at other
processes (root).
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from bench import SETTLED, Line, fill, furnish, lists_of, requests_of  # noqa: E402
from data import Copier  # noqa: E402
from kit.api import Api  # noqa: E402
from kit.factory import World  # noqa: E402
from kit.mariadb import private_database  # noqa: E402
from kit.servers import Kanso  # noqa: E402

EVENTS = ["raw_syscalls:sys_enter", "context-switches"]
MADE = 20    # runs that are made through the API; the others are copies
BEGUN = 0.3  # seconds that perf may take to attach


def on_processor(pids: list[int]) -> float:
    """Seconds that all threads of the processes have had a processor."""
    return sum(int(stat.read_text().split()[0]) for pid in pids
               for stat in Path(f"/proc/{pid}/task").glob("*/schedstat")) / 1e9


def counted(pids: list[int], call: object, times: int) -> list[float]:
    """Microseconds, system calls and switches of one call."""
    with tempfile.NamedTemporaryFile("r") as table:
        perf = subprocess.Popen(["perf", "stat", "-x", ";", "-o", table.name, "-e", ",".join(EVENTS),
                                 "-p", ",".join(map(str, pids)), "--", "sleep", "600"], stderr=subprocess.DEVNULL)
        time.sleep(BEGUN)
        before = on_processor(pids)
        for _ in range(times):
            call()  # type: ignore[operator]
        taken = on_processor(pids) - before
        for child in Path(f"/proc/{perf.pid}/task/{perf.pid}/children").read_text().split():
            subprocess.run(["kill", child], check=True)
        perf.wait(timeout=30)
        text = table.read()
    return [taken / times * 1e6] + [
        int(re.search(rf"^(\d+);[^;]*;{event}", text, re.M).group(1)) / times for event in EVENTS]  # type: ignore[union-attr]


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--runs", type=int, default=100)
    options.add_argument("--times", type=int, default=50)
    options.add_argument("--only", default="")
    wanted = options.parse_args()
    with private_database("kc-") as (directory, mariadb):
        kanso = Kanso(directory / "k", mariadb)
        try:
            kanso.start()
            world = World(Api(kanso.url))
            fill(world, MADE)
            furnish(world)
            Copier(mariadb, kanso.database).grow(wanted.runs // MADE)
            line = Line(kanso)
            calls = {label: lambda call=call: call(line) for label, call in requests_of(world).items()}
            calls |= {label: lambda path=path: line.ask("GET", path) for label, path in lists_of(world).items()}
            assert mariadb.process
            parts = {"nginx": kanso.front(), "worker": kanso.workers(), "database": [mariadb.process.pid]}
            print(f"{'request':<34}{'KB':>6}" + "".join(f"{part + ' us':>13}{'calls':>7}{'sw.':>6}" for part in parts), flush=True)
            calls = {label: call for label, call in calls.items() if wanted.only in label}
            for wait in (SETTLED, SETTLED, 0):  # what has come lately is counted each time (src/resource/total.h)
                for call in 5 * list(calls.values()):
                    call()
                time.sleep(wait)
            for label, call in calls.items():
                for _ in range(5):
                    call()
                cost = {part: counted(pids, call, wanted.times) for part, pids in parts.items()}
                print(f"{label:<34}{line.size / 1000:>6.1f}" + "".join(
                    f"{us:>13.0f}{system:>7.1f}{switches:>6.1f}" for us, system, switches in cost.values()), flush=True)
        finally:
            kanso.stop()


if __name__ == "__main__":
    main()
