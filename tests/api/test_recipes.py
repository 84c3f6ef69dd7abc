"""The recipes of docs/architecture.md, done in a copy of the tree; what they promise is then there, on a database of before."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any, Callable, Iterator

import pytest

from kit.api import Api, fails, ok
from kit.factory import World
from kit.process import BUILD, REPOSITORY
from kit.servers import Kanso

pytestmark = pytest.mark.slow

STEP = re.compile(r"^In `([^`\n]+)`, (?:behind `([^`\n]+)`|(at the end|which is new)):[^\n]*\n\n```\w+\n(.*?)```$", re.M | re.S)


def steps() -> list[tuple[str, str, str, str]]:
    """File, the text of the line behind which it goes, or where else, and what is put there."""
    text = (REPOSITORY / "docs" / "architecture.md").read_text()
    recipes = text[text.index("\n## Recipes\n"):text.index("\n## Loading and rendering\n")]
    found = STEP.findall(recipes)
    assert len(found) == recipes.count("\n```\n"), "a block of code that nobody says where to put"
    return found


def follow(tree: Path) -> None:
    for name, line, where, text in steps():
        file = tree / name
        if where == "which is new":
            assert not file.exists()
            file.write_text(text)
        elif where == "at the end":
            file.write_text(file.read_text() + "\n" + text)
        else:
            old = file.read_text()
            assert old.count(line) == 1, f"`{line}` stands {old.count(line)} times in {name}"
            end = old.index("\n", old.index(line))
            file.write_text(old[:end] + "\n" + text.rstrip("\n") + old[end:])


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sources with the recipes in them, built from the objects that are there already."""
    tree = tmp_path_factory.mktemp("recipes")
    for name in ("src", "cgi-bin", "sql", "nginx", "scripts", "tests/unit"):
        shutil.copytree(REPOSITORY / name, tree / name)
    shutil.copy2(REPOSITORY / "Makefile", tree)
    if BUILD.resolve() == (REPOSITORY / "build").resolve():
        for name in ("obj", "prog", "gen", "libjwt.checked"):
            if (BUILD / name).exists():
                (shutil.copytree if (BUILD / name).is_dir() else shutil.copy2)(BUILD / name, tree / "build" / name)
    follow(tree)
    done = subprocess.run(["make", "-s", f"-j{os.cpu_count()}", "EXTRA_CFLAGS=-O1", "build", "build/unit/test_tables"],
                          cwd=tree, text=True, capture_output=True, timeout=600,
                          env={name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "MFLAGS"))})
    assert done.returncode == 0, done.stderr[-4000:]
    return tree


@pytest.fixture(scope="module")
def before(server, launch: Callable[..., Kanso]) -> dict[str, Any]:
    """A database that the Kanso of today has made and used."""
    if not server.mariadb:
        pytest.skip("needs a Kanso of its own")
    instance = launch()
    world = World(Api(instance.url))
    stack = world.stack()
    run = world.run(deployment=world.deployment(stack=stack["id"])["id"])
    world.run(deployment=world.deployment()["id"])
    made = {"database": instance.database, "tag": world.api.make("/tags", {"name": "old", "color": "red"}),
            "stack": stack, "run": run}
    instance.stop()
    return made


@pytest.fixture(scope="module")
def api(tree: Path, before: dict[str, Any], launch: Callable[..., Kanso]) -> Iterator[Api]:
    instance = launch(database=before["database"], KANSO_BUILD=str(tree / "build"))
    api = Api(instance.url)
    api.kanso = instance  # type: ignore[attr-defined]
    yield api
    instance.stop()


def test_the_tables_are_sound(tree: Path) -> None:
    done = subprocess.run([tree / "build" / "unit" / "test_tables"], text=True, capture_output=True)
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_column_on_tags(api: Api, before: dict[str, Any]) -> None:
    old = before["tag"]["id"]
    assert api.read(f"/tags/{old}")["body"]["note"] is None
    assert api.change(f"/tags/{old}", {"note": "kept"})["body"]["note"] == "kept"
    new = api.make("/tags", {"name": "new", "color": "blue", "note": "fresh"})
    assert new["body"]["note"] == "fresh"
    assert api.ids("/tags", note="startswith:fr") == [new["id"]]
    assert api.names("/tags", sort_by="desc:note", size=2) == ["old", "new"]
    assert api.put(f"/tags/{old}", {"note": "x" * 256}).status_code == 422
    api.kanso.sql("INSERT INTO tag (id, created, updated, name, color) "  # type: ignore[attr-defined]
                  "VALUES (REPLACE(UUID(), '-', ''), NOW(), NOW(), 'as ZenML writes it', 'red')")
    assert api.read("/tags/as%20ZenML%20writes%20it")["body"]["note"] is None
    assert "note" in ok(api.get("//openapi.json"))["components"]["schemas"]["TagRequest"]["properties"]


def test_a_filter_on_runs_behind_a_join(api: Api, before: dict[str, Any]) -> None:
    name = before["stack"]["name"]
    assert api.read("/runs")["total"] == 2
    assert api.ids("/runs", stack_name=name) == [before["run"]["id"]]
    assert api.ids("/runs", stack_name=f"startswith:{name[:-1]}") == [before["run"]["id"]]
    assert api.ids("/runs", stack_name="nobody's") == []


def test_a_whole_new_resource(api: Api, before: dict[str, Any]) -> None:
    tag = before["tag"]["id"]
    notes = [api.make("/notes", {"name": f"note {number}", "text": "t", "tag": tag}) for number in range(5)]
    assert notes[0]["body"]["tag"]["name"] == "old"
    assert api.ids("/notes", sort_by="desc:created") == [note["id"] for note in reversed(notes)]
    assert api.read("/notes", size=2, page=2)["items"] == [api.read("/notes/note%202"), api.read("/notes/note%203")]
    fails(api.post("/notes", {"name": "note 1"}), 409, "EntityExistsError")
    fails(api.post("/notes", {"name": "x", "tag": before["run"]["id"]}), 400, "ValueError")
    assert api.change(f"/notes/{notes[0]['id']}", {"text": "changed"})["body"]["text"] == "changed"
    assert api.ids("/notes", text="changed") == [notes[0]["id"]]
    api.remove("/notes/note%200")
    assert api.read("/notes")["total"] == 4


def test_a_second_start_changes_nothing(api: Api) -> None:
    kanso: Kanso = api.kanso  # type: ignore[attr-defined]
    notes = api.read("/notes")["total"]
    tables = kanso.sql("SHOW CREATE TABLE tag") + kanso.sql("SHOW CREATE TABLE kanso_note")
    kanso.stop()
    kanso.start()
    assert kanso.sql("SHOW CREATE TABLE tag") + kanso.sql("SHOW CREATE TABLE kanso_note") == tables
    assert api.read("/notes")["total"] == notes
