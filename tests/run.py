#!/usr/bin/env python3
"""Runs parts of the test suite and closes with one line: `N passed, N failed[, N skipped]`.

    run.py PART...      of: unit, api, security, conformance, fuzz, sanitize, mysql, engine

ONLY narrows the pytest parts (its -k), SERVER points the API tests to a running server. TENTH, a number, narrows the
part mysql to a tenth of it, by the number's last digit, and to what depends most on the engine. The part engine needs
KANSO_TEST_DATABASE (see kit/mariadb.py).
Exit status 1 when anything failed, or when nothing passed.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import xml.etree.ElementTree as ET
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
BUILD = Path(os.environ.get("KANSO_BUILD") or ROOT / "build")
SANITIZED = BUILD / "sanitize"

counts: Counter[str] = Counter()


def environment(**changes: str) -> dict[str, str]:
    """This environment without what make passes to makes inside of it."""
    return {name: value for name, value in os.environ.items()
            if name not in ("MAKEFLAGS", "MFLAGS", "MAKELEVEL", "MAKEOVERRIDES")} | changes


def title(text: str) -> None:
    print(f"\n== {text}", flush=True)


def unit(build: Path = BUILD) -> None:
    """cmocka executables: each test counts; one that ends without a summary counts as failed."""
    for program in sorted((build / "unit").glob("*")):
        if program.suffix or not os.access(program, os.X_OK):
            continue
        done = subprocess.run([str(program)], cwd=ROOT, env=environment(), text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=600)
        found = {word: int(number) for word, number in
                 re.findall(r"^\[  (PASSED|FAILED|SKIPPED) *\] (\d+) test", done.stdout, re.M)}
        failed = found.get("FAILED", 0)
        if done.returncode != 0 and not failed:
            failed = 1
        counts.update(passed=found.get("PASSED", 0), failed=failed,
                      skipped=found.get("SKIPPED", 0))
        print(f"{program.name}: {found.get('PASSED', 0)} passed, {failed} failed")
        if failed:
            print(done.stdout[-8000:])


def read_report(report: Path) -> Counter[str]:
    """What a junit file counts; a missing or broken one is a failure."""
    found: Counter[str] = Counter()
    try:
        for suite in ET.parse(report).getroot().iter("testsuite"):
            for key in ("tests", "failures", "errors", "skipped"):
                found[key] += int(suite.get(key, 0))
    except (OSError, ET.ParseError):
        found.update(tests=1, failures=1)
    return found


def pytest(part: str, *arguments: str, **changes: str) -> None:
    """A directory of tests/; what its own report says is added up. A few failures are looked at once more, alone: on a
    busy machine a time-out is no verdict. What then passes is named as unsteady."""
    report, again = BUILD / f"test-{part}.xml", BUILD / f"test-{part}-again.xml"
    report.unlink(missing_ok=True)
    again.unlink(missing_ok=True)
    command = [sys.executable, "-m", "pytest", "-q", *arguments]
    if os.environ.get("ONLY"):
        command += ["-k", os.environ["ONLY"]]
    if os.environ.get("SERVER"):
        command += ["--server-url", os.environ["SERVER"]]

    def run(*more: str) -> None:
        subprocess.run([*command, *more], cwd=ROOT / "tests", env=environment(**changes), check=False)

    run(f"--junitxml={report}")
    number = read_report(report)
    failed = number["failures"] + number["errors"]
    counts["passed"] += number["tests"] - failed - number["skipped"]
    counts["skipped"] += number["skipped"]
    if 0 < failed <= 8 and report.exists():
        print(f"\n{failed} failed; once more, alone", flush=True)
        run("--lf", "--lfnf=none", f"--junitxml={again}")
        second = read_report(again)
        still = min(failed, second["failures"] + second["errors"])
        if second["tests"] >= failed:
            print(f"unsteady: {failed - still} passed only when run again", flush=True)
            counts["passed"] += failed - still
            failed = still
    counts["failed"] += failed


def fuzz() -> None:
    """The libFuzzer targets, for a few seconds each; each counts as one test."""
    done = subprocess.run(["make", "-s", f"-j{os.cpu_count()}", "fuzz"], cwd=ROOT, env=environment(), text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    targets = len(list((ROOT / "tests" / "fuzz").glob("fuzz_*.c")))
    passed = len(re.findall(r"^\w+: \d+ inputs$", done.stdout, re.M))
    counts.update(passed=passed, failed=targets - passed)
    print(done.stdout, end="")


def sanitize() -> None:
    """The unit tests and the marked API tests on a build with ASan and UBSan."""
    title("building with sanitizers")
    made = subprocess.run(["make", "-s", f"-j{os.cpu_count()}", "MODE=sanitize",
                           f"B={SANITIZED}", "build", "unit"], cwd=ROOT,
                          env=environment())
    if made.returncode != 0:
        counts.update(failed=1)
        return
    options = {"ASAN_OPTIONS": "detect_leaks=1:abort_on_error=1",
               "UBSAN_OPTIONS": "print_stacktrace=1:halt_on_error=1"}
    os.environ.update(options)
    unit(SANITIZED)
    pytest("sanitize", "api", "-m", "sanitize", KANSO_BUILD=str(SANITIZED))


def mysql() -> None:
    """The API tests and recorded traffic on MySQL 9.7, where that can be had."""
    engine = subprocess.run([str(ROOT / "tests" / "kit" / "engine"), "mysql-9.7"], env=environment(), text=True,
                            stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    if engine.returncode != 0:
        print(f"left out: {engine.stderr.strip()}")
        counts["skipped"] += 1
        return
    narrow = [f"--tenth={int(os.environ['TENTH']) % 10}"] if os.environ.get("TENTH") else []
    print(f"MySQL 9.7 {' '.join(narrow)}", flush=True)
    pytest("mysql", "api", "conformance/test_schema.py", "conformance/test_traces.py", *narrow,
           KANSO_TEST_DATABASE="mysql-9.7")


def engine() -> None:
    """All API tests, recorded traffic and the stock client on the engine of KANSO_TEST_DATABASE."""
    name = os.environ["KANSO_TEST_DATABASE"]
    pytest(f"{name}-api", "api")
    pytest(f"{name}-conformance", "conformance")


PARTS = {"unit": unit, "api": lambda: pytest("api", "api"),
         "security": lambda: pytest("security", "security"),
         "conformance": lambda: pytest("conformance", "conformance"), "fuzz": fuzz,
         "sanitize": sanitize, "mysql": mysql, "engine": engine}


def main() -> None:
    parts = sys.argv[1:]
    if not parts or set(parts) - set(PARTS):
        sys.exit(__doc__)
    BUILD.mkdir(exist_ok=True)
    for part in parts:
        title(part)
        PARTS[part]()
    skipped = f", {counts['skipped']} skipped" if counts["skipped"] else ""
    print(f"\n{counts['passed']} passed, {counts['failed']} failed{skipped}")
    sys.exit(1 if counts["failed"] or not counts["passed"] else 0)


if __name__ == "__main__":
    main()
