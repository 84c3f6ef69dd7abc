"""Runs from templates: what is checked, what a new deployment is made of, how a workload is started and looked after."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import time
from pathlib import Path
from typing import Any, Callable, Iterator

import pytest
from kit.api import NOBODY, Api
from kit.control_plane import ControlPlane
from kit.factory import World, step_spec
from kit.process import REPOSITORY, wait_until
from kit.servers import JWT_KEY, SECRETS_KEY, Kanso
from kit.workloads import Workloads

SERVER_URL = "http://kanso.test:8080"
RUNNER = "zenml.zen_server.template_execution.runner_entrypoint_configuration.RunnerEntrypointConfiguration"
DOCKERFILE = ("FROM zenmldocker/zenml:0.66.0-py3.10\nRUN pip install --default-timeout=60 --no-cache-dir "
              "'aws-profile-manager' 'boto3' 'kubernetes>=21.7,<26' 's3fs>2022.3.0'")


@pytest.fixture(scope="module")
def workloads(workspace_directory: Path) -> Workloads:
    return Workloads(workspace_directory / "workloads")


@pytest.fixture(scope="module")
def kanso(launch: Callable[..., Kanso], workloads: Workloads) -> Kanso:
    return launch(KANSO_LOGIN_RATE="0", ZENML_SERVER_SERVER_URL=SERVER_URL, KANSO_WORKLOAD_TIMEOUT="15",
                  ZENML_SERVER_WORKLOAD_MANAGER_IMPLEMENTATION_SOURCE="kanso.command",
                  KANSO_WORKLOAD_COMMAND=str(workloads.program))


@pytest.fixture(scope="module")
def world(kanso: Kanso) -> World:
    return World(Api(kanso.url))


@pytest.fixture(autouse=True)
def plain_plan(request: pytest.FixtureRequest) -> Iterator[None]:
    yield
    if "workloads" in request.fixturenames:
        request.getfixturevalue("workloads").plan()


def template_of(world: World, steps: dict[str, Any] | None = None, build: dict[str, Any] | None = None,
                **changes: Any) -> dict[str, Any]:
    """A template whose build says its versions."""
    pipeline = world.pipeline()["id"]
    made = world.build(**{"is_local": False, "contains_code": True, "stack": world.remote_stack, "pipeline": pipeline,
                          "zenml_version": "0.66.0", "python_version": "3.10.12"} | (build or {}))
    source = world.deployment(steps, **{"pipeline": pipeline, "build": made["id"], "stack": world.remote_stack} | changes)
    return world.template(source_deployment_id=source["id"])


def start(world: World, template: dict[str, Any] | str, config: dict[str, Any] | None = None) -> dict[str, Any]:
    path = f"/run_templates/{template if isinstance(template, str) else template['id']}/runs"
    return world.api.make(path, config)


def refused(world: World, template: dict[str, Any] | str, config: dict[str, Any] | None = None) -> tuple[int, Any]:
    path = f"/run_templates/{template if isinstance(template, str) else template['id']}/runs"
    answer = world.api.post(path, config)
    said = answer.json()
    return answer.status_code, said["detail"] if isinstance(said, dict) else said


def run_of(world: World, run: dict[str, Any]) -> dict[str, Any]:
    return world.api.read(f"/runs/{run['id']}")


def until_failed(world: World, run: dict[str, Any]) -> str:
    """The log of a run that fails to start."""
    wait_until(lambda: run_of(world, run)["body"]["status"] == "failed", 60, "the failure of a run")
    return world.api.read(f"/pipeline_deployments/{run['body']['deployment_id']}/logs")


def until_started(world: World, run: dict[str, Any]) -> str:
    log = f"/pipeline_deployments/{run['body']['deployment_id']}/logs"
    wait_until(lambda: "started successfully" in world.api.read(log), 60, "the start of a run")
    return world.api.read(log)


def until_log_is(world: World, run: dict[str, Any], text: str) -> None:
    """A busy manager may not give its log at the first time."""
    log = f"/pipeline_deployments/{run['body']['deployment_id']}/logs"
    wait_until(lambda: world.api.read(log) == text, 60, f"the log {text!r}")


def test_a_run_is_started(world: World, workloads: Workloads) -> None:
    template = template_of(world)
    run = start(world, template)
    deployment = run["body"]["deployment_id"]
    assert run["body"]["status"] == "initializing"
    assert run["body"]["user"]["id"] == world.user
    assert run["metadata"]["orchestrator_run_id"] is None
    assert run["metadata"]["start_time"] and not run["metadata"]["end_time"]
    assert run["metadata"]["template_id"] == template["id"]
    until_log_is(world, run, "Starting pipeline run.\nPipeline run started successfully.\na line of the workload\n")
    [build] = workloads.calls("build", deployment)
    digest = hashlib.md5(DOCKERFILE.encode()).hexdigest()
    assert build["dockerfile"] == DOCKERFILE and digest == "ce468ffe661b31440b5bc70bb00a1d6a"
    assert build["image_name"] == f"zenml-runner:{digest}"
    [call] = workloads.calls("run", deployment)
    token = call["environment"].pop("ZENML_STORE_API_TOKEN")
    assert call == {
        "operation": "run", "workload_id": deployment, "image": f"registry.test/zenml-runner:{digest}",
        "command": ["python", "-m", "zenml.entrypoints.entrypoint"],
        "arguments": ["--entrypoint_config_source", RUNNER, "--deployment_id", deployment],
        "environment": {"ZENML_ACTIVE_WORKSPACE_ID": world.workspace, "ZENML_ACTIVE_STACK_ID": world.remote_stack,
                        "ZENML_VERSION": "0.66.0", "ZENML_STORE_URL": SERVER_URL, "ZENML_STORE_TYPE": "rest",
                        "ZENML_STORE_VERIFY_SSL": "True"},
        "timeout_in_seconds": 86400}
    claims = json.loads(base64.urlsafe_b64decode(token.split(".")[1] + "=="))
    assert claims["sub"] == world.user and claims["pipeline_id"] == run["body"]["pipeline"]["id"]
    assert "exp" not in claims


# What is checked -------------------------------------------------------------------------------------------------------


def counts(world: World, kanso: Kanso) -> list[list[str]]:
    return kanso.sql("SELECT (SELECT COUNT(*) FROM pipeline_deployment), (SELECT COUNT(*) FROM pipeline_run), "
                     "(SELECT COUNT(*) FROM kanso_job), (SELECT COUNT(*) FROM kanso_name_guard)")


def test_an_unknown_template(world: World) -> None:
    assert refused(world, NOBODY) == (404, [
        "KeyError", f"'Unable to get run template with ID {NOBODY}: No run template with this ID found.'"])
    assert refused(world, "nothing")[0] == 422


def test_what_is_gone(world: World) -> None:
    deployment, build = template_of(world), template_of(world)
    source = world.api.read(f"/run_templates/{deployment['id']}")["resources"]["source_deployment"]["id"]
    world.api.remove(f"/pipeline_deployments/{source}")
    made = world.api.read(f"/run_templates/{build['id']}")["resources"]["build"]["id"]
    world.api.remove(f"/pipeline_builds/{made}")
    for template in (deployment, build):
        status, (name, text) = refused(world, template)
        assert (status, name) == (400, "ValueError") and "have been deleted" in text


def test_the_checksum_of_the_stack(world: World) -> None:
    right = hashlib.md5(b"kubernetess3").hexdigest()
    start(world, template_of(world, build={"stack_checksum": right}))
    status, (name, text) = refused(world, template_of(world, build={"stack_checksum": hashlib.md5(b"s3").hexdigest()}))
    assert (status, name) == (400, "ValueError") and "new template" in text


def test_components_have_to_work_from_here(world: World, kanso: Kanso) -> None:
    parts = {"orchestrator": world.component(flavor="kubernetes"),
             "artifact_store": world.component(type="artifact_store", flavor="s3", configuration={"path": "s3://b"})}
    stack = world.stack(components={kind: [part["id"]] for kind, part in parts.items()})["id"]
    template = template_of(world, build={"stack": stack})
    kanso.sql(f"UPDATE stack_component SET flavor = 'local' WHERE id = '{parts['artifact_store']['id'].replace('-', '')}'")
    assert refused(world, template) == (400, ["ValueError", "No local stack components allowed."])
    flavor = world.flavor(type="artifact_store")
    kanso.sql(f"UPDATE stack_component SET flavor = '{flavor['name']}' "
              f"WHERE id = '{parts['artifact_store']['id'].replace('-', '')}'")
    kanso.sql(f"UPDATE flavor SET workspace_id = '{world.workspace.replace('-', '')}' "
              f"WHERE id = '{flavor['id'].replace('-', '')}'")
    assert refused(world, template) == (400, ["ValueError", "No custom stack component flavors allowed."])


REFUSED = {
    "parameters": ({"parameters": {"a": 1}}, "Can't set parameters when running pipeline via Rest API."),
    "build": ({"build": NOBODY}, "Can't set build when running pipeline via Rest API."),
    "built": ({"build": {"is_local": False, "contains_code": True}}, "Can't set build when running pipeline via Rest API."),
    "schedule": ({"schedule": {"cron_expression": "* * * * *"}},
                 "Can't set schedule when running pipeline via Rest API."),
    "docker": ({"settings": {"docker": {}}}, "Can't set DockerSettings when running pipeline via Rest API."),
    "docker of a step": ({"steps": {"load": {"settings": {"docker": {"a": 1}}}}},
                         "Can't set DockerSettings when running pipeline via Rest API."),
    "docker of no step": ({"steps": {"ghost": {"settings": {"docker": {"a": 1}}}}},
                          "Can't set DockerSettings when running pipeline via Rest API."),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_set(world: World, kanso: Kanso, case: str) -> None:
    config, text = REFUSED[case]
    template = template_of(world)
    before = counts(world, kanso)
    assert refused(world, template, config) == (400, ["ValueError", text])
    assert counts(world, kanso) == before


@pytest.mark.parametrize("config", [
    {"unknown": 1}, {"steps": {"load": {"unknown": 1}}}, {"enable_cache": "maybe"}, {"steps": []}, {"settings": None},
    {"retry": {"max_retries": "many"}}, {"model": {}}, {"schedule": {}}, {"build": "x"}, [1], "text", {"run_name": 1},
    {"steps": {"load": {"outputs": {"output": {"unknown": 1}}}}}])
def test_what_is_no_run_configuration(world: World, config: Any) -> None:
    status, detail = refused(world, template_of(world), config)
    assert status == 422, detail


def test_what_does_not_fit_the_template(world: World, kanso: Kanso) -> None:
    template = template_of(world)
    before = counts(world, kanso)
    status, (name, text) = refused(world, template, {"steps": {"load": {"outputs": {"new": {}}}}})
    assert (status, name) == (422, "ValueError") and "materializer_source" in text
    assert counts(world, kanso) == before


def test_parameters_are_all_of_the_source(world: World) -> None:
    steps = {"load": step_spec("load", parameters={"a": 1}), "train": step_spec("train", ["load"])}
    template = template_of(world, steps)

    def missing(name: str, text: str) -> tuple[int, list[str]]:
        return 400, ["ValueError", "Run configuration is missing missing the following required parameters for step "
                                   f"{name}: {text}."]

    assert refused(world, template) == missing("load", "{'a'}")
    assert refused(world, template, {"steps": {"load": {"parameters": {"b": 1}}}}) == missing("load", "{'a'}")
    assert refused(world, template, {"steps": {"load": {"parameters": {"a": 1, "b": 1}}}}) == missing("load", "set()")
    assert refused(world, template, {"steps": {"load": {"parameters": {"a": 1}}, "train": {"parameters": {"a": 1}}}}
                   ) == missing("train", "set()")
    run = start(world, template, {"steps": {"load": {"parameters": {"a": {"any": [1]}}}}})
    deployment = world.api.read(f"/pipeline_deployments/{run['body']['deployment_id']}")
    assert deployment["metadata"]["step_configurations"]["load"]["config"]["parameters"] == {"a": {"any": [1]}}


def test_a_name_is_used_once(world: World, kanso: Kanso) -> None:
    template, name = template_of(world), world.name("run")
    assert start(world, template, {"run_name": name})["name"] == name
    before = counts(world, kanso)
    status, (error, _) = refused(world, template, {"run_name": name})
    assert (status, error) == (409, "EntityExistsError")
    assert counts(world, kanso) == before
    for bad in ("{other}", "}", "x" * 256):
        assert refused(world, template, {"run_name": bad})[0] == 400
    assert counts(world, kanso) == before
    run = start(world, template, {"run_name": "{date} {time} {{" + name + "}}"})
    assert run["name"].endswith(" {" + name + "}")
    assert world.api.read(f"/pipeline_deployments/{run['body']['deployment_id']}")["metadata"]["run_name_template"]


def test_versions_that_are_none(world: World) -> None:
    for version in (None, "0.66.0\nRUN id", "0.66.0 AS x"):
        status, (name, text) = refused(world, template_of(world, build={"zenml_version": version}))
        assert (status, name) == (400, "ValueError") and "version" in text


# The new deployment ----------------------------------------------------------------------------------------------------


def test_what_a_new_deployment_is_made_of(world: World) -> None:
    repository = world.code_repository()["id"]
    steps = {"load": step_spec("load", enable_cache=True, extra={"of": "source"}, caching_parameters={"k": 1})}
    template = template_of(world, steps, code_path="code", pipeline_version_hash="hash", client_environment={"os": "x"},
                           pipeline_configuration={"name": "p", "enable_cache": True, "extra": {"of": "source"},
                                                   "parameters": {"lr": 1}},
                           pipeline_spec={"steps": [{"source": "a.b", "upstream_steps": []}]},
                           code_reference={"commit": "c", "subdirectory": "s", "code_repository": repository})
    source = world.api.read(f"/run_templates/{template['id']}")["resources"]["source_deployment"]["id"]
    run = start(world, template, {
        "enable_step_logs": False, "extra": {"of": "run"},
        "settings": {"orchestrator.kubernetes": {"synchronous": True, "timeout": 3}},
        "steps": {"load": {"extra": {"step": 1}, "name": "ignored"}, "ghost": {"enable_cache": True}}})
    old = world.api.read(f"/pipeline_deployments/{source}")
    new = world.api.read(f"/pipeline_deployments/{run['body']['deployment_id']}")
    assert new["body"]["user"]["id"] == world.user
    for member in ("stack", "pipeline", "build", "workspace", "code_path", "pipeline_version_hash", "pipeline_spec"):
        assert new["metadata"][member] == old["metadata"][member], member
    for member in ("commit", "subdirectory", "code_repository"):
        assert (new["metadata"]["code_reference"]["body"] | (new["metadata"]["code_reference"]["metadata"] or {})).get(
            member) == (old["metadata"]["code_reference"]["body"] | (old["metadata"]["code_reference"]["metadata"] or {})
                        ).get(member), member
    assert new["metadata"]["client_environment"] == {}
    assert new["metadata"]["client_version"] == new["metadata"]["server_version"] == "0.66.0"
    assert new["metadata"]["schedule"] is None and new["metadata"]["template_id"] == template["id"]
    assert new["metadata"]["run_name_template"] == "p-{date}-{time}"
    pipeline = new["metadata"]["pipeline_configuration"]
    assert (pipeline["name"], pipeline["parameters"], pipeline["extra"]) == ("p", {"lr": 1}, {"of": "run"})
    assert pipeline["enable_cache"] is None and pipeline["enable_step_logs"] is False
    assert pipeline["settings"] == {"orchestrator.kubernetes": {"synchronous": False, "timeout": 3}}
    step = new["metadata"]["step_configurations"]["load"]
    assert step["spec"] == old["metadata"]["step_configurations"]["load"]["spec"]
    assert step["config"]["name"] == "load" and step["config"]["caching_parameters"] == {"k": 1}
    assert step["config"]["extra"] == {"of": "run", "step": 1}
    assert step["config"]["enable_cache"] is None and step["config"]["enable_step_logs"] is None
    assert list(new["metadata"]["step_configurations"]) == ["load"]


def test_the_placeholder_is_taken_over(world: World, workloads: Workloads, kanso: Kanso) -> None:
    run = start(world, template_of(world))
    until_started(world, run)
    token = workloads.calls("run", run["body"]["deployment_id"])[0]["environment"]["ZENML_STORE_API_TOKEN"]
    runner = Api(kanso.url, None)
    runner.session.headers["Authorization"] = "Bearer " + token
    body = world.run_body(run["body"]["deployment_id"], pipeline=run["body"]["pipeline"]["id"])
    taken, created = runner.make(world.ws + "/runs/get-or-create", body)
    assert created and taken["id"] == run["id"] and taken["body"]["status"] == "running"
    workloads.set_state(run["body"]["deployment_id"], "failed")
    wait_until(lambda: kanso.sql("SELECT state FROM kanso_job WHERE kind = 'watch' AND subject = "
                                 f"'{run['body']['deployment_id'].replace('-', '')}'") == [["done"]], 60, "the watch's end")
    assert run_of(world, run)["body"]["status"] == "running"


# Permissions, schemes, settings ------------------------------------------------------------------------------------------


def test_routes_need_a_workload_manager(launch: Callable[..., Kanso], world: World, kanso: Kanso) -> None:
    without = launch(database=kanso.database, workers="all", KANSO_LOGIN_RATE="0", KANSO_JOBS="0")
    api, template = Api(without.url), template_of(world)
    assert api.post(f"/run_templates/{template['id']}/runs").status_code == 405
    assert api.get(f"/pipeline_deployments/{NOBODY}/logs").status_code == 404
    paths = api.session.get(without.url + "/openapi.json", timeout=60).json()["paths"]
    assert "/api/v1/run_templates/{template_id}/runs" not in paths
    document = world.api.session.get(kanso.url + "/openapi.json", timeout=60).json()
    operation = document["paths"]["/api/v1/run_templates/{template_id}/runs"]["post"]
    assert "PipelineRunConfiguration" in json.dumps(operation["requestBody"]) and not operation["requestBody"].get("required")
    assert "PipelineRunResponse" in json.dumps(operation["responses"]["200"])
    logs = document["paths"]["/api/v1/pipeline_deployments/{deployment_id}/logs"]["get"]
    assert logs["responses"]["200"]["content"]["application/json"]["schema"]["type"] == "string"


def test_what_the_configuration_lacks(launch: Callable[..., Kanso], world: World, kanso: Kanso, workloads: Workloads) -> None:
    manager = {"ZENML_SERVER_WORKLOAD_MANAGER_IMPLEMENTATION_SOURCE": "kanso.command",
               "KANSO_WORKLOAD_COMMAND": str(workloads.program), "KANSO_JOBS": "0", "KANSO_LOGIN_RATE": "0"}
    template = template_of(world)
    path = f"/run_templates/{template['id']}/runs"
    before = counts(world, kanso)
    answer = Api(launch(database=kanso.database, workers="all", **manager).url).post(path)
    assert (answer.status_code, answer.json()["detail"]) == (
        500, ["RuntimeError", "The server URL is not set in the server configuration."])
    open_to_all = launch(database=kanso.database, workers="all", ZENML_SERVER_SERVER_URL=SERVER_URL,
                         ZENML_SERVER_AUTH_SCHEME="NO_AUTH", **manager)
    answer = Api(open_to_all.url, None).post(path)
    assert (answer.status_code, answer.json()["detail"][0]) == (400, "ValueError")
    assert counts(world, kanso) == before


def manager_settings(workloads: Workloads) -> dict[str, str]:
    return {"ZENML_SERVER_WORKLOAD_MANAGER_IMPLEMENTATION_SOURCE": "kanso.command", "KANSO_LOGIN_RATE": "0",
            "KANSO_WORKLOAD_COMMAND": str(workloads.program), "ZENML_SERVER_SERVER_URL": SERVER_URL, "workers": "all"}


@pytest.fixture(scope="module")
def plane(workspace_directory: Path) -> Iterator[ControlPlane]:
    made = ControlPlane(workspace_directory / "template-plane")
    yield made
    made.stop()


def test_what_is_needed(launch: Callable[..., Kanso], plane: ControlPlane, workloads: Workloads) -> None:
    server = "0f7a3c52-6a0e-4a55-9f5e-2a54b6b5a001"
    governed = launch(ZENML_SERVER_RBAC_IMPLEMENTATION_SOURCE="zenml.zen_server.rbac.zenml_cloud_rbac.ZenMLCloudRBAC",
                      ZENML_SERVER_FEATURE_GATE_IMPLEMENTATION_SOURCE=(
                          "zenml.zen_server.feature_gate.zenml_cloud_feature_gate.ZenMLCloudFeatureGateInterface"),
                      ZENML_SERVER_EXTERNAL_SERVER_ID=server, **manager_settings(workloads), **plane.settings)
    governed.sql("UPDATE user SET external_user_id = '7c1d7ca55f0b4a7e8d1f7f6f2b0d0001'")
    owner = World(Api(governed.url))
    template = template_of(owner)
    owner.api.make("/users", {"name": "other", "password": "pw", "is_admin": False,
                              "external_user_id": "7c1d7ca5-5f0b-4a7e-8d1f-7f6f2b0d0002"})
    other = World(Api(governed.url, "other", "pw"))
    named = f"{server}@server:"
    for resource, action in ((f"{named}run_template/{template['id']}", "read"), (f"{named}pipeline_deployment", "create"),
                             (f"{named}pipeline_run", "create")):
        plane.may = lambda asked, of, resource=resource, action=action: (asked, of) != (resource, action)
        before = counts(other, governed)
        assert refused(other, template)[0] == 403, resource
        assert counts(other, governed) == before
    plane.forget()
    plane.entitlements = {"pipeline_run": 402}
    assert refused(other, template)[0] == 402
    assert counts(other, governed) == before
    plane.forget()
    run = start(other, template)
    assert not [call for call in plane.calls if call.path == "/usage-event"]  # counted when the workload takes the run over
    plane.may = lambda asked, of: not asked.startswith(named + "pipeline_deployment/")
    assert owner.api.get(f"/pipeline_deployments/{run['body']['deployment_id']}/logs").status_code == 403
    governed.stop()


@pytest.mark.parametrize("strict", [True, False])
def test_the_token_of_a_workload(launch: Callable[..., Kanso], workloads: Workloads, strict: bool) -> None:
    """It is good for as long as the account, the API key and, with KANSO_STRICT, the session are."""
    kanso = launch(KANSO_STRICT=str(strict).lower(), **manager_settings(workloads))
    world = World(Api(kanso.url))
    template = template_of(world)

    def lives(run: dict[str, Any]) -> bool:
        until_started(world, run)
        [call] = workloads.calls("run", run["body"]["deployment_id"])
        api = Api(kanso.url, None)
        api.session.headers["Authorization"] = "Bearer " + call["environment"]["ZENML_STORE_API_TOKEN"]
        answer = api.get("/current-user")
        return answer.status_code == 200 and answer.json()["id"] == run["body"]["user"]["id"]

    caller = World(Api(kanso.url))
    run = start(caller, template)
    assert lives(run)
    caller.api.get("/logout")
    assert lives(run) == (not strict)
    account = world.service_account()
    key = world.api_key(account["id"])
    machine = Api(kanso.url, None)
    token = machine.session.post(kanso.url + "/api/v1/login", data={"password": key["body"]["key"]}, timeout=60).json()
    machine.session.cookies.clear()
    machine.session.headers["Authorization"] = "Bearer " + token["access_token"]
    run = start(World(machine), template)
    assert run["body"]["user"]["id"] == account["id"]
    assert lives(run)
    world.api.remove(f"/service_accounts/{account['id']}/api_keys/{key['id']}")
    assert not lives(run)


def test_nothing_secret_is_in_the_managers_environment(world: World, kanso: Kanso, workloads: Workloads) -> None:
    until_started(world, start(world, template_of(world)))
    text = (workloads.home / "environment").read_text()
    assert SERVER_URL in text
    for secret in (JWT_KEY, SECRETS_KEY, kanso.mariadb.password, "ZENML_STORE_URL", "ZENML_DEFAULT_USER_PASSWORD"):
        assert secret not in text


# What goes wrong -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("plan, reason", [
    ({"build": {"status": 1, "stderr": "first\nno space left\n"}}, "build failed: exit status 1: no space left"),
    ({"build": {"text": "garbage"}}, "build failed: its answer is not a JSON object"),
    ({"build": {"answer": {}}}, "its answer names no image"),
    ({"build": {"answer": [1]}}, "its answer is not a JSON object"),
    ({"build": {"answer": {"error": "quota"}}}, "build failed: exit status 0: quota"),
    ({"build": {"sleep": 60, "children": True}}, "build failed: it took too long and was ended"),
    ({"run": {"status": 3, "stderr": "who is TOKEN\n"}}, "run failed: exit status 3: who is ***"),
    ({"state": {"answer": {"state": "confused"}}}, "its answer says confused"),
    ({"state": {"text": "x" * 9_000_000}}, "it wrote more than 8388608 bytes"),
], ids=lambda value: value if isinstance(value, str) else "")
def test_a_failed_start_fails_the_run(world: World, workloads: Workloads, plan: dict[str, Any], reason: str) -> None:
    workloads.plan(**plan)
    run = start(world, template_of(world))
    log = until_failed(world, run)
    assert "The run has failed to start: " in log and reason in log, log
    assert run_of(world, run)["metadata"]["end_time"] is None
    assert "eyJ" not in log


def test_what_may_help_is_tried_again(world: World, workloads: Workloads) -> None:
    workloads.plan(build={"status": 75, "stderr": "later", "times": 2})
    run = start(world, template_of(world))
    assert "failed" not in until_started(world, run)
    assert len(workloads.calls("build", run["body"]["deployment_id"])) == 3
    assert len(workloads.calls("run", run["body"]["deployment_id"])) == 1


@pytest.mark.parametrize("state, reason", [("failed", "The workload has failed: it fell over"),
                                           ("unknown", "The workload is gone")])
def test_a_workload_that_dies_fails_the_run(world: World, workloads: Workloads, state: str, reason: str) -> None:
    run = start(world, template_of(world))
    until_started(world, run)
    assert run_of(world, run)["body"]["status"] == "initializing"
    workloads.set_state(run["body"]["deployment_id"], state)
    assert reason in until_failed(world, run)


def test_a_workload_that_ends_well_may_have_submitted_the_pipeline(world: World, workloads: Workloads, kanso: Kanso) -> None:
    run = start(world, template_of(world))
    until_started(world, run)
    workloads.set_state(run["body"]["deployment_id"], "succeeded")
    watched = f"SELECT state FROM kanso_job WHERE kind = 'watch' AND subject = '{run['body']['deployment_id'].replace('-', '')}'"
    wait_until(lambda: kanso.sql(watched) == [["done"]], 60, "the watch's end")
    assert run_of(world, run)["body"]["status"] == "initializing"


@pytest.mark.parametrize("operation", ["state", "build", "run"])
@pytest.mark.race
def test_a_job_that_is_killed_in_between_starts_once(world: World, workloads: Workloads, kanso: Kanso, operation: str) -> None:
    """The process of the job dies while the manager works; another takes the job up."""
    workloads.plan(**{operation: {"kill_parent": True, "times": 1}})
    run = start(world, template_of(world))
    log = until_started(world, run)
    deployment = run["body"]["deployment_id"]
    assert len(workloads.calls("run", deployment)) == 1
    assert log.count("Starting pipeline run.") == log.count("started successfully") == 1
    jobs = kanso.sql(f"SELECT kind, state FROM kanso_job WHERE subject = '{deployment.replace('-', '')}' ORDER BY kind")
    assert jobs == [["watch", "waiting"], ["workload", "done"]] or jobs == [["watch", "running"], ["workload", "done"]]


@pytest.mark.race
def test_two_hosts_start_each_run_once(launch: Callable[..., Kanso], world: World, workloads: Workloads, kanso: Kanso) -> None:
    launch(database=kanso.database, **manager_settings(workloads))
    template = template_of(world)
    runs = [start(world, template) for _ in range(12)]
    for run in runs:
        until_started(world, run)
        assert len(workloads.calls("run", run["body"]["deployment_id"])) == 1


def test_a_run_that_is_deleted_meanwhile(world: World, workloads: Workloads, kanso: Kanso) -> None:
    workloads.plan(build={"status": 75, "times": 2})
    run = start(world, template_of(world))
    wait_until(lambda: len(workloads.calls("build", run["body"]["deployment_id"])) == 1, 60, "the first attempt")
    world.api.remove(f"/pipeline_deployments/{run['body']['deployment_id']}")
    subject = run["body"]["deployment_id"].replace("-", "")
    state = f"SELECT state FROM kanso_job WHERE kind = 'workload' AND subject = '{subject}'"
    wait_until(lambda: kanso.sql(state) in ([["done"]], [["failed"]]),
               60, "the job's end")
    assert not workloads.calls("run", run["body"]["deployment_id"])


def test_a_workload_goes_with_its_deployment(world: World, workloads: Workloads, kanso: Kanso) -> None:
    run = start(world, template_of(world))
    until_started(world, run)
    deployment = run["body"]["deployment_id"]
    assert not workloads.calls("delete", deployment)
    log = f"SELECT COUNT(*) > 0 FROM kanso_workload_log WHERE deployment_id = '{deployment.replace('-', '')}'"
    assert kanso.sql(log) == [["1"]]
    world.api.remove(f"/pipeline_deployments/{deployment}")
    assert kanso.sql(log) == [["0"]]
    wait_until(lambda: len(workloads.calls("delete", deployment)) == 1, 60, "the workload's removal")
    other = world.deployment()["id"]
    world.api.remove(f"/pipeline_deployments/{other}")
    assert not workloads.calls("delete", other)


def test_logs(world: World, workloads: Workloads) -> None:
    answer = world.api.get(f"/pipeline_deployments/{NOBODY}/logs")
    assert (answer.status_code, answer.json()["detail"][0]) == (404, "KeyError")
    other = world.deployment()["id"]
    assert world.api.read(f"/pipeline_deployments/{other}/logs") == ""
    run = start(world, template_of(world))
    until_started(world, run)
    workloads.plan(logs={"status": 1, "stderr": "down"})
    log = world.api.read(f"/pipeline_deployments/{run['body']['deployment_id']}/logs")
    assert log.startswith("Starting pipeline run.\nPipeline run started successfully.\n") and "does not give its log" in log
    workloads.plan(logs={"answer": {"logs": "\u00fcber \u0001\n"}})
    wait_until(lambda: world.api.read(f"/pipeline_deployments/{run['body']['deployment_id']}/logs").endswith(
        "\u00fcber \u0001\n"), 60, "the manager is asked again")


def test_a_manager_that_hangs_takes_few_workers(launch: Callable[..., Kanso], workloads: Workloads) -> None:
    """One request waits for it; those that follow are answered at once."""
    world = World(Api(launch(**manager_settings(workloads) | {"workers": "rest:1"}).url))
    log = f"/pipeline_deployments/{world.deployment()['id']}/logs"
    assert world.api.read(log) == ""
    workloads.plan(logs={"sleep": 60})
    took = []
    for _ in range(4):
        begin = time.monotonic()
        assert "does not give its log" in world.api.read(log)
        took.append(time.monotonic() - begin)
    assert sum(took[1:]) < took[0] / 2, took


def test_the_example_of_the_documentation(launch: Callable[..., Kanso], workspace_directory: Path) -> None:
    """Its client is a program that shows how it was called, and fails for the second run."""
    [text] = re.findall(r"^```python\n(#!.*?)^```$", (REPOSITORY / "docs" / "automation.md").read_text(), re.S | re.M)
    home = workspace_directory / "example"
    home.mkdir()
    home.chmod(0o777)
    client, program = home / "client", home / "program"
    client.write_text("#!/bin/sh\necho \"$ZENML_STORE_TYPE $*\"\nsleep 1\nmkdir ../once\n")
    program.write_text(text.replace("/opt/zenml/bin/python", str(client)).replace("/var/lib/zenml-workloads", str(home / "of")))
    for file in (client, program):
        file.chmod(0o755)
    world = World(Api(launch(workers="all", KANSO_LOGIN_RATE="0", ZENML_SERVER_SERVER_URL=SERVER_URL,
                             ZENML_SERVER_WORKLOAD_MANAGER_IMPLEMENTATION_SOURCE="kanso.command",
                             KANSO_WORKLOAD_COMMAND=str(program)).url))
    template = template_of(world)
    run = start(world, template)
    log = f"/pipeline_deployments/{run['body']['deployment_id']}/logs"
    shown = f"rest -m zenml.entrypoints.entrypoint --entrypoint_config_source {RUNNER} --deployment_id {run['body']['deployment_id']}"
    wait_until(lambda: shown in world.api.read(log), 60, "the client")
    wait_until(lambda: (home / "of" / "once").exists(), 60, "its end")
    run = start(world, template)
    assert "The workload has failed: exit status 1" in until_failed(world, run)
    world.api.remove(f"/pipeline_deployments/{run['body']['deployment_id']}")
    wait_until(lambda: not (home / "of" / run["body"]["deployment_id"]).exists(), 60, "its removal")
