"""What a worker remembers: totals of long lists (src/resource/total.h), which are as exact as a count of all rows, and what model
versions are linked to (src/model/version_links.h), which is what the tables say."""

from __future__ import annotations

import time
from dataclasses import dataclass
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


SIDE = 35  # its square is more than LARGE of version_links.c


def hex_of(number: str) -> str:
    return number.replace("-", "")


Link = tuple[str, str, str]  # name of the artifact, version, id of that


@dataclass
class Linked:
    """A model version with links to many versions of an artifact."""
    kanso: Kanso
    version: dict[str, Any]
    artifact: str
    run: str

    def shown(self) -> list[Link]:
        """Alone and with a run, in the answers' order."""
        api = Api(self.kanso.url)
        alone = api.read(f"/model_versions/{self.version['id']}")["body"]["data_artifact_ids"]
        of_run = api.read(f"/runs/{self.run}")["resources"]["model_version"]["body"]["data_artifact_ids"]
        assert of_run == alone
        return [(name, version, hex_of(number)) for name, versions in alone.items() for version, number in versions.items()]

    def stored(self) -> list[Link]:
        rows = self.kanso.sql(
            "SELECT a.name, a.id, l.created, l.kanso_order, v.version, v.id FROM model_versions_artifacts l "
            "JOIN artifact_version v ON v.id = l.artifact_version_id JOIN artifact a ON a.id = v.artifact_id "
            f"WHERE l.model_version_id = '{hex_of(self.version['id'])}'")
        return [(row[0], row[4], row[5]) for row in sorted(rows, key=lambda row: (*row[:3], int(row[3])))]


def link_many(kanso: Kanso, world: World) -> Linked:
    model, artifact = world.model()["id"], world.artifact()["id"]
    linked = Linked(kanso, world.model_version(model), artifact, "")
    first, version = world.artifact_version(artifact)["id"], linked.version["id"]
    linked.run = world.run(model_version_id=version)["id"]
    world.artifact_link(linked.version, first)
    kanso.sql("INSERT INTO artifact_version (id, created, updated, version, type, uri, materializer, data_type, artifact_id, workspace_id) "
              f"WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {SIDE}) "
              "SELECT LEFT(SHA2(CONCAT(o.id, n.i, '-', m.i), 256), 32), o.created, o.updated, CONCAT(n.i, '-', m.i), o.type, o.uri, o.materializer, o.data_type, "
              f"o.artifact_id, o.workspace_id FROM artifact_version o JOIN n JOIN n m WHERE o.id = '{hex_of(first)}'")
    kanso.sql("INSERT INTO model_versions_artifacts (id, created, updated, workspace_id, model_id, model_version_id, artifact_version_id, "
              "is_model_artifact, is_deployment_artifact) SELECT LEFT(SHA2(CONCAT(v.id, 'l'), 256), 32), l.created, l.updated, l.workspace_id, "
              "l.model_id, l.model_version_id, v.id, 0, 0 FROM artifact_version v JOIN model_versions_artifacts l "
              f"WHERE v.artifact_id = '{hex_of(artifact)}' AND v.id <> '{hex_of(first)}' AND l.model_version_id = '{hex_of(version)}'")
    return linked


def check_links(world: World, linked: Linked) -> None:
    """For links that come and go, and an artifact that is renamed; and they are remembered."""
    api = world.api
    for _ in range(3):
        assert linked.shown() == linked.stored()
    gone = linked.stored()[7]
    linked.kanso.sql(f"DELETE FROM model_versions_artifacts WHERE artifact_version_id = '{gone[2]}'")  # which nobody tells Kanso
    assert gone in linked.shown() and gone not in linked.stored(), "the links were not remembered"

    for name in ("a first one", "~ a last one"):
        world.artifact_link(linked.version, world.artifact_version(world.artifact(name=name)["id"])["id"])
    world.artifact_link(linked.version, world.artifact_version(linked.artifact, version="the newest")["id"])
    assert [link for link in linked.shown() if link != gone] == linked.stored() and gone in linked.shown()
    api.change(f"/artifacts/{linked.artifact}", {"name": "of another name"})  # from now on all is read anew, once
    assert linked.shown() == linked.stored() and linked.shown()[-2][:2] == ("of another name", "the newest")

    path, link = f"/model_versions/{linked.version['id']}/artifacts", linked.stored()[9]
    assert linked.shown() == linked.stored()
    api.remove("/artifact_versions/" + link[2])
    assert linked.shown() == linked.stored() and link not in linked.shown()
    api.remove(f"{path}/of another name")
    assert linked.shown() == linked.stored()
    assert api.delete(path).status_code == 200
    assert linked.shown() == linked.stored() == []


def test_what_is_remembered_is_exact(one_worker: Kanso) -> None:
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

    linked = link_many(one_worker, world)
    for _ in range(3):
        assert told() == counted() and linked.shown() == linked.stored()
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
    check_links(world, linked)
