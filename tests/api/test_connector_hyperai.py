"""Service connectors of HyperAI against an OpenSSH server."""

from __future__ import annotations

import base64
import getpass
from pathlib import Path
from typing import Any, Callable, Iterator

import pytest

from kit import ssh
from kit.api import Api, fails, ok
from kit.factory import World
from kit.servers import Kanso

@pytest.fixture(scope="module")
def keys(workspace_directory: Path) -> dict[str, Path]:
    return ssh.make_keys(workspace_directory / "ssh")


@pytest.fixture(scope="module")
def sshd(keys: dict[str, Path]) -> Iterator[int]:
    yield from ssh.server(keys)


@pytest.fixture(scope="module")
def world(launch: Callable[..., Kanso], sshd: int) -> World:
    return World(Api(launch(KANSO_CONNECTOR_ENDPOINTS=f"*.hyperai.test=ssh://127.0.0.1:{sshd}").url))


HOSTS = ["one.hyperai.test", "two.hyperai.test"]


def body(world: World, method: str, key: Path, **changes: Any) -> dict[str, Any]:
    more = {name: changes.pop(name) for name in ("ssh_passphrase", "username", "hostnames") if name in changes}
    return world.owned | {
        "name": world.name("hyperai"), "connector_type": "hyperai", "auth_method": method, "resource_types": [],
        "configuration": {"base64_ssh_key": base64.b64encode(key.read_bytes()).decode(), "hostnames": HOSTS,
                          "username": getpass.getuser()} | more} | changes


def test_the_type(world: World) -> None:
    found = world.api.read("/service_connector_types/hyperai")
    assert [item["auth_method"] for item in found["auth_methods"]] == ["rsa-key", "dsa-key", "ecdsa-key", "ed25519-key"]
    for item in found["auth_methods"]:
        schema = item["config_schema"]
        assert schema["title"] == "HyperAIConfiguration"
        assert list(schema["properties"]) == ["base64_ssh_key", "ssh_passphrase", "hostnames", "username"]
        assert schema["required"] == ["base64_ssh_key", "hostnames", "username"]
        assert schema["properties"]["hostnames"]["type"] == "array"
    assert [(item["resource_type"], item["supports_instances"]) for item in found["resource_types"]] == [("hyperai-instance", True)]


@pytest.mark.parametrize("method", ssh.KINDS)
def test_instances_are_listed(world: World, keys: dict[str, Path], method: str) -> None:
    found = ok(world.api.post("/service_connectors/verify", body(world, method, keys[method])))
    assert found["error"] is None
    assert found["resources"] == [{"resource_type": "hyperai-instance", "resource_ids": HOSTS, "error": None}]


def test_a_key_with_a_passphrase(world: World, keys: dict[str, Path]) -> None:
    for passphrase, good in (("open sesame", True), ("wrong words", False)):
        found = ok(world.api.post("/service_connectors/verify", body(
            world, "ed25519-key", keys["locked"], ssh_passphrase=passphrase)))
        assert (found["error"] is None) == good and passphrase not in str(found)


@pytest.mark.parametrize(("method", "key", "changes"), [
    ("ed25519-key", "stranger", {}), ("rsa-key", "ed25519-key", {}), ("ed25519-key", "rsa-key", {}),
    ("ed25519-key", "ed25519-key", {"hostnames": ["one.hyperai.test", "nowhere.invalid"]}),
    ("ed25519-key", "ed25519-key", {"username": "nobody-here"})])
def test_who_is_not_let_in(world: World, keys: dict[str, Path], method: str, key: str, changes: dict[str, Any]) -> None:
    found = ok(world.api.post("/service_connectors/verify", body(world, method, keys[key], **changes)))
    assert "could not create an SSH client" in found["error"] and found["resources"][0]["resource_ids"] is None
    assert "PRIVATE KEY" not in found["error"]


def test_addresses_that_are_not_called(world: World, keys: dict[str, Path]) -> None:
    found = ok(world.api.post("/service_connectors/verify", body(
        world, "ed25519-key", keys["ed25519-key"], hostnames="169.254.169.254")))
    assert "KANSO_EGRESS" in found["error"]


def test_a_client(world: World, keys: dict[str, Path]) -> None:
    made = world.api.make(world.ws + "/service_connectors", body(world, "ed25519-key", keys["ed25519-key"], hostnames=",".join(HOSTS)))
    where = f"/service_connectors/{made['id']}/client"
    client = world.api.read(where, resource_type="hyperai-instance", resource_id=HOSTS[1])
    assert client["body"]["resource_id"] == HOSTS[1] and client["name"] == made["name"]
    assert client["metadata"]["configuration"] == {"hostnames": HOSTS, "username": getpass.getuser()}
    assert set(client["metadata"]["secrets"]) == {"base64_ssh_key"}
    for query in ({}, {"resource_type": "hyperai-instance"}, {"resource_type": "hyperai-instance", "resource_id": "three"}):
        fails(world.api.get(where, **query), 400, "ValueError")
