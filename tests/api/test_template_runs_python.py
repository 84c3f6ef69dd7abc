"""Workload managers that are Python classes with ZenML's interface, called over the bridge."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import uuid
from pathlib import Path
from typing import Any, Callable

import pytest
from kit.api import Api
from kit.factory import World
from kit.process import REPOSITORY, wait_until
from kit.servers import Kanso

from test_template_runs import DOCKERFILE, RUNNER, run_of, start, template_of, until_failed, until_log_is

CLASS = '''
import json, os, signal, time
from pathlib import Path
from uuid import UUID

try:
    from zenml.zen_server.template_execution.workload_manager_interface import WorkloadManagerInterface
except ImportError:  # where only Kanso is installed
    class WorkloadManagerInterface:
        pass

HOME = Path({home!r})


class Manager(WorkloadManagerInterface):
    def _note(self, name, workload_id, **arguments):
        assert isinstance(workload_id, UUID)
        with (HOME / "calls").open("a") as calls:
            calls.write(json.dumps([name, str(workload_id), arguments]) + chr(10))
        print("noise that must not reach the answer")
        plan = HOME / ("plan-" + name)
        if plan.exists():
            what = plan.read_text()
            plan.unlink()
            if what == "kill":
                os.kill(os.getppid(), signal.SIGKILL)
                time.sleep(60)
            raise RuntimeError(what)

    def run(self, workload_id, image, command, arguments, environment=None, sync=True, timeout_in_seconds=0):
        self._note("run", workload_id, image=image, command=command, arguments=arguments, environment=environment,
                   sync=sync, timeout=timeout_in_seconds)

    def build_and_push_image(self, workload_id, dockerfile, image_name, sync=True, timeout_in_seconds=0):
        self._note("build", workload_id, dockerfile=dockerfile, sync=sync)
        return "python.test/" + image_name

    def delete_workload(self, workload_id):
        self._note("delete", workload_id)

    def get_logs(self, workload_id):
        self._note("logs", workload_id)
        return "what the class has kept" + chr(10)

    def log(self, workload_id, message):
        raise AssertionError("Kanso keeps these lines itself")
'''


class Classes:
    """The directory of the class, and what it has been asked."""

    def __init__(self, home: Path) -> None:
        self.home = home
        home.mkdir()
        home.chmod(0o777)
        (home / "own_manager.py").write_text(CLASS.format(home=str(home)))

    def plan(self, operation: str, what: str) -> None:
        plan = self.home / f"plan-{operation}"
        plan.write_text(what)
        plan.chmod(0o666)

    def calls(self, operation: str, workload: str) -> list[dict[str, Any]]:
        file = self.home / "calls"
        lines = [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []
        return [arguments for name, of, arguments in lines if (name, of) == (operation, workload)]


@pytest.fixture(scope="module")
def classes(workspace_directory: Path) -> Classes:
    return Classes(workspace_directory / "classes")


@pytest.fixture(scope="module")
def settings(classes: Classes) -> dict[str, str]:
    return {"KANSO_LOGIN_RATE": "0", "ZENML_SERVER_SERVER_URL": "http://kanso.test",
            "ZENML_SERVER_WORKLOAD_MANAGER_IMPLEMENTATION_SOURCE": "own_manager.Manager",
            "KANSO_WORKLOAD_PYTHONPATH": str(classes.home)}


@pytest.fixture(scope="module")
def world(launch: Callable[..., Kanso], settings: dict[str, str]) -> World:
    return World(Api(launch(**settings).url))


def test_a_class_starts_a_run(world: World, classes: Classes) -> None:
    run = start(world, template_of(world))
    deployment = run["body"]["deployment_id"]
    until_log_is(world, run, "Starting pipeline run.\nPipeline run started successfully.\nwhat the class has kept\n")
    assert classes.calls("build", deployment) == [{"dockerfile": DOCKERFILE, "sync": True}]
    [call] = classes.calls("run", deployment)
    assert call["image"].startswith("python.test/zenml-runner:")
    assert call["command"] == ["python", "-m", "zenml.entrypoints.entrypoint"]
    assert call["arguments"] == ["--entrypoint_config_source", RUNNER, "--deployment_id", deployment]
    assert (call["sync"], call["timeout"]) == (True, 30)
    assert call["environment"]["ZENML_STORE_API_TOKEN"].startswith("eyJ")


@pytest.mark.parametrize("operation", ["build", "run"])
def test_what_a_class_raises_fails_the_run(world: World, classes: Classes, operation: str) -> None:
    classes.plan(operation, "no room")
    run = start(world, template_of(world))
    assert f"{operation} failed: exit status 1: RuntimeError: no room" in until_failed(world, run)


def test_an_interrupted_start_is_not_made_again(world: World, classes: Classes) -> None:
    classes.plan("run", "kill")
    run = start(world, template_of(world))
    log = f"/pipeline_deployments/{run['body']['deployment_id']}/logs"
    wait_until(lambda: "The start was interrupted" in world.api.read(log), 60, "the next attempt")
    assert len(classes.calls("run", run["body"]["deployment_id"])) == 1
    assert run_of(world, run)["body"]["status"] == "initializing"


@pytest.mark.parametrize("wrong, said", [
    ({"ZENML_SERVER_WORKLOAD_MANAGER_IMPLEMENTATION_SOURCE": "own_manager.Other"}, "AttributeError"),
    ({"ZENML_SERVER_WORKLOAD_MANAGER_IMPLEMENTATION_SOURCE": "nowhere.Manager"}, "ModuleNotFoundError"),
    ({"ZENML_SERVER_WORKLOAD_MANAGER_IMPLEMENTATION_SOURCE": "Manager"}, "not the dotted path"),
    ({"KANSO_WORKLOAD_PYTHON": "/nowhere/python3"}, "No such file")], ids=["class", "module", "path", "python"])
def test_a_class_that_is_not_there(launch: Callable[..., Kanso], settings: dict[str, str], wrong: dict[str, str],
                                   said: str) -> None:
    kanso = launch(workers="all", **settings | wrong)
    world = World(Api(kanso.url))
    wait_until(lambda: "templates cannot be run" in (kanso.home / "log" / "jobs.log").read_text(), 60, "a warning")
    assert said in (kanso.home / "log" / "jobs.log").read_text()
    warned = subprocess.run(
        [str(kanso.build / "bin" / "kansoctl"), "check"], env=kanso.environment, capture_output=True, text=True, timeout=120)
    assert warned.returncode == 0 and "warning: templates cannot be run" in warned.stderr and said in warned.stderr
    run = start(world, template_of(world))
    wait_until(lambda: run_of(world, run)["body"]["status"] == "failed", 60, "the failure of a run")
    answer = world.api.get(f"/pipeline_deployments/{run['body']['deployment_id']}/logs")
    assert (answer.status_code, answer.json()["detail"]) == (
        500, ["RuntimeError", "Workload manager component not initialized"])
    assert kanso.sql("SELECT outcome FROM kanso_job") == [["Workload manager component not initialized"]]
    assert kanso.sql("SELECT message FROM kanso_workload_log") == [
        ["The run has failed to start: Workload manager component not initialized"]]


def ask(python: str, home: Path, request: Any, path: str = "own_manager.Manager") -> tuple[int, Any]:
    """One operation over the bridge."""
    text = request if isinstance(request, str) else json.dumps(request)
    done = subprocess.run([python, "-c", (REPOSITORY / "scripts" / "workload-bridge.py").read_text(), path], input=text,
                          capture_output=True, text=True, timeout=120, cwd=home,
                          env=os.environ | {"KANSO_WORKLOAD_PYTHONPATH": str(home), "ZENML_ANALYTICS_OPT_IN": "false",
                                            "ZENML_CONFIG_PATH": str(home / "config")})
    return done.returncode, json.loads(done.stdout)


def test_the_bridge_speaks_the_protocol(classes: Classes) -> None:
    workload = str(uuid.uuid4())
    assert ask(sys.executable, classes.home, {"operation": "check"}) == (0, {})
    assert ask(sys.executable, classes.home, {"operation": "delete", "workload_id": workload}) == (0, {})
    assert len(classes.calls("delete", workload)) == 1
    for request in ("garbage", {"operation": "other", "workload_id": workload}, {"operation": "run"}, {}):
        status, answer = ask(sys.executable, classes.home, request)
        assert status == 1 and re.match(r"\w+: ", answer["error"])


def test_the_interface_of_the_stock_package(classes: Classes) -> None:
    python = Path(os.environ.get("KANSO_ZENML_VENV", REPOSITORY / "build" / "zenml-venv")) / "bin" / "python"
    if not python.exists():
        pytest.skip("no zenml 0.66.0 here")
    workload = str(uuid.uuid4())
    assert ask(str(python), classes.home, {"operation": "logs", "workload_id": workload}) == (
        0, {"logs": "what the class has kept\n"})
    status, answer = ask(str(python), classes.home, {"operation": "check"},
                         "zenml.zen_server.template_execution.workload_manager_interface.WorkloadManagerInterface")
    assert status == 1 and "abstract" in answer["error"]
