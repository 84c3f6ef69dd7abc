"""The tables of a database that Kanso made, or opened, against those of the reference."""

from __future__ import annotations

import json
import re
import secrets
import subprocess
import threading
from typing import Any

import pytest

from kit import contract as zenml
from kit.api import Api
from kit.mariadb import MariaDB, own_tables
from kit.process import BUILD, REPOSITORY
from kit.servers import Kanso, base_environment

VERSION = "0.66.0"


@pytest.fixture(scope="module")
def contract() -> dict[str, Any]:
    return zenml.table("schema")


def tables(mariadb: MariaDB, database: str) -> dict[str, Any]:
    """Tables in the form of the contract, without what is Kanso's own."""
    def rows(select: str) -> list[list[str]]:
        return mariadb.sql(select.replace('@', f"'{database}'"))

    found: dict[str, Any] = {}
    for table, column, kind, null, default in rows(
            "SELECT table_name, column_name, column_type, is_nullable, column_default "
            "FROM information_schema.columns WHERE table_schema = @ "
            "ORDER BY table_name, ordinal_position"):
        if table.startswith("kanso_") or column.startswith("kanso_"):
            continue
        made = found.setdefault(table, {"columns": [], "primary_key": [], "unique": {},
                                        "indexes": {}, "foreign_keys": {}})
        made["columns"].append((column, re.sub(r"^int\(\d+\)", "int", kind), null == "YES",
                                None if default == "NULL" else default))
    for table, index, free, column in rows(
            "SELECT table_name, index_name, non_unique, column_name "
            "FROM information_schema.statistics WHERE table_schema = @ "
            "ORDER BY table_name, index_name, seq_in_index"):
        if table.startswith("kanso_") or index.startswith("kanso_"):
            continue
        if index == "PRIMARY":
            found[table]["primary_key"].append(column)
        else:
            kind = "indexes" if free == "1" else "unique"
            found[table][kind].setdefault(index, []).append(column)
    for table, name, column, target, target_column, on_delete, on_update in rows(
            "SELECT k.table_name, k.constraint_name, k.column_name, k.referenced_table_name, "
            "k.referenced_column_name, r.delete_rule, r.update_rule "
            "FROM information_schema.key_column_usage k "
            "JOIN information_schema.referential_constraints r "
            "ON r.constraint_schema = k.table_schema AND r.constraint_name = k.constraint_name "
            "WHERE k.table_schema = @ AND k.referenced_table_name IS NOT NULL"):
        if table.startswith("kanso_"):
            continue
        found[table]["foreign_keys"][name] = (column, target, target_column, rule(on_delete), rule(on_update))
    return found


def rule(name: str) -> str:
    """What happens to a key's rows: MySQL and MariaDB have two words for refusing."""
    return "RESTRICT" if name == "NO ACTION" else name


def expected(contract: dict[str, Any]) -> dict[str, Any]:
    return {name: table | {
        "columns": [tuple(column) for column in table["columns"]],
        "foreign_keys": {key: (*places, rule(on_delete), rule(on_update))
                         for key, (*places, on_delete, on_update) in table["foreign_keys"].items()},
    } for name, table in contract.items()}


def own_things(mariadb: MariaDB, database: str) -> set[str]:
    return {row[0] for row in mariadb.sql(
        "SELECT table_name FROM information_schema.tables "
        f"WHERE table_schema = '{database}' AND table_name LIKE 'kanso\\_%' UNION "
        "SELECT index_name FROM information_schema.statistics "
        f"WHERE table_schema = '{database}' AND index_name LIKE 'kanso\\_%'")}


def named_in_kanso_sql() -> set[str]:
    """Tables and indexes, and the index of each table's order of creation."""
    text = (REPOSITORY / "sql" / "kanso.sql").read_text()
    ordered = {f"kanso_{table}_order" for table, columns in re.findall(
        r"^CREATE TABLE IF NOT EXISTS `(\w+)` \((.*?)^\)", (REPOSITORY / "sql" / "schema.sql").read_text() + text, re.M | re.S)
        if {"id", "created"} <= set(re.findall(r"^  `(\w+)`", columns, re.M))}
    return ordered | set(re.findall(r"^(?:CREATE TABLE IF NOT EXISTS|CREATE INDEX|  KEY|  UNIQUE KEY) `(kanso_\w+)`",
                                    text, re.M))


def made_by_zenml(mariadb: MariaDB) -> str:
    """A database as ZenML makes it: the indexes of foreign keys are left to the server."""
    statements = (REPOSITORY / "sql" / "schema.sql").read_text()
    database = mariadb.new_database()
    mariadb.sql(re.sub(r"^  KEY `fk_.*\n", "", statements, flags=re.M), database)
    mariadb.sql(f"INSERT INTO alembic_version VALUES ('{VERSION}')", database)
    return database


@pytest.mark.engine
def test_fresh_database(fresh: Kanso, mariadb: MariaDB, contract: dict[str, Any]) -> None:
    made = tables(mariadb, fresh.database)
    assert made.keys() == contract.keys()
    for name, table in expected(contract).items():
        assert made[name] == table, name


def test_fresh_rows(fresh: Kanso) -> None:
    assert fresh.sql("SELECT * FROM alembic_version") == [[VERSION]]
    assert fresh.sql("SELECT name, description FROM workspace") == [["default", ""]]
    assert fresh.sql("SELECT name, is_admin, active FROM user") == [["default", "1", "1"]]
    assert fresh.sql("SELECT s.name, c.type, c.flavor, c.configuration, c.labels, s.labels "
                     "FROM stack s JOIN stack_composition m ON m.stack_id = s.id "
                     "JOIN stack_component c ON c.id = m.component_id ORDER BY c.type") == [
        ["default", "artifact_store", "local", "e30=", "bnVsbA==", "e30="],
        ["default", "orchestrator", "local", "e30=", "bnVsbA==", "e30="]]
    assert fresh.sql("SELECT server_name, active, display_announcements, display_updates, "
                     "onboarding_state FROM server_settings") == [["default", "1", "1", "1", "NULL"]]


def test_flavors(fresh: Kanso) -> None:
    rows = json.loads((REPOSITORY / "sql" / "flavors.json").read_text())
    assert len(rows) == 55
    names = sorted([row["name"], row["type"], row["source"]] for row in rows)
    assert sorted(fresh.sql("SELECT name, type, source FROM flavor")) == names
    assert all(json.loads(text)["type"] == "object"
               for (text,) in fresh.sql("SELECT config_schema FROM flavor"))


def test_own_additions(fresh: Kanso, mariadb: MariaDB) -> None:
    assert own_things(mariadb, fresh.database) == named_in_kanso_sql()
    fresh.stop()
    fresh.sql("DROP TABLE kanso_name_guard; DROP INDEX kanso_pipeline_run_created ON pipeline_run")
    fresh.start()
    assert own_things(mariadb, fresh.database) == named_in_kanso_sql()


@pytest.mark.engine
def test_opened_database_keeps_its_tables(launch, mariadb: MariaDB,
                                          contract: dict[str, Any]) -> None:
    database = made_by_zenml(mariadb)
    before = tables(mariadb, database)
    assert before == expected(contract)
    launch(database=database).stop()
    assert tables(mariadb, database) == before
    assert own_things(mariadb, database) == named_in_kanso_sql()


def test_indexes_of_an_earlier_kanso(launch, mariadb: MariaDB, contract: dict[str, Any]) -> None:
    """One whose columns have changed is made anew, one that is not made any more is dropped; rows keep their order."""
    database = made_by_zenml(mariadb)
    mariadb.sql("CREATE INDEX kanso_tag_created ON tag (created, id);"
                "CREATE INDEX kanso_pipeline_run_newest ON pipeline_run (created, id);"
                "CREATE INDEX kanso_model_version_stage ON model_version (stage(10));"
                "INSERT INTO tag (id, created, updated, name, color) VALUES (REPEAT('b', 32), '2024-01-01', '2024-01-01', 'b', 'red'),"
                "(REPEAT('a', 32), '2024-01-01', '2024-01-01', 'a', 'red'), (REPEAT('c', 32), '2023-01-01', '2023-01-01', 'c', 'red')",
                database)
    kanso = launch(database=database)
    assert Api(kanso.url).names("/tags") == ["c", "a", "b"]
    kanso.stop()
    assert own_things(mariadb, database) == named_in_kanso_sql()
    assert mariadb.sql("SELECT column_name FROM information_schema.statistics WHERE index_name = 'kanso_tag_created' "
                       f"AND table_schema = '{database}' ORDER BY seq_in_index") == [["created"], ["kanso_order"]]
    assert mariadb.sql("SELECT sub_part FROM information_schema.statistics WHERE index_name = 'kanso_model_version_stage' "
                       f"AND table_schema = '{database}'") == [["64"]]
    assert tables(mariadb, database) == expected(contract)
    assert mariadb.sql("SELECT * FROM tag LIMIT 1", database)[0][-1] in ("red", "a", "b", "c")


@pytest.mark.parametrize("version", ["0.65.0", "0.70.0", "a1237ba94fd8"])
def test_other_versions_are_refused(launch, mariadb: MariaDB, version: str) -> None:
    database = made_by_zenml(mariadb)
    mariadb.sql(f"UPDATE alembic_version SET version_num = '{version}'", database)
    with pytest.raises(RuntimeError, match=f"schema of ZenML {re.escape(version)}"):
        launch(database=database)
    assert not own_things(mariadb, database)
    assert mariadb.sql("SELECT COUNT(*) FROM workspace", database) == [["0"]]


def test_tables_of_something_else_are_refused(launch, mariadb: MariaDB) -> None:
    database = mariadb.new_database()
    mariadb.sql("CREATE TABLE recipe (id INT)", database)
    with pytest.raises(RuntimeError, match="not those of a ZenML server"):
        launch(database=database)
    assert mariadb.sql("SHOW TABLES", database) == [["recipe"]]


def test_cut_short_start_is_taken_up(launch, mariadb: MariaDB, contract: dict[str, Any]) -> None:
    """As if the first start had been killed after a few tables."""
    database = mariadb.new_database()
    mariadb.sql("CREATE TABLE kanso_meta (name VARCHAR(64) PRIMARY KEY, value TEXT NOT NULL);"
                "INSERT INTO kanso_meta VALUES ('state', 'initialising')", database)
    statements = (REPOSITORY / "sql" / "schema.sql").read_text().split(";\n")
    mariadb.sql(";\n".join(statements[:9]), database)
    launch(database=database).stop()
    assert tables(mariadb, database).keys() == contract.keys()
    assert mariadb.sql("SELECT value FROM kanso_meta WHERE name = 'state'", database) == [["ready"]]
    assert mariadb.sql("SELECT COUNT(*) FROM flavor", database) == [["55"]]


def migrate(mariadb: MariaDB, database: str, **changes: str) -> subprocess.CompletedProcess:
    """`kansoctl migrate` by itself."""
    settings = {"ZENML_STORE_URL": mariadb.socket_url(database), "ZENML_DEFAULT_USER_PASSWORD": "pw",
                "KANSO_MAX_BODY": "16777216",  # what the database takes at once by default
                "ZENML_SERVER_AUTO_ACTIVATE": "1"}
    return subprocess.run([str(BUILD / "bin" / "kansoctl"), "migrate"], capture_output=True, text=True, timeout=120,
                          env=base_environment() | settings | changes)


def some_user(mariadb: MariaDB, database: str, rights: str) -> dict[str, str]:
    """Settings that reach the database as a new user with these rights to it and no others."""
    name = "u" + secrets.token_hex(4)
    mariadb.sql(f"CREATE USER {name}@localhost IDENTIFIED BY 'p-{name}'; "
                f"GRANT {rights} ON {database}.* TO {name}@localhost")
    return {"ZENML_STORE_URL": f"mysql://{name}:p-{name}@localhost/{database}?unix_socket={mariadb.socket}"}


@pytest.mark.engine
def test_a_user_who_may_not_change_tables(mariadb: MariaDB) -> None:
    """What cannot be done without is asked for in words that help; an index can be done without."""
    rights = "SELECT, INSERT, UPDATE, DELETE"
    database = made_by_zenml(mariadb)
    user = some_user(mariadb, database, rights)
    refused = migrate(mariadb, database, **user)
    assert refused.returncode != 0
    for word in ("CREATE", "kansoctl migrate", "DISABLE_DATABASE_MIGRATION", database):
        assert word in refused.stderr, refused.stderr
    forbidden = migrate(mariadb, database, **user, DISABLE_DATABASE_MIGRATION="1")
    assert forbidden.returncode != 0 and "missing" in forbidden.stderr

    assert migrate(mariadb, database).returncode == 0
    for settings in (user, user | {"DISABLE_DATABASE_MIGRATION": "1"}):
        done = migrate(mariadb, database, **settings)
        assert done.returncode == 0 and not done.stderr, done.stderr

    mariadb.sql("DROP INDEX kanso_tag_name ON tag; DROP INDEX kanso_model_name ON model", database)
    for settings in (user, user | {"DISABLE_DATABASE_MIGRATION": "1"}):
        done = migrate(mariadb, database, **settings)
        assert done.returncode == 0, done.stderr
        assert "warning" in done.stderr and "slow" in done.stderr
        assert "DISABLE_DATABASE_MIGRATION" in done.stderr
    assert {"kanso_tag_name", "kanso_model_name"}.isdisjoint(own_things(mariadb, database))


def test_a_server_starts_without_an_index(launch, mariadb: MariaDB) -> None:
    """The user has no right to make it: a warning, not an end."""
    database = made_by_zenml(mariadb)
    assert migrate(mariadb, database).returncode == 0
    mariadb.sql("DROP INDEX kanso_tag_name ON tag", database)
    user = some_user(mariadb, database, "SELECT, INSERT, UPDATE, DELETE")
    kanso = launch(database=database, **user)
    Api(kanso.url).make("/tags", {"name": "without an index"})
    kanso.stop()


def test_progress_is_said(mariadb: MariaDB) -> None:
    database = made_by_zenml(mariadb)
    said = migrate(mariadb, database).stdout.splitlines()
    assert re.fullmatch(r"order of creation of \w+", said[0]), said
    assert any(re.fullmatch(r"indexes of \w+ \(1 of \d\d\)", line) for line in said), said
    assert len([line for line in said if line.startswith("indexes of ")]) > 20
    assert not migrate(mariadb, database).stdout


@pytest.mark.engine
@pytest.mark.parametrize("defaults", ["CHARACTER SET latin1", "COLLATE utf8mb4_unicode_ci", "COLLATE utf8mb4_bin",
                                      "COLLATE utf8mb4_general_ci"])
def test_guards_compare_like_what_they_guard(mariadb: MariaDB, defaults: str) -> None:
    """Own tables that have the database's default, and tables of ZenML that do not."""
    database = mariadb.new_database(defaults)
    mariadb.sql(own_tables(), database)
    mariadb.sql(f"ALTER DATABASE {database} CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_520_ci")
    mariadb.sql((REPOSITORY / "sql" / "schema.sql").read_text(), database)
    mariadb.sql(f"ALTER DATABASE {database} {defaults}; INSERT INTO {database}.alembic_version VALUES ('{VERSION}');"
                f"INSERT INTO {database}.kanso_name_guard VALUES ('tag', '', 'left over')")
    for _ in range(2):
        done = migrate(mariadb, database)
        assert done.returncode == 0, done.stderr
        assert mariadb.sql("SELECT DISTINCT collation_name FROM information_schema.columns WHERE table_schema = "
                           f"'{database}' AND table_name = 'kanso_name_guard'") == [["utf8mb4_unicode_520_ci"]]


@pytest.mark.engine
def test_the_first_login_over_tcp(mariadb: MariaDB) -> None:
    """MySQL's caching_sha2_password: nothing is cached yet, and no TLS is asked for. Without its plugin the driver cannot."""
    database = mariadb.new_database()
    mariadb.sql("FLUSH PRIVILEGES")
    url = {"ZENML_STORE_URL": mariadb.tcp_url(database)}
    if mariadb.is_mysql:
        lacking = migrate(mariadb, database, **url, MARIADB_PLUGIN_DIR="/nonexistent")
        assert lacking.returncode != 0
        assert "caching_sha2_password" in lacking.stderr and "libmariadb3" in lacking.stderr
    done = migrate(mariadb, database, **url)
    assert done.returncode == 0, done.stderr
    assert mariadb.sql("SELECT COUNT(*) FROM user", database) == [["1"]]


@pytest.mark.engine
@pytest.mark.race
def test_another_node_makes_the_same_changes(mariadb: MariaDB) -> None:
    """On a cluster nothing keeps another node's `kansoctl migrate` out: here its statements are run over and over meanwhile."""
    database = made_by_zenml(mariadb)
    text = (REPOSITORY / "sql" / "kanso.sql").read_text()
    other = ["mariadb", "--no-defaults", f"--socket={mariadb.socket}", "-uroot", "--force", database]
    begun = threading.Event()

    def change() -> None:
        begun.set()
        for _ in range(3):
            subprocess.run(other, input=text, text=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=120)

    racer = threading.Thread(target=change)
    racer.start()
    begun.wait()
    for _ in range(2):
        done = migrate(mariadb, database)
        assert done.returncode == 0, done.stderr
    racer.join()
    assert named_in_kanso_sql() <= own_things(mariadb, database)
