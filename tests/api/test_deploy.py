"""kansoctl deploy without the stock client: what it starts, leaves alone, refuses and cleans up (docs/contract/deploy.md#deployer)."""

from __future__ import annotations

import json
import os
import signal
import socket
import stat
import subprocess
from pathlib import Path
from typing import Iterator

import pytest
import requests

from kit.deploy import Deploy
from kit.process import alive, bind_free, free_port, wait_until

pytestmark = pytest.mark.usefixtures("nginx_is_there")


@pytest.fixture(scope="module")
def nginx_is_there(server_url: str | None) -> None:
    if server_url:
        pytest.skip("needs servers of its own")


@pytest.fixture(scope="module")
def deploy(workspace_directory: Path) -> Iterator[Deploy]:
    directory = workspace_directory / "dep"
    directory.mkdir(exist_ok=True)
    deploy = Deploy(directory)
    yield deploy
    deploy.remove()


@pytest.fixture(scope="module")
def port(deploy: Deploy) -> int:
    """That of the server, which is up."""
    port = free_port()
    done = deploy.run("up", "--port", str(port))
    assert done.returncode == 0, done.stderr
    return port


@pytest.fixture
def undeployed(deploy: Deploy) -> Deploy:
    """Nothing is up, whichever of the tests above were run."""
    assert deploy.run("down").returncode in (0, 4)
    return deploy


def test_up_leaves_what_the_client_expects(deploy: Deploy, port: int) -> None:
    assert requests.head(f"http://127.0.0.1:{port}/health", timeout=5).status_code == 200
    assert deploy.files() == ["service.json", "service.log", "service.pid"]
    service = json.loads((deploy.config / "zen_server" / "local" / "service.json").read_text())
    assert service["config"]["server"] == {"name": "local", "provider": "local", "port": port, "ip_address": "127.0.0.1",
                                           "blocking": False, "store": None, "use_legacy_dashboard": False}
    assert (service["admin_state"], service["status"]["state"]) == ("active", "pending_startup")
    command = Path(f"/proc/{deploy.pid()}/cmdline").read_bytes().split(b"\0")
    assert b"zenml.services.local.local_daemon_entrypoint" in command
    assert str(deploy.config / "zen_server" / "local" / "service.json").encode() in command
    assert deploy.store() == f"http://127.0.0.1:{port}"
    assert stat.S_IMODE((deploy.config / "config.yaml").stat().st_mode) == 0o600


def test_status_and_list(deploy: Deploy, port: int) -> None:
    shown = deploy.json("status")
    assert shown["status"] == {"status": "active", "status_message": "", "connected": True,
                               "url": f"http://127.0.0.1:{port}", "ca_crt": None}
    assert shown["config"]["name"] == "local" and shown["config"]["port"] == port
    assert [each["name"] for each in deploy.json("list")] == ["local"]
    assert deploy.json("list", "--provider", "docker") == [] == deploy.json("list", "--name", "other")
    assert deploy.run("status", "other").returncode == 4
    assert "is not registered" in deploy.run("list", "--provider", "aws").stderr


def test_up_again_changes_nothing(deploy: Deploy, port: int) -> None:
    pid = deploy.pid()
    assert deploy.run("up", "--port", str(port)).returncode == 0
    assert deploy.pid() == pid


def test_logs(deploy: Deploy, port: int) -> None:
    wait_until(lambda: "up in" in deploy.run("logs").stdout, 20, "the server's own words")
    assert len(deploy.run("logs", "--tail", "2").stdout.splitlines()) == 2


def test_connect_and_disconnect(deploy: Deploy, port: int) -> None:
    config = deploy.config / "config.yaml"
    before = config.read_text()
    config.write_text(before + "custom:\n  kept: [1, 'zwei', \"三\"]\nactive_stack_id: x\n")
    assert deploy.run("disconnect", "other").returncode == 4 and deploy.store()
    assert deploy.run("disconnect").returncode == 0
    assert not deploy.store() and "三" in config.read_text() and "active_stack_id" not in config.read_text()
    assert not deploy.json("status")["connected"]
    assert deploy.run("connect", "--username", "default", text="secret word\n").returncode == 0
    assert deploy.store() and "secret word" in config.read_text() and "三" in config.read_text()
    assert deploy.json("status")["connected"]


def test_another_port_moves_it(deploy: Deploy, port: int) -> None:
    old, there = deploy.pid(), free_port()
    done = deploy.run("up", "--port", str(there))
    assert done.returncode == 0, done.stderr
    assert not alive(old) and deploy.json("status")["url"] == f"http://127.0.0.1:{there}"
    with pytest.raises(requests.ConnectionError):
        requests.get(f"http://127.0.0.1:{port}/health", timeout=2)
    assert deploy.run("up", "--port", str(port)).returncode == 0


def test_killed_server_is_seen_and_started_again(deploy: Deploy, port: int) -> None:
    os.kill(deploy.pid(), signal.SIGTERM)  # as a machine that goes down
    wait_until(lambda: "service.pid" not in deploy.files(), 30, "the server's end")
    shown = deploy.json("status")["status"]
    assert (shown["status"], shown["url"], shown["status_message"]) == ("inactive", None, "service daemon is not running")
    assert deploy.run("up", "--port", str(port)).returncode == 0
    assert deploy.json("status")["state"] == "active"


def test_an_old_pid_file_ends_nobody(deploy: Deploy, port: int) -> None:
    """The id in it may be another process's by now."""
    file = deploy.config / "zen_server" / "local" / "service.pid"
    right = file.read_text()
    reader = subprocess.Popen(["tail", "-f", str(file.with_name("service.json"))], stdout=subprocess.DEVNULL)
    try:
        for pid in (os.getpid(), reader.pid):
            file.write_text(str(pid))
            assert deploy.json("status")["state"] == "inactive"
    finally:
        file.write_text(right)
        reader.kill()
        reader.wait()


@pytest.mark.parametrize("arguments,said", [
    (["--image", "x"], "ServerDeploymentConfigurationError: Invalid configuration for provider local: image"),
    (["--ip-address", "localhost"], "ServerDeploymentConfigurationError: Invalid configuration for provider local: ip_address"),
    (["--provider", "docker", "--ip-address", "::1"],
     "ServerDeploymentConfigurationError: Invalid configuration for provider docker: ip_address"),
    (["--provider", "gcp"], "ServerProviderNotFoundError: Server provider 'gcp' is not registered."),
    (["other"], "ServerDeploymentExistsError: There is a local server named 'local' already"),
])
def test_refused(deploy: Deploy, port: int, arguments: list[str], said: str) -> None:
    done = deploy.run("up", *arguments)
    assert done.returncode == 1 and said in done.stderr
    assert deploy.json("status")["state"] == "active"


def test_removal_leaves_nothing_but_the_data(deploy: Deploy, port: int) -> None:
    pid = deploy.pid()
    assert deploy.run("down").returncode == 0
    assert not alive(pid) and not list((deploy.config / "zen_server").iterdir()) and not deploy.store()
    assert deploy.home.is_dir()
    done = deploy.run("down")
    assert done.returncode == 0 and "no server" in done.stderr
    assert deploy.run("down", "local").returncode == 4
    assert deploy.run("up", "--port", str(port)).returncode == 0  # the same database: its password still opens it
    assert deploy.store() == f"http://127.0.0.1:{port}"
    assert deploy.run("down").returncode == 0


def test_busy_port(undeployed: Deploy) -> None:
    with socket.socket() as taken:
        number = bind_free(taken)
        taken.listen()
        done = undeployed.run("up", "--port", str(number))
    assert done.returncode == 1 and f"ServerDeploymentError: TCP port {number} is not available." in done.stderr
    assert not list((undeployed.config / "zen_server").iterdir())


def test_dead_engine(undeployed: Deploy) -> None:
    for program in ("false", "/nowhere/docker"):
        undeployed.environment["KANSO_DOCKER"] = program
        done = undeployed.run("up", "--provider", "docker")
        assert done.returncode == 1 and "ServerDeploymentError" in done.stderr
        assert not list((undeployed.config / "zen_server").iterdir())


@pytest.mark.parametrize("text", ["", "{", '{"uuid": "x", "config": {"server": 5}}', "[1]", '{"config": {"server": {"port": 99999}}}'])
def test_half_written_file(undeployed: Deploy, text: str) -> None:
    """Said, not believed; and removed by `down`."""
    directory = undeployed.config / "zen_server" / "local"
    directory.mkdir(parents=True)
    (directory / "service.json").write_text(text)
    for command in ("up", "status", "list", "logs"):
        done = undeployed.run(command)
        assert done.returncode == 1 and "is no description of a local server" in done.stderr, command
    assert undeployed.run("down").returncode == 0
    assert not directory.exists()


@pytest.mark.race
@pytest.mark.skipif(os.geteuid() != 0, reason="is about root")
@pytest.mark.parametrize("theirs", ["", "zen_server", "zen_server/local"])
def test_root_stays_out_of_the_directories_of_others(tmp_path: Path, theirs: str) -> None:
    """Of which one may be a link to something that is not to be written to or deleted, or lead to a log that is none."""
    mine, other = tmp_path / "mine", Deploy(tmp_path)
    (mine / "zen_server" / "local").mkdir(parents=True)
    (mine / "local").mkdir()
    (mine / "local" / "kept").write_text("kept")
    link = other.config / theirs
    link.parent.mkdir(parents=True, exist_ok=True)
    link.symlink_to(mine)
    os.chown(link, 65534, 65534, follow_symlinks=False)
    try:
        for arguments in (["up", "--port", str(free_port())], ["down"], ["disconnect"]):
            done = other.run(*arguments)
            assert done.returncode == 1 and "another user's (uid 65534)" in done.stderr, (arguments, done.stderr)
        assert sorted(path.name for path in mine.rglob("*")) == ["kept", "local", "local", "zen_server"]
    finally:
        os.chown(link, 0, 0, follow_symlinks=False)
        other.remove()


def test_two_at_once(undeployed: Deploy) -> None:
    number = str(free_port())
    both = [undeployed.begin("up", "--port", number) for _ in range(2)]
    said = [each.communicate(timeout=120) for each in both]
    assert [each.returncode for each in both] == [0, 0], said
    assert undeployed.json("status")["url"] == f"http://127.0.0.1:{number}"
    assert undeployed.run("down").returncode == 0
