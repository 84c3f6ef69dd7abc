"""What a request refers to has to be there, whatever the database checks by itself.

The requests below name everything that they can refer to. Each id in them is replaced in turn: by one that nobody has, and
by that of a row which is being deleted at the moment of the request.
"""

from __future__ import annotations

import copy
import re
import subprocess
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Iterator

import pytest

from kit.api import NOBODY, UUID, Api, describe, ok
from kit.factory import World
from kit.kinds import BY_NAME
from kit.process import REPOSITORY
from kit.servers import Kanso, Server

pytestmark = pytest.mark.race

Path = tuple[Any, ...]

# table, column, table referred to: the foreign keys of ZenML's tables.
KEYS = [(table, *key) for table, text in re.findall(
            r"CREATE TABLE IF NOT EXISTS `(\w+)` \((.*?)\n\) ENGINE", (REPOSITORY / "sql" / "schema.sql").read_text(), re.S)
        for key in re.findall(r"FOREIGN KEY \(`(\w+)`\) REFERENCES `(\w+)`", text)]

# Members that refer to nothing: the database of ZenML has no key for them, and the reference stores whatever is there.
FREE = {("action", "configuration"), ("deployment", "template"), ("service_connector", "resource_id"), ("metadata", "types")}


class Requests:
    """A request of every kind, complete, of rows that nothing else refers to."""

    def __init__(self, world: World) -> None:
        self.world = world

    def pipeline(self) -> str:
        return self.world.pipeline()["id"]

    def stack(self) -> str:
        return self.world.stack()["id"]

    def model_version(self) -> dict[str, Any]:
        return self.world.model_version(self.world.model()["id"])

    def build(self) -> tuple[str, Any]:
        return self.world.ws + "/pipeline_builds", self.world.owned | {
            "is_local": True, "contains_code": False, "images": {}, "pipeline": self.pipeline(), "stack": self.stack()}

    def component(self) -> tuple[str, Any]:
        return self.world.ws + "/components", self.world.component_body(
            connector=BY_NAME["service_connector"].make(self.world)["id"], flavor="kubernetes",
            connector_resource_id="c")

    def stack_of_components(self) -> tuple[str, Any]:
        return self.world.ws + "/stacks", self.world.stack_body(components={
            kind: [self.world.component(type=kind)["id"]] for kind in ("orchestrator",)})

    def schedule(self) -> tuple[str, Any]:
        return self.world.ws + "/schedules", self.world.schedule_body(
            orchestrator_id=self.world.component()["id"], pipeline_id=self.pipeline())

    def deployment(self) -> tuple[str, Any]:
        world = self.world
        return world.ws + "/pipeline_deployments", world.deployment_body(
            stack=self.stack(), pipeline=self.pipeline(), build=world.build()["id"], schedule=world.schedule()["id"],
            code_reference={"commit": world.name("c"), "subdirectory": "", "code_repository":
                            world.code_repository()["id"]})

    def run(self) -> tuple[str, Any]:
        return self.world.ws + "/runs", self.world.run_body(
            self.world.deployment()["id"], pipeline=self.pipeline(), model_version_id=self.model_version()["id"])

    def get_or_create(self) -> tuple[str, Any]:
        where, body = self.run()
        return where + "/get-or-create", body

    def step(self) -> tuple[str, Any]:
        world, run = self.world, self.world.run()
        first = world.step(run, "load")
        return "/steps", world.step_body(
            run, "train", parent_step_ids=[first["id"]], inputs={"a": world.artifact_version()["id"]},
            outputs={"b": world.artifact_version()["id"]}, original_step_run_id=world.step(world.run())["id"],
            logs={"uri": "/l", "artifact_store_id": world.component(type="artifact_store")["id"]},
            model_version_id=self.model_version()["id"])

    def artifact_version(self) -> tuple[str, Any]:
        return "/artifact_versions", self.world.artifact_version_body(
            self.world.artifact()["id"], artifact_store_id=self.world.component(type="artifact_store")["id"])

    def model_version_create(self) -> tuple[str, Any]:
        model = self.world.model()["id"]
        return f"{self.world.ws}/models/{model}/model_versions", self.world.owned | {"model": model}

    def service(self) -> tuple[str, Any]:
        return self.world.ws + "/services", self.world.service_body(
            model_version_id=self.model_version()["id"], pipeline_run_id=self.world.run()["id"])

    def metadata(self) -> tuple[str, Any]:
        return self.world.ws + "/run-metadata", self.world.metadata_body(
            "pipeline_run", self.world.run()["id"], {"a": 1}, {"a": "int"},
            stack_component_id=self.world.component()["id"])

    def artifact_link(self) -> tuple[str, Any]:
        version = self.model_version()
        return f"{self.world.ws}/model_versions/{version['id']}/artifacts", self.world.owned | {
            "model": version["body"]["model"]["id"], "model_version": version["id"],
            "artifact_version": self.world.artifact_version()["id"]}

    def run_link(self) -> tuple[str, Any]:
        version = self.model_version()
        return f"{self.world.ws}/model_versions/{version['id']}/runs", self.world.owned | {
            "model": version["body"]["model"]["id"], "model_version": version["id"],
            "pipeline_run": self.world.run()["id"]}

    def template(self) -> tuple[str, Any]:
        return self.world.ws + "/run_templates", self.world.template_body()

    def pipeline_create(self) -> tuple[str, Any]:
        return self.world.ws + "/pipelines", self.world.owned | {"name": self.world.name("pipeline")}

    def secret(self) -> tuple[str, Any]:
        return self.world.ws + "/secrets", BY_NAME["secret"].body(self.world)

    def model(self) -> tuple[str, Any]:
        return self.world.ws + "/models", BY_NAME["model"].body(self.world)

    def code_repository(self) -> tuple[str, Any]:
        return self.world.ws + "/code_repositories", BY_NAME["code_repository"].body(self.world)

    def service_connector(self) -> tuple[str, Any]:
        return self.world.ws + "/service_connectors", BY_NAME["service_connector"].body(self.world)

    def event_source(self) -> tuple[str, Any]:
        return "/event-sources", self.world.event_source_body()

    def action(self) -> tuple[str, Any]:
        return "/actions", self.world.action_body(service_account_id=self.world.service_account()["id"])

    def trigger(self) -> tuple[str, Any]:
        return "/triggers", self.world.trigger_body(action_id=self.world.action()["id"],
                                                    event_source_id=self.world.event_source()["id"])

    def flavor(self) -> tuple[str, Any]:
        return "/flavors", self.world.flavor_body()


NAMES = ("build component stack_of_components schedule deployment run get_or_create step artifact_version "
         "model_version_create service metadata artifact_link run_link template pipeline_create secret model "
         "code_repository service_connector event_source action trigger flavor").split()


def places(value: Any, path: Path = ()) -> Iterator[Path]:
    """Where ids stand in a body."""
    if isinstance(value, dict):
        for key, member in value.items():
            yield from places(member, (*path, key))
    elif isinstance(value, list):
        for index, member in enumerate(value):
            yield from places(member, (*path, index))
    elif isinstance(value, str) and UUID.fullmatch(value):
        yield path


def at(body: Any, path: Path) -> Any:
    for key in path:
        body = body[key]
    return body


def replaced(body: Any, path: Path, value: str) -> Any:
    body = copy.deepcopy(body)
    at(body, path[:-1])[path[-1]] = value
    return body


def dangling(server: Server) -> list[tuple[str, ...]]:
    """Rows that refer to rows which are not there."""
    counts = " UNION ALL ".join(
        f"SELECT '{table}.{column}', COUNT(*) AS n FROM `{table}` t WHERE t.`{column}` IS NOT NULL AND NOT EXISTS "
        f"(SELECT 1 FROM `{target}` x WHERE x.id = t.`{column}`)" for table, column, target in KEYS)
    return [(row[0], row[1]) for row in server.sql(f"SELECT * FROM ({counts}) k WHERE n > 0")]


def referring(server: Server, table: str, row: str) -> list[list[str]]:
    """How many rows refer to that one, by column."""
    return server.sql(" UNION ALL ".join(f"SELECT '{source}.{column}', COUNT(*) FROM `{source}` WHERE `{column}` = '{row}'"
                                         for source, column, target in KEYS if target == table))


@pytest.fixture(scope="module")
def bare(launch: Any, server_url: str | None) -> Iterator[Kanso]:
    """A Kanso whose database has no foreign keys."""
    if server_url:
        pytest.skip("needs a Kanso of its own")
    kanso = launch()
    for table, name in kanso.sql("SELECT table_name, constraint_name FROM information_schema.referential_constraints "
                                 "WHERE constraint_schema = DATABASE()"):
        kanso.sql(f"ALTER TABLE `{table}` DROP FOREIGN KEY `{name}`")
    yield kanso
    kanso.stop()


@pytest.fixture(scope="module")
def bare_requests(bare: Kanso) -> Requests:
    return Requests(World(Api(bare.url)))


@pytest.mark.parametrize("name", NAMES)
def test_complete_requests_succeed(bare: Kanso, bare_requests: Requests, name: str) -> None:
    path, body = getattr(bare_requests, name)()
    ok(bare_requests.world.api.post(path, body))
    assert not dangling(bare)


def test_nothing_is_left_out() -> None:
    """Every reference that a request of the API can make stands in one of the requests above, by its name."""
    source = (REPOSITORY / "tests" / "api" / "test_references.py").read_text()
    factory = (REPOSITORY / "tests" / "kit" / "factory.py").read_text()
    # who these rows belong to is not in a request, or they cannot be made over the API
    unreachable = {"trigger_execution", "api_key", "auth_devices", "tag_resource",
                   "artifact_visualization"}
    for table, column, _ in KEYS:
        if table in unreachable or (table, column) in {
                ("pipeline_run", name) for name in ("stack_id", "build_id", "schedule_id", "trigger_execution_id")} | {
                ("logs", "pipeline_run_id"), ("logs", "step_run_id"), ("stack_composition", "stack_id"),
                ("stack_composition", "component_id"), ("pipeline_deployment", "code_reference_id")} or (
                table in ("step_run_input_artifact", "step_run_output_artifact", "step_run_parents")):
            continue
        words = {column, column.removesuffix("_id")}
        assert any(re.search(rf"\b{word}\b", source + factory) for word in words), (table, column)


@pytest.mark.parametrize("keys", ["keys", "no keys"])
@pytest.mark.parametrize("name", NAMES)
def test_an_unknown_id(request: pytest.FixtureRequest, name: str, keys: str) -> None:
    server = request.getfixturevalue("server" if keys == "keys" else "bare")
    if not server.mariadb:
        pytest.skip("looks into the database")
    requests = Requests(World(Api(server.url)))
    path, body = getattr(requests, name)()
    for place in places(body):
        if (name, place[0]) in FREE:
            continue
        answer = requests.world.api.post(path, replaced(body, place, NOBODY))
        assert answer.status_code in (400, 403, 404, 422), f"{place}: {describe(answer)}"
        assert answer.headers["content-type"] == "application/json"
        if answer.status_code != 403:
            assert NOBODY in answer.text, f"{place}: {describe(answer)}"
        assert not dangling(server), place


@pytest.mark.parametrize("name", NAMES)
def test_a_row_that_is_being_deleted(bare: Kanso, bare_requests: Requests, name: str) -> None:
    """The request waits until it is known whether the row stays."""
    assert bare.mariadb
    api = bare_requests.world.api
    gone = {target for _, _, target in KEYS} - {"user", "workspace"}
    count = len(list(places(getattr(bare_requests, name)()[1])))
    for index in range(count):
        path, body = getattr(bare_requests, name)()
        place = list(places(body))[index]
        doomed = at(body, place).replace("-", "")
        table = next((table for table in sorted(gone)
                      if bare.sql(f"SELECT 1 FROM `{table}` WHERE id = '{doomed}'")), None)
        if not table or (name, place[0]) in FREE:
            continue
        before = referring(bare, table, doomed)
        with Deletion(bare, table, doomed) as deletion, ThreadPoolExecutor(1) as pool:
            answer = pool.submit(api.post, path, body)
            deletion.finish_soon()
            assert answer.result().status_code in (400, 404), f"{place}: {describe(answer.result())}"
        assert referring(bare, table, doomed) == before, place


class Deletion:
    """A row's deletion by somebody else, whose transaction ends a moment after the request has begun."""

    def __init__(self, server: Kanso, table: str, row: str) -> None:
        self.server, self.table, self.row = server, table, row

    def __enter__(self) -> "Deletion":
        assert self.server.mariadb
        self.client = subprocess.Popen(
            ["mariadb", "--no-defaults", f"--socket={self.server.mariadb.socket}", "-uroot", "--batch",
             "--skip-column-names", "--unbuffered", self.server.database],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.say(f"START TRANSACTION; DELETE FROM `{self.table}` WHERE id = '{self.row}'; SELECT 'held';")
        assert self.client.stdout and self.client.stdout.readline().strip() == "held"
        return self

    def say(self, statement: str) -> None:
        assert self.client.stdin
        self.client.stdin.write(statement + "\n")
        self.client.stdin.flush()

    def finish_soon(self) -> None:
        def finish() -> None:
            time.sleep(0.25)
            self.say("COMMIT;")

        threading.Thread(target=finish).start()

    def __exit__(self, *_: Any) -> None:
        time.sleep(0.1)
        assert self.client.stdin
        self.client.stdin.close()
        self.client.wait(30)
