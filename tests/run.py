#!/usr/bin/env python3
"""Runs parts of the test suite and closes with one line: `N passed, N failed[, N skipped]`.

    run.py PART... [--beside PART...]
                        of: check, unit, api, security, conformance, fuzz, sanitize, mysql, engine, ways, deploy

Parts run one after the other; those behind --beside at the same time as the last one before it, as much of what tests
do is waiting. What they print comes when they have ended.

ONLY narrows the pytest parts (its -k), SERVER points the API tests to a running server. TENTH, a number, narrows the
part mysql to a tenth of it, by the number's last digit, and to what depends most on the engine; and the part sanitize to
a half. The part engine needs KANSO_TEST_DATABASE (see kit/mariadb.py).

Failures of pytest parts are looked at once more, when nothing else runs: on a busy machine a time-out is no verdict. What
passes then is named as unsteady, and counts as passed, but not more than UNSTEADY_MAX of a run. A test with the marker
`race` has failed if it failed once: threads meet there, and passing when run again is just what a lost race does.
Exit status 1 when anything failed, or when nothing passed.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
import threading
import xml.etree.ElementTree as ET
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Callable

from kit.process import BUILD

ROOT = Path(__file__).resolve().parents[1]
SANITIZED = BUILD / "sanitize"

UNSTEADY_MAX = 2  # of one run, all parts together

counts: Counter[str] = Counter()
output = threading.local()  # .file: where this thread's parts print, when it is not standard output
seconds: list[Callable[[], None]] = []  # what there is to look at once more


def environment(**changes: str) -> dict[str, str]:
    """This environment without what make passes to makes inside of it."""
    return {name: value for name, value in os.environ.items()
            if name not in ("MAKEFLAGS", "MFLAGS", "MAKELEVEL", "MAKEOVERRIDES")} | changes


def out() -> IO[str]:
    return getattr(output, "file", sys.stdout)


def say(text: str) -> None:
    print(text, file=out(), flush=True)


def title(text: str) -> None:
    say(f"\n== {text}")


def unit_program(program: Path, **changes: str) -> None:
    """A cmocka executable: each test counts; one that is missing or ends without a summary counts as failed."""
    if not program.exists():
        say(f"{program.name}: not built")
        counts["failed"] += 1
        return
    done = subprocess.run([str(program)], cwd=ROOT, env=environment(**changes), text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=600)
    found = {word: int(number) for word, number in
             re.findall(r"^\[  (PASSED|FAILED|SKIPPED) *\] (\d+) test", done.stdout, re.M)}
    failed = found.get("FAILED", 0)
    if done.returncode != 0 and not failed:
        failed = 1
    counts.update(passed=found.get("PASSED", 0), failed=failed,
                  skipped=found.get("SKIPPED", 0))
    say(f"{program.name}: {found.get('PASSED', 0)} passed, {failed} failed")
    if failed:
        say(done.stdout[-8000:])


def unit(build: Path = BUILD, **changes: str) -> None:
    """The programs of the sources that there are: what an earlier build has left behind does not run."""
    for source in sorted((ROOT / "tests" / "unit").glob("test_*.c")):
        unit_program(build / "unit" / source.stem, **changes)


@dataclass
class Report:
    """What a junit file says."""

    passed: set[str] = field(default_factory=set)
    failed: set[str] = field(default_factory=set)
    skipped: set[str] = field(default_factory=set)
    races: set[str] = field(default_factory=set)  # of all of them, those with the marker


def read_report(file: Path) -> Report:
    """A missing or broken file is a failure; so is a test whose set-up or tear-down fails."""
    found = Report()
    try:
        cases = list(ET.parse(file).getroot().iter("testcase"))
    except (OSError, ET.ParseError):
        return Report(failed={f"(no report in {file.name})"})
    for case in cases:
        name = f"{case.get('classname')}::{case.get('name')}"
        if case.find("failure") is not None or case.find("error") is not None:
            found.failed.add(name)
        elif case.find("skipped") is not None:
            found.skipped.add(name)
        else:
            found.passed.add(name)
        if any(note.get("name") == "race" for note in case.iter("property")):
            found.races.add(name)
    found.passed -= found.failed  # passed, and then its tear-down failed
    return found


def unsteady_of(first: Report, second: Report) -> set[str]:
    """Of what failed, the tests that passed when run again and may."""
    return (first.failed & second.passed) - first.races


def settle(first: Report, second: Report | None) -> None:
    """Adds up a part: what it says first, and what it says of its failures when they are run again."""
    unsteady = unsteady_of(first, second) if second else set()
    for name in sorted(unsteady):
        say(f"unsteady: {name} passed only when run again")
    for name in sorted(first.failed & first.races & (second.passed if second else set())):
        say(f"failed: {name} passed when run again, but a race that is lost once is lost")
    forgiven = min(len(unsteady), max(0, UNSTEADY_MAX - counts["unsteady"]))
    counts["unsteady"] += len(unsteady)
    if forgiven < len(unsteady):
        say(f"more than {UNSTEADY_MAX} unsteady tests in one run: they count as failed")
    counts["passed"] += len(first.passed) + forgiven
    counts["skipped"] += len(first.skipped)
    counts["failed"] += len(first.failed) - forgiven


def pytest(part: str, *arguments: str, **changes: str) -> None:
    """A directory of tests/; what its own report says is added up. A few failures are looked at once more, later."""
    report, again = BUILD / f"test-{part}.xml", BUILD / f"test-{part}-again.xml"
    report.unlink(missing_ok=True)
    again.unlink(missing_ok=True)
    command = [sys.executable, "-m", "pytest", "-q", "-o", f"cache_dir={BUILD / 'pytest' / part}", *arguments]
    if os.environ.get("ONLY"):
        command += ["-k", os.environ["ONLY"]]
    if os.environ.get("SERVER"):
        command += ["--server-url", os.environ["SERVER"]]

    def run(*more: str) -> None:
        subprocess.run([*command, *more], cwd=ROOT / "tests", env=environment(**changes), stdout=out(), check=False)

    def look_again() -> None:
        title(f"{part}: {len(first.failed)} failed; once more, alone")
        run("--lf", "--lfnf=none", f"--junitxml={again}")
        settle(first, read_report(again))

    run(f"--junitxml={report}")
    first = read_report(report)
    if 0 < len(first.failed) <= 8 and report.exists():
        seconds.append(look_again)
    else:
        settle(first, None)


def check() -> None:
    """The unit tests and, at the same time, one walk through a whole server: seconds."""
    smoke = ThreadPoolExecutor(1).submit(pytest, "smoke", "smoke")
    unit()
    smoke.result()


def fuzz() -> None:
    """The libFuzzer targets, for a few seconds each; each counts as one test."""
    done = subprocess.run(["make", "-s", f"-j{os.cpu_count()}", "fuzz"], cwd=ROOT, env=environment(), text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    targets = len(list((ROOT / "tests" / "fuzz").glob("fuzz_*.c")))
    passed = len(re.findall(r"^\w+: \d+ inputs$", done.stdout, re.M))
    counts.update(passed=passed, failed=targets - passed)
    say(done.stdout)


def sanitize() -> None:
    """The unit tests and the marked API tests on a build with ASan and UBSan."""
    title("building with sanitizers")
    made = subprocess.run(["make", "-s", f"-j{os.cpu_count()}", "MODE=sanitize",
                           f"B={SANITIZED}", "build", "unit"], cwd=ROOT,
                          env=environment(), stdout=out())
    if made.returncode != 0:
        counts.update(failed=1)
        return
    options = {"ASAN_OPTIONS": "detect_leaks=1:abort_on_error=1",
               "UBSAN_OPTIONS": "print_stacktrace=1:halt_on_error=1"}
    unit(SANITIZED, **options)
    narrow = [f"--half={int(os.environ['TENTH']) % 2}"] if os.environ.get("TENTH") else []
    pytest("sanitize", "api", "-m", "sanitize", *narrow, KANSO_BUILD=str(SANITIZED), **options)


def mysql() -> None:
    """The API tests and recorded traffic on MySQL 9.7, where that can be had."""
    engine = subprocess.run([str(ROOT / "tests" / "kit" / "engine"), "mysql-9.7"], env=environment(), text=True,
                            stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    if engine.returncode != 0:
        say(f"left out: {engine.stderr.strip()}")
        counts["skipped"] += 1
        return
    narrow = [f"--tenth={int(os.environ['TENTH']) % 10}"] if os.environ.get("TENTH") else []
    say(f"MySQL 9.7 {' '.join(narrow)}")
    pytest("mysql", "api", "conformance/test_schema.py", "conformance/test_traces.py", *narrow,
           KANSO_TEST_DATABASE="mysql-9.7")


def engine() -> None:
    """All API tests, recorded traffic and the stock client on the engine of KANSO_TEST_DATABASE."""
    name = os.environ["KANSO_TEST_DATABASE"]
    pytest(f"{name}-api", "api")
    pytest(f"{name}-conformance", "conformance")


def ways() -> None:
    """Of the ways to install Kanso, what needs no containers, bare machines or packages of its own, and takes seconds."""
    pytest("ways", "deploy/test_nginx_site.py", "deploy/test_cgi.py", "-m", "quick")


def deploy() -> None:
    """Each way to install Kanso, one after the other; what one needs and is not there is left out, and counted."""
    for way in ("package", "shared_hosting", "nginx_site", "cgi", "compose"):
        title(f"deploy: {way}")
        pytest(f"deploy-{way}", f"deploy/test_{way}.py")


PARTS = {"check": check, "unit": unit, "api": lambda: pytest("api", "api"),
         "security": lambda: pytest("security", "security"),
         "conformance": lambda: pytest("conformance", "conformance"), "fuzz": fuzz,
         "sanitize": sanitize, "mysql": mysql, "engine": engine, "ways": ways, "deploy": deploy}


def run_parts(parts: list[str]) -> None:
    for part in parts:
        title(part)
        PARTS[part]()


def run_aside(parts: list[str], file: IO[str]) -> None:
    output.file = file
    run_parts(parts)


def run_beside(part: str, others: list[str]) -> None:
    """The part, and the others in their order at the same time."""
    with tempfile.TemporaryFile("w+", errors="replace") as file, ThreadPoolExecutor(1) as aside:
        done = aside.submit(run_aside, others, file)
        run_parts([part])
        done.result()
        file.seek(0)
        say(file.read())


def main() -> None:
    at = sys.argv.index("--beside") if "--beside" in sys.argv else len(sys.argv)
    parts, others = sys.argv[1:at], sys.argv[at + 1:]
    if not parts or set(parts + others) - set(PARTS) or (not others and at < len(sys.argv)):
        sys.exit(__doc__)
    BUILD.mkdir(exist_ok=True)
    run_parts(parts[:-1])
    run_beside(parts[-1], others)
    for look_again in seconds:
        look_again()
    if counts["unsteady"]:
        print(f"\n{counts['unsteady']} unsteady", flush=True)
    skipped = f", {counts['skipped']} skipped" if counts["skipped"] else ""
    print(f"\n{counts['passed']} passed, {counts['failed']} failed{skipped}")
    sys.exit(1 if counts["failed"] or not counts["passed"] else 0)


if __name__ == "__main__":
    main()
