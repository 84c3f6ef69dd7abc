"""make torture: every operation, with memory or the database failing at each point of it."""

from __future__ import annotations

import argparse
import random
import sys
import time

from kit.mariadb import private_database

from .setting import setting
from .tour import tour

VALGRIND = ("valgrind", "--quiet", "--leak-check=full", "--show-leak-kinds=definite,indirect",
            "--errors-for-leak-kinds=definite,indirect", "--error-exitcode=99")


def main() -> int:
    options = argparse.ArgumentParser(prog="python -m torture", description=__doc__)
    options.add_argument("--each", type=int, default=60, help="at most so many allocations of each operation fail (60)")
    options.add_argument("--seed", type=int, default=random.randrange(1000000), help="chooses the allocations; made up")
    options.add_argument("--only", default="", help="operations whose line holds this text")
    options.add_argument("--skip", type=int, default=0, help="so many of the operations are left out first: those of a tour that was ended")
    options.add_argument("--checked", action="store_true", help="memory does not fail: for a build with sanitizers")
    options.add_argument("--valgrind", action="store_true", help="the same, under valgrind")
    given = options.parse_args()
    memory = not given.checked and not given.valgrind
    print(f"seed {given.seed}", flush=True)
    begin = time.monotonic()
    with private_database("torture-") as (directory, database):
        with setting(directory, database, *(VALGRIND if given.valgrind else ())) as made:
            trials = made.trials(given.each, given.seed, memory)
            if memory and not given.skip:
                trials.first_requests()
            for visit in tour(made.audited, directory)[given.skip:]:
                if given.only in str(visit):
                    before, at = len(trials.tally.wrong), time.monotonic()
                    trials.visit(visit)
                    trials.tally.wrong += made.worker.faults_found()
                    print(f"{visit}: {time.monotonic() - at:.1f} s", flush=True)
                    for problem in trials.tally.wrong[before:][:10]:
                        print("  " + problem, flush=True)
            if status := made.worker.end():
                found = made.worker.faults_found()
                trials.tally.wrong += [*found, f"the worker ended with {status}"]
                print(*found, made.worker.log.read_text(errors="replace")[-20000:], sep="\n")
    tally = trials.tally
    print(f"\n{tally.operations} requests, {tally.trials()} failures in {time.monotonic() - begin:.0f} s: "
          + ", ".join(f"{count} {outcome}" for outcome, count in tally.outcomes.most_common()))
    print(f"{len(tally.wrong)} wrong, {made.worker.starts} workers")
    return 1 if tally.wrong else 0


sys.exit(main())
