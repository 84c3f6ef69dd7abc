"""Kanso beside a database in containers, by the commands of docs/install/compose.md, with podman-compose for docker compose.

`make check-compose`: builds the images, which takes minutes, and needs root, podman, netavark and aardvark-dns. There is no
registry: Debian's base system and the databases come under the names of the official images (images/README.md).
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import threading
import time
from pathlib import Path
from typing import Iterator

import pytest
import requests

from kit.api import Api
from kit.podman import Podman
from kit.process import REPOSITORY, free_port, wait_until
from kit.stock import StockClient

IMAGES = Path(__file__).with_name("images")
BEFORE = os.environ.get("KANSO_RELEASE_BEFORE") or "HEAD~20"
PASSWORD = "pw"  # of the stock client's scenario
COMPOSE_FILES = {"mariadb": "compose.yaml", "mysql": "compose.mysql.yaml"}


def unavailable() -> str:
    needed = ("podman", "runc", "conmon", "podman-compose")
    missing = [name for name in needed if not shutil.which(name)]
    missing += [f"/usr/lib/podman/{name}" for name in ("netavark", "aardvark-dns") if not Path("/usr/lib/podman", name).exists()]
    return "needs root" if os.geteuid() else f"there is no {', '.join(missing)}" if missing else ""


pytestmark = pytest.mark.skipif(bool(unavailable()), reason=unavailable())


def base_system() -> Path:
    """Debian's base system as tests/fresh/machine keeps it."""
    subprocess.run([REPOSITORY / "tests" / "fresh" / "machine", "true"], check=True, timeout=900)
    return Path(os.environ.get("KANSO_FRESH_CACHE") or Path.home() / ".cache" / "kanso-fresh") / "base.tar"


def build(engine: Podman, image: str, context: Path, *options: str) -> None:
    subprocess.run(engine.command("build", "-q", "--format", "docker", "--network", "host", *options, "-t", image, str(context)),
                   env=engine.environment, check=True, timeout=1200, stdout=subprocess.DEVNULL)


def checkout(commit: str, directory: Path) -> Path:
    directory.mkdir()
    archive = subprocess.run(["git", "archive", commit], cwd=REPOSITORY, check=True, capture_output=True).stdout
    subprocess.run(["tar", "-x", "-C", str(directory)], input=archive, check=True)
    return directory


def database_images(engine: Podman, directory: Path) -> None:
    for name, tag in (("mariadb", "mariadb:10.11"), ("mysql", "mysql:9.7")):
        context = directory / name
        shutil.copytree(IMAGES / name, context)
        shutil.copy(IMAGES / "entrypoint", context)
        if name == "mysql":
            found = subprocess.run([REPOSITORY / "tests" / "kit" / "engine", "mysql-9.7"], check=True, capture_output=True, text=True)
            shutil.copytree(found.stdout.strip(), context / "engine", symlinks=True)
        (context / "entrypoint").chmod(0o755)
        build(engine, f"docker.io/library/{tag}", context)
        shutil.rmtree(context)


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Podman]:
    directory = tmp_path_factory.mktemp("images")
    podman = Podman(directory / "podman", networks=True)
    try:
        for tag in ("debian:12", "debian:12-slim"):
            podman.import_image(f"docker.io/library/{tag}", base_system())
        database_images(podman, directory)
        for image, commit in (("kanso:before", BEFORE), ("kanso:now", "HEAD")):
            context = checkout(commit, directory / image.replace(":", "-"))
            build(podman, image, context, "-f", str(context / "docker" / "Dockerfile"))
        yield podman
    finally:
        podman.remove()


class Stack:
    """The containers of one compose file."""

    def __init__(self, engine: Podman, directory: Path, database: str) -> None:
        self.engine, self.directory = engine, directory
        self.file, self.project = REPOSITORY / "docker" / COMPOSE_FILES[database], f"kanso{os.getpid()}"
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.podman = directory / "podman.sh"
        self.podman.write_text("#!/bin/sh\nexec " + " ".join(engine.command()) + ' "$@"\n')
        self.podman.chmod(0o755)
        self.use("kanso:now")

    def use(self, image: str) -> None:
        """What .env says: the example's names, each with a value."""
        names = re.findall(r"^(\w+)=$", (REPOSITORY / "docker" / "example.env").read_text(), re.M)
        values = {name: f"{name.lower()}-0123456789abcdef01234567" for name in names} | {"ADMIN_PASSWORD": PASSWORD}
        (self.directory / ".env").write_text("".join(f"{name}={value}\n" for name, value in (values | {
            "KANSO_PORT": str(self.port), "KANSO_IMAGE": image, "MYSQL_VERSION": "9.7"}).items()))
        self.secrets = [value for name, value in values.items() if name != "ADMIN_PASSWORD"]

    def compose(self, *arguments: str, timeout: float = 180) -> str:
        done = subprocess.run(["podman-compose", "--podman-path", str(self.podman), "--env-file", str(self.directory / ".env"),
                               "-f", str(self.file), "-p", self.project, *arguments],
                              env=self.engine.environment | {"NO_COLOR": "1"}, capture_output=True, text=True, timeout=timeout)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout + done.stderr

    def healthy(self) -> bool:
        try:
            return requests.get(self.url + "/health", timeout=2).ok
        except requests.RequestException:
            return False

    def up(self) -> None:
        self.compose("up", "-d")
        wait_until(self.healthy, 90, "Kanso in its container")

    def container(self) -> str:
        return next(name for name in self.engine.containers() if "kanso_1" in name or "kanso-1" in name)

    def inspect(self, form: str) -> str:
        return self.engine.run("inspect", "--format", form, self.container()).strip()

    def runs(self) -> int:
        return Api(self.url, "default", PASSWORD).read("/runs?size=1")["total"]


@pytest.fixture(params=COMPOSE_FILES)
def stack(request: pytest.FixtureRequest, engine: Podman, tmp_path: Path) -> Iterator[Stack]:
    stack = Stack(engine, tmp_path, request.param)
    try:
        yield stack
    finally:
        stack.compose("down", "-v")
        left = [name for name in engine.containers() if stack.project in name]
        volumes = engine.run("volume", "ls", "-q")
        assert not left and stack.project not in volumes, "something is left"


def ask_until(ended: threading.Event, url: str, seen: list[object]) -> None:
    """Requests without a pause. What was accepted is answered; else there is nobody who accepts."""
    while not ended.is_set():
        try:
            seen.append(requests.get(url + "/api/v1/version", timeout=20).status_code)
        except requests.exceptions.ConnectionError as error:
            text = repr(error)
            seen.append(0 if "NewConnectionError" in text or "refused" in text else text)
            time.sleep(0.05)


def test_the_page_from_install_to_removal(stack: Stack, zenml_venv: Path, tmp_path: Path) -> None:
    stack.use("kanso:before")
    stack.up()
    client = StockClient(zenml_venv, tmp_path / "client")
    assert client.run("chain", stack.url)["seconds"] > 0
    runs = stack.runs()
    assert runs >= 1

    stack.use("kanso:now")  # upgrade
    stack.up()
    assert "now" in stack.inspect("{{.ImageName}}") and stack.runs() == runs
    client.run("chain", stack.url)
    assert stack.runs() > runs

    assert stack.inspect("{{.HostConfig.ReadonlyRootfs}} {{.Config.User}}") == "true kanso"
    stack.engine.run("healthcheck", "run", stack.container())
    for path, status in (("/opt/kanso/x", 1), ("/etc/x", 1), ("/var/lib/kanso/x", 0), ("/tmp/x", 0)):
        tried = subprocess.run(stack.engine.command("exec", stack.container(), "touch", path), env=stack.engine.environment,
                               capture_output=True, check=False)
        assert (tried.returncode != 0) == bool(status), path
    capabilities = stack.engine.run("exec", stack.container(), "grep", "CapEff", "/proc/self/status").split()[1]
    assert int(capabilities, 16) == 0

    logs = stack.compose("logs", "kanso")
    assert "up in" in logs and "POST /api/v1/" in logs and not any(secret in logs for secret in stack.secrets)
    assert not re.search(r"\bpassword +" + PASSWORD + r"\b", logs)

    stack.compose("down")  # the volumes stay
    stack.up()
    assert stack.runs() > runs
    stack.use("kanso:before")  # and back
    stack.up()
    assert stack.runs() > runs


@pytest.mark.race
def test_restart_under_load(stack: Stack) -> None:
    stack.up()
    ended, seen = threading.Event(), []
    clients = [threading.Thread(target=ask_until, args=(ended, stack.url, seen)) for _ in range(8)]
    for each in clients:
        each.start()
    time.sleep(1)
    begin = time.monotonic()
    stack.compose("stop", "kanso")
    assert time.monotonic() - begin < 60 and stack.inspect("{{.State.ExitCode}}") == "0"
    stack.compose("start", "kanso")
    wait_until(stack.healthy, 60, "Kanso after its restart")
    time.sleep(0.5)
    ended.set()
    for each in clients:
        each.join()
    assert seen.count(200) > 100 and set(seen) <= {200, 0}


def test_the_image_is_small(engine: Podman) -> None:
    sizes = {name: int(engine.run("image", "inspect", "--format", "{{.Size}}", name)) for name in ("kanso:now", "debian:12-slim")}
    assert sizes["kanso:now"] - sizes["debian:12-slim"] < 100e6
    assert engine.run("image", "inspect", "--format", "{{.User}}", "kanso:now").strip() == "kanso"
