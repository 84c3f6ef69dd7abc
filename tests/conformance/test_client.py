"""The unmodified zenml 0.66.0 client on Kanso, compared with the same client on the reference."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Callable, Iterator

import pytest

from kit.mariadb import MariaDB
from kit.servers import Kanso, Reference, Server
from kit.stock import StockClient, comparable, comparable_table

SECTIONS = ["user", "workspace", "stack", "info", "stacks", "components", "flavors", "pipelines",
            "runs", "artifacts", "artifact_versions", "models", "model_versions", "production",
            "tags", "secrets", "builds", "deployments", "filtered"]


class Side:
    """A server, the client that recorded on it, and what that client was shown."""

    def __init__(self, server: Server, client: StockClient) -> None:
        self.server, self.client = server, client
        self.shown: dict[str, Any] = {}


@pytest.fixture(scope="module")
def reference_at(zenml_venv: Path, workspace_directory: Path, mariadb: MariaDB,
                 ) -> Iterator[Callable[[str], Reference]]:
    """Start the reference on a database ('' for a new one)."""
    running: list[Reference] = []

    def start(database: str = "") -> Reference:
        server = Reference(zenml_venv, workspace_directory / f"r{len(running)}", mariadb, database)
        running.append(server)
        server.start()
        return server

    yield start
    for server in running:
        server.stop()


@pytest.fixture(scope="module")
def sides(zenml_venv: Path, workspace_directory: Path, launch: Callable[..., Kanso],
          reference_at: Callable[..., Reference], server_url: str | None) -> dict[str, Side]:
    """The scenario, recorded on both servers at the same time."""
    if server_url:
        pytest.skip("compares two servers of its own")
    both = {"kanso": Side(launch(), StockClient(zenml_venv, workspace_directory / "ck")),
            "reference": Side(reference_at(), StockClient(zenml_venv, workspace_directory / "cr"))}
    recording = {name: side.client.begin("record", side.server.url)
                 for name, side in both.items()}
    for name, side in both.items():
        side.shown = side.client.end(recording[name])
    return both


def test_runs_went_as_they_should(sides: dict[str, Side]) -> None:
    runs = sides["kanso"].shown["client"]["runs"]
    assert {name: run["status"] for name, run in runs.items()} == {
        "first": "completed", "second": "completed", "broken": "failed", "fan": "completed",
        "fan again": "completed"}
    assert {name: step["status"] for name, step in runs["second"]["steps"].items()} == {
        "load": "cached", "train": "cached", "report": "completed"}
    assert {name: step["status"] for name, step in runs["broken"]["steps"].items()} == {
        "load": "completed", "fail": "failed"}
    assert set(runs["fan"]["steps"]) == {"part_0", "part_1", "part_2", "gather"}
    assert runs["fan"]["model"] == "1"


def test_page_and_metadata_came_back(sides: dict[str, Side]) -> None:
    versions = sides["kanso"].shown["client"]["artifact_versions"]
    assert versions["report:1"]["visualizations"] == ["html"]
    assert versions["report:1"]["metadata"]["accuracy"] == [1.5, "float"]
    assert versions["report:1"]["value"] == "<p>mean 1.5 of {'first': 0, 'last': 3}</p>"
    assert sides["kanso"].shown["client"]["model_versions"]["1"]["metadata"]["total"] == [5, "int"]


@pytest.mark.parametrize("section", SECTIONS)
def test_client_shows_the_same(sides: dict[str, Side], section: str) -> None:
    ours, theirs = (comparable(sides[name].shown["client"][section])
                    for name in ("kanso", "reference"))
    assert ours == theirs


def test_every_section_is_compared(sides: dict[str, Side]) -> None:
    assert set(sides["kanso"].shown["client"]) == set(SECTIONS)


def test_commands_show_the_same(sides: dict[str, Side]) -> None:
    ours, theirs = sides["kanso"].shown["cli"], sides["reference"].shown["cli"]
    assert set(ours) == set(theirs) and len(ours) > 20
    for command, output in theirs.items():
        assert not output.startswith("FAILED"), output
        assert comparable_table(ours[command]) == comparable_table(output), command


def test_zenml_opens_a_database_of_kanso(sides: dict[str, Side], mariadb: MariaDB,
                                         reference_at: Callable[..., Reference]) -> None:
    side = sides["kanso"]
    server = reference_at(mariadb.copy(side.server.database))
    again = side.client.run("read", server.url)
    assert again["client"] == side.shown["client"]
    server.stop()


def test_kanso_opens_a_database_of_zenml(sides: dict[str, Side], mariadb: MariaDB,
                                         launch: Callable[..., Kanso],
                                         reference_at: Callable[..., Reference]) -> None:
    """... and ZenML opens it again afterwards."""
    side = sides["reference"]
    database = mariadb.copy(side.server.database)
    kanso = launch(database=database)
    assert side.client.run("read", kanso.url)["client"] == side.shown["client"]
    kanso.stop()
    server = reference_at(database)
    assert side.client.run("read", server.url)["client"] == side.shown["client"]
    server.stop()
