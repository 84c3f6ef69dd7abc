"""How many SQL statements a request costs: few, and the same number whatever the page size.

Counted as the database server counts them (its status variable Questions), on a Kanso with one
worker process and nobody else at work.
"""

from __future__ import annotations

import time
from typing import Any, Callable

import pytest

from kit.api import Api, ok
from kit.factory import World
from kit.kinds import BY_NAME, KINDS
from kit.servers import Kanso

PLAIN, RICH, WRITE = 10, 20, 25

LISTS = {kind.name: kind.path for kind in KINDS} | {
    "step": "/steps", "run_metadata": "/run-metadata", "user": "/users",
    "workspace": "/workspaces", "artifact_link": "/model_version_artifacts",
    "run_link": "/model_version_pipeline_runs", "workspace stacks": "/workspaces/default/stacks",
    "workspace components": "/workspaces/default/components",
    "workspace pipelines": "/workspaces/default/pipelines",
    "workspace runs": "/workspaces/default/runs",
    "workspace builds": "/workspaces/default/pipeline_builds",
    "workspace deployments": "/workspaces/default/pipeline_deployments",
    "workspace code repositories": "/workspaces/default/code_repositories",
    "runs of a pipeline": "/pipelines/{pipeline}/runs", "steps of a run": "/runs/{run}/steps",
    "versions of a model": "/models/{model}/model_versions",
    "device": "/devices", "service_account": "/service_accounts",
    "api_key": "/service_accounts/{account}/api_keys"}
RICH_LISTS = {"run", "step", "model_version", "workspace runs", "runs of a pipeline",
              "steps of a run", "versions of a model", "run_link", "artifact_link", "service"}


class Counter:
    """Counts what single requests cost."""

    def __init__(self, kanso: Kanso) -> None:
        assert kanso.mariadb
        self.questions = lambda: kanso.mariadb.counter("Questions")
        first = self.questions()
        self.own = self.questions() - first

    def of(self, call: Callable[[], Any], times: int = 3) -> int:
        """The least that the call costs, so that a now-and-then write does not count."""
        counts = []
        for _ in range(times):
            before = self.questions()
            call()
            counts.append(self.questions() - before - self.own)
        return min(counts)


@pytest.fixture(scope="module")
def busy(one_worker: Kanso) -> dict[str, Any]:
    """A world in which every list has several rows with everything that they can carry."""
    time.sleep(1.1)  # the rows of the first start come first
    world = World(Api(one_worker.url))
    tags = [world.name("tag") for _ in range(2)]
    pipeline, model = world.pipeline(tags=tags), world.model(tags=tags)
    repository = world.code_repository()["id"]
    made: dict[str, Any] = {"pipeline": pipeline["id"], "model": model["id"]}
    made["account"] = world.service_account()["id"]
    for _ in range(4):
        world.template(), world.device(), world.service_account(), world.api_key(made["account"])
        world.flavor()
        component = world.component()
        stack = world.stack(components={"orchestrator": [component["id"]],
                                        "artifact_store": [world.artifact_store]})
        build = world.build(stack=stack["id"], pipeline=pipeline["id"])
        schedule = world.schedule(pipeline_id=pipeline["id"])
        deployment = world.deployment(
            stack=stack["id"], pipeline=pipeline["id"], build=build["id"],
            schedule=schedule["id"], code_reference={
                "commit": world.name("c"), "subdirectory": "", "code_repository": repository})
        version = world.model_version(model["id"], tags=tags)
        run = world.run(deployment=deployment["id"], pipeline=pipeline["id"], tags=tags,
                        model_version_id=version["id"])
        outputs = [world.artifact_version(
            world.artifact(tags=tags)["id"], tags=tags, artifact_store_id=world.artifact_store,
            visualizations=[{"type": "html", "uri": "/v"}])["id"] for _ in range(2)]
        logs = {"uri": "/log", "artifact_store_id": world.artifact_store}
        first = world.step(run, "load", outputs={"output": outputs[0]}, status="completed",
                           logs=logs, model_version_id=version["id"])
        second = world.step(run, "train", inputs={"data": outputs[0]}, logs=logs,
                            outputs={"output": outputs[1]}, parent_step_ids=[first["id"]],
                            model_version_id=version["id"])
        for kind, resource in (("pipeline_run", run), ("step_run", second),
                               ("model_version", version)):
            world.metadata(kind, resource["id"], a=1, b="x")
        for output in outputs:
            world.metadata("artifact_version", output, a=1)
            link = world.artifact_link(version, output)
        world.run_link(version, run["id"])
        world.service(model_version_id=version["id"], pipeline_run_id=run["id"])
        world.code_repository()
        world.secret()
        BY_NAME["service_connector"].make(world)
        world.pipeline(tags=tags)
        world.model(tags=tags)
        made |= {"run": run["id"], "step": second["id"], "stack": stack["id"],
                 "component": component["id"], "build": build["id"], "link": link["id"],
                 "deployment": deployment["id"], "model_version": version["id"],
                 "artifact_version": outputs[1], "schedule": schedule["id"]}
    return made | {"world": world, "count": Counter(one_worker)}


@pytest.mark.parametrize("hydrate", ["false", "true"], ids=["lean", "hydrated"])
@pytest.mark.parametrize("name", LISTS)
def test_lists(busy: dict[str, Any], name: str, hydrate: str) -> None:
    api, path = busy["world"].api, LISTS[name].format(**busy)

    def cost(size: int) -> int:
        return busy["count"].of(lambda: api.read(path, size=size, hydrate=hydrate,
                                                 sort_by="desc:created"))

    assert api.read(path)["total"] > 1 or name in ("user", "workspace", "steps of a run")
    one, hundred = cost(1), cost(100)
    assert one == hundred, f"{one} statements for a row, {hundred} for a page"
    assert one <= (RICH if name in RICH_LISTS else PLAIN)


@pytest.mark.parametrize("path,budget", [
    ("/runs/{run}", RICH), ("/steps/{step}", RICH), ("/model_versions/{model_version}", RICH),
    ("/runs/{run}/graph", RICH), ("/runs/{run}/status", PLAIN), ("/steps/{step}/status", PLAIN),
    ("/runs/{run}/pipeline-configuration", PLAIN), ("/steps/{step}/step-configuration", PLAIN),
    ("/stacks/{stack}", PLAIN), ("/components/{component}", PLAIN), ("/pipelines/{pipeline}",
                                                                      PLAIN),
    ("/models/{model}", PLAIN), ("/artifact_versions/{artifact_version}", PLAIN),
    ("/pipeline_deployments/{deployment}", PLAIN), ("/pipeline_builds/{build}", PLAIN),
    ("/schedules/{schedule}", PLAIN), ("/current-user", 2), ("/version", 0), ("/info", PLAIN),
    ("/settings", PLAIN), ("/workspaces/default", PLAIN), ("/workspaces/default/statistics",
                                                           PLAIN), ("/users/default", PLAIN)])
def test_gets(busy: dict[str, Any], path: str, budget: int) -> None:
    api = busy["world"].api
    assert busy["count"].of(lambda: api.read(path.format(**busy))) <= budget


@pytest.mark.parametrize("name", [kind.name for kind in KINDS])
def test_writes(busy: dict[str, Any], name: str) -> None:
    world, count, kind = busy["world"], busy["count"], BY_NAME[name]
    bodies = iter([kind.body(world) for _ in range(3)])
    made: list[dict[str, Any]] = []
    assert count.of(lambda: made.append(world.api.make(kind.where(world), next(bodies)))) <= WRITE
    update = {"model": made[0]["body"]["model"]["id"], "description": "d"} \
        if name == "model_version" else kind.update
    if update:
        path = f"{kind.path}/{made[0]['id']}"
        assert count.of(lambda: world.api.change(path, update)) <= WRITE
    doomed = iter(made)
    assert count.of(lambda: world.api.remove(f"{kind.path}/{next(doomed)['id']}")) <= WRITE


def test_writes_of_a_pipeline_run(busy: dict[str, Any]) -> None:
    """What a stock client does for each step, with all that it can carry."""
    world, count = busy["world"], busy["count"]
    outputs = [world.artifact_version()["id"] for _ in range(4)]
    deployments = iter([world.deployment()["id"] for _ in range(3)])
    runs: list[dict[str, Any]] = []

    def get_or_create() -> None:
        runs.append(ok(world.api.post(world.ws + "/runs/get-or-create",
                                      world.run_body(next(deployments))))[0])

    assert count.of(get_or_create) <= WRITE
    waiting = iter(runs)
    steps: list[dict[str, Any]] = []

    def create_step() -> None:
        steps.append(world.step(next(waiting), inputs={"a": outputs[0], "b": outputs[1]},
                                logs={"uri": "/l", "artifact_store_id": world.artifact_store}))

    assert count.of(create_step) <= WRITE
    unfinished = iter(steps)

    def finish_step() -> None:
        world.api.change("/steps/" + next(unfinished)["id"], {
            "status": "completed", "end_time": "2024-01-01T00:00:00",
            "outputs": {"one": outputs[2], "two": outputs[3]}})

    assert count.of(finish_step) <= WRITE
    notes = {f"key{index}": index for index in range(30)}
    assert count.of(lambda: world.metadata("step_run", steps[0]["id"], **notes)) <= WRITE
    tags = [world.name("tag") for _ in range(30)]
    assert count.of(lambda: world.api.change(
        "/runs/" + runs[0]["id"], {"add_tags": tags})) <= WRITE
    version = world.model_version(busy["model"])
    assert count.of(lambda: world.artifact_link(version, outputs[0])) <= WRITE
    assert count.of(lambda: world.run_link(version, runs[0]["id"])) <= WRITE
