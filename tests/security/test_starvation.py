"""Strangers at work: while they flood the server, those who have an account are served as before.

Each flood lasts KANSO_FLOOD_SECONDS (3 by default). What counts is the ratio to what the same reader measured just
before, on the same machine; floors keep a busy machine from being taken for a fault.
"""

from __future__ import annotations

import os
import socket
import statistics
import threading
import time
from typing import Callable, Iterator

import pytest

from kit import fastcgi
from kit.api import Api
from kit.servers import PASSWORD, USER, Kanso

SECONDS = float(os.environ.get("KANSO_FLOOD_SECONDS", "3"))
MB = 1_000_000


@pytest.fixture(scope="module")
def kanso(launch: Callable[..., Kanso], server_url: str | None) -> Iterator[Kanso]:
    """A Kanso with the plan that it has by default."""
    if server_url:
        pytest.skip("needs a Kanso of its own")
    instance = launch()
    yield instance
    instance.stop()


def request(method: str, path: str, body: bytes = b"", kind: str = "application/json") -> bytes:
    return (f"{method} /api/v1{path} HTTP/1.1\r\nHost: x\r\nContent-Type: {kind}\r\n"
            f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n").encode() + body


def send(port: int, data: bytes, wait: bool) -> None:
    """One request from an address of its own; who does not wait hangs up at once."""
    with socket.create_connection(("127.0.0.1", port), 30, ("127.0.0.9", 0)) as line:
        try:
            line.sendall(data)
            while wait and line.recv(65536):
                pass
        except OSError:
            pass


def form(path: str, text: bytes) -> bytes:
    return request("POST", path, text, "application/x-www-form-urlencoded")


LOGIN = form("/login", b"username=nobody&password=x")
ACTIVATION = request("PUT", "/users/nobody/activate", b'{"activation_token":"x"}')
TREE = request("POST", "/tags", b'{"name":[' + b"{}," * (8 * MB // 3) + b"0]}")
SMALL_TREE = request("POST", "/tags", b'{"name":[' + b"{}," * 300_000 + b"0]}")
PUBLIC_TREE = request("PUT", "/users/x/activate", b"[" + b"{}," * 20_000 + b"0]")
PAIRS = form("/login", b"a&" * 32_000)
DEPTH = request("POST", "/tags", b"[" * 900_000)

# Request, whether its sender waits for the answer, and how many a second at most.
FLOODS = {
    "logins, abandoned": (LOGIN, False, 40), "activations, abandoned": (ACTIVATION, False, 40),
    "trees, abandoned": (TREE, False, 10), "lists, abandoned": (request("GET", "/runs?hydrate=true"), False, 100),
    "trees": (TREE, True, 10), "small trees": (SMALL_TREE, True, 20), "public trees": (PUBLIC_TREE, True, 50),
    "pairs": (PAIRS, True, 50), "depth": (DEPTH, True, 20),
}


class Flood:
    def __init__(self, port: int, data: bytes, wait: bool, rate: int) -> None:
        self.over = threading.Event()
        self.sent = 0

        def work() -> None:
            while not self.over.is_set():
                send(port, data, wait)
                self.sent += 1
                time.sleep(2 / rate)
        self.threads = [threading.Thread(target=work) for _ in range(2)]

    def __enter__(self) -> Flood:
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.over.set()
        for thread in self.threads:
            thread.join()


def p99(api: Api, seconds: float) -> float:
    """How long a small read takes at most, but for one in a hundred."""
    times, end = [], time.monotonic() + seconds
    while time.monotonic() < end or len(times) < 20:
        begin = time.monotonic()
        assert api.get("/tags").status_code == 200
        times.append(time.monotonic() - begin)
        time.sleep(0.01)
    return statistics.quantiles(times, n=100)[98]


def login_time(kanso: Kanso) -> float:
    begin = time.monotonic()
    Api(kanso.url, USER, PASSWORD)
    return time.monotonic() - begin


@pytest.mark.parametrize("name", FLOODS)
def test_flood(kanso: Kanso, name: str) -> None:
    data, wait, rate = FLOODS[name]
    api = Api(kanso.url)
    quiet, quiet_login = p99(api, 1), login_time(kanso)
    with Flood(kanso.port, data, wait, rate) as flood:
        time.sleep(0.5)
        worst = p99(api, SECONDS)
        login = login_time(kanso)
    after = login_time(kanso)
    print(f"{name}: {flood.sent} requests; reads {quiet * 1000:.0f} -> {worst * 1000:.0f} ms, "
          f"login {quiet_login:.2f} -> {login:.2f} s, afterwards {after:.2f} s")
    assert flood.sent > SECONDS
    assert worst < max(10 * quiet, 0.5)
    assert login < max(3, 5 * quiet_login) and after < max(3, 5 * quiet_login)


def test_workers_drop_what_nobody_waits_for(kanso: Kanso) -> None:
    """The same without nginx, which lets few logins through."""
    form_type = {"CONTENT_TYPE": "application/x-www-form-urlencoded"}
    body = b"username=nobody&password=x"
    variables = fastcgi.environment("POST", "/api/v1/login", body=body) | form_type
    path = kanso.home / "run" / "auth.sock"
    begin = time.monotonic()
    assert fastcgi.parse(fastcgi.call(path, variables, body))[0] == 401
    quiet = time.monotonic() - begin
    for _ in range(60):
        fastcgi.abandon(path, variables, body)
    begin = time.monotonic()
    assert fastcgi.parse(fastcgi.call(path, variables, body))[0] == 401
    assert time.monotonic() - begin < max(2, 5 * quiet)


@pytest.mark.parametrize("data", [LOGIN, ACTIVATION, SMALL_TREE], ids=["logins", "activations", "trees"])
def test_requests_whose_client_has_gone(kanso: Kanso, data: bytes) -> None:
    """Sixty at once, each abandoned as soon as it is sent: those who come next do not wait for them."""
    api = Api(kanso.url)
    quiet = login_time(kanso)
    for _ in range(60):
        send(kanso.port, data, wait=False)
    begin = time.monotonic()
    assert api.get("/tags").status_code == 200
    read, login = time.monotonic() - begin, login_time(kanso)
    print(f"login {quiet:.2f} -> {login:.2f} s, read {read:.2f} s")
    assert read < max(2, 5 * quiet) and login < max(3, 5 * quiet)
