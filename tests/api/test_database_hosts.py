"""ZENML_STORE_URL with several hosts, IPv6 addresses, and localhost with a port."""

from __future__ import annotations

import socket
import threading
from typing import Any, Callable

import pytest

from kit.api import Api
from kit.process import free_port
from kit.servers import Kanso


class Node:
    """A host that leads to the tests' database, until it is cut off."""

    def __init__(self, port: int) -> None:
        self.target, self.lines = port, []
        self.listener = socket.create_server(("127.0.0.1", free_port()))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            try:
                near = self.listener.accept()[0]
            except OSError:
                return
            far = socket.create_connection(("127.0.0.1", self.target))
            self.lines += [near, far]
            for one, other in ((near, far), (far, near)):
                threading.Thread(target=self._pass_on, args=(one, other), daemon=True).start()

    @staticmethod
    def _pass_on(one: socket.socket, other: socket.socket) -> None:
        try:
            while data := one.recv(65536):
                other.sendall(data)
        except OSError:
            pass
        for line in (one, other):
            try:
                line.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def cut(self) -> None:
        for line in [self.listener, *self.lines]:
            try:
                line.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            line.close()


@pytest.fixture
def at(mariadb, launch: Callable[..., Kanso], server_url: str | None) -> Callable[[str], Kanso]:
    """Starts a Kanso with these hosts in its URL."""
    if server_url:
        pytest.skip("needs a Kanso of its own")

    def start(hosts: str, **more: Any) -> Kanso:
        database = mariadb.new_database()
        url = mariadb.tcp_url(database)
        head, tail = url.rsplit("@", 1)[0], url.rsplit("/", 1)[1]
        return launch(database=database, workers="rest:2", KANSO_JOBS="0", ZENML_STORE_URL=f"{head}@{hosts}/{tail}", **more)

    return start


def test_the_next_host_takes_over(at, mariadb) -> None:
    """Connections that break, and those that are refused, lead to the next host; a request in hand is not lost."""
    one, two = Node(mariadb.port), Node(mariadb.port)
    kanso = at(f"127.0.0.1:{one.port},127.0.0.1:{two.port}")
    api = Api(kanso.url)
    assert one.lines
    one.cut()
    for number in range(6):
        api.make("/tags", {"name": f"t{number}"})
    assert len(api.names("/tags")) == 6 and two.lines
    two.cut()
    assert api.get("/tags").status_code == 503
    kanso.stop()


def test_hosts_that_do_not_answer_are_passed_over(at, mariadb) -> None:
    kanso = at(f"127.0.0.1:1,[::1]:1,localhost:{mariadb.port}")
    assert Api(kanso.url).read("/current-user")["name"] == "default"
    kanso.stop()


def test_localhost_with_a_port_is_that_port(at, mariadb) -> None:
    """Not the machine's default socket, which belongs to another server."""
    node = Node(mariadb.port)
    kanso = at(f"localhost:{node.port}")
    assert Api(kanso.url).read("/current-user")["name"] == "default" and node.lines
    kanso.stop(), node.cut()


@pytest.mark.parametrize(("hosts", "said"), [
    ("[::1]:1", "cannot reach the database at [::1]:1"),
    ("127.0.0.1:1,[::1]:1", "cannot reach the database at 127.0.0.1:1, [::1]:1"),
    ("::1:3306", "ZENML_STORE_URL: a host is a name[:port] or an [IPv6 address][:port]"),
    ("[::1]x", "ZENML_STORE_URL: a host is a name[:port] or an [IPv6 address][:port]"),
    ("[::1]:70000", "its port a number from 1 to 65535"),
])
def test_what_cannot_be_reached_is_named(server: Kanso, server_url: str | None, workspace_directory, hosts: str,
                                         said: str) -> None:
    if server_url:
        pytest.skip("needs a Kanso of its own")
    stopped = Kanso(workspace_directory / "nowhere", server.mariadb, database=server.database,
                    ZENML_STORE_URL=f"mysql://a:b@{hosts}/zenml")
    done = stopped.run("start", check=False)
    assert done.returncode == 1 and said in done.stderr, done.stderr
