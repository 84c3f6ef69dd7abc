"""What one request may hold, and what a large one costs: no list is too long for a statement, and nothing takes time in
proportion to the square of its length."""

from __future__ import annotations

import subprocess
import time
import uuid
from typing import Any, Callable, Iterator

import pytest

from kit.api import Api, fails, missing, ok
from kit.factory import World, step_spec
from kit.servers import Kanso, Server

# A statement has at most 65,535 placeholders.
MANY = 70_000


def metadata_body(world: World, run: str, values: dict[str, Any]) -> dict[str, Any]:
    return world.metadata_body("pipeline_run", run, values, {key: "int" for key in values})


def test_thousands_of_metadata_values(world: World) -> None:
    run = world.run()["id"]
    values = {f"k{number}": number for number in range(6100)}
    answer = world.api.make(world.ws + "/run-metadata", metadata_body(world, run, values))
    assert {item["body"]["key"]: item["body"]["value"] for item in answer} == values
    shown = world.api.read(f"/runs/{run}")["metadata"]["run_metadata"]
    assert {key: item["body"]["value"] for key, item in shown.items()} == values


def test_megabytes_of_metadata_values(world: World) -> None:
    """More than a statement may have (max_allowed_packet is 16 MiB by default) in values that are short enough each."""
    run = world.run()["id"]
    values = {f"k{number}": "x" * 60_000 for number in range(400)}
    answer = world.api.make(world.ws + "/run-metadata", world.metadata_body(
        "pipeline_run", run, values, {key: "str" for key in values}))
    assert len(answer) == len(values)


def ids(count: int) -> list[str]:
    return [str(uuid.UUID(int=number + 1)) for number in range(count)]


def test_many_ids_are_looked_up(world: World) -> None:
    """None of these is there, which is what the answer has to say."""
    run = world.run()
    named = {f"n{number}": value for number, value in enumerate(ids(MANY))}
    missing(world.api.post("/steps", world.step_body(run, parent_step_ids=ids(MANY))))
    missing(world.api.post("/steps", world.step_body(run, inputs=named)))
    missing(world.api.post("/steps", world.step_body(run, outputs=named)))
    missing(world.api.post(world.ws + "/stacks", world.stack_body(components={
        "orchestrator": [world.orchestrator], "artifact_store": [world.artifact_store],
        "container_registry": ids(MANY)})))


@pytest.mark.parametrize("name", ["步" * 171, "é" * 255, "\U0001f600" * 120, 'quo"te\\' * 30],
                         ids=["wide", "accents", "emoji", "escapes"])
def test_long_names_of_steps(world: World, name: str) -> None:
    """Python stores them as escapes, six or twelve characters for one."""
    run = world.run({name: step_spec(name)})
    step = world.step(run, name)
    assert world.api.read(f"/steps/{step['id']}")["metadata"]["config"]["name"] == name


@pytest.mark.parametrize("minutes", [-2**63, 2**63 - 1, -2**62, 2**53, -10**15])
def test_numbers_at_the_ends_of_their_range(server: Server, world: World, minutes: int) -> None:
    key = world.api_key(world.service_account()["id"])["body"]["key"]
    login = ok(Api(server.url, user=None).call("POST", "/login", data={"password": key}))
    machine = Api(server.url, user=None)
    machine.session.headers["Authorization"] = "Bearer " + login["access_token"]
    for caller in (world.api, machine):
        fails(caller.get("/api_token", expires_minutes=minutes), 400, "ValueError")


# What does not fit -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("small", [False, True], ids=["column", "packet"])
def test_what_does_not_fit_is_named(launch, mariadb, small: bool) -> None:
    """The field, the limit, and the variable that moves it."""
    before = mariadb.sql("SELECT @@GLOBAL.max_allowed_packet")[0][0]
    mariadb.sql(f"SET GLOBAL max_allowed_packet = {(2 if small else 60) << 20}")
    try:
        kanso = launch()
        world = World(Api(kanso.url))
        path, body = world.ws + "/pipeline_builds", world.owned | {
            "is_local": False, "contains_code": True, "images": {"o": {"image": "i", "dockerfile": "x" * (17 << 20)}}}
        said = fails(world.api.post(path, body), 400, "ValueError")
        assert "'images'" in said
        assert ("max_allowed_packet" in said and str(2 << 20) in said) if small else str(2**24 - 1) in said
        world.tag()  # goes on as before
        kanso.stop()
    finally:
        mariadb.sql(f"SET GLOBAL max_allowed_packet = {before}")


@pytest.mark.parametrize("statement, named, words", [
    ("SIGNAL SQLSTATE '22001' SET MYSQL_ERRNO = 1406, MESSAGE_TEXT = 'Data too long for column ''color'' at row 1'",
     "'color'", "255 characters"),
    ("SIGNAL SQLSTATE '22003' SET MYSQL_ERRNO = 1264, MESSAGE_TEXT = 'Out of range value for column ''color'' at row 1'",
     "'color'", "range"),
    ("SIGNAL SQLSTATE '23000' SET MYSQL_ERRNO = 1048, MESSAGE_TEXT = 'Column ''color'' cannot be null'",
     "'color'", "null"),
    ("SIGNAL SQLSTATE '22007' SET MYSQL_ERRNO = 1366, "
     "MESSAGE_TEXT = 'Incorrect integer value: ''x'' for column `a`.`tag`.`color` at row 1'", "'color'", "stored"),
], ids=["long", "range", "null", "unfit"])
def test_each_refusal_of_the_database_says_what(server: Server, world: World, statement: str, named: str,
                                                words: str) -> None:
    if not server.mariadb:
        pytest.skip("looks into the database")
    server.mariadb.sql(f"CREATE TRIGGER refuse BEFORE INSERT ON tag FOR EACH ROW {statement}", server.database)
    try:
        said = fails(world.api.post("/tags", {"name": world.name(), "color": "red"}), 400, "ValueError")
    finally:
        server.mariadb.sql("DROP TRIGGER refuse", server.database)
    assert named in said and words in said


@pytest.mark.parametrize("most, warned", [(1 << 30, False), (3 << 20, True)])
def test_a_start_compares_the_limits(server: Server, mariadb, most: int, warned: bool) -> None:
    if not isinstance(server, Kanso):
        pytest.skip("needs a Kanso of its own")
    before = mariadb.sql("SELECT @@GLOBAL.max_allowed_packet")[0][0]
    mariadb.sql(f"SET GLOBAL max_allowed_packet = {most}")
    try:
        for command in ["migrate"], ["check", "--connect"]:
            said = subprocess.run([str(server.build / "bin" / "kansoctl"), *command], capture_output=True, text=True,
                                  env=server.environment)
            assert not said.returncode, said.stderr
            assert ("max_allowed_packet=" in said.stderr and f"KANSO_MAX_BODY={most}" in said.stderr) == warned
    finally:
        mariadb.sql(f"SET GLOBAL max_allowed_packet = {before}")


# What is gone again ------------------------------------------------------------------------------------------------


@pytest.fixture
def vanishing(server: Server) -> Iterator[Callable[..., None]]:
    """Let rows of a table be gone as soon as they are committed: they get another id than the one that was asked for."""
    if not server.mariadb:
        pytest.skip("looks into the database")
    made = []

    def let(table: str, condition: str = "1") -> None:
        server.mariadb.sql(f"CREATE TRIGGER vanish_{table} BEFORE INSERT ON `{table}` FOR EACH ROW "
                           f"SET NEW.id = IF({condition}, REPLACE(UUID(), '-', ''), NEW.id)", server.database)
        made.append(f"vanish_{table}")

    yield let
    for name in made:
        server.mariadb.sql(f"DROP TRIGGER {name}", server.database)


def test_metadata_that_somebody_deletes_at_once(world: World, vanishing) -> None:
    run = world.run()["id"]
    vanishing("run_metadata", "NEW.`key` LIKE 'gone%'")
    values = {"a": 1, "gone": 2, "b": 3}
    answer = world.api.make(world.ws + "/run-metadata", metadata_body(world, run, values))
    assert [item["body"]["key"] for item in answer] == ["a", "b"]
    assert world.api.make(world.ws + "/run-metadata", metadata_body(world, run, {"gone2": 2})) == []


@pytest.mark.parametrize("table, where, body", [
    ("tag", lambda world: "/tags", lambda world: {"name": world.name(), "color": "red"}),
    ("pipeline", lambda world: world.ws + "/pipelines", lambda world: world.owned | {"name": world.name()}),
    ("stack_component", lambda world: world.ws + "/components", World.component_body),
    ("artifact_version", lambda world: "/artifact_versions",
     lambda world: world.artifact_version_body(world.artifact()["id"])),
    ("step_run", lambda world: "/steps", lambda world: world.step_body(world.run())),
    ("user", lambda world: "/users", lambda world: {"name": world.name(), "active": True, "is_admin": False}),
    ("api_key", lambda world: f"/service_accounts/{world.service_account()['id']}/api_keys",
     lambda world: {"name": world.name()}),
], ids=lambda value: value if isinstance(value, str) else "")
def test_rows_that_somebody_deletes_at_once(world: World, vanishing, table: str, where, body) -> None:
    path, wanted = where(world), body(world)
    vanishing(table)
    missing(world.api.post(path, wanted))


# What a long list costs --------------------------------------------------------------------------------------------


def seconds(call: Callable[[], Any]) -> float:
    """The least of a few attempts, because others use this machine too."""
    times = []
    for _ in range(4):
        begin = time.monotonic()
        call()
        times.append(time.monotonic() - begin)
    return min(times)


TIMES, TOO_MUCH = 8, 28


def grows(call: Callable[[int], Callable[[], Any]], count: int) -> float:
    """How many times longer it takes with eight times as much: about 8 when each item costs the same, 64 when each costs
    as much as there are."""
    few, many = call(count), call(TIMES * count)
    return seconds(many) / seconds(few)


def test_time_for_many_metadata_values(world: World) -> None:
    def with_values(count: int) -> Callable[[], Any]:
        run = world.run()["id"]
        world.api.make(world.ws + "/run-metadata", metadata_body(
            world, run, {f"a name that is the same for a while {number}": number for number in range(count)}))
        return lambda: world.api.read(f"/runs/{run}")

    assert grows(with_values, 1000) < TOO_MUCH


def make_steps(server: Server, world: World, count: int) -> dict[str, Any]:
    """A run of so many steps, each with two values and after the one before it."""
    names = [f"step with a name of some length {number}" for number in range(count)]
    run = world.run({name: {"spec": {"source": {"module": "m", "attribute": "a", "type": "user"}, "upstream_steps": []},
                            "config": {"name": name}} for name in names})
    first = world.step(run, names[0])
    world.metadata("step_run", first["id"], a=1, b=2)
    steps = [uuid.uuid4().hex for _ in names[1:]]
    rows = ", ".join(f"('{step}', '{name}', '{parent}')" for step, name, parent in
                     zip(steps, names[1:], [uuid.UUID(first["id"]).hex] + steps))
    assert server.mariadb
    columns = {table: ", ".join(f"s.`{name}`" for (name,) in server.mariadb.sql(
        f"SELECT column_name FROM information_schema.columns WHERE table_schema = '{server.database}' AND "
        f"table_name = '{table}' AND column_name NOT IN ('id', 'name', 'kanso_order', 'resource_id')"))
        for table in ("step_run", "run_metadata")}
    one = uuid.UUID(first["id"]).hex
    plain = {table: text.replace("s.`", "`") for table, text in columns.items()}
    server.mariadb.sql(
        f"CREATE TEMPORARY TABLE n (id char(32), name varchar(255), parent char(32)); INSERT INTO n VALUES {rows};"
        f"INSERT INTO step_run (id, name, {plain['step_run']}) SELECT n.id, n.name, {columns['step_run']} "
        f"FROM step_run s JOIN n WHERE s.id = '{one}';"
        f"INSERT INTO run_metadata (id, resource_id, {plain['run_metadata']}) "
        f"SELECT REPLACE(UUID(), '-', ''), n.id, {columns['run_metadata']} "
        f"FROM run_metadata s JOIN n WHERE s.resource_id = '{one}';"
        f"INSERT INTO step_run_parents (parent_id, child_id) SELECT parent, id FROM n", server.database)
    return run


def test_time_for_many_steps(server: Server, world: World) -> None:
    if not server.mariadb:
        pytest.skip("looks into the database")
    api, runs = world.api, {count: make_steps(server, world, count) for count in (500, 500 * TIMES)}
    graph = ok(api.get(f"/runs/{runs[500]['id']}/graph"))
    assert (len(graph["nodes"]), len(graph["edges"])) == (500, 499)
    assert all(sorted(node["data"]["metadata"]) == [["a", "1", "int"], ["b", "2", "int"]] for node in graph["nodes"])
    page = ok(api.get("/steps", pipeline_run_id=runs[500]["id"], size=10_000, hydrate=True))["items"]
    assert len(page) == 500 and all(item["metadata"]["config"]["name"] == item["name"] for item in page)
    assert grows(lambda count: lambda: ok(api.get(f"/runs/{runs[count]['id']}/graph")), 500) < TOO_MUCH
    assert grows(lambda count: lambda: ok(api.get(
        "/steps", pipeline_run_id=runs[count]["id"], size=10_000, hydrate=True)), 500) < TOO_MUCH
