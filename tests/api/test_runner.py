"""What tests/run.py makes of tests that pass only when run again, and of programs without a source."""

from __future__ import annotations

import ast
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from kit.process import REPOSITORY

UNSTEADY = '''
from pathlib import Path
import pytest

def passes_at_the_second_try(name):
    mark = Path(__file__).with_name(name + ".mark")
    seen = mark.exists()
    mark.touch()
    assert seen

def test_steady():
    pass
'''
ONE = "def test_{0}():\n    passes_at_the_second_try('{0}')\n"
PROGRAM = "#!/bin/sh\necho '[  PASSED  ] 1 test(s).'\n"


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """The runner with tests of its own."""
    shutil.copytree(REPOSITORY / "tests" / "kit", tmp_path / "tests" / "kit")
    for name in ("run.py", "conftest.py", "pytest.ini"):
        shutil.copy(REPOSITORY / "tests" / name, tmp_path / "tests")
    for name in ("tests/api", "tests/unit", "build/unit"):
        (tmp_path / name).mkdir(parents=True)
    return tmp_path


def run(copy: Path, part: str) -> tuple[int, str]:
    environment = {name: value for name, value in os.environ.items() if name not in ("ONLY", "SERVER", "TENTH")}
    done = subprocess.run([sys.executable, str(copy / "tests" / "run.py"), part], text=True, timeout=300,
                          capture_output=True, env=environment | {"KANSO_BUILD": str(copy / "build")})
    return done.returncode, done.stdout


@pytest.mark.parametrize("body,code,last", [
    (ONE.format("a") + ONE.format("b"), 0, "2 unsteady\n\n3 passed, 0 failed"),
    ("".join(ONE.format(name) for name in "abc"), 1, "3 unsteady\n\n3 passed, 1 failed"),
    (ONE.format("a") + "@pytest.mark.race\n" + ONE.format("b"), 1, "1 unsteady\n\n2 passed, 1 failed"),
    ("pytestmark = pytest.mark.race\n" + ONE.format("a"), 1, "1 passed, 1 failed"),
    ("def test_never():\n    assert False\n", 1, "1 passed, 1 failed"),
    ("@pytest.fixture\ndef leaving():\n    yield\n    assert False\n"
     "def test_leaving(leaving):\n    pass\n", 1, "1 passed, 1 failed"),
], ids=["two", "three", "a race", "a file of races", "never", "tear-down"])
def test_passing_only_when_run_again(copy: Path, body: str, code: int, last: str) -> None:
    (copy / "tests" / "api" / "test_it.py").write_text(UNSTEADY + body)
    ended, output = run(copy, "api")
    assert output.endswith("\n" + last + "\n"), output
    assert ended == code


def test_programs_without_a_source(copy: Path) -> None:
    """They do not run; a source without a program has failed."""
    for name in ("test_here", "test_gone"):
        program = copy / "build" / "unit" / name
        program.write_text(PROGRAM)
        program.chmod(0o755)
    (copy / "tests" / "unit" / "test_here.c").touch()
    code, output = run(copy, "unit")
    assert code == 0 and output.splitlines()[-1] == "1 passed, 0 failed" and "test_gone" not in output
    (copy / "tests" / "unit" / "test_new.c").touch()
    code, output = run(copy, "unit")
    assert code == 1 and "test_new: not built" in output


# Tests with threads that share no state of the server.
NO_RACE = {
    "test_auth_limits.py::test_bcrypt_for_strangers_holds_up_nobody": "how long others wait",
    "test_auth_schemes.py::test_slow_authenticator": "how long others wait",
    "test_connector_faults.py::test_others_do_not_wait": "how long others wait",
    "test_database_faults.py::test_a_worker_killed_at_the_end": "one request while its worker is killed",
    "test_filters.py::test_same_ids_and_totals": "reads from two servers",
    "test_monitoring.py::test_every_request_is_counted": "requests before and after a kill; how many",
    "test_monitoring.py::test_killed_while_they_count": "how many, whatever met",
    "test_monitoring.py::test_probes_do_not_wait": "how long others wait",
    "test_monitoring.py::test_slow_requests": "one request while the database stands still",
    "test_operation.py::test_foreground_until_interrupted": "a timer ends what hangs",
    "test_operation.py::test_requests_in_hand_are_answered": "one request while the server stops",
    "test_workers.py::test_request_in_hand_is_finished": "one request while its worker stops",
}


def uses_threads(test: ast.FunctionDef) -> bool:
    return any(isinstance(node, ast.Call) and ast.unparse(node.func) in
               ("ThreadPoolExecutor", "threading.Thread", "threading.Timer", "Thread") for node in ast.walk(test))


def is_race(tree: ast.Module, test: ast.FunctionDef) -> bool:
    marks = [node.value for node in tree.body if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "pytestmark"]
    return any("mark.race" in ast.unparse(mark) for mark in [*marks, *test.decorator_list])


def test_tests_with_threads_are_races() -> None:
    """They have the marker, or stand above with the reason why not."""
    found = set()
    for file in sorted((REPOSITORY / "tests").glob("*/test_*.py")):
        tree = ast.parse(file.read_text())
        found |= {f"{file.name}::{test.name}" for test in tree.body
                  if isinstance(test, ast.FunctionDef) and test.name.startswith("test_")
                  and uses_threads(test) and not is_race(tree, test)}
    assert not (found - set(NO_RACE)), "mark them `race`, or say in NO_RACE why they are none"
    assert not (set(NO_RACE) - found), "not there any more"
