"""The resources of the API as a table: where they live, what they demand, how they refuse."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Callable

from .factory import World

Body = dict[str, Any]


@dataclass
class Kind:
    """One resource."""

    name: str
    path: str                       # its list; one of them is at path + "/" + id
    parameter: str                  # what the path parameter is called in 422 answers
    create: str                     # where it is created; {ws} is the workspace
    body: Callable[[World], Body]   # a request that succeeds
    required: tuple[str, ...]       # keys without which it is refused
    clash: str = ""                 # exception of a second one with the same name
    update: Body = field(default_factory=dict)  # a change that succeeds
    nested: bool = False            # also listed under the workspace
    owned: bool = True              # body.user must be the caller
    checks_workspace: bool = True   # body.workspace must be the one of the path
    named: bool = True              # has a name that lists can filter by
    by_name: bool = False           # the path accepts the name as well
    embeds: str = "body metadata resources id permission_denied name"

    def make(self, world: World, **changes: Any) -> Body:
        """One of them, created through the API."""
        return world.api.make(self.where(world), self.body(world) | changes)

    def where(self, world: World) -> str:
        return self.create.format(ws=world.ws)

    def __str__(self) -> str:
        return self.name


def _build(world: World) -> Body:
    return world.owned | {"is_local": True, "contains_code": False, "images": {}}


def _model_version(world: World) -> Body:
    return world.owned | {"model": world.model()["id"], "name": world.name("version")}


NAMELESS = "body metadata resources id permission_denied"
NAMED_OWNED = ("user", "workspace", "name")

KINDS = [
    Kind("component", "/components", "component_id", "{ws}/components",
         lambda w: w.component_body(), (*NAMED_OWNED, "type", "flavor", "configuration"),
         "StackComponentExistsError", {"labels": {"a": "b"}}, nested=True),
    Kind("stack", "/stacks", "stack_id", "{ws}/stacks", lambda w: w.stack_body(),
         ("name", "components"), "StackExistsError", {"labels": {"a": "b"}}, nested=True,
         owned=False, checks_workspace=False),
    Kind("flavor", "/flavors", "flavor_id", "/flavors", lambda w: w.flavor_body(),
         ("user", "name", "type", "config_schema", "source", "integration"),
         "EntityExistsError", {"logo_url": "x"}, checks_workspace=False),
    Kind("pipeline", "/pipelines", "pipeline_id", "{ws}/pipelines",
         lambda w: w.owned | {"name": w.name("pipeline")}, NAMED_OWNED, "EntityExistsError",
         {"description": "d"}, nested=True),
    Kind("build", "/pipeline_builds", "build_id", "{ws}/pipeline_builds", _build,
         ("user", "workspace", "is_local", "contains_code"), nested=True, named=False,
         embeds=NAMELESS),
    Kind("deployment", "/pipeline_deployments", "deployment_id", "{ws}/pipeline_deployments",
         lambda w: w.deployment_body(),
         ("user", "workspace", "run_name_template", "pipeline_configuration", "stack"),
         nested=True, named=False, embeds=NAMELESS),
    Kind("schedule", "/schedules", "schedule_id", "{ws}/schedules", lambda w: w.schedule_body(),
         (*NAMED_OWNED, "active", "orchestrator_id", "pipeline_id"), update={"active": False}),
    Kind("run", "/runs", "run_id", "{ws}/runs", lambda w: w.run_body(w.deployment()["id"]),
         (*NAMED_OWNED, "deployment", "status"), "EntityExistsError", {"status": "failed"},
         nested=True),
    Kind("artifact", "/artifacts", "artifact_id", "/artifacts",
         lambda w: {"name": w.name("artifact")}, ("name",), "EntityExistsError",
         {"has_custom_name": True}, owned=False, checks_workspace=False),
    Kind("artifact_version", "/artifact_versions", "artifact_version_id", "/artifact_versions",
         lambda w: w.artifact_version_body(w.artifact()["id"]),
         ("user", "workspace", "artifact_id", "version", "type", "uri", "materializer",
          "data_type"), update={"add_tags": ["x"]}, named=False, checks_workspace=False,
         embeds=NAMELESS),
    Kind("code_repository", "/code_repositories", "code_repository_id", "{ws}/code_repositories",
         lambda w: w.owned | {"name": w.name("repository"), "config": {"a": 1},
                              "source": {"module": "a.module", "attribute": "Repository",
                                         "type": "user"}},
         (*NAMED_OWNED, "config", "source"), "EntityExistsError", {"description": "d"},
         nested=True),
    Kind("tag", "/tags", "tag_id", "/tags", lambda w: {"name": w.name("tag"), "color": "red"},
         ("name",), "EntityExistsError", {"color": "lime"}, owned=False, checks_workspace=False,
         by_name=True),
    Kind("model", "/models", "model_id", "{ws}/models",
         lambda w: w.owned | {"name": w.name("model"), "tags": None}, (*NAMED_OWNED, "tags"),
         "EntityExistsError", {"description": "d"}, by_name=True),
    Kind("model_version", "/model_versions", "model_version_id",
         "{ws}/models/any/model_versions", _model_version, ("user", "workspace", "model"),
         "EntityExistsError", nested=False),
    Kind("secret", "/secrets", "secret_id", "{ws}/secrets",
         lambda w: w.owned | {"name": w.name("secret"), "values": {"k": "v"}}, NAMED_OWNED,
         "EntityExistsError", {"values": {"k": "w"}}),
    Kind("service_connector", "/service_connectors", "connector_id", "{ws}/service_connectors",
         lambda w: w.owned | {"name": w.name("connector"), "connector_type": "docker",
                              "auth_method": "password",
                              "configuration": {"username": "u", "password": "p"}},
         (*NAMED_OWNED, "connector_type", "auth_method"), "EntityExistsError",
         {"description": "d"}, nested=True),
    Kind("run_template", "/run_templates", "template_id", "{ws}/run_templates", lambda w: w.template_body(),
         (*NAMED_OWNED, "source_deployment_id"), "EntityExistsError", {"description": "d"}, nested=True),
    Kind("service", "/services", "service_id", "{ws}/services", lambda w: w.service_body(),
         (*NAMED_OWNED, "service_type", "config"), update={"prediction_url": "http://u"}),
    Kind("event_source", "/event-sources", "event_source_id", "/event-sources", lambda w: w.event_source_body(),
         (*NAMED_OWNED, "flavor", "plugin_subtype", "configuration"), "EntityExistsError", {"is_active": False},
         checks_workspace=False),
    Kind("action", "/actions", "action_id", "/actions", lambda w: w.action_body(),
         (*NAMED_OWNED, "flavor", "plugin_subtype", "configuration", "service_account_id"), "EntityExistsError",
         {"auth_window": 5}, checks_workspace=False),
    Kind("trigger", "/triggers", "trigger_id", "/triggers", lambda w: w.trigger_body(),
         (*NAMED_OWNED, "action_id"), "EntityExistsError", {"is_active": False}, checks_workspace=False),
]
BY_NAME = {kind.name: kind for kind in KINDS}
