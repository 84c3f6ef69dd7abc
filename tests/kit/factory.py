"""Makers of test data, through the API, under names that nobody else uses."""

from __future__ import annotations

import itertools
import uuid
from functools import cached_property
from typing import Any

from .api import Api

MATERIALIZER = {"module": "zenml.materializers.built_in_materializer",
                "attribute": "BuiltInMaterializer", "type": "internal"}
INTEGER = {"module": "builtins", "attribute": "int", "type": "builtin"}


def step_spec(name: str, upstream: list[str] | None = None, **config: Any) -> dict[str, Any]:
    """One step of a deployment's step_configurations."""
    return {"spec": {"source": {"module": "pipelines", "attribute": name, "type": "user"},
                     "upstream_steps": upstream or [], "inputs": {},
                     "pipeline_parameter_name": name},
            "config": {"name": name, "outputs": {"output": {"materializer_source": []}}} | config}


class World:
    """Creates resources as the given caller in the default workspace."""

    def __init__(self, api: Api) -> None:
        self.api = api
        self.user: str = api.read("/current-user")["id"]
        self.workspace: str = api.read("/workspaces/default")["id"]
        self.ws = f"/workspaces/{self.workspace}"
        self._marks = (f"{uuid.uuid4().hex[:6]}{number:x}" for number in itertools.count())

    def name(self, prefix: str = "n") -> str:
        """A name that nothing else has."""
        return f"{prefix}-{next(self._marks)}"

    @property
    def owned(self) -> dict[str, str]:
        return {"user": self.user, "workspace": self.workspace}

    def default_component(self, kind: str) -> str:
        return self.api.ids("/components", type=kind, name="default")[0]

    @cached_property
    def orchestrator(self) -> str:
        return self.default_component("orchestrator")

    @cached_property
    def artifact_store(self) -> str:
        return self.default_component("artifact_store")

    @cached_property
    def stack_id(self) -> str:
        return self.api.ids("/stacks", name="default")[0]

    # Request bodies, for tests that want to spoil them first.

    def component_body(self, **changes: Any) -> dict[str, Any]:
        return self.owned | {"name": self.name("component"), "type": "orchestrator",
                             "flavor": "local", "configuration": {}} | changes

    def stack_body(self, **changes: Any) -> dict[str, Any]:
        return {"name": self.name("stack"), "components": {
            "orchestrator": [self.orchestrator],
            "artifact_store": [self.artifact_store]}} | changes

    def flavor_body(self, **changes: Any) -> dict[str, Any]:
        return {"user": self.user, "workspace": self.workspace, "name": self.name("flavor"),
                "type": "orchestrator", "config_schema": {"type": "object", "properties": {}},
                "source": "my.module.Flavor", "integration": None} | changes

    def deployment_body(self, steps: dict[str, Any] | None = None,
                        **changes: Any) -> dict[str, Any]:
        if steps is None:
            steps = {"load": step_spec("load"), "train": step_spec("train", ["load"])}
        return self.owned | {
            "run_name_template": "run-{date}-{time}", "pipeline_configuration": {"name": "p"},
            "step_configurations": steps, "client_environment": {"os": "linux"},
            "client_version": "0.66.0", "server_version": "0.66.0",
            "stack": self.stack_id} | changes

    def run_body(self, deployment: str, **changes: Any) -> dict[str, Any]:
        return self.owned | {
            "name": self.name("run"), "deployment": deployment, "pipeline": None,
            "orchestrator_run_id": uuid.uuid4().hex, "status": "running",
            "start_time": "2024-05-06T07:08:09", "orchestrator_environment": {},
            "client_environment": {}} | changes

    def step_body(self, run: dict[str, Any], name: str = "load",
                  **changes: Any) -> dict[str, Any]:
        return self.owned | {
            "name": name, "status": "running", "pipeline_run_id": run["id"],
            "deployment": run["body"]["deployment_id"], "start_time": "2024-05-06T07:08:10",
            "parent_step_ids": [], "inputs": {}, "outputs": {}, "cache_key": "key",
            "code_hash": "hash", "docstring": "Does.", "source_code": "pass"} | changes

    def artifact_version_body(self, artifact: str, **changes: Any) -> dict[str, Any]:
        return self.owned | {
            "artifact_id": artifact, "version": "1", "type": "DataArtifact",
            "uri": "/store/" + self.name("a"), "artifact_store_id": None,
            "data_type": INTEGER, "materializer": MATERIALIZER} | changes

    def metadata_body(self, kind: str, resource: str, values: dict[str, Any],
                      types: dict[str, str], **changes: Any) -> dict[str, Any]:
        return self.owned | {"resource_id": resource, "resource_type": kind, "values": values,
                             "types": types, "stack_component_id": None} | changes

    def schedule_body(self, **changes: Any) -> dict[str, Any]:
        return self.owned | {"name": self.name("schedule"), "active": True, "catchup": False,
                             "cron_expression": "0 5 * * *", "orchestrator_id": None,
                             "pipeline_id": None} | changes

    def service_body(self, **changes: Any) -> dict[str, Any]:
        name = self.name("service")
        return self.owned | {
            "name": name, "config": {"name": name, "model_name": "m", "pipeline_name": "p",
                                     "pipeline_step_name": "deploy"},
            "service_type": {"type": "model-serving", "flavor": "mlflow", "name": "mlflow",
                             "description": "d", "logo_url": ""},
            "service_source": "zenml.services.service.BaseService",
            "admin_state": "active", "status": {"state": "active"}, "endpoint": None,
            "labels": {"team": "blue"}} | changes

    # The resources themselves: envelopes as the create call answers them.

    def component(self, **changes: Any) -> dict[str, Any]:
        return self.api.make(self.ws + "/components", self.component_body(**changes))

    def stack(self, **changes: Any) -> dict[str, Any]:
        return self.api.make(self.ws + "/stacks", self.stack_body(**changes))

    def flavor(self, **changes: Any) -> dict[str, Any]:
        return self.api.make("/flavors", self.flavor_body(**changes))

    def pipeline(self, **changes: Any) -> dict[str, Any]:
        return self.api.make(self.ws + "/pipelines",
                             self.owned | {"name": self.name("pipeline")} | changes)

    def build(self, **changes: Any) -> dict[str, Any]:
        return self.api.make(self.ws + "/pipeline_builds", self.owned | {
            "is_local": True, "contains_code": False,
            "images": {"orchestrator": {"image": "repo/image:1"}}} | changes)

    def deployment(self, steps: dict[str, Any] | None = None, **changes: Any) -> dict[str, Any]:
        return self.api.make(self.ws + "/pipeline_deployments",
                             self.deployment_body(steps, **changes))

    def run(self, steps: dict[str, Any] | None = None, deployment: str = "",
            **changes: Any) -> dict[str, Any]:
        deployment = deployment or self.deployment(steps)["id"]
        return self.api.make(self.ws + "/runs", self.run_body(deployment, **changes))

    def step(self, run: dict[str, Any], name: str = "load", **changes: Any) -> dict[str, Any]:
        return self.api.make("/steps", self.step_body(run, name, **changes))

    def artifact(self, **changes: Any) -> dict[str, Any]:
        return self.api.make("/artifacts", {"name": self.name("artifact")} | changes)

    def artifact_version(self, artifact: str = "", **changes: Any) -> dict[str, Any]:
        artifact = artifact or self.artifact()["id"]
        return self.api.make("/artifact_versions",
                             self.artifact_version_body(artifact, **changes))

    def metadata(self, kind: str, resource: str, **values: Any) -> list[dict[str, Any]]:
        types = {key: type(value).__name__ for key, value in values.items()}
        return self.api.make(self.ws + "/run-metadata",
                             self.metadata_body(kind, resource, values, types))

    def schedule(self, **changes: Any) -> dict[str, Any]:
        return self.api.make(self.ws + "/schedules", self.schedule_body(**changes))

    def tag(self, **changes: Any) -> dict[str, Any]:
        return self.api.make("/tags", {"name": self.name("tag"), "color": "blue"} | changes)

    def model(self, **changes: Any) -> dict[str, Any]:
        return self.api.make(self.ws + "/models", self.owned | {
            "name": self.name("model"), "tags": None} | changes)

    def model_version(self, model: str, **changes: Any) -> dict[str, Any]:
        return self.api.make(f"{self.ws}/models/{model}/model_versions",
                             self.owned | {"model": model} | changes)

    def artifact_link(self, version: dict[str, Any], artifact_version: str,
                      **changes: Any) -> dict[str, Any]:
        return self.api.make(f"{self.ws}/model_versions/{version['id']}/artifacts", self.owned | {
            "model": version["body"]["model"]["id"], "model_version": version["id"],
            "artifact_version": artifact_version} | changes)

    def run_link(self, version: dict[str, Any], run: str, **changes: Any) -> dict[str, Any]:
        return self.api.make(f"{self.ws}/model_versions/{version['id']}/runs", self.owned | {
            "model": version["body"]["model"]["id"], "model_version": version["id"],
            "pipeline_run": run} | changes)

    def code_repository(self, **changes: Any) -> dict[str, Any]:
        return self.api.make(self.ws + "/code_repositories", self.owned | {
            "name": self.name("repository"), "config": {"owner": "o", "repository": "r"},
            "source": {"module": "zenml.integrations.github", "attribute": "Repository",
                       "type": "internal"}} | changes)

    def secret(self, **changes: Any) -> dict[str, Any]:
        return self.api.make(self.ws + "/secrets", self.owned | {
            "name": self.name("secret"), "scope": "workspace", "values": {"key": "value"}}
            | changes)

    def service(self, **changes: Any) -> dict[str, Any]:
        return self.api.make(self.ws + "/services", self.service_body(**changes))

    @cached_property
    def remote_stack(self) -> str:
        """A stack whose components work from anywhere."""
        parts = {"orchestrator": self.component(flavor="kubernetes"),
                 "artifact_store": self.component(type="artifact_store", flavor="s3", configuration={"path": "s3://b"})}
        return self.stack(components={kind: [part["id"]] for kind, part in parts.items()})["id"]

    def template_body(self, steps: dict[str, Any] | None = None, stack: str = "", **changes: Any) -> dict[str, Any]:
        """For a run template of a deployment with a build that others can run."""
        pipeline, stack = self.pipeline()["id"], stack or self.remote_stack
        build = self.build(is_local=False, contains_code=True, stack=stack, pipeline=pipeline,
                           zenml_version="0.66.0", python_version="3.10.12")
        deployment = self.deployment(steps, pipeline=pipeline, build=build["id"], stack=stack)
        return self.owned | {"name": self.name("template"), "source_deployment_id": deployment["id"]} | changes

    def template(self, **changes: Any) -> dict[str, Any]:
        return self.api.make(self.ws + "/run_templates", self.template_body(**changes))

    def service_account(self, **changes: Any) -> dict[str, Any]:
        return self.api.make("/service_accounts", {"name": self.name("account"), "active": True} | changes)

    # Automation: what the bodies refer to is made once for all of them.

    @cached_property
    def template_id(self) -> str:
        return self.template()["id"]

    @cached_property
    def bot_id(self) -> str:
        return self.service_account()["id"]

    @cached_property
    def action_id(self) -> str:
        return self.action()["id"]

    @cached_property
    def event_source_id(self) -> str:
        return self.event_source()["id"]

    def event_source_body(self, **changes: Any) -> dict[str, Any]:
        return self.owned | {"name": self.name("source"), "flavor": "github", "plugin_subtype": "webhook",
                             "configuration": {}} | changes

    def action_body(self, **changes: Any) -> dict[str, Any]:
        body = self.owned | {"name": self.name("action"), "flavor": "builtin", "plugin_subtype": "pipeline_run"} | changes
        if "service_account_id" not in body:
            body["service_account_id"] = self.bot_id
        if "configuration" not in body:
            body["configuration"] = {"template_id": self.template_id}
        return body

    def trigger_body(self, **changes: Any) -> dict[str, Any]:
        body = self.owned | {"name": self.name("trigger")} | changes
        if "action_id" not in body:
            body["action_id"] = self.action_id
        if "event_source_id" not in body and "schedule" not in body:
            body["event_source_id"] = self.event_source_id
        return body

    def event_source(self, **changes: Any) -> dict[str, Any]:
        return self.api.make("/event-sources", self.event_source_body(**changes))

    def action(self, **changes: Any) -> dict[str, Any]:
        return self.api.make("/actions", self.action_body(**changes))

    def trigger(self, **changes: Any) -> dict[str, Any]:
        return self.api.make("/triggers", self.trigger_body(**changes))

    def api_key(self, account: str, **changes: Any) -> dict[str, Any]:
        return self.api.make(f"/service_accounts/{account}/api_keys", {"name": self.name("key")} | changes)

    def device(self) -> str:
        """The id of a device that is the caller's and has been verified."""
        codes = self.api.call("POST", "/device_authorization", data={"client_id": str(uuid.uuid4())}).json()
        device = codes["verification_uri_complete"].split("device_id=")[1].split("&")[0]
        self.api.change(f"/devices/{device}/verify", {"user_code": codes["user_code"]})
        return device
