"""Worker executables by themselves: as plain CGI, under valgrind, and how they end."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import threading
import time
from pathlib import Path
from typing import Iterator

import pytest

from kit import fastcgi
from kit.api import Api
from kit.factory import World, step_spec
from kit.process import state_of, stop, wait_until
from kit.servers import Kanso


@pytest.fixture(scope="module")
def kanso(one_worker: Kanso) -> Kanso:
    return one_worker


def worker_of(kanso: Kanso, group: str) -> Path:
    return kanso.build / "cgi-bin" / group


def groups(kanso: Kanso) -> list[str]:
    return sorted({group for group, _, _ in kanso.routes()})


def cgi(kanso: Kanso, group: str, variables: dict[str, str], body: bytes = b"",
        ) -> tuple[int, dict[str, str], bytes]:
    done = subprocess.run([str(worker_of(kanso, group))], input=body, capture_output=True,
                          env=kanso.environment | variables, timeout=60)
    assert done.returncode == 0, done.stderr.decode()
    return fastcgi.parse(done.stdout)


def test_each_group_has_its_executable(kanso: Kanso) -> None:
    assert {path.name for path in (kanso.build / "cgi-bin").iterdir()} == {*groups(kanso), "kanso"}  # which is all of them, for CGI
    for group in groups(kanso):
        for option in ("--help", "--version"):
            done = subprocess.run([str(worker_of(kanso, group)), option], capture_output=True,
                                  text=True)
            assert done.returncode == 0 and done.stdout.strip()


def test_routes_are_listed_once(kanso: Kanso) -> None:
    listed = [(method, path) for _, method, path in kanso.routes()]
    assert len(listed) == len(set(listed)) and len(listed) > 50


def test_plain_cgi(kanso: Kanso) -> None:
    token = Api(kanso.url).token
    status, headers, body = cgi(kanso, "server", fastcgi.environment("GET", "/api/v1/version"))
    assert (status, body, headers["content-type"]) == (200, b'"0.66.0"', "application/json")
    name = b'{"name":"by-cgi"}'
    post = fastcgi.environment("POST", "/api/v1/tags", body=name,
                               authorization="Bearer " + token)
    status, _, body = cgi(kanso, "tags", post, name)
    assert status == 200 and json.loads(body)["name"] == "by-cgi"
    status, _, body = cgi(kanso, "tags", post, name)
    assert status == 409 and json.loads(body)["detail"][0] == "EntityExistsError"
    status, _, _ = cgi(kanso, "tags", fastcgi.environment("GET", "/api/v1/tags"))
    assert status == 401


@pytest.mark.parametrize("words", [["--routes"], ["--groups", "tags"], ["hello"]])
def test_words_of_a_query_are_no_options(kanso: Kanso, words: list[str]) -> None:
    """Web servers hand on a query without "=" as arguments (RFC 3875, 4.4)."""
    variables = kanso.environment | fastcgi.environment("GET", "/api/v1/version", "+".join(words))
    done = subprocess.run([str(worker_of(kanso, "server")), *words], capture_output=True, env=variables, timeout=60)
    assert (done.returncode, fastcgi.parse(done.stdout)[::2]) == (0, (200, b'"0.66.0"')), done


class Alone:
    """A worker that serves every group on a socket of the test's own."""

    def __init__(self, kanso: Kanso, socket_path: Path, *wrapper: str) -> None:
        self.path = socket_path
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(str(socket_path))
        listener.listen(16)
        self.listener = listener
        self.process = self.beside(kanso, *wrapper)

    def beside(self, kanso: Kanso, *wrapper: str) -> subprocess.Popen:
        """One more worker on the same socket."""
        return subprocess.Popen(
            [*wrapper, str(worker_of(kanso, "server")), "--groups", "all"], stdin=self.listener,
            env=kanso.environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)

    def ask(self, method: str, path: str, query: str = "", body: bytes = b"",
            **headers: str) -> tuple[int, dict[str, str], bytes]:
        return fastcgi.parse(fastcgi.call(self.path, fastcgi.environment(
            method, path, query, body, **headers), body))

    def end(self, how: int = signal.SIGTERM) -> str:
        """Ask it to end, once; what it said on standard error."""
        self.process.send_signal(how)
        return self.process.communicate(timeout=60)[1]


@pytest.fixture
def alone(kanso: Kanso, workspace_directory: Path) -> Iterator[Alone]:
    worker = Alone(kanso, workspace_directory / "alone.sock")
    yield worker
    stop(worker.process)
    worker.path.unlink()


STOPS = [signal.SIGTERM, signal.SIGINT, signal.SIGHUP]


@pytest.mark.parametrize("how", STOPS)
def test_worker_ends_cleanly(alone: Alone, how: int) -> None:
    assert alone.ask("GET", "/api/v1/version")[0] == 200
    alone.end(how)
    assert alone.process.returncode == 0


@pytest.mark.parametrize("how", STOPS)
@pytest.mark.parametrize("size", [20, 100_000])
def test_stopped_while_it_reads_a_body(kanso: Kanso, alone: Alone, how: int, size: int) -> None:
    """Half of the body is there: the other half is awaited, and the request answered."""
    token = Api(kanso.url).token
    body = json.dumps({"name": f"half-{how}-{size}", "color": "red"}).encode().ljust(size)
    variables = fastcgi.environment("POST", "/api/v1/tags", body=body, authorization="Bearer " + token)
    assert alone.ask("GET", "/api/v1/version")[0] == 200

    def stop_it() -> None:
        wait_until(lambda: not state_of(alone.process.pid).startswith("R"), 60, "a worker that waits")
        alone.process.send_signal(how)
        time.sleep(0.3)

    assert fastcgi.parse(fastcgi.call(alone.path, variables, body, stop_it))[0] == 200
    assert alone.process.wait(60) == 0


@pytest.mark.race
def test_workers_on_one_socket_end_at_the_first_signal(kanso: Kanso, workspace_directory: Path) -> None:
    """Each wakes up for each request, and all but one find nothing to accept; they end all the same, busy or not."""
    first = Alone(kanso, workspace_directory / "shared.sock")
    others = [first.beside(kanso) for _ in range(3)]
    stopping = threading.Event()

    def client() -> None:
        while not stopping.is_set():
            assert first.ask("GET", "/health")[0] == 200

    clients = [threading.Thread(target=client) for _ in range(4)]
    try:
        for thread in clients:
            thread.start()
        for worker in others:
            time.sleep(0.2)
            worker.send_signal(signal.SIGTERM)
            assert worker.wait(60) == 0
        stopping.set()
        for thread in clients:
            thread.join()
        assert first.ask("GET", "/health")[0] == 200
        first.end()
        assert first.process.returncode == 0
    finally:
        stopping.set()
        for worker in (first.process, *others):
            stop(worker)
        first.path.unlink()


def test_request_in_hand_is_finished(kanso: Kanso, alone: Alone) -> None:
    """SIGTERM while a request is being read: it is answered, then the worker ends."""
    token = Api(kanso.url).token
    body = b'{"name":"in-hand"}'
    variables = fastcgi.environment("POST", "/api/v1/tags", body=body,
                                    authorization="Bearer " + token)
    assert alone.ask("GET", "/api/v1/version")[0] == 200
    assert kanso.mariadb
    answer: list[bytes] = []
    lock = subprocess.Popen(
        ["mariadb", "--no-defaults", f"--socket={kanso.mariadb.socket}", "-uroot",
         kanso.database, "-e", "LOCK TABLES tag WRITE; SELECT SLEEP(1.5); UNLOCK TABLES"],
        stdout=subprocess.DEVNULL)
    wait_until(lambda: any("SLEEP(1.5)" in " ".join(row)
                           for row in kanso.mariadb.sql("SHOW PROCESSLIST")), 5, "the lock")
    client = threading.Thread(target=lambda: answer.append(
        fastcgi.call(alone.path, variables, body)))
    client.start()
    wait_until(lambda: "tag" in str([row for row in kanso.mariadb.sql("SHOW PROCESSLIST")
                                     if "lock" in " ".join(row).lower()]), 5, "a request in hand")
    alone.process.send_signal(signal.SIGTERM)
    client.join(30)
    lock.wait()
    assert fastcgi.parse(answer[0])[0] == 200
    assert alone.process.wait(10) == 0


def test_no_leaks_under_valgrind(kanso: Kanso, workspace_directory: Path) -> None:
    if not shutil.which("valgrind"):
        pytest.skip("no valgrind")
    if os.environ.get("ASAN_OPTIONS"):
        pytest.skip("valgrind does not go with ASan")
    world = World(Api(kanso.url))
    run = world.run({"load": step_spec("load")}, tags=["v"])
    world.step(run, outputs={"output": world.artifact_version(tags=["v"])["id"]})
    world.metadata("pipeline_run", run["id"], a=1)
    worker = Alone(kanso, workspace_directory / "valgrind.sock", "valgrind", "--quiet",
                   "--leak-check=full", "--show-leak-kinds=definite,indirect",
                   "--errors-for-leak-kinds=definite,indirect", "--error-exitcode=99")
    try:
        token = {"authorization": "Bearer " + world.api.token}
        made = 0
        for number in range(4):
            body = json.dumps({"name": f"valgrind-{number}"}).encode()
            for method, path, query, data in (
                    ("GET", "/api/v1/runs", "hydrate=true", b""),
                    ("GET", "/api/v1/runs/" + run["id"], "", b""),
                    ("GET", f"/api/v1/runs/{run['id']}/graph", "", b""),
                    ("GET", "/api/v1/stacks", "hydrate=true&name=contains:d", b""),
                    ("GET", "/api/v1/flavors", "size=100&hydrate=true", b""),
                    ("POST", "/api/v1/tags", "", body), ("POST", "/api/v1/tags", "", body),
                    ("POST", "/api/v1/tags", "", b"{"), ("POST", "/api/v1/tags", "", b"[5]"),
                    ("GET", "/api/v1/tags/no-such", "", b""),
                    ("GET", "/api/v1/stacks", "size=0&sort_by=x", b""),
                    ("GET", "/api/v1/nothing", "", b"")):
                status, _, _ = worker.ask(method, path, query, data, **token)
                assert status < 500
                made += status == 200
        assert made >= 4 * 6
        said = worker.end()
        assert worker.process.returncode == 0, said[-6000:]
    finally:
        stop(worker.process)
