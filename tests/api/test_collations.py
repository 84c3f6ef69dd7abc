"""Databases whose tables compare texts in all sorts of ways: every request works, and the columns decide what is equal."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any, Iterator

import pytest

from kit.api import Api, describe, ok, taken
from kit.factory import World
from kit.kinds import BY_NAME, KINDS, Kind
from kit.mariadb import own_tables
from kit.process import REPOSITORY
from kit.servers import Kanso

# What ZenML's tables have, and what the database's default has become since: a dump restored into another database, a server
# that was upgraded.
TABLES = {"latin1": "CHARACTER SET latin1", "general": "COLLATE utf8mb4_general_ci", "unicode": "COLLATE utf8mb4_unicode_ci",
          "bin": "COLLATE utf8mb4_bin", "0900": "COLLATE utf8mb4_0900_ai_ci"}
DEFAULTS = {"latin1 around utf8mb4": ("general", "CHARACTER SET latin1"), "latin1": ("latin1", "CHARACTER SET latin1"),
            "unicode": ("unicode", "COLLATE utf8mb4_unicode_ci"), "bin": ("bin", "COLLATE utf8mb4_bin"),
            "general in unicode": ("general", "COLLATE utf8mb4_unicode_ci"),
            "0900": ("0900", "COLLATE utf8mb4_0900_ai_ci"), "general in 0900": ("general", "COLLATE utf8mb4_0900_ai_ci")}
WIDE = "тег 🚀"


@pytest.fixture(scope="module", params=DEFAULTS)
def kanso(request: pytest.FixtureRequest, launch: Any, server_url: str | None) -> Iterator[Kanso]:
    if server_url:
        pytest.skip("needs databases of its own")
    mariadb = request.getfixturevalue("mariadb")
    tables, default = DEFAULTS[request.param]
    if "0900" in request.param and not mariadb.sql("SHOW COLLATION LIKE 'utf8mb4_0900_ai_ci'"):
        pytest.skip("this server does not know the collation")
    database = mariadb.new_database(TABLES[tables])
    mariadb.sql((REPOSITORY / "sql" / "schema.sql").read_text(), database)
    mariadb.sql(f"ALTER DATABASE {database} {default}; INSERT INTO {database}.alembic_version VALUES ('0.66.0')")
    if tables == "general":  # own tables of an earlier start, with the default of then
        mariadb.sql(own_tables().replace(
            "DEFAULT CHARACTER SET=utf8mb4 COLLATE=utf8mb4_bin", "CHARACTER SET latin1"), database)
    instance = launch(database=database)
    instance.tables = tables
    yield instance
    instance.stop()


@pytest.fixture(scope="module")
def there(kanso: Kanso) -> World:
    return World(Api(kanso.url))


@pytest.mark.parametrize("kind", KINDS, ids=str)
def test_everything_works(there: World, kind: Kind) -> None:
    made = kind.make(there)
    there.api.read(f"{kind.path}/{made['id']}")
    there.api.read(kind.path, hydrate="true", sort_by="desc:updated")
    if kind.named:
        for search in ("contains:" + made["name"][2:], "startswith:" + made["name"], made["name"], "equals:" + made["name"]):
            assert there.api.ids(kind.path, name=search) == [made["id"]]
        for search in (WIDE, "contains:" + WIDE, "endswith:" + WIDE, "startswith:" + WIDE):
            assert there.api.ids(kind.path, name=search) == []
    if kind.update and kind.name != "model_version":
        there.api.change(f"{kind.path}/{made['id']}", kind.update)
    if kind.clash and kind.name != "model_version":  # a body of it has a model of its own
        taken(there.api.post(kind.where(there), kind.body(there) | {"name": made["name"]}), kind.clash)
    there.api.remove(f"{kind.path}/{made['id']}")


@pytest.mark.engine
def test_a_run_with_everything(there: World) -> None:
    tags = [there.name("tag") for _ in range(3)]
    model = there.model(tags=tags)
    run = there.run(tags=tags, pipeline=there.pipeline()["id"])
    step = there.step(run, outputs={"o": there.artifact_version()["id"]}, status="completed")
    there.metadata("pipeline_run", run["id"], a=1, b="x")
    there.api.change("/runs/" + run["id"], {"add_tags": tags[:1] + ["more"], "remove_tags": tags[1:]})
    assert sorted(tag["name"] for tag in there.api.read("/runs/" + run["id"])["resources"]["tags"]) == sorted(
        [tags[0], "more"])
    there.api.change("/models/" + model["id"], {"remove_tags": tags})
    for path in (f"/runs/{run['id']}/graph", f"/runs/{run['id']}/steps", f"/steps/{step['id']}", "/workspaces/default/statistics"):
        there.api.read(path)
    assert there.api.ids("/models", tag=tags[0]) == []
    assert there.api.ids("/pipelines", tag=WIDE) == []
    there.api.read("/users/default")
    assert there.api.get("/users/" + WIDE).status_code == 404
    assert there.api.get("/tags/" + WIDE).status_code == 404
    there.api.read("/components", hydrate="true")


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind.named], ids=str)
def test_names_outside_the_default(kanso: Kanso, there: World, kind: Kind) -> None:
    """Whatever the column takes is stored; what it cannot hold is refused as the caller's mistake."""
    name = there.name(WIDE)
    answer = there.api.post(kind.where(there), kind.body(there) | {"name": name})
    if kanso.tables == "latin1":
        assert answer.status_code in (400, 422), describe(answer)
        assert there.api.ids(kind.path, name=name) == []
        return
    made = ok(answer)
    assert made["name"] == name
    assert there.api.ids(kind.path, name=name) == [made["id"]]
    assert there.api.ids(kind.path, name="contains:" + WIDE[-1]) == [made["id"]]


@pytest.mark.engine
def test_tags_outside_the_default(kanso: Kanso, there: World) -> None:
    tags = [there.name(WIDE), there.name("plain")]
    answer = there.api.post(there.ws + "/models", BY_NAME["model"].body(there) | {"tags": tags})
    if kanso.tables == "latin1":
        assert answer.status_code in (400, 422), describe(answer)
    else:
        assert sorted(tag["name"] for tag in ok(answer)["body"]["tags"]) == sorted(tags)


@pytest.mark.engine
def test_the_column_decides_what_is_equal(kanso: Kanso, there: World) -> None:
    """Another letter case, another accent, a blank behind: as the database says, for creates and for look-ups."""
    name = there.name("Café")
    made = there.tag(name=name)
    for other in (name.upper(), name.replace("é", "e"), name + " "):
        escaped = other.replace("'", "''")
        same = kanso.sql(f"SELECT COUNT(*) FROM tag WHERE name = '{escaped}'") != [["0"]]
        answer = there.api.post("/tags", {"name": other, "color": "red"})
        if same:
            taken(answer)
            assert there.api.read("/tags/" + other)["id"] == made["id"]
        else:
            assert ok(answer)["id"] != made["id"]


@pytest.mark.engine
@pytest.mark.race
def test_equal_names_at_once(kanso: Kanso, there: World) -> None:
    """Two creates whose names are equal to the column only, at once: one of them."""
    for _ in range(3):
        name = there.name("Name")
        bodies = [{"name": name, "color": "red"}, {"name": name.upper(), "color": "red"}] * 3
        with ThreadPoolExecutor(6) as pool:
            answers = [answer.status_code for answer in pool.map(lambda body: there.api.post("/tags", body), bodies)]
        assert answers.count(200) == (2 if kanso.tables == "bin" else 1), answers
        assert set(answers) == {200, 409}
