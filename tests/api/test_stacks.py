"""Flavors, components and stacks."""

from __future__ import annotations

import pytest

from kit.api import NOBODY, Api, fails, forbidden, missing, ok, refused, taken, unfit
from kit.factory import World

pytestmark = pytest.mark.sanitize


# Flavors

def test_built_in_flavors(client: Api) -> None:
    page = client.read("/flavors", size=1000, integration="built-in")
    rows = {(item["body"]["type"], item["name"]) for item in page["items"]}
    assert {("orchestrator", "local"), ("orchestrator", "local_docker"),
            ("artifact_store", "local"), ("container_registry", "default"),
            ("image_builder", "local")} <= rows
    custom = client.read("/flavors", size=1000, workspace_id="startswith:0")
    assert all(item["body"]["user"] is None or item["id"] for item in custom["items"])
    local = client.items("/flavors", name="local", type="orchestrator", hydrate="true")[0]
    assert local["body"]["user"] is None and local["metadata"]["workspace"] is None
    assert local["metadata"]["is_custom"] is False
    assert local["metadata"]["config_schema"]["type"] == "object"
    assert local["body"]["logo_url"].startswith("https://")


def titled(schema: dict) -> bool:
    """Whether it is labelled as clients expect: by the class, and members by their names."""
    members = [part for part in schema.get("properties", {}).values() if not {"$ref", "allOf", "anyOf"} & set(part)]
    return schema["title"].endswith("Config") and all(part["title"] for part in members)


def test_schemas_of_flavors_have_titles(client: Api) -> None:
    items = [item for item in client.items("/flavors", size=1000, hydrate="true")
             if item["metadata"]["workspace"] is None]
    assert len(items) == 55 and all(titled(item["metadata"]["config_schema"]) for item in items)
    titles = {(item["body"]["type"], item["name"]): item["metadata"]["config_schema"]["title"] for item in items}
    assert titles["artifact_store", "local"] == "LocalArtifactStoreConfig"
    assert titles["orchestrator", "kubernetes"] == "KubernetesOrchestratorConfig"


def test_schemas_of_an_old_database_gain_titles(fresh) -> None:
    """Those that ZenML has written stay as they are."""
    theirs = '{"properties": {}, "title": "LocalOrchestratorConfig", "type": "object"}'
    fresh.sql("UPDATE flavor SET config_schema = '{\"properties\": {}, \"type\": \"object\"}' "
              "WHERE type = 'artifact_store'")
    fresh.stop()
    fresh.start()
    api = Api(fresh.url)
    assert all(titled(item["metadata"]["config_schema"]) for item in api.items("/flavors", size=100, hydrate="true"))
    fresh.sql(f"UPDATE flavor SET config_schema = '{theirs}' WHERE type = 'orchestrator' AND name = 'local'")
    fresh.stop()
    fresh.start()
    assert fresh.sql("SELECT config_schema FROM flavor WHERE type = 'orchestrator' AND name = 'local'") == [[theirs]]
    assert fresh.sql("SELECT COUNT(*) FROM flavor") == [["55"]]


def test_there_are_55_flavors_at_first(fresh) -> None:
    assert fresh.sql("SELECT COUNT(*) FROM flavor") == [["55"]]
    assert Api(fresh.url).read("/flavors")["total"] == 55


def test_flavor_create(world: World) -> None:
    schema = {"type": "object", "properties": {"size": {"type": "integer"}}, "required": ["size"]}
    flavor = world.flavor(config_schema=schema, integration=None)
    assert flavor["body"]["integration"] == ""
    assert flavor["metadata"]["config_schema"] == schema
    assert flavor["metadata"]["is_custom"] is True
    assert world.api.read("/flavors/" + flavor["id"]) == flavor


def test_flavor_is_unique_by_name_and_type(world: World) -> None:
    flavor = world.flavor()
    taken(world.api.post("/flavors", world.flavor_body(name=flavor["name"])))
    world.flavor(name=flavor["name"], type="step_operator")


def test_flavor_with_an_endless_schema(world: World) -> None:
    body = world.flavor_body(config_schema={"text": "x" * 66000})
    fails(world.api.post("/flavors", body), 400, "ValueError")
    assert world.api.ids("/flavors", name=body["name"]) == []


def test_flavor_in_use(world: World) -> None:
    flavor = world.flavor()
    component = world.component(flavor=flavor["name"])
    forbidden(world.api.delete("/flavors/" + flavor["id"]))
    world.api.remove("/components/" + component["id"])
    world.api.remove("/flavors/" + flavor["id"])


# Components

def test_component(world: World) -> None:
    made = world.component(type="artifact_store", configuration={"path": "/tmp/somewhere"},
                           labels={"team": "blue"})
    assert list(made["body"]) == ["created", "updated", "user", "type", "flavor", "integration",
                                  "logo_url"]
    assert made["body"]["type"] == "artifact_store" and made["body"]["flavor"] == "local"
    assert made["body"]["integration"] == "built-in"
    assert made["metadata"] == {
        "workspace": made["metadata"]["workspace"], "configuration": {"path": "/tmp/somewhere"},
        "labels": {"team": "blue"}, "component_spec_path": None, "connector_resource_id": None,
        "connector": None}


def test_component_names_are_unique_by_type(world: World) -> None:
    made = world.component()
    taken(world.api.post(world.ws + "/components", world.component_body(name=made["name"])),
          "StackComponentExistsError")
    other = world.component(name=made["name"], type="image_builder")
    taken(world.api.put("/components/" + world.component()["id"], {"name": made["name"]}),
          "StackComponentExistsError")
    assert other["name"] == made["name"]


def test_component_of_an_unknown_flavor(world: World) -> None:
    missing(world.api.post(world.ws + "/components", world.component_body(flavor="no-such")))
    missing(world.api.post(world.ws + "/components",
                           world.component_body(type="image_builder", flavor="local_docker")))
    missing(world.api.post(world.ws + "/components", world.component_body(connector=NOBODY)))


def test_component_configuration_is_checked(world: World) -> None:
    where = world.ws + "/components"
    fails(world.api.post(where, world.component_body(configuration={"no_such_key": 1})),
          422, "ValueError")
    registry = {"type": "container_registry", "flavor": "default"}
    fails(world.api.post(where, world.component_body(**registry)), 422, "ValueError")
    made = world.component(**registry, configuration={"uri": "localhost:5000"})
    fails(world.api.put("/components/" + made["id"], {"configuration": {"nothing": 1}}),
          422, "ValueError")
    assert world.api.read("/components/" + made["id"])["metadata"]["configuration"] \
        == {"uri": "localhost:5000"}


def test_component_name_is_no_secret_reference(world: World) -> None:
    answer = world.api.post(world.ws + "/components", world.component_body(name="{{a.b}}"))
    assert answer.status_code == 422


def test_component_type(world: World) -> None:
    unfit(world.api.post(world.ws + "/components", world.component_body(type="engine")),
          "enum", "body", "type")


def test_component_update(world: World) -> None:
    made = world.component(labels={"a": "b"})
    path = "/components/" + made["id"]
    name = world.name("renamed")
    changed = world.api.change(path, {"name": name, "labels": None,
                                      "component_spec_path": "spec.yaml"})
    assert changed["name"] == name
    assert changed["metadata"]["labels"] is None
    assert changed["metadata"]["component_spec_path"] == "spec.yaml"
    assert world.api.change(path, {})["metadata"]["component_spec_path"] == "spec.yaml"


@pytest.mark.parametrize("kind", ["orchestrator", "artifact_store"])
def test_default_components_are_protected(world: World, kind: str) -> None:
    path = "/components/" + world.default_component(kind)
    forbidden(world.api.put(path, {"name": "other"}))
    forbidden(world.api.delete(path))
    assert world.api.read(path)["name"] == "default"


def test_other_components_may_be_called_default(world: World) -> None:
    if world.api.ids("/components", name="default", type="image_builder"):
        return
    made = world.component(name="default", type="image_builder")
    world.api.remove("/components/" + made["id"])


def test_component_in_a_stack(world: World) -> None:
    component = world.component()
    stack = world.stack(components={"orchestrator": [component["id"]]})
    forbidden(world.api.delete("/components/" + component["id"]))
    world.api.remove("/stacks/" + stack["id"])
    world.api.remove("/components/" + component["id"])


def test_component_filters(world: World) -> None:
    made = world.component(type="image_builder")
    for query in ({"type": "image_builder"}, {"flavor": "local"}, {"user_id": world.user},
                  {"name": "startswith:" + made["name"][:8]}):
        assert world.api.ids("/components", id=made["id"], **query) == [made["id"]], query
    assert world.api.ids("/components", id=made["id"], type="orchestrator") == []


# Stacks

def test_stack(world: World) -> None:
    made = world.stack(labels={"a": "b"}, stack_spec_path="spec.yaml", description="dropped")
    assert list(made["metadata"]) == ["workspace", "components", "description",
                                      "stack_spec_path", "labels"]
    assert made["metadata"]["labels"] == {"a": "b"}
    assert made["metadata"]["stack_spec_path"] == "spec.yaml"
    components = made["metadata"]["components"]
    assert {kind: [item["id"] for item in items] for kind, items in components.items()} == {
        "orchestrator": [world.orchestrator], "artifact_store": [world.artifact_store]}
    assert components["orchestrator"][0]["metadata"] is None
    assert components["orchestrator"][0]["body"]["flavor"] == "local"


def test_stack_belongs_to_the_caller(world: World) -> None:
    made = world.stack(user=NOBODY, workspace=NOBODY)
    assert made["body"]["user"]["id"] == world.user
    assert made["metadata"]["workspace"]["id"] == world.workspace


def test_stack_labels_default_to_empty(world: World) -> None:
    assert world.stack(labels=None)["metadata"]["labels"] == {}


def test_stack_without_an_orchestrator(world: World) -> None:
    fails(world.api.post(world.ws + "/stacks", world.stack_body(
        components={"artifact_store": [world.artifact_store]})), 404, "KeyError")
    answer = world.api.post(world.ws + "/stacks", world.stack_body(components={}))
    assert answer.status_code in (400, 404, 422, 500)


def test_stack_of_unknown_components(world: World) -> None:
    body = world.stack_body(components={"orchestrator": [NOBODY]})
    missing(world.api.post(world.ws + "/stacks", body))
    assert world.api.ids("/stacks", name=body["name"]) == []


def test_stack_components_by_the_wrong_key(world: World) -> None:
    answer = world.api.post(world.ws + "/stacks", world.stack_body(components={"engine": []}))
    unfit(answer, "enum", "body", "components", "engine", "[key]")


def test_last_component_of_a_list_is_kept(world: World) -> None:
    one, two = world.component()["id"], world.component()["id"]
    made = world.stack(components={"orchestrator": [one, two]})
    assert [item["id"] for item in made["metadata"]["components"]["orchestrator"]] == [two]


def test_stack_with_new_components(world: World) -> None:
    made = world.stack(labels={"team": "red"}, components={
        "orchestrator": [world.orchestrator],
        "image_builder": [{"flavor": "local", "configuration": {}}]})
    builder = made["metadata"]["components"]["image_builder"][0]
    assert builder["name"] == made["name"]
    assert world.api.read("/components/" + builder["id"])["metadata"]["labels"] \
        == {"team": "red"}


def test_failed_stack_leaves_no_components(world: World) -> None:
    body = world.stack_body(components={
        "orchestrator": [{"flavor": "local", "configuration": {}}],
        "image_builder": [{"flavor": "no-such", "configuration": {}}]})
    fails(world.api.post(world.ws + "/stacks", body), 400, "ValueError")
    assert world.api.ids("/components", name=body["name"]) == []
    assert world.api.ids("/stacks", name=body["name"]) == []


def test_stack_update(world: World) -> None:
    made = world.stack()
    path, name = "/stacks/" + made["id"], world.name("renamed")
    orchestrator = world.component()["id"]
    changed = world.api.change(path, {"name": name, "components": {
        "orchestrator": [orchestrator]}})
    assert changed["name"] == name
    assert {kind: [item["id"] for item in items]
            for kind, items in changed["metadata"]["components"].items()} \
        == {"orchestrator": [orchestrator]}
    assert list(world.api.change(path, {})["metadata"]["components"]) == ["orchestrator"]
    missing(world.api.put(path, {"components": {"orchestrator": [NOBODY]}}))
    assert list(world.api.read(path)["metadata"]["components"]) == ["orchestrator"]
    fails(world.api.put(path, {"description": "no column"}), 400, "ValueError")
    taken(world.api.put(path, {"name": world.stack()["name"]}), "StackExistsError")


def test_default_stack_is_protected(world: World) -> None:
    path = "/stacks/" + world.stack_id
    forbidden(world.api.put(path, {"name": "other"}))
    forbidden(world.api.delete(path))


def test_stack_may_be_deleted_while_runs_remember_it(world: World) -> None:
    stack = world.stack()
    deployment = world.deployment(stack=stack["id"])
    run = world.run(deployment=deployment["id"])
    assert run["body"]["stack"]["id"] == stack["id"]
    world.api.remove("/stacks/" + stack["id"])
    assert world.api.read("/runs/" + run["id"])["body"]["stack"] is None
    assert world.api.read("/pipeline_deployments/" + deployment["id"])["metadata"]["stack"] is None


def test_remote_orchestrator_is_a_milestone(world: World) -> None:
    flavor = world.flavor()["name"]
    world.stack(components={"orchestrator": [world.component(flavor=flavor)["id"]]})
    assert "stack_with_remote_orchestrator_created" in world.api.read("/onboarding_state")


def test_filter_by_a_column_that_stacks_lack(world: World) -> None:
    refused(world.api.get("/stacks", description="x"))
    refused(world.api.get("/stacks", component_id="no-uuid"))
    assert ok(world.api.get("/stacks", component_id=world.orchestrator))["total"] >= 1


@pytest.mark.parametrize("configuration,found", [
    ({"tracking_uri": "{{no-secret.k}}"}, False), ({"tracking_password": "{{no-secret.k}}"}, True),
    ({"tracking_uri": "https://h", "tracking_username": "u", "tracking_password": "{{no-secret.k}}"}, False),
    ({"tracking_uri": "https://h", "tracking_username": "u", "tracking_password": "{{ SECRET.none }}"}, False),
    ({"tracking_uri": "https://h", "tracking_username": "u", "tracking_password": "{{ SECRET.k }}"}, True),
    ({"tracking_uri": "https://h", "tracking_token": "{{no-secret.k}}"}, False),
    ({"tracking_uri": "https://h", "tracking_username": "u", "tracking_password": "p",
      "tracking_token": "{{no-secret.k}}"}, True),
    ({"tracking_uri": "/local", "tracking_token": "{{no-secret.k}}"}, True)])
def test_reference_to_a_secret_that_is_not_there(world: World, configuration: dict, found: bool) -> None:
    name = world.name("secret")
    world.api.make(world.ws + "/secrets", world.owned | {"name": name, "values": {"k": "v"}})
    configuration = {key: value.replace("SECRET", name) for key, value in configuration.items()}
    answer = world.api.post(world.ws + "/components", world.component_body(
        type="experiment_tracker", flavor="mlflow", configuration=configuration))
    if found:
        ok(answer)
    else:
        missing(answer)
