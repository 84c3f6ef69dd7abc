"""Deleting what hundreds of rows hang on: in several transactions, so that others go on meanwhile, and that an end at any time
leaves an object with less of it, which the next DELETE finishes."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import Any, Callable, Iterator

import pytest
import requests

from kit.api import Api
from kit.factory import World
from kit.process import kill_hard, wait_until
from kit.servers import Kanso

MANY = 450


@pytest.fixture(scope="module")
def kanso(server_url: str | None, request: pytest.FixtureRequest) -> Iterator[Kanso]:
    """Two processes, so that one can be busy."""
    if server_url:
        pytest.skip("needs a Kanso of its own")
    instance = request.getfixturevalue("launch")(workers="probes,rest:2", KANSO_JOBS="0")
    yield instance
    instance.stop()


@pytest.fixture(scope="module")
def world(kanso: Kanso) -> World:
    return World(Api(kanso.url))


def multiply(kanso: Kanso, table: str, row: str, **different: str) -> None:
    """So many copies of a row, whose columns differ by these expressions of `n.i`; each with an id of its own."""
    assert kanso.mariadb
    columns = [found[0] for found in kanso.sql(
        f"SELECT column_name FROM information_schema.columns WHERE table_schema = '{kanso.database}' "
        f"AND table_name = '{table}' AND column_name <> 'kanso_order'")]
    values = {"id": "LEFT(SHA2(CONCAT(o.id, n.i), 256), 32)"} | different
    kanso.sql(f"INSERT INTO {table} ({', '.join(f'`{name}`' for name in columns)}) "
              f"WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {MANY}) "
              f"SELECT {', '.join(values.get(name, f'o.`{name}`') for name in columns)} FROM {table} o JOIN n "
              f"WHERE o.id = '{hex_of(row)}'")


def hex_of(number: str) -> str:
    return number.replace("-", "")


def count(kanso: Kanso, what: str) -> int:
    return int(kanso.sql(f"SELECT COUNT(*) FROM {what}")[0][0])


def attach(kanso: Kanso, kind: str, table: str, column: str, parent: str) -> None:
    """A tag (steps have none) and metadata to each of the rows that hang on something."""
    which = f"FROM {table} x WHERE x.{column} = '{hex_of(parent)}'"
    if kind != "step_run":
        kanso.sql(f"INSERT INTO tag_resource (id, created, updated, tag_id, resource_id, resource_type) SELECT LEFT(SHA2(CONCAT(x.id, 't'), 256), 32), "
                  f"NOW(), NOW(), (SELECT MIN(id) FROM tag), x.id, '{kind}' {which}")
    kanso.sql("INSERT INTO run_metadata (id, created, updated, user_id, workspace_id, resource_id, resource_type, `key`, value, type) "
              f"SELECT LEFT(SHA2(CONCAT(x.id, 'm'), 256), 32), NOW(), NOW(), NULL, (SELECT MIN(id) FROM workspace), x.id, '{kind}', 'k', '1', 'int' {which}")


def lost(kanso: Kanso) -> int:
    """Tags and metadata of what is not there any more."""
    return sum(count(kanso, f"{held} x WHERE x.resource_type = '{table}' AND NOT EXISTS "
                            f"(SELECT 1 FROM {table} o WHERE o.id = x.resource_id)")
               for held in ("tag_resource", "run_metadata")
               for table in ("model_version", "artifact_version", "pipeline_run", "step_run", "pipeline", "model"))


@dataclass(frozen=True)
class Case:
    path: str
    make: Callable[[World], tuple[str, str]]  # the object, and the row that is to be copied
    table: str
    column: str
    different: dict[str, str]
    goes: bool = True  # with the object; or it only forgets that


def make_model(world: World) -> tuple[str, str]:
    model = world.model()["id"]
    return model, world.model_version(model)["id"]


def make_artifact(world: World) -> tuple[str, str]:
    artifact = world.artifact()["id"]
    return artifact, world.artifact_version(artifact)["id"]


def make_run(world: World) -> tuple[str, str]:
    run = world.run()
    return run["id"], world.step(run)["id"]


def make_pipeline(world: World) -> tuple[str, str]:
    pipeline = world.pipeline()["id"]
    return pipeline, world.run(deployment=world.deployment(pipeline=pipeline)["id"], pipeline=pipeline)["id"]


def make_deployment(world: World) -> tuple[str, str]:
    deployment = world.deployment()["id"]
    run = world.run(deployment=deployment)
    world.step(run)
    return deployment, run["id"]


def make_version(world: World) -> tuple[str, str]:
    version = world.model_version(world.model()["id"])
    return version["id"], world.run(model_version_id=version["id"])["id"]


def make_workspace(world: World) -> tuple[str, str]:
    """Of another name, with a run that has a step, a model version and tags."""
    other = World(world.api)
    other.workspace = world.api.make("/workspaces", {"name": world.name("workspace")})["id"]
    other.ws = f"/workspaces/{other.workspace}"
    tag = other.tag()["name"]
    run = other.run(tags=[tag])
    other.step(run)
    other.pipeline(tags=[tag])
    other.model_version(other.model(tags=[tag])["id"], tags=[tag])
    other.artifact_version(tags=[tag])
    return other.workspace, run["id"]


NEW_NAME, NEW_NUMBER = {"name": "CONCAT(o.name, n.i)"}, {"number": "o.number + n.i"}
NEW_RUN = NEW_NAME | {"orchestrator_run_id": "CONCAT(o.id, n.i)"}
CASES = [
    Case("/models", make_model, "model_version", "model_id", NEW_NAME | NEW_NUMBER),
    Case("/artifacts", make_artifact, "artifact_version", "artifact_id", {"version": "CONCAT('copy', n.i)"}),
    Case("/runs", make_run, "step_run", "pipeline_run_id", NEW_NAME),
    Case("/pipeline_deployments", make_deployment, "pipeline_run", "deployment_id", NEW_RUN),
    Case("/pipelines", make_pipeline, "pipeline_run", "pipeline_id", NEW_RUN, goes=False),
    Case("/model_versions", make_version, "pipeline_run", "model_version_id", NEW_RUN, goes=False),
    Case("/workspaces", make_workspace, "pipeline_run", "workspace_id", NEW_RUN)]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.path.strip("/"))
def test_much_goes_in_steps(kanso: Kanso, world: World, case: Case) -> None:
    world.tag()
    parent, row = case.make(world)
    multiply(kanso, case.table, row, **case.different)
    attach(kanso, case.table, case.table, case.column, parent)
    hanging, all_rows = f"{case.table} WHERE {case.column} = '{hex_of(parent)}'", count(kanso, case.table)
    assert count(kanso, hanging) == MANY + 1
    before = int(kanso.sql("SELECT COALESCE(SUM(times), 0) FROM kanso_deletion")[0][0])
    world.api.remove(f"{case.path}/{parent}")
    assert world.api.get(f"{case.path}/{parent}").status_code == 404
    assert count(kanso, hanging) == 0 and count(kanso, case.table) == all_rows - (MANY + 1 if case.goes else 0)
    assert lost(kanso) == 0
    assert int(kanso.sql("SELECT SUM(times) FROM kanso_deletion")[0][0]) > before + 1, "one transaction did all of it"


def test_the_default_workspace_keeps_all(kanso: Kanso, world: World) -> None:
    run = world.run(tags=[world.tag()["name"]])
    multiply(kanso, "pipeline_run", run["id"], **NEW_RUN)
    counted = "pipeline_run", "step_run", "tag_resource", "pipeline", "workspace"
    before = [count(kanso, table) for table in counted]
    for name in (world.workspace, "default"):
        assert world.api.call("DELETE", f"/workspaces/{name}").status_code == 403
    assert [count(kanso, table) for table in counted] == before


def test_a_tag_with_many_links(kanso: Kanso, world: World) -> None:
    tag = world.tag()
    run = world.run(tags=[tag["name"]])
    link = kanso.sql(f"SELECT id FROM tag_resource WHERE tag_id = '{hex_of(tag['id'])}'")[0][0]
    multiply(kanso, "tag_resource", link, resource_id="LEFT(SHA2(n.i, 256), 32)", resource_type="'artifact'")
    assert world.api.read("/tags/" + tag["id"])["body"]["tagged_count"] == MANY + 1
    world.api.remove("/tags/" + tag["name"])
    assert count(kanso, f"tag_resource WHERE tag_id = '{hex_of(tag['id'])}'") == 0
    assert tag["name"] not in str(world.api.read("/runs/" + run["id"]))


@pytest.mark.race
def test_killed_on_the_way(kanso: Kanso, world: World) -> None:
    """It waits for the lock of a row that comes last: others go on, also with the same model. What a kill leaves is a model with
    fewer versions, and nothing of those that are gone."""
    assert kanso.mariadb
    world.tag()
    model, version = make_model(world)
    for each in (version, make_model(world)[1]):  # where most rows of a table are looked for, databases walk along all of them
        multiply(kanso, "model_version", each, **NEW_NAME, **NEW_NUMBER)
    last = "f" * 32
    kanso.sql(f"UPDATE model_version SET id = '{last}' WHERE model_id = '{hex_of(model)}' AND number = {MANY + 1}")
    attach(kanso, "model_version", "model_version", "model_id", model)
    hanging = f"model_version WHERE model_id = '{hex_of(model)}'"
    answers: list[Any] = []

    def delete() -> None:
        try:
            answers.append(world.api.call("DELETE", f"/models/{model}").status_code)
        except requests.RequestException as why:
            answers.append(why)

    deleting = threading.Thread(target=delete)
    with kanso.mariadb.holding(kanso.database, f"SELECT id FROM model_version WHERE id = '{last}' FOR UPDATE"):
        deleting.start()
        wait_until(lambda: count(kanso, hanging) <= 50, 60, "most of the versions to go")
        others = Api(kanso.url)
        assert others.read(f"/models/{model}")["id"] == model
        assert others.read(f"/models/{model}/model_versions")["total"] == count(kanso, hanging) > 0
        others.change(f"/models/{model}", {"description": "others write"})
        added = World(others).model_version(model)["id"]
        assert not answers
        kill_hard(kanso.workers())
        deleting.join(60)
        assert answers and answers[0] != 200
    wait_until(kanso.healthy, 30, "new workers")
    again = Api(kanso.url)
    assert again.read(f"/models/{model}")["metadata"]["description"] == "others write"
    assert again.read(f"/model_versions/{added}")["id"] == added
    assert 0 < count(kanso, hanging) <= 51 and lost(kanso) == 0
    again.remove(f"/models/{model}")
    assert count(kanso, hanging) == 0 and lost(kanso) == 0 and again.get(f"/models/{model}").status_code == 404
