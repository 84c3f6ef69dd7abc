"""Password login, logout, tokens by header and by cookie, and what makes a token bad."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time

import pytest
import requests

from kit.api import NOBODY, Api, fails, ok
from kit.servers import JWT_KEY, PASSWORD, USER

pytestmark = pytest.mark.sanitize


def encoded(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def compact(value: object) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()


def claims_of(token: str) -> dict:
    payload = token.split(".")[1]
    return json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))


def signed(claims: object, header: object = None, key: str = JWT_KEY) -> str:
    text = encoded(compact(header or {"alg": "HS256", "typ": "JWT"})) + "." \
        + encoded(claims if isinstance(claims, bytes) else compact(claims))
    return text + "." + encoded(hmac.new(key.encode(), text.encode(), hashlib.sha256).digest())


@pytest.fixture(scope="module")
def stranger(server) -> Api:
    return Api(server.url, user=None)


@pytest.fixture
def claims(client: Api) -> dict:
    return claims_of(client.token)


def login(stranger: Api, **form: str) -> requests.Response:
    answer = stranger.call("POST", "/login", data=form)
    stranger.session.cookies.clear()
    return answer


def with_token(stranger: Api, token: str) -> requests.Response:
    return stranger.call("GET", "/current-user", headers={"Authorization": "Bearer " + token})


def unauthorized(answer: requests.Response, text: str = "") -> None:
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == "Bearer"
    detail = answer.json()["detail"]
    assert isinstance(detail, str)
    assert detail.startswith("Authentication error: ") and text in detail


def test_login(server, stranger: Api) -> None:
    answer = login(stranger, username=USER, password=PASSWORD)
    body = ok(answer)
    assert list(body) == ["access_token", "token_type", "expires_in", "refresh_token", "scope"]
    assert body["token_type"] == "bearer"
    assert body["expires_in"] is body["refresh_token"] is body["scope"] is None
    claims = claims_of(body["access_token"])
    server_id = requests.get(server.url + "/api/v1/info").json()["id"]
    user = ok(with_token(stranger, body["access_token"]))
    assert claims == {"sub": user["id"], "iss": server_id, "aud": server_id}
    header = body["access_token"].split(".")[0]
    assert json.loads(base64.urlsafe_b64decode(header + "==")) == {"alg": "HS256", "typ": "JWT"}
    assert body["access_token"] == signed(claims)
    name, value = answer.headers["set-cookie"].split(";")[0].split("=", 1)
    assert (name, value) == (f"zenml-server-{server_id}", body["access_token"])
    attributes = {part.strip().lower() for part in answer.headers["set-cookie"].split(";")[1:]}
    assert {"httponly", "path=/", "samesite=lax"} <= attributes


def test_grant_type_may_be_named(stranger: Api) -> None:
    ok(login(stranger, grant_type="password", username=USER, password=PASSWORD))


def test_login_with_the_id_or_another_case(client: Api, stranger: Api) -> None:
    user = client.read("/current-user")
    ok(login(stranger, username=user["id"], password=PASSWORD))
    ok(login(stranger, username=USER.upper(), password=PASSWORD))


@pytest.mark.parametrize("form", [
    {"username": USER, "password": "wrong"}, {"username": USER},
    {"username": USER, "password": ""}, {"username": "nobody", "password": PASSWORD},
    {"username": NOBODY, "password": PASSWORD}, {"username": USER, "password": "x" * 5000},
], ids=["wrong", "absent", "empty", "unknown", "unknown id", "endless"])
def test_wrong_credentials(stranger: Api, form: dict) -> None:
    answer = login(stranger, **form)
    if len(form.get("password", "")) > 4096:
        fails(answer, 422, "ValueError")
    else:
        fails(answer, 401, "AuthorizationException")
        assert "www-authenticate" not in answer.headers
    assert "set-cookie" not in answer.headers


def test_password_with_nul(stranger: Api) -> None:
    answer = login(stranger, username=USER, password="p\0w")
    assert answer.status_code == 400 and isinstance(answer.json()["detail"], str)


@pytest.mark.parametrize("form", [
    {"grant_type": "foreign"}, {"grant_type": "password"},
    {"grant_type": "password", "password": "x"}, {},
    {"grant_type": "urn:ietf:params:oauth:grant-type:device_code"}])
def test_login_form_that_does_not_fit(stranger: Api, form: dict) -> None:
    answer = login(stranger, **form)
    assert answer.status_code == 400
    assert isinstance(answer.json()["detail"], str)


def test_login_by_json_is_an_empty_form(stranger: Api) -> None:
    assert stranger.post("/login", {"username": USER, "password": PASSWORD}).status_code == 400


def test_login_by_multipart(stranger: Api) -> None:
    answer = stranger.call("POST", "/login", files={"username": (None, USER),
                                                    "password": (None, PASSWORD)})
    stranger.session.cookies.clear()
    assert ok(answer)["access_token"]


def test_logout(stranger: Api) -> None:
    answer = stranger.get("/logout")
    assert ok(answer) is None
    cookie = answer.headers["set-cookie"]
    assert cookie.split(";")[0].endswith('=""') and "Max-Age=0" in cookie


def test_token_survives_the_logout(client: Api) -> None:
    token = client.token
    client.get("/logout")
    client.session.cookies.clear()
    assert client.token == token and client.read("/current-user")["name"] == USER


def test_current_user(client: Api) -> None:
    user = client.read("/current-user")
    assert list(user["body"]) == ["created", "updated", "active", "activation_token",
                                  "full_name", "email_opted_in", "is_service_account",
                                  "is_admin"]
    assert list(user["metadata"]) == ["email", "external_user_id", "user_metadata"]
    assert user["body"]["is_admin"] and user["body"]["active"]
    assert user["body"]["activation_token"] is None
    assert "password" not in json.dumps(user)


def test_scheme_is_case_insensitive(client: Api, stranger: Api) -> None:
    for scheme in ("bearer", "BEARER", "bEaReR"):
        ok(stranger.call("GET", "/current-user",
                         headers={"Authorization": f"{scheme} {client.token}"}))


@pytest.mark.parametrize("value", ["", "Basic ZGVmYXVsdDpwdw==", "Token abc"])
def test_not_authenticated(stranger: Api, value: str) -> None:
    answer = stranger.call("GET", "/current-user",
                           headers={"Authorization": value} if value else {})
    assert answer.status_code == 401
    assert answer.json() == {"detail": "Not authenticated"}
    assert answer.headers["www-authenticate"] == "Bearer"


@pytest.mark.parametrize("token", ["xx", "a.b", "a.b.c", "..", "é.b.c", "a" * 6000],
                         ids=["word", "two", "three", "dots", "accent", "long"])
def test_token_that_is_none(stranger: Api, token: str) -> None:
    unauthorized(with_token(stranger, token.encode().decode("latin-1")))


def test_changed_token(client: Api, stranger: Api) -> None:
    head, payload, signature = client.token.split(".")
    flipped = ("A" if signature[0] != "A" else "B") + signature[1:]
    unauthorized(with_token(stranger, f"{head}.{payload}.{flipped}"))
    unauthorized(with_token(stranger, f"{head}.{payload}."))
    unauthorized(with_token(stranger, f"{head}.{payload}.{signature}x.y"))
    unauthorized(with_token(stranger, f"{head}.{payload}.{signature[:-4]}"))


def test_algorithm_is_fixed(claims: dict, stranger: Api) -> None:
    none = encoded(compact({"alg": "none", "typ": "JWT"})) + "." + encoded(compact(claims)) + "."
    unauthorized(with_token(stranger, none))
    for algorithm in ("HS512", "HS384", "RS256", "hs256"):
        unauthorized(with_token(stranger, signed(claims, {"alg": algorithm, "typ": "JWT"})))
    unauthorized(with_token(stranger, signed(claims, {"typ": "JWT"})))
    unauthorized(with_token(stranger, signed(claims, key="another key of sufficient length")))


@pytest.mark.parametrize("change", [
    {"iss": "someone"}, {"iss": None}, {"aud": "someone"}, {"aud": None}, {"aud": ["x"]},
    {"sub": ""}, {"sub": None}, {"sub": "no-uuid"}, {"sub": NOBODY}, {"exp": 1},
    {"exp": "soon"}, {"nbf": 99999999999}, {"iat": 99999999999}, {"device_id": "x"},
    {"device_id": NOBODY}, {"api_key_id": "x"}, {"api_key_id": NOBODY}, {"pipeline_id": "x"}],
    ids=str)
def test_bad_claims(claims: dict, stranger: Api, change: dict) -> None:
    changed = {key: value for key, value in (claims | change).items() if value is not None}
    unauthorized(with_token(stranger, signed(changed)))


@pytest.mark.parametrize("payload", [b"[]", b"x", b'"text"', b"\xff", b"{"])
def test_payload_that_is_no_object(stranger: Api, payload: bytes) -> None:
    unauthorized(with_token(stranger, signed(payload)))


def test_good_claims(claims: dict, stranger: Api) -> None:
    now = int(time.time())
    for extra in ({}, {"exp": now + 60}, {"exp": now - 5}, {"nbf": now - 5, "iat": now - 5},
                  {"aud": ["x", claims["aud"]]}, {"pipeline_id": NOBODY}, {"more": [1]},
                  {"sub": claims["sub"].replace("-", "")}):
        ok(with_token(stranger, signed(claims | extra)))
    ok(with_token(stranger, signed(claims, {"alg": "HS256", "typ": "JWT", "kid": 5})))


def test_cookie(client: Api, stranger: Api, claims: dict) -> None:
    name = "zenml-server-" + claims["iss"]

    def ask(cookie: str, token: str = "") -> requests.Response:
        headers = {"Cookie": cookie} | ({"Authorization": "Bearer " + token} if token else {})
        return stranger.call("GET", "/current-user", headers=headers)

    ok(ask(f"{name}={client.token}"))
    ok(ask(f"other=1; {name}={client.token}; more=2"))
    ok(ask(f"{name}={client.token}", token="bad"))
    unauthorized(ask(f"{name}=bad", token=client.token))
    ok(ask(f"{name}=", token=client.token))
    assert ask(f"zenml-server-x={client.token}").json() == {"detail": "Not authenticated"}


def test_order_of_checks(stranger: Api) -> None:
    """A syntax error is told to strangers, everything else about a request is not."""
    assert stranger.call("POST", "/tags", data="{",
                         headers={"content-type": "application/json"}).status_code == 422
    assert stranger.post("/tags", {}).status_code == 401
    assert stranger.get("/stacks?size=0").status_code == 401
    assert stranger.get("/stacks/no-uuid").status_code == 401
