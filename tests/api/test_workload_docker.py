"""kanso.docker: against a real engine (Podman's Docker-compatible API), and against one of the tests' own for what a real one
does not do when asked."""

from __future__ import annotations

import base64
import io
import json
import socketserver
import tarfile
import threading
import time
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any, Iterator
from urllib.parse import parse_qs, urlsplit

import pytest

from kit.podman import Podman, root_filesystem, unavailable
from kit.process import wait_until
from kit.manager import Manager, new_id

BASE = "FROM zenmldocker/zenml:0.66.0-py3.11"


# A real engine ------------------------------------------------------------------------------------------------------------

@pytest.fixture(scope="module")
def podman(workspace_directory: Path) -> Iterator[Podman]:
    if why := unavailable():
        pytest.skip(why)
    engine = Podman(workspace_directory / "podman")
    engine.start()
    root_filesystem(engine.directory / "base.tar", ["sh", "echo", "sleep", "seq", "cat"])
    engine.import_or_skip("docker.io/zenmldocker/zenml:0.66.0-py3.11", engine.directory / "base.tar")
    if why := engine.refuses("zenmldocker/zenml:0.66.0-py3.11"):
        engine.remove()
        pytest.skip(why)
    yield engine
    engine.remove()


@pytest.fixture(scope="module")
def docker(podman: Podman) -> Manager:
    return Manager("kanso.docker", DOCKER_HOST=podman.host)


@pytest.fixture(scope="module")
def image(docker: Manager) -> str:
    return docker("build", new_id(), BASE, "zenml-runner:plain")["image"]


def run(docker: Manager, image: str, script: str, **options: Any) -> str:
    workload = new_id()
    assert docker("run", workload, image, "/bin/sh", "-c", script, **options)["rc"] == "ok"
    return workload


def ended(docker: Manager, workload: str) -> dict[str, Any]:
    wait_until(lambda: docker("state", workload)["state"] not in ("running",), 60, "the end of a container")
    return docker("state", workload)


def test_an_image_is_built_once(docker: Manager, podman: Podman) -> None:
    dockerfile = f"{BASE}\nRUN echo it has been built > /proof"
    for _ in range(2):
        assert docker("build", new_id(), dockerfile, "zenml-runner:once") == {
            "image": "zenml-runner:once", "rc": "ok", "error": None}
    assert podman.run("images", "-q", "zenml-runner:once").split()
    # The name stands for the content: what is asked for under it is not looked at again.
    assert docker("build", new_id(), "FROM nowhere", "zenml-runner:once")["rc"] == "ok"
    workload = run(docker, "zenml-runner:once", "cat /proof")
    assert ended(docker, workload)["state"] == "succeeded"
    assert docker("logs", workload)["logs"] == "it has been built\n"


def test_an_image_that_does_not_build_says_why(docker: Manager, podman: Podman) -> None:
    rc, message = docker.why("build", new_id(), f"{BASE}\nRUN echo some output; echo more >&2; exit 3", "zenml-runner:broken")
    assert rc == "failed"
    assert "could not build the image" in message and "exit status 3" in message and "some output\n" in message
    assert not podman.run("images", "-q", "zenml-runner:broken", check=False).split()


def test_long_output_of_a_build_is_cut_in_front(docker: Manager) -> None:
    rc, message = docker.why("build", new_id(), f"{BASE}\nRUN seq 1 100000; exit 1", "zenml-runner:talkative")
    assert rc == "failed" and len(message) < 8000 and "\n99999\n100000" in message and "\n1\n2\n" not in message


def test_a_workload_gets_command_arguments_and_environment(docker: Manager, image: str, podman: Podman) -> None:
    workload = new_id()
    values = {"TOKEN": "a=b c", "EMPTY": "", "QUOTED": '"\'$HOME'}
    docker("run", workload, image, "/bin/sh", "-c", 'echo "<$TOKEN> <$EMPTY> <$QUOTED> <$1>"', "sh", "two words", env=values)
    assert ended(docker, workload) == {"state": "succeeded", "reason": None, "rc": "ok", "error": None}
    assert docker("logs", workload)["logs"] == "<a=b c> <> <\"'$HOME> <two words>\n"
    assert f"kanso-{workload}" in podman.containers()
    assert podman.run("ps", "-aq", "--filter", f"label=kanso.workload={workload}").split()


def test_a_workload_is_started_once(docker: Manager, image: str) -> None:
    workload = run(docker, image, "echo first; sleep 1")
    for _ in range(2):
        assert docker("run", workload, image, "/bin/sh", "-c", "echo second")["rc"] == "ok"
        assert ended(docker, workload)["state"] == "succeeded"
    assert docker("logs", workload)["logs"] == "first\n"


def test_a_start_that_was_cut_short_is_completed(docker: Manager, image: str, podman: Podman) -> None:
    workload = new_id()
    podman.run("create", "--name", f"kanso-{workload}", image, "/bin/sh", "-c", "echo made before")
    assert docker("state", workload)["state"] == "unknown"
    assert docker("run", workload, image, "/bin/sh", "-c", "echo made anew")["rc"] == "ok"
    assert ended(docker, workload)["state"] == "succeeded"
    assert docker("logs", workload)["logs"] == "made before\n"


@pytest.mark.race
def test_two_at_once_start_one(docker: Manager, image: str, podman: Podman) -> None:
    workload, results = new_id(), []
    threads = [threading.Thread(target=lambda: results.append(
        docker("run", workload, image, "/bin/sh", "-c", "echo $$; sleep 1"))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert ended(docker, workload)["state"] == "succeeded"
    assert "ok" in [each["rc"] for each in results]
    assert podman.containers().count(f"kanso-{workload}") == 1
    assert len(docker("logs", workload)["logs"].splitlines()) == 1


def test_states_and_reasons(docker: Manager, image: str, podman: Podman) -> None:
    failing, waiting = run(docker, image, "echo trouble >&2; exit 7"), run(docker, image, "sleep 600")
    assert ended(docker, failing)["state"] == "failed"
    assert "exit code 7" in docker("state", failing)["reason"]
    assert docker("logs", failing)["logs"] == "trouble\n"
    assert docker("state", waiting)["state"] == "running"
    podman.run("kill", f"kanso-{waiting}")
    assert ended(docker, waiting)["state"] == "failed"
    assert "killed: exit code 137" in docker("state", waiting)["reason"]
    assert docker("state", new_id())["state"] == "unknown"


def test_logs_are_both_streams_bounded_and_utf8(docker: Manager, image: str) -> None:
    workload = run(docker, image, r"printf 'gr\303\274n \377\n'; echo wrong >&2")
    ended(docker, workload)
    assert sorted(docker("logs", workload)["logs"].splitlines()) == ["grün �", "wrong"]
    long = run(docker, image, "x=0123456789012345678901234567890123456789012345678901234567890123456789; x=$x$x$x; "
               "for i in $(seq 1 9000); do echo $i $x; done")
    ended(docker, long)
    logs = docker("logs", long)["logs"]
    assert 900_000 < len(logs) <= 1 << 20
    assert logs.splitlines()[-1].startswith("9000 ") and not logs.startswith("1 ")
    assert docker("logs", new_id()) == {"logs": "", "rc": "ok", "error": None}


def test_nothing_is_left_after_remove(docker: Manager, image: str, podman: Podman) -> None:
    workload = run(docker, image, "sleep 600")
    for _ in range(2):
        assert docker("remove", workload)["rc"] == "ok"
    assert f"kanso-{workload}" not in podman.containers()
    assert docker("state", workload)["state"] == "unknown"


def test_one_that_runs_for_too_long_is_ended(docker: Manager, image: str) -> None:
    workload = run(docker, image, "sleep 600")
    time.sleep(2.5)
    assert docker("state", workload, KANSO_WORKLOAD_LIMIT="0")["state"] == "running"
    said = docker("state", workload, KANSO_WORKLOAD_LIMIT="1")
    assert said["state"] == "failed" and "KANSO_WORKLOAD_LIMIT" in said["reason"]
    assert ended(docker, workload)["state"] == "failed"


def test_what_has_ended_long_ago_is_forgotten(docker: Manager, image: str, podman: Podman) -> None:
    old, waiting = run(docker, image, "exit 0"), run(docker, image, "sleep 600")
    podman.run("run", "--name", "somebody-elses", image, "/bin/sh", "-c", "exit 0")
    ended(docker, old)
    run(docker, image, "exit 0")
    assert f"kanso-{old}" in podman.containers()
    time.sleep(2)
    run(docker, image, "exit 0", KANSO_WORKLOAD_KEPT="1")
    there = podman.containers()
    assert f"kanso-{old}" not in there and f"kanso-{waiting}" in there and "somebody-elses" in there


def test_limits_hold(docker: Manager, image: str, podman: Podman) -> None:
    workload = run(docker, image, "sleep 600", KANSO_WORKLOAD_MEMORY="30000000", KANSO_WORKLOAD_CPUS="0.5")
    limits = json.loads(podman.run("inspect", f"kanso-{workload}"))[0]["HostConfig"]
    assert limits["Memory"] == 30000000 and limits["NanoCpus"] == 500_000_000
    assert "no-new-privileges" in limits["SecurityOpt"]
    docker("remove", workload)


def test_an_engine_that_is_down_is_asked_again_later(docker: Manager, image: str, podman: Podman) -> None:
    workload = run(docker, image, "sleep 2; echo done")
    podman.stop()
    for operation in (("build", new_id(), BASE, "zenml-runner:plain"), ("run", new_id(), image, "/bin/sh"),
                      ("state", workload), ("logs", workload), ("remove", workload)):
        rc, message = docker.why(*operation)
        assert rc == "retry" and f"{podman.host} does not answer" in message
    podman.start()
    assert ended(docker, workload)["state"] == "succeeded"
    assert docker("logs", workload)["logs"] == "done\n"


# An engine of the tests' own ----------------------------------------------------------------------------------------------

@dataclass
class Engine:
    """Answers what `answers` says for a method and the beginning of a path; all else is 404."""
    directory: Path
    answers: dict[tuple[str, str], tuple[int, bytes]] = field(default_factory=dict)
    calls: list[tuple[str, str, dict[str, list[str]], dict[str, str], bytes]] = field(default_factory=list)
    delay: float = 0

    def __post_init__(self) -> None:
        engine = self
        self.directory.mkdir()

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def respond(self) -> None:
                url = urlsplit(self.path)
                body = self.rfile.read(int(self.headers.get("content-length") or 0))
                headers = {name.lower(): value for name, value in self.headers.items()}
                engine.calls.append((self.command, url.path, parse_qs(url.query), headers, body))
                time.sleep(engine.delay)
                status, text = next((answer for (method, path), answer in engine.answers.items()
                                     if method == self.command and url.path.startswith(path)), (404, b'{"message":"no such"}'))
                self.send_response(status)
                self.send_header("Transfer-Encoding", "chunked")
                self.end_headers()
                try:
                    for at in range(0, len(text), 1000) if len(text) < 100_000 else [0]:
                        piece = text[at:at + 1000] if len(text) < 100_000 else text
                        self.wfile.write(b"%x\r\n%s\r\n" % (len(piece), piece))
                    self.wfile.write(b"0\r\n\r\n")
                except OSError:
                    self.close_connection = True

            do_GET = do_POST = do_DELETE = respond

            def address_string(self) -> str:
                return "client"

            def log_message(self, *arguments: Any) -> None:
                pass

        class Listener(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
            daemon_threads = True

        self.server = Listener(str(self.directory / "s"), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    @property
    def docker(self) -> Manager:
        return Manager("kanso.docker", DOCKER_HOST=f"unix://{self.directory / 's'}")


@pytest.fixture
def engine(workspace_directory: Path) -> Iterator[Engine]:
    made = Engine(workspace_directory / f"e{new_id()[:6]}")
    yield made
    made.server.shutdown()
    made.server.server_close()


REGISTRY = {"KANSO_WORKLOAD_REGISTRY": "registry.example.com:5000/team", "KANSO_WORKLOAD_REGISTRY_USER": "robot",
            "KANSO_WORKLOAD_REGISTRY_PASSWORD": "p\u00e4ss?>~"}


def test_the_build_is_one_file_and_its_image_is_pushed(engine: Engine) -> None:
    engine.answers = {("POST", "/build"): (200, b'{"stream":"Step 1/1"}\r\n{"aux":{"ID":"sha256:1"}}\r\n'),
                      ("POST", "/images/registry"): (200, b'{"status":"Pushed"}\n')}
    said = engine.docker("build", new_id(), "FROM x\nRUN 'y'", "zenml-runner:h", **REGISTRY)
    assert said == {"image": "registry.example.com:5000/team/zenml-runner:h", "rc": "ok", "error": None}
    look, pull, build, push = engine.calls
    assert look[:2] == ("GET", f"/images/{said['image']}/json")
    assert pull[:3] == ("POST", "/images/create", {"fromImage": ["registry.example.com:5000/team/zenml-runner"], "tag": ["h"]})
    assert build[2]["t"] == [said["image"]] and build[3]["content-type"] == "application/x-tar"
    with tarfile.open(fileobj=io.BytesIO(build[4])) as tar:
        assert tar.getnames() == ["Dockerfile"]
        assert tar.extractfile("Dockerfile").read() == b"FROM x\nRUN 'y'"  # type: ignore[union-attr]
    assert push[:3] == ("POST", "/images/registry.example.com:5000/team/zenml-runner/push", {"tag": ["h"]})
    for call in pull, push:
        assert json.loads(base64.b64decode(call[3]["x-registry-auth"], altchars=b"-_", validate=True)) == {
            "username": "robot", "password": "p\u00e4ss?>~", "serveraddress": "registry.example.com:5000"}
    assert "x-registry-auth" not in build[3]


def test_an_image_of_another_host_is_pulled_and_one_of_this_pushed_again(engine: Engine) -> None:
    engine.answers = {("POST", "/images/create"): (200, b'{"status":"Pulling"}\n')}
    assert engine.docker("build", new_id(), "FROM x", "zenml-runner:h", **REGISTRY)["rc"] == "ok"
    assert [call[:2] for call in engine.calls][1:] == [("POST", "/images/create")]
    engine.calls.clear()
    engine.answers = {("GET", "/images/"): (200, b"{}"), ("POST", "/images/registry"): (200, b'{"status":"Pushed"}')}
    assert engine.docker("build", new_id(), "FROM x", "zenml-runner:h", **REGISTRY)["rc"] == "ok"
    assert [call[0] for call in engine.calls] == ["GET", "POST"] and engine.calls[1][1].endswith("/push")


@pytest.mark.parametrize("status, answer, rc, words", [
    (200, b'{"stream":"Step 1"}\n{"errorDetail":{},"error":"write /x: no space left on device"}\n', "failed", "no space left"),
    (200, b'{"stream":"\xff\xfe"}\n{"error":"bad \xff"}', "failed", "it reports"),
    (500, b'{"message":"no space left on device"}', "retry", "no space left"),
    (400, b'{"message":"dockerfile parse error"}', "failed", "dockerfile parse error"),
    (503, b"not JSON at all", "retry", "status 503"),
    (200, b'{"stream":"' + b"x" * (2 << 20) + b'"}\n', "retry", "does not answer"),
    (200, b'{"stream":"x"}\n' * (5 << 20), "failed", "bytes of output"),
], ids=["disk full", "not UTF-8", "disk full at once", "refused", "no JSON", "an endless line", "endless output"])
def test_builds_that_go_wrong(engine: Engine, status: int, answer: bytes, rc: str, words: str) -> None:
    engine.answers = {("POST", "/build"): (status, answer)}
    got, message = engine.docker.why("build", new_id(), "FROM x", "zenml-runner:h")
    assert got == rc and words in message and len(message) < 8000


def test_a_push_that_is_refused_says_so_without_the_password(engine: Engine) -> None:
    engine.answers = {("GET", "/images/"): (200, b"{}"),
                      ("POST", "/images/registry"): (200, b'{"status":"x"}\n{"error":"unauthorized: access denied"}\n')}
    rc, message = engine.docker.why("build", new_id(), "FROM x", "zenml-runner:h", **REGISTRY)
    assert rc == "failed" and "could not push the image: unauthorized" in message and "p\u00e4ss" not in message


def test_an_engine_that_does_not_come_to_an_end_is_left(engine: Engine) -> None:
    engine.delay = 3
    rc, message = engine.docker.why("build", new_id(), "FROM x", "zenml-runner:h", KANSO_WORKLOAD_TIMEOUT="1",
                                    KANSO_WORKLOAD_REGISTRY="r")
    assert rc == "retry" and "does not answer" in message


def test_what_the_container_is_asked_to_be(engine: Engine) -> None:
    engine.answers = {("POST", "/containers/create"): (201, b'{"Id":"1"}'), ("POST", "/containers/kanso-"): (204, b"")}
    workload = new_id()
    said = engine.docker("run", workload, "i:t", "python", "-m", "x", env={"ZENML_STORE_API_TOKEN": "t0ken"},
                         KANSO_WORKLOAD_MEMORY="5000000", KANSO_WORKLOAD_CPUS="2", KANSO_WORKLOAD_NETWORK="lan")
    assert said == {"rc": "ok", "error": None}
    create = next(call for call in engine.calls if call[1] == "/containers/create")
    assert create[2] == {"name": [f"kanso-{workload}"]}
    assert json.loads(create[4]) == {
        "Image": "i:t", "Entrypoint": ["python"], "Cmd": ["-m", "x"], "Env": ["ZENML_STORE_API_TOKEN=t0ken"],
        "Labels": {"kanso.workload": workload},
        "HostConfig": {"SecurityOpt": ["no-new-privileges"], "Memory": 5000000, "MemorySwap": 5000000, "NanoCpus": 2000000000,
                       "NetworkMode": "lan"}}
    assert engine.calls[-1][:2] == ("POST", f"/containers/kanso-{workload}/start")


def test_settings_that_cannot_work_are_named() -> None:
    docker = Manager("kanso.docker")
    assert "neither" in docker("check", "-", DOCKER_HOST="ssh://host")["why"]
    assert "absolute" in docker("check", "-", DOCKER_HOST="unix://socket")["why"]
    assert "/nowhere" in docker("check", "-", DOCKER_HOST="tcp://127.0.0.1:1", DOCKER_TLS_VERIFY="1", DOCKER_CERT_PATH="/nowhere")["why"]
    assert docker("check", "-", DOCKER_HOST="tcp://127.0.0.1:1")["rc"] == "ok"
    assert docker("check", "-")["rc"] == "ok"
