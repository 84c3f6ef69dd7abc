"""Filters, sorting and paging, on tags and on resources with other kinds of columns."""

from __future__ import annotations

import datetime
import time

import pytest

from kit.api import Api, ok, refused
from kit.factory import World
from kit.kinds import KINDS, Kind

pytestmark = pytest.mark.sanitize


@pytest.fixture(scope="module")
def tags(world: World) -> dict[str, str]:
    """Five tags under one prefix: name without it -> id."""
    prefix = world.name("list")
    names = ["Alpha", "beta", "gamma%", "delta_x", "beta:two"]
    made = {name: world.tag(name=f"{prefix}-{name}", color="red" if "a" < name[0] else "blue")
            for name in names}
    return {"": prefix} | {name: tag["id"] for name, tag in made.items()}


def found(client: Api, tags: dict[str, str], **query: object) -> set[str]:
    """The short names that a filter leaves."""
    back = {value: key for key, value in tags.items()}
    return {back[identity] for identity in client.ids("/tags", size=1000, **query)
            if identity in back}


@pytest.mark.parametrize("value,names", [
    ("{}-beta", {"beta"}), ("equals:{}-beta", {"beta"}), ("equals:{}-beta:two", {"beta:two"}),
    ("startswith:{}-b", {"beta", "beta:two"}), ("endswith:-beta", {"beta"}),
    ("contains:-ALPH", {"Alpha"}), ("contains:et", {"beta", "beta:two"}),
    ("startswith:{}-gamma%", {"gamma%"}), ("contains:l_a", set()),
    ("contains:elta_x", {"delta_x"}), ("Contains:et", set()), ("in:beta", set()), ("", set()),
    ("{}-BETA", {"beta"})])
def test_text_filter(client: Api, tags: dict, value: str, names: set[str]) -> None:
    got = found(client, tags, name=value.format(tags[""]))
    if value == "contains:l_a":
        assert "Alpha" not in got
    else:
        assert got == names


def test_wildcards_are_not_escaped(client: Api, tags: dict) -> None:
    assert found(client, tags, name=f"startswith:{tags['']}-%lta") == {"delta_x"}
    assert found(client, tags, name=f"startswith:{tags['']}-b_ta") == {"beta", "beta:two"}


def test_id_filter(client: Api, tags: dict) -> None:
    identity = tags["beta"]
    for value in (identity, "equals:" + identity, identity.replace("-", ""),
                  "startswith:" + identity[:8], "contains:" + identity[-12:],
                  "endswith:" + identity[-12:]):
        assert "beta" in found(client, tags, id=value), value
    assert found(client, tags, id="startswith:" + identity[:13]) == set()


def test_enum_filter(client: Api, tags: dict) -> None:
    assert "beta" in found(client, tags, color="red")
    assert "beta" not in found(client, tags, color="blue")
    assert client.get("/tags", color="equals:red").status_code == 422


def test_time_filter(client: Api, tags: dict) -> None:
    created = datetime.datetime.fromisoformat(
        client.read("/tags/" + tags["beta"])["body"]["created"])
    second = datetime.timedelta(seconds=1)
    for operator, moment, expected in (
            ("equals", created, True), ("gte", created, True), ("lte", created, True),
            ("gt", created, False), ("lt", created, False), ("gt", created - second, True),
            ("lt", created + second, True), ("lt", created - second, False),
            ("equals", created + second, False)):
        value = f"{operator}:{moment:%Y-%m-%d %H:%M:%S}"
        got = found(client, tags, created=value, id=tags["beta"])
        assert got == ({"beta"} if expected else set()), value
    for text in (created.isoformat(), f"{created:%Y-%m-%d %H:%M:%S}"):
        assert "beta" in found(client, tags, created=text)


def test_number_filter(world: World) -> None:
    artifact = world.artifact()["id"]
    versions = {number: world.artifact_version(artifact, version=number)["id"]
                for number in (1, 2, 10)}
    world.artifact_version(artifact, version="named")

    def numbers(value: str) -> set[int]:
        ids = world.api.ids("/artifact_versions", artifact_id=artifact, version_number=value)
        return {number for number, identity in versions.items() if identity in ids}

    assert numbers("2") == numbers("equals:2") == {2}
    assert numbers("gt:2") == {10} and numbers("gte:2") == {2, 10}
    assert numbers("lt:2") == {1} and numbers("lte:2") == {1, 2}
    for value in ("abc", "gte:1.5", "contains:1"):
        refused(world.api.get("/artifact_versions", version_number=value))


def test_bool_filter(world: World) -> None:
    local = world.build(is_local=True)["id"]
    remote = world.build(is_local=False)["id"]
    assert world.api.ids("/pipeline_builds", is_local="true", id=local) == [local]
    assert world.api.ids("/pipeline_builds", is_local="no", id=remote) == [remote]
    assert world.api.ids("/pipeline_builds", is_local="false", id=local) == []
    assert world.api.get("/pipeline_builds", is_local="equals:true").status_code == 422


def test_logical_operator(client: Api, tags: dict) -> None:
    beta, alpha = tags["beta"], tags["Alpha"]
    name = f"{tags['']}-Alpha"
    assert client.ids("/tags", id=beta, name=name) == []
    assert set(client.ids("/tags", id=beta, name=name, logical_operator="or")) == {alpha, beta}
    assert client.read("/tags", logical_operator="or")["total"] == 0


def test_scope_stays_outside_of_or(world: World) -> None:
    stack = world.stack()
    page = world.api.read("/workspaces/default/stacks", id=stack["id"], logical_operator="or")
    assert [item["id"] for item in page["items"]] == [stack["id"]]


def test_last_of_a_repeated_parameter_counts(client: Api, tags: dict) -> None:
    query = f"/tags?name={tags['']}-Alpha&name={tags['']}-beta"
    assert [item["id"] for item in ok(client.get(query))["items"]] == [tags["beta"]]


@pytest.mark.parametrize("sort_by,names", [
    ("name", ["Alpha", "beta", "beta:two", "delta_x", "gamma%"]),
    ("asc:name", ["Alpha", "beta", "beta:two", "delta_x", "gamma%"]),
    ("desc:name", ["gamma%", "delta_x", "beta:two", "beta", "Alpha"]),
    ("DESC:name", ["Alpha", "beta", "beta:two", "delta_x", "gamma%"])])
def test_sorting(client: Api, tags: dict, sort_by: str, names: list[str]) -> None:
    back = {value: key for key, value in tags.items()}
    ids = client.ids("/tags", name="startswith:" + tags[""], sort_by=sort_by)
    assert [back[identity] for identity in ids] == names


def test_ties_are_in_order_of_creation(client: Api, tags: dict) -> None:
    prefix = "startswith:" + tags[""]
    made = [identity for name, identity in tags.items() if name]
    assert client.ids("/tags", name=prefix) == client.ids("/tags", name=prefix, sort_by="created") == made
    assert client.ids("/tags", name=prefix, sort_by="desc:created") == made[::-1]
    for direction in ("asc", "desc"):
        items = client.items("/tags", name=prefix, sort_by=direction + ":color")
        expected = sorted(items, key=lambda tag: (tag["body"]["color"], made.index(tag["id"])), reverse=direction == "desc")
        assert items == expected


@pytest.mark.parametrize("kind", KINDS, ids=str)
def test_order_of_creation(world: World, kind: Kind) -> None:
    """Many of everything, most of them within one second: the oldest first, the newest first, and which is the latest."""
    began = time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime())
    made = [kind.make(world)["id"] for _ in range(50)]

    def listed(sort_by: str, **query: str) -> list[str]:
        return [identity for identity in world.api.ids(kind.path, sort_by=sort_by, size=80, **query) if identity in made]

    assert listed("created", created="gte:" + began) == made
    assert listed("desc:created", created="gte:" + began) == listed("desc:created") == made[::-1]
    assert world.api.ids(kind.path, sort_by="desc:created", size=1) == made[-1:]
    if kind.nested:
        assert [i for i in world.api.ids(world.ws + kind.path, sort_by="desc:created", size=80) if i in made] == made[::-1]


def test_paging(client: Api, tags: dict) -> None:
    query = {"name": "startswith:" + tags[""], "sort_by": "name"}
    everything = client.ids("/tags", **query)
    pages = [client.read("/tags", size=2, page=page, **query) for page in (1, 2, 3)]
    assert [item["id"] for page in pages for item in page["items"]] == everything
    assert [len(page["items"]) for page in pages] == [2, 2, 1]
    for number, page in enumerate(pages, 1):
        assert list(page) == ["index", "max_size", "total_pages", "total", "items"]
        assert (page["index"], page["max_size"], page["total_pages"], page["total"]) \
            == (number, 2, 3, 5)
    refused(client.get("/tags", size=2, page=4, **query))
    empty = client.read("/tags", name="no such tag", size=2)
    assert (empty["total"], empty["total_pages"], empty["items"]) == (0, 1, [])
    assert client.read("/tags")["max_size"] == 20


def test_rows_appear_once(world: World) -> None:
    """A filter through another table neither doubles rows nor spoils the total."""
    one, two = world.component(), world.component(type="artifact_store")
    stacks = [world.stack(components={"orchestrator": [one["id"]], "artifact_store": [two["id"]]})
              for _ in range(3)]
    page = world.api.read("/stacks", component_id=one["id"])
    assert page["total"] == 3
    assert {item["id"] for item in page["items"]} == {stack["id"] for stack in stacks}
    assert world.api.ids("/components", stack_id=stacks[0]["id"], sort_by="type") \
        == [two["id"], one["id"]]


def test_filter_by_nullable_columns(world: World) -> None:
    pipeline = world.pipeline()["id"]
    runs = [world.run(deployment=world.deployment(pipeline=pipeline)["id"], pipeline=pipeline,
                      status=status)["id"] for status in ("running", "failed")]
    loose = world.run()["id"]
    assert set(world.api.ids("/runs", pipeline_id=pipeline)) == set(runs)
    assert world.api.ids("/runs", pipeline_id=pipeline, status="failed") == [runs[1]]
    assert world.api.ids("/runs", unlisted="true", id=loose) == [loose]
    assert world.api.ids("/runs", unlisted="true", id=runs[0]) == []
