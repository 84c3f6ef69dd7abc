"""Runs from templates: what is checked, what a new deployment is made of, how a workload is started and looked after."""

from __future__ import annotations

import base64
import hashlib
import json
import uuid
from pathlib import Path
from typing import Any, Callable, Iterator

import pytest
from kit.api import NOBODY, Api
from kit.factory import World, step_spec
from kit.process import wait_until
from kit.servers import Kanso
from kit.workloads import Workloads

SERVER_URL = "http://kanso.test:8080"
RUNNER = "zenml.zen_server.template_execution.runner_entrypoint_configuration.RunnerEntrypointConfiguration"
DOCKERFILE = ("FROM zenmldocker/zenml:0.66.0-py3.10\nRUN pip install --default-timeout=60 --no-cache-dir "
              "'aws-profile-manager' 'boto3' 'kubernetes>=21.7,<26' 's3fs>2022.3.0'")


@pytest.fixture(scope="module")
def workloads(workspace_directory: Path) -> Workloads:
    return Workloads(workspace_directory / "workloads")


@pytest.fixture(scope="module")
def kanso(launch: Callable[..., Kanso], workloads: Workloads) -> Kanso:
    return launch(KANSO_LOGIN_RATE="0", ZENML_SERVER_SERVER_URL=SERVER_URL, KANSO_WORKLOAD_TIMEOUT="3",
                  ZENML_SERVER_WORKLOAD_MANAGER_IMPLEMENTATION_SOURCE="kanso.command",
                  KANSO_WORKLOAD_COMMAND=str(workloads.program))


@pytest.fixture(scope="module")
def world(kanso: Kanso) -> World:
    return World(Api(kanso.url))


@pytest.fixture(autouse=True)
def plain_plan(request: pytest.FixtureRequest) -> Iterator[None]:
    yield
    if "workloads" in request.fixturenames:
        request.getfixturevalue("workloads").plan()


def template_of(world: World, steps: dict[str, Any] | None = None, build: dict[str, Any] | None = None,
                **changes: Any) -> dict[str, Any]:
    """A template whose build says its versions."""
    pipeline = world.pipeline()["id"]
    made = world.build(**{"is_local": False, "contains_code": True, "stack": world.remote_stack, "pipeline": pipeline,
                          "zenml_version": "0.66.0", "python_version": "3.10.12"} | (build or {}))
    source = world.deployment(steps, **{"pipeline": pipeline, "build": made["id"], "stack": world.remote_stack} | changes)
    return world.template(source_deployment_id=source["id"])


def start(world: World, template: dict[str, Any] | str, config: dict[str, Any] | None = None) -> dict[str, Any]:
    path = f"/run_templates/{template if isinstance(template, str) else template['id']}/runs"
    return world.api.make(path, config)


def refused(world: World, template: dict[str, Any] | str, config: dict[str, Any] | None = None) -> tuple[int, Any]:
    path = f"/run_templates/{template if isinstance(template, str) else template['id']}/runs"
    answer = world.api.post(path, config)
    return answer.status_code, answer.json()["detail"]


def run_of(world: World, run: dict[str, Any]) -> dict[str, Any]:
    return world.api.read(f"/runs/{run['id']}")


def until_failed(world: World, run: dict[str, Any]) -> str:
    """The log of a run that fails to start."""
    wait_until(lambda: run_of(world, run)["body"]["status"] == "failed", 60, "the failure of a run")
    return world.api.read(f"/pipeline_deployments/{run['body']['deployment_id']}/logs")


def until_started(world: World, run: dict[str, Any]) -> str:
    log = f"/pipeline_deployments/{run['body']['deployment_id']}/logs"
    wait_until(lambda: "started successfully" in world.api.read(log), 60, "the start of a run")
    return world.api.read(log)


def test_a_run_is_started(world: World, workloads: Workloads) -> None:
    template = template_of(world)
    run = start(world, template)
    deployment = run["body"]["deployment_id"]
    assert run["body"]["status"] == "initializing"
    assert run["body"]["user"]["id"] == world.user
    assert run["metadata"]["orchestrator_run_id"] is None
    assert run["metadata"]["start_time"] and not run["metadata"]["end_time"]
    assert run["metadata"]["template_id"] == template["id"]
    assert until_started(world, run) == ("Starting pipeline run.\nPipeline run started successfully.\n"
                                         "a line of the workload\n")
    [build] = workloads.calls("build", deployment)
    digest = hashlib.md5(DOCKERFILE.encode()).hexdigest()
    assert build["dockerfile"] == DOCKERFILE and digest == "ce468ffe661b31440b5bc70bb00a1d6a"
    assert build["image_name"] == f"zenml-runner:{digest}"
    [call] = workloads.calls("run", deployment)
    token = call["environment"].pop("ZENML_STORE_API_TOKEN")
    assert call == {
        "operation": "run", "workload_id": deployment, "image": f"registry.test/zenml-runner:{digest}",
        "command": ["python", "-m", "zenml.entrypoints.entrypoint"],
        "arguments": ["--entrypoint_config_source", RUNNER, "--deployment_id", deployment],
        "environment": {"ZENML_ACTIVE_WORKSPACE_ID": world.workspace, "ZENML_ACTIVE_STACK_ID": world.remote_stack,
                        "ZENML_VERSION": "0.66.0", "ZENML_STORE_URL": SERVER_URL, "ZENML_STORE_TYPE": "rest",
                        "ZENML_STORE_VERIFY_SSL": "True"},
        "timeout_in_seconds": 86400}
    claims = json.loads(base64.urlsafe_b64decode(token.split(".")[1] + "=="))
    assert claims["sub"] == world.user and claims["pipeline_id"] == run["body"]["pipeline"]["id"]
    assert "exp" not in claims
