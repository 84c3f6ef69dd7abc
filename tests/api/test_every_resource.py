"""Rules that hold for every resource: envelope, hydration, look-up, refusals, deletion."""

from __future__ import annotations

import uuid

import pytest

from kit import api as kit_api
from kit.api import (NOBODY, STAMP, UUID, Api, fails, forbidden, missing, ok, taken, unfit)
from kit.factory import World
from kit.kinds import KINDS, Kind

pytestmark = pytest.mark.sanitize


def those(**wanted: object) -> pytest.MarkDecorator:
    """Parametrize over the kinds that have these properties."""
    chosen = [kind for kind in KINDS
              if all(bool(getattr(kind, key)) == value for key, value in wanted.items())]
    return pytest.mark.parametrize("kind", chosen, ids=str)


every = those()


def update_body(kind: Kind, made: dict) -> dict:
    if kind.name == "model_version":
        return {"model": made["body"]["model"]["id"], "description": "d"}
    return kind.update


@every
def test_created_envelope(world: World, kind: Kind) -> None:
    made = kind.make(world)
    assert list(made) == kind.embeds.split()
    assert UUID.fullmatch(made["id"]) and made["permission_denied"] is False
    assert STAMP.fullmatch(made["body"]["created"])
    assert made["body"]["created"] == made["body"]["updated"]
    assert isinstance(made["metadata"], dict) or kind.name == "tag"
    if kind.owned:
        assert made["body"]["user"]["id"] == world.user
        assert made["body"]["user"]["metadata"] is None
        assert made["metadata"]["workspace"]["id"] == world.workspace
        assert made["metadata"]["workspace"]["metadata"] is None
    assert ok(world.api.get(f"{kind.path}/{made['id']}"))["id"] == made["id"]


@every
def test_hydration(world: World, kind: Kind) -> None:
    one = f"{kind.path}/{kind.make(world)['id']}"
    whole, part = ({"hydrate": hydrate, "expand_secrets": "false"}  # for connectors
                   for hydrate in ("true", "false"))
    full, lean = world.api.read(one, **whole), world.api.read(one, **part)
    assert isinstance(full["metadata"], dict) or kind.name == "tag"
    assert lean["metadata"] is None
    assert lean["body"] == full["body"] and lean["id"] == full["id"]
    listed = world.api.items(kind.path, id=full["id"], expand_secrets="false")
    assert [item["metadata"] for item in listed] == [None]
    assert world.api.items(kind.path, id=full["id"], **whole)[0]["metadata"] == full["metadata"]


@those(nested=True)
def test_list_of_the_workspace(world: World, kind: Kind) -> None:
    made = kind.make(world)
    for workspace in (world.workspace, "default"):
        found = world.api.ids(f"/workspaces/{workspace}{kind.path}", id=made["id"])
        assert found == [made["id"]]
    missing(world.api.get(f"/workspaces/{NOBODY}{kind.path}"))
    missing(world.api.get(f"/workspaces/no-such{kind.path}"))


@every
def test_unknown_id(world: World, kind: Kind) -> None:
    missing(world.api.get(f"{kind.path}/{NOBODY}"))
    missing(world.api.delete(f"{kind.path}/{NOBODY}"))
    if kind.update:
        missing(world.api.put(f"{kind.path}/{NOBODY}", kind.update))


@those(by_name=False)
def test_id_that_is_no_uuid(world: World, kind: Kind) -> None:
    problem = unfit(world.api.get(kind.path + "/no-uuid"), "uuid_parsing",
                    "path", kind.parameter)
    assert problem["input"] == "no-uuid"
    unfit(world.api.delete(kind.path + "/no-uuid"), "uuid_parsing", "path", kind.parameter)


@every
def test_notations_of_an_id(world: World, kind: Kind) -> None:
    made = kind.make(world)
    number = uuid.UUID(made["id"])
    for text in (number.hex, number.hex.upper(), str(number).upper(), f"{{{number}}}"):
        assert world.api.read(f"{kind.path}/{text}")["id"] == made["id"]


@those(by_name=True)
def test_look_up_by_name(world: World, kind: Kind) -> None:
    made = kind.make(world)
    assert world.api.read(f"{kind.path}/{made['name']}")["id"] == made["id"]
    missing(world.api.get(f"{kind.path}/{made['name'][:-1]}"))
    world.api.remove(f"{kind.path}/{made['name']}")
    missing(world.api.get(f"{kind.path}/{made['name']}"))


@every
def test_delete(world: World, kind: Kind) -> None:
    made = kind.make(world)
    world.api.remove(f"{kind.path}/{made['id']}")
    missing(world.api.get(f"{kind.path}/{made['id']}"))
    missing(world.api.delete(f"{kind.path}/{made['id']}"))
    assert world.api.ids(kind.path, id=made["id"]) == []


@those(clash=True)
def test_name_is_taken(world: World, kind: Kind) -> None:
    body = kind.body(world)
    first = world.api.make(kind.where(world), body)
    if kind.name == "run":
        body["orchestrator_run_id"] = uuid.uuid4().hex
    taken(world.api.post(kind.where(world), body), kind.clash)
    taken(world.api.post(kind.where(world), body | {"name": body["name"].upper()}), kind.clash)
    assert world.api.ids(kind.path, name=body["name"]) == [first["id"]]
    world.api.remove(f"{kind.path}/{first['id']}")
    ok(world.api.post(kind.where(world), body))


@those(owned=True)
def test_body_must_name_the_caller(world: World, kind: Kind) -> None:
    body = kind.body(world)
    forbidden(world.api.post(kind.where(world), body | {"user": NOBODY}))
    if kind.checks_workspace:
        forbidden(world.api.post(kind.where(world), body | {"workspace": NOBODY}))
    if kind.named:
        assert kind.name == "model_version" or \
            world.api.ids(kind.path, name=body["name"]) == []


@those(checks_workspace=True)
def test_workspace_of_the_path(world: World, kind: Kind) -> None:
    missing(world.api.post(kind.create.format(ws="/workspaces/no-such"), kind.body(world)))
    ok(world.api.post(kind.create.format(ws="/workspaces/default"), kind.body(world)))


@every
def test_required_keys(world: World, kind: Kind) -> None:
    body = kind.body(world)
    for key in kind.required:
        lacking = {name: value for name, value in body.items() if name != key}
        problem = unfit(world.api.post(kind.where(world), lacking), "missing", "body", key)
        assert problem["msg"] == "Field required"
    found = kit_api.problems(world.api.post(kind.where(world), {}))
    assert {tuple(problem["loc"]) for problem in found if problem["type"] == "missing"} \
        >= {("body", key) for key in kind.required}


@every
def test_unknown_keys_are_ignored(world: World, kind: Kind) -> None:
    made = kind.make(world, no_such_key={"a": [1]})
    assert "no_such_key" not in str(world.api.read(f"{kind.path}/{made['id']}"))


@those(named=True)
def test_name_limits(world: World, kind: Kind) -> None:
    body, where = kind.body(world), kind.where(world)
    unfit(world.api.post(where, body | {"name": 5}), "string_type", "body", "name")
    if kind.name == "schedule":
        return
    problem = unfit(world.api.post(where, body | {"name": "x" * 256}),
                    "string_too_long", "body", "name")
    assert problem["ctx"] == {"max_length": 255}
    longest = (body["name"] + "é" * 255)[:255]
    assert ok(world.api.post(where, body | {"name": longest}))["name"] == longest


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind.name in (
    "component", "stack", "artifact", "model", "model_version", "tag")], ids=str)
@pytest.mark.parametrize("character", "\t\n\r\v\f")
def test_name_without_control_characters(world: World, kind: Kind, character: str) -> None:
    body = kind.body(world)
    fails(world.api.post(kind.where(world), body | {"name": f"a{character}b"}), 400, "ValueError")


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind.update], ids=str)
def test_update(world: World, kind: Kind) -> None:
    made = kind.make(world)
    changed = world.api.change(f"{kind.path}/{made['id']}", kind.update)
    assert list(changed) == kind.embeds.split()
    assert changed["id"] == made["id"]
    assert changed["body"]["created"] == made["body"]["created"]
    assert changed["body"]["updated"] >= made["body"]["updated"]
    again = world.api.read(f"{kind.path}/{made['id']}")
    assert again["body"]["updated"] == changed["body"]["updated"]
    shown = again["body"] | (again["metadata"] or {})
    for key, value in kind.update.items():
        if key == "values":
            assert again["body"]["values"] == value
        elif key != "add_tags":
            assert shown[key] == value


@every
def test_without_a_token(server, world: World, kind: Kind) -> None:
    stranger = Api(server.url, user=None)
    made = kind.make(world)
    for answer in (stranger.get(kind.path), stranger.get(f"{kind.path}/{made['id']}"),
                   stranger.post(kind.where(world), {}),
                   stranger.delete(f"{kind.path}/{made['id']}")):
        assert answer.status_code == 401
        assert answer.json() == {"detail": "Not authenticated"}
        assert answer.headers["www-authenticate"] == "Bearer"
    assert world.api.read(f"{kind.path}/{made['id']}")["id"] == made["id"]
