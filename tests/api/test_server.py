"""Health, version, info, settings, onboarding, secure headers, CORS, unknown paths."""

from __future__ import annotations

import pytest
import requests

from kit.api import NOBODY, STAMP, UUID, Api, missing, ok, unfit
from kit.factory import World
from kit.process import wait_until
from kit.servers import Kanso

pytestmark = pytest.mark.sanitize

HEADERS = {
    "strict-transport-security": "max-age=63072000; includeSubdomains",
    "x-frame-options": "SAMEORIGIN",
    "x-xss-protection": "0",
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer-when-downgrade",
    "cache-control": "no-store, no-cache, must-revalidate",
    "permissions-policy": "accelerometer=(), autoplay=(), camera=(), encrypted-media=(), "
                          "geolocation=(), gyroscope=(), magnetometer=(), microphone=(), "
                          "midi=(), payment=(), sync-xhr=(), usb=()",
}


def test_health(server) -> None:
    for method in ("GET", "HEAD"):
        answer = requests.request(method, server.url + "/health")
        assert answer.status_code == 200
        assert answer.headers["content-type"] == "application/json"
        assert answer.text == ('"OK"' if method == "GET" else "")


def test_version(server) -> None:
    answer = requests.get(server.url + "/api/v1/version")
    assert ok(answer) == "0.66.0"
    assert requests.head(server.url + "/api/v1/version").status_code == 405


def test_info(server, client: Api) -> None:
    info = ok(requests.get(server.url + "/api/v1/info"))
    assert list(info) == [
        "id", "version", "active", "debug", "deployment_type", "database_type",
        "secrets_store_type", "auth_scheme", "server_url", "dashboard_url",
        "analytics_enabled", "metadata", "use_legacy_dashboard", "last_user_activity"]
    assert UUID.fullmatch(info["id"]) and STAMP.fullmatch(info["last_user_activity"])
    assert info["id"] == client.read("/settings")["body"]["server_id"]
    assert {key: info[key] for key in (
        "version", "active", "debug", "deployment_type", "database_type", "secrets_store_type",
        "auth_scheme", "server_url", "metadata")} == {
            "version": "0.66.0", "active": True, "debug": False, "deployment_type": "docker",
            "database_type": "mysql", "secrets_store_type": "sql",
            "auth_scheme": "OAUTH2_PASSWORD_BEARER", "server_url": "", "metadata": {}}


def test_settings(client: Api) -> None:
    settings = client.read("/settings")
    assert list(settings) == ["body", "metadata", "resources"]
    assert list(settings["body"]) == [
        "server_id", "server_name", "logo_url", "active", "enable_analytics",
        "display_announcements", "display_updates", "last_user_activity", "updated"]
    assert settings["metadata"] == {} and settings["resources"] is None
    assert client.read("/settings", hydrate="false")["metadata"] is None


def test_settings_update(client: Api) -> None:
    before = client.read("/settings")["body"]
    try:
        body = client.change("/settings", {
            "server_name": "häuschen", "logo_url": "http://logo", "display_updates": False,
            "active": False, "server_id": NOBODY, "onboarding_state": ["x"]})["body"]
        assert (body["server_name"], body["logo_url"], body["display_updates"]) \
            == ("häuschen", "http://logo", False)
        assert (body["server_id"], body["active"]) == (before["server_id"], True)
        body = client.change("/settings", {"logo_url": None})["body"]
        assert (body["server_name"], body["logo_url"]) == ("häuschen", None)
        assert client.read("/settings")["body"]["display_updates"] is False
    finally:
        client.change("/settings", {key: before[key] for key in (
            "server_name", "logo_url", "display_updates")})


def test_settings_of_the_wrong_type(client: Api) -> None:
    unfit(client.put("/settings", {"server_name": 5}), "string_type", "body", "server_name")
    unfit(client.put("/settings", {"display_updates": "perhaps"}), "bool_parsing",
          "body", "display_updates")


def test_onboarding_follows_the_runs(world: World) -> None:
    run = world.run()
    for name in ("load", "train"):
        world.step(run, name, status="completed")
    assert {"pipeline_run", "starter_setup_completed"} <= set(
        world.api.read("/onboarding_state"))


def test_statistics(world: World) -> None:
    path = world.ws + "/statistics"
    before = world.api.read(path)
    assert list(before) == ["stacks", "components", "pipelines", "runs"]
    world.stack(), world.component(), world.pipeline(), world.run()
    assert world.api.read("/workspaces/default/statistics") \
        == {key: count + 1 for key, count in before.items()}
    missing(world.api.get(f"/workspaces/{NOBODY}/statistics"))


@pytest.mark.parametrize("path", ["/health", "/api/v1/version", "/api/v1/stacks",
                                  "/api/v1/nothing", "/api/v1/info"])
def test_secure_headers(server, path: str) -> None:
    answer = requests.get(server.url + path)
    for name, value in HEADERS.items():
        assert answer.headers[name] == value, name
    policy = answer.headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; script-src 'self'")


def test_unknown_paths(server, client: Api) -> None:
    answer = requests.get(server.url + "/api/v1/nothing")
    assert (answer.status_code, answer.json()) == (404, {"detail": "Not Found"})
    assert requests.get(server.url + "/api/v1/stacks/").status_code == 404
    assert requests.get(server.url + "/api/v2/stacks").json() == {"detail": "Not Found"}
    for method, path in (("POST", "/api/v1/nothing"), ("DELETE", "/api/v1/nothing"),
                         ("POST", "/foo")):
        answer = requests.request(method, server.url + path)
        assert answer.status_code == 405
        assert answer.json() == {"detail": "Method Not Allowed"}


@pytest.mark.parametrize("method,path,allowed", [
    ("PATCH", "/stacks", "GET"), ("DELETE", "/stacks", "GET"), ("PUT", "/version", "GET"),
    ("POST", "/current-user", "GET PUT"), ("PATCH", "/tags", "GET POST"), ("POST", "/info", "GET"),
    ("PATCH", f"/stacks/{NOBODY}", "GET PUT DELETE"), ("PUT", "/artifacts", "GET POST"),
    ("PUT", "/logout", "GET")])
def test_wrong_method(client: Api, method: str, path: str, allowed: str) -> None:
    answer = client.call(method, path)
    assert answer.status_code == 405
    assert answer.headers["content-type"] == "application/json"
    assert answer.json() == {"detail": "Method Not Allowed"}
    named = {name.strip() for name in answer.headers["allow"].split(",")}
    assert named and named <= set(allowed.split()) | {"HEAD", "OPTIONS"}


def test_get_where_only_others_are_served(client: Api) -> None:
    answer = client.get("/login")
    assert (answer.status_code, answer.json()) == (404, {"detail": "Not Found"})


def test_cors_of_a_simple_request(server) -> None:
    url = server.url + "/api/v1/version"
    assert "access-control-allow-origin" not in requests.get(url).headers
    answer = requests.get(url, headers={"Origin": "http://there"})
    assert answer.headers["access-control-allow-origin"] == "*"
    assert answer.headers["access-control-allow-credentials"] == "true"
    answer = requests.get(url, headers={"Origin": "http://there", "Cookie": "a=b"})
    assert answer.headers["access-control-allow-origin"] == "http://there"
    assert "origin" in answer.headers["vary"].lower()


def test_cors_preflight(server) -> None:
    answer = requests.options(server.url + "/api/v1/stacks", headers={
        "Origin": "http://there", "Access-Control-Request-Method": "PUT",
        "Access-Control-Request-Headers": "x-one, authorization"})
    assert answer.status_code == 200
    assert answer.headers["access-control-max-age"] == "600"
    assert answer.headers["access-control-allow-headers"] == "x-one, authorization"
    assert "PUT" in answer.headers["access-control-allow-methods"]
    assert requests.options(server.url + "/api/v1/stacks").status_code == 405


def test_last_activity_is_written_once_in_a_minute(fresh: Kanso) -> None:
    """All workers write to the same row, also those of other hosts: none does while another's note is fresh."""
    def note(seconds: int) -> str:
        fresh.sql(f"UPDATE server_settings SET last_user_activity = UTC_TIMESTAMP() - INTERVAL {seconds} SECOND")
        return written()

    def written() -> str:
        return fresh.sql("SELECT last_user_activity FROM server_settings")[0][0]

    before = note(20)
    for _ in range(3):
        Api(fresh.url).read("/current-user")
    assert written() == before
    fresh.stop()
    before = note(300)
    fresh.start()
    Api(fresh.url).read("/current-user")
    wait_until(lambda: written() != before, 30, "a note of activity")
