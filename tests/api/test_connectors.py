"""Service connectors: resources of their own, the types, and the calls that use them."""

from __future__ import annotations

import re
from typing import Any

import pytest

from kit import api as kit_api
from kit.api import NOBODY, fails, forbidden, missing, ok, refused, taken, unfit
from kit.factory import World

pytestmark = pytest.mark.sanitize

LOGIN = {"username": "joe", "password": "pw"}
REGISTRY = "docker-registry"


def connector_body(world: World, **changes: Any) -> dict[str, Any]:
    return world.owned | {"name": world.name("connector"), "connector_type": "docker",
                          "auth_method": "password", "resource_types": [REGISTRY],
                          "configuration": LOGIN} | changes


def make(world: World, **changes: Any) -> dict[str, Any]:
    return world.api.make(world.ws + "/service_connectors", connector_body(world, **changes))


def foreign(world: World, **changes: Any) -> dict[str, Any]:
    """A connector of a type that the server does not have."""
    return make(world, **{"connector_type": "elsewhere", "auth_method": "key",
                          "resource_types": ["bucket", "cluster"],
                          "configuration": {"region": "r"}} | changes)


def at(connector: dict[str, Any], tail: str = "") -> str:
    return "/service_connectors/" + connector["id"] + tail


# Types

def test_types(world: World) -> None:
    types = world.api.read("/service_connector_types")
    docker = next(item for item in types if item["connector_type"] == "docker")
    assert list(docker) == [
        "name", "connector_type", "description", "resource_types", "auth_methods",
        "supports_auto_configuration", "logo_url", "emoji", "docs_url", "sdk_docs_url", "local",
        "remote"]
    assert docker["resource_types"][0]["resource_type"] == REGISTRY
    assert docker["auth_methods"][0]["config_schema"]["required"] == ["username", "password"]
    assert world.api.read("/service_connector_types/docker") == docker
    for query in ({"connector_type": "docker"}, {"resource_type": REGISTRY},
                  {"auth_method": "password"}):
        assert docker in world.api.read("/service_connector_types", **query)
    assert world.api.read("/service_connector_types", resource_type="none") == []
    missing(world.api.get("/service_connector_types/none"))


# Creation

def test_secrets_are_kept_apart(world: World) -> None:
    made = make(world, configuration={"username": "joe", "registry": "localhost:5000", "zz": 1},
                secrets={"password": "pw"}, labels={"team": "blue"})
    assert made["body"]["connector_type"]["connector_type"] == "docker"
    assert made["body"]["resource_types"] == [REGISTRY]
    assert made["metadata"]["configuration"] == {"registry": "localhost:5000"}
    assert made["metadata"]["secrets"] == {} and made["metadata"]["labels"] == {"team": "blue"}
    secret = world.api.read("/secrets/" + made["metadata"]["secret_id"])
    assert secret["body"]["values"] == LOGIN and secret["body"]["scope"] == "workspace"
    name = re.sub(r"[^a-zA-Z0-9-]", "-", made["name"]).lower()
    assert re.fullmatch(f"connector-{name}-[a-z]{{4}}", secret["name"])


def test_secrets_are_shown_when_asked_for(world: World) -> None:
    made = make(world)
    whole = {"configuration": LOGIN, "secrets": {}}
    for query in ({}, {"hydrate": "false"}, {"expand_secrets": "true"}):
        shown = world.api.read(at(made), **query)["metadata"]
        assert {key: shown[key] for key in whole} == whole
        listed = world.api.items("/service_connectors", name=made["name"], **query)[0]["metadata"]
        assert {key: listed[key] for key in whole} == whole
    assert world.api.read(at(made), expand_secrets="false")["metadata"]["configuration"] == {}
    lean = world.api.read(at(made), expand_secrets="false", hydrate="false")
    assert lean["metadata"] is None
    nested = world.api.items(world.ws + "/service_connectors", name=made["name"], hydrate="true")
    assert nested[0]["metadata"]["configuration"] == {}


def test_types_of_this_server_are_checked(world: World) -> None:
    where = world.ws + "/service_connectors"
    for changes in ({"auth_method": "none"}, {"resource_types": ["none"]},
                    {"configuration": {"username": "joe"}}):
        fails(world.api.post(where, connector_body(world, **changes)), 400, "ValueError")
    assert make(world, resource_types=[])["body"]["resource_types"] == [REGISTRY]
    whole = world.api.read("/service_connector_types/docker")
    assert make(world, connector_type=whole)["body"]["connector_type"] == whole
    unfit(world.api.post(where, connector_body(world, secrets={"a": 1})),
          "string_type", "body", "secrets", "a")


def test_other_types_are_stored_as_given(world: World) -> None:
    made = foreign(world, secrets={"key": "k"}, resource_id="b", supports_instances=True,
                   expiration_seconds=60)
    assert made["body"]["connector_type"] == "elsewhere"
    assert made["body"]["resource_types"] == ["bucket", "cluster"]
    assert made["body"]["resource_id"] == "b" and made["body"]["supports_instances"] is True
    assert made["metadata"]["expiration_seconds"] == 60
    assert world.api.read(at(made))["metadata"]["configuration"] == {"region": "r", "key": "k"}
    assert foreign(world)["metadata"]["secret_id"] is None


def test_names_are_unique(world: World) -> None:
    one, two = make(world), make(world)
    taken(world.api.post(world.ws + "/service_connectors",
                         connector_body(world, name=one["name"])))
    taken(world.api.put(at(two), {"name": one["name"]}))


def test_only_for_oneself_and_here(world: World) -> None:
    where = world.ws + "/service_connectors"
    forbidden(world.api.post(where, connector_body(world, user=NOBODY)))
    forbidden(world.api.post(where, connector_body(world, workspace=NOBODY)))


# Finding

def test_filters(world: World) -> None:
    one = make(world, labels={"a": "b", "c": "\u00e9"})
    two = foreign(world, labels={"a": "x"})
    both = sorted([one["id"], two["id"]])

    def found(**query: Any) -> list[str]:
        known = world.api.ids("/service_connectors", size=1000, **query)
        return sorted(set(known) & set(both))

    assert found(labels_str='{"a": "b"}') == [one["id"]]
    assert found(labels_str='{"a": null}') == both
    assert found(labels_str="a=b,c") == [one["id"]]
    assert found(labels_str="c=\u00e9") == [one["id"]]
    assert found(labels_str="missing") == []
    assert found(resource_type="bucket") == [two["id"]]
    assert found(resource_type=REGISTRY, name=two["name"]) == []
    assert found(connector_type="elsewhere", auth_method="key") == [two["id"]]
    assert found(scope_type="ignored", labels="ignored") == both
    refused(world.api.get("/service_connectors", labels_str="[1]"))
    answer = world.api.call("GET", "/service_connectors", json={"a": "x"})
    assert two["id"] in [item["id"] for item in ok(answer)["items"]]
    unfit(world.api.call("GET", "/service_connectors", json=[1]), "dict_type", "body")


# Changes

def test_update_replaces_the_configuration(world: World) -> None:
    made = make(world)
    old = made["metadata"]["secret_id"]
    kept = world.api.change(at(made), {"description": "d", "labels": {"x": "y"}})
    assert kept["metadata"]["secret_id"] == old and kept["body"]["description"] == "d"
    fails(world.api.put(at(made), {"configuration": {"registry": "r"}}), 400, "ValueError")
    new = world.api.change(at(made), {"configuration": {"registry": "r"},
                                      "secrets": {"username": "a", "password": "b"}})
    assert new["metadata"]["configuration"] == {"registry": "r"}
    assert new["metadata"]["secret_id"] != old
    missing(world.api.get("/secrets/" + old))
    assert world.api.read(at(made))["metadata"]["configuration"] \
        == {"registry": "r", "username": "a", "password": "b"}


def test_update_clears_what_it_does_not_name(world: World) -> None:
    made = foreign(world, resource_id="b", expiration_seconds=60)
    changed = world.api.change(at(made), {"auth_method": "token"})
    assert changed["body"]["resource_id"] is None
    assert changed["metadata"]["expiration_seconds"] is None
    assert changed["metadata"]["configuration"] == {"region": "r"}
    emptied = world.api.change(at(made), {"secrets": {"k": "v"}})["metadata"]["secret_id"]
    assert world.api.change(at(made), {"secrets": {}})["metadata"]["secret_id"] is None
    missing(world.api.get("/secrets/" + emptied))


def test_a_connector_in_use_keeps_its_reach(world: World) -> None:
    made = make(world)
    component = world.component(type="container_registry", flavor="default",
                                configuration={"uri": "docker.io"}, connector=made["id"],
                                connector_resource_id="docker.io")
    shown = component["metadata"]["connector"]
    assert shown["id"] == made["id"] and shown["body"]["connector_type"] == "docker"
    assert shown["metadata"] is None
    for changes in ({"resource_id": "x"}, {"resource_types": ["x"]}, {"connector_type": "x"},
                    {"auth_method": "x"}):
        forbidden(world.api.put(at(made), changes))
    assert world.api.change(at(made), {"description": "d"})["body"]["description"] == "d"
    forbidden(world.api.delete(at(made)))
    path = "/components/" + component["id"]
    assert world.api.change(path, {"labels": {}})["metadata"]["connector"] is None
    assert world.api.read(path)["metadata"]["connector_resource_id"] is None
    world.api.remove(at(made))
    missing(world.api.get("/secrets/" + made["metadata"]["secret_id"]))


# Calls

def test_verify(world: World) -> None:
    made = make(world, configuration=LOGIN | {"registry": "http://localhost:5000/x"})
    found = ok(world.api.put(at(made, "/verify")))
    assert list(found) == ["id", "name", "connector_type", "resources", "error"]
    assert found["id"] == made["id"] and found["error"] is None
    assert found["resources"] == [{"resource_type": REGISTRY, "resource_ids": ["localhost:5000"],
                                   "error": None}]
    other = ok(world.api.put(at(made, "/verify"), resource_id="docker.io"))
    assert other["error"] and other["resources"][0]["resource_ids"] is None
    fails(world.api.put(at(made, "/verify"), resource_type="bucket"), 400, "ValueError")
    missing(world.api.put(f"/service_connectors/{NOBODY}/verify"))
    fails(world.api.put(at(foreign(world), "/verify")), 501, "NotImplementedError")


def test_verify_what_is_not_stored(world: World) -> None:
    where = "/service_connectors/verify"
    found = ok(world.api.post(where, connector_body(world)))
    assert found["id"] is None and found["resources"][0]["resource_ids"] == ["docker.io"]
    late = ok(world.api.post(where, connector_body(world, expires_at="2020-01-01T00:00:00")))
    assert "expired" in late["error"] and late["resources"][0]["resource_ids"] is None
    for changes in ({"resource_id": "no host!"}, {"auth_method": "x"}, {"configuration": {}},
                    {"expiration_seconds": 5}):
        fails(world.api.post(where, connector_body(world, **changes)), 400, "ValueError")
    fails(world.api.post(where, connector_body(world, connector_type="x")),
          501, "NotImplementedError")


def test_client(world: World) -> None:
    made = make(world)
    client = world.api.read(at(made, "/client"))
    assert client["id"] == made["id"] and client["name"] == made["name"]
    assert client["metadata"]["secrets"] == LOGIN
    assert client["metadata"]["configuration"] == {}
    assert client["metadata"]["secret_id"] is None
    assert client["body"]["resource_id"] == "docker.io"
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}", client["body"]["created"])
    fails(world.api.get(at(made, "/client"), resource_id="other.io"),
          401, "AuthorizationException")
    late = make(world, expires_at="2020-01-01T00:00:00")
    fails(world.api.get(at(late, "/client")), 401, "AuthorizationException")


def test_resources(world: World) -> None:
    one, two = make(world), foreign(world, resource_id="b")
    where = world.ws + "/service_connectors/resources"
    found = {item["id"]: item for item in world.api.read(where)}
    if one["id"] in found:  # only a page of connectors is looked at
        assert found[one["id"]]["resources"][0]["resource_ids"] == ["docker.io"]
    if kit_api.REFERENCE:  # lists one resource for each character of the parameter
        return
    only = {item["id"]: item for item in world.api.read(
        where, connector_type="elsewhere", resource_type="bucket", resource_id="b")}
    assert only[two["id"]]["connector_type"] == "elsewhere"
    assert only[two["id"]]["resources"] == [{"resource_type": "bucket", "resource_ids": ["b"],
                                             "error": None}]


def test_full_stack_resources(world: World) -> None:
    where, made = "/service_connectors/full_stack_resources", make(world)
    info = {"type": "docker", "auth_method": "password", "configuration": LOGIN}
    nothing = {"connector_type": "docker", "components_resources_info": {
        "artifact_store": [], "orchestrator": [], "container_registry": []}}
    assert ok(world.api.post(where, info)) == nothing
    assert ok(world.api.post(where, connector_uuid=made["id"])) == nothing
    fails(world.api.post(where), 400, "ValueError")
    fails(world.api.post(where, info, connector_uuid=made["id"]), 400, "ValueError")
    fails(world.api.post(where, info | {"type": "x"}), 501, "NotImplementedError")


# Stacks that bring their connectors along

INFO = {"type": "docker", "auth_method": "password", "configuration": LOGIN}


def registry(index: int = 0, **changes: Any) -> dict[str, Any]:
    return {"flavor": "default", "service_connector_index": index,
            "configuration": {"uri": "docker.io"}} | changes


def test_stack_with_a_new_connector(world: World) -> None:
    made = world.stack(labels={"n": 1}, service_connectors=[INFO], components={
        "orchestrator": [world.orchestrator], "container_registry": [registry()]})
    connector = world.api.items("/service_connectors", name=made["name"], hydrate="true")[0]
    assert connector["metadata"]["labels"] == {"n": "1"}
    part = made["metadata"]["components"]["container_registry"][0]
    assert part["name"] == made["name"]
    assert world.api.read("/components/" + part["id"])["metadata"]["connector"]["id"] \
        == connector["id"]


def test_stack_with_an_existing_connector(world: World) -> None:
    connector = make(world)
    made = world.stack(service_connectors=[connector["id"]], components={
        "orchestrator": [world.orchestrator],
        "container_registry": [registry(service_connector_resource_id="docker.io/x")]})
    part = made["metadata"]["components"]["container_registry"][0]
    shown = world.api.read("/components/" + part["id"])["metadata"]
    assert shown["connector"]["id"] == connector["id"]
    assert shown["connector_resource_id"] == "docker.io/x"


def test_refused_stack_leaves_no_connectors(world: World) -> None:
    body = world.stack_body(service_connectors=[INFO], components={
        "orchestrator": [{"flavor": "local", "service_connector_index": 0}]})
    fails(world.api.post(world.ws + "/stacks", body), 400, "ValueError")
    for path in ("/service_connectors", "/components", "/stacks"):
        assert world.api.ids(path, name="startswith:" + body["name"]) == []
    body = world.stack_body(components={"orchestrator": [world.orchestrator],
                                        "container_registry": [registry(1)]})
    unfit(world.api.post(world.ws + "/stacks", body), "value_error", "body")
    missing(world.api.post(world.ws + "/stacks", world.stack_body(service_connectors=[NOBODY])))


def test_virtual_machines_need_lasting_credentials(world: World) -> None:
    connector = foreign(world, resource_id="b")
    world.stack(service_connectors=[connector["id"]],
                components={"orchestrator": [{"flavor": "vm_gcp"}]})
    shown = world.api.read(at(connector))
    assert shown["metadata"]["configuration"] == {"region": "r",
                                                  "generate_temporary_tokens": False}
    assert shown["body"]["resource_id"] == "b" or kit_api.REFERENCE
