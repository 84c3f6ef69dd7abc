"""What becomes of requests when the database fails: each class of error numbers, failovers, limits, cut connections.

Faults that a real server can be brought to are made with one; a proxy between worker and database makes the others.
"""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Iterator

import pytest
import requests

from kit import fastcgi
from kit.api import Api, fails, ok
from kit.factory import World
from kit.mariadb import MariaDB
from kit.mysql_proxy import MySQLProxy
from kit.process import bind_free, stop, wait_until
from kit.servers import ONE_WORKER, Kanso

ACCOUNT = "narrow"  # whom read_only and limits concern: not one who may do everything


def admit(database: MariaDB) -> None:
    """Make the account, in a server that has been created."""
    database.sql(f"CREATE USER '{ACCOUNT}'@'%' IDENTIFIED BY '{database.password}'; "
                 f"GRANT ALL ON `t%`.* TO '{ACCOUNT}'@'%'")


@pytest.fixture(scope="module")
def primary(server, workspace_directory: Path) -> Iterator[MariaDB]:
    """A MariaDB that tests may bring into any state."""
    if not server.mariadb:
        pytest.skip("needs a database of its own")
    database = MariaDB(workspace_directory / "dbfaults")
    database.create()
    admit(database)
    yield database
    database.stop()


@pytest.fixture(scope="module")
def proxy(primary: MariaDB) -> Iterator[MySQLProxy]:
    with MySQLProxy(primary.port) as made:
        yield made


@pytest.fixture(scope="module")
def shared(primary: MariaDB, proxy: MySQLProxy, launch) -> Iterator[Kanso]:
    """One worker that reaches its database through the proxy."""
    name = primary.new_database()
    url = proxy.url(primary.tcp_url(name)).replace("//kanso_test:", f"//{ACCOUNT}:")
    instance = launch(workers=ONE_WORKER, database=name, ZENML_STORE_URL=url, KANSO_JOBS="0", KANSO_AUDIT="on")
    instance.mariadb = primary
    yield instance
    instance.stop()


@pytest.fixture
def kanso(shared: Kanso, proxy: MySQLProxy) -> Iterator[Kanso]:
    """The same, as if nothing had happened before."""
    proxy.heal()
    wait_until(lambda: requests.get(shared.url + "/api/v1/info", timeout=30).ok, 10, "a database that is well")
    yield shared
    proxy.heal()


@pytest.fixture(scope="module")
def signed_in(shared: Kanso) -> Api:
    return Api(shared.url)


@pytest.fixture
def api(kanso: Kanso, signed_in: Api) -> Api:
    return signed_in


def becomes_ready(kanso: Kanso) -> None:
    """/ready waits half a second for the database, which can take longer than that on a machine with other things to do."""
    wait_until(lambda: requests.get(kanso.url + "/ready", timeout=30).status_code == 200, 30, "readiness")


def tag() -> dict[str, str]:
    return {"name": "t" + uuid.uuid4().hex[:12], "color": "blue"}


def tags_named(kanso: Kanso, name: str) -> int:
    """How many there are; the audit log has exactly as many entries of their creation."""
    there, recorded = kanso.sql(f"SELECT (SELECT COUNT(*) FROM tag WHERE name = '{name}'), (SELECT COUNT(*) FROM kanso_audit "
                                f"WHERE object_name = '{name}' AND effect = 'created' AND outcome = 'done')")[0]
    assert recorded == there
    return int(there)


def refused(kanso: Kanso, answer: requests.Response) -> str:
    """503 that says what is wrong and nothing that strangers could use; the cause."""
    text = fails(answer, 503, "RuntimeError")
    assert "atabase" in text and text.split(" ")[0] in ("The", "No", "A"), text
    for secret in (ACCOUNT, "127.0.0.1", "localhost", kanso.mariadb.password, kanso.database, "invalid"):
        assert secret not in text
    assert answer.headers["content-type"] == "application/json"
    return text


def noted(kanso: Kanso, number: int) -> bool:
    """Whether the log names the number."""
    return any(f"database error {number}: " in log.read_text(errors="replace")
               for log in (kanso.home / "log").glob("*") if log.is_file())


def unready(kanso: Kanso, cause: str = "") -> None:
    """/ready tells the cause, also to HEAD (sooner or later: see becomes_ready()); the worker is alive all the same."""
    assert requests.get(kanso.url + "/health", timeout=10).status_code == 200
    assert requests.head(kanso.url + "/ready", timeout=30).status_code == 503
    wait_until(lambda: cause in refused(kanso, requests.get(kanso.url + "/ready", timeout=30)).lower(), 30, cause)


def test_ready(kanso: Kanso) -> None:
    answer = requests.get(kanso.url + "/ready", timeout=10)
    assert ok(answer) == "OK"
    assert requests.head(kanso.url + "/ready", timeout=10).status_code == 200
    assert requests.post(kanso.url + "/ready", timeout=10).status_code == 405


@pytest.mark.parametrize(("change", "back"), [
    ("UPDATE alembic_version SET version_num = '0.67.0'", "UPDATE alembic_version SET version_num = '0.66.0'"),
    ("RENAME TABLE kanso_meta TO gone", "RENAME TABLE gone TO kanso_meta"),
    ("RENAME TABLE alembic_version TO gone", "RENAME TABLE gone TO alembic_version"),
])
def test_not_ready_without_the_tables(kanso: Kanso, change: str, back: str) -> None:
    kanso.sql(change)
    try:
        unready(kanso, "table")
    finally:
        kanso.sql(back)
    becomes_ready(kanso)


# Real servers ------------------------------------------------------------------------------------


def connections(database: MariaDB) -> set[str]:
    return {row[0] for row in database.sql(f"SELECT id FROM information_schema.processlist WHERE user = '{ACCOUNT}'")}


def hang_up(database: MariaDB) -> None:
    """End the account's connections."""
    for identity in connections(database):
        database.sql(f"KILL {identity}")
    wait_until(lambda: not connections(database), 10, "the end of the connections")


def test_a_read_only_server(kanso: Kanso, api: Api, primary: MariaDB) -> None:
    """As long as there is no other one: 503 for changes, answers for reads, and connections that are made anew."""
    ok(api.post("/tags", tag()))
    before = connections(primary)
    primary.sql("SET GLOBAL read_only = 1")
    try:
        for _ in range(2):
            assert "read-only" in refused(kanso, api.post("/tags", tag()))
        assert len(before & connections(primary)) <= 1  # that of the probes, which have not been asked
        assert ok(api.get("/tags?size=1"))["total"] > 0
        unready(kanso, "read-only")
    finally:
        primary.sql("SET GLOBAL read_only = 0")
    ok(api.post("/tags", tag()))
    becomes_ready(kanso)
    assert noted(kanso, 1290)


def test_failover(kanso: Kanso, api: Api, primary: MariaDB, proxy: MySQLProxy, workspace_directory: Path) -> None:
    """The old primary turns read-only and new connections lead to the new one: not one request fails."""
    ok(api.post("/tags", tag()))
    successor = MariaDB(workspace_directory / "successor")
    successor.password = primary.password
    successor.create()
    try:
        admit(successor)
        successor.sql(f"CREATE DATABASE {kanso.database} CHARACTER SET utf8mb4")
        dump = subprocess.run(["mariadb-dump", "--no-defaults", f"--socket={primary.socket}", "-uroot",
                               "--single-transaction", kanso.database], check=True, capture_output=True)
        subprocess.run(["mariadb", "--no-defaults", f"--socket={successor.socket}", "-uroot", kanso.database],
                       input=dump.stdout, check=True)
        proxy.database_port = successor.port
        primary.sql("SET GLOBAL read_only = 1")
        new = tag()
        ok(api.post("/tags", new))
        found = successor.sql(f"SELECT COUNT(*) FROM tag WHERE name = '{new['name']}'", kanso.database)
        assert found == [["1"]] and tags_named(kanso, new["name"]) == 0
    finally:
        proxy.database_port = primary.port
        primary.sql("SET GLOBAL read_only = 0")
        successor.stop()
    ok(api.post("/tags", tag()))


def test_no_connection_left(kanso: Kanso, api: Api, primary: MariaDB) -> None:
    """max_connections really reached."""
    before = primary.sql("SELECT @@max_connections")[0][0]
    primary.sql("SET GLOBAL max_connections = 10")
    hang_up(primary)
    # sockets that say nothing count until connect_timeout; a tenth is needed to end up without any
    idle = [socket.create_connection(("127.0.0.1", primary.port)) for _ in range(14)]
    try:
        assert "max_connections" in refused(kanso, api.get("/tags"))
        unready(kanso, "max_connections")
    finally:
        for line in idle:
            line.close()
        becomes_ready(kanso)
        primary.sql(f"SET GLOBAL max_connections = {before}")
    ok(api.get("/tags"))
    assert noted(kanso, 1040)


def test_limit_of_the_account(kanso: Kanso, api: Api, primary: MariaDB) -> None:
    """One connection for the account, and somebody else has it: 1226."""
    primary.sql(f"ALTER USER '{ACCOUNT}'@'%' WITH MAX_USER_CONNECTIONS 1")
    hang_up(primary)
    holder = subprocess.Popen(["mariadb", "--no-defaults", "-h127.0.0.1", f"-P{primary.port}", f"-u{ACCOUNT}",
                               f"-p{primary.password}", "-e", "SELECT SLEEP(60)"], stdout=subprocess.DEVNULL)
    try:
        wait_until(lambda: bool(connections(primary)), 10, "a connection of somebody else")
        assert "limits" in refused(kanso, api.get("/tags"))
        unready(kanso, "limits")
    finally:
        hang_up(primary)
        stop(holder)
        primary.sql(f"ALTER USER '{ACCOUNT}'@'%' WITH MAX_USER_CONNECTIONS 0")
    ok(api.get("/tags"))
    assert noted(kanso, 1226)


def test_password_rotated(kanso: Kanso, api: Api, primary: MariaDB) -> None:
    """What is open goes on; what is new is refused until the old password, or a restart with the new one, is back."""
    new = uuid.uuid4().hex
    primary.sql(f"ALTER USER '{ACCOUNT}'@'%' IDENTIFIED BY '{new}'")
    try:
        ok(api.post("/tags", tag()))
        hang_up(primary)
        assert "user or password" in refused(kanso, api.post("/tags", tag()))
        unready(kanso, "user or password")
    finally:
        primary.sql(f"ALTER USER '{ACCOUNT}'@'%' IDENTIFIED BY '{primary.password}'")
    ok(api.post("/tags", tag()))
    assert noted(kanso, 1045)


def test_prepared_statements_used_up(kanso: Kanso, api: Api, primary: MariaDB) -> None:
    """Ours are given back for the one that is needed; with none at all: 503, and no connection is blamed for it."""
    world = World(api)
    for path in ("/tags", "/stacks?hydrate=true", "/users", "/flavors?size=3", "/components?hydrate=true"):
        ok(api.get(path))
    before = primary.sql("SELECT @@max_prepared_stmt_count")[0][0]
    held = primary.counter("Prepared_stmt_count")
    assert held > 10
    primary.sql(f"SET GLOBAL max_prepared_stmt_count = {held}")
    try:
        for path in ("/runs?hydrate=true", "/artifacts?hydrate=true", "/models?hydrate=true", "/secrets", "/tags"):
            ok(api.get(path))
        ok(api.post(world.ws + "/models", world.owned | {"name": world.name(), "tags": [world.name("x")]}))
        assert primary.counter("Prepared_stmt_count") <= held
        primary.sql("SET GLOBAL max_prepared_stmt_count = 0")
        hang_up(primary)
        assert "max_prepared_stmt_count" in refused(kanso, api.get("/tags"))
        unready(kanso, "max_prepared_stmt_count")
    finally:
        primary.sql(f"SET GLOBAL max_prepared_stmt_count = {before}")
    ok(api.get("/tags"))
    assert noted(kanso, 1461)


def by_cgi(kanso: Kanso, **environment: str) -> tuple[int, str]:
    """One request with settings of its own, and what was said; nobody signed in."""
    done = subprocess.run([str(kanso.build / "cgi-bin" / "server")], capture_output=True, timeout=120,
                          env=kanso.environment | fastcgi.environment("GET", "/api/v1/info") | environment)
    assert done.returncode == 0, done.stderr.decode()
    status, _, body = fastcgi.parse(done.stdout)
    return status, body.decode()


@pytest.mark.parametrize("host", ["no-such-host.invalid", "127.0.0.1"])
def test_nobody_there(kanso: Kanso, host: str) -> None:
    with socket.socket() as unused:
        bind_free(unused)
        port = unused.getsockname()[1]
        status, text = by_cgi(kanso, ZENML_STORE_URL=f"mysql://u:secret-word@{host}:{port}/hidden")
    assert status == 503 and "database" in text
    assert not re.search(r"secret-word|hidden|no-such-host|127\.0\.0\.1|::1", text)


def test_no_secure_connection(kanso: Kanso, server, workspace_directory: Path) -> None:
    """The server has no TLS, and the settings want it: 2026."""
    authority = workspace_directory / "authority.pem"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=x",
                    "-keyout", str(workspace_directory / "authority.key"), "-out", str(authority)],
                   check=True, capture_output=True)
    status, text = by_cgi(kanso, ZENML_STORE_SSL_CA=str(authority), ZENML_STORE_SSL_VERIFY_SERVER_CERT="true")
    assert status == 503 and "secure connection" in text


# Numbers -----------------------------------------------------------------------------------------

AGAIN = [1020, 1047, 1053, 1152, 1156, 1157, 1158, 1159, 1160, 1161, 1184, 1205, 1213, 1243, 1290, 1615, 1792, 1836,
         1927, 3100, 3101, 3169, 4031]
GIVEN_UP = [1021, 1037, 1038, 1041, 1114, 1135, 1142, 1226, 1317, 1969, 3024]


@pytest.mark.parametrize("number", AGAIN)
def test_a_number_that_is_tried_again(kanso: Kanso, api: Api, proxy: MySQLProxy, number: int) -> None:
    """Once: nobody notices. For ever: 503 with the cause, nothing is written, and then all is well."""
    new, statement = tag(), "^INSERT INTO `tag`"
    once = proxy.fail(number, statement)
    ok(api.post("/tags", new))
    assert once.hits == 1 and tags_named(kanso, new["name"]) == 1
    for_ever, other = proxy.fail(number, statement, times=None), tag()
    refused(kanso, api.post("/tags", other))
    assert 1 < for_ever.hits < 20 and tags_named(kanso, other["name"]) == 0 and noted(kanso, number)
    proxy.heal()
    ok(api.post("/tags", other))


@pytest.mark.parametrize("number", GIVEN_UP)
def test_a_number_that_is_not(kanso: Kanso, api: Api, proxy: MySQLProxy, number: int) -> None:
    new = tag()
    fault = proxy.fail(number, "^INSERT INTO `tag`", times=None)
    refused(kanso, api.post("/tags", new))
    assert fault.hits == 1 and tags_named(kanso, new["name"]) == 0 and noted(kanso, number)
    proxy.heal()
    ok(api.post("/tags", new))


@pytest.mark.parametrize("number", [1040, 1044, 1045, 1049, 1053, 1129, 1130, 1203, 1226, 1251, 1698, 1862, 3118, 3159,
                                    3955, 4151])
def test_a_refused_connection(kanso: Kanso, api: Api, proxy: MySQLProxy, number: int) -> None:
    proxy.refuse(number)
    proxy.cut_all()
    for path in ("/tags", "/current-user", "/stacks?hydrate=true"):
        refused(kanso, api.get(path))
    refused(kanso, api.post("/tags", tag()))
    unready(kanso)
    refused(kanso, requests.post(kanso.url + "/api/v1/login", data={"username": "default", "password": "pw"}, timeout=30))
    assert noted(kanso, number)
    proxy.heal()
    ok(api.get("/tags"))
    becomes_ready(kanso)


@pytest.mark.parametrize("number", [1040, 1053])
def test_a_connection_refused_for_a_moment(api: Api, proxy: MySQLProxy, number: int) -> None:
    proxy.refuse(number, times=2)
    proxy.cut_all()
    ok(api.post("/tags", tag()))
    assert proxy.refused >= 2


# Connections that end ------------------------------------------------------------------------------


@pytest.mark.parametrize("when", ["before", "after"])
def test_cut_at_each_statement(kanso: Kanso, api: Api, proxy: MySQLProxy, when: str) -> None:
    """Wherever the connection ends: one row and 200, or after the COMMIT, of which nobody has heard, word of that."""
    ok(api.post("/tags", tag()))
    proxy.statements.clear()
    ok(api.post("/tags", tag()))
    plan = list(proxy.statements)
    assert len(plan) > 5 and "COMMIT" in plan
    for step in range(len(plan)):
        new = tag()
        fault = proxy.cut(when=when, skip=step)
        answer = api.post("/tags", new)
        assert fault.hits == 1
        proxy.heal()
        if plan[step] == "COMMIT":
            assert "check whether it took effect" in refused(kanso, answer)
            assert tags_named(kanso, new["name"]) == (when == "after")
        else:
            assert ok(answer)["name"] == new["name"], plan[step]
            assert tags_named(kanso, new["name"]) == 1, plan[step]


@pytest.mark.parametrize("number", [1205, 1213, 1927, 1290])
def test_a_fault_behind_the_commit(kanso: Kanso, api: Api, proxy: MySQLProxy, number: int) -> None:
    """The change is made: it is not made again, and the answer is read again."""
    new = tag()
    ok(api.post("/tags", tag()))
    proxy.statements.clear()
    ok(api.post("/tags", tag()))
    reads = [text for text in proxy.statements[proxy.statements.index("COMMIT") + 1:] if text.startswith("SELECT")]
    fault = proxy.fail(number, "^" + re.escape(reads[0]) + "$")
    assert ok(api.post("/tags", new))["name"] == new["name"] and fault.hits == 1
    lasting, other = proxy.fail(number, "^" + re.escape(reads[0]) + "$", times=None), tag()
    assert "was saved" in refused(kanso, api.post("/tags", other)) and lasting.hits > 1
    assert tags_named(kanso, new["name"]) == tags_named(kanso, other["name"]) == 1


@pytest.mark.parametrize(("number", "text"), [(1290, ""), (1213, ""), (1180, "took effect"), (1021, "took effect")])
def test_a_commit_that_fails(kanso: Kanso, api: Api, proxy: MySQLProxy, number: int, text: str) -> None:
    """Rolled back for certain: tried again. Otherwise the caller is told."""
    new = tag()
    fault = proxy.fail(number, "^COMMIT$")
    answer = api.post("/tags", new)
    assert fault.hits == 1
    if text:
        assert text in refused(kanso, answer) and tags_named(kanso, new["name"]) == 0
    else:
        assert ok(answer)["name"] == new["name"] and tags_named(kanso, new["name"]) == 1
    ok(api.post("/tags", tag()))


@pytest.mark.parametrize("number", [1064, 1205, 1181, 2000])
def test_a_rollback_that_fails(kanso: Kanso, api: Api, proxy: MySQLProxy, number: int) -> None:
    """What a refused request had begun is gone, and not committed by the next one."""
    world = World(api)
    name = world.name()
    halfway = proxy.fail(1064, "^INSERT INTO tag_resource|^INSERT INTO `tag`", times=1)
    rollback = proxy.fail(number, "^ROLLBACK$", times=1)
    answer = api.post(world.ws + "/models", world.owned | {"name": name, "tags": [world.name("x")]})
    assert answer.status_code == 500 and halfway.hits == rollback.hits == 1
    ok(api.post("/tags", tag()))
    assert kanso.sql(f"SELECT COUNT(*) FROM model WHERE name = '{name}'") == [["0"]]


@pytest.mark.parametrize(("statement", "there"), [("^INSERT INTO kanso_audit", {0}), ("^COMMIT$", {0, 1})])
def test_a_worker_killed_at_the_end(kanso: Kanso, api: Api, proxy: MySQLProxy, statement: str, there: set[int]) -> None:
    """A change and its entry in the audit log are both there, or neither."""
    new = tag()
    worker, = kanso.workers()
    fault = proxy.delay(0.5, statement)
    with ThreadPoolExecutor(1) as others:
        answer = others.submit(api.post, "/tags", new)
        wait_until(lambda: fault.hits == 1, 30, "the statement")
        os.kill(worker, signal.SIGKILL)
        assert answer.result().status_code >= 500
    time.sleep(0.6)  # the statement reaches the database
    proxy.cut_all()
    proxy.heal()
    becomes_ready(kanso)
    wait_until(lambda: not primary_busy(kanso), 30, "the end of the connection")
    assert tags_named(kanso, new["name"]) in there
    ok(api.post("/tags", tag()))


def primary_busy(kanso: Kanso) -> bool:
    return kanso.mariadb.sql("SELECT COUNT(*) FROM information_schema.innodb_trx") != [["0"]]


@pytest.mark.parametrize("number", [1213, 1927, 1064])
def test_an_entry_that_cannot_be_written(kanso: Kanso, api: Api, proxy: MySQLProxy, number: int) -> None:
    """Without its entry there is no change, nor a secret told; a refusal stays what it is."""
    world, new = World(api), tag()
    secret = world.secret()["id"]
    once = proxy.fail(number, "^INSERT INTO kanso_audit")
    answer = api.post("/tags", new)
    assert answer.status_code == (500 if number == 1064 else 200) and once.hits == 1
    assert tags_named(kanso, new["name"]) == (number != 1064)
    proxy.heal()
    lasting = proxy.fail(number, "^INSERT INTO kanso_audit", times=None)
    other = tag()
    assert api.post("/tags", other).status_code >= 500 and lasting.hits > 0
    answer = api.get("/secrets/" + secret)
    assert answer.status_code == 503 and "audit log" in answer.text and '"values"' not in answer.text
    assert api.delete("/tags/" + new["name"] + "x").status_code == 404
    proxy.heal()
    assert tags_named(kanso, other["name"]) == 0
    ok(api.get("/secrets/" + secret))


def test_late_answers(api: Api, proxy: MySQLProxy) -> None:
    """A database that takes its time is waited for."""
    fault = proxy.delay(0.5, "^INSERT INTO `tag`")
    begin = time.monotonic()
    ok(api.post("/tags", tag()))
    assert fault.hits == 1 and time.monotonic() - begin >= 0.5
