"""scripts/kanso: starting, stopping, what it says when it cannot, and what nginx is told."""

from __future__ import annotations

import os
import re
import signal
import socket
import stat
import subprocess
import threading
import uuid
from pathlib import Path
from typing import Iterator

import pytest
import requests

from kit.load import Load
from kit.mariadb import MariaDB
from kit.process import REPOSITORY, alive, bind_free, executable_of, free_port, kill_hard, wait_until
from kit.servers import Kanso

SCRIPT = str(REPOSITORY / "scripts" / "kanso")


@pytest.fixture
def private(stopped: Kanso) -> Kanso:
    """One with a MariaDB of its own and nothing set but home and port."""
    stopped.environment = {name: value for name, value in stopped.environment.items()
                           if not name.startswith("ZENML_")}
    return stopped


@pytest.fixture(scope="module")
def running(workspace_directory: Path, mariadb: MariaDB) -> Iterator[Kanso]:
    """One that several tests try to disturb."""
    instance = Kanso(workspace_directory / f"o{uuid.uuid4().hex[:6]}", mariadb)
    instance.start()
    yield instance
    instance.stop()


def refusal(instance: Kanso) -> str:
    """The line with which starting ends; nothing is left running."""
    done = instance.run("start", check=False)
    assert done.returncode == 1 and not instance.processes()
    said = done.stderr.splitlines()
    assert len(said) == 1 and said[0].startswith("kanso: "), done.stderr
    return said[0]


def test_private_database(private: Kanso) -> None:
    said = private.run("start").stdout
    password = re.search(r"^kanso:   password  (\S+)$", said, re.M)
    assert password and f"zenml connect --url {private.url} --username default" in said
    login = requests.post(private.url + "/api/v1/login", timeout=10,
                          data={"username": "default", "password": password[1]})
    assert login.status_code == 200
    secrets = {path.name: path for path in (private.home / "etc").iterdir()}
    assert {"database-password", "default-password", "jwt-key", "encryption-key"} <= set(secrets)
    for name, path in secrets.items():
        assert name == "nginx.conf" or stat.S_IMODE(path.stat().st_mode) == 0o600, name
    run = (private.home / "run").stat()
    assert run.st_uid == os.getuid()
    # Started by root, another user runs the programs; it finds sockets there whose names it knows.
    assert stat.S_IMODE(run.st_mode) == (0o710 if os.getuid() == 0 else 0o700)
    private.stop()
    again = private.run("start").stdout
    seconds = re.search(r"up in ([0-9.]+) s", again)
    assert seconds and float(seconds[1]) < 10 and password[1] in again
    token = {"Authorization": "Bearer " + login.json()["access_token"]}
    assert requests.get(private.url + "/api/v1/current-user", headers=token,
                        timeout=10).status_code == 200


def test_nothing_runs_as_root(private: Kanso) -> None:
    if os.getuid() != 0:
        pytest.skip("only root could do that")
    private.start()
    programs: dict[bool, set[str]] = {True: set(), False: set()}
    for pid in private.processes():
        programs[Path(f"/proc/{pid}").stat().st_uid == 0].add(Path(executable_of(pid)).name)
    assert programs[True] == {"kanso-supervise"}  # which opens logs and sockets, and runs the others as another user
    assert {"mariadbd", "nginx", "auth"} <= programs[False]


def test_commands_are_idempotent(stopped: Kanso) -> None:
    assert stopped.run("status", check=False).returncode == 3
    stopped.start()
    before = sorted(stopped.processes())
    assert "runs already" in stopped.run("start").stdout
    assert sorted(stopped.processes()) == before
    assert stopped.url in stopped.run("status").stdout
    workers, front = set(stopped.workers() + stopped.background()), stopped.front()
    stopped.run("restart")
    assert stopped.healthy() and not workers & set(stopped.processes()) and stopped.front() == front
    stopped.stop()
    assert "does not run" in stopped.run("stop").stdout
    assert stopped.run("status", check=False).returncode == 3


def test_restart_loses_no_request(stopped: Kanso) -> None:
    """Readers and writers go on while workers are replaced and nginx gets new settings. Another plan stops and starts."""
    stopped.start()
    counts = []
    with Load(stopped.url) as load:
        for rate in ("3", "3", "7"):
            stopped.environment["KANSO_LOGIN_RATE"] = rate
            stopped.run("restart")
            counts.append(len(load.made))
    load.check()
    assert 0 < counts[0] < counts[-1]
    assert stopped.sql("SELECT COUNT(*) FROM tag") == [[str(len(load.made))]]
    assert "rate=7r/s" in (stopped.home / "etc" / "nginx.conf").read_text()
    stopped.environment["KANSO_WORKERS"] = "all"
    stopped.run("restart")
    assert stopped.healthy() and len(stopped.workers()) == 3 and not list((stopped.home / "run").glob("old-*"))


def test_start_mends_what_has_ended(stopped: Kanso) -> None:
    stopped.start()
    note = next((stopped.home / "run").glob("worker-*.pid"))
    supervisor = int(note.read_text().split()[0])
    kill_hard([supervisor])
    wait_until(lambda: not alive(supervisor), 5, "the end of a supervisor")
    assert stopped.run("status", check=False).returncode == 3
    stopped.run("start")
    assert stopped.run("status").returncode == 0


def test_foreground_until_interrupted(stopped: Kanso) -> None:
    process = subprocess.Popen([SCRIPT, "run"], env=stopped.environment, cwd=REPOSITORY, text=True,
                               stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                               stdin=subprocess.DEVNULL, start_new_session=True)
    assert process.stdout
    lines = []
    timer = threading.Timer(60, process.kill)
    timer.start()
    for line in process.stdout:
        lines.append(line)
        if "Ctrl-C" in line:
            break
    assert stopped.healthy(), "".join(lines)
    again = stopped.run("run", check=False)
    assert again.returncode == 1 and "runs already" in again.stdout
    requests.get(stopped.url + "/api/v1/version", timeout=5)
    os.killpg(process.pid, signal.SIGINT)
    rest = process.stdout.read()
    timer.cancel()
    assert process.wait(30) == 0 and "stopped" in rest
    assert not stopped.processes() and not stopped.healthy()


def test_requests_in_hand_are_answered(stopped: Kanso) -> None:
    """A login takes a quarter of a second; the server is stopped in the middle of it."""
    stopped.start()
    answers: list[int] = []

    def login() -> None:
        answers.append(requests.post(stopped.url + "/api/v1/login", timeout=20, data={
            "username": "default", "password": "pw"}).status_code)

    thread = threading.Thread(target=login)
    thread.start()
    threading.Event().wait(0.1)
    stopped.stop()
    thread.join()
    assert answers == [200]


@pytest.mark.parametrize(("other_address", "address"), [
    ("127.0.0.1", "127.0.0.1"), ("0.0.0.0", "127.0.0.1"), ("127.0.0.2", "0.0.0.0")])
def test_busy_port(stopped: Kanso, other_address: str, address: str) -> None:
    stopped.environment["KANSO_ADDRESS"] = address
    with socket.socket() as other:
        other.bind((other_address, stopped.port))
        other.listen()
        said = refusal(stopped)
    assert f"port {stopped.port} on {address} is taken by " in said
    assert f"(process {os.getpid()} of user " in said


def test_unknown_command(stopped: Kanso) -> None:
    for tool, name in ((SCRIPT, "kanso"), (str(stopped.build / "bin" / "kansoctl"), "kansoctl")):
        done = subprocess.run([tool, "begin"], env=stopped.environment, capture_output=True, text=True)
        assert done.returncode == 2 and not done.stdout
        assert done.stderr.startswith(f"{name}: unknown command 'begin'")


@pytest.mark.parametrize(("name", "value", "expected"), [
    ("KANSO_WORKERS", "nothing:2", "there is no endpoint group 'nothing'"),
    ("KANSO_PORT", "busy", "is taken by "),
    ("KANSO_PORT", "eighty", "it must be a number"),
    ("KANSO_ADDRESS", "192.0.2.1", "no address of this machine"),
    ("KANSO_ADDRESS", "nowhere.invalid", "it must be an address of this machine"),
    ("KANSO_NGINX_WORKERS", "0", "it must be a number from 1"),
    ("KANSO_DASHBOARD_DIR", "/nowhere", "there is no /nowhere/index.html"),
    ("KANSO_HTML", "/nowhere", "there is no /nowhere/index.html"),
    ("ZENML_STORE_URL", "postgresql://a/b", "must be of the form mysql://"),
    ("ZENML_STORE_URL", "mysql://a:b@127.0.0.1:1/zenml", "cannot reach the database"),
    ("ZENML_SERVER_ROOT_URL_PATH", "zen", "expected a path such as /zenml"),
    ("ZENML_SERVER_AUTH_SCHEME", "none", "ZENML_SERVER_AUTH_SCHEME"),
])
def test_restart_refuses_before_it_stops(running: Kanso, name: str, value: str, expected: str) -> None:
    before = sorted(running.processes())
    was = dict(running.environment)
    with socket.socket() as other:
        if value == "busy":
            bind_free(other)
            other.listen()
            value = str(other.getsockname()[1])
        running.environment[name] = value
        done = running.run("restart", check=False)
    running.environment = was
    said = [line for line in done.stderr.splitlines() if "warning" not in line]
    assert done.returncode == 1 and expected in done.stderr and len(said) == 1, done.stderr
    assert sorted(running.processes()) == before and running.healthy()


def test_unreadable_dashboard(private: Kanso) -> None:
    if os.getuid() != 0:
        pytest.skip("only root can hide something from the user that Kanso runs as")
    hidden = private.home / "hidden" / "dashboard"
    hidden.mkdir(parents=True)
    (hidden / "index.html").write_text("<p>dashboard")
    hidden.parent.chmod(0o700)
    private.environment["KANSO_DASHBOARD_DIR"] = str(hidden)
    said = refusal(private)
    assert f"may not read {hidden.parent};" in said and "make dashboard" in said
    hidden.parent.chmod(0o755)
    private.start()
    assert requests.get(private.url, timeout=5).text == "<p>dashboard"


def test_dashboard_goes_where_it_can_be_read(private: Kanso, zenml_venv: Path) -> None:
    fetch = [str(REPOSITORY / "scripts" / "dashboard.sh")]
    environment = private.environment | {"PYTHON": str(zenml_venv / "bin" / "python")}
    folder = private.home / "share" / "dashboard"
    if os.getuid() == 0:
        folder.parent.mkdir(mode=0o700)
        done = subprocess.run([*fetch, str(folder)], env=environment, capture_output=True, text=True)
        assert done.returncode == 1 and f"nobody but root may enter {folder.parent};" in done.stderr
        folder.parent.chmod(0o755)
    done = subprocess.run([*fetch, str(folder)], env=environment, capture_output=True, text=True, umask=0o077)
    assert done.returncode == 0, done.stderr
    private.environment["KANSO_DASHBOARD_DIR"] = str(folder)
    private.start()
    assert requests.get(private.url, timeout=5).text == (folder / "index.html").read_text()


def test_only_a_password_that_works_is_printed(private: Kanso) -> None:
    """And one that was given is not written to where it would be kept."""
    private.environment["ZENML_DEFAULT_USER_PASSWORD"] = "first"
    said = private.run("start").stdout
    assert "  password  the one in ZENML_DEFAULT_USER_PASSWORD\n" in said and "first" not in said
    private.environment["ZENML_DEFAULT_USER_PASSWORD"] = "second"
    said = private.run("restart").stdout
    assert "second" not in said and "--password" not in said and "ZENML_DEFAULT_USER_PASSWORD" in said
    del private.environment["ZENML_DEFAULT_USER_PASSWORD"]
    said = private.run("restart").stdout
    assert "--password" not in said and not (private.home / "etc" / "default-password").exists()
    private.environment["ZENML_DEFAULT_USER_NAME"] = "nobody"
    said = private.run("restart").stdout
    assert "there is no 'nobody'" in said and "--password" not in said and "--username" not in said
    private.environment |= {"ZENML_DEFAULT_USER_NAME": "default", "ZENML_DEFAULT_USER_PASSWORD": "first"}
    assert "  password  the one in ZENML_DEFAULT_USER_PASSWORD\n" in private.run("restart").stdout


@pytest.mark.parametrize(("name", "value", "expected"), [
    ("ZENML_STORE_URL", "mysql://a:b@127.0.0.1:1/zenml", "cannot reach the database at 127.0.0.1:1"),
    ("ZENML_STORE_URL", "sqlite:///zenml.db", "must be of the form mysql://"),
    ("KANSO_PORT", "99999", "it must be a number from 1 to 65535"),
    ("KANSO_WORKERS", "nothing:2", "there is no endpoint group 'nothing'"),
    ("KANSO_WORKERS", "auth:0;rest:1", "it must be a number from 1"),
    ("KANSO_WORKERS", "auth:1", "leaves out group"),
    ("ZENML_SERVER_AUTO_ACTIVATE", "perhaps", "expected true or false"),
    ("KANSO_HOME", "/proc/nothing", "cannot make the directory"),
    ("KANSO_CONF", "/nowhere/kanso.conf", "cannot read /nowhere/kanso.conf"),
])
def test_settings_that_cannot_be(stopped: Kanso, name: str, value: str, expected: str) -> None:
    was = stopped.environment.get(name)
    stopped.environment[name] = value
    said = refusal(stopped)
    stopped.environment.pop(name)
    if was is not None:
        stopped.environment[name] = was
    assert expected in said


def test_wrong_password(stopped: Kanso) -> None:
    assert stopped.mariadb
    stopped.environment["ZENML_STORE_URL"] = stopped.mariadb.tcp_url(stopped.database).replace(
        stopped.mariadb.password, "wrong")
    said = refusal(stopped)
    assert "refuses user" in said and "wrong" not in said


def test_full_disk(private: Kanso) -> None:
    """A file system of 40 MB, which a new database does not fit on."""
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=40m,mode=0755", "kanso-test",
                              str(private.home)], capture_output=True)
    if mounted.returncode != 0:
        pytest.skip("cannot mount a small file system here")
    try:
        assert "the disk is" in refusal(private)
    finally:
        subprocess.run(["umount", str(private.home)], check=True)


def test_configuration_file(stopped: Kanso) -> None:
    port = free_port()
    file = stopped.home / "kanso.conf"
    file.write_text("# A comment, and a blank line\n\n"
                    f'KANSO_PORT={port}\nZENML_SERVER_DEPLOYMENT_TYPE="aws"\n'
                    "ZENML_DEFAULT_USER_NAME=not-this-one\n")
    for name in ("KANSO_PORT", "ZENML_SERVER_DEPLOYMENT_TYPE"):
        stopped.environment.pop(name)
    stopped.run("start")
    info = requests.get(f"http://127.0.0.1:{port}/api/v1/info", timeout=5).json()
    assert info["deployment_type"] == "aws"
    assert stopped.sql("SELECT name FROM user") == [["default"]]
    stopped.stop()
    file.write_text("this is no setting\n")
    stopped.environment["KANSO_PORT"] = str(stopped.port)
    assert "line 1: expected NAME=value" in refusal(stopped)
    file.unlink()


def test_two_homes_side_by_side(launch) -> None:
    first, second = launch(), launch()
    assert first.healthy() and second.healthy()
    first.stop()
    assert not first.healthy() and second.healthy()
    second.stop()


def test_one_database_for_two(launch) -> None:
    first = launch()
    second = launch(database=first.database)
    ids = {requests.get(one.url + "/api/v1/info", timeout=5).json()["id"]
           for one in (first, second)}
    assert len(ids) == 1
    first.stop()
    second.stop()


@pytest.mark.parametrize("plan", ["default", "all", "each"])
def test_each_path_reaches_its_worker(launch, plan: str) -> None:
    """A worker that does not serve a path says 404 with this detail, or 405."""
    instance = launch(workers=plan, KANSO_WORKLOAD_COMMAND="/bin/true",  # some routes are there only with a manager, or a token
                      ZENML_SERVER_WORKLOAD_MANAGER_IMPLEMENTATION_SOURCE="kanso.command", KANSO_METRICS_TOKEN="0" * 32)
    lost = []
    with requests.Session() as session:
        for group, method, path in instance.routes():
            if path.endswith("/resource_membership"):
                continue  # is there only beside a control plane
            answer = session.request(method, instance.url + re.sub(
                r"{[^}]*}", str(uuid.uuid4()), path), timeout=10, json={})
            if answer.status_code in (404, 405) and answer.json().get("detail") in (
                    "Not Found", "Method Not Allowed"):
                lost.append((group, method, path))
    sockets = {path.stem for path in (instance.home / "run").glob("*.sock")}
    instance.stop()
    assert not lost
    assert plan != "each" or sockets == {group for group, _, _ in instance.routes()}


def test_root_path(launch) -> None:
    instance = launch(ZENML_SERVER_ROOT_URL_PATH="/zen")
    for prefix in ("", "/zen"):
        assert requests.get(f"{instance.url}{prefix}/health", timeout=5).json() == "OK"
        assert requests.get(f"{instance.url}{prefix}/api/v1/version", timeout=5).json() == "0.66.0"
        login = requests.post(f"{instance.url}{prefix}/api/v1/login", timeout=5,
                              data={"username": "default", "password": "pw"})
        assert login.status_code == 200
        page = requests.get(f"{instance.url}{prefix}/", timeout=5)
        assert page.status_code == 200 and page.headers["Content-Type"].startswith("text/html")
    assert requests.get(f"{instance.url}/zenith/api/v1/version", timeout=5).status_code == 404
    instance.stop()


def test_pages(server) -> None:
    index = requests.get(server.url + "/", timeout=5)
    assert index.status_code == 200 and index.headers["Content-Type"].startswith("text/html")
    assert requests.get(server.url + "/runs/b/c", timeout=5).text == index.text
    assert requests.get(server.url + "/a/b/c", timeout=5).status_code == 404
    assert index.headers["X-Frame-Options"] == "SAMEORIGIN"
    refused = requests.post(server.url + "/a/b/c", timeout=5)
    assert (refused.status_code, refused.json()) == (405, {"detail": "Method Not Allowed"})
    assert refused.headers["Allow"] == "GET"


def test_body_beyond_the_limit(launch) -> None:
    instance = launch(KANSO_MAX_BODY="100000")
    answer = requests.post(instance.url + "/api/v1/login", data=b"x" * 100_001, timeout=5)
    assert answer.status_code == 413 and "KANSO_MAX_BODY" in answer.json()["detail"]
    instance.stop()
