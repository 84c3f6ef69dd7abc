"""Runs from templates through kanso.docker in a real engine (Podman), and what may happen to them on the way. The image holds
scripts in the places of python and pip; tests/conformance/test_remote.py has the real ones."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path
from typing import Any, Callable, Iterator

import pytest

from kit.api import Api
from kit.factory import World
from kit.podman import Podman, root_filesystem, unavailable
from kit.process import descendants, executable_of, wait_until
from kit.servers import Kanso

SERVER_URL = "http://kanso.test:8080"
# "python" notes that it was started, and waits for what the test wants; "pip" builds slowly, or not at all.
PYTHON = "#!/bin/sh\necho started with $#: $6 on $ZENML_STORE_URL\nwhile :; do sleep 1; done\n"
PIP = "#!/bin/sh\necho installing $*\nsleep 0\n"
BROKEN = "#!/bin/sh\necho there is no package $6\nexit 1\n"


@pytest.fixture(scope="module")
def podman(workspace_directory: Path) -> Iterator[Podman]:
    if why := unavailable():
        pytest.skip(why)
    engine = Podman(workspace_directory / "containers")
    engine.start()
    for version, pip in ("3.10", PIP), ("3.9", BROKEN), ("3.8", PIP.replace("sleep 0", "sleep 4")):
        archive = engine.directory / "base.tar"
        root_filesystem(archive, ["sh", "echo", "sleep"], texts={"bin/python": PYTHON, "bin/pip": pip})
        engine.import_or_skip(f"docker.io/zenmldocker/zenml:0.66.0-py{version}", archive)
    if why := engine.refuses("zenmldocker/zenml:0.66.0-py3.10"):
        engine.remove()
        pytest.skip(why)
    yield engine
    engine.remove()


@pytest.fixture(scope="module")
def kanso(podman: Podman, launch: Callable[..., Kanso]) -> Kanso:
    return launch(KANSO_LOGIN_RATE="0", ZENML_SERVER_SERVER_URL=SERVER_URL, DOCKER_HOST=podman.host,
                  ZENML_SERVER_WORKLOAD_MANAGER_IMPLEMENTATION_SOURCE="kanso.docker")


@pytest.fixture(scope="module")
def world(kanso: Kanso) -> World:
    return World(Api(kanso.url))


def begin(world: World, python: str = "3.10.12") -> dict[str, Any]:
    """A run of a new template whose image is for that Python."""
    pipeline = world.pipeline()["id"]
    build = world.build(is_local=False, contains_code=True, stack=world.remote_stack, pipeline=pipeline,
                        zenml_version="0.66.0", python_version=python)
    source = world.deployment(pipeline=pipeline, build=build["id"], stack=world.remote_stack)
    template = world.template(source_deployment_id=source["id"])
    return world.api.make(f"/run_templates/{template['id']}/runs", None)


def container(run: dict[str, Any]) -> str:
    return f"kanso-{run['body']['deployment_id']}"


def log(world: World, run: dict[str, Any]) -> str:
    return world.api.read(f"/pipeline_deployments/{run['body']['deployment_id']}/logs")


def status(world: World, run: dict[str, Any]) -> str:
    return world.api.read(f"/runs/{run['id']}")["body"]["status"]


def until_logged(world: World, run: dict[str, Any], words: str) -> str:
    wait_until(lambda: words in log(world, run), 120, f"'{words}' in a log")
    return log(world, run)


def test_a_run_starts_in_a_container_and_fails_when_that_is_killed(world: World, podman: Podman) -> None:
    run = begin(world)
    lines = until_logged(world, run, "started with")
    assert lines.splitlines() == [
        "Starting pipeline run.", "Pipeline run started successfully.",
        f"started with 6: {run['body']['deployment_id']} on {SERVER_URL}"]
    assert status(world, run) == "initializing"
    podman.run("kill", container(run))
    wait_until(lambda: status(world, run) == "failed", 90, "a failed run")
    assert "killed: exit code 137" in log(world, run)


def test_an_image_that_does_not_build_fails_the_run_with_its_output(world: World, podman: Podman) -> None:
    run = begin(world, "3.9.1")
    wait_until(lambda: status(world, run) == "failed", 90, "a failed run")
    lines = log(world, run)
    assert "could not build the image" in lines and "there is no package" in lines
    assert container(run) not in podman.containers()


def test_an_engine_that_is_down_for_a_while_delays_a_run(world: World, podman: Podman) -> None:
    podman.stop()
    run = begin(world)
    time.sleep(4)
    assert status(world, run) == "initializing" and "does not give its log" in log(world, run)
    podman.start()
    until_logged(world, run, "started with")
    assert podman.containers().count(container(run)) == 1
    podman.run("rm", "-f", "-t", "0", container(run))
    wait_until(lambda: status(world, run) == "failed", 90, "a failed run")
    assert "The workload is gone" in log(world, run)


def job_processes(kanso: Kanso) -> list[int]:
    """The children of kanso-jobs that have a job in hand."""
    mains = [pid for pid in kanso.processes() if executable_of(pid).endswith("/kanso-jobs")]
    return [child for pid in mains for child in descendants(pid) if executable_of(child).endswith("/kanso-jobs")]


@pytest.mark.race
@pytest.mark.parametrize("moment", ["while it builds", "behind the build", "behind the start"])
def test_a_worker_that_is_killed_leaves_one_container(world: World, kanso: Kanso, podman: Podman, moment: str) -> None:
    run = begin(world, "3.8.1" if moment == "while it builds" else "3.10.12")
    there = {"while it builds": lambda: bool(job_processes(kanso)), "behind the build": lambda: "Starting" in log(world, run),
             "behind the start": lambda: container(run) in podman.containers()}
    wait_until(there[moment], 60, moment)
    for pid in job_processes(kanso):
        os.kill(pid, signal.SIGKILL)
    lines = until_logged(world, run, "started with")
    until_logged(world, run, "Pipeline run started successfully.")
    assert lines.count("started with") == 1 and podman.containers().count(container(run)) == 1
    podman.run("rm", "-f", "-t", "0", container(run))
