"""Tags, models, model versions with their numbers and stages, links."""

from __future__ import annotations

import pytest

from kit.api import NOBODY, fails, forbidden, missing, ok, problems, taken, unfit
from kit.factory import World

pytestmark = pytest.mark.sanitize

COLOURS = {"grey", "purple", "red", "green", "yellow", "orange", "lime", "teal", "turquoise",
           "magenta", "blue"}


# Tags

def test_tag(world: World) -> None:
    made = world.tag(color="teal")
    assert list(made["body"]) == ["created", "updated", "color", "tagged_count"]
    assert (made["body"]["color"], made["body"]["tagged_count"]) == ("teal", 0)
    assert made["metadata"] is None and made["resources"] is None
    assert world.api.make("/tags", {"name": world.name("tag")})["body"]["color"] in COLOURS


def test_tag_update(world: World) -> None:
    made = world.tag()
    changed = world.api.change("/tags/" + made["id"], {"name": made["name"] + "2"})
    assert (changed["name"], changed["body"]["color"]) == (made["name"] + "2", "blue")
    unfit(world.api.put("/tags/" + made["id"], {"color": "octarine"}), "enum", "body", "color")


def test_tags_count_what_they_are_on(world: World) -> None:
    tag = world.tag()
    world.artifact(tags=[tag["name"]])
    world.pipeline(tags=[tag["name"], tag["name"].upper()])
    world.model(tags=[tag["name"]])
    assert world.api.read("/tags/" + tag["name"])["body"]["tagged_count"] == 3


def test_new_tags_appear_by_use(world: World) -> None:
    name = world.name("tag")
    made = world.model(tags=[name])["body"]["tags"][0]
    assert made["body"]["color"] in COLOURS
    assert world.api.read("/tags/" + name)["id"] == made["id"]


def test_deleted_tag_leaves_what_it_was_on(world: World) -> None:
    name = world.name("tag")
    model = world.model(tags=[name])
    world.api.remove("/tags/" + name)
    assert world.api.read("/models/" + model["id"])["body"]["tags"] == []


# Models

def test_model(world: World) -> None:
    texts = {key: key.upper() for key in ("license", "description", "audience", "use_cases",
                                          "limitations", "trade_offs", "ethics")}
    tag = world.name("tag")
    made = world.model(tags=[tag], save_models_to_registry=False, **texts)
    assert {key: made["metadata"][key] for key in texts} == texts
    assert made["metadata"]["save_models_to_registry"] is False
    assert made["body"]["latest_version_name"] is made["body"]["latest_version_id"] is None
    assert world.model()["metadata"]["save_models_to_registry"] is True
    assert world.api.ids("/models", tag=tag) == [made["id"]]


def test_model_update(world: World) -> None:
    one, two = world.name("tag"), world.name("tag")
    made = world.model(tags=[one], description="d", license="l")
    name = world.name("model")
    changed = world.api.change("/models/" + made["id"], {
        "name": name, "description": None, "license": "m", "add_tags": [two],
        "remove_tags": [one]})
    assert changed["name"] == name
    assert (changed["metadata"]["description"], changed["metadata"]["license"]) == ("d", "m")
    assert [tag["name"] for tag in changed["body"]["tags"]] == [two]


def test_deleted_model_takes_its_versions_along(world: World) -> None:
    model = world.model(tags=[world.name("tag")])
    version = world.model_version(model["id"])
    run = world.run(model_version_id=version["id"])
    link = world.run_link(version, run["id"])
    world.api.remove("/models/" + model["id"])
    missing(world.api.get("/model_versions/" + version["id"]))
    assert world.api.ids("/model_version_pipeline_runs", id=link["id"]) == []
    assert world.api.read("/runs/" + run["id"])["body"]["model_version_id"] is None


# Versions

def test_versions_are_numbered(world: World) -> None:
    model = world.model()["id"]
    made = [world.model_version(model) for _ in range(3)]
    assert [(version["body"]["number"], version["name"]) for version in made] \
        == [(1, "1"), (2, "2"), (3, "3")]
    latest = world.api.read("/models/" + model)["body"]
    assert (latest["latest_version_name"], latest["latest_version_id"]) == ("3", made[2]["id"])
    world.api.remove("/model_versions/" + made[1]["id"])
    assert world.model_version(model)["body"]["number"] == 4
    for version in (made[2]["id"], world.api.read("/models/" + model)["body"]["latest_version_id"]):
        world.api.remove("/model_versions/" + version)
    assert world.model_version(model)["body"]["number"] == 2


def test_version(world: World) -> None:
    model, tag = world.model(), world.name("tag")
    made = world.model_version(model["id"], name="first", description="d", tags=[tag],
                               stage="anything")
    assert made["resources"] is None
    assert made["body"]["stage"] == "anything" and made["body"]["number"] == 1
    assert made["body"]["model"]["id"] == model["id"]
    assert [item["name"] for item in made["body"]["tags"]] == [tag]
    assert made["metadata"]["description"] == "d" and made["metadata"]["run_metadata"] == {}
    for key in ("model_artifact_ids", "data_artifact_ids", "deployment_artifact_ids",
                "pipeline_run_ids"):
        assert made["body"][key] == {}
    read = world.api.read("/model_versions/" + made["id"])
    assert read["resources"]["services"]["items"] == []
    assert read["resources"]["services"]["max_size"] == 5


def test_version_refusals(world: World) -> None:
    model = world.model()["id"]
    where = f"{world.ws}/models/{model}/model_versions"
    world.model_version(model, name="v")
    taken(world.api.post(where, world.owned | {"model": model, "name": "v"}))
    fails(world.api.post(where, world.owned | {"model": model, "number": 5}), 400, "ValueError")
    answer = world.api.post(where, world.owned | {"model": NOBODY})
    assert answer.status_code in (400, 404, 500)
    assert world.api.read(f"/models/{model}/model_versions")["total"] == 1


def test_versions_of_a_model(world: World) -> None:
    model, other = world.model(), world.model()
    one, two = (world.model_version(model["id"])["id"] for _ in range(2))
    world.model_version(other["id"])
    for key in (model["id"], model["name"]):
        assert set(world.api.ids(f"/models/{key}/model_versions")) == {one, two}
    path = f"/models/{model['id']}/model_versions"
    assert world.api.ids(path, number=2) == [two]
    assert world.api.ids(path, name="equals:1") == [one]
    assert world.api.ids(path, sort_by="desc:number") == [two, one]
    assert world.api.ids(path, stage="production") == []
    assert world.api.get(path, number="gt:1").status_code == 422
    missing(world.api.get(f"/models/{NOBODY}/model_versions"))


def test_version_update(world: World) -> None:
    model, tag = world.model()["id"], world.name("tag")
    made = world.model_version(model)
    path = "/model_versions/" + made["id"]
    changed = world.api.change(path, {"model": model, "name": "n", "description": "d",
                                      "stage": "staging", "add_tags": [tag]})
    assert (changed["name"], changed["metadata"]["description"], changed["body"]["stage"]) \
        == ("n", "d", "staging")
    assert [item["name"] for item in changed["body"]["tags"]] == [tag]
    assert world.api.change(path, {"model": model, "stage": None, "remove_tags": [tag]})[
        "body"]["stage"] == "staging"
    missing(world.api.put(path, {"model": world.model()["id"], "name": "x"}))
    unfit(world.api.put(path, {"name": "x"}), "missing", "body", "model")
    problems(world.api.put(path, {"model": model, "stage": "retired"}))


@pytest.mark.parametrize("stage", ["staging", "production", "archived", "none"])
def test_stage_is_held_by_one_version(world: World, stage: str) -> None:
    model = world.model()["id"]
    one, two = (world.model_version(model)["id"] for _ in range(2))
    world.api.change("/model_versions/" + one, {"model": model, "stage": stage})
    fails(world.api.put("/model_versions/" + two, {"model": model, "stage": stage}),
          500, "RuntimeError")
    assert world.api.read("/model_versions/" + two)["body"]["stage"] is None
    changed = world.api.change("/model_versions/" + two,
                               {"model": model, "stage": stage, "force": True})
    assert changed["body"]["stage"] == stage
    assert world.api.read("/model_versions/" + one)["body"]["stage"] == "archived"
    if stage != "archived":  # otherwise both have it now
        again = world.api.change("/model_versions/" + two, {"model": model, "stage": stage})
        assert again["body"]["stage"] == stage


# Links

def test_artifact_links(world: World) -> None:
    version = world.model_version(world.model()["id"])
    artifacts = [world.artifact() for _ in range(3)]
    versions = [world.artifact_version(artifact["id"])["id"] for artifact in artifacts]
    links = [world.artifact_link(version, versions[0]),
             world.artifact_link(version, versions[1], is_model_artifact=True),
             world.artifact_link(version, versions[2], is_deployment_artifact=True)]
    assert links[0]["body"]["artifact_version"]["id"] == versions[0]
    assert links[0]["body"]["model_version"] == version["id"]
    body = world.api.read("/model_versions/" + version["id"])["body"]
    names = [artifact["name"] for artifact in artifacts]
    assert body["data_artifact_ids"] == {names[0]: {"1": versions[0]}}
    assert body["model_artifact_ids"] == {names[1]: {"1": versions[1]}}
    assert body["deployment_artifact_ids"] == {names[2]: {"1": versions[2]}}
    path = "/model_version_artifacts"
    of_version = {"model_version_id": version["id"]}
    assert set(world.api.ids(path, **of_version)) == {link["id"] for link in links}
    assert world.api.ids(path, only_data_artifacts="true", **of_version) == [links[0]["id"]]
    assert world.api.ids(path, only_model_artifacts="true", **of_version) == [links[1]["id"]]
    assert world.api.ids(path, only_deployment_artifacts="true", **of_version) \
        == [links[2]["id"]]
    assert world.api.ids(path, artifact_name=names[1], **of_version) == [links[1]["id"]]
    again = world.artifact_link(version, versions[0])
    assert again["id"] == links[0]["id"] and again["metadata"] is None


def test_artifact_link_refusals(world: World) -> None:
    version = world.model_version(world.model()["id"])
    where = f"{world.ws}/model_versions/{version['id']}/artifacts"
    body = world.owned | {"model": version["body"]["model"]["id"],
                          "model_version": version["id"],
                          "artifact_version": world.artifact_version()["id"]}
    problems(world.api.post(where, body | {"is_model_artifact": True,
                                           "is_deployment_artifact": True}))
    forbidden(world.api.post(where, body | {"user": NOBODY}))
    forbidden(world.api.post(where, body | {"workspace": NOBODY}))
    forbidden(world.api.post(where, body | {"model_version": NOBODY}))
    assert world.api.ids("/model_version_artifacts", model_version_id=version["id"]) == []


def test_links_are_removed_by_id_or_name(world: World) -> None:
    version = world.model_version(world.model()["id"])
    path = f"/model_versions/{version['id']}/artifacts/"
    artifact = world.artifact()
    link = world.artifact_link(version, world.artifact_version(artifact["id"])["id"])
    world.api.remove(path + artifact["name"])
    missing(world.api.delete(path + link["id"]))
    link = world.artifact_link(version, world.artifact_version(artifact["id"], version="2")["id"])
    world.api.remove(path + link["id"])
    run = world.run()
    world.run_link(version, run["id"])
    world.api.remove(f"/model_versions/{version['id']}/runs/{run['name']}")
    missing(world.api.delete(f"/model_versions/{version['id']}/runs/{run['name']}"))


def test_all_links_at_once(world: World) -> None:
    version = world.model_version(world.model()["id"])
    artifacts = [world.artifact_version()["id"] for _ in range(2)]
    for artifact in artifacts:
        world.artifact_link(version, artifact)
    assert ok(world.api.delete(f"/model_versions/{version['id']}/artifacts")) is None
    assert world.api.ids("/model_version_artifacts", model_version_id=version["id"]) == []
    world.api.read("/artifact_versions/" + artifacts[0])
    world.artifact_link(version, artifacts[0])
    assert ok(world.api.delete(f"/model_versions/{version['id']}/artifacts",
                               only_links="false")) is None
    missing(world.api.get("/artifact_versions/" + artifacts[0]))
    world.api.read("/artifact_versions/" + artifacts[1])


def test_run_links(world: World) -> None:
    version = world.model_version(world.model()["id"])
    run = world.run()
    link = world.run_link(version, run["id"])
    assert link["body"]["pipeline_run"]["id"] == run["id"]
    assert world.run_link(version, run["id"])["id"] == link["id"]
    body = world.api.read("/model_versions/" + version["id"])["body"]
    assert body["pipeline_run_ids"] == {run["name"]: run["id"]}
    path = "/model_version_pipeline_runs"
    assert world.api.ids(path, model_version_id=version["id"]) == [link["id"]]
    assert world.api.ids(path, pipeline_run_name=run["name"]) == [link["id"]]
    assert world.api.ids(path, pipeline_run_id=run["id"]) == [link["id"]]
    world.api.remove("/runs/" + run["id"])
    assert world.api.read("/model_versions/" + version["id"])["body"]["pipeline_run_ids"] == {}
