"""Tags by name: the database's collation decides which names are the same; nobody waits for a tag that is there."""

from __future__ import annotations

import uuid

import pytest

from kit.factory import World
from kit.servers import Kanso, Server

pytestmark = pytest.mark.engine


@pytest.mark.parametrize("spellings", [("v1{}", "v1{} "), ("v1{}", "V1{}"), ("Ré{}", "re{}", "RÉ{}", "Re{} "), ("a{}", "b{}", "a{}"),
                                       ("ﬁ{}", "fi{}"), ("straße{}", "strasse{}")], ids=str)
def test_names_that_are_the_same(server: Server, world: World, spellings: tuple[str, ...]) -> None:
    """As many tags as the database tells apart, each spelled as it came first, whether all come at once or not."""
    mark = uuid.uuid4().hex[:8]
    names = [spelling.format(mark) for spelling in spellings]
    at_once = world.artifact(tags=names)["body"]["tags"]
    later = world.artifact(tags=list(reversed(names)))["body"]["tags"]
    assert {tag["id"] for tag in at_once} == {tag["id"] for tag in later}
    assert names[0] in {tag["name"] for tag in at_once} <= set(names)
    if not server.mariadb:
        return
    assert server.sql(f"SELECT COUNT(*), COUNT(DISTINCT name) FROM tag WHERE name LIKE '%{mark}%'") \
        == [[str(len(at_once))] * 2]
    assert server.sql(f"SELECT name FROM kanso_name_guard WHERE name LIKE '%{mark}%'") == []


def test_thousands_of_tags(world: World) -> None:
    names = [world.name("many") for _ in range(17_000)]
    artifact = world.artifact(tags=names)
    assert {tag["name"] for tag in artifact["body"]["tags"]} == set(names)
    assert world.api.change(f"/artifacts/{artifact['id']}", {"remove_tags": names})["body"]["tags"] == []


def test_nobody_waits_for_a_tag_that_is_there(server: Server, world: World) -> None:
    if not isinstance(server, Kanso) or not server.mariadb:
        pytest.skip("looks into the database")
    name = world.tag()["name"]
    guard = f"('tag', '', '{name}')"
    with server.mariadb.holding(server.database, f"INSERT INTO kanso_name_guard (resource, scope, name) VALUES {guard}"):
        run = world.run(tags=[name])
        world.api.change(f"/runs/{run['id']}", {"add_tags": [name]})
    server.sql(f"DELETE FROM kanso_name_guard WHERE name = '{name}'")
    assert world.api.read(f"/tags/{name}")["body"]["tagged_count"] == 1
