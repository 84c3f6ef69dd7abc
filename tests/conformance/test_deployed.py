"""Servers that kansoctl deploys, in the eyes of the stock client, and the other way round."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Iterator

import pytest

from kit.deploy import Deploy
from kit.process import alive, free_port


@pytest.fixture
def deploy(workspace_directory: Path, request: pytest.FixtureRequest) -> Iterator[Deploy]:
    directory = workspace_directory / f"by-{request.node.name[-12:]}"
    directory.mkdir()
    deploy = Deploy(directory)
    yield deploy
    deploy.remove()


def zenml(deploy: Deploy, venv: Path, *arguments: str) -> str:
    done = subprocess.run([str(venv / "bin" / "zenml"), *arguments], env=deploy.environment, cwd=deploy.config.parent,
                          capture_output=True, text=True, timeout=180, stdin=subprocess.DEVNULL)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def test_the_client_knows_our_server(deploy: Deploy, zenml_venv: Path) -> None:
    port = free_port()
    done = deploy.run("up", "--port", str(port))
    assert done.returncode == 0, done.stderr
    said = zenml(deploy, zenml_venv, "status")
    assert said.count(f"http://127.0.0.1:{port}") == 2 and "is not a ZenML local daemon" not in said  # connected; deployed
    assert "/health" in zenml(deploy, zenml_venv, "logs")
    pid = deploy.pid()
    zenml(deploy, zenml_venv, "down")
    assert not alive(pid) and not list((deploy.config / "zen_server").iterdir()) and not deploy.store()
    assert deploy.run("status").returncode == 4


def test_we_know_the_client_s_server(deploy: Deploy, zenml_venv: Path) -> None:
    port = free_port()
    zenml(deploy, zenml_venv, "up", "--port", str(port))
    shown = deploy.json("status")
    assert shown["status"] == {"status": "active", "status_message": "", "connected": True,
                               "url": f"http://127.0.0.1:{port}", "ca_crt": None}
    assert "GET /" in deploy.run("logs", "--tail", "20").stdout
    pid = deploy.pid()
    assert deploy.run("down").returncode == 0
    assert not alive(pid) and not list((deploy.config / "zen_server").iterdir()) and not deploy.store()
    assert "default" in zenml(deploy, zenml_venv, "stack", "list")  # of its own store again
