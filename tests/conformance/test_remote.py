"""Templates that really run: a stock client registers a pipeline on a remote stack, its template is run through kanso.docker
and kanso.kubernetes, the container runs ZenML's own entrypoint, and the run completes."""

from __future__ import annotations

import platform
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any, Callable, Iterator

import pytest

from kit.api import Api, ok
from kit.emulators import moto
from kit.events import bitbucket_push, deliver, github_push
from kit.factory import World
from kit.process import free_port, wait_until
from kit.remote import RemoteStack, missing
from kit.servers import Kanso

IMAGE = "docker.io/zenmldocker/zenml:{version}-py{python}"
PYTHON = ".".join(platform.python_version_tuple()[:2])
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def stack(workspace_directory: Path) -> Iterator[RemoteStack]:
    if why := missing():
        pytest.skip(why)
    s3 = moto(workspace_directory / "s3.log")
    made = RemoteStack(workspace_directory / "remote", next(s3))
    if why := made.podman.refuses(IMAGE.format(version="0.66.0", python=PYTHON)):
        made.stop()
        pytest.skip(why)
    yield made
    s3.close()
    assert not made.cluster.violations
    made.stop()


@pytest.fixture(scope="module")
def kanso(stack: RemoteStack, launch: Callable[..., Kanso]) -> Iterator[Kanso]:
    port = free_port()
    instance = launch(port=port, ZENML_SERVER_SERVER_URL=f"http://127.0.0.1:{port}", DOCKER_HOST=stack.podman.host,
                      KANSO_WORKLOAD_NETWORK="host", ZENML_SERVER_WORKLOAD_MANAGER_IMPLEMENTATION_SOURCE="kanso.docker", KANSO_LOGIN_RATE="0")
    yield instance
    instance.stop()


@pytest.fixture(scope="module")
def template(stack: RemoteStack, kanso: Kanso) -> str:
    first = stack.client("register", kanso.url)
    assert first["status"] == "completed", stack.pods()
    return first["template"]


def until_ended(api: Api, run: str) -> None:
    wait_until(lambda: api.read(f"/runs/{run}")["body"]["status"] in ("completed", "failed"), 400, "the end of a run")


def completed(number: int, template: str, user: str = "default") -> dict[str, Any]:
    return {"status": "completed", "steps": {"first": "completed", "second": "completed"}, "value": f"twice is {2 * number}",
            "user": user, "template": template}


def test_a_template_runs_through_kanso_docker(stack: RemoteStack, kanso: Kanso, template: str) -> None:
    begun = stack.client("trigger", kanso.url, template, "21")
    api, log = Api(kanso.url), f"/pipeline_deployments/{begun['deployment']}/logs"
    until_ended(api, begun["run"])
    assert stack.client("result", kanso.url, begun["run"]) == completed(21, template), api.read(log) + stack.pods()
    assert f"kanso-{begun['deployment']}" in stack.podman.containers()
    assert "Starting pipeline run.\nPipeline run started successfully.\n" in api.read(log)
    assert "Orchestration started asynchronously in pod" in api.read(log)


def test_a_template_runs_through_kanso_kubernetes(stack: RemoteStack, kanso: Kanso, template: str,
                                                  launch: Callable[..., Kanso]) -> None:
    """Another host on the same database."""
    port = free_port()
    other = launch(port=port, database=kanso.database, ZENML_SERVER_SERVER_URL=f"http://127.0.0.1:{port}", KANSO_LOGIN_RATE="0",
                   ZENML_SERVER_WORKLOAD_MANAGER_IMPLEMENTATION_SOURCE="kanso.kubernetes",
                   KUBECONFIG=str(stack.cluster.kubeconfig()), KANSO_WORKLOAD_IMAGE=IMAGE, KANSO_WORKLOAD_SERVICE_ACCOUNT="runner")
    kanso.stop()
    begun = stack.client("trigger", other.url, template, "4")
    api, log = Api(other.url), f"/pipeline_deployments/{begun['deployment']}/logs"
    until_ended(api, begun["run"])
    assert stack.client("result", other.url, begun["run"]) == completed(4, template), api.read(log) + stack.pods()
    job = stack.cluster.things["pipelines", "jobs", f"kanso-{begun['deployment']}"]
    assert job["status"]["conditions"][0]["type"] == "Complete"
    assert "ZENML_STORE_API_TOKEN" not in str(job)
    assert "Orchestration started asynchronously in pod" in api.read(log)
    other.stop()
    kanso.start()


# What starts runs by itself: under a service account --------------------------------------------------------------------------

def once_run(world: World, stack: RemoteStack, kanso: Kanso, trigger: str) -> dict[str, Any]:
    """The run that a trigger has led to, at its end, as the stock client sees it."""
    runs: list[str] = []

    def found() -> bool:
        rows = kanso.sql("SELECT outcome FROM kanso_job WHERE kind = 'action' AND state = 'done' AND "
                         f"subject = '{trigger.replace('-', '')}'")
        runs[:] = [row[0].removeprefix("run ") for row in rows]
        return bool(runs)

    wait_until(found, 120, "the run of a trigger")
    assert len(runs) == 1
    until_ended(world.api, runs[0])
    return stack.client("result", kanso.url, runs[0])


@pytest.fixture(scope="module")
def world(kanso: Kanso) -> World:
    return World(Api(kanso.url))


@pytest.mark.parametrize("cause, number", [("github", 50), ("bitbucket", 51), ("schedule", 52)])
def test_what_happens_elsewhere_runs_a_template(stack: RemoteStack, kanso: Kanso, template: str, world: World, cause: str,
                                                number: int) -> None:
    """With a number of its own each: the steps of a run with the same one would be taken from the cache."""
    name = world.name("robot")
    action = world.action(
        service_account_id=world.service_account(name=name)["id"],
        configuration={"template_id": template, "run_config": {"steps": {"first": {"parameters": {"number": number}},
                                                                         "second": {"parameters": {}}}}})["id"]
    if cause == "schedule":
        soon = (datetime.now(timezone.utc) + timedelta(seconds=3)).strftime("%Y-%m-%dT%H:%M:%S")
        trigger = world.trigger(action_id=action, schedule={"run_once_start_time": soon})["id"]
    else:
        source = world.event_source(flavor=cause)
        filters = {"repo": "owner/repo" if cause == "github" else "team/repo", "branch": "main"}
        trigger = world.trigger(action_id=action, event_source_id=source["id"], event_filter=filters)["id"]
        ok(deliver(kanso.url, source, github_push() if cause == "github" else bitbucket_push()))
    assert once_run(world, stack, kanso, trigger) == completed(number, template, name)
