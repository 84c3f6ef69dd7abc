"""What the database holds is not always JSON: ZenML stores NaN, and tables are edited, cut off and restored."""

from __future__ import annotations

import base64
import json
import re
from typing import Any, Iterator

import pytest
import requests

from kit.api import Api, describe
from kit.factory import World
from kit.kinds import BY_NAME, KINDS
from kit.servers import Kanso

pytestmark = pytest.mark.sanitize

# Every column that holds JSON; those of the second list in base64.
PLAIN = [("user", "user_metadata"), ("flavor", "config_schema"), ("service", "service_type"),
         ("pipeline_build", "images"), ("artifact_version", "materializer"),
         ("artifact_version", "data_type"), ("pipeline_deployment", "pipeline_configuration"),
         ("pipeline_deployment", "step_configurations"), ("pipeline_deployment", "client_environment"),
         ("pipeline_deployment", "pipeline_spec"), ("pipeline_run", "client_environment"),
         ("pipeline_run", "orchestrator_environment"), ("run_metadata", "value"),
         ("code_repository", "source"), ("code_repository", "config"),
         ("step_run", "step_configuration"), ("server_settings", "onboarding_state")]
BASE64 = [("stack", "labels"), ("stack_component", "labels"), ("stack_component", "configuration"),
          ("service", "labels"), ("service", "config"), ("service", "status"), ("service", "endpoint"),
          ("service_connector", "resource_types"), ("service_connector", "configuration"),
          ("service_connector", "labels")]

PYTHONS = ['{"std": NaN, "range": [-Infinity, Infinity]}', "NaN", "Infinity", '{"name": "half \\ud83d"}',
           '{"big": 123456789012345678901234567890}', '{"a": 1} ', "\n [1] \n", '{"a": 1, "a": 2}',
           '{"nul\\u0000": "\\u0000"}', "[" * 300 + "]" * 300]
DAMAGED = ["", " ", "{", '{"a": ', '{"a": {"b": "c', '"', "'a'", "{'a': 1}", "nan", "1 2", '{"a": 1}}',
           "\ufeff{}", '{"a": "\n"}', "[" * 3000 + "]" * 3000]


class Stored:
    """A server with one of everything, whose stored texts are at the test's mercy."""

    def __init__(self, kanso: Kanso) -> None:
        self.kanso = kanso
        self.world = world = World(Api(kanso.url))
        version = world.artifact_version()
        run = world.run()
        world.step(run, outputs={"output": version["id"]})
        world.metadata("artifact_version", version["id"], rate=0.5)
        world.metadata("pipeline_run", run["id"], rate=0.5)
        self.paths = [f"/runs/{run['id']}/graph", "/current-user", "/settings", "/steps", "/onboarding_state",
                      "/service_connector_types", f"/runs/{run['id']}/steps"]
        for kind in KINDS:
            self.paths += [kind.path, f"{kind.path}/{kind.make(world)['id']}"]
        self.paths.append(f"/artifact_versions/{version['id']}")
        self.version, self.run = version["id"], run["id"]

    def store(self, text: str) -> None:
        """Put the text into every column that holds JSON."""
        coded = base64.b64encode(text.encode()).decode()
        plain = text.encode().hex()
        for (table, column), value in [*((c, f"CONVERT(0x{plain} USING utf8mb4)" if plain else "''") for c in PLAIN),
                                       *((c, f"'{coded}'") for c in BASE64)]:
            room = self.kanso.sql("SELECT CHARACTER_MAXIMUM_LENGTH FROM information_schema.columns WHERE "
                                  f"table_schema = DATABASE() AND table_name = '{table}' AND column_name = '{column}'")
            if int(room[0][0]) >= max(len(text.encode()), len(coded)):
                self.kanso.sql(f"UPDATE `{table}` SET `{column}` = {value}")

    def answers(self) -> Iterator[requests.Response]:
        for path in self.paths:
            for hydrate in ("true", "false"):
                yield self.world.api.get(path, hydrate=hydrate)


@pytest.fixture(scope="module")
def stored(launch: Any, server_url: str | None) -> Iterator[Stored]:
    if server_url:
        pytest.skip("needs a Kanso of its own")
    kanso = launch()
    yield Stored(kanso)
    kanso.stop()


def strict(answer: requests.Response) -> Any:
    """The answer as a browser would read it."""
    def no_json(word: str) -> None:
        raise AssertionError(f"{word} in {answer.url}")
    try:
        value = json.loads(answer.content.decode(), parse_constant=no_json)
        json.dumps(value, ensure_ascii=False).encode()  # halves of surrogate pairs
        return value
    except ValueError as error:
        raise AssertionError(f"{answer.url}: {error}: {describe(answer)}") from error


@pytest.mark.parametrize("text", PYTHONS, ids=range(len(PYTHONS)))
def test_what_python_writes_is_shown(stored: Stored, text: str) -> None:
    stored.store(text)
    for answer in stored.answers():
        assert answer.status_code == 200, answer.url + describe(answer)
        strict(answer)


@pytest.mark.parametrize("text", DAMAGED, ids=range(len(DAMAGED)))
def test_what_is_damaged_is_left_out(stored: Stored, text: str) -> None:
    stored.store(text)
    for answer in stored.answers():
        assert answer.status_code in (200, 400, 404, 422), answer.url + describe(answer)
        strict(answer)


def test_what_is_no_base64_is_left_out(stored: Stored) -> None:
    for table, column in BASE64:
        stored.kanso.sql(f"UPDATE `{table}` SET `{column}` = 'e30=='")
    for answer in stored.answers():
        assert answer.status_code in (200, 400, 404, 422), answer.url + describe(answer)
        strict(answer)


def test_values_in_the_place_of_what_is_no_json(stored: Stored) -> None:
    def value() -> Any:
        return strict(stored.world.api.get(f"/artifact_versions/{stored.version}"))[
            "metadata"]["run_metadata"]["rate"]["body"]["value"]

    stored.store('{"std": NaN, "high": [Infinity, 1.5], "name": "half \\ud83d!"}')
    assert value() == {"std": None, "high": [None, 1.5], "name": "half \ufffd!"}
    stored.store("{")
    assert value() is None
    repository = BY_NAME["code_repository"]
    listed = strict(stored.world.api.get(repository.path, hydrate="true"))["items"]
    assert listed[0]["metadata"]["config"] is None and listed[0]["body"]["source"] is None


def test_numbers_of_python_in_the_graph(stored: Stored) -> None:
    for text, shown in [("NaN", "nan"), ("-Infinity", "-inf"), ("[1, Infinity]", "[1, inf]"), ('"', "None")]:
        stored.store('{"a": 1}')
        stored.kanso.sql(f"UPDATE run_metadata SET value = '{text}'")
        graph = strict(stored.world.api.get(f"/runs/{stored.run}/graph"))
        assert graph["run_metadata"] == [["rate", shown, "float"]]


def test_damage_is_logged_with_its_place(fresh: Kanso) -> None:
    """A few lines, however often the row is read."""
    world = World(Api(fresh.url))
    made = world.code_repository()
    fresh.sql("UPDATE code_repository SET config = '{\"a\": '")
    for _ in range(50):
        assert strict(world.api.get("/code_repositories", hydrate="true"))["items"][0]["metadata"]["config"] is None
    logs = [log.read_text() for log in (fresh.home / "log").glob("*") if log.is_file()]
    lines = [line for line in "\n".join(logs).splitlines() if "is damaged" in line]
    place = f"code_repository {made['id'].replace('-', '')}: the stored config is damaged"
    assert lines and all(place in line and re.search(r"at character 6 \[[0-9a-f]{32}\]$", line) for line in lines), lines
    assert len(lines) <= 10 * len(fresh.workers())
