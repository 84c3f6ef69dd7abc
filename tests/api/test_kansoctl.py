"""What all commands of kansoctl share: --help, --json, exit codes and the manual page. The list of commands is its own, so that
a new one is covered when it has a row."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from typing import Any

import pytest

from kit.ctl import KANSOCTL, kansoctl, results
from kit.process import REPOSITORY
from kit.servers import Kanso, base_environment

# Commands that no table can call: they would change what the other tests stand on, or need more than a made-up operand. Each has
# tests of its own.
ELSEWHERE: set[str] = {
    "backup",
    "deploy status",
    "deploy up",
    "export",
    "prune",
    "secret reencrypt",
    "setup",
    "user add",
}
NOBODY = "00000000000040008000000000000000"


COMMANDS: list[dict[str, Any]] = json.loads(kansoctl("help", "--json").stdout)
NAMES = [command["name"] for command in COMMANDS]
RUN = [command for command in COMMANDS if not command["group"]]


def each(commands: list[dict[str, Any]]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("command", commands, ids=lambda command: command["name"].replace(" ", "-"))


def words(command: dict[str, Any]) -> list[str]:
    return command["name"].split()


@pytest.fixture(scope="module")
def settings(server: Kanso) -> dict[str, str]:
    if not isinstance(server, Kanso):
        pytest.skip("needs the database of a Kanso")
    return server.environment


@each(COMMANDS)
def test_help(command: dict[str, Any]) -> None:
    asked = [kansoctl(*words(command), "--help"), kansoctl(*words(command), "-h"), kansoctl("help", *words(command))]
    for done in asked:
        assert (done.returncode, done.stderr) == (0, "") and done.stdout == asked[0].stdout
    text = asked[0].stdout
    assert text.startswith(f"Usage: kansoctl {command['name']}") and "\n\n" in text and text.endswith("\n")
    assert max(map(len, text.splitlines())) <= 120
    for option in (command["options"] or "").split() + ["json"] * bool(command["columns"]):
        assert f"  --{option}" in text
    if command["group"]:
        inner = [name for name in NAMES if name.startswith(command["name"] + " ")]
        assert inner and all(f"\n  {name} " in text for name in inner)


@each(COMMANDS)
def test_wrong_command_line(command: dict[str, Any]) -> None:
    """One line on standard error that says where help is; nothing is done."""
    wrong = [(["--nonsense"], "--nonsense"), (["-x"], "-x"), (["x"] * (command["most_operands"] + 1), "unexpected 'x'")]
    if command["least_operands"]:
        wrong.append(([], "is missing"))
    if command["group"]:
        wrong += [([], "is missing"), (["dance"], "unexpected 'dance'")]
    for arguments, said in wrong:
        done = kansoctl(*words(command), *arguments)
        assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1), (arguments, done.stderr)
        assert done.stderr.startswith(f"kansoctl {command['name']}: ") and said in done.stderr
        assert f"`kansoctl {command['name']} --help`" in done.stderr


@each([command for command in RUN if command["columns"] and command["name"] not in ELSEWHERE])
def test_json(settings: dict[str, str], command: dict[str, Any]) -> None:
    """With --json there is JSON with exactly the columns of the command's row; or what is named is not there, in one line."""
    done = kansoctl(*words(command), *[NOBODY] * command["least_operands"], "--json", **settings)
    if command["least_operands"] and command["name"] != "help":
        assert (done.returncode, done.stdout, done.stderr.count("\n")) == (4, "", 1), done.stderr
        return
    assert done.returncode in (0, 3), done.stderr
    answer = json.loads(done.stdout)
    assert isinstance(answer, dict) == command["single"]
    for row in [answer] if command["single"] else answer:
        assert list(row) == command["columns"].split()


@each([command for command in RUN if command["connects"]])
def test_no_database(command: dict[str, Any]) -> None:
    done = kansoctl(*words(command), *[NOBODY] * command["least_operands"],
                    ZENML_STORE_URL="mysql://nobody:none@127.0.0.1:1/nothing")
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (1, "", 1), done.stderr
    assert done.stderr.startswith("kanso: cannot reach the database")


def test_list_of_commands() -> None:
    done = kansoctl("--help")
    assert (done.returncode, done.stderr) == (0, "") and done.stdout == kansoctl("help").stdout
    assert all(f"\n  {command['name']} " in done.stdout for command in RUN)
    assert len(set(NAMES)) == len(NAMES)
    for status in range(5):
        assert f"\n  {status}  " in done.stdout
    for wrong in (["dance"], ["--dance"]):
        done = kansoctl(*wrong)
        assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1) and "`kansoctl --help`" in done.stderr
    done = kansoctl()
    assert (done.returncode, done.stdout) == (2, "") and "Usage: kansoctl COMMAND" in done.stderr
    assert kansoctl("help", "dance").returncode == 4


def test_results_that_cannot_be_written() -> None:
    with open("/dev/full", "w") as full:
        for arguments in ["version", "--json"], ["plan"], ["help", "--json"], ["man"], ["plan", "--help"]:
            done = subprocess.run([KANSOCTL, *arguments], env=base_environment(), stdout=full, stderr=subprocess.PIPE, text=True)
            assert done.returncode == 1 and "could not be written" in done.stderr, arguments


def lint(page: str) -> list[str]:
    """What mandoc complains of, but for pages of ours that are not installed here."""
    done = subprocess.run(["mandoc", "-T", "lint"], input=page, capture_output=True, text=True)
    ours = {f"Xr {name}" for name in ("kanso 1", "kansoctl 1", "kanso.conf 5", "cron 8", "systemd 1")}
    return [line for line in done.stdout.splitlines() if re.sub(r" \(\d times\)$", "", line.rpartition(": ")[2]) not in ours]


@pytest.mark.skipif(not shutil.which("mandoc"), reason="needs mandoc")
def test_manual_pages() -> None:
    """Of the commands and of the variables, made from the tables; and of scripts/kanso, written by hand."""
    page, conf = (kansoctl("man", name, SOURCE_DATE_EPOCH="1700000000").stdout for name in ("kansoctl", "kanso.conf"))
    assert page == kansoctl("man", SOURCE_DATE_EPOCH="1700000000").stdout and page.startswith(".Dd November 14, 2023\n")
    assert (lint(page), lint(conf)) == ([], [])
    assert all(f"\n.Ss {command['name']}\n" in page for command in COMMANDS)
    variables = [row["name"] for row in results("config", KANSO_CONF="/dev/null") if row["known"]]
    assert len(variables) > 100 and all(f"\n.It Ev {name}\n" in conf for name in variables)
    assert kansoctl("man", "nothing").returncode == 4
    script = (REPOSITORY / "docs" / "man" / "kanso.1").read_text()
    usage = subprocess.run([REPOSITORY / "scripts" / "kanso", "--help"], capture_output=True, text=True).stdout
    assert lint(script.replace("$Mdocdate$", "November 14, 2023")) == []
    assert set(re.findall(r"^  scripts/kanso ([a-z]+)", usage, re.M)) == set(re.findall(r"^\.It Cm ([a-z]+)", script, re.M))
