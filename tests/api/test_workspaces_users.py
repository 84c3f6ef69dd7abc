"""Workspaces and users, as far as they can be read; component types."""

from __future__ import annotations

import pytest

from kit.api import NOBODY, Api, missing
from kit.factory import World
from kit.servers import USER

pytestmark = pytest.mark.sanitize


def test_default_workspace(client: Api) -> None:
    workspace = client.read("/workspaces/default")
    assert list(workspace) == ["body", "metadata", "resources", "id", "permission_denied", "name"]
    assert list(workspace["body"]) == ["created", "updated"]
    assert list(workspace["metadata"]) == ["description"]
    assert workspace["resources"] is None
    assert client.read("/workspaces/DEFAULT")["id"] == workspace["id"]
    assert client.read("/workspaces/" + workspace["id"]) == workspace
    assert workspace["id"] in client.ids("/workspaces", name="default")
    assert client.read("/workspaces/default", hydrate="false")["metadata"] is None


def test_unknown_workspace(client: Api) -> None:
    missing(client.get("/workspaces/no-such"))
    missing(client.get("/workspaces/" + NOBODY))
    missing(client.get("/workspaces/no-such/statistics"))


def test_user(client: Api) -> None:
    me = client.read("/current-user")
    for key in (USER, me["id"], me["id"].replace("-", "")):
        user = client.read("/users/" + key)
        assert user["id"] == me["id"] and user["name"] == USER
        assert user["metadata"]["email"] is None
    assert client.read("/users/" + USER, hydrate="false")["metadata"] is None
    missing(client.get("/users/nobody"))
    missing(client.get("/users/" + NOBODY))


def test_users(client: Api) -> None:
    me = client.read("/current-user")
    assert client.ids("/users", name=USER) == [me["id"]]
    assert client.ids("/users", active="true", id=me["id"]) == [me["id"]]
    assert client.ids("/users", active="false", id=me["id"]) == []
    assert client.ids("/users", email="startswith:nobody@") == []


def test_component_types(client: Api) -> None:
    types = client.read("/component-types")
    assert sorted(types) == sorted([
        "alerter", "annotator", "artifact_store", "container_registry", "data_validator",
        "experiment_tracker", "feature_store", "image_builder", "model_deployer",
        "orchestrator", "step_operator", "model_registry"])


def test_things_of_the_workspace_only(world: World) -> None:
    """Lists under a workspace show what belongs to it, and what belongs to none."""
    stack = world.stack()
    assert stack["id"] in world.api.ids("/workspaces/default/stacks", size=1000)
    assert world.api.ids("/stacks", id=stack["id"], scope_workspace=NOBODY) == []
    assert world.api.ids("/stacks", id=stack["id"], workspace_id=world.workspace) == [stack["id"]]
