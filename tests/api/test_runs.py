"""Pipeline runs: creation, get-or-create, derived status, steps, graph."""

from __future__ import annotations

import uuid
from typing import Any

import pytest

from kit import api
from kit.api import NOBODY, STAMP, fails, forbidden, missing, ok, problems, refused, taken, unfit
from kit.factory import World, step_spec

pytestmark = pytest.mark.sanitize


def status(world: World, run: dict[str, Any]) -> str:
    return world.api.read(f"/runs/{run['id']}/status")


def end_time(world: World, run: dict[str, Any]) -> str | None:
    return world.api.read("/runs/" + run["id"])["metadata"]["end_time"]


# Runs

def test_run_shows_what_its_deployment_says(world: World) -> None:
    pipeline = world.pipeline()["id"]
    build = world.build(pipeline=pipeline, stack=world.stack_id)["id"]
    schedule = world.schedule()["id"]
    repository = world.code_repository()["id"]
    deployment = world.deployment(
        pipeline=pipeline, build=build, schedule=schedule, code_path="s3://code",
        pipeline_configuration={"name": "p", "enable_cache": False, "extra": {"a": 1}},
        code_reference={"commit": "c", "subdirectory": "", "code_repository": repository})
    tag = world.name("tag")
    run = world.run(deployment=deployment["id"], pipeline=pipeline, tags=[tag],
                    orchestrator_environment={"python": "3"}, client_environment={"x": "y"},
                    end_time="2024-05-06T07:08:09")
    body, metadata = run["body"], run["metadata"]
    assert body["stack"]["id"] == world.stack_id and body["stack"]["metadata"] is None
    assert (body["pipeline"]["id"], body["build"]["id"], body["schedule"]["id"]) \
        == (pipeline, build, schedule)
    assert body["code_reference"]["body"]["commit"] == "c"
    assert body["deployment_id"] == deployment["id"]
    assert body["trigger_execution"] is body["model_version_id"] is None
    assert metadata["config"] == deployment["metadata"]["pipeline_configuration"]
    assert metadata["client_environment"] == {"os": "linux"}
    assert metadata["orchestrator_environment"] == {"python": "3"}
    assert metadata["start_time"] == "2024-05-06T07:08:09" and metadata["end_time"] is None
    assert metadata["code_path"] == "s3://code" and metadata["template_id"] is None
    assert metadata["steps"] == {} and metadata["run_metadata"] == {}
    assert [item["name"] for item in run["resources"]["tags"]] == [tag]
    assert run["resources"]["model_version"] is None
    assert world.api.read("/runs/" + run["id"]) == run
    config = world.api.read(f"/runs/{run['id']}/pipeline-configuration")
    assert config["enable_cache"] is False and config["extra"] == {"a": 1}


def test_run_filters(world: World) -> None:
    pipeline = world.pipeline()
    build = world.build()["id"]
    schedule = world.schedule()["id"]
    repository = world.code_repository()["id"]
    deployment = world.deployment(pipeline=pipeline["id"], build=build, schedule=schedule,
                                  code_reference={"commit": "c", "subdirectory": "",
                                                  "code_repository": repository})["id"]
    run = world.run(deployment=deployment, pipeline=pipeline["id"])
    other = world.run()
    for query in ({"pipeline_name": pipeline["name"]}, {"build_id": build},
                  {"pipeline_name": "startswith:" + pipeline["name"][:-1]},
                  {"schedule_id": schedule}, {"code_repository_id": repository},
                  {"deployment_id": deployment}, {"stack_id": world.stack_id},
                  {"orchestrator_run_id": run["metadata"]["orchestrator_run_id"]},
                  {"unlisted": "false"}, {"start_time": "lt:2024-06-01 00:00:00"}):
        assert world.api.ids("/runs", id=run["id"], **query) == [run["id"]], query
        if set(query) & {"pipeline_name", "build_id", "schedule_id", "code_repository_id",
                         "deployment_id", "unlisted"}:
            assert world.api.ids("/runs", id=other["id"], **query) == [], query
    assert world.api.ids("/runs", id=run["id"], stack_id=NOBODY) == []
    assert world.api.ids("/runs", id=run["id"], template_id=NOBODY) == []
    answer = world.api.get("/runs", tag="x")  # the reference cannot answer that
    assert answer.status_code in (200, 400, 422) or api.REFERENCE


def test_pages_of_the_runs_of_some_pipelines(world: World) -> None:
    """By a name that is one pipeline's, that of a few (whose runs a page is put together from), or of many."""
    base = world.name("flow")
    names = [f"{base}-few{number}" for number in range(3)] + [f"{base}-more{number}" for number in range(8)]
    pipelines = [world.pipeline(name=name)["id"] for name in names]
    deployment = world.deployment()["id"]
    made = [(names[at], world.run(deployment=deployment, pipeline=pipelines[at],
                                  status=["running", "completed"][number])["id"])
            for number in range(2) for at in (2, 0, 1, 5, 3, 10, 4, 6, 9, 7, 8)]
    world.run(deployment=deployment, pipeline=world.pipeline()["id"])
    for name, here in ((names[1], names[1:2]), (f"startswith:{base}-few", names[:3]), (f"contains:{base}", names),
                       (base, [])):
        for more, expected in (({}, made), ({"status": "completed"}, made[11:]), ({"id": made[-1][1]}, made[-1:])):
            query = {"pipeline_name": name, "size": 2} | more
            runs = [run for pipeline, run in expected if pipeline in here]
            for sort, order in ({} if api.REFERENCE else {"asc:created": runs, "desc:created": runs[::-1]}).items():
                pages = [world.api.read("/runs", page=page, sort_by=sort, **query)
                         for page in range(1, (len(runs) + 1) // 2 + 1)]
                assert [run["id"] for page in pages for run in page["items"]] == order, (query, sort)
                assert {page["total"] for page in pages} <= {len(runs)}, query
            assert world.api.read("/runs", **query)["total"] == len(runs), query
    either = world.api.ids("/runs", pipeline_name=names[0], id=made[0][1], logical_operator="or", size=100)
    assert sorted(either) == sorted(run for name, run in made if name == names[0] or run == made[0][1])


def test_run_of_an_unknown_deployment(world: World) -> None:
    body = world.run_body(NOBODY)
    refused(world.api.post(world.ws + "/runs", body))
    assert world.api.ids("/runs", name=body["name"]) == []
    unfit(world.api.post(world.ws + "/runs", body | {"status": "sleeping"}),
          "enum", "body", "status")


def test_orchestrator_run_is_recorded_once(world: World) -> None:
    run = world.run()
    body = world.run_body(run["body"]["deployment_id"],
                          orchestrator_run_id=run["metadata"]["orchestrator_run_id"])
    refused(world.api.post(world.ws + "/runs", body))
    assert world.api.ids("/runs", name=body["name"]) == []


def test_run_update(world: World) -> None:
    version = world.model_version(world.model()["id"])["id"]
    other = world.model_version(world.model()["id"])["id"]
    run, tag = world.run(), world.name("tag")
    path = "/runs/" + run["id"]
    changed = world.api.change(path, {"status": "failed", "end_time": "2024-05-07T01:02:03",
                                      "add_tags": [tag], "model_version_id": version})
    assert changed["body"]["status"] == "failed"
    assert changed["metadata"]["end_time"] == "2024-05-07T01:02:03"
    assert changed["body"]["model_version_id"] == version
    assert changed["resources"]["model_version"]["id"] == version
    assert [item["name"] for item in changed["resources"]["tags"]] == [tag]
    changed = world.api.change(path, {"end_time": "2024-05-08T00:00:00",
                                      "model_version_id": other, "remove_tags": [tag]})
    assert changed["metadata"]["end_time"] == "2024-05-07T01:02:03"
    assert changed["body"]["model_version_id"] == version
    assert changed["resources"]["tags"] == []
    assert world.api.change(path, {"status": "completed"})["metadata"]["end_time"] is None


def test_deleted_run_takes_everything_along(world: World) -> None:
    run = world.run(tags=[world.name("tag")])
    tag = run["resources"]["tags"][0]["id"]
    version = world.artifact_version()["id"]
    step = world.step(run, outputs={"output": version})
    notes = world.metadata("pipeline_run", run["id"], a=1) \
        + world.metadata("step_run", step["id"], b=2)
    link = world.run_link(world.model_version(world.model()["id"]), run["id"])
    world.api.remove("/runs/" + run["id"])
    missing(world.api.get("/steps/" + step["id"]))
    for note in notes:
        missing(world.api.get("/run-metadata/" + note["id"]))
    assert world.api.ids("/model_version_pipeline_runs", id=link["id"]) == []
    assert world.api.read("/tags/" + tag)["body"]["tagged_count"] == 0
    assert world.api.read("/artifact_versions/" + version)["metadata"]["producer_step_run_id"] \
        is None


# Get-or-create

def get_or_create(world: World, body: dict[str, Any]) -> Any:
    return world.api.post(world.ws + "/runs/get-or-create", body)


def test_get_or_create(world: World) -> None:
    body = world.run_body(world.deployment()["id"])
    run, created = ok(get_or_create(world, body))
    assert created is True and run["name"] == body["name"]
    again, created = ok(get_or_create(world, body | {"name": world.name("run")}))
    assert created is False and again["id"] == run["id"] and again["name"] == run["name"]


def test_get_or_create_adopts_the_placeholder(world: World) -> None:
    deployment = world.deployment()["id"]
    placeholder = world.run(deployment=deployment, orchestrator_run_id=None,
                            status="initializing")
    tag = world.name("tag")
    body = world.run_body(deployment, orchestrator_environment={"a": "b"}, tags=[tag])
    run, created = ok(get_or_create(world, body))
    assert created is True
    assert (run["id"], run["name"]) == (placeholder["id"], placeholder["name"])
    assert run["body"]["status"] == "running"
    assert run["metadata"]["orchestrator_run_id"] == body["orchestrator_run_id"]
    assert run["metadata"]["orchestrator_environment"] == {"a": "b"}
    assert [item["name"] for item in run["resources"]["tags"]] == [tag]
    _, created = ok(get_or_create(world, body))
    assert created is False


def test_get_or_create_refusals(world: World) -> None:
    deployment = world.deployment()["id"]
    fails(get_or_create(world, world.run_body(deployment, orchestrator_run_id=None)),
          400, "ValueError")
    forbidden(get_or_create(world, world.run_body(deployment, user=NOBODY)))
    name = world.run()["name"]
    taken(get_or_create(world, world.run_body(deployment, name=name)))
    pipeline = world.pipeline()["id"]
    world.run(deployment=deployment, orchestrator_run_id=None, status="initializing")
    fails(get_or_create(world, world.run_body(deployment, pipeline=pipeline)), 400, "ValueError")


# Steps

def test_step(world: World) -> None:
    run = world.run()
    version = world.artifact_version()["id"]
    logs = {"uri": "/store/log", "artifact_store_id": world.artifact_store}
    first = world.step(run, "load", outputs={"output": version}, status="completed",
                       end_time="2024-05-06T07:08:20", logs=logs)
    assert first["resources"] is None
    second = world.step(run, "train", inputs={"data": version}, parent_step_ids=[first["id"]],
                        original_step_run_id=first["id"])
    read = world.api.read("/steps/" + second["id"])
    assert read["resources"] == {"model_version": None}
    assert read["body"]["inputs"]["data"]["id"] == version
    assert read["body"]["inputs"]["data"]["metadata"] is None
    assert read["body"]["outputs"] == {}
    metadata = read["metadata"]
    assert metadata["parent_step_ids"] == [first["id"]]
    assert metadata["original_step_run_id"] == first["id"]
    assert metadata["pipeline_run_id"] == run["id"]
    assert metadata["deployment_id"] == run["body"]["deployment_id"]
    assert metadata["spec"]["upstream_steps"] == ["load"]
    assert metadata["config"]["name"] == "train"
    assert (metadata["cache_key"], metadata["code_hash"], metadata["source_code"]) \
        == ("key", "hash", "pass")
    assert metadata["logs"] is None
    shown = world.api.read("/steps/" + first["id"])
    assert shown["metadata"]["logs"]["body"]["uri"] == "/store/log"
    assert shown["metadata"]["end_time"] == "2024-05-06T07:08:20"
    assert shown["body"]["outputs"]["output"]["id"] == version
    assert world.api.read(f"/steps/{first['id']}/status") == "completed"
    assert world.api.read(f"/steps/{first['id']}/step-configuration")["name"] == "load"
    of_run = world.api.read("/runs/" + run["id"])["metadata"]["steps"]
    assert {name: item["id"] for name, item in of_run.items()} \
        == {"load": first["id"], "train": second["id"]}
    assert of_run["load"]["metadata"] is None
    page = world.api.read(f"/runs/{run['id']}/steps")
    assert {item["id"] for item in page["items"]} == {first["id"], second["id"]}
    assert all(item["metadata"] is None and item["resources"] == {"model_version": None}
               for item in page["items"])


def test_step_refusals(world: World) -> None:
    run = world.run()
    world.step(run, "load")
    taken(world.api.post("/steps", world.step_body(run, "load")))
    missing(world.api.post("/steps", world.step_body(run, "train", pipeline_run_id=NOBODY)))
    for spoiled in ({"inputs": {"a": NOBODY}}, {"outputs": {"a": NOBODY}},
                    {"parent_step_ids": [NOBODY]}):
        answer = world.api.post("/steps", world.step_body(run, "train", **spoiled))
        assert answer.status_code in (404, 422) or "parent_step_ids" in spoiled
    assert len(world.api.items(f"/runs/{run['id']}/steps")) == 1
    unfit(world.api.post("/steps", world.step_body(run, "train", cache_key="x" * 256)),
          "string_too_long", "body", "cache_key")
    unfit(world.api.post("/steps", world.step_body(run, "train", source_code="x" * 65536)),
          "string_too_long", "body", "source_code")


def test_step_owner_is_not_checked(world: World) -> None:
    """A step may not be refused for the sake of its user, as long as that user exists."""
    run = world.run()
    answer = world.api.post("/steps", world.step_body(run, user=NOBODY))
    assert answer.status_code != 403


def test_step_update(world: World) -> None:
    run = world.run()
    step = world.step(run)
    path = "/steps/" + step["id"]
    produced, saved, loaded = (world.artifact_version()["id"] for _ in range(3))
    changed = world.api.change(path, {
        "outputs": {"output": produced}, "saved_artifact_versions": {"saved": saved},
        "loaded_artifact_versions": {"loaded": loaded}, "status": "completed",
        "end_time": "2024-05-06T08:00:00"})
    assert changed["resources"] is None
    assert {name: item["id"] for name, item in changed["body"]["outputs"].items()} \
        == {"output": produced, "saved": saved}
    assert {name: item["id"] for name, item in changed["body"]["inputs"].items()} \
        == {"loaded": loaded}
    assert changed["metadata"]["end_time"] == "2024-05-06T08:00:00"
    missing(world.api.put(path, {"outputs": {"more": NOBODY}}))
    assert "more" not in world.api.read(path)["body"]["outputs"]


def test_step_filters(world: World) -> None:
    run = world.run()
    one, two = world.step(run, "load", cache_key="k1"), world.step(run, "train", cache_key="k2")
    assert world.api.ids("/steps", pipeline_run_id=run["id"], cache_key="k2") == [two["id"]]
    assert world.api.ids("/steps", pipeline_run_id=run["id"], name="load") == [one["id"]]
    assert world.api.ids("/steps", pipeline_run_id=run["id"], status="completed") == []
    assert world.api.read(f"/runs/{run['id']}/steps", name="train")["total"] == 1


def test_step_that_its_deployment_does_not_know(world: World) -> None:
    run = world.run()
    answer = world.api.post("/steps", world.step_body(run, "unheard-of"))
    refused(answer)
    if not api.REFERENCE:
        assert world.api.read("/runs/" + run["id"])["metadata"]["steps"] == {}


def test_logs_of_a_step(world: World) -> None:
    step = world.step(world.run())
    answer = world.api.get(f"/steps/{step['id']}/logs")
    assert answer.status_code == 404 and isinstance(answer.json()["detail"], str)


# Status of a run

@pytest.mark.parametrize("steps,expected", [
    ({"a": "completed", "b": "completed"}, "completed"),
    ({"a": "completed", "b": "cached"}, "completed"),
    ({"a": "cached", "b": "cached"}, "completed"),
    ({"a": "completed"}, "running"),
    ({"a": "completed", "b": "running"}, "running"),
    ({"a": "failed"}, "failed"),
    ({"a": "failed", "b": "running"}, "failed"),
    ({"a": "completed", "b": "failed"}, "failed")], ids=str)
def test_status_follows_the_steps(world: World, steps: dict, expected: str) -> None:
    run = world.run({name: step_spec(name) for name in "ab"})
    for name, step_status in steps.items():
        made = world.step(run, name)
        if step_status != "running":
            world.api.change("/steps/" + made["id"], {"status": step_status})
    assert status(world, run) == expected
    ended = end_time(world, run)
    assert ended is None if expected == "running" else STAMP.fullmatch(ended)


def test_status_after_steps_created_as_done(world: World) -> None:
    run = world.run({name: step_spec(name) for name in "ab"})
    world.step(run, "a", status="cached")
    assert status(world, run) == "running"
    world.step(run, "b", status="completed")
    assert status(world, run) == "completed" and end_time(world, run)


def test_run_goes_back_to_running(world: World) -> None:
    run = world.run({"a": step_spec("a")})
    step = world.step(run, "a", status="completed")
    assert status(world, run) == "completed"
    world.api.change("/steps/" + step["id"], {"status": "running"})
    assert status(world, run) == "running" and end_time(world, run) is None


def test_same_status_keeps_the_end(world: World) -> None:
    run = world.run({"a": step_spec("a")})
    step = world.step(run, "a", status="completed")
    world.api.change("/runs/" + run["id"], {"status": "completed",
                                            "end_time": "2020-01-01T00:00:00"})
    world.api.change("/steps/" + step["id"], {"status": "cached"})
    assert end_time(world, run) == "2020-01-01T00:00:00"


# Graph

def test_graph(world: World) -> None:
    run = world.run({"load": step_spec("load"), "train": step_spec("train", ["load"]),
                     "notify": step_spec("notify", ["train"])})
    outside = world.artifact_version()
    made = world.artifact_version()
    load = world.step(run, "load", status="completed", outputs={"output": made["id"]},
                      inputs={"seed": outside["id"]})
    train = world.step(run, "train", inputs={"data": made["id"]}, parent_step_ids=[load["id"]])
    notify = world.step(run, "notify", parent_step_ids=[train["id"]])
    world.metadata("pipeline_run", run["id"], score=0.5)
    world.metadata("artifact_version", made["id"], rows=3)
    graph = world.api.read(f"/runs/{run['id']}/graph")
    assert list(graph) == ["nodes", "edges", "root_step_id", "run_metadata"]
    nodes = {node["id"]: node for node in graph["nodes"]}
    steps = {name: f"step_{step['id']}"
             for name, step in (("load", load), ("train", train), ("notify", notify))}
    artifacts = {"made": f"artifact_{made['id']}", "outside": f"artifact_{outside['id']}"}
    assert set(nodes) == {*steps.values(), *artifacts.values()}
    node = nodes[steps["load"]]
    assert node["type"] == "step"
    assert node["data"] == {
        "execution_id": load["id"], "name": "load", "status": "completed",
        "entrypoint_name": "load", "parameters": {}, "configuration": {"name": "load"},
        "inputs": {"seed": outside["body"]["uri"]}, "outputs": {"output": made["body"]["uri"]},
        "metadata": []}
    node = nodes[artifacts["made"]]
    assert node["type"] == "artifact"
    assert node["data"] == {
        "execution_id": made["id"], "name": "output", "status": "created", "is_cached": False,
        "artifact_type": "DataArtifact", "artifact_data_type": "builtins.int",
        "parent_step_id": steps["load"], "producer_step_id": load["id"],
        "uri": made["body"]["uri"], "metadata": [["rows", "3", "int"]]}
    data = nodes[artifacts["outside"]]["data"]
    assert (data["status"], data["parent_step_id"], data["name"]) == ("external", "None", "seed")
    assert {(edge["source"], edge["target"]) for edge in graph["edges"]} == {
        (steps["load"], artifacts["made"]), (artifacts["outside"], steps["load"]),
        (artifacts["made"], steps["train"]), (steps["train"], steps["notify"])}
    assert all(edge["id"] == f"{edge['source']}_{edge['target']}" for edge in graph["edges"])
    assert graph["root_step_id"] in steps.values()
    assert graph["run_metadata"] == [["score", "0.5", "float"]]


def test_graph_of_an_empty_run(world: World) -> None:
    run = world.run()
    assert world.api.read(f"/runs/{run['id']}/graph") == {
        "nodes": [], "edges": [], "root_step_id": None, "run_metadata": []}
    for part in ("graph", "steps", "status", "pipeline-configuration"):
        missing(world.api.get(f"/runs/{NOBODY}/{part}"))


def test_cached_artifacts_in_the_graph(world: World) -> None:
    run = world.run({"load": step_spec("load")})
    version = world.artifact_version()["id"]
    world.step(run, "load", status="cached", outputs={"output": version})
    graph = world.api.read(f"/runs/{run['id']}/graph")
    data = next(node["data"] for node in graph["nodes"] if node["type"] == "artifact")
    assert data["status"] == "cached" and data["is_cached"] is True


# Metadata of runs, steps, artifact and model versions

def test_metadata(world: World) -> None:
    run = world.run()
    values = {"i": 1, "f": 1.5, "t": "x", "b": True, "l": [1, "2"], "d": {"k": [None]},
              "u": "http://x", "s": 5}
    types = {"i": "int", "f": "float", "t": "str", "b": "bool", "l": "list", "d": "dict",
             "u": "Uri", "s": "StorageSize"}
    made = world.api.make(world.ws + "/run-metadata", world.metadata_body(
        "pipeline_run", run["id"], values, types, stack_component_id=world.orchestrator))
    assert [(item["body"]["key"], item["body"]["value"], item["body"]["type"])
            for item in made] == [(key, values[key], types[key]) for key in values]
    assert made[0]["metadata"]["resource_id"] == run["id"]
    assert made[0]["metadata"]["resource_type"] == "pipeline_run"
    assert made[0]["metadata"]["stack_component_id"] == world.orchestrator
    shown = world.api.read("/runs/" + run["id"])["metadata"]["run_metadata"]
    assert {key: item["body"]["value"] for key, item in shown.items()} == values
    assert all(item["metadata"] is None for item in shown.values())
    one = world.api.read("/run-metadata/" + made[0]["id"])
    assert one["metadata"] is None
    assert world.api.read("/run-metadata/" + made[0]["id"], hydrate="true") == made[0]
    page = world.api.read("/run-metadata", resource_id=run["id"], key="startswith:i")
    assert [item["id"] for item in page["items"]] == [made[0]["id"]]
    assert world.api.read("/run-metadata", resource_id=run["id"],
                          resource_type="step_run")["total"] == 0


@pytest.mark.parametrize("kind", ["pipeline_run", "step_run", "artifact_version",
                                  "model_version"])
def test_metadata_of_each_kind(world: World, kind: str) -> None:
    run = world.run()
    resource, path = {
        "pipeline_run": lambda: (run, "/runs/"),
        "step_run": lambda: (world.step(run), "/steps/"),
        "artifact_version": lambda: (world.artifact_version(), "/artifact_versions/"),
        "model_version": lambda: (world.model_version(world.model()["id"]), "/model_versions/"),
    }[kind]()
    world.metadata(kind, resource["id"], size=5)
    world.metadata(kind, resource["id"], name="n")
    shown = world.api.read(path + resource["id"])["metadata"]["run_metadata"]
    assert {key: item["body"]["value"] for key, item in shown.items()} == {"size": 5, "name": "n"}
    assert all((item["metadata"] is not None) == (kind == "model_version")
               for item in shown.values())
    missing(world.api.post(world.ws + "/run-metadata", world.metadata_body(
        kind, NOBODY, {"a": 1}, {"a": "int"})))


def test_metadata_history_is_kept(world: World) -> None:
    run = world.run()["id"]
    world.metadata("pipeline_run", run, score=1)
    world.metadata("pipeline_run", run, score=2)
    assert world.api.read("/run-metadata", resource_id=run)["total"] == 2
    assert list(world.api.read("/runs/" + run)["metadata"]["run_metadata"]) == ["score"]


def test_metadata_that_does_not_fit(world: World) -> None:
    run, where = world.run()["id"], world.ws + "/run-metadata"
    lacking = world.metadata_body("pipeline_run", run, {"a": 1}, {"a": "int"})
    del lacking["stack_component_id"]
    unfit(world.api.post(where, lacking), "missing", "body", "stack_component_id")
    problems(world.api.post(where, world.metadata_body(
        "pipeline_run", run, {"a": 1}, {"a": "colour"})))
    unfit(world.api.post(where, world.metadata_body("stack", run, {"a": 1}, {"a": "int"})),
          "enum", "body", "resource_type")
    problems(world.api.post(where, world.metadata_body(
        "pipeline_run", run, {"a": None}, {"a": "str"})))
    assert world.api.read("/run-metadata", resource_id=run)["total"] == 0
    forbidden(world.api.post(where, world.metadata_body(
        "pipeline_run", run, {"a": 1}, {"a": "int"}, user=NOBODY)))


def test_metadata_is_written_whole_or_not_at_all(world: World) -> None:
    run = world.run()["id"]
    answer = world.api.post(world.ws + "/run-metadata", world.metadata_body(
        "pipeline_run", run, {"a": 1, "b": 2}, {"a": "int"}))
    fails(answer, 404, "KeyError")
    if not api.REFERENCE:
        assert world.api.read("/run-metadata", resource_id=run)["total"] == 0


def test_names_with_a_shared_beginning(world: World) -> None:
    name = world.name("run") + uuid.uuid4().hex
    one = world.run(name=name)
    assert world.api.ids("/runs", name=name[:-1]) == []
    assert world.api.ids("/runs", name="startswith:" + name[:-1]) == [one["id"]]
