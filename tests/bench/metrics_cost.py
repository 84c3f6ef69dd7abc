"""What counting costs: instructions of a worker for one of the smallest requests there are, with counters and without.

    KANSO_BUILD=build build/venv/bin/python tests/bench/metrics_cost.py

Needs valgrind. Prints instructions a request, and the share of the functions that count.
"""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from kit import fastcgi  # noqa: E402
from kit.process import BUILD  # noqa: E402

PATH = "/api/v1/version"  # asks no database


def instructions(directory: Path, home: str, count: int) -> tuple[int, Path]:
    """Of a worker that answers `count` requests and ends; and the profile."""
    profile = directory / f"profile-{bool(home)}-{count}"
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(directory / f"s-{bool(home)}-{count}"))
    listener.listen(64)
    worker = subprocess.Popen(
        ["valgrind", "--tool=callgrind", f"--callgrind-out-file={profile}", str(BUILD / "cgi-bin" / "server")],
        stdin=listener, stderr=subprocess.PIPE, text=True,
        env={"PATH": os.environ["PATH"], "KANSO_WORKER_MEMORY": "0", "KANSO_MAX_REQUESTS": str(count),
             "ZENML_STORE_URL": "mysql://nobody@127.0.0.1:1/none"} | ({"KANSO_HOME": home} if home else {}))
    for _ in range(count):
        status, *_ = fastcgi.parse(fastcgi.call(listener.getsockname(), fastcgi.environment("GET", PATH) | {"REQUEST_ID": "0123456789abcdef"}))
        assert status == 200, status
    said = worker.communicate(timeout=60)[1]
    return int(re.search(r"Collected : (\d+)", said).group(1)), profile  # type: ignore[union-attr]


def main() -> None:
    few, many = 100, 1100
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        (directory / "tmp").mkdir()
        cost = {}
        for home in (str(directory), ""):
            first, _ = instructions(directory, home, few)
            last, profile = instructions(directory, home, many)
            cost[bool(home)] = (last - first) / (many - few)
            if home:
                table = subprocess.run(["callgrind_annotate", "--inclusive=yes", "--threshold=100", str(profile)],
                                       check=True, capture_output=True, text=True).stdout
    print(f"instructions a request: {cost[True]:.0f} with counters that are shared, {cost[False]:.0f} without")
    print(f"counters: {100 * (cost[True] - cost[False]) / cost[False]:.2f} %")
    for function in ("metric_request", "metric_busy", "metric_idle", "operation_count", "operation_report", "request_id"):
        if found := re.search(rf"^\s*([\d,]+) .*:{function} ", table, re.M):
            print(f"  {function}: {int(found.group(1).replace(',', '')) / many:.0f}")


if __name__ == "__main__":
    main()
