"""Totals of long lists, which a worker remembers (src/resource/total.h): they are as exact as a count of all rows."""

from __future__ import annotations

import time
from typing import Any

from kit.api import Api
from kit.factory import World
from kit.servers import Kanso

ROWS = 2500  # above TOTAL_LARGE
SETTLED = 61  # seconds: TOTAL_SETTLED_SECONDS and one more


def multiply(kanso: Kanso, table: str, original: str) -> None:
    """Copies of a row, one at least, until there are ROWS of all."""
    columns = [f"`{name}`" for [name] in kanso.sql(
        f"SELECT column_name FROM information_schema.columns WHERE table_schema = '{kanso.database}' AND table_name = '{table}' "
        "AND column_name NOT IN ('id', 'kanso_order')")]
    copied = ", ".join(columns)
    source, made = f"id = '{original.replace('-', '')}'", 0
    while made < ROWS:
        kanso.sql(f"INSERT INTO `{table}` (id, {copied}) SELECT REPLACE(UUID(), '-', ''), {copied} FROM `{table}` WHERE {source}")
        source, made = f"kanso_order > 0 LIMIT {ROWS - made}", int(kanso.sql(f"SELECT COUNT(*) FROM `{table}`")[0][0])


def test_totals_are_exact(one_worker: Kanso) -> None:
    """For new rows, deleted ones, ones that go with another, and ones that somebody else adds; and they are remembered."""
    api = Api(one_worker.url)
    world = World(api)
    first, second = world.pipeline(), world.pipeline()
    deployment = world.deployment(pipeline=first["id"])["id"]
    many = world.run(deployment=world.deployment(pipeline=first["id"])["id"], pipeline=first["id"])
    one_worker.sql(f"UPDATE pipeline_run SET orchestrator_run_id = NULL WHERE id = '{many['id'].replace('-', '')}'")  # which are unique
    multiply(one_worker, "pipeline_run", many["id"])
    run = world.run(deployment=world.deployment(pipeline=second["id"])["id"], pipeline=second["id"])
    value = world.metadata("pipeline_run", run["id"], accuracy=1.5)[0]["id"]
    multiply(one_worker, "pipeline_deployment", deployment)
    multiply(one_worker, "run_metadata", value)
    runs = "SELECT COUNT(*) FROM pipeline_run r JOIN pipeline p ON p.id = r.pipeline_id WHERE p.name"
    both = {"deployments": "SELECT COUNT(*) FROM pipeline_deployment",
            "of one": f"SELECT COUNT(*) FROM pipeline_deployment WHERE pipeline_id = '{first['id'].replace('-', '')}'",
            "values": "SELECT COUNT(*) FROM run_metadata", "no values": "SELECT COUNT(*) FROM run_metadata WHERE `key` = 'other'",
            "runs of a name": f"{runs} = '{first['name']}'", "runs of a part": f"{runs} LIKE '%{first['name'][2:]}%'",
            "unlisted": "SELECT COUNT(*) FROM pipeline_run WHERE pipeline_id IS NULL"}

    def counted() -> dict[str, int]:
        return {name: int(one_worker.sql(statement)[0][0]) for name, statement in both.items()}

    def told() -> dict[str, int]:
        return {"deployments": api.read("/pipeline_deployments", size=1)["total"],
                "of one": api.read("/pipeline_deployments", size=1, pipeline_id=first["id"])["total"],
                "values": api.read("/run-metadata", size=1)["total"],
                "no values": api.read("/run-metadata", size=1, key="other")["total"],
                "runs of a name": api.read("/runs", size=1, pipeline_name=first["name"])["total"],
                "runs of a part": api.read("/runs", size=1, pipeline_name="contains:" + first["name"][2:])["total"],
                "unlisted": api.read("/runs", size=1, unlisted=True)["total"]}

    for _ in range(3):
        assert told() == counted()
    time.sleep(SETTLED)
    for _ in range(3):
        assert told() == counted()

    one_worker.sql(f"DELETE FROM run_metadata WHERE id = '{value.replace('-', '')}'")  # which nobody tells Kanso
    assert told()["values"] == counted()["values"] + 1, "the total was not remembered"

    one_worker.sql(f"DELETE FROM pipeline_run WHERE pipeline_id = '{first['id'].replace('-', '')}' AND orchestrator_run_id IS NULL LIMIT 1")
    kept = {name: counted()[name] + 1 for name in ("values", "runs of a name", "runs of a part")}
    assert told() == counted() | kept, "the total was not remembered"

    new = [world.deployment(pipeline=first["id"])["id"] for _ in range(3)]
    world.metadata("pipeline_run", run["id"], accuracy=2.5, other=1)
    world.run(deployment=deployment, pipeline=first["id"])
    assert told() == counted() | {name: counted()[name] + 1 for name in kept}
    api.remove("/pipeline_deployments/" + new[0])  # from now on all is counted anew, once
    assert told() == counted()
    api.remove("/pipeline_deployments/" + deployment)
    assert told() == counted()
    multiply(one_worker, "run_metadata", api.read("/run-metadata", size=1)["items"][0]["id"])
    assert told() == counted()
    api.remove("/runs/" + run["id"])  # its values go with it
    assert counted()["values"] < ROWS and told() == counted()
    api.remove("/pipelines/" + first["id"])
    assert told() == counted() and counted()["of one"] == counted()["runs of a name"] == 0


def entries(kanso: Kanso) -> int:
    """How many the database has read until now."""
    assert kanso.mariadb
    return sum(int(number) for _, number in kanso.mariadb.sql("SHOW GLOBAL STATUS LIKE 'Handler_read%'"))


def entries_for(kanso: Kanso, path: str, **query: Any) -> int:
    """How many it reads for a page at most; others read there as well, now and then."""
    api, read = Api(kanso.url), []
    for _ in range(5):
        before = entries(kanso)
        api.read(path, **query)
        read.append(entries(kanso) - before)
    return min(read)


def test_a_text_of_none_is_found_by_index(one_worker: Kanso) -> None:
    """Values and beginnings of TEXT columns: nobody has them, and that is seen without reading the table."""
    api = Api(one_worker.url)
    world = World(api)
    version = world.model_version(world.model()["id"])["id"]
    multiply(one_worker, "artifact_version", world.artifact_version()["id"])
    multiply(one_worker, "model_version", version)
    one_worker.sql("ANALYZE TABLE artifact_version, model_version")
    for path, name, value in [("/artifact_versions", "materializer", "none"), ("/artifact_versions", "data_type", "none"),
                              ("/artifact_versions", "uri", "none"), ("/artifact_versions", "uri", "startswith:none"),
                              ("/model_versions", "stage", "none"), ("/model_versions", "stage", "startswith:none")]:
        assert api.read(path, **{name: value})["total"] == 0
        assert entries_for(one_worker, path, **{name: value}) < ROWS / 2, (path, name, value)


def test_a_page_with_two_conditions_is_not_sorted(one_worker: Kanso) -> None:
    """It is found along the index that has its order; how many there are is counted once."""
    world = World(Api(one_worker.url))
    multiply(one_worker, "pipeline_deployment", world.deployment()["id"])
    one_worker.sql("ANALYZE TABLE pipeline_deployment")
    rows = int(one_worker.sql("SELECT COUNT(*) FROM pipeline_deployment")[0][0])
    assert entries_for(one_worker, world.ws + "/pipeline_deployments", user_id=world.user, sort_by="desc:created") < 3 * rows
