"""Docker connectors against a real registry, asked directly and through an engine with Docker's API."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path
from typing import Any, Callable, Iterator

import pytest
import requests

from kit import podman
from kit.api import Api, ok
from kit.factory import World
from kit.podman import Podman
from kit.process import free_port, stop, wait_until
from kit.servers import Kanso

PASSWORD = "open-the-registry"
# bcrypt of it.
ENTRY = "joe:$2b$05$0gN/0PAS0bcgLRMPgJxI6.rg6zPZfH4t0fcMWKDG5mxm.SqSN7Wwu"


@pytest.fixture(scope="module")
def registry(workspace_directory: Path) -> Iterator[str]:
    """Its host and port; `joe` may sign in."""
    program = os.environ.get("KANSO_DOCKER_REGISTRY") or shutil.which("docker-registry")
    if not program:
        pytest.skip("there is no docker-registry (of Debian)")
    directory, port = workspace_directory / "registry", free_port()
    directory.mkdir()
    (directory / "htpasswd").write_text(ENTRY + "\n")
    (directory / "config.yml").write_text(
        f"version: 0.1\nlog: {{level: error}}\nstorage: {{filesystem: {{rootdirectory: {directory}/data}}}}\n"
        f"http: {{addr: '127.0.0.1:{port}'}}\nauth: {{htpasswd: {{realm: tests, path: {directory}/htpasswd}}}}\n")
    process = subprocess.Popen([program, "serve", str(directory / "config.yml")], stdin=subprocess.DEVNULL,
                               stdout=(directory / "log").open("wb"), stderr=subprocess.STDOUT)
    try:
        wait_until(lambda: _up(port), 30, "docker-registry")
        yield f"localhost:{port}"  # by that name, Podman takes it without TLS
    finally:
        stop(process)


def _up(port: int) -> bool:
    try:
        return requests.get(f"http://127.0.0.1:{port}/v2/", timeout=5).status_code == 401
    except requests.RequestException:
        return False


@pytest.fixture(scope="module", params=["directly", "engine"])
def docker(request: pytest.FixtureRequest, launch: Callable[..., Kanso], registry: str, workspace_directory: Path) -> Iterator[World]:
    engine = None
    if request.param == "engine":
        if why := podman.unavailable():
            pytest.skip(why)
        engine = Podman(workspace_directory / "registry-engine")
        engine.start()
    server = launch(DOCKER_HOST=engine.host if engine else "unix:///nonexistent")
    yield World(Api(server.url))
    assert PASSWORD not in server.logs()
    server.stop()
    if engine:
        engine.stop()
        engine.remove()


def verified(world: World, registry: str, password: str, **query: Any) -> dict[str, Any]:
    wanted = world.owned | {"name": world.name("docker"), "connector_type": "docker", "auth_method": "password",
                            "resource_types": [], "configuration": {"username": "joe", "password": password, "registry": registry}}
    return ok(world.api.post("/service_connectors/verify", wanted, **query))


@pytest.mark.parametrize("listing", ["true", "false"])
def test_signing_in(docker: World, registry: str, listing: str) -> None:
    found = verified(docker, registry, PASSWORD, list_resources=listing)
    assert found["error"] is None
    assert found["resources"][0]["resource_ids"] == ([registry] if listing == "true" else None)
    found = verified(docker, registry, "not-the-password", list_resources=listing)
    assert "failed to authenticate with Docker registry " + registry in found["error"]
    assert "not-the-password" not in found["error"] and found["resources"][0]["resource_ids"] is None


def test_a_client(docker: World, registry: str) -> None:
    made = docker.api.make(docker.ws + "/service_connectors", docker.owned | {
        "name": docker.name("docker"), "connector_type": "docker", "auth_method": "password", "resource_types": [],
        "configuration": {"username": "joe", "password": PASSWORD, "registry": registry}})
    client = docker.api.read(f"/service_connectors/{made['id']}/client", resource_type="docker-registry", resource_id=registry)
    assert client["metadata"]["secrets"] == {"username": "joe", "password": PASSWORD}
    assert client["body"]["resource_id"] == registry
