"""Pipelines, builds, deployments, schedules, code repositories."""

from __future__ import annotations

import pytest

from kit.api import NOBODY, problems, refused, taken, unfit
from kit.factory import World, step_spec

pytestmark = pytest.mark.sanitize


# Pipelines

def test_pipeline(world: World) -> None:
    tag = world.name("tag")
    made = world.pipeline(description="Does.", tags=[tag, tag])
    assert made["body"]["latest_run_id"] is None and made["body"]["latest_run_status"] is None
    assert made["metadata"]["description"] == "Does."
    assert [item["name"] for item in made["resources"]["tags"]] == [tag]
    listed = world.api.items("/pipelines", id=made["id"])[0]
    assert listed["resources"] == made["resources"] and listed["metadata"] is None


def test_pipeline_knows_its_latest_run(world: World) -> None:
    pipeline = world.pipeline()["id"]
    deployment = world.deployment(pipeline=pipeline)["id"]
    run = world.run(deployment=deployment, pipeline=pipeline, status="failed")
    body = world.api.read("/pipelines/" + pipeline)["body"]
    assert (body["latest_run_id"], body["latest_run_status"]) == (run["id"], "failed")
    assert world.api.ids(f"/pipelines/{pipeline}/runs") == [run["id"]]
    assert world.api.ids(f"/pipelines/{NOBODY}/runs") == []
    world.api.change("/runs/" + run["id"], {"status": "completed"})
    assert world.api.read("/pipelines/" + pipeline)["body"]["latest_run_status"] == "completed"


def test_pipeline_update(world: World) -> None:
    one, two = world.name("tag"), world.name("tag")
    made = world.pipeline(description="Does.", tags=[one])
    path = "/pipelines/" + made["id"]
    changed = world.api.change(path, {"add_tags": [two], "remove_tags": [one, "no-such-tag"]})
    assert [tag["name"] for tag in changed["resources"]["tags"]] == [two]
    assert changed["metadata"]["description"] is None
    assert changed["name"] == made["name"]


def test_pipelines_by_latest_run(world: World) -> None:
    prefix = world.name("latest")
    old, new = (world.pipeline(name=f"{prefix}-{key}") for key in "ab")
    order = world.api.ids("/pipelines", name="startswith:" + prefix, sort_by="desc:latest_run")
    assert set(order) == {old["id"], new["id"]}


def test_pipeline_by_tag(world: World) -> None:
    tag = world.name("tag")
    made = world.pipeline(tags=[tag])
    world.pipeline(tags=[world.name("tag")])
    assert world.api.ids("/pipelines", tag=tag) == [made["id"]]
    assert world.api.ids("/pipelines", tag=tag, name="no such") == []


def test_deleted_pipeline_leaves_its_runs(world: World) -> None:
    pipeline = world.pipeline(tags=[world.name("tag")])
    tag = pipeline["resources"]["tags"][0]["id"]
    deployment = world.deployment(pipeline=pipeline["id"])
    run = world.run(deployment=deployment["id"], pipeline=pipeline["id"])
    schedule = world.schedule(pipeline_id=pipeline["id"])
    world.api.remove("/pipelines/" + pipeline["id"])
    assert world.api.read("/runs/" + run["id"])["body"]["pipeline"] is None
    assert world.api.read("/pipeline_deployments/" + deployment["id"])["metadata"]["pipeline"] \
        is None
    assert world.api.read("/schedules/" + schedule["id"])["metadata"]["pipeline_id"] is None
    assert world.api.read("/tags/" + tag)["body"]["tagged_count"] == 0


# Builds

def test_build(world: World) -> None:
    made = world.build(
        stack=world.stack_id, zenml_version="0.66.0", python_version="3.11.7", checksum="c0ffee",
        stack_checksum="5", images={"orchestrator": {"image": "r/i:1", "dockerfile": "FROM x"}})
    metadata = made["metadata"]
    assert metadata["stack"]["id"] == world.stack_id and metadata["pipeline"] is None
    assert metadata["images"] == {"orchestrator": {
        "image": "r/i:1", "dockerfile": "FROM x", "requirements": None, "settings_checksum": None,
        "contains_code": True, "requires_code_download": False}}
    assert metadata["is_local"] is True and metadata["contains_code"] is False
    assert (metadata["zenml_version"], metadata["checksum"]) == ("0.66.0", "c0ffee")
    assert world.api.ids("/pipeline_builds", checksum="c0ffee", id=made["id"]) == [made["id"]]


def test_build_of_an_unknown_stack(world: World) -> None:
    refused(world.api.post(world.ws + "/pipeline_builds", world.owned | {
        "is_local": True, "contains_code": True, "images": {}, "stack": NOBODY}))


def test_build_cannot_be_changed(world: World) -> None:
    assert world.api.put("/pipeline_builds/" + world.build()["id"], {}).status_code == 405


# Deployments

def test_deployment_is_completed_with_defaults(world: World) -> None:
    made = world.deployment()
    metadata = made["metadata"]
    assert metadata["pipeline_configuration"] == {
        "enable_cache": None, "enable_artifact_metadata": None,
        "enable_artifact_visualization": None, "enable_step_logs": None, "settings": {},
        "extra": {}, "failure_hook_source": None, "success_hook_source": None,
        "model": None, "parameters": None, "retry": None, "name": "p"}
    step = metadata["step_configurations"]["train"]
    assert step["spec"] == {
        "source": {"module": "pipelines", "attribute": "train", "type": "user"},
        "upstream_steps": ["load"], "inputs": {}, "pipeline_parameter_name": "train"}
    assert {key: step["config"][key] for key in (
        "name", "parameters", "settings", "extra", "step_operator", "experiment_tracker",
        "caching_parameters", "external_input_artifacts", "outputs")} == {
            "name": "train", "parameters": {}, "settings": {}, "extra": {},
            "step_operator": None, "experiment_tracker": None, "caching_parameters": {},
            "external_input_artifacts": {},
            "outputs": {"output": step["config"]["outputs"]["output"]}}
    assert metadata["client_environment"] == {"os": "linux"}
    assert metadata["stack"]["id"] == world.stack_id
    assert world.api.read("/pipeline_deployments/" + made["id"]) == made


def test_sources_as_text(world: World) -> None:
    steps = {"load": {"spec": {"source": "pkg.mod.load", "upstream_steps": []},
                      "config": {"name": "load"}}}
    made = world.deployment(steps)
    assert made["metadata"]["step_configurations"]["load"]["spec"]["source"] == {
        "module": "pkg.mod", "attribute": "load", "type": "unknown"}


def test_numbers_and_texts_in_parameters_survive(world: World) -> None:
    parameters = {"a": 1, "b": 1.5, "c": "é\n\"", "d": [1, {"e": None}], "f": True,
                  "g": 2**63 - 1, "m": -(2**63), "h": 1e-7, "i": -0.1, "j": {}, "k": []}
    steps = {"load": step_spec("load", parameters=parameters)}
    made = world.deployment(steps)
    read = world.api.read("/pipeline_deployments/" + made["id"])
    assert read["metadata"]["step_configurations"]["load"]["config"]["parameters"] == parameters


@pytest.mark.parametrize("spoil,place", [
    (lambda steps: steps["load"]["config"].update(no_such=1), "config"),
    (lambda steps: steps["load"]["spec"].update(no_such=1), "spec"),
    (lambda steps: steps["load"].update(no_such=1), "no_such"),
    (lambda steps: steps["load"].pop("spec"), "spec"),
    (lambda steps: steps["load"]["config"].pop("name"), "config"),
    (lambda steps: steps["load"]["spec"].update(source=5), "spec")])
def test_step_that_does_not_fit(world: World, spoil, place: str) -> None:
    steps = {"load": step_spec("load")}
    spoil(steps)
    found = problems(world.api.post(world.ws + "/pipeline_deployments",
                                    world.deployment_body(steps)))
    assert all(problem["loc"][:3] == ["body", "step_configurations", "load"]
               for problem in found)
    assert any(place in problem["loc"] for problem in found)


def test_docstring_of_a_step_is_dropped(world: World) -> None:
    made = world.deployment({"load": step_spec("load", docstring="Does.", inputs={})})
    assert "docstring" not in made["metadata"]["step_configurations"]["load"]["config"]


def test_pipeline_configuration_is_strict(world: World) -> None:
    where = world.ws + "/pipeline_deployments"
    unfit(world.api.post(where, world.deployment_body(
        pipeline_configuration={"name": "p", "no_such": 1})),
        "extra_forbidden", "body", "pipeline_configuration", "no_such")
    found = problems(world.api.post(where, world.deployment_body(
        pipeline_configuration={"name": "unlisted"})))
    assert found[0]["type"] == "value_error"


def test_deployment_of_an_unknown_stack(world: World) -> None:
    for key in ("stack", "pipeline", "build", "schedule"):
        refused(world.api.post(world.ws + "/pipeline_deployments",
                               world.deployment_body(**{key: NOBODY})))


def test_code_references_are_shared(world: World) -> None:
    repository = world.code_repository()
    reference = {"commit": "abc", "subdirectory": "sub", "code_repository": repository["id"]}
    one, two = (world.deployment(code_reference=reference) for _ in range(2))
    shown = one["metadata"]["code_reference"]
    assert shown == two["metadata"]["code_reference"]
    assert (shown["body"]["commit"], shown["body"]["subdirectory"]) == ("abc", "sub")
    assert shown["body"]["code_repository"]["id"] == repository["id"]
    three = world.deployment(code_reference=reference | {"commit": "def"})
    assert three["metadata"]["code_reference"]["id"] != shown["id"]
    world.api.remove("/code_repositories/" + repository["id"])
    assert world.api.read("/pipeline_deployments/" + one["id"])["metadata"]["code_reference"] \
        is None


def test_deployment_takes_its_runs_along(world: World) -> None:
    deployment = world.deployment()
    run = world.run(deployment=deployment["id"])
    step = world.step(run)
    world.api.remove("/pipeline_deployments/" + deployment["id"])
    assert world.api.get("/runs/" + run["id"]).status_code == 404
    assert world.api.get("/steps/" + step["id"]).status_code == 404


# Schedules

def test_schedule(world: World) -> None:
    made = world.schedule(cron_expression=None, start_time="2030-01-02T03:04:05+02:00",
                          interval_second=5400.5, orchestrator_id=world.orchestrator)
    assert made["body"]["start_time"] == "2030-01-02T01:04:05"  # UTC
    assert made["body"]["interval_second"] == "PT1H30M0.5S"
    assert made["metadata"]["orchestrator_id"] == world.orchestrator
    assert made["body"]["cron_expression"] is None and made["body"]["catchup"] is False


@pytest.mark.parametrize("given", ["PT1M30S", 90, "00:01:30", 90.0])
def test_notations_of_a_duration(world: World, given: object) -> None:
    made = world.schedule(start_time="2030-01-01T00:00:00", interval_second=given)
    assert made["body"]["interval_second"] == "PT1M30S"


@pytest.mark.parametrize("timing", [
    {}, {"start_time": "2030-01-01T00:00:00"}, {"interval_second": 5},
    {"start_time": "2030-01-01T00:00:00", "interval_second": 0}])
def test_schedule_without_a_time(world: World, timing: dict) -> None:
    found = problems(world.api.post(world.ws + "/schedules", world.schedule_body(
        cron_expression=None, **timing)))
    assert [problem["type"] for problem in found] == ["value_error"]


def test_schedule_at_one_time(world: World) -> None:
    made = world.schedule(cron_expression=None, run_once_start_time="2030-01-01 05:06:07")
    assert made["body"]["run_once_start_time"] == "2030-01-01T05:06:07"


@pytest.mark.parametrize("text", ["tomorrow", "2030-13-01T00:00:00", "2030-01-01T25:00:00", [1]])
def test_time_that_is_none(world: World, text: object) -> None:
    found = problems(world.api.post(world.ws + "/schedules",
                                    world.schedule_body(start_time=text)))
    assert found[0]["loc"] == ["body", "start_time"]
    assert found[0]["type"].startswith("datetime")


@pytest.mark.parametrize("given,shown", [
    ("2030-01-02", "2030-01-02T00:00:00"), ("2030-01-02T03:04:05Z", "2030-01-02T03:04:05"),
    (1893456000, "2030-01-01T00:00:00"), ("1893456000", "2030-01-01T00:00:00"),
    ("2030-01-02 03:04", "2030-01-02T03:04:00")])
def test_notations_of_a_time(world: World, given: object, shown: str) -> None:
    assert world.schedule(start_time=given)["body"]["start_time"] == shown


def test_schedule_update(world: World) -> None:
    made = world.schedule()
    path = "/schedules/" + made["id"]
    changed = world.api.change(path, {"active": False, "cron_expression": "1 * * * *",
                                      "name": None, "pipeline_id": NOBODY})
    assert changed["name"] == made["name"]
    assert changed["body"]["active"] is False
    assert changed["body"]["cron_expression"] == "1 * * * *"
    assert changed["metadata"]["pipeline_id"] is None
    assert world.api.ids("/schedules", id=made["id"], active="false") == [made["id"]]


def test_schedule_names_may_repeat(world: World) -> None:
    name = world.name("schedule")
    assert world.schedule(name=name)["id"] != world.schedule(name=name)["id"]


# Code repositories

def test_code_repository(world: World) -> None:
    made = world.code_repository(description="d", logo_url="http://l")
    assert made["body"]["source"]["attribute"] == "Repository"
    assert made["body"]["logo_url"] == "http://l"
    assert made["metadata"]["config"] == {"owner": "o", "repository": "r"}
    changed = world.api.change("/code_repositories/" + made["id"], {
        "name": world.name("other"), "description": "", "config": {"x": 1}, "source": None})
    assert changed["name"] != made["name"]
    assert changed["metadata"]["description"] == "d"
    assert changed["metadata"]["config"] == {"owner": "o", "repository": "r"}


def test_code_repository_may_be_renamed_to_a_taken_name(world: World) -> None:
    one, two = world.code_repository(), world.code_repository()
    world.api.change("/code_repositories/" + two["id"], {"name": one["name"]})
    body = world.owned | {"name": one["name"], "config": {}, "source": two["body"]["source"]}
    taken(world.api.post(world.ws + "/code_repositories", body))
