#!/usr/bin/env python3
"""Runs parts of the test suite and closes with one line: `N passed, N failed[, N skipped]`.

    run.py PART...      of: unit, api, conformance, fuzz, sanitize

ONLY narrows the pytest parts (its -k), SERVER points the API tests to a running server.
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


def pytest(part: str, *arguments: str, **changes: str) -> None:
    """A directory of tests/; what its own report says is added up."""
    report = BUILD / f"test-{part}.xml"
    report.unlink(missing_ok=True)
    command = [sys.executable, "-m", "pytest", "-q", f"--junitxml={report}", *arguments]
    if os.environ.get("ONLY"):
        command += ["-k", os.environ["ONLY"]]
    if os.environ.get("SERVER"):
        command += ["--server-url", os.environ["SERVER"]]
    subprocess.run(command, cwd=ROOT / "tests", env=environment(**changes), check=False)
    try:
        suites = ET.parse(report).getroot().iter("testsuite")
    except (OSError, ET.ParseError):
        counts.update(failed=1)
        return
    for suite in suites:
        number = {key: int(suite.get(key, 0)) for key in
                  ("tests", "failures", "errors", "skipped")}
        failed = number["failures"] + number["errors"]
        counts.update(passed=number["tests"] - failed - number["skipped"], failed=failed,
                      skipped=number["skipped"])


def fuzz() -> None:
    """The libFuzzer targets, for a few seconds each."""
    done = subprocess.run(["make", "-s", "fuzz"], cwd=ROOT, env=environment(), text=True,
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
    # An executable has its own copy of its group's table, which the library has too: no violation.
    options = {"ASAN_OPTIONS": "detect_leaks=1:abort_on_error=1",
               "UBSAN_OPTIONS": "print_stacktrace=1:halt_on_error=1"}
    os.environ.update(options)
    unit(SANITIZED)
    pytest("sanitize", "api", "-m", "sanitize", KANSO_BUILD=str(SANITIZED))


PARTS = {"unit": unit, "api": lambda: pytest("api", "api"),
         "conformance": lambda: pytest("conformance", "conformance"), "fuzz": fuzz,
         "sanitize": sanitize}


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
