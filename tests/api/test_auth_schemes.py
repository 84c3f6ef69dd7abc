"""The other ways of telling who calls: no authentication, HTTP basic, an external authenticator; cookies."""

from __future__ import annotations

import base64
import json
import threading
import time
import uuid
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Iterator

import pytest
import requests

from kit.api import Api, fails, forbidden, ok
from kit.process import free_port
from kit.servers import ONE_WORKER, PASSWORD, USER, Kanso


def basic(user: str, password: str, scheme: str = "Basic") -> dict[str, str]:
    return {"Authorization": f"{scheme} " + base64.b64encode(f"{user}:{password}".encode()).decode()}


@pytest.fixture(scope="module")
def own(server) -> None:
    if not server.mariadb:
        pytest.skip("needs a Kanso of its own")


# NO_AUTH

def test_no_auth(own: None, launch) -> None:
    kanso = launch(ZENML_SERVER_AUTH_SCHEME="NO_AUTH")
    api = Api(kanso.url, user=None)
    assert api.read("/current-user")["name"] == "default"
    assert api.call("GET", "/current-user", headers={"Authorization": "Bearer x"}).status_code == 200
    assert requests.get(kanso.url + "/api/v1/info").json()["auth_scheme"] == "NO_AUTH"
    assert api.get("/api_token").json() == {"detail": "Not authenticated."}
    answer = api.call("POST", "/login", data={"username": USER, "password": PASSWORD})
    assert (answer.status_code, answer.json()) == (400, {"detail": "Unsupported grant type: password."})
    kanso.sql("UPDATE user SET name = 'somebody'")
    assert api.get("/current-user").status_code == 401
    kanso.stop()


# HTTP_BASIC

@pytest.fixture(scope="module")
def basic_kanso(own: None, launch) -> Iterator[Kanso]:
    kanso = launch(workers="rest:1", ZENML_SERVER_AUTH_SCHEME="HTTP_BASIC")
    yield kanso
    kanso.stop()


@pytest.mark.parametrize("headers,detail", [
    ({}, "Not authenticated"), ({"Authorization": "Bearer x"}, "Not authenticated"), ({"Authorization": "Basic"}, "Not authenticated"),
    ({"Authorization": "Basic !!!"}, "Invalid authentication credentials"),
    ({"Authorization": "Basic " + base64.b64encode(b"nocolon").decode()}, "Invalid authentication credentials"),
    ({"Authorization": "Basic " + base64.b64encode(b"d\xe9:pw").decode()}, "Invalid authentication credentials"),
    (basic(USER + "\0x", PASSWORD), "Invalid authentication credentials"),
    (basic(USER, PASSWORD + "\0"), "Invalid authentication credentials"),
    (basic(USER, "wrong"), "Authentication error: "), (basic("nobody", PASSWORD), "Authentication error: "),
    (basic(USER, ""), "Authentication error: "), (basic("", ""), "Authentication error: ")])
def test_basic_refused(basic_kanso: Kanso, headers: dict, detail: str) -> None:
    answer = requests.get(basic_kanso.url + "/api/v1/current-user", headers=headers)
    assert answer.status_code == 401 and answer.headers["www-authenticate"] == "Basic"
    assert answer.json()["detail"].startswith(detail)


def test_basic(basic_kanso: Kanso) -> None:
    url = basic_kanso.url + "/api/v1/"
    for scheme in ("Basic", "basic", "BASIC"):
        assert ok(requests.get(url + "current-user", headers=basic(USER, PASSWORD, scheme)))["name"] == USER
    begin = time.monotonic()
    for _ in range(20):
        ok(requests.get(url + "current-user", headers=basic(USER, PASSWORD)))
    assert time.monotonic() - begin < 1.5, "a password that came a moment ago costs no bcrypt"
    assert requests.get(url + "current-user", headers=basic(USER, PASSWORD + "x")).status_code == 401
    assert requests.get(url + "api_token", headers=basic(USER, PASSWORD)).json() == {"detail": "Not authenticated."}


def test_basic_follows_changes_at_once(basic_kanso: Kanso) -> None:
    url, admin = basic_kanso.url + "/api/v1/", basic(USER, PASSWORD)
    made = ok(requests.post(url + "users", headers=admin, json={"name": "b", "password": "one:two", "is_admin": False}))
    assert ok(requests.get(url + "current-user", headers=basic("b", "one:two")))["id"] == made["id"]
    assert requests.put(url + "current-user", headers=basic("b", "one:two"),
                        json={"password": "three", "old_password": "one:two"}).status_code == 200
    assert requests.get(url + "current-user", headers=basic("b", "one:two")).status_code == 401
    ok(requests.get(url + "current-user", headers=basic("b", "three")))
    ok(requests.put(url + f"users/{made['id']}/deactivate", headers=admin))
    assert "not active" in requests.get(url + "current-user", headers=basic("b", "three")).json()["detail"]


# EXTERNAL

class Authenticator:
    """Knows tokens and whom they belong to."""

    def __init__(self) -> None:
        self.answers: dict[str, tuple[int, Any]] = {}
        self.calls: list[str] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                outer.calls.append(self.path)
                if self.path.startswith("/moved"):
                    self.send_response(302)
                    self.send_header("Location", "/user" + self.path[6:])
                    self.send_header("Content-Length", "0")
                    self.end_headers()
                    return
                token = self.headers.get("authorization", "").removeprefix("Bearer ")
                status, body = outer.answers.get(token, (401, {}))
                if token == "slow":
                    time.sleep(3)
                text = (body if isinstance(body, str) else json.dumps(body)).encode()
                self.send_response(status)
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text)

            def log_message(self, *arguments: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", free_port()), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


@pytest.fixture(scope="module")
def authenticator(own: None) -> Iterator[Authenticator]:
    made = Authenticator()
    yield made
    made.server.shutdown()
    made.server.server_close()


def of_external(authenticator: Authenticator) -> dict[str, str]:
    return {"ZENML_SERVER_AUTH_SCHEME": "EXTERNAL", "ZENML_SERVER_EXTERNAL_LOGIN_URL": "https://sign.in/here",
            "ZENML_SERVER_EXTERNAL_USER_INFO_URL": authenticator.url + "/moved",
            "ZENML_SERVER_EXTERNAL_COOKIE_NAME": "outside", "ZENML_SERVER_AUTO_ACTIVATE": ""}


@pytest.fixture(scope="module")
def external(authenticator: Authenticator, launch) -> Iterator[Kanso]:
    kanso = launch(**of_external(authenticator))
    yield kanso
    kanso.stop()


def enter(kanso: Kanso, token: str, by_cookie: bool = False) -> requests.Response:
    headers = {"Cookie": "outside=" + token} if by_cookie else {"Authorization": "Bearer " + token}
    return requests.post(kanso.url + "/api/v1/login", headers=headers)


def person(**changes: Any) -> dict[str, Any]:
    return {"id": str(uuid.uuid4()), "email": f"{uuid.uuid4().hex[:8]}@x.y", "name": "A Person", "is_admin": True,
            "more": 1} | changes


def test_where_to_sign_in(external: Kanso) -> None:
    answer = requests.post(external.url + "/api/v1/login")
    assert ok(answer) == {"authorization_url": "https://sign.in/here"} and "set-cookie" not in answer.headers
    assert requests.get(external.url + "/api/v1/info").json()["active"] is True


def test_external_login(authenticator: Authenticator, external: Kanso) -> None:
    who = person()
    authenticator.answers["good"] = (200, who)
    answer = enter(external, "good")
    token, server_id = ok(answer)["access_token"], requests.get(external.url + "/api/v1/info").json()["id"]
    assert answer.headers["set-cookie"].startswith(f"zenml-server-{server_id}={token};")
    assert authenticator.calls[-1] == f"/user?server_id={server_id}"
    api = Api(external.url, user=None)
    api.session.headers["Authorization"] = "Bearer " + token
    me = api.read("/current-user")
    assert (me["name"], me["body"]["full_name"], me["body"]["is_admin"]) == (who["email"], "A Person", True)
    assert me["metadata"]["external_user_id"] == who["id"] and me["metadata"]["email"] == who["email"]
    second = person(is_admin=False, name=None)
    authenticator.answers["second"] = (200, second)
    ok(enter(external, "second", by_cookie=True))
    authenticator.answers["good"] = (200, who | {"email": "new@x.y", "name": None})
    ok(enter(external, "good"))
    again = api.read("/current-user")
    assert (again["id"], again["name"], again["body"]["full_name"]) == (me["id"], "new@x.y", "")
    authenticator.answers["good"] = (200, who | {"is_admin": False})
    forbidden(enter(external, "good"))  # the last administrator
    authenticator.answers["good"] = (200, who | {"email": second["email"]})
    fails(enter(external, "good"), 409, "EntityExistsError")


def test_an_external_login_without_a_session_has_changed_nothing(authenticator: Authenticator, launch) -> None:
    kanso = launch(workers=ONE_WORKER, KANSO_STRICT="true", **of_external(authenticator))
    who = person()
    authenticator.answers["new"] = (200, who)
    with kanso.full("kanso_session"):
        fails(enter(kanso, "new"), 500, "RuntimeError")
        assert kanso.sql(f"SELECT * FROM user WHERE name = '{who['email']}'") == []
    ok(enter(kanso, "new"))
    kanso.stop()


@pytest.mark.parametrize("answer", [
    (401, {}), (403, {}), (404, {}), (500, "x"), (418, {}), (200, "nonsense"), (200, []), (200, {}), (200, {"id": "x", "email": "y"}),
    (200, {"id": str(uuid.uuid4())}), (200, {"id": str(uuid.uuid4()), "email": None}), (204, "")])
def test_external_refused(authenticator: Authenticator, external: Kanso, answer: tuple[int, Any]) -> None:
    authenticator.answers["bad"] = answer
    refused = enter(external, "bad")
    fails(refused, 401, "AuthorizationException")
    assert "set-cookie" not in refused.headers


def test_slow_authenticator(authenticator: Authenticator, external: Kanso) -> None:
    """Strangers whose tokens it takes long to look at: others sign in meanwhile, and afterwards everybody does."""
    authenticator.answers["good again"] = 200, person()
    answers: list[int] = []
    strangers = [threading.Thread(target=lambda: answers.append(enter(external, "slow").status_code)) for _ in range(5)]
    for stranger in strangers:
        stranger.start()
    time.sleep(1)
    begin = time.monotonic()
    answer = requests.post(external.url + "/api/v1/login")
    assert answer.json() == {"authorization_url": "https://sign.in/here"}
    assert time.monotonic() - begin < 2.5
    for stranger in strangers:
        stranger.join()
    assert set(answers) <= {401, 429, 503} and 503 in answers
    assert time.monotonic() - begin < 9
    ok(enter(external, "good again"))


@pytest.mark.race
def test_one_user_of_many_logins_at_once(authenticator: Authenticator, external: Kanso) -> None:
    who = person(is_admin=False)
    authenticator.answers["many"] = (200, who)
    threads = [threading.Thread(target=enter, args=(external, "many")) for _ in range(6)]
    [thread.start() for thread in threads], [thread.join() for thread in threads]
    assert external.sql(f"SELECT COUNT(*) FROM user WHERE external_user_id = '{who['id'].replace('-', '')}'") == [["1"]]


@pytest.mark.parametrize("method,path,status", [
    ("PUT", "/activate", 405), ("POST", "/users", 405), ("PUT", "/users/x", 405), ("DELETE", "/users/x", 405),
    ("PUT", "/users/x/activate", 405), ("PUT", "/users/x/deactivate", 405), ("PUT", "/users/x/email-opt-in", 405),
    ("PUT", "/current-user", 405)])
def test_users_are_managed_elsewhere(external: Kanso, method: str, path: str, status: int) -> None:
    assert Api(external.url, user=None).call(method, path, {}).status_code == status


def test_passwords_open_nothing(external: Kanso) -> None:
    answer = requests.post(external.url + "/api/v1/login", data={"username": USER, "password": PASSWORD})
    assert (answer.status_code, answer.json()) == (400, {"detail": "Unsupported grant type: password."})


# Cookies

def test_cookie_attributes(own: None, launch) -> None:
    kanso = launch(ZENML_SERVER_AUTH_COOKIE_NAME="crumb", ZENML_SERVER_AUTH_COOKIE_DOMAIN="kanso.test",
                   ZENML_SERVER_JWT_TOKEN_EXPIRE_MINUTES="60")
    answer = requests.post(kanso.url + "/api/v1/login", data={"username": USER, "password": PASSWORD})
    token = ok(answer)["access_token"]
    assert answer.json()["expires_in"] == 3600
    assert answer.headers["set-cookie"] == f"crumb={token}; Domain=kanso.test; HttpOnly; Max-Age=3600; Path=/; SameSite=lax"
    ok(requests.get(kanso.url + "/api/v1/current-user", headers={"Cookie": f"crumb=old; crumb={token}"}))
    gone = requests.get(kanso.url + "/api/v1/logout").headers["set-cookie"]
    assert gone.startswith('crumb=""; Domain=kanso.test; expires=') and gone.endswith("GMT; HttpOnly; Max-Age=0; Path=/; SameSite=lax")
    kanso.stop()
