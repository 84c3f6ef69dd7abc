"""Artifacts and their versions: tags, numbers, producers, visualisations, prune."""

from __future__ import annotations

import pytest

from kit.api import NOBODY, Api, fails, missing, ok, problems, refused, taken, unfit
from kit.factory import INTEGER, World, step_spec

pytestmark = pytest.mark.sanitize


def test_artifact(world: World) -> None:
    one, two = world.name("tag"), world.name("tag")
    made = world.artifact(has_custom_name=True, tags=[one, two])
    assert list(made["body"]) == ["created", "updated", "tags", "latest_version_name",
                                  "latest_version_id"]
    assert {tag["name"] for tag in made["body"]["tags"]} == {one, two}
    assert made["metadata"] == {"has_custom_name": True}
    assert made["body"]["latest_version_id"] is None
    assert world.api.ids("/artifacts", tag=one) == [made["id"]]
    assert world.api.ids("/artifacts", tag="") != []


def test_artifact_rename(world: World) -> None:
    made = world.artifact()
    path, name = "/artifacts/" + made["id"], world.name("other")
    changed = world.api.change(path, {"name": name, "add_tags": ["a"], "remove_tags": None})
    assert (changed["name"], changed["metadata"]["has_custom_name"]) == (name, True)
    changed = world.api.change(path, {"name": name, "has_custom_name": False})
    assert changed["metadata"]["has_custom_name"] is False
    assert world.api.change(path, {})["name"] == name
    world.api.change(path, {"name": world.artifact()["name"]})


def test_artifact_version(world: World) -> None:
    artifact, tag = world.artifact(), world.name("tag")
    made = world.artifact_version(
        artifact["id"], version=7, tags=[tag], uri="/store/x", artifact_store_id=
        world.artifact_store, visualizations=[{"type": "html", "uri": "/store/v.html"}])
    body = made["body"]
    assert body["version"] == "7" and body["uri"] == "/store/x"
    assert body["artifact"]["id"] == artifact["id"] and body["artifact"]["metadata"] is None
    assert body["artifact"]["body"]["latest_version_name"] == "7"
    assert body["data_type"]["attribute"] == "int" and body["type"] == "DataArtifact"
    assert [item["name"] for item in body["tags"]] == [tag]
    assert body["producer_pipeline_run_id"] is None
    assert made["metadata"]["artifact_store_id"] == world.artifact_store
    assert [item["body"]["uri"] for item in made["metadata"]["visualizations"]] \
        == ["/store/v.html"]
    latest = world.api.read("/artifacts/" + artifact["id"])["body"]
    assert (latest["latest_version_name"], latest["latest_version_id"]) == ("7", made["id"])


def test_version_is_unique_in_its_artifact(world: World) -> None:
    artifact = world.artifact()["id"]
    world.artifact_version(artifact, version=1)
    taken(world.api.post("/artifact_versions", world.artifact_version_body(artifact, version="1")))
    world.artifact_version(world.artifact()["id"], version=1)


@pytest.mark.parametrize("version,number", [
    ("3", 3), (4, 4), ("+5", 5), (" 6 ", 6), ("1_0", 10), ("-7", -7), ("v1", None),
    ("1.0", None)])
def test_number_of_a_version(world: World, version: object, number: int | None) -> None:
    artifact = world.artifact()["id"]
    made = world.artifact_version(artifact, version=version)
    found = world.api.ids("/artifact_versions", artifact_id=artifact, version_number=number or 0)
    assert found == ([made["id"]] if number else [])


def test_version_that_does_not_fit(world: World) -> None:
    artifact = world.artifact()["id"]
    post = world.api.post
    problems(post("/artifact_versions", world.artifact_version_body(artifact, version="x" * 255)))
    unfit(post("/artifact_versions", world.artifact_version_body(artifact, type="Thing")),
          "enum", "body", "type")
    unfit(post("/artifact_versions", world.artifact_version_body(artifact, uri="x" * 65536)),
          "string_too_long", "body", "uri")
    refused(post("/artifact_versions", world.artifact_version_body(NOBODY)))
    problems(post("/artifact_versions", world.artifact_version_body(
        artifact, visualizations=[{"type": "smell", "uri": "u"}])))
    assert world.api.ids("/artifact_versions", artifact_id=artifact) == []


def test_sources_of_a_version(world: World) -> None:
    made = world.artifact_version(data_type="pkg.mod.Kind", materializer=INTEGER)
    assert made["body"]["data_type"] == {"module": "pkg.mod", "attribute": "Kind",
                                         "type": "unknown"}


def test_version_update(world: World) -> None:
    one, two = world.name("tag"), world.name("tag")
    made = world.artifact_version(tags=[one])
    changed = world.api.change("/artifact_versions/" + made["id"], {
        "name": "ignored", "add_tags": [two], "remove_tags": [one]})
    assert [tag["name"] for tag in changed["body"]["tags"]] == [two]


def test_version_filters(world: World) -> None:
    artifact, tag = world.artifact(has_custom_name=True), world.name("tag")
    made = world.artifact_version(artifact["id"], tags=[tag], type="ModelArtifact")
    for query in ({"name": artifact["name"]}, {"name": "contains:" + artifact["name"][3:]},
                  {"tag": tag}, {"type": "ModelArtifact"}, {"has_custom_name": "true"},
                  {"only_unused": "true"}, {"artifact_id": artifact["id"]}, {"version": "1"},
                  {"uri": made["body"]["uri"]}, {"user_id": world.user}):
        assert world.api.ids("/artifact_versions", id=made["id"], **query) == [made["id"]], query
    for query in ({"name": "x"}, {"tag": "x"}, {"has_custom_name": "false"}, {"version": "2"}):
        assert world.api.ids("/artifact_versions", id=made["id"], **query) == [], query
    world.step(world.run(), outputs={"output": made["id"]})
    assert world.api.ids("/artifact_versions", id=made["id"], only_unused="true") == []


def test_producer(world: World) -> None:
    version = world.artifact_version()["id"]

    def producers() -> tuple:
        shown = world.api.read("/artifact_versions/" + version)
        return (shown["metadata"]["producer_step_run_id"],
                shown["body"]["producer_pipeline_run_id"])

    assert producers() == (None, None)
    run = world.run({"load": step_spec("load")})
    step = world.step(run, "load", outputs={"output": version})
    assert producers() == (None, None)
    world.api.change("/steps/" + step["id"], {"status": "completed"})
    assert producers() == (step["id"], run["id"])
    cached = world.run({"load": step_spec("load")})
    world.step(cached, "load", outputs={"output": version}, status="cached",
               original_step_run_id=step["id"])
    assert producers() == (step["id"], run["id"])


def test_deleted_artifact_takes_its_versions_along(world: World) -> None:
    tag = world.name("tag")
    artifact = world.artifact(tags=[tag])["id"]
    version = world.artifact_version(artifact, tags=[tag])["id"]
    note = world.metadata("artifact_version", version, a=1)[0]["id"]
    step = world.step(world.run(), outputs={"output": version})["id"]
    world.api.remove("/artifacts/" + artifact)
    missing(world.api.get("/artifact_versions/" + version))
    missing(world.api.get("/run-metadata/" + note))
    assert world.api.read("/tags/" + tag)["body"]["tagged_count"] == 0
    assert world.api.read("/steps/" + step)["body"]["outputs"] == {}


def test_visualize_without_a_store(world: World) -> None:
    version = world.artifact_version()["id"]
    fails(world.api.get(f"/artifact_versions/{version}/visualize"), 404, "DoesNotExistException")


def test_prune(fresh) -> None:
    world = World(Api(fresh.url))
    used, unused, empty = (world.artifact()["id"] for _ in range(3))
    kept = world.artifact_version(used)["id"]
    taken_in = world.artifact_version(used, version="2")["id"]
    gone = world.artifact_version(unused)["id"]
    world.step(world.run(), outputs={"output": kept}, inputs={"data": taken_in})
    assert ok(world.api.delete("/artifact_versions/")) is None
    assert set(world.api.ids("/artifact_versions")) == {kept, taken_in}
    missing(world.api.get("/artifact_versions/" + gone))
    assert set(world.api.ids("/artifacts")) == {used, unused, empty}
    assert ok(world.api.delete("/artifact_versions/", only_versions="false")) is None
    assert world.api.ids("/artifacts") == [used]
