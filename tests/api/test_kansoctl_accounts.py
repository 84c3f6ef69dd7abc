"""kansoctl user, api-key and device: straight on the database, while the server runs and finds at once what has changed."""

from __future__ import annotations

import uuid
from typing import Any, Callable, Iterator

import pytest
import requests

from kit.api import Api, ok
from kit.ctl import kansoctl, results
from kit.servers import Kanso

pytestmark = [pytest.mark.engine, pytest.mark.sanitize]


class Instance:
    def __init__(self, kanso: Kanso) -> None:
        self.kanso, self.url = kanso, kanso.url

    def ctl(self, *arguments: str, stdin: str = "") -> Any:
        return results(*arguments, stdin=stdin, **self.kanso.environment)

    def refused(self, *arguments: str, stdin: str = "", status: int = 1) -> str:
        done = kansoctl(*arguments, stdin=stdin, **self.kanso.environment)
        assert (done.returncode, done.stdout, done.stderr.count("\n")) == (status, "", 1), done.stderr
        return done.stderr

    def user(self, **fields: str) -> str:
        """A new user with the password `first`."""
        name = f"u{uuid.uuid4().hex[:8]}"
        self.ctl("user", "add", name, stdin="first\n")
        return name


@pytest.fixture(scope="module")
def strict(launch: Callable[..., Kanso]) -> Iterator[Instance]:
    """One where sessions can be ended."""
    kanso = launch(KANSO_STRICT="true", KANSO_LOGIN_RATE="0", KANSO_JOBS="0")
    yield Instance(kanso)
    kanso.stop()


def login(url: str, user: str, password: str) -> int:
    return requests.post(url + "/api/v1/login", data={"username": user, "password": password}, timeout=60).status_code


def test_user_is_made(strict: Instance) -> None:
    name = f"u{uuid.uuid4().hex[:8]}"
    made = strict.ctl("user", "add", name, "--full-name", "A B", stdin="s3cret\nmore\n")
    assert (made["name"], made["full_name"], made["active"], made["is_admin"], made["has_password"]) == (name, "A B", True, False, True)
    shown = Api(strict.url, name, "s3cret").read("/current-user")
    assert shown["id"] == made["id"] and shown["body"]["full_name"] == "A B" and shown["body"]["is_admin"] is False
    assert made in strict.ctl("user", "list")
    admin = strict.ctl("user", "add", name + "-admin", "--admin", stdin="pw\n")
    assert admin["is_admin"] and Api(strict.url, admin["name"], "pw").read("/users")["total"] >= 3


@pytest.mark.parametrize("stdin", ["", "\n"])
def test_no_password_no_user(strict: Instance, stdin: str) -> None:
    assert "a password is needed" in strict.refused("user", "add", "nobody-yet", stdin=stdin, status=2)
    assert "a password is needed" in strict.refused("user", "reset-password", "default", stdin=stdin, status=2)
    assert "nobody-yet" not in [user["name"] for user in strict.ctl("user", "list")]
    assert login(strict.url, "default", "pw") == 200


def test_rules_are_those_of_the_server(strict: Instance) -> None:
    name = strict.user()
    taken = strict.refused("user", "add", name, stdin="x\n")
    assert name in taken
    assert "name: " in strict.refused("user", "add", "x" * 256, stdin="x\n")
    assert "password: " in strict.refused("user", "reset-password", name, stdin="x" * 5000 + "\n")
    assert login(strict.url, name, "first") == 200


def test_password_is_reset(strict: Instance) -> None:
    name = strict.user()
    before = Api(strict.url, name, "first")
    reset = strict.ctl("user", "reset-password", name, stdin="second\n")
    assert reset["name"] == name and reset["active"]
    assert (login(strict.url, name, "first"), login(strict.url, name, "second")) == (401, 200)
    assert before.get("/current-user").status_code == 401, "the session goes on"
    assert strict.kanso.sql(f"SELECT LEFT(password, 7) FROM user WHERE name = '{name}'") == [["$2b$12$"]]
    strict.ctl("user", "reset-password", reset["id"], stdin="third")
    assert login(strict.url, name, "third") == 200


def test_user_is_kept_out_and_let_in(strict: Instance) -> None:
    name = strict.user()
    before = Api(strict.url, name, "first")
    assert strict.ctl("user", "deactivate", name)["active"] is False
    assert before.get("/current-user").status_code == 401 and login(strict.url, name, "first") == 401
    assert strict.ctl("user", "activate", name)["active"] is True
    assert login(strict.url, name, "first") == 200 and before.get("/current-user").status_code == 401


def test_user_without_a_password_is_not_let_in(strict: Instance) -> None:
    name = f"u{uuid.uuid4().hex[:8]}"
    Api(strict.url).make("/users", {"name": name, "is_admin": False})
    assert "has no password yet" in strict.refused("user", "activate", name)
    strict.ctl("user", "reset-password", name, stdin="mine\n")
    assert login(strict.url, name, "mine") == 401
    strict.ctl("user", "activate", name)
    assert login(strict.url, name, "mine") == 200


def test_administrators(strict: Instance) -> None:
    """There is always one."""
    name = strict.user()
    session = Api(strict.url, name, "first")
    assert strict.ctl("user", "admin", name)["is_admin"] is True
    assert session.read("/current-user")["body"]["is_admin"] is True
    assert strict.ctl("user", "admin", name, "--revoke")["is_admin"] is False
    others = [user["name"] for user in strict.ctl("user", "list") if user["is_admin"] and user["active"] and user["name"] != "default"]
    for other in others:
        strict.ctl("user", "admin", other, "--revoke")
    for command in ["admin", "default", "--revoke"], ["deactivate", "default"]:
        assert "the only administrator" in strict.refused("user", *command)
    assert Api(strict.url).read("/current-user")["body"]["is_admin"] is True


def test_api_keys(strict: Instance) -> None:
    account = f"robot-{uuid.uuid4().hex[:6]}"
    Api(strict.url).make("/service_accounts", {"name": account, "active": True})
    empty = [row for row in strict.ctl("api-key", "list") if row["service_account"] == account]
    assert len(empty) == 1 and empty[0]["name"] is None
    made = strict.ctl("api-key", "create", account, "ci")
    assert made["key"].startswith("ZENKEY_") and made["service_account"] == account

    def key_opens(key: str) -> int:
        return requests.post(strict.url + "/api/v1/login", data={"grant_type": "zenml-api-key", "password": key}, timeout=60).status_code

    assert key_opens(made["key"]) == 200
    rotated = strict.ctl("api-key", "rotate", account, "ci", "--retain", "10")
    assert rotated["id"] == made["id"] and (key_opens(made["key"]), key_opens(rotated["key"])) == (200, 200)
    again = strict.ctl("api-key", "rotate", account, made["id"])
    assert (key_opens(rotated["key"]), key_opens(again["key"])) == (401, 200)
    assert strict.ctl("api-key", "deactivate", account, "ci")["active"] is False and key_opens(again["key"]) == 401
    assert strict.ctl("api-key", "activate", account, "ci")["active"] is True and key_opens(again["key"]) == 200
    assert again["key"] not in str(strict.ctl("api-key", "list"))
    assert "ci" in strict.refused("api-key", "create", account, "ci")
    assert strict.ctl("api-key", "delete", account, "ci")["id"] == made["id"] and key_opens(again["key"]) == 401
    assert "has no API key 'ci'" in strict.refused("api-key", "delete", account, "ci", status=4)
    assert "no service account 'nobody'" in strict.refused("api-key", "create", "nobody", "ci", status=4)


def test_devices(strict: Instance) -> None:
    client = str(uuid.uuid4())
    codes = ok(requests.post(strict.url + "/api/v1/device_authorization", data={"client_id": client}, timeout=60))
    listed = {row["client_id"]: row for row in strict.ctl("device", "list")}
    device = listed[client]["id"]
    assert (listed[client]["user"], listed[client]["status"]) == (None, "pending")
    assert "belongs to nobody" in strict.refused("device", "lock", device)
    Api(strict.url).change(f"/devices/{device}/verify", {"user_code": codes["user_code"]})
    token = ok(requests.post(strict.url + "/api/v1/login", timeout=60, data={
        "grant_type": "urn:ietf:params:oauth:grant-type:device_code", "client_id": client, "device_code": codes["device_code"]}))
    headers = {"Authorization": "Bearer " + token["access_token"]}

    def status() -> int:
        return requests.get(strict.url + "/api/v1/current-user", headers=headers, timeout=60).status_code

    assert status() == 200
    assert [row["id"] for row in strict.ctl("device", "list", "--user", "default")] == [device]
    assert strict.ctl("device", "list", "--user", "nobody") == []
    assert strict.ctl("device", "lock", device)["status"] == "locked" and status() == 401
    assert strict.ctl("device", "unlock", device)["status"] == "active"
    assert strict.ctl("device", "delete", device)["id"] == device and strict.ctl("device", "list") == []
    assert "no device" in strict.refused("device", "delete", device, status=4)
    assert "a UUID" in strict.refused("device", "delete", "x", status=2)
