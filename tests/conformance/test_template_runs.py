"""A template that really runs, through kanso.command: a stock client registers its pipeline on a stack of remote flavors and starts
its template, and this test, as the machine that the operator's program hands workloads to, executes ZenML's own entrypoint with the
command, arguments and environment that come with them. (tests/conformance/elsewhere says what takes the place of the cluster.)
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any, Callable

import pytest

from kit.api import Api
from kit.process import REPOSITORY, free_port, wait_until
from kit.servers import Kanso, base_environment
from kit.workloads import Workloads

ELSEWHERE = Path(__file__).resolve().parent / "elsewhere"


class Machine:
    """Where the stock package is installed, and the client's files."""

    def __init__(self, directory: Path) -> None:
        self.python = Path(os.environ.get("KANSO_ZENML_VENV", REPOSITORY / "build" / "zenml-venv")) / "bin" / "python"
        self.directory = directory
        self.work = directory / "work"
        shutil.copytree(ELSEWHERE, self.work)
        self.environment = base_environment() | {
            "PYTHONPATH": str(self.work), "ELSEWHERE_FILES": str(directory / "files"), "ZENML_ANALYTICS_OPT_IN": "false",
            "AUTO_OPEN_DASHBOARD": "false", "NO_COLOR": "1"}

    def client(self, *arguments: str) -> Any:
        out = self.directory / "out.json"
        done = subprocess.run([str(self.python), "scenario.py", *arguments, str(out)], cwd=self.work, timeout=300, text=True,
                              capture_output=True, env=self.environment | {"ZENML_CONFIG_PATH": str(self.directory / "config")})
        assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
        return json.loads(out.read_text())

    def execute(self, call: dict[str, Any]) -> subprocess.CompletedProcess:
        """A workload, as its container would."""
        assert call["command"][0] == "python"
        return subprocess.run([str(self.python), *call["command"][1:], *call["arguments"]], cwd=self.work, timeout=300, text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False,
                              env=self.environment | call["environment"] | {
                                  "ZENML_CONFIG_PATH": str(self.directory / f"config-{call['workload_id']}")})


@pytest.fixture(scope="module")
def machine(workspace_directory: Path) -> Machine:
    made = Machine(workspace_directory / "machine")
    if not made.python.exists():
        pytest.skip("no zenml 0.66.0 here")
    return made


@pytest.fixture(scope="module")
def workloads(workspace_directory: Path) -> Workloads:
    return Workloads(workspace_directory / "conformance-workloads")


@pytest.fixture(scope="module")
def kanso(launch: Callable[..., Kanso], workloads: Workloads) -> Kanso:
    port = free_port()
    return launch(port=port, KANSO_LOGIN_RATE="0", ZENML_SERVER_SERVER_URL=f"http://127.0.0.1:{port}",
                  ZENML_SERVER_WORKLOAD_MANAGER_IMPLEMENTATION_SOURCE="kanso.command",
                  KANSO_WORKLOAD_COMMAND=str(workloads.program))


def test_a_template_runs(kanso: Kanso, machine: Machine, workloads: Workloads) -> None:
    first = machine.client("register", kanso.url)
    assert machine.client("result", first["run"])["text"] == "it is 2"
    begun = machine.client("trigger", first["template"])
    assert begun["status"] == "initializing"
    wait_until(lambda: bool(workloads.calls("run", begun["deployment"])), 60, "the workload")
    [build], [call] = workloads.calls("build", begun["deployment"]), workloads.calls("run", begun["deployment"])
    assert build["dockerfile"].startswith(f"FROM zenmldocker/zenml:0.66.0-py{sys.version_info[0]}.")
    done = machine.execute(call)
    assert done.returncode == 0, done.stdout[-4000:]
    workloads.set_state(begun["deployment"], "succeeded")
    assert machine.client("result", begun["run"]) == {
        "name": "from-a-template", "status": "completed", "user": "default", "template": first["template"],
        "steps": {"double": "completed", "tell": "completed"}, "text": "it is 42"}
    api = Api(kanso.url)
    assert "started successfully" in api.read(f"/pipeline_deployments/{begun['deployment']}/logs")


def test_a_template_whose_workload_fails(kanso: Kanso, machine: Machine, workloads: Workloads) -> None:
    """The stack is gone when the workload comes to it: the entrypoint fails, and with it the run."""
    api = Api(kanso.url)
    template = api.read("/run_templates", hydrate=True)["items"][0]
    run = api.make(f"/run_templates/{template['id']}/runs", {"steps": {"double": {"parameters": {"number": 1}}}})
    deployment = run["body"]["deployment_id"]
    wait_until(lambda: bool(workloads.calls("run", deployment)), 60, "the workload")
    [call] = workloads.calls("run", deployment)
    call["environment"]["ZENML_ACTIVE_STACK_ID"] = str(api.ids("/stacks", name="default")[0])
    assert machine.execute(call).returncode != 0
    workloads.set_state(deployment, "failed")
    wait_until(lambda: api.read(f"/runs/{run['id']}")["body"]["status"] == "failed", 60, "the end of the run")
    assert "The workload has failed" in api.read(f"/pipeline_deployments/{deployment}/logs")
