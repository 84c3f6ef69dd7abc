"""Limits that hold across workers and hosts; logins that slow nobody else down; secrets that stay out of logs."""

from __future__ import annotations

import base64
import hmac
import statistics
import threading
import time
import uuid
from typing import Iterator

import pytest
import requests

from kit.api import Api, fails, ok
from kit.servers import ONE_WORKER, PASSWORD, USER, Kanso

LIMITS = {"ZENML_SERVER_RATE_LIMIT_ENABLED": "true", "ZENML_SERVER_LOGIN_RATE_LIMIT_MINUTE": "5",
          "ZENML_SERVER_LOGIN_RATE_LIMIT_DAY": "20", "KANSO_TRUSTED_PROXIES": "127.0.0.1, 10.1.0.0/16"}


@pytest.fixture(scope="module")
def pair(server, launch) -> Iterator[tuple[Kanso, Kanso]]:
    """Two homes with workers of their own on one database."""
    if not server.mariadb:
        pytest.skip("needs Kansos of its own")
    one = launch(**LIMITS)
    two = launch(database=one.database, **LIMITS)
    yield one, two
    one.stop(), two.stop()


_next = iter(range(1, 250))


@pytest.fixture
def address() -> str:
    """A client that nobody has seen."""
    return f"192.0.2.{next(_next)}"


def attempt(kanso: Kanso, address: str, password: str = "wrong", /, **form: str) -> requests.Response:
    return requests.post(kanso.url + "/api/v1/login", headers={"X-Forwarded-For": address},
                         data=form or {"username": USER, "password": password})


def test_logins_are_limited_across_hosts(pair: tuple[Kanso, Kanso], address: str) -> None:
    for number in range(5):
        fails(attempt(pair[number % 2], address), 401, "AuthorizationException")
    for kanso in pair:
        answer = attempt(kanso, address, PASSWORD)
        assert (answer.status_code, answer.json()) == (429, {"detail": "Minute request limit exceeded."})
    assert attempt(pair[0], "198.51.100.7", PASSWORD).status_code == 200


def test_success_forgives(pair: tuple[Kanso, Kanso], address: str) -> None:
    for _ in range(2):
        for _ in range(4):
            assert attempt(pair[0], address).status_code == 401
        assert attempt(pair[1], address, PASSWORD).status_code == 200
    for form in ({"grant_type": "other"}, {"grant_type": "password"}):
        for _ in range(6):
            assert attempt(pair[0], address, **form).status_code == 400
    assert attempt(pair[0], address).status_code == 401


def test_a_success_forgives_only_ones_own(pair: tuple[Kanso, Kanso], address: str) -> None:
    """Who has an account cannot buy guesses at others' with it, nor with a key or device."""
    api = Api(pair[0].url)
    name = "own-" + uuid.uuid4().hex[:8]
    api.make("/users", {"name": name, "password": "p", "is_admin": False})
    account = api.make("/service_accounts", {"name": name, "active": True})
    key = api.make(f"/service_accounts/{account['id']}/api_keys", {"name": "k"})["body"]["key"]
    own = [{"username": name, "password": "p"}, {"password": key}, {"username": name.upper(), "password": "p"}]
    for form in own[:2]:
        assert attempt(pair[0], address).status_code == 401
        assert attempt(pair[0], address, **form).status_code == 200
    for _ in range(2):
        assert attempt(pair[0], address).status_code == 401
    assert attempt(pair[0], address, **own[2]).status_code == 200
    assert attempt(pair[0], address).status_code == 401
    assert [attempt(pair[0], address).status_code, attempt(pair[0], address, **own[0]).status_code] == [429, 429]


def test_ipv6_counts_by_network(pair: tuple[Kanso, Kanso], address: str) -> None:
    """A client has 2^64 addresses; and an IPv4 address is one, however it is written."""
    part = address.rsplit(".")[-1]
    for number in range(5):
        assert attempt(pair[number % 2], f"2001:db8:0:{part}:{number:x}::{number + 1:x}").status_code == 401
    assert attempt(pair[0], f"2001:db8:0:{part}:ffff::1").status_code == 429
    assert attempt(pair[0], f"2001:db8:1:{part}::1").status_code == 401
    for number in range(5):
        assert attempt(pair[0], ("::ffff:" * (number % 2)) + address).status_code == 401
    assert attempt(pair[0], address).status_code == 429


def test_activations_are_limited(pair: tuple[Kanso, Kanso], address: str) -> None:
    api = Api(pair[0].url)
    made = api.make("/users", {"name": "act-" + uuid.uuid4().hex[:8], "is_admin": False})

    def activate(token: str) -> int:
        return requests.put(f"{pair[0].url}/api/v1/users/{made['name']}/activate", headers={"X-Forwarded-For": address},
                            json={"activation_token": token, "password": "p"}).status_code

    assert [activate("wrong") for _ in range(6)] == [401] * 5 + [429]
    assert activate(made["body"]["activation_token"]) == 429
    pair[0].sql(f"UPDATE kanso_attempt SET at = at - 60 WHERE address = '{address}'")
    assert activate(made["body"]["activation_token"]) == 200


def test_device_authorizations_are_limited(pair: tuple[Kanso, Kanso], address: str) -> None:
    answers = [requests.post(pair[0].url + "/api/v1/device_authorization", headers={"X-Forwarded-For": address},
                             data={"client_id": str(uuid.uuid4())}).status_code for _ in range(6)]
    assert answers == [200] * 5 + [429]


def test_passwords_of_each_request_are_limited(pair: tuple[Kanso, Kanso], address: str, launch) -> None:
    """HTTP_BASIC: wrong ones count as logins do; whoever is known goes on all the while."""
    kanso = launch(database=pair[0].database, workers=ONE_WORKER, **LIMITS | {"ZENML_SERVER_AUTH_SCHEME": "HTTP_BASIC"})

    def ask(name: str, password: str) -> requests.Response:
        return requests.get(kanso.url + "/api/v1/current-user", auth=(name, password), headers={"X-Forwarded-For": address})

    assert [ask(USER, PASSWORD).status_code for _ in range(8)] == [200] * 8
    assert [ask(USER, f"wrong{number}").status_code for number in range(5)] == [401] * 5
    assert ask(USER, "wrong").json() == {"detail": "Minute request limit exceeded."}
    assert ask("nobody", "wrong").status_code == 429
    assert ask(USER, PASSWORD).status_code == 200
    kanso.stop()


@pytest.mark.race
def test_parallel_attempts_are_all_counted(pair: tuple[Kanso, Kanso], address: str) -> None:
    answers: list[int] = []
    threads = [threading.Thread(target=lambda i=i: answers.append(attempt(pair[i % 2], address).status_code)) for i in range(12)]
    [thread.start() for thread in threads], [thread.join() for thread in threads]
    assert answers.count(401) <= 5 and answers.count(401) + answers.count(429) == 12


def test_the_day(pair: tuple[Kanso, Kanso], address: str) -> None:
    for _ in range(4):
        assert attempt(pair[0], address).status_code == 401
    pair[0].sql(f"UPDATE kanso_attempt SET at = at - 3600 WHERE address = '{address}'")
    for _ in range(3):
        for _ in range(5):
            attempt(pair[0], address)
        pair[0].sql(f"UPDATE kanso_attempt SET at = at - 3600 WHERE address = '{address}'")
    assert attempt(pair[0], address).status_code == 401
    assert attempt(pair[0], address).json() == {"detail": "Daily request limit exceeded."}
    pair[0].sql(f"UPDATE kanso_attempt SET at = at - 86400 WHERE address = '{address}'")
    assert attempt(pair[0], address, PASSWORD).status_code == 200


def test_api_keys_and_device_codes_are_limited(pair: tuple[Kanso, Kanso], address: str) -> None:
    client = str(uuid.uuid4())
    for form in ({"password": "x"}, {"client_id": client, "device_code": "x"}):
        for _ in range(2):
            assert attempt(pair[0], address, **form).status_code in (400, 401)
    assert attempt(pair[1], address).status_code == 401
    for form in ({"password": "x"}, {"client_id": client, "device_code": "x"}):
        assert attempt(pair[0], address, **form).status_code == 429


def test_waiting_devices_may_ask_as_often_as_they_should(pair: tuple[Kanso, Kanso], address: str) -> None:
    """And their asking erases nothing of what others have tried from there."""
    client = str(uuid.uuid4())
    ok(requests.post(pair[0].url + "/api/v1/device_authorization", data={"client_id": client}))
    for _ in range(4):
        assert attempt(pair[0], address).status_code == 401
        assert attempt(pair[0], address, client_id=client, device_code="x").json()["error"] == "authorization_pending"
    assert attempt(pair[0], address).status_code == 401
    assert attempt(pair[0], address).status_code == 429


def test_password_changes_are_limited(pair: tuple[Kanso, Kanso], address: str) -> None:
    api = Api(pair[0].url)
    change = {"password": "new", "old_password": "wrong"}
    for number in range(6):
        answer = api.call("PUT", ("/current-user", "/users/" + USER)[number % 2], change, headers={"X-Forwarded-For": address})
        assert answer.status_code == (429 if number == 5 else 403)
    assert attempt(pair[0], address, PASSWORD).status_code == 200  # another limiter


def test_only_trusted_proxies_tell_who_asks(pair: tuple[Kanso, Kanso], server, launch) -> None:
    """The nearest address that is no proxy counts; without trusted proxies the header counts for nothing."""
    kanso = pair[0]
    for hops in ("203.0.113.1", "6.6.6.6, 203.0.113.1", "203.0.113.1, 10.1.2.3", "::1, 203.0.113.1 , 10.1.9.9"):
        attempt(kanso, hops)
    assert kanso.sql("SELECT COUNT(*) FROM kanso_attempt WHERE address = '203.0.113.1'") == [["4"]]
    attempt(kanso, "10.1.1.1, 10.1.1.2"), attempt(kanso, ", ,"), attempt(kanso, "x" * 200)
    assert kanso.sql("SELECT address FROM kanso_attempt WHERE address LIKE '10.1%'") == [["10.1.1.1"]]
    plain = launch(**LIMITS | {"KANSO_TRUSTED_PROXIES": ""})
    codes = [attempt(plain, f"203.0.113.{number}").status_code for number in range(6)]
    assert codes == [401] * 5 + [429]
    plain.stop()


def test_ports_that_proxies_write_are_no_part_of_an_address(pair: tuple[Kanso, Kanso]) -> None:
    """Else each connection would be a client of its own."""
    kanso = pair[0]
    for hops in ("203.0.113.77:1", "203.0.113.77:65000", "[203.0.113.77]:3", "203.0.113.77:5, 10.1.2.3:80", "203.0.113.77"):
        attempt(kanso, hops)
    assert kanso.sql("SELECT COUNT(*) FROM kanso_attempt WHERE address LIKE '%203.0.113.77%' GROUP BY address") == [["5"]]
    for hops in ("[2001:db8:7::9]:1", "[2001:db8:7::9]:2", "2001:db8:7::9", "[2001:db8:7::9]"):
        attempt(kanso, hops)
    assert kanso.sql("SELECT COUNT(*) FROM kanso_attempt WHERE address LIKE '%2001:db8:7:%' GROUP BY address") == [["4"]]


def test_off_unless_asked_for(client: Api, server) -> None:
    for _ in range(7):
        assert requests.post(server.url + "/api/v1/login", data={"username": USER, "password": "x"}).status_code == 401


# Sharing

def test_two_hosts_are_one_server(pair: tuple[Kanso, Kanso]) -> None:
    one, two = Api(pair[0].url), Api(pair[1].url)
    assert one.token == two.token
    two.session.headers["Authorization"] = "Bearer " + one.token
    name = "u-" + uuid.uuid4().hex
    made = one.make("/users", {"name": name, "password": "p", "is_admin": False})
    user = Api(pair[1].url, name, "p")
    client = str(uuid.uuid4())
    codes = ok(requests.post(pair[0].url + "/api/v1/device_authorization", data={"client_id": client}))
    device = codes["verification_uri_complete"].split("device_id=")[1].split("&")[0]
    user.change(f"/devices/{device}/verify", {"user_code": codes["user_code"]})
    ok(requests.post(pair[0].url + "/api/v1/login", data={"client_id": client, "device_code": codes["device_code"]}))
    one.change(f"/users/{made['id']}/deactivate", None)
    assert user.get("/current-user").status_code == 401


def test_hosts_without_a_configured_key_have_one_in_common(server, launch) -> None:
    """It is in the database, and of no use without the password to it."""
    if not server.mariadb:
        pytest.skip("needs Kansos of its own")
    unset = {"ZENML_SERVER_JWT_SECRET_KEY": ""}
    one = launch(**unset)
    two = launch(database=one.database, **unset)
    token = Api(one.url).token
    assert Api(two.url).token == token
    stored = one.sql("SELECT value FROM kanso_meta WHERE name = 'signing_key'")[0][0]
    head, _, signature = token.rpartition(".")
    made = hmac.new(stored.encode(), head.encode(), "sha256").digest()
    assert len(stored) == 64 and base64.urlsafe_b64encode(made).rstrip(b"=").decode() != signature
    one.stop(), one.start()
    api = Api(one.url)
    api.session.headers["Authorization"] = "Bearer " + token
    assert api.get("/current-user").status_code == 200
    one.stop(), two.stop()


# Time

def test_unknown_users_take_as_long(server) -> None:
    def seconds(name: str) -> float:
        begin = time.perf_counter()
        requests.post(server.url + "/api/v1/login", data={"username": name, "password": "wrong"})
        return time.perf_counter() - begin

    known, unknown = [], []
    for _ in range(5):
        known.append(seconds(USER))
        unknown.append(seconds(uuid.uuid4().hex))
    a, b = statistics.median(known), statistics.median(unknown)
    assert abs(a - b) < 0.35 * max(a, b), (known, unknown)


FOR_STRANGERS = {
    "login": lambda url, _: requests.post(url + "/login", data={"username": USER, "password": "wrong"}),
    "activation": lambda url, name: requests.put(f"{url}/users/{name}/activate", json={"activation_token": "wrong"}),
    "device": lambda url, _: requests.post(url + "/device_authorization", data={"client_id": str(uuid.uuid4())}),
}


@pytest.mark.parametrize("what", FOR_STRANGERS)
def test_bcrypt_for_strangers_holds_up_nobody(server, client: Api, what: str) -> None:
    """While many sign in, activate or ask for devices, other requests are answered: those have workers of their own."""
    name, done = "slow-" + uuid.uuid4().hex[:8], threading.Event()
    client.make("/users", {"name": name, "is_admin": False})

    def ask() -> None:
        while not done.is_set():
            FOR_STRANGERS[what](server.url + "/api/v1", name)

    def median(count: int) -> float:
        taken = []
        for _ in range(count):
            begin = time.perf_counter()
            client.read("/current-user")
            client.read("/tags")
            taken.append(time.perf_counter() - begin)
        return statistics.median(taken)

    quiet = median(20)
    threads = [threading.Thread(target=ask) for _ in range(8)]
    [thread.start() for thread in threads]
    try:
        time.sleep(0.5)
        busy = median(40)
    finally:
        done.set()
        [thread.join() for thread in threads]
    assert busy < max(0.1, 10 * quiet), (quiet, busy)


# Logs

def test_no_secret_reaches_a_log(server, launch) -> None:
    if not server.mariadb:
        pytest.skip("needs a Kanso of its own")
    kanso = launch(KANSO_LOG_LEVEL="debug", KANSO_ACCESS_LOG="true")
    api, marks = Api(kanso.url), ["pw-" + uuid.uuid4().hex for _ in range(3)]
    api.make("/users", {"name": "u", "password": marks[0], "is_admin": False})
    me, workspace = api.read("/current-user")["id"], api.read("/workspaces/default")["id"]
    api.make(f"/workspaces/{workspace}/secrets", {"user": me, "workspace": workspace, "name": "s", "values": {"k": marks[1]}})
    requests.post(kanso.url + "/api/v1/login", data={"username": "u", "password": marks[2]})
    user = Api(kanso.url, "u", marks[0])
    account = api.make("/service_accounts", {"name": "sa", "active": True})
    key = api.make(f"/service_accounts/{account['id']}/api_keys", {"name": "k"})["body"]["key"]
    ok(requests.post(kanso.url + "/api/v1/login", data={"password": key}))
    client = str(uuid.uuid4())
    codes = ok(requests.post(kanso.url + "/api/v1/device_authorization", data={"client_id": client}))
    requests.get(kanso.url + "/api/v1/current-user", headers={"Authorization": "Bearer " + user.token + "x"})
    hashes = [value for row in kanso.sql("SELECT password FROM user WHERE password IS NOT NULL UNION SELECT `key` FROM api_key "
                                         "UNION SELECT user_code FROM auth_devices UNION SELECT `values` FROM secret") for value in row]
    kanso.stop()
    logs = "".join(path.read_text(errors="replace") for path in (kanso.home / "log").rglob("*") if path.is_file())
    assert "/api/v1/login" in logs
    for secret in [*marks, api.token, user.token, key, codes["device_code"], codes["user_code"], *hashes]:
        assert secret not in logs
