"""make chaos: a long bad day, with a table of what happened."""

from __future__ import annotations

import argparse
import math
import random
import statistics
import sys
import tempfile
import time
from pathlib import Path

from kit.mysql_proxy import CUTS
from kit.process import end_orderly

from . import cluster
from .day import Report, bad_day
from .faults import FAULTS
from .instance import private_instance
from .workload import Load


BACK_WITHIN = 5  # seconds from the end of a fault until a write succeeds


def told(line: str) -> None:
    print(f"{time.strftime('%H:%M:%S')} {line}", flush=True)


def table(report: Report) -> str:
    lines = ["| Fault | Times | Back after, median | longest |", "|---|---|---|---|"]
    for kind, seconds in sorted(report.back.items()):
        lines.append(f"| {kind.replace('_', ' ')} | {len(seconds)} | {statistics.median(seconds):.2f} s | {max(seconds):.2f} s |")
    return "\n".join(lines)


def main() -> int:
    options = argparse.ArgumentParser(prog="python -m chaos", description=__doc__)
    options.add_argument("--faults", type=int, default=100, help="how many (100)")
    options.add_argument("--seed", type=int, default=random.randrange(1000000), help="repeats a day; made up")
    options.add_argument("--writers", type=int, default=6)
    options.add_argument("--rate", type=float, help="requests a second of all writers together, at most (as many as they can)")
    options.add_argument("--minutes", type=float, default=math.inf, help="then no more faults, even if there were fewer")
    options.add_argument("--pause", type=float, default=10, help="seconds that something is stopped for (10)")
    options.add_argument("--only", nargs="*", choices=sorted({*FAULTS, *cluster.FAULTS}), help="these kinds of faults")
    options.add_argument("--cluster", action="store_true", help="on three nodes of a Galera cluster")
    given = options.parse_args()
    end_orderly()
    print(f"seed {given.seed}, {given.faults} faults under {given.writers} writers", flush=True)
    instance, kinds = (cluster.clustered_instance, cluster.FAULTS) if given.cluster else (private_instance, FAULTS)
    with tempfile.TemporaryDirectory(prefix="chaos-") as directory, instance(Path(directory), given.pause, given.faults) as target:
        for kind, reason in target.lacks.items():
            print(f"without {kind}: {reason}")
        report = bad_day(target, given.seed, given.faults, Load(given.writers, given.rate), seconds=given.minutes * 60,
                         names=given.only, kinds_of=kinds, told=told)
        if isinstance(target, cluster.ClusterTarget):
            print(f"{target.conflicts()} transactions lost against one of another node since the nodes were started last")
    print(table(report))
    print(f"{len({text for text, _ in target.cuts})} statements, {sum(1 for hits in target.cuts.values() if hits)} places in them "
          f"where the connection was cut, {sum(target.cuts.values())} times ("
          + ", ".join(f"{sum(hits for (_, at), hits in target.cuts.items() if at == when)} {when}" for when in CUTS)
          + f"); {target.backups} backups")
    print(f"{report.faults()} faults, {report.acknowledged} requests acknowledged, {report.unanswered} without an answer, "
          f"{len(report.wrong)} wrong")
    for each in report.wrong[:50]:
        print(f"  {each}")
    late = sum(1 for each in report.back.values() for seconds in each if seconds > BACK_WITHIN)
    print(f"{late} times it took longer than {BACK_WITHIN} s")
    return 1 if report.wrong or late else 0


sys.exit(main())
