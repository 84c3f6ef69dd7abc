"""Every operation against everybody who has no business there; made from the route tables, so none is forgotten."""

from __future__ import annotations

import re
import uuid
from typing import Iterator

import pytest
import requests

from kit.api import Api, ok
from kit.factory import World
from kit.servers import all_routes

pytestmark = pytest.mark.sanitize

# What is open to strangers.
PUBLIC = {("GET", "/health"), ("GET", "/ready"), ("GET", "/api/v1/version"), ("GET", "/api/v1/info"), ("PUT", "/api/v1/activate"),
          ("POST", "/api/v1/login"), ("GET", "/api/v1/logout"), ("POST", "/api/v1/device_authorization"),
          ("PUT", "/api/v1/users/{user_name_or_id}/activate"), ("POST", "/api/v1/webhooks/{event_source_id}"),
          ("GET", "/openapi.json"), ("GET", "/docs"), ("GET", "/redoc")}

# What a user who is no administrator is refused, besides what belongs to others.
ADMIN = {("POST", "/api/v1/users"), ("PUT", "/api/v1/users/{user_name_or_id}"), ("DELETE", "/api/v1/users/{user_name_or_id}"),
         ("GET", "/api/v1/users/{user_name_or_id}"), ("PUT", "/api/v1/users/{user_name_or_id}/deactivate"), ("PUT", "/api/v1/settings"),
         ("GET", "/api/v1/kanso/audit")}

# There with a configuration that the server here does not have.
ELSEWHERE = {"/api/v1/users/{user_name_or_id}/resource_membership", "/api/v1/run_templates/{template_id}/runs",
             "/api/v1/pipeline_deployments/{deployment_id}/logs", "/metrics"}


ROUTES = [route for route in all_routes() if route[1] not in ELSEWHERE]
PRIVATE = [route for route in ROUTES if route not in PUBLIC]


def concrete(path: str) -> str:
    """The path with ids of nothing in it."""
    return re.sub(r"\{[^}]*\}", lambda _: str(uuid.uuid4()), path)


@pytest.fixture(scope="module")
def url(server) -> str:
    return server.url


def call(url: str, route: tuple[str, str], token: str | None = None, body: object = None, path: str = "") -> requests.Response:
    headers = {"Authorization": "Bearer " + token} if token is not None else {}
    return requests.request(route[0], url + (path or concrete(route[1])), headers=headers, json=body, timeout=60)


def test_all_operations_of_the_contract_are_served() -> None:
    assert len(ROUTES) > 100
    assert PUBLIC & set(ROUTES) and not {("GET", "/api/v1/secrets"), ("GET", "/api/v1/users")} - set(PRIVATE)


@pytest.mark.parametrize("route", PRIVATE, ids=" ".join)
def test_strangers(url: str, route: tuple[str, str]) -> None:
    for token, detail in ((None, "Not authenticated"), ("garbage", "Authentication error: "),
                          ("a.b.c", "Authentication error: ")):
        answer = call(url, route, token)
        assert answer.status_code == 401, (token, answer.status_code, answer.text)
        assert answer.headers["www-authenticate"] == "Bearer"
        assert answer.json()["detail"].startswith(detail)


@pytest.fixture(scope="module")
def outsiders(world: World, url: str) -> dict[str, str]:
    """Tokens that were good once, and what the refusal says of them."""
    found = {}
    name = world.name("gone")
    world.api.make("/users", {"name": name, "password": "p", "is_admin": False})
    found["inactive user"] = Api(url, name, "p").token
    world.api.change(f"/users/{name}/deactivate", None)
    account = world.api.make("/service_accounts", {"name": world.name("sa"), "active": True})
    path = f"/service_accounts/{account['id']}/api_keys"
    key = world.api.make(path, {"name": "k"})["body"]["key"]
    found["inactive key"] = ok(requests.post(url + "/api/v1/login", data={"password": key}))["access_token"]
    world.api.change(path + "/k", {"active": False})
    client = str(uuid.uuid4())
    codes = ok(requests.post(url + "/api/v1/device_authorization", data={"client_id": client}))
    device = codes["verification_uri_complete"].split("device_id=")[1].split("&")[0]
    world.api.change(f"/devices/{device}/verify", {"user_code": codes["user_code"]})
    found["locked device"] = ok(requests.post(url + "/api/v1/login", data={"client_id": client, "device_code": codes["device_code"]}))["access_token"]
    world.api.change("/devices/" + device, {"locked": True})
    return found


@pytest.mark.parametrize("who", ["inactive user", "inactive key", "locked device"])
@pytest.mark.parametrize("route", PRIVATE, ids=" ".join)
def test_who_has_been_shut_out(url: str, outsiders: dict[str, str], route: tuple[str, str], who: str) -> None:
    answer = call(url, route, outsiders[who])
    assert answer.status_code == 401 and "not active" in answer.json()["detail"]


@pytest.fixture(scope="module")
def insiders(world: World, url: str) -> dict[str, str]:
    """Tokens of those who may come in."""
    name = world.name("plain")
    world.api.make("/users", {"name": name, "password": "p", "is_admin": False})
    account = world.api.make("/service_accounts", {"name": world.name("sa"), "active": True})
    key = world.api.make(f"/service_accounts/{account['id']}/api_keys", {"name": "k"})["body"]["key"]
    machine = ok(requests.post(url + "/api/v1/login", data={"password": key}))["access_token"]
    scoped = ok(requests.get(url + f"/api/v1/api_token?pipeline_id={uuid.uuid4()}&expires_minutes=9",
                             headers={"Authorization": "Bearer " + machine}))
    return {"administrator": world.api.token, "plain user": Api(url, name, "p").token, "service account": machine, "scoped token": scoped}


@pytest.mark.parametrize("who", ["administrator", "plain user", "service account", "scoped token"])
@pytest.mark.parametrize("route", PRIVATE, ids=" ".join)
def test_who_may_come_in(url: str, insiders: dict[str, str], route: tuple[str, str], who: str) -> None:
    """They get past the door: what is refused is what does not exist or does not fit; only what is for administrators
    is forbidden to others."""
    answer = call(url, route, insiders[who], body={} if route[0] in ("POST", "PUT", "PATCH") else None)
    assert answer.status_code in (200, 400, 401, 403, 404, 422, 501), answer.text
    if answer.status_code == 401:  # one's own account only
        assert route == ("PUT", "/api/v1/users/{user_name_or_id}/email-opt-in") or "api_token" in route[1]
    if answer.status_code == 403:
        assert route in ADMIN and who != "administrator", answer.text


@pytest.mark.parametrize("who", ["plain user", "service account", "scoped token"])
@pytest.mark.parametrize("route", sorted(ADMIN), ids=" ".join)
def test_what_is_for_administrators(url: str, insiders: dict[str, str], route: tuple[str, str], who: str) -> None:
    body = {"name": "x-" + uuid.uuid4().hex, "is_admin": False} if route[0] == "POST" else \
        {"full_name": "x", "server_name": "x"} if route[0] == "PUT" else None
    answer = call(url, route, insiders[who], body, path=route[1].replace("{user_name_or_id}", "default"))
    assert answer.status_code == 403, answer.text
    assert answer.json()["detail"][0] == "IllegalOperationError"


@pytest.mark.parametrize("route", [route for route in PRIVATE if route[0] != "GET"], ids=" ".join)
def test_pages_of_other_origins(url: str, world: World, route: tuple[str, str]) -> None:
    """What a browser adds by itself does not do for them, whatever they want to change."""
    server = ok(requests.get(url + "/api/v1/info"))["id"]
    answer = requests.request(route[0], url + concrete(route[1]), json={}, timeout=60, headers={
        "Cookie": f"zenml-server-{server}={world.api.token}", "Origin": "https://evil.example"})
    assert answer.status_code == 403 and "another origin" in answer.text, answer.text


@pytest.fixture(scope="module")
def ended(server, launch) -> Iterator[tuple[str, str]]:
    """A strict server, and the token of a session that has ended there."""
    if not server.mariadb:
        pytest.skip("needs a Kanso of its own")
    kanso = launch(KANSO_STRICT="true")
    token = Api(kanso.url).token
    ok(requests.get(kanso.url + "/api/v1/logout", headers={"Authorization": "Bearer " + token}))
    yield kanso.url, token
    kanso.stop()


@pytest.mark.parametrize("route", PRIVATE, ids=" ".join)
def test_who_has_logged_out(ended: tuple[str, str], route: tuple[str, str]) -> None:
    answer = call(ended[0], route, ended[1])
    assert answer.status_code == 401 and "session has ended" in answer.json()["detail"]
