"""What the ways to install Kanso are tested with: `make check-deploy` has built the tarball and the package."""

from __future__ import annotations

import os
import secrets
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Callable, Iterator

import pytest
import requests

from kit.machine import Machine, cache
from kit.mariadb import MariaDB
from kit.process import REPOSITORY, executable_of, wait_until
from kit.servers import JWT_KEY, PASSWORD, SECRETS_KEY, Reference, base_environment
from kit.stock import StockClient

BUILD = Path(os.environ.get("KANSO_BUILD") or REPOSITORY / "build")


@dataclass
class Hosted:
    """A database as a hoster gives it: a user who has rights on that one and on nothing else."""

    mariadb: MariaDB
    name: str
    url: str


def tarball(directory: Path) -> Path:
    found = list(directory.glob("kanso-*-linux-*.tar.gz"))
    if not found:
        pytest.skip(f"no tarball in {directory}: make check-deploy builds it")
    assert len(found) == 1, found
    return found[0]


class Home:
    """A home directory on this machine, in which the commands of a page are run."""

    def __init__(self, path: Path) -> None:
        self.path = path
        path.mkdir()
        path.chmod(0o755)

    def run(self, commands: str, given: str = "") -> str:
        """What they say. `given` is what they are told on standard input."""
        done = subprocess.run(["bash", "-euc", commands], cwd=self.path, env=base_environment() | {"HOME": str(self.path)},
                              input=given, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=300)
        assert done.returncode == 0, f"{commands}\n{done.stdout}"
        return done.stdout

    def processes(self) -> list[str]:
        """The programs from here that run."""
        running = (executable_of(int(each.name)) for each in Path("/proc").glob("[0-9]*"))
        return [name for name in running if name.startswith(f"{self.path}/")]


@pytest.fixture
def home(hosted: "Hosted", workspace_directory: Path) -> Home:
    return Home(workspace_directory / f"home-{hosted.name}")


@pytest.fixture
def hosted(mariadb: MariaDB) -> Hosted:
    name, password = mariadb.new_database(), secrets.token_hex(8)
    mariadb.sql(f"CREATE USER {name}@'%' IDENTIFIED BY '{password}'")
    mariadb.sql(f"GRANT ALL ON {name}.* TO {name}@'%'")
    return Hosted(mariadb, name, f"mysql://{name}:{password}@127.0.0.1:{mariadb.port}/{name}")


@pytest.fixture
def machine() -> Iterator[Callable[..., Machine]]:
    """Start a bare machine; it is gone at the end."""
    if os.getuid() != 0:
        pytest.skip("machines need root")
    running: list[Machine] = []

    def start(*options: str, as_user: bool = True) -> Machine:
        running.append(Machine(*options, as_user=as_user))
        return running[-1]

    yield start
    for each in running:
        each.close()
        assert not each.root.exists(), f"{each.root} is left in {cache()}"


@pytest.fixture
def stock(zenml_venv: Path, tmp_path: Path) -> StockClient:
    return StockClient(zenml_venv, tmp_path / "client")


@pytest.fixture
def way_back(zenml_venv: Path, tmp_path: Path) -> Callable[[Hosted], None]:
    """ZenML 0.66.0 opens the database that Kanso has left, and shows the client's run."""

    def go(hosted: Hosted) -> None:
        reference = Reference(zenml_venv, tmp_path / "reference", hosted.mariadb, hosted.name)
        try:
            reference.start()
            token = requests.post(reference.url + "/api/v1/login", timeout=60,
                                  data={"username": "default", "password": PASSWORD}).json()["access_token"]
            runs = requests.get(reference.url + "/api/v1/runs", timeout=60, headers={"Authorization": f"Bearer {token}"})
            assert [run["body"]["status"] for run in runs.json()["items"]] == ["completed"], runs.text
        finally:
            reference.stop()

    return go


def settings(text: str, hosted: Hosted, **more: str | int) -> str:
    """The example of a page with its database, and what tests add."""
    lines = [f"ZENML_STORE_URL={hosted.url}" if line.startswith("ZENML_STORE_URL=") else line for line in text.splitlines()]
    values = {"ZENML_DEFAULT_USER_PASSWORD": PASSWORD, "ZENML_SECRETS_STORE_ENCRYPTION_KEY": SECRETS_KEY,
              "ZENML_SERVER_JWT_SECRET_KEY": JWT_KEY, "KANSO_LOGIN_RATE": "0"} | more
    names = tuple(f"{name}=" for name in values)
    return "\n".join([line for line in lines if not line.startswith(names)] + [f"{name}={value}" for name, value in values.items()]) + "\n"


def wait_ready(url: str, path: str = "/ready", seconds: float = 30) -> None:
    def ready() -> bool:
        try:
            return requests.get(url + path, timeout=5).status_code == 200
        except requests.RequestException:
            return False

    wait_until(ready, seconds, url + path)


