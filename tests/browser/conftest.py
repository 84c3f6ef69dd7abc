"""Fixtures of the browser tests: the pages' address, a browser, and a server full of real runs.

KANSO_AXE names axe.min.js when it is not in build/browser; screenshots go to build/screens.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Callable, Iterator

import pytest
import requests

sys.path.insert(0, str(Path(__file__).resolve().parent))

from kit.api import Api  # noqa: E402
from kit.process import REPOSITORY  # noqa: E402
from kit.servers import PASSWORD, USER, Server, base_environment  # noqa: E402

from browser import Browser  # noqa: E402
from front import Front  # noqa: E402

HOSTILE = "<img src=x onerror=\"document.title='owned'\">"
SCREENS = REPOSITORY / "build" / "screens"


@pytest.fixture(scope="session")
def axe() -> str:
    path = Path(os.environ.get("KANSO_AXE")
                or REPOSITORY / "build/browser/node_modules/axe-core/axe.min.js")
    if not path.exists():
        pytest.fail("no axe-core: run tests/browser/run, or set KANSO_AXE")
    return path.read_text()


@pytest.fixture(scope="session")
def stores(workspace_directory: Path) -> Path:
    """Where the local artifact stores are, for clients and for the server that shows logs and visualisations."""
    path = Path(os.environ.get("ZENML_LOCAL_STORES_PATH") or workspace_directory / "stores")
    path.mkdir(exist_ok=True)
    return path


@pytest.fixture(scope="session")
def server(request: pytest.FixtureRequest, server_url: str | None, stores: Path) -> Server:
    if server_url:
        return Server(server_url)
    return request.getfixturevalue("launch")(ZENML_LOCAL_STORES_PATH=str(stores), KANSO_STORE_ROOTS="", KANSO_AUDIT="on")


@pytest.fixture(scope="session")
def fronts(workspace_directory: Path) -> Iterator[Callable[..., Front]]:
    """Start an nginx: fronts(api, prefix=...); all are stopped at the end."""
    running: list[Front] = []

    def start(api: str, prefix: str = "") -> Front:
        running.append(Front(workspace_directory / f"front{len(running)}", api, prefix))
        return running[-1]

    yield start
    for front in running:
        front.stop()


def serves_pages(url: str) -> bool:
    return "<title>Kanso</title>" in requests.get(url + "/", timeout=30).text


@pytest.fixture(scope="session")
def pages_of(fronts: Callable[..., Front]) -> Callable[[Server], str]:
    """Where the pages of a server are: its own, or those that a private nginx adds."""
    def find(server: Server) -> str:
        return server.url + "/" if serves_pages(server.url) else fronts(server.url).url
    return find


@pytest.fixture(scope="session")
def pages(server: Server, pages_of: Callable[[Server], str]) -> str:
    """The address of the pages, with a slash at its end."""
    return pages_of(server)


@pytest.fixture(scope="session")
def browsers(axe: str) -> Iterator[Callable[[str], Browser]]:
    """Start a browser for the pages at an address: browsers(root)."""
    if not shutil.which("chromium"):
        pytest.fail("no chromium: apt-get install chromium chromium-driver")
    running: list[Browser] = []

    def start(root: str) -> Browser:
        running.append(Browser(root, axe, SCREENS))
        return running[-1]

    yield start
    for browser in running:
        browser.close()


@pytest.fixture(scope="session")
def shared_browser(browsers: Callable[[str], Browser], pages: str) -> Browser:
    return browsers(pages)


@pytest.fixture
def visitor(shared_browser: Browser) -> Iterator[Browser]:
    """A browser that nobody has signed in with. Whatever fails in it fails the test."""
    browser = shared_browser
    browser.blank()
    yield browser
    browser.size("wide")
    browser.colours("light")


@pytest.fixture
def browser(visitor: Browser, client: Api) -> Browser:
    """The same, signed in as the administrator."""
    visitor.enter_with(client.token)
    return visitor


class StockClient:
    """The stock zenml client with a configuration of its own."""

    def __init__(self, venv: Path, home: Path, stores: Path) -> None:
        self.bin = venv / "bin"
        self.work = home / "work"
        self.work.mkdir(parents=True)
        shutil.copy(Path(__file__).with_name("flows.py"), self.work)
        self.environment = base_environment() | {
            "ZENML_CONFIG_PATH": str(home / "config"), "ZENML_ANALYTICS_OPT_IN": "false",
            "ZENML_LOCAL_STORES_PATH": str(stores),
            "AUTO_OPEN_DASHBOARD": "false", "ZENML_LOGGING_COLORS_DISABLED": "1", "NO_COLOR": "1",
            "COLUMNS": "400", "BROWSER": "true", "PYTHONUNBUFFERED": "1"}
        self.environment.pop("DISPLAY", None)

    def begin(self, program: str, *arguments: str) -> subprocess.Popen:
        return subprocess.Popen([str(self.bin / program), *arguments], cwd=self.work,
                                env=self.environment, stdin=subprocess.DEVNULL, text=True,
                                stdout=subprocess.PIPE, stderr=subprocess.STDOUT)

    def end(self, process: subprocess.Popen, seconds: float = 300) -> str:
        output, _ = process.communicate(timeout=seconds)
        assert process.returncode == 0, output[-4000:]
        return output

    def connect(self, url: str) -> None:
        self.end(self.begin("zenml", "connect", "--url", url, "--username", USER, "--password", PASSWORD))

    def flows(self, *names: str) -> subprocess.Popen:
        return self.begin("python", "flows.py", *names)


@pytest.fixture(scope="session")
def stock_clients(zenml_venv: Path, workspace_directory: Path, stores: Path) -> Callable[[], StockClient]:
    """Make a client."""
    made: list[StockClient] = []

    def make() -> StockClient:
        made.append(StockClient(zenml_venv, workspace_directory / f"client{len(made)}", stores))
        return made[-1]

    return make


@pytest.fixture(scope="session")
def stock(stock_clients: Callable[[], StockClient], server: Server) -> StockClient:
    client = stock_clients()
    client.connect(server.url)
    return client


@pytest.fixture(scope="session")
def runs(client: Api, request: pytest.FixtureRequest) -> dict[str, str]:
    """Real runs of the stock client, made once: the newest run's id by the name of its pipeline."""
    wanted = ["training", "branches", "broken", HOSTILE]

    def newest() -> dict[str, str]:
        found = {}
        for name in wanted:
            for run in client.items("/runs", pipeline_name=name, size=1, sort_by="desc:created"):
                found[name] = run["id"]
        return found

    found = newest()
    if len(found) < len(wanted):
        stock = request.getfixturevalue("stock")
        stock.end(stock.flows("train", "train", "branches", "broken", "hostile"))
        found = newest()
    assert len(found) == len(wanted)
    # The first training run has fresh steps; the second took them from the cache.
    found["training"] = client.items("/runs", pipeline_name="training", size=1, sort_by="asc:created")[0]["id"]
    return found
