"""Users, service accounts, API keys and devices."""

from __future__ import annotations

import base64
import json
import time
import uuid

import pytest
import requests

from kit.api import NOBODY, Api, fails, forbidden, missing, ok, problems, taken, unfit
from kit.factory import World
from kit.servers import PASSWORD, USER

pytestmark = pytest.mark.sanitize


@pytest.fixture(scope="module")
def stranger(server) -> Api:
    return Api(server.url, user=None)


def login(stranger: Api, **form: str) -> requests.Response:
    answer = stranger.call("POST", "/login", data=form)
    stranger.session.cookies.clear()
    return answer


def bearer(stranger: Api, token: str, method: str, path: str, body: object = None) -> requests.Response:
    return stranger.call(method, path, body, headers={"Authorization": "Bearer " + token})


@pytest.fixture(scope="module")
def carl(server, world: World) -> Api:
    """A user who is no administrator."""
    name = world.name("carl")
    made = world.api.make("/users", {"name": name, "password": "cpw", "is_admin": False, "full_name": "Carl"})
    api = Api(server.url, name, "cpw")
    api.id, api.name = made["id"], name
    return api


# Users

def test_new_user_with_a_password(world: World, carl: Api) -> None:
    user = world.api.read("/users/" + carl.id)
    assert user["body"]["active"] and user["body"]["activation_token"] is None and not user["body"]["is_admin"]
    assert user["metadata"] == {"email": None, "external_user_id": None, "user_metadata": {}}
    assert carl.read("/current-user")["id"] == carl.id
    taken(world.api.post("/users", {"name": carl.name.upper(), "is_admin": False}))
    unfit(world.api.post("/users", {"name": "x", "is_admin": False, "foo": 1}), "extra_forbidden", "body", "foo")
    unfit(world.api.post("/users", {"name": "x"}), "missing", "body", "is_admin")
    problems(world.api.post("/users", {"name": "x", "is_admin": False, "password": "a\0b"}))


def test_activation(world: World, stranger: Api) -> None:
    name = world.name("ann")
    made = world.api.make("/users", {"name": name, "is_admin": False, "active": True, "email": "a@b.c"})
    token = made["body"]["activation_token"]
    assert not made["body"]["active"] and len(token) == 64
    assert world.api.read("/users/" + name)["body"]["activation_token"] is None
    fails(login(stranger, username=name, password=""), 401, "AuthorizationException")
    path = f"/users/{name}/activate"
    missing(stranger.put("/users/nobody-here/activate", {}))
    fails(stranger.put(path, {"password": "p"}), 401, "AuthorizationException")
    fails(stranger.put(path, {"password": "p", "activation_token": "x"}), 401, "AuthorizationException")
    done = stranger.change(path, {"password": "p", "activation_token": token, "full_name": "Ann", "email": "n@b.c",
                                  "user_metadata": {"a": 1}, "is_admin": True})
    assert done["body"]["active"] and done["body"]["full_name"] == "Ann" and not done["body"]["is_admin"]
    fails(stranger.put(path, {"password": "q", "activation_token": token}), 422, "ValueError")
    ann = Api(stranger.url, name, "p")
    me = ann.read("/current-user")
    assert me["metadata"]["email"] == "n@b.c" and me["metadata"]["user_metadata"] == {"a": 1}
    assert me["body"]["email_opted_in"] is True


def test_deactivation(world: World, stranger: Api) -> None:
    name = world.name("dan")
    world.api.make("/users", {"name": name, "password": "p", "is_admin": False})
    dan = Api(stranger.url, name, "p")
    forbidden(world.api.put(f"/users/{USER}/deactivate"))
    forbidden(dan.put(f"/users/{USER}/deactivate"))
    token = world.api.change(f"/users/{name}/deactivate", None)["body"]["activation_token"]
    assert len(token) == 64
    assert "not active" in dan.get("/current-user").json()["detail"]
    fails(login(stranger, username=name, password="p"), 401, "AuthorizationException")
    stranger.change(f"/users/{name}/activate", {"activation_token": token})
    dan.read("/current-user")  # the old token lives again, and the old password
    ok(login(stranger, username=name, password="p"))


def test_others_are_for_administrators(world: World, carl: Api) -> None:
    assert carl.ids("/users") == [carl.id]
    for answer in (carl.get("/users/" + USER), carl.put("/users/" + USER, {"full_name": "x"}), carl.delete("/users/" + USER),
                   carl.put(f"/users/{USER}/deactivate"), carl.post("/users", {"name": "y", "is_admin": False})):
        forbidden(answer)
    missing(carl.get("/users/" + NOBODY))
    assert carl.read("/users/" + carl.name)["id"] == carl.id
    forbidden(carl.put("/settings", {"server_name": "mine"}))
    carl.change("/settings", {})


def test_changing_the_password(world: World, stranger: Api) -> None:
    name = world.name("eve")
    made = world.api.make("/users", {"name": name, "password": "one", "is_admin": False})
    eve = Api(stranger.url, name, "one")
    for path in ("/users/" + made["id"], "/current-user"):
        forbidden(eve.put(path, {"password": "two"}))
        forbidden(eve.put(path, {"password": "two", "old_password": "wrong"}))
    forbidden(world.api.put("/users/" + name, {"password": "two", "old_password": "one"}))
    eve.change("/users/" + name, {"password": "two", "old_password": "one"})
    fails(login(stranger, username=name, password="one"), 401, "AuthorizationException")
    eve.change("/current-user", {"password": "", "old_password": "two"})
    ok(login(stranger, username=name, password=""))
    eve.read("/current-user")  # tokens outlive the password


def test_long_passwords(world: World, stranger: Api) -> None:
    """The first 72 bytes count."""
    name, secret = world.name("long"), "ä" * 100
    world.api.make("/users", {"name": name, "password": secret, "is_admin": False})
    ok(login(stranger, username=name, password=secret))
    ok(login(stranger, username=name, password=secret[:36] + "x" * 3000))
    fails(login(stranger, username=name, password=secret[:35]), 401, "AuthorizationException")


def test_private_data(world: World, carl: Api) -> None:
    unfit(carl.put("/current-user", {"email_opted_in": True}), "value_error", "body")
    forbidden(world.api.put("/users/" + carl.name, {"email": "a@b.c"}))
    assert carl.change("/users/" + carl.name, {"email": "a@b.c"})["body"]["email_opted_in"] is None
    changed = carl.change("/current-user", {"email": "a@b.c", "full_name": "C", "is_admin": True, "active": False})
    assert changed["metadata"]["email"] is None and changed["body"]["email_opted_in"] is True
    assert not changed["body"]["is_admin"] and changed["body"]["active"]
    assert carl.read("/current-user")["metadata"]["email"] == "a@b.c"
    fails(carl.put(f"/users/{carl.name}/email-opt-in", {"email_opted_in": False}), 401, "AuthorizationException")
    carl.change(f"/users/{carl.id}/email-opt-in", {"email_opted_in": False})
    assert carl.read("/current-user")["metadata"]["email"] is None
    carl.change("/current-user", {"user_metadata": {"a": [1]}})
    carl.change("/current-user", {"user_metadata": None})
    assert carl.read("/current-user")["metadata"]["user_metadata"] == {"a": [1]}


def test_administrators(world: World, carl: Api, stranger: Api) -> None:
    forbidden(world.api.put("/users/" + USER, {"is_admin": False}))
    forbidden(world.api.put("/users/" + USER, {"active": False}))
    world.api.change("/users/" + USER, {"is_admin": True, "active": True})
    forbidden(carl.put("/users/" + carl.name, {"is_admin": True}))
    name = world.name("admin")
    made = world.api.make("/users", {"name": name, "password": "p", "is_admin": False})
    assert world.api.change("/users/" + name, {"is_admin": True})["body"]["is_admin"]
    admin = Api(stranger.url, name, "p")
    admin.read("/users/" + USER)
    world.api.change("/users/" + name, {"is_admin": False})
    forbidden(admin.get("/users/" + USER))
    forbidden(world.api.delete("/users/" + USER))
    world.api.remove("/users/" + made["id"])
    missing(world.api.delete("/users/" + made["id"]))
    assert "error retrieving token account" in admin.get("/current-user").json()["detail"]


def test_who_owns_something_stays(world: World, server) -> None:
    name = world.name("own")
    world.api.make("/users", {"name": name, "password": "p", "is_admin": False})
    owner = World(Api(server.url, name, "p"))
    secret = owner.secret()
    forbidden(world.api.delete("/users/" + name))
    owner.api.remove("/secrets/" + secret["id"])
    world.api.remove("/users/" + name)


def test_renaming(world: World, carl: Api) -> None:
    name = world.name("fay")
    made = world.api.make("/users", {"name": name, "password": "p", "is_admin": False})
    taken(world.api.put("/users/" + made["id"], {"name": carl.name}))
    assert world.api.change("/users/" + made["id"], {"name": name + "2"})["name"] == name + "2"
    assert world.api.put("/users/" + made["id"], {"name": None}).status_code == 400


# Service accounts and keys

@pytest.fixture
def account(world: World) -> dict:
    return world.api.make("/service_accounts", {"name": world.name("sa"), "active": True, "description": "d"})


def test_service_account(world: World, account: dict, carl: Api) -> None:
    assert list(account) == ["body", "metadata", "resources", "id", "permission_denied", "name"]
    assert list(account["body"]) == ["created", "updated", "active"] and account["metadata"] == {"description": "d"}
    assert world.api.read("/service_accounts/" + account["name"]) == account
    user = world.api.read("/users/" + account["id"])
    assert user["body"]["is_service_account"] and user["body"]["email_opted_in"] is False
    missing(world.api.get("/users/" + account["name"]))
    assert account["id"] not in world.api.ids("/users", size=1000)
    taken(world.api.post("/service_accounts", {"name": account["name"], "active": True}))
    world.api.make("/users", {"name": account["name"], "is_admin": False})  # another kind of name
    for path in ("/users/" + account["id"],):
        missing(world.api.put(path, {"full_name": "x"}))
        missing(world.api.delete(path))
    changed = carl.change("/service_accounts/" + account["name"], {"description": "e", "name": None})
    assert changed["metadata"]["description"] == "e" and changed["name"] == account["name"]
    other = world.api.make("/service_accounts", {"name": world.name("sa"), "active": True})
    taken(world.api.put("/service_accounts/" + other["id"], {"name": account["name"]}))
    assert other["metadata"]["description"] == ""
    world.api.remove("/service_accounts/" + other["name"])
    missing(world.api.get("/service_accounts/" + other["id"]))
    unfit(world.api.post("/service_accounts", {"name": "x"}), "missing", "body", "active")


def decode(key: str) -> dict:
    assert key.startswith("ZENKEY_")
    return json.loads(base64.b64decode(key.removeprefix("ZENKEY_"), validate=True))


def test_api_key(world: World, account: dict, stranger: Api) -> None:
    path = f"/service_accounts/{account['id']}/api_keys"
    made = world.api.make(path, {"name": "k1", "description": "d"})
    key = made["body"]["key"]
    assert list(decode(key)) == ["id", "key"] and decode(key)["id"] == made["id"] and len(decode(key)["key"]) == 64
    assert list(made["body"]) == ["created", "updated", "key", "active", "service_account"]
    assert made["body"]["service_account"]["id"] == account["id"]
    assert made["metadata"] == {"description": "d", "retain_period_minutes": 0, "last_login": None, "last_rotated": None}
    assert world.api.read(path + "/k1")["body"]["key"] is None
    assert world.api.ids(path) == world.api.ids(path, active="true") == [made["id"]]
    taken(world.api.post(path, {"name": "k1"}))
    answer = login(stranger, password=key)
    token = ok(answer)["access_token"]
    assert "set-cookie" in answer.headers
    assert ok(bearer(stranger, token, "GET", "/current-user"))["id"] == account["id"]
    assert world.api.read(path + "/k1")["metadata"]["last_login"]
    ok(login(stranger, grant_type="zenml-api-key", password=key.removeprefix("ZENKEY_")))
    claims = json.loads(base64.urlsafe_b64decode(token.split(".")[1] + "=="))
    assert set(claims) == {"sub", "iss", "aud", "api_key_id"} and claims["api_key_id"] == made["id"]
    missing(world.api.get(path + "/other"))
    missing(world.api.get(f"/service_accounts/{NOBODY}/api_keys"))
    unfit(world.api.get(f"/service_accounts/{account['name']}/api_keys"), "uuid_parsing", "path", "service_account_id")


@pytest.mark.parametrize("text", ["ZENKEY_", "ZENKEY_!", "no key", "ZENKEY_e30=", "ZENKEY_W10=", "ZENKEY_bnVsbA==",
                                  "ZENKEY_" + base64.b64encode(b'{"id":"x","key":"y"}').decode(),
                                  "ZENKEY_" + base64.b64encode(b'{"id":5,"key":6}').decode(),
                                  "ZENKEY_" + base64.b64encode(b'{"id":"' + NOBODY.encode() + b'","key":"a\\u0000b"}').decode(),
                                  "ZENKEY_" + base64.b64encode(b'{"id":"' + NOBODY.encode() + b'","key":"y"}').decode(), "x" * 60000])
def test_key_that_is_none(stranger: Api, text: str) -> None:
    fails(login(stranger, grant_type="zenml-api-key", password=text), 401, "AuthorizationException")


def test_wrong_and_inactive_keys(world: World, account: dict, stranger: Api) -> None:
    path = f"/service_accounts/{account['id']}/api_keys"
    key = world.api.make(path, {"name": "k"})["body"]["key"]
    token = ok(login(stranger, password=key))["access_token"]
    forged = "ZENKEY_" + base64.b64encode(json.dumps(decode(key) | {"key": "0" * 64}).encode()).decode()
    fails(login(stranger, password=forged), 401, "AuthorizationException")
    world.api.change(path + "/k", {"active": False})
    assert "API key k" in fails(login(stranger, password=key), 401, "AuthorizationException")
    assert "API key k" in bearer(stranger, token, "GET", "/current-user").json()["detail"]
    world.api.change(path + "/k", {"active": True})
    world.api.change("/service_accounts/" + account["id"], {"active": False})
    fails(login(stranger, password=key), 401, "AuthorizationException")
    assert "not active" in bearer(stranger, token, "GET", "/current-user").json()["detail"]
    world.api.change("/service_accounts/" + account["id"], {"active": True})
    ok(bearer(stranger, token, "GET", "/current-user"))
    world.api.remove(path + "/k")
    assert "error retrieving API key" in bearer(stranger, token, "GET", "/current-user").json()["detail"]
    fails(login(stranger, password=key), 401, "AuthorizationException")


def test_rotation(world: World, account: dict, stranger: Api) -> None:
    path = f"/service_accounts/{account['id']}/api_keys"
    first = world.api.make(path, {"name": "k"})["body"]["key"]
    token = ok(login(stranger, password=first))["access_token"]
    rotated = world.api.change(path + "/k/rotate", {"retain_period_minutes": 1})
    second = rotated["body"]["key"]
    assert rotated["metadata"] is None and decode(second)["id"] == decode(first)["id"] and second != first
    ok(login(stranger, password=first)), ok(login(stranger, password=second))
    ok(bearer(stranger, token, "GET", "/current-user"))
    third = world.api.change(path + "/k/rotate", {})["body"]["key"]
    ok(login(stranger, password=third))
    for old in (first, second):
        fails(login(stranger, password=old), 401, "AuthorizationException")
    meta = world.api.read(path + "/k")["metadata"]
    assert meta["retain_period_minutes"] == 0 and meta["last_rotated"]


def test_machines_cannot_sign_in_like_people(world: World, account: dict, stranger: Api) -> None:
    for name in (account["name"], account["id"]):
        fails(login(stranger, username=name, password=""), 401, "AuthorizationException")


# Devices

AGENT = "Host/laptop ZenML/0.66.0 Python/3.11.4 OS/linux odd x/y/z"


def authorize(stranger: Api, client: str = "") -> dict:
    return ok(stranger.call("POST", "/device_authorization", data={"client_id": client or str(uuid.uuid4())},
                            headers={"User-Agent": AGENT}))


def device_of(codes: dict) -> str:
    return codes["verification_uri_complete"].split("device_id=")[1].split("&")[0]


def poll(stranger: Api, client: str, code: str) -> requests.Response:
    return login(stranger, client_id=client, device_code=code)


def refused(answer: requests.Response, error: str) -> None:
    assert answer.status_code == 400, answer.text
    assert list(answer.json()) == ["error", "error_description", "error_uri"]
    assert answer.json()["error"] == error and answer.json()["error_uri"] is None


def test_device_flow(world: World, carl: Api, stranger: Api) -> None:
    client = str(uuid.uuid4())
    refused(poll(stranger, client, "x"), "invalid_client")
    codes = authorize(stranger, client)
    assert list(codes) == ["device_code", "user_code", "verification_uri", "verification_uri_complete", "expires_in", "interval"]
    assert (len(codes["device_code"]), len(codes["user_code"]), codes["expires_in"], codes["interval"]) == (64, 32, 300, 5)
    assert codes["verification_uri"] == "/devices/verify"
    path = "/devices/" + device_of(codes)
    assert codes["verification_uri_complete"] == f"/devices/verify?device_id={device_of(codes)}&user_code={codes['user_code']}"
    refused(poll(stranger, client, codes["device_code"]), "authorization_pending")
    missing(carl.get(path)), missing(carl.get(path, user_code="wrong"))
    device = carl.read(path, user_code=codes["user_code"])
    assert list(device["body"]) == ["created", "updated", "user", "client_id", "expires", "trusted_device", "status", "os",
                                    "ip_address", "hostname"]
    assert (device["body"]["status"], device["body"]["os"], device["body"]["hostname"], device["body"]["ip_address"]) \
        == ("pending", "linux", "laptop", "127.0.0.1")
    assert device["metadata"] == {"python_version": "3.11.4", "zenml_version": "0.66.0", "city": "", "region": "", "country": "",
                                  "failed_auth_attempts": 0, "last_login": None}
    fails(carl.put(path + "/verify", {"user_code": "wrong"}), 400, "ValueError")
    verified = carl.change(path + "/verify", {"user_code": codes["user_code"], "trusted_device": True})
    assert verified["body"]["status"] == "verified" and verified["body"]["user"]["id"] == carl.id
    assert verified["body"]["trusted_device"] and verified["metadata"]["failed_auth_attempts"] == 0
    fails(carl.put(path + "/verify", {"user_code": codes["user_code"]}), 400, "ValueError")
    refused(poll(stranger, client, "wrong"), "access_denied")
    answer = poll(stranger, client, codes["device_code"])
    assert ok(answer)["expires_in"] is None and "set-cookie" not in answer.headers
    token = answer.json()["access_token"]
    refused(poll(stranger, client, codes["device_code"]), "expired_token")
    assert ok(bearer(stranger, token, "GET", "/current-user"))["id"] == carl.id
    shown = carl.read(path)
    assert shown["body"]["status"] == "active" and shown["body"]["expires"] is None and shown["metadata"]["last_login"]
    missing(world.api.get(path)), missing(world.api.put(path, {"locked": True})), missing(world.api.delete(path))
    assert device_of(codes) in carl.ids("/devices", size=1000) and device_of(codes) not in world.api.ids("/devices", size=1000)
    assert carl.change(path, {"locked": True})["body"]["status"] == "locked"
    assert "not active" in bearer(stranger, token, "GET", "/current-user").json()["detail"]
    assert carl.change(path, {"locked": None})["body"]["status"] == "locked"
    assert carl.change(path, {"locked": False})["body"]["status"] == "active"
    ok(bearer(stranger, token, "GET", "/current-user"))
    again = authorize(stranger, client)
    assert device_of(again) == device_of(codes) and again["user_code"] != codes["user_code"]
    assert "not active" in bearer(stranger, token, "GET", "/current-user").json()["detail"]
    fails(world.api.put(path + "/verify", {"user_code": again["user_code"]}), 400, "ValueError")  # belongs to another user
    carl.remove(path)
    assert "error retrieving token device" in bearer(stranger, token, "GET", "/current-user").json()["detail"]
    missing(carl.put(path + "/verify", {"user_code": "x"}))


def test_guessing_user_codes_locks_the_device(carl: Api, stranger: Api) -> None:
    client = str(uuid.uuid4())
    codes = authorize(stranger, client)
    path = f"/devices/{device_of(codes)}/verify"
    for _ in range(3):
        fails(carl.put(path, {"user_code": "wrong"}), 400, "ValueError")
    fails(carl.put(path, {"user_code": codes["user_code"]}), 400, "ValueError")
    refused(poll(stranger, client, codes["device_code"]), "access_denied")
    ok(carl.put(path, {"user_code": authorize(stranger, client)["user_code"]}))


def test_guessing_device_codes_locks_the_device(carl: Api, stranger: Api) -> None:
    client = str(uuid.uuid4())
    codes = authorize(stranger, client)
    carl.change(f"/devices/{device_of(codes)}/verify", {"user_code": codes["user_code"]})
    for _ in range(3):
        refused(poll(stranger, client, "wrong"), "access_denied")
    refused(poll(stranger, client, codes["device_code"]), "access_denied")
    assert carl.read("/devices/" + device_of(codes))["body"]["status"] == "locked"


def test_device_forms(stranger: Api) -> None:
    unfit(stranger.call("POST", "/device_authorization", data={"client_id": "zz"}), "uuid_parsing", "body", "client_id")
    problems(stranger.call("POST", "/device_authorization", data={}))
    for form in ({"device_code": "x"}, {"device_code": "x", "client_id": "zz"}):
        assert login(stranger, **form).status_code == 400


def test_a_device_is_bound_to_its_user(world: World, carl: Api, stranger: Api, server) -> None:
    """A token cannot name a device of somebody else, and expires with it."""
    if not server.mariadb:
        pytest.skip("looks into the database")
    client = str(uuid.uuid4())
    codes = authorize(stranger, client)
    carl.change(f"/devices/{device_of(codes)}/verify", {"user_code": codes["user_code"]})
    token = ok(poll(stranger, client, codes["device_code"]))["access_token"]
    hexes = device_of(codes).replace("-", "")
    server.sql(f"UPDATE auth_devices SET user_id = '{world.user.replace('-', '')}' WHERE id = '{hexes}'")
    assert "does not belong to" in bearer(stranger, token, "GET", "/current-user").json()["detail"]
    server.sql(f"UPDATE auth_devices SET user_id = '{carl.id.replace('-', '')}', expires = '2020-01-01' WHERE id = '{hexes}'")
    assert "has expired" in bearer(stranger, token, "GET", "/current-user").json()["detail"]


def test_lives_of_devices(launch, server) -> None:
    if not server.mariadb:
        pytest.skip("needs a Kanso of its own")
    kanso = launch(ZENML_SERVER_JWT_TOKEN_EXPIRE_MINUTES="60", ZENML_SERVER_DEVICE_EXPIRATION_MINUTES="10",
                   ZENML_SERVER_TRUSTED_DEVICE_EXPIRATION_MINUTES="100", ZENML_SERVER_DEVICE_AUTH_TIMEOUT="2",
                   ZENML_SERVER_SERVER_URL="http://at.server/")
    stranger, user = Api(kanso.url, user=None), Api(kanso.url)
    for trusted, seconds in ((False, 600), (True, 6000)):
        client = str(uuid.uuid4())
        codes = authorize(stranger, client)
        assert codes["verification_uri"] == "http://at.server//devices/verify" and codes["expires_in"] == 2
        user.change(f"/devices/{device_of(codes)}/verify", {"user_code": codes["user_code"], "trusted_device": trusted})
        body = ok(poll(stranger, client, codes["device_code"]))
        assert seconds - 3 <= body["expires_in"] <= seconds
        claims = json.loads(base64.urlsafe_b64decode(body["access_token"].split(".")[1] + "=="))
        assert set(claims) == {"sub", "iss", "aud", "exp", "device_id"} and abs(claims["exp"] - time.time() - seconds) < 4
    late, codes = str(uuid.uuid4()), {}
    codes = authorize(stranger, late)
    time.sleep(2.2)
    fails(user.put(f"/devices/{device_of(codes)}/verify", {"user_code": codes["user_code"]}), 400, "ValueError")
    refused(poll(stranger, late, codes["device_code"]), "authorization_pending")
    kanso.stop()


# Activation of a server

def test_activation_of_a_server(launch, server) -> None:
    if not server.mariadb:
        pytest.skip("needs a Kanso of its own")
    kanso = launch(ZENML_SERVER_AUTO_ACTIVATE="0")
    stranger = Api(kanso.url, user=None)
    assert stranger.read("/info")["active"] is False
    assert login(stranger, username=USER, password=PASSWORD).status_code == 401
    unfit(stranger.put("/activate", {"server_name": 5}), "string_type", "body", "server_name")
    admin = stranger.change("/activate", {"server_name": "mine", "admin_username": "root", "admin_password": "", "display_updates": None})
    assert admin["name"] == "root" and admin["body"]["is_admin"] and admin["body"]["active"]
    fails(stranger.put("/activate", {"admin_username": "x", "admin_password": "y"}), 403, "IllegalOperationError")
    assert stranger.read("/info")["active"] is True
    settings = Api(kanso.url, "root", "").read("/settings")["body"]
    assert settings["server_name"] == "mine" and settings["display_updates"] is None and settings["active"]
    kanso.stop()


def test_settings_kept_elsewhere(launch, server) -> None:
    if not server.mariadb:
        pytest.skip("needs a Kanso of its own")
    identity = str(uuid.uuid4())
    kanso = launch(ZENML_SERVER_EXTERNAL_SERVER_ID=identity)
    api = Api(kanso.url)
    assert api.read("/info")["id"] == identity
    assert api.get("/settings").status_code == 404 and api.put("/settings", {}).status_code == 405
    kanso.stop()
