"""How many SQL statements a request costs: as many as statements.txt says, whatever the page size.

Counted as the database server takes them down (its general log), on a Kanso with one worker process. Both directions count:
a request that costs less than it did gets a new number in statements.txt, which then holds. BUDGETS=write makes that file
anew from what is measured (when all of these tests run).
"""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any, Callable, Iterator

import pytest

from kit.api import Api, ok
from kit.factory import World
from kit.kinds import BY_NAME, KINDS
from kit.servers import Kanso

BUDGETS = Path(__file__).with_name("statements.txt")

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


def read_budgets() -> dict[str, int]:
    """Lines of a number and what costs it."""
    lines = [line.split(None, 1) for line in BUDGETS.read_text().splitlines() if line.strip() and line[0] != "#"]
    return {what: int(number) for number, what in lines}


class Costs:
    """What single requests cost, held against the table."""

    HEAD = "# SQL statements of a request: exactly so many. BUDGETS=write makes this file anew (test_statements.py).\n"

    def __init__(self, kanso: Kanso) -> None:
        assert kanso.mariadb
        self.kanso, self.mariadb = kanso, kanso.mariadb
        self.budgets = read_budgets()
        self.writing = os.environ.get("BUDGETS") == "write"
        self.measured: dict[str, int] = {}

    def statements(self, call: Callable[[], Any]) -> list[str]:
        """What the connections of this Kanso have run meanwhile."""
        self.mariadb.sql("TRUNCATE TABLE mysql.general_log")
        call()
        rows = self.mariadb.sql(
            "SELECT CONVERT(argument USING utf8mb4) FROM mysql.general_log "
            "WHERE command_type IN ('Execute', 'Query') AND thread_id IN "
            f"(SELECT id FROM information_schema.processlist WHERE db = '{self.kanso.database}')")
        return ["\t".join(row) for row in rows]

    def of(self, call: Callable[[], Any], times: int = 3) -> list[str]:
        """The fewest that the call costs, so that a now-and-then write does not count."""
        return min((self.statements(call) for _ in range(times)), key=len)

    def hold(self, what: str, call: Callable[[], Any]) -> None:
        """Compares with the table; the statements are the message."""
        self.compare(what, self.of(call))

    def compare(self, what: str, statements: list[str]) -> None:
        self.measured[what] = len(statements)
        expected = self.budgets.get(what)
        if not self.writing and len(statements) != expected:
            pytest.fail(f"{what}: {len(statements)} statements, and {BUDGETS.name} says {expected}:\n"
                        + "\n".join(f"{i:3} {text[:400]}" for i, text in enumerate(statements, 1)), pytrace=False)

    def write(self) -> None:
        lines = [f"{number:3} {what}\n" for what, number in sorted(self.measured.items())]
        BUDGETS.write_text(self.HEAD + "".join(lines))


@pytest.fixture(scope="module")
def costs(one_worker: Kanso) -> Iterator[Costs]:
    assert one_worker.mariadb
    one_worker.mariadb.sql("SET GLOBAL log_output = 'TABLE'; SET GLOBAL general_log = 1")
    made = Costs(one_worker)
    yield made
    one_worker.mariadb.sql("SET GLOBAL general_log = 0; TRUNCATE TABLE mysql.general_log; SET GLOBAL log_output = 'FILE'")
    if made.writing:
        made.write()


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
        source, action = world.event_source()["id"], world.action()["id"]
        made |= {"event_source": source, "action": action}
        for _ in range(2):
            made["trigger"] = world.trigger(event_source_id=source, action_id=action)["id"]
            one_worker.sql("INSERT INTO trigger_execution (id, created, updated, trigger_id) VALUES "
                           f"(REPLACE(UUID(), '-', ''), NOW(), NOW(), '{made['trigger'].replace('-', '')}')")
        world.code_repository()
        world.secret()
        BY_NAME["service_connector"].make(world)
        world.pipeline(tags=tags)
        world.model(tags=tags)
        made |= {"run": run["id"], "step": second["id"], "stack": stack["id"],
                 "component": component["id"], "build": build["id"], "link": link["id"],
                 "deployment": deployment["id"], "model_version": version["id"],
                 "artifact_version": outputs[1], "schedule": schedule["id"]}
    return made | {"world": world}


@pytest.mark.parametrize("hydrate", ["false", "true"], ids=["lean", "hydrated"])
@pytest.mark.parametrize("name", LISTS)
def test_lists(busy: dict[str, Any], costs: Costs, name: str, hydrate: str) -> None:
    api, path = busy["world"].api, LISTS[name].format(**busy)

    def cost(size: int) -> list[str]:
        return costs.of(lambda: api.read(path, size=size, hydrate=hydrate, sort_by="desc:created"))

    assert api.read(path)["total"] > 1 or name in ("user", "workspace", "steps of a run")
    one, hundred = cost(1), cost(100)
    assert len(one) == len(hundred), "a row:\n{}\na page:\n{}".format("\n".join(one), "\n".join(hundred))
    costs.compare(f"GET {LISTS[name]}" + ("?hydrate=true" if hydrate == "true" else ""), one)


@pytest.mark.parametrize("path", [
    "/runs/{run}", "/steps/{step}", "/model_versions/{model_version}", "/runs/{run}/graph", "/runs/{run}/status",
    "/steps/{step}/status", "/runs/{run}/pipeline-configuration", "/steps/{step}/step-configuration", "/stacks/{stack}",
    "/components/{component}", "/pipelines/{pipeline}", "/models/{model}", "/artifact_versions/{artifact_version}",
    "/event-sources/{event_source}", "/actions/{action}", "/triggers/{trigger}",
    "/pipeline_deployments/{deployment}", "/pipeline_builds/{build}", "/schedules/{schedule}", "/current-user",
    "/version", "/info", "/settings", "/workspaces/default", "/workspaces/default/statistics", "/users/default"])
def test_gets(busy: dict[str, Any], costs: Costs, path: str) -> None:
    api = busy["world"].api
    costs.hold(f"GET {path}", lambda: api.read(path.format(**busy)))


@pytest.mark.parametrize("name", [kind.name for kind in KINDS])
def test_writes(busy: dict[str, Any], costs: Costs, name: str) -> None:
    world, kind = busy["world"], BY_NAME[name]
    bodies = iter([kind.body(world) for _ in range(3)])
    made: list[dict[str, Any]] = []
    costs.hold(f"POST {kind.create}", lambda: made.append(world.api.make(kind.where(world), next(bodies))))
    update = {"model": made[0]["body"]["model"]["id"], "description": "d"} \
        if name == "model_version" else kind.update
    if update:
        path = f"{kind.path}/{made[0]['id']}"
        costs.hold(f"PUT {kind.path}/{{id}}", lambda: world.api.change(path, update))
    path = kind.path + "/{id}"
    costs.hold(f"GET {path}", lambda: world.api.read(f"{kind.path}/{made[0]['id']}"))
    doomed = iter(made)
    costs.hold(f"DELETE {path}", lambda: world.api.remove(f"{kind.path}/{next(doomed)['id']}"))


def test_writes_of_a_pipeline_run(busy: dict[str, Any], costs: Costs) -> None:
    """What a stock client does for each step, with all that it can carry."""
    world = busy["world"]
    outputs = [world.artifact_version()["id"] for _ in range(4)]
    deployments = iter([world.deployment()["id"] for _ in range(3)])
    runs: list[dict[str, Any]] = []

    def get_or_create() -> None:
        runs.append(ok(world.api.post(world.ws + "/runs/get-or-create",
                                      world.run_body(next(deployments))))[0])

    costs.hold("get or create a run", get_or_create)
    waiting = iter(runs)
    steps: list[dict[str, Any]] = []

    def create_step() -> None:
        steps.append(world.step(next(waiting), inputs={"a": outputs[0], "b": outputs[1]},
                                logs={"uri": "/l", "artifact_store_id": world.artifact_store}))

    costs.hold("create a step with two inputs and logs", create_step)
    unfinished = iter(steps)

    def finish_step() -> None:
        world.api.change("/steps/" + next(unfinished)["id"], {
            "status": "completed", "end_time": "2024-01-01T00:00:00",
            "outputs": {"one": outputs[2], "two": outputs[3]}})

    costs.hold("complete a step with two outputs", finish_step)
    notes = {f"key{index}": index for index in range(30)}
    costs.hold("create 30 metadata of a step", lambda: world.metadata("step_run", steps[0]["id"], **notes))
    tags = [world.name("tag") for _ in range(30)]
    costs.hold("add 30 tags to a run", lambda: world.api.change("/runs/" + runs[0]["id"], {"add_tags": tags}))
    version = world.model_version(busy["model"])
    costs.hold("link an artifact to a model version", lambda: world.artifact_link(version, outputs[0]))
    costs.hold("link a run to a model version", lambda: world.run_link(version, runs[0]["id"]))


@pytest.mark.parametrize("path, table, make", [
    ("/artifacts", "tag_resource", lambda world, number: world.artifact(tags=["popular", "common"])),
    ("/stacks", "stack_composition", lambda world, number: world.stack())], ids=["tags", "components"])
def test_links_are_found_by_what_shows_them(costs: Costs, path: str, table: str, make: Callable[[World, int], Any]) -> None:
    """Not by what they lead to: what hangs on everything has more links than any page shows, and the database does not know
    that until its statistics are renewed."""
    world = World(Api(costs.kanso.url))
    target = {"tag_resource": "tag", "stack_composition": "stack_component"}[table]
    for name in table, target:
        costs.kanso.sql(f"ALTER TABLE {name} STATS_AUTO_RECALC = 0, STATS_PERSISTENT = 1")
        costs.kanso.sql(f"ANALYZE TABLE {name}")
    ids = [make(world, number)["id"].replace("-", "") for number in range(40)]
    text, = {text for text in costs.statements(lambda: world.api.read(path, hydrate=True, size=40, sort_by="desc:created"))
             if f"{table} x" in text and " IN (" in text}
    before, rest = text.split(" IN (", 1)
    form = "FORMAT=TRADITIONAL" if costs.kanso.mariadb.is_mysql else ""
    plan = costs.kanso.sql(f"EXPLAIN {form} {before} IN ({', '.join(repr(id) for id in ids)}){rest.split(')', 1)[1]}")
    assert plan[0][2] == "x", plan


def test_the_table_says_nothing_else(request: pytest.FixtureRequest, costs: Costs) -> None:
    """A line of what is not measured any more would hold nothing. (Known when all tests of this file have run.)"""
    option = request.config.getoption
    if not (costs.writing or option("keyword") or option("markexpr") or option("tenth") is not None or option("lf")
            or any("::" in argument for argument in request.config.args)):
        assert set(costs.measured) == set(costs.budgets)
