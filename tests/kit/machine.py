"""Machines that have nothing (tests/fresh/machine), with a shell that tests give commands to; and the pages whose commands
these are."""

from __future__ import annotations

import os
import re
import subprocess
import uuid
from pathlib import Path

from .process import REPOSITORY, alive

OURS = re.compile(r"kanso-|nginx|/cgi-bin/|mariadbd")


def cache() -> Path:
    return Path(os.environ.get("KANSO_FRESH_CACHE") or Path.home() / ".cache" / "kanso-fresh")


class Page:
    """A page of docs/install: its commands are those that are tested."""

    def __init__(self, name: str) -> None:
        self.text = (REPOSITORY / "docs" / "install" / name).read_text()

    def blocks(self, heading: str, language: str = "") -> list[str]:
        """The code below a heading, block by block."""
        found = re.search(rf"^## {re.escape(heading)}\n(.*?)(?=^## |\Z)", self.text, re.M | re.S)
        assert found, f"the page has no heading '{heading}'"
        blocks = re.findall(rf"^```{language}\n(.*?)^```$", found.group(1), re.M | re.S)
        assert blocks, f"no code below '{heading}'"
        return blocks


class Machine:
    """A bare Debian 12 with a shell in /srv/kanso or, with `as_user`, in that user's home. The network is this machine's."""

    def __init__(self, *options: str, as_user: bool = True) -> None:
        self.home = "/home/newcomer" if as_user else "/root"
        self.marker = f"/tmp/machine-{uuid.uuid4().hex}"
        command = [str(REPOSITORY / "tests" / "fresh" / "machine"), *(["--as-user"] if as_user else []), *options,
                   f"touch {self.marker}; cd {self.home}; exec bash"]
        environment = {name: value for name, value in os.environ.items() if not name.startswith(("KANSO_", "ZENML_"))}
        if os.environ.get("KANSO_FRESH_CACHE"):
            environment["KANSO_FRESH_CACHE"] = os.environ["KANSO_FRESH_CACHE"]
        self.shell = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                      text=True, env=environment)
        self.run("true")
        self.root = next(path for path in cache().glob("run.*") if (path / self.marker[1:]).exists())
        (self.root / self.marker[1:]).unlink()

    def run(self, script: str, check: bool = True) -> str:
        """Runs a script; what it said. Without `check`, its exit status is the last line."""
        assert self.shell.stdin and self.shell.stdout
        end = f"end-{uuid.uuid4().hex}"
        self.shell.stdin.write(f"( set -e\n{script}\n) </dev/null 2>&1; echo {end} $?\n")
        self.shell.stdin.flush()
        said = []
        for line in self.shell.stdout:
            before, found, status = line.partition(end)
            said.append(before)
            if found:
                text = "".join(said)
                if check and int(status):
                    raise RuntimeError(f"status {int(status)} of:\n{script}\n{text}")
                return text if check else f"{text}\n{int(status)}"
        raise RuntimeError("the machine has ended:\n" + "".join(said))

    def path(self, inside: str) -> Path:
        """What a path of that machine is here."""
        return self.root / inside.lstrip("/")

    def pids(self) -> list[int]:
        """Its processes that are of Kanso, or nginx or a database, as this machine numbers them."""
        found = []
        for each in Path("/proc").glob("[0-9]*"):
            try:
                if os.readlink(each / "root") == str(self.root) and alive(int(each.name)):
                    if OURS.search((each / "cmdline").read_text().replace("\0", " ")):
                        found.append(int(each.name))
            except OSError:
                continue
        return found

    def close(self) -> None:
        if self.shell.stdin:
            self.shell.stdin.close()
        try:
            self.shell.wait(120)
        except subprocess.TimeoutExpired:
            self.shell.terminate()
            self.shell.wait()
