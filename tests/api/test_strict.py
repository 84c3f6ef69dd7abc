"""What the reference's contract leaves open, and KANSO_STRICT closes: each thing is tried both ways."""

from __future__ import annotations

import base64
import hmac
import json
import statistics
import time
import uuid
from typing import Any, Callable, Iterator

import pytest
import requests

from kit.api import Api, fails, missing, ok
from kit.factory import World
from kit.servers import JWT_KEY, PASSWORD, USER, Kanso


@pytest.fixture(scope="module")
def both(server, launch) -> Iterator[dict[bool, Kanso]]:
    """A strict server and one that is not, on databases of their own."""
    if not server.mariadb:
        pytest.skip("needs Kansos of its own")
    found = {strict: launch(KANSO_STRICT=str(strict).lower(), KANSO_LOGIN_RATE="0") for strict in (True, False)}
    yield found
    for kanso in found.values():
        kanso.stop()


@pytest.fixture(params=[True, False], ids=["strict", "plain"])
def strict(request: pytest.FixtureRequest) -> bool:
    return request.param


@pytest.fixture
def kanso(both: dict[bool, Kanso], strict: bool) -> Kanso:
    return both[strict]


@pytest.fixture
def own(kanso: Kanso) -> World:
    return World(Api(kanso.url))


def user(own: World, password: str = "p", **more: Any) -> Any:
    name = own.name("u")
    made = own.api.make("/users", {"name": name, "password": password, "is_admin": False} | more)
    api = Api(own.api.url, name, password)
    api.id, api.name = made["id"], name
    return api


def lives(api: Api) -> bool:
    answer = api.get("/current-user")
    assert answer.status_code in (200, 401)
    listed = api.get("/tags")  # which asks about the caller in another way
    assert listed.status_code == answer.status_code
    assert answer.ok or "session has ended" in answer.text
    return answer.ok


def bearer(kanso: Kanso, token: str) -> Api:
    api = Api(kanso.url, user=None)
    api.session.headers["Authorization"] = "Bearer " + token
    return api


# Sessions

@pytest.mark.parametrize("by", ["header", "cookie"])
def test_logout(kanso: Kanso, own: World, strict: bool, by: str) -> None:
    """It ends this session, and no other of the same user."""
    one = user(own)
    two = Api(kanso.url, one.name, "p")
    server = requests.get(kanso.url + "/api/v1/info").json()["id"]
    headers = {"Authorization": "Bearer " + one.token} if by == "header" else {"Cookie": f"zenml-server-{server}={one.token}"}
    foreign = requests.get(kanso.url + "/api/v1/logout", headers=headers | {"Sec-Fetch-Site": "cross-site"})
    assert foreign.ok and lives(one)
    assert requests.get(kanso.url + "/api/v1/logout", headers=headers).ok
    assert lives(one) == (not strict) and lives(two)


def test_a_new_password_ends_sessions(kanso: Kanso, own: World, strict: bool) -> None:
    one = user(own)
    two = Api(kanso.url, one.name, "p")
    one.change("/current-user", {"password": "q", "old_password": "p"})
    assert [lives(one), lives(two)] == [not strict] * 2
    assert lives(Api(kanso.url, one.name, "q"))


def test_a_deactivation_ends_sessions(kanso: Kanso, own: World, strict: bool) -> None:
    """For good: they do not come back with the account."""
    one = user(own)
    token = own.api.change(f"/users/{one.name}/deactivate", None)["body"]["activation_token"]
    assert one.get("/current-user").status_code == 401
    ok(requests.put(f"{kanso.url}/api/v1/users/{one.name}/activate", json={"activation_token": token}))
    assert lives(one) == (not strict)


def machine(kanso: Kanso, own: World) -> tuple[str, str, Callable[[str], Api]]:
    """Path of a key, the key, and how to sign in with one."""
    account = own.api.make("/service_accounts", {"name": own.name("sa"), "active": True})
    path = f"/service_accounts/{account['id']}/api_keys"
    key = own.api.make(path, {"name": "k"})["body"]["key"]
    return path, key, lambda text: bearer(kanso, ok(requests.post(kanso.url + "/api/v1/login", data={"password": text}))["access_token"])


@pytest.mark.parametrize("what", ["rotate", "retain", "key", "account"])
def test_what_ends_sessions_of_machines(kanso: Kanso, own: World, strict: bool, what: str) -> None:
    path, key, sign_in = machine(kanso, own)
    api = sign_in(key)
    scoped = bearer(kanso, api.read("/api_token", pipeline_id=str(uuid.uuid4()), expires_minutes=9))
    assert lives(api) and lives(scoped)
    if what in ("rotate", "retain"):
        key = own.api.change(path + "/k/rotate", {"retain_period_minutes": 5 * (what == "retain")})["body"]["key"]
    else:
        changed = path + "/k" if what == "key" else path.removesuffix("/api_keys")
        for active in (False, True):
            own.api.change(changed, {"active": active})
    alive = not strict or what == "retain"
    assert [lives(api), lives(scoped)] == [alive, alive] and lives(sign_in(key))


def verified_device(kanso: Kanso, own: World) -> tuple[str, dict[str, str]]:
    """A device that may fetch its token, and the form with which it does."""
    client = str(uuid.uuid4())
    codes = ok(requests.post(kanso.url + "/api/v1/device_authorization", data={"client_id": client}))
    device = codes["verification_uri_complete"].split("device_id=")[1].split("&")[0]
    own.api.change(f"/devices/{device}/verify", {"user_code": codes["user_code"]})
    return device, {"client_id": client, "device_code": codes["device_code"]}


def test_a_locked_device_stays_out(kanso: Kanso, own: World, strict: bool) -> None:
    device, form = verified_device(kanso, own)
    api = bearer(kanso, ok(requests.post(kanso.url + "/api/v1/login", data=form))["access_token"])
    assert lives(api)
    for locked in (True, False):
        own.api.change("/devices/" + device, {"locked": locked})
    assert lives(api) == (not strict)


@pytest.mark.parametrize("how", ["password", "key", "device"])
def test_a_sign_in_without_a_session_has_changed_nothing(both: dict[bool, Kanso], how: str) -> None:
    """The session is the last thing that is written: a device that had become active by then could never try again."""
    kanso = both[True]
    own = World(Api(kanso.url))
    form = ({"username": USER, "password": PASSWORD} if how == "password" else {"password": machine(kanso, own)[1]}
            if how == "key" else verified_device(kanso, own)[1])
    tables = "CHECKSUM TABLE api_key, auth_devices, kanso_session, user"
    before = kanso.sql(tables)
    with kanso.full("kanso_session"):
        fails(requests.post(kanso.url + "/api/v1/login", data=form), 500, "RuntimeError")
        assert kanso.sql(tables) == before
    assert lives(bearer(kanso, ok(requests.post(kanso.url + "/api/v1/login", data=form))["access_token"]))


def test_tokens_without_a_session(both: dict[bool, Kanso], launch) -> None:
    """Those of before are not good any longer; those of a strict server are good for one that is not."""
    plain = both[False]
    old = Api(plain.url)
    now_strict = launch(database=plain.database, KANSO_STRICT="true")
    assert not lives(bearer(now_strict, old.token))
    fresh = Api(now_strict.url)
    claims = json.loads(base64.urlsafe_b64decode(fresh.token.split(".")[1] + "=="))
    assert uuid.UUID(claims["jti"]) and lives(bearer(plain, fresh.token)) and lives(fresh)
    now_strict.stop()


def test_hostile_sessions(both: dict[bool, Kanso]) -> None:
    """Signed as they should be, but for a session that is none, or somebody else's."""
    kanso = both[True]
    one, two = user(World(Api(kanso.url))), user(World(Api(kanso.url)))

    def part(value: bytes) -> str:
        return base64.urlsafe_b64encode(value).rstrip(b"=").decode()

    def claims(api: Any) -> dict[str, Any]:
        return json.loads(base64.urlsafe_b64decode(api.token.split(".")[1] + "=="))

    for jti in (claims(two)["jti"], str(uuid.uuid4()), "", "x", None, 5, [claims(one)["jti"]], "\0", {}, "' OR 1=1 -- "):
        head = part(b'{"alg":"HS256","typ":"JWT"}') + "." + part(json.dumps(claims(one) | {"jti": jti}).encode())
        signature = hmac.new(JWT_KEY.encode(), head.encode(), "sha256").digest()
        api = bearer(kanso, f"{head}.{part(signature)}")
        assert [api.get(path).status_code for path in ("/current-user", "/tags")] == [401, 401], jti
    assert lives(one) and lives(two)


# Secrets

def test_private_secrets(own: World, strict: bool) -> None:
    """Of the scope `user`: not even for administrators."""
    one = World(user(own))
    name = own.name("s")
    private, common = (one.api.make(one.ws + "/secrets", one.owned | {"name": name + scope, "scope": scope, "values": {"k": "v"}})
                       ["id"] for scope in ("user", "workspace"))
    for world in (own, World(user(own))):
        listed = world.api.ids("/secrets", size=1000)
        assert common in listed and (private in listed) == (not strict)
        assert (private in world.api.ids("/secrets", name=name + "user")) == (not strict)
        world.api.read("/secrets/" + common)
        if strict:
            missing(world.api.get("/secrets/" + private))
            missing(world.api.put("/secrets/" + private, {"values": {"k": "w"}}))
            missing(world.api.delete("/secrets/" + private))
        else:
            assert world.api.read("/secrets/" + private)["body"]["values"] == {"k": "v"}
    assert one.api.read("/secrets/" + private)["body"]["values"] == {"k": "v"}
    assert private in one.api.ids("/secrets", size=1000)
    one.api.change("/secrets/" + private, {"values": {"k": "x"}})
    one.api.remove("/secrets/" + private)


# Who there is

def test_activation_tells_nothing(kanso: Kanso, own: World, strict: bool) -> None:
    """Unknown, active, waiting, a machine: one answer, and one time."""
    waiting = own.api.make("/users", {"name": own.name("wait"), "is_admin": False})["name"]
    account = own.api.make("/service_accounts", {"name": own.name("sa"), "active": True})["id"]
    who = [own.name("nobody"), USER, waiting, account, str(uuid.uuid4())]
    answers, taken = set(), []
    for name in who:
        seconds = []
        for _ in range(4):
            begin = time.perf_counter()
            answer = requests.put(f"{kanso.url}/api/v1/users/{name}/activate", json={"activation_token": "x", "password": "p"})
            seconds.append(time.perf_counter() - begin)
        answers.add((answer.status_code, answer.text.replace(name, "")))
        taken.append(min(seconds))
    answers.add((answer.status_code, requests.put(f"{kanso.url}/api/v1/users/{waiting}/activate", json={}).text.replace(waiting, "")))
    if strict:
        assert len(answers) == 1 and next(iter(answers))[0] == 401, answers
        assert min(taken) > 0.4 * max(taken), taken
    else:
        assert {status for status, _ in answers} == {401, 404, 422}


@pytest.mark.parametrize("password", ["x", "x" * 5000], ids=["wrong", "long"])
def test_logins_tell_nothing(kanso: Kanso, strict: bool, password: str) -> None:
    answers = {(answer.status_code, answer.text) for answer in (
        requests.post(kanso.url + "/api/v1/login", data={"username": name, "password": password})
        for name in (USER, uuid.uuid4().hex))}
    assert (len(answers) == 1) == (strict or password == "x"), answers


def test_keys_tell_nothing(kanso: Kanso, own: World, strict: bool) -> None:
    path, key, _ = machine(kanso, own)
    texts, id = [], json.loads(base64.b64decode(key.removeprefix("ZENKEY_")))["id"]
    for given in (id, str(uuid.uuid4())):
        texts.append("ZENKEY_" + base64.b64encode(json.dumps({"id": given, "key": "0" * 64}).encode()).decode())

    def said(text: str) -> tuple[int, str]:
        answer = requests.post(kanso.url + "/api/v1/login", data={"password": text})
        return answer.status_code, answer.text

    answers = {said(text) for text in texts}
    own.api.change(path + "/k", {"active": False})
    answers |= {said(texts[0]), said(key)}
    assert {status for status, _ in answers} == {401}
    assert len(answers) == (1 if strict else 3)


def test_users_learn_of_no_others(own: World, strict: bool) -> None:
    one = user(own)
    for call in (lambda name: one.get("/users/" + name), lambda name: one.put("/users/" + name, {"full_name": "x"}),
                 lambda name: one.delete("/users/" + name), lambda name: one.put(f"/users/{name}/deactivate")):
        answers = {(answer.status_code, answer.text) for answer in (call(USER), call(own.name("nobody")))}
        assert (len(answers) == 1) == strict, answers
    missing(own.api.get("/users/" + own.name("nobody")))
