"""The pages of docs/operations that begin with nothing but the programs, followed literally: what is in their blocks of `sh` is
done, page after page, on one machine."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path
from typing import Iterator

import pytest
import requests

from kit.process import BUILD, REPOSITORY, free_port
from kit.servers import base_environment

PAGES = ["install", "users", "keys", "doctor"]
PASSWORD = "followed literally"


class Machine:
    """A directory with kansoctl and kanso on the way to programs, and a person who types the same password everywhere."""

    def __init__(self, directory: Path) -> None:
        self.directory, self.port = directory, free_port()
        self.behind: list[str] = []
        for name, program in (("kansoctl", BUILD / "bin" / "kansoctl"), ("kanso", REPOSITORY / "scripts" / "kanso")):
            (directory / name).symlink_to(program)
        self.environment = base_environment() | {
            "PATH": f"{directory}:{base_environment()['PATH']}", "HOME": str(directory), "KANSO_HOME": str(directory / "home"),
            "KANSO_CONF": str(directory / "kanso.conf"), "KANSO_PORT": str(self.port), "KANSO_BUILD": str(BUILD)}

    def sign_in(self, password: str) -> int:
        return requests.post(f"http://127.0.0.1:{self.port}/api/v1/login", data={"username": "default", "password": password},
                             timeout=60).status_code

    def follow(self, page: str) -> None:
        """What is in the page's blocks; before it what is in the pages before it, where that was not done yet."""
        for name in PAGES[:PAGES.index(page) + 1]:
            if name not in self.behind:
                self.behind.append(name)
                blocks = re.findall(r"^```sh\n(.*?)^```", (REPOSITORY / "docs" / "operations" / f"{name}.md").read_text(), re.M | re.S)
                assert blocks
                for block in blocks:
                    self.run(block)

    def run(self, block: str) -> None:
        for command in block.replace("\\\n", "").splitlines():
            done = subprocess.run(["bash", "-c", command], cwd=self.directory, env=self.environment, input=PASSWORD + "\n",
                                  capture_output=True, text=True, timeout=300)
            assert done.returncode == 0, f"{command}: {done.stdout}{done.stderr}"


@pytest.fixture(scope="module")
def machine(workspace_directory: Path) -> Iterator[Machine]:
    directory = workspace_directory / "op"
    directory.mkdir(mode=0o711)
    made = Machine(directory)
    yield made
    subprocess.run(["bash", "-c", "kanso stop"], env=made.environment, capture_output=True, timeout=120)


@pytest.mark.parametrize("page", PAGES)
def test_followed_literally(machine: Machine, page: str) -> None:
    machine.follow(page)
    first = (machine.directory / "home" / "etc" / "default-password").read_text()
    assert machine.sign_in(PASSWORD if "users" in machine.behind else first) == 200


def test_checks_of_the_doctor_are_explained() -> None:
    text = "".join(file.read_text() for file in (REPOSITORY / "src" / "ctl").glob("doctor*.c"))
    names = set(re.findall(r'\{"([a-z-]+)", check_\w+, (?:true|false)\}', text))
    assert set(re.findall(r"^\| `([a-z-]+)` \|", (REPOSITORY / "docs" / "operations" / "doctor.md").read_text(), re.M)) == names


def test_index_names_every_page() -> None:
    pages = {file.name for file in (REPOSITORY / "docs" / "operations").glob("*.md")} - {"README.md"}
    assert set(re.findall(r"^\| \[([a-z-]+\.md)\]\(\1\)", (REPOSITORY / "docs" / "operations" / "README.md").read_text(), re.M)) == pages
