"""make torture: every operation, with memory or the database failing at each point of it."""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
import time
from pathlib import Path

from kit.mariadb import MariaDB

from .setting import setting
from .tour import tour


def main() -> int:
    options = argparse.ArgumentParser(prog="python -m torture", description=__doc__)
    options.add_argument("--each", type=int, default=60, help="at most so many allocations of each operation fail (60)")
    options.add_argument("--seed", type=int, default=random.randrange(1000000), help="chooses the allocations; made up")
    options.add_argument("--only", default="", help="operations whose line holds this text")
    given = options.parse_args()
    print(f"seed {given.seed}", flush=True)
    begin = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="torture-") as name:
        directory = Path(name)
        directory.chmod(0o755)
        database = MariaDB(directory / "db")
        database.create()
        try:
            with setting(directory, database) as made:
                trials = made.trials(given.each, given.seed)
                for visit in tour(made.audited, directory):
                    if given.only in str(visit):
                        before, at = len(trials.tally.wrong), time.monotonic()
                        trials.visit(visit)
                        print(f"{visit}: {time.monotonic() - at:.1f} s", flush=True)
                        for problem in trials.tally.wrong[before:][:10]:
                            print("  " + problem, flush=True)
        finally:
            database.stop()
    tally = trials.tally
    print(f"\n{tally.operations} requests, {tally.trials()} failures in {time.monotonic() - begin:.0f} s: "
          + ", ".join(f"{count} {outcome}" for outcome, count in tally.outcomes.most_common()))
    print(f"{len(tally.wrong)} wrong, {made.worker.starts} workers")
    return 1 if tally.wrong else 0


sys.exit(main())
