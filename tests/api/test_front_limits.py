"""What one client may have of nginx: sign-ins, uploads, time, lines in the log. Nobody else notices."""

from __future__ import annotations

import json
import os
import re
import select
import socket
import time
from pathlib import Path
from typing import Callable, Iterator
from urllib.parse import urlsplit

import pytest
import requests

from kit.api import Api, ok
from kit.process import wait_until
from kit.servers import PASSWORD, USER, Kanso

from test_front import REFUSED, send

FORM = b"grant_type=nothing"  # refused at once: what is counted here are the requests, not passwords


def line_to(kanso: Kanso, client: str = "127.0.0.1") -> socket.socket:
    """A connection of a client at another loopback address."""
    parts = urlsplit(kanso.url)
    return socket.create_connection((parts.hostname, parts.port), timeout=60, source_address=(client, 0))


def request(path: str, body: bytes = FORM, method: str = "POST", length: int | None = None, headers: str = "") -> bytes:
    kind = "application/json" if body.startswith(b"{") else "application/x-www-form-urlencoded"
    return (f"{method} {path} HTTP/1.1\r\nHost: x\r\nContent-Type: {kind}\r\n{headers}"
            f"Content-Length: {len(body) if length is None else length}\r\n\r\n").encode() + body


def answered(lines: list[socket.socket], seconds: float) -> dict[socket.socket, bytes]:
    """What has come over those connections when so much time is up."""
    found: dict[socket.socket, bytes] = {}
    deadline = time.monotonic() + seconds
    waiting = list(lines)
    while waiting and (left := deadline - time.monotonic()) > 0:
        for line in select.select(waiting, [], [], left)[0]:
            waiting.remove(line)
            found[line] = line.recv(65536)
    return found


def statuses(found: dict[socket.socket, bytes]) -> list[int]:
    return [int(data.split()[1]) for data in found.values() if data]


def refusal(data: bytes) -> dict:
    head, _, body = data.partition(b"\r\n\r\n")
    assert b"application/json" in head and b"Retry-After:" in head, data
    return json.loads(body)


@pytest.fixture(scope="module")
def kanso(server_url: str | None, request: pytest.FixtureRequest) -> Iterator[Kanso]:
    """One with the limits that are there when nothing is configured."""
    if server_url:
        pytest.skip("is about Kanso's nginx")
    instance = request.getfixturevalue("launch")(KANSO_ACCESS_LOG="on")
    yield instance
    instance.stop()


# Sign-ins

GATED = {"login": request("/api/v1/login"), "device": request("/api/v1/device_authorization"),
         "server": request("/api/v1/activate", b"{}", "PUT"),
         "user": request("/api/v1/users/nobody/activate", b"{}", "PUT")}


@pytest.mark.parametrize("kind", GATED)
def test_a_flood_of_sign_ins_waits_outside(kanso: Kanso, kind: str) -> None:
    """Some at once, some in turn, the rest refused; whoever gives up waiting is forgotten; others do not notice."""
    client = f"127.0.1.{1 + list(GATED).index(kind)}"
    lines = [line_to(kanso, client) for _ in range(150)]
    for line in lines:
        line.sendall(GATED[kind])
    found = answered(lines, 3)
    refused = [data for data in found.values() if data.startswith(b"HTTP/1.1 429")]
    served = [data for data in found.values() if not data.startswith(b"HTTP/1.1 429")]
    assert 50 <= len(refused) <= 80, len(refused)
    assert 6 <= len(served) <= 30, len(served)
    assert "address" in refusal(refused[0])["detail"]
    [line.close() for line in lines]
    with line_to(kanso, "127.0.2.1") as line:
        line.sendall(request("/api/v1/login", f"username={USER}&password={PASSWORD}".encode()))
        assert statuses(answered([line], 20)) == [200]


def test_a_team_behind_one_address_signs_in_at_once(kanso: Kanso) -> None:
    """Thirty that come together all get in, within the time that the stock client waits."""
    lines = [line_to(kanso, "127.0.1.20") for _ in range(30)]
    for line in lines:
        line.sendall(GATED["login"])
    assert statuses(answered(lines, 25)) == [400] * 30
    [line.close() for line in lines]


def test_other_requests_are_not_counted(kanso: Kanso) -> None:
    for path in ("/api/v1/info", "/health", "/api/v1/login", "/api/v1/logout"):
        for _ in range(120):
            answer = requests.options(kanso.url + path, headers={"Origin": "http://a", "Access-Control-Request-Method": "POST"})
            assert answer.status_code == 200
    assert all(requests.get(kanso.url + "/api/v1/info").status_code == 200 for _ in range(120))


def test_clients_of_ipv6_are_networks(launch, kanso: Kanso) -> None:
    """Addresses of one /64 are one client; other networks, and IPv4 addresses in IPv6's clothes, are not."""
    behind = launch(KANSO_TRUSTED_PROXIES="127.0.0.1", KANSO_LOGIN_RATE="1")

    def refused(address: Callable[[int], str]) -> int:
        lines = [line_to(behind) for _ in range(60)]
        for number, line in enumerate(lines):
            line.sendall(request("/api/v1/login", headers=f"X-Forwarded-For: {address(number)}\r\n"))
        found = answered(lines, 3)
        [line.close() for line in lines]
        return statuses(found).count(429)

    assert refused(lambda n: f"2001:db8:1:2:{n:x}::{n:x}") >= 25
    assert refused(lambda n: f"2001:db8:1::{n + 1:x}") >= 25
    assert refused(lambda n: f"2001:db8:2:{n:x}::1") == 0
    assert refused(lambda n: f"::ffff:192.0.2.{n + 1}") == 0
    assert refused(lambda n: f"198.51.100.{n + 1}") == 0
    assert refused(lambda n: "198.51.100.200") >= 25
    behind.stop()


def test_the_gate_can_be_opened(launch, kanso: Kanso) -> None:
    wide = launch(workers="all", KANSO_LOGIN_RATE="0")
    lines = [line_to(wide) for _ in range(150)]
    for line in lines:
        line.sendall(GATED["login"])
    assert statuses(answered(lines, 30)).count(400) == 150
    [line.close() for line in lines]
    wide.environment["KANSO_LOGIN_RATE"] = "x"
    wide.stop()
    assert "KANSO_LOGIN_RATE is 'x'; it must be a number from 0 to 1000" in wide.run("start", check=False).stderr


# Bodies

def spooled(kanso: Kanso) -> int:
    """Bytes of bodies that lie on the disk; nginx has removed their names already."""
    total = 0
    for pid in kanso.front():
        for file in Path(f"/proc/{pid}/fd").iterdir():
            try:
                if "nginx-body" in os.readlink(file):
                    total += os.stat(file).st_size
            except OSError:
                pass
    return total


PART = b"x" * 300_000


def unfinished(kanso: Kanso, number: int, client: str, headers: str = "") -> list[socket.socket]:
    """Uploads of ten megabytes each that stop after the first part, with a length and in chunks."""
    lines = [line_to(kanso, client) for _ in range(number)]
    for place, line in enumerate(lines):
        if place % 2:
            head = request("/api/v1/tags", b"", length=10_000_000, headers=headers)
        else:
            head = f"POST /api/v1/tags HTTP/1.1\r\nHost: x\r\n{headers}Transfer-Encoding: chunked\r\n\r\n989680\r\n".encode()
        try:
            line.sendall(head + PART)
        except OSError:
            pass  # refused already
    return lines


@pytest.mark.parametrize("who", ["nobody", "forged", "other scheme"])
def test_what_strangers_upload_is_not_kept(kanso: Kanso, who: str) -> None:
    headers = {"nobody": "", "forged": "Authorization: Bearer eyJhbGciOiJIUzI1NiJ9.e30.AAAA\r\n", "other scheme": "Authorization: Basic eDp5\r\n"}[who]
    lines = unfinished(kanso, 12, "127.0.1.30", headers)
    found = answered(lines, 20)
    assert statuses(found) == [401] * 12
    body = next(iter(found.values())).partition(b"\r\n\r\n")[2]
    assert json.loads(body)["detail"][0] == "AuthorizationException"
    assert spooled(kanso) == 0
    [line.close() for line in lines]


def test_unfinished_uploads_of_one_client_are_few(launch, kanso: Kanso) -> None:
    few = launch(KANSO_CLIENT_UPLOADS="8")
    token = f"Authorization: Bearer {Api(few.url).token}\r\n"
    lines = unfinished(few, 12, "127.0.1.30", token)
    assert statuses(answered(lines, 5)) == [429] * 4
    assert 0 < spooled(few) <= 8 * len(PART)
    large = json.dumps({"name": "x" * 200_000}).encode()
    with line_to(few, "127.0.1.31") as other:
        other.sendall(request("/api/v1/tags", large, headers=token))
        assert set(statuses(answered([other], 20))) <= {400, 422}
    with line_to(few, "127.0.1.30") as small:
        small.sendall(request("/api/v1/tags", b'{"name":"x"}'))
        assert statuses(answered([small], 20)) == [401]
    [line.close() for line in lines]
    few.stop()


@pytest.mark.parametrize("plan", ["default", "each"])
@pytest.mark.parametrize("prefix", ["", "/zen.ml"])
def test_large_bodies_of_those_who_may_arrive(launch, kanso: Kanso, plan: str, prefix: str) -> None:
    """Whatever worker they are for, with a length or in chunks; what is no route is no route."""
    own = launch(workers=plan, ZENML_SERVER_ROOT_URL_PATH=prefix)
    api = Api(own.url)
    api.session.headers["Content-Type"] = "application/json"
    spaces = b" " * 150_000
    where = own.url + prefix + "/api/v1"
    for number, body in enumerate((b'{"name":"t0"}' + spaces, iter([b'{"name":"t1"}', spaces]))):
        answer = api.session.post(where + "/tags", data=body)
        assert answer.status_code == 200 and answer.json()["name"] == f"t{number}", answer.text
    tag = answer.json()["id"]
    answer = api.session.put(f"{where}/tags/{tag}", data=b'{"color":"red"}' + spaces)
    assert answer.status_code == 200 and answer.json()["body"]["color"] == "red", answer.text
    assert api.session.post(where + "/nothing", data=spaces).status_code in (404, 405)
    answer = requests.post(where + "/login", data=iter([f"username={USER}&password={PASSWORD}".encode()]),
                           headers={"Content-Type": "application/x-www-form-urlencoded"})
    assert answer.status_code == 200
    for path in ("/.upload/api/v1/tags", "/.caller", "/.refusal", "/.upload/"):
        assert requests.get(own.url + path, headers=api.session.headers).status_code == 404
    own.stop()


def test_small_bodies_are_enough_where_anybody_may_call(kanso: Kanso) -> None:
    """By the route tables: each public route that takes a body, and none of the others."""
    public = {"/api/v1/login": "POST", "/api/v1/device_authorization": "POST", "/api/v1/activate": "PUT",
              "/api/v1/users/x/activate": "PUT", "/health": "POST", "/api/v1/info": "POST"}
    for path, method in public.items():
        for length in (65_537, 99_999, 1_000_000, 64_000_000, 67_108_865, 10**18):
            answer = send(kanso, request(path, b"", method, length))
            assert answer.status == 413, (path, length)
            assert "65536" in json.loads(answer.body)["detail"]
    assert send(kanso, request("/api/v1/login", b"username=" + b"x" * 65_000)).status in (401, 422)
    assert send(kanso, request("/api/v1/tags", b"", "POST", 67_108_865)).status == 413
    assert send(kanso, request("/api/v1/tags", b'{"name":"' + b"x" * 90_000 + b'"}')).status == 401


@pytest.mark.parametrize("limit", [9999, 65_536, 1_000_000])
def test_the_limit_of_bodies_is_exact(launch, kanso: Kanso, limit: int) -> None:
    """nginx compares numbers as texts: at, below and above, with zeros before them."""
    small = launch(workers="all", KANSO_MAX_BODY=str(limit))
    for length in (limit + 1, limit + 9, limit + 10, limit * 2, limit * 10, limit * 11 + 5, 10**18):
        assert send(small, request("/api/v1/tags", b"", "POST", length)).status == 413, length
    for length in (limit, limit - 1, limit // 2, limit // 10 + 1):
        with line_to(small) as line:
            line.sendall(request("/api/v1/tags", b"", "POST", length))
            assert 413 not in statuses(answered([line], 0.1)), length
    with line_to(small) as line:
        line.sendall(f"POST /api/v1/tags HTTP/1.1\r\nHost: x\r\nContent-Length: 000{limit}\r\n\r\n".encode())
        assert 413 not in statuses(answered([line], 0.1))
    small.stop()


# Time

def test_who_does_not_finish_goes(kanso: Kanso) -> None:
    """A head that comes letter by letter, and a body that does not come, end in time."""
    head, body = [line_to(kanso, "127.0.1.40") for _ in range(2)]
    head.sendall(b"GET /api/v1/info HTTP/1.1\r\nHost: x\r\nX-Slow: ")
    body.sendall(request("/api/v1/tags", b'{"name', "POST", 1000))
    begin = time.monotonic()
    ended: dict[str, float] = {}
    while time.monotonic() < begin + 60 and len(ended) < 2:
        for name, line in (("head", head), ("body", body)):
            if name in ended:
                continue
            try:
                if select.select([line], [], [], 0.5)[0] and not line.recv(1000):
                    ended[name] = time.monotonic() - begin
                elif name == "head":
                    line.sendall(b"x")
            except OSError:
                ended[name] = time.monotonic() - begin
    assert set(ended) == {"head", "body"} and max(ended.values()) < 40, ended


def test_requests_under_way_are_limited_by_client(launch, kanso: Kanso) -> None:
    few = launch(workers="all", KANSO_CLIENT_REQUESTS="10")
    lines = [line_to(few) for _ in range(15)]
    for line in lines:
        line.sendall(request("/api/v1/tags", b"{", "POST", 1000))
    assert statuses(answered(lines, 2)).count(429) == 5
    with line_to(few, "127.0.0.2") as other:
        other.sendall(b"GET /api/v1/version HTTP/1.1\r\nHost: x\r\n\r\n")
        assert statuses(answered([other], 20)) == [200]
    [line.close() for line in lines]
    few.stop()


# Logs

def test_strangers_write_next_to_nothing_into_the_logs(kanso: Kanso) -> None:
    def size() -> int:
        return sum(file.stat().st_size for file in (kanso.home / "log").glob("*.log") if file.name != "access.log")

    before, sent = size(), 0
    for kind, (data, _) in REFUSED.items():
        for _ in range(20 if len(data) < 1000 else 3):
            send(kanso, data)
            sent += len(data)
    for path in ("/" + "x/" * 2000, "/css/../../../etc/passwd", "/css/" + "y" * 5000, "/api/v1/" + "z" * 5000, "/%2e%2e/"):
        for _ in range(20):
            send(kanso, f"GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
    large = b'{"name":"' + b"x" * 200_000 + b'"}'
    for _ in range(3):
        send(kanso, request("/api/v1/tags", large, headers="Connection: close\r\n"))
    log = (kanso.home / "log" / "nginx.log").read_text(errors="replace")
    assert size() - before < 1000 + sent // 100, log[-3000:]
    assert "too large body" not in log and "limiting" not in log and "open()" not in log


def test_the_access_log_holds_short_lines_and_nothing_decoded(kanso: Kanso) -> None:
    file = kanso.home / "log" / "access.log"
    before = file.stat().st_size
    for target in ("/" + "a" * 60_000, "/mark%0d%0aforged", "/mark?secret=1", "/\x81" * 3000):
        send(kanso, f"DELETE {target} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode("latin-1"))
    send(kanso, b"X" * 60_000 + b" / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")

    def lines_since() -> list[str]:
        return file.read_bytes()[before:].decode().splitlines()

    wait_until(lambda: len(lines_since()) >= 5, 10, "a line for each request, which may come after its answer")
    lines = lines_since()[-5:]
    assert max(map(len, lines)) < 2500, [len(line) for line in lines]
    assert " DELETE /mark%0d%0aforged 400 " in lines[1] and re.search(r" DELETE /mark 405 ", lines[2])


# Where it listens

@pytest.mark.parametrize("address", ["::1", "[::1]", "::", "0.0.0.0", "localhost"])
def test_addresses_to_listen_on(launch, kanso: Kanso, address: str) -> None:
    try:
        with socket.socket(socket.AF_INET6) as probe:
            probe.bind(("::1", 0))
    except OSError:
        pytest.skip("no IPv6 here")
    instance = launch(workers="all", KANSO_ADDRESS=address)
    assert ok(requests.get(instance.url + "/api/v1/version")) == "0.66.0"
    assert "runs already" in instance.run("start").stdout
    assert f"up: {instance.url}" in instance.run("status").stdout
    answers = {host: True for host in ("127.0.0.1", "[::1]")}
    for host in answers:
        try:
            answers[host] = requests.get(f"http://{host}:{instance.port}/health", timeout=5).ok
        except requests.ConnectionError:
            answers[host] = False
    assert answers["[::1]"] or address in ("0.0.0.0", "localhost")
    assert answers["127.0.0.1"] == (address in ("::", "0.0.0.0", "localhost"))
    instance.stop()


@pytest.mark.parametrize("address", ["127.0.0.1:80", "::1]", "[x]", "1::2::3", "a b"])
def test_addresses_that_are_none(launch, kanso: Kanso, address: str) -> None:
    stopped = launch(workers="all")
    stopped.stop()
    stopped.environment["KANSO_ADDRESS"] = address
    done = stopped.run("start", check=False)
    assert done.returncode == 1 and f"KANSO_ADDRESS is '" in done.stderr
