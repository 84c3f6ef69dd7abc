"""Fixtures: a private MariaDB per session, Kanso instances on it, clients logged in to them.

With --server-url the API tests run against a server that is already up instead (user
`default`, password `pw`), for instance the reference; what needs to look into the database
or to start servers is then skipped. With KANSO_TEST_DATABASE=mysql-9.7 the database is of
that engine (see kit/mariadb.py).
"""

from __future__ import annotations

import itertools
import os
import signal
import sys
import tempfile
import threading
import uuid
import zlib
from pathlib import Path
from typing import Any, Callable, Iterator

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent))

from kit import api as kit_api  # noqa: E402
from kit.api import Api  # noqa: E402
from kit.factory import World  # noqa: E402
from kit.mariadb import MariaDB, Unavailable  # noqa: E402
from kit.process import REPOSITORY  # noqa: E402
from kit.servers import ONE_WORKER, Kanso, Server  # noqa: E402


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--server-url", help="test this running server instead of starting Kanso")
    parser.addoption("--reference", action="store_true",
                     help="--server-url is the reference: allow its crashes where Kanso refuses")
    parser.addoption("--tenth", type=int, help="of all tests only those of this tenth, 0 to 9, and those marked `engine`")
    parser.addoption("--backwards", action="store_true", help="the tests of each file from its last to its first: a test that needs "
                     "one before it fails, as it would among the tests of a tenth")
    parser.addoption("--half", type=int, help="of all tests only those of this half, 0 or 1")
    parser.addoption("--seed", type=int, default=1, help="of generated requests")
    parser.addoption("--queries", type=int, default=600, help="how many filters to compare")
    parser.addoption("--requests", type=int, default=1500, help="how many requests to generate")


def pytest_configure() -> None:
    """Stop the servers when the tests are told to end; what is started here can be interrupted, although the background jobs of
    a shell begin with SIGINT ignored, those of nohup with SIGHUP, and children inherit that."""
    signal.signal(signal.SIGTERM, lambda *_: pytest.exit("terminated", 1))
    if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    if signal.getsignal(signal.SIGHUP) == signal.SIG_IGN:
        signal.signal(signal.SIGHUP, signal.SIG_DFL)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Tell the report of races; leave a tenth of the tests, picked by their names (neighbours come into different ones), and
    those marked `engine`; or half of them."""
    for item in items:
        if item.get_closest_marker("race"):
            item.user_properties.append(("race", "yes"))
    if config.getoption("--backwards"):
        items[:] = [item for _, group in itertools.groupby(items, key=lambda item: item.path) for item in reversed(list(group))]
    tenth, half = config.getoption("--tenth"), config.getoption("--half")
    if tenth is None and half is None:
        return
    picked = [item for item in items if zlib.crc32(item.nodeid.encode()) % 2 == half] if tenth is None else [
        item for item in items if zlib.crc32(item.nodeid.encode()) % 10 == tenth or item.get_closest_marker("engine")]
    config.hook.pytest_deselected(items=[item for item in items if item not in picked])
    items[:] = picked


@pytest.fixture(scope="session")
def server_url(request: pytest.FixtureRequest) -> str | None:
    kit_api.REFERENCE = request.config.getoption("--reference")
    return request.config.getoption("--server-url")


@pytest.fixture(scope="session")
def workspace_directory() -> Iterator[Path]:
    """A short-named directory for sockets and datadirs, removed afterwards."""
    with tempfile.TemporaryDirectory(prefix="kt-") as name:
        os.chmod(name, 0o755)
        yield Path(name)


@pytest.fixture(scope="session")
def mariadb(workspace_directory: Path) -> Iterator[MariaDB]:
    try:
        database = MariaDB(workspace_directory / "db")
    except Unavailable as why:
        pytest.skip(str(why))
    database.create()
    yield database
    database.stop()


@pytest.fixture(scope="session")
def launch(workspace_directory: Path, mariadb: MariaDB) -> Iterator[Callable[..., Kanso]]:
    """Start a Kanso: launch(database=.., workers=.., ZENML_..=..); all are stopped at the end."""
    running: list[Kanso] = []
    one_at_a_time = threading.Lock()

    def start(**options: Any) -> Kanso:
        with one_at_a_time:
            instance = Kanso(workspace_directory / f"k{len(running)}", mariadb, **options)
            running.append(instance)
        instance.start()
        return instance

    yield start
    for instance in running:
        instance.stop()
    assert not [pid for instance in running for pid in instance.processes()]
    assert not (said := "\n".join(instance.complaints() for instance in running).strip()), said


@pytest.fixture(scope="session")
def server(request: pytest.FixtureRequest, server_url: str | None) -> Server:
    """The server that the API tests share."""
    if server_url:
        return Server(server_url)
    return request.getfixturevalue("launch")(KANSO_LOGIN_RATE="0")  # all tests are one client, which signs in a lot


@pytest.fixture(scope="module")
def one_worker(request: pytest.FixtureRequest, server_url: str | None) -> Iterator[Kanso]:
    """A Kanso with a fresh database and a single worker process, and none for background work."""
    if server_url:
        pytest.skip("needs a Kanso of its own")
    instance = request.getfixturevalue("launch")(workers=ONE_WORKER, KANSO_JOBS="0")
    yield instance
    instance.stop()


@pytest.fixture
def fresh(request: pytest.FixtureRequest, server_url: str | None) -> Iterator[Kanso]:
    """A Kanso with an empty database, for one test."""
    if server_url:
        pytest.skip("needs a Kanso of its own")
    instance = request.getfixturevalue("launch")()
    yield instance
    instance.stop()


@pytest.fixture
def stopped(workspace_directory: Path, mariadb: MariaDB) -> Iterator[Kanso]:
    """A Kanso that has not been started; what a test starts is stopped."""
    instance = Kanso(workspace_directory / f"o{uuid.uuid4().hex[:6]}", mariadb)
    instance.home.mkdir()
    yield instance
    instance.stop()
    assert not instance.processes()


@pytest.fixture(scope="session")
def client(server: Server) -> Api:
    return Api(server.url)


@pytest.fixture(scope="session")
def world(client: Api) -> World:
    """Makes things on the shared server under names that nobody else uses."""
    return World(client)


@pytest.fixture(scope="session")
def zenml_venv() -> Path:
    """A virtual environment with the stock client (and server) at 0.66.0."""
    path = Path(os.environ.get("KANSO_ZENML_VENV") or REPOSITORY / "build" / "zenml-venv")
    if not (path / "bin" / "zenml").exists():
        pytest.skip(f"no stock zenml at {path} (KANSO_ZENML_VENV, or make {path.name})")
    return path


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo) -> Any:
    """Add the logs of the Kanso that a failed test used."""
    report = yield
    if report.failed:
        for name in ("fresh", "one_worker", "server"):
            used = getattr(item, "funcargs", {}).get(name)
            if isinstance(used, Kanso):
                report.sections.append((f"logs of {name}", used.logs()))
                break
    return report
