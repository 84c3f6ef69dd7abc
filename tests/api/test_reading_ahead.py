"""Reads ask about the caller together with their first statement: nobody may see more, or get another answer, for it."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from kit.api import NOBODY, Api, ok
from kit.factory import World
from kit.kinds import KINDS
from kit.mariadb import MariaDB
from kit.servers import Kanso

pytestmark = pytest.mark.sanitize

READS = ["/current-user", "/users", "/users?page=77", "/stacks", "/stacks?hydrate=true&size=1", "/stacks?page=9999",
         "/stacks?page=9223372036854775807&size=10000", f"/stacks/{NOBODY}", "/stacks?sort_by=nothing",
         f"/runs/{NOBODY}/graph", f"/runs/{NOBODY}/steps", f"/runs/{NOBODY}/status", f"/steps/{NOBODY}/status",
         "/workspaces/default/statistics", "/workspaces/nowhere/stacks", "/workspaces/nowhere/statistics",
         "/tags?name=equals:x", "/service_accounts", "/secrets", "/devices", "/service_connectors",
         *("/" + kind.name + "s?page=5" for kind in KINDS if kind.name in ("pipeline", "artifact", "model"))]


@pytest.fixture(scope="module")
def admin(one_worker: Kanso) -> Api:
    return Api(one_worker.url)


def test_the_refusal_of_an_account_that_is_gone(admin: Api, one_worker: Kanso) -> None:
    ok(admin.post("/users", {"name": "leaver", "password": "pw", "is_admin": True}))
    leaver = Api(one_worker.url, "leaver", "pw")
    for path in READS:  # twice: statements are prepared by then
        leaver.get(path)
        assert leaver.get(path).status_code != 401, path
    ok(admin.delete("/users/leaver"))
    for path in READS * 2:
        answer = leaver.get(path)
        assert answer.status_code == 401, path
        assert answer.headers["WWW-Authenticate"] == "Bearer", path
        assert answer.json()["detail"].startswith("Authentication error: error retrieving token account"), path


def test_the_refusal_of_an_inactive_account(one_worker: Kanso, admin: Api) -> None:
    account = ok(admin.post("/service_accounts", {"name": "robot", "active": True}))["id"]
    made = ok(admin.post(f"/service_accounts/{account}/api_keys", {"name": "key"}))
    robot = Api(one_worker.url, user=None)
    token = ok(robot.session.post(one_worker.url + "/api/v1/login", data={"password": made["body"]["key"]}))
    robot.session.cookies.clear()
    robot.session.headers["Authorization"] = "Bearer " + token["access_token"]
    assert robot.get("/stacks").status_code == 200
    for path in (f"/service_accounts/{account}", f"/service_accounts/{account}/api_keys/key"):
        ok(admin.put(path, {"active": False}))
        for read in READS:
            answer = robot.get(read)
            assert answer.status_code == 401 and answer.headers["WWW-Authenticate"] == "Bearer", (path, read)
        ok(admin.put(path, {"active": True}))
        assert robot.get("/stacks").status_code == 200


@pytest.mark.race
def test_two_callers_of_one_worker(admin: Api, one_worker: Kanso) -> None:
    """The account that is asked for is that of the request, not of the one before."""
    callers = {"default": admin}
    for name in ("anna", "berta"):
        ok(admin.post("/users", {"name": name, "password": "pw", "is_admin": False}))
        callers[name] = Api(one_worker.url, name, "pw")

    def ask(name: str) -> tuple[str, str, int]:
        caller = callers[name]
        return name, ok(caller.get("/current-user"))["name"], ok(caller.get("/users"))["total"]

    with ThreadPoolExecutor(3) as pool:
        for name, told, users in pool.map(ask, list(callers) * 40):
            assert told == name
            assert users == (3 if name == "default" else 1)


def test_a_lost_connection(admin: Api, one_worker: Kanso, mariadb: MariaDB) -> None:
    for path in ("/stacks?hydrate=true", "/current-user", "/workspaces/default/statistics"):
        before = ok(admin.get(path))
        for row in mariadb.sql("SELECT id FROM information_schema.processlist WHERE db = "
                               f"'{one_worker.database}' AND user <> 'root'"):
            mariadb.sql(f"KILL {row[0]}")
        assert ok(admin.get(path)) == before


def test_without_reading_ahead(launch) -> None:
    """The same answers, for a proxy before the database that takes one statement at a time."""
    plain = Api(launch(KANSO_DB_PIPELINING="false").url)
    for path in READS:
        assert plain.get(path).status_code != 401, path
    ok(plain.post("/users", {"name": "leaver", "password": "pw", "is_admin": True}))
    leaver = Api(plain.url, "leaver", "pw")
    ok(plain.delete("/users/leaver"))
    assert all(leaver.get(path).status_code == 401 for path in READS)


def test_an_index_that_somebody_dropped(fresh: Kanso, mariadb: MariaDB) -> None:
    admin = Api(fresh.url)
    before = ok(admin.get("/flavors?size=7&hydrate=true"))
    dropped = {"flavor", "stack"}
    for table in dropped:
        mariadb.sql(f"DROP INDEX kanso_{table}_created ON {table}", fresh.database)
    for _ in range(4):
        after = ok(admin.get("/flavors?size=7&hydrate=true"))
        assert after["total"] == before["total"] and len(after["items"]) == 7
        assert ok(admin.get("/stacks"))["total"] == ok(admin.get("/workspaces"))["total"] == 1
    said = [line for line in fresh.logs().splitlines() if "kansoctl migrate" in line]
    for table in dropped:  # other resources go on along their indexes, and every process says it once
        assert 1 <= sum(f"kanso_{table}_created" in line for line in said) <= len(fresh.workers())
    assert all("kanso_flavor_created" in line or "kanso_stack_created" in line for line in said), said


def test_answers_of_several_megabytes(admin: Api) -> None:
    world = World(admin)
    text = "a\\\"\u00e4\n" * 10000  # 65,535 bytes fit into the column
    names = [world.pipeline(description=text)["name"] for _ in range(28)]
    answer = admin.get("/pipelines?hydrate=true&size=100")
    assert len(answer.content) > 33 * 65528
    found = {item["name"]: item["metadata"]["description"] for item in answer.json()["items"]}
    assert all(found[name] == text for name in names)
