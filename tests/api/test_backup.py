"""kansoctl backup and restore: what comes back is what was there, row by row, on either kind of server; and what is refused."""

from __future__ import annotations

import gzip
import hashlib
import json
import os
import re
import signal
import stat
import subprocess
import sys
import threading
import time
import uuid
from pathlib import Path
from typing import Iterator

import pytest

from kit.api import Api
from kit.mariadb import INSTALLED, MariaDB, Unavailable
from kit.process import BUILD, REPOSITORY, executable_of, kill_hard, wait_until
from kit.servers import Kanso, base_environment

KANSOCTL = str(BUILD / "bin" / "kansoctl")
ROWS = int(os.environ.get("KANSO_BACKUP_ROWS") or 0)  # make check-backup: 300,000

# Values that text formats lose: quotes, NUL, four bytes of UTF-8, all bytes, numbers that no decimal ends, dates that are none.
ODD = f"""
SET sql_mode = 'ALLOW_INVALID_DATES', time_zone = '+00:00';
INSERT INTO tag (id, created, updated, name, color) VALUES
  (REPEAT('a', 32), '2024-02-29 23:59:59', '2024-02-31 00:00:00', '\\0 \\\\ \\' " ` \\n\\r\\t\\Z; -- 🚀', 'blue'),
  (REPEAT('9', 32), '1000-01-01 00:00:00', '9999-12-31 23:59:59', '', '');
INSERT INTO schedule (id, created, updated, name, workspace_id, active, start_time, interval_second, catchup)
  SELECT REPEAT('b', 32), '2024-01-01', '2024-01-01', 'odd', id, 2, '0000-00-00 00:00:00', 0.1, -128 FROM workspace LIMIT 1;
INSERT INTO schedule (id, created, updated, name, workspace_id, active, interval_second, catchup)
  SELECT REPEAT('c', 32), '2024-01-01', '2024-01-01', 'large', id, 1, 3.4028233e38, 0 FROM workspace LIMIT 1;
INSERT INTO run_metadata (id, created, updated, resource_id, resource_type, workspace_id, `key`, value, type)
  SELECT REPEAT('d', 32), '2024-01-01', '2024-01-01', REPEAT('a', 32), 'pipeline_run', id, 'NaN', 'NaN', 'float'
  FROM workspace LIMIT 1;
INSERT INTO kanso_job (id, created, updated, kind, subject, state, due, payload)
  VALUES (REPEAT('e', 32), '2024-01-01', '2024-01-01', 'x', REPEAT('a', 32), 'done', -1, UNHEX('{bytes(range(256)).hex()}')),
         (REPEAT('f', 32), '2024-01-01', '2024-01-01', 'x', REPEAT('a', 32), 'done', 0, '');
CREATE TABLE `of ``others` (
  `the ``key` int NOT NULL AUTO_INCREMENT PRIMARY KEY, narrow varchar(20) CHARACTER SET latin1, d double, n decimal(30,10),
  bits bit(9), t time(6), y year, at timestamp(3) NULL, kind enum('a','ß'), bin varbinary(9), doubled double AS (d * 2) STORED)
  DEFAULT CHARSET utf8mb4 COMMENT 'it''s COLLATE nothing_here';
SET sql_mode = 'NO_AUTO_VALUE_ON_ZERO';
INSERT INTO `of ``others` (`the ``key`, narrow, d, n, bits, t, y, at, kind, bin) VALUES
  (0, 'é€\\0', 0.1e0 + 0.2e0, -12345678901234567890.0123456789, b'100000001', '-838:59:58.999999', 2155, '2024-01-01 00:00:00.5', 'ß',
   x'00ff'), (7, NULL, 8.9e307, 0, NULL, NULL, NULL, NULL, NULL, NULL),
  (8, '', -5e-324, 0, b'0', '00:00:00', 0, '1970-01-01 00:00:01', 'a', '');
"""


def backup(database: MariaDB, name: str, *arguments: str, **options: object) -> subprocess.CompletedProcess[str]:
    """kansoctl with that database."""
    settings = base_environment() | {"ZENML_STORE_URL": database.socket_url(name), "ZENML_DEFAULT_USER_PASSWORD": "pw",
                                     "ZENML_SERVER_AUTO_ACTIVATE": "1"}
    settings |= {key: str(options.pop(key)) for key in list(options) if key.isupper()}
    return subprocess.run([KANSOCTL, *arguments], **{"env": settings, "capture_output": True, "text": True, "timeout": 300,
                                                     "stdin": subprocess.DEVNULL} | options)


def done(process: subprocess.CompletedProcess[str]) -> str:
    assert process.returncode == 0, process.stderr
    return process.stdout


def refused(process: subprocess.CompletedProcess[str], *words: str, status: int = 1) -> None:
    """One line that says why, and nothing else."""
    assert (process.returncode, process.stdout) == (status, ""), process
    assert process.stderr.count("\n") == 1 and all(word in process.stderr for word in words), process.stderr


def tables(database: MariaDB, name: str) -> list[str]:
    return [row[0] for row in database.sql("SELECT table_name FROM information_schema.tables WHERE table_schema = "
                                           f"'{name}' ORDER BY table_name")]


def content(database: MariaDB, name: str) -> dict[str, list[list[str]]]:
    """Each row of each table as a digest of its values, in order; the checker's own way to read them."""
    columns: dict[str, list[str]] = {}
    for table, column, kind in database.sql("SELECT table_name, column_name, data_type FROM information_schema.columns "
                                            f"WHERE table_schema = '{name}' ORDER BY table_name, ordinal_position"):
        quoted = "`" + column.replace("`", "``") + "`"
        columns.setdefault(table, []).append(
            f"COALESCE(SHA2(CAST({quoted}{' + 0e0' if kind == 'float' else ''} AS BINARY), 256), '-')")
    return {table: sorted(database.sql(f"SELECT SHA2(CONCAT_WS(',', {', '.join(shown)}), 256) FROM `{table.replace('`', '``')}`", name))
            for table, shown in columns.items()}


def definitions(database: MariaDB, name: str) -> dict[str, str]:
    """MySQL names the character set of a column or leaves it out, going by what the statement said that made it."""
    return {table: database.sql(f"SHOW CREATE TABLE `{table.replace('`', '``')}`", name)[0][1].replace("CHARACTER SET utf8mb4 ", "")
            for table in tables(database, name)}


def migrated(database: MariaDB) -> str:
    name = database.new_database()
    done(backup(database, name, "migrate"))
    return name


@pytest.fixture(scope="module")
def source(mariadb: MariaDB) -> Iterator[str]:
    """A database with all that is odd in it, and a row of 16 MB."""
    name = migrated(mariadb)
    before = mariadb.sql("SELECT @@GLOBAL.max_allowed_packet")[0][0]
    mariadb.sql("SET GLOBAL max_allowed_packet = 67108864")
    mariadb.sql(ODD, name)
    mariadb.sql("INSERT INTO pipeline_deployment (id, created, updated, pipeline_configuration, step_configurations, "
                "client_environment, run_name_template, workspace_id) SELECT REPEAT('1', 32), NOW(), NOW(), "
                "REPEAT('\\'', 16777215), '{}', '{}', 'x', id FROM workspace LIMIT 1", name)
    yield name
    mariadb.sql(f"SET GLOBAL max_allowed_packet = {before}")


@pytest.fixture(scope="module")
def file(mariadb: MariaDB, source: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("backup") / "kanso.backup"
    done(backup(mariadb, source, "backup", str(path)))
    return path


@pytest.fixture(scope="module")
def small(mariadb: MariaDB) -> str:
    """A database of few tables, which is restored fast."""
    name = mariadb.new_database()
    mariadb.sql("CREATE TABLE alembic_version (version_num varchar(32) PRIMARY KEY); INSERT INTO alembic_version VALUES ('0.66.0');"
                "CREATE TABLE kanso_meta (name varchar(64) PRIMARY KEY, value text); INSERT INTO kanso_meta VALUES ('schema', '1');"
                "CREATE TABLE workspace (id char(32) PRIMARY KEY, name text, data longtext) CHARACTER SET utf8mb4;"
                "INSERT INTO workspace VALUES (REPEAT('a', 32), 'default', REPEAT('ä🚀', 1000000))", name)
    return name


@pytest.fixture(scope="module")
def small_file(mariadb: MariaDB, small: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("small") / "kanso.backup"
    done(backup(mariadb, small, "backup", str(path)))
    return path


@pytest.fixture(scope="module")
def other(workspace_directory: Path, mariadb: MariaDB) -> Iterator[MariaDB]:
    """A server of the other kind."""
    try:
        database = MariaDB(workspace_directory / "other", engine=INSTALLED if mariadb.is_mysql else "mysql-9.7",
                           options=("--max-allowed-packet=64M", "--innodb-flush-method=nosync"))
    except Unavailable as why:
        pytest.skip(str(why))
    database.create()
    yield database
    database.stop()


def test_every_row_comes_back(mariadb: MariaDB, source: str, file: Path) -> None:
    target = mariadb.new_database("CHARACTER SET latin1")
    said = json.loads(done(backup(mariadb, target, "restore", str(file), "--json")))
    before, after = content(mariadb, source), content(mariadb, target)
    assert before == after and definitions(mariadb, source) == definitions(mariadb, target)
    assert (said["outcome"], said["zenml"], said["tables"]) == ("restored", "0.66.0", len(before))
    assert said["rows"] == sum(map(len, before.values())) > 50
    charset = "SELECT default_collation_name FROM information_schema.schemata WHERE schema_name = "
    assert mariadb.sql(f"{charset}'{source}'") == mariadb.sql(f"{charset}'{target}'")
    assert backup(mariadb, target, "migrate").stdout == ""  # nothing is missing


def test_the_other_kind_of_server(mariadb: MariaDB, other: MariaDB, source: str, file: Path, tmp_path: Path) -> None:
    """There and back again: every row, and tables on which Kanso starts."""
    there, back, again = other.new_database(), mariadb.new_database(), tmp_path / "again"
    done(backup(other, there, "restore", str(file)))
    assert content(other, there) == content(mariadb, source)
    done(backup(other, there, "backup", str(again)))
    done(backup(mariadb, back, "restore", str(again)))
    assert content(mariadb, back) == content(mariadb, source)
    assert backup(other, there, "migrate").stdout == backup(mariadb, back, "migrate").stdout == ""


def test_file(mariadb: MariaDB, source: str, file: Path, tmp_path: Path) -> None:
    """Closed to others, never overwritten unless asked, compressed or not, by pipe as well."""
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    refused(backup(mariadb, source, "backup", str(file)), "is there already", "--force")
    link = tmp_path / "link"
    link.symlink_to("nothing")
    refused(backup(mariadb, source, "backup", str(link)), "is there already")
    plain = tmp_path / "plain"
    plain.write_text("old")
    done(backup(mariadb, source, "backup", str(plain), "--plain", "--force"))
    assert sorted(os.listdir(tmp_path)) == ["link", "plain"]
    assert plain.read_bytes().startswith(b"KANSO BACKUP 1\n") and plain.stat().st_size > 16 << 20 > 10 * file.stat().st_size
    with open(tmp_path / "piped", "wb") as out:
        piped = backup(mariadb, source, "backup", "-", stdout=out, capture_output=False, stderr=subprocess.PIPE)
    assert (piped.returncode, piped.stderr) == (0, "")
    with open(tmp_path / "piped", "rb") as into:
        assert "whole" in done(backup(mariadb, "nowhere", "restore", "-", "--check", stdin=into))
    refused(backup(mariadb, source, "backup", "-", "--json"), "standard output", status=2)
    refused(backup(mariadb, source, "backup", str(tmp_path)), "is a directory")
    refused(backup(mariadb, source, "backup", str(tmp_path / "none" / "x")), "No such file")
    refused(backup(mariadb, "nowhere_at_all", "backup", str(tmp_path / "x")), "nowhere_at_all")
    refused(backup(mariadb, mariadb.new_database(), "backup", str(tmp_path / "x")), "no tables")
    refused(backup(mariadb, source, "restore", str(tmp_path / "x")), "there is no", status=4)
    assert not (tmp_path / "x").exists()


# Runs a command, and prints the most memory that it needed, in kB. A process of its own: what a child needs counts from
# its parent's memory on, and that of the tests may be large.
MEASURE = ("import resource, subprocess, sys; subprocess.run(sys.argv[1:], check=True, stdout=subprocess.DEVNULL); "
           "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)")


def peak(database: MariaDB, name: str, *arguments: str) -> int:
    settings = base_environment() | {"ZENML_STORE_URL": database.socket_url(name)}
    done = subprocess.run([sys.executable, "-c", MEASURE, str(KANSOCTL), *arguments], env=settings, capture_output=True,
                          text=True, check=True)
    return int(done.stdout)


def test_memory(mariadb: MariaDB, source: str, file: Path, tmp_path: Path) -> None:
    """A few times the longest row, which has 16 MB; the number of rows does not matter (make check-backup)."""
    assert peak(mariadb, source, "backup", str(tmp_path / "x")) < 150_000
    assert peak(mariadb, source, "restore", str(file), "--check") < 150_000


@pytest.mark.race
@pytest.mark.skipif(not ROWS, reason="make check-backup")
def test_large_database(mariadb: MariaDB, source: str, tmp_path: Path) -> None:
    """Hundreds of thousands of rows beside a writer: how long it takes, and how much memory."""
    path, target, stop = str(tmp_path / "large"), mariadb.new_database(), threading.Event()
    mariadb.sql("INSERT INTO pipeline_run (id, created, updated, name, status, workspace_id) SELECT REPEAT('7', 32), NOW(), NOW(), 'x', "
                "'running', id FROM workspace LIMIT 1", source)
    for first in range(0, ROWS, 1000):
        mariadb.sql("INSERT INTO step_run (id, created, updated, name, status, step_configuration, pipeline_run_id, workspace_id) WITH "
                    f"RECURSIVE s (n) AS (SELECT {first} UNION ALL SELECT n + 1 FROM s WHERE n < {first + 999}) SELECT LEFT(SHA2(n, 256), 32), "
                    "NOW(), NOW(), n, 'completed', REPEAT(SHA2(n, 512), 16), REPEAT('7', 32), w.id FROM s, workspace w", source)

    def write() -> None:
        while not stop.is_set():
            mariadb.sql("INSERT INTO tag (id, created, updated, name, color) VALUES (REPLACE(UUID(), '-', ''), NOW(), NOW(), 'x', 'x')", source)

    writer = threading.Thread(target=write)
    writer.start()
    try:
        begin = time.monotonic()
        memory = [peak(mariadb, source, "backup", path)]
        between = time.monotonic()
        memory.append(peak(mariadb, target, "restore", path))
        end = time.monotonic()
    finally:
        stop.set()
        writer.join()
    before, after = content(mariadb, source), content(mariadb, target)
    print(f"\n{sum(map(len, after.values()))} rows, {os.path.getsize(path) >> 20} MB: backup {between - begin:.0f} s, {memory[0] >> 10} MB; "
          f"restore {end - between:.0f} s, {memory[1] >> 10} MB")
    assert {row[0] for row in after.pop("tag")} <= {row[0] for row in before.pop("tag")}
    assert before == after and max(memory) < 200_000


def test_progress(mariadb: MariaDB, source: str, tmp_path: Path) -> None:
    """On a terminal one line over and over."""
    leader, follower = os.openpty()
    assert backup(mariadb, source, "backup", str(tmp_path / "x"), capture_output=False, stdout=subprocess.DEVNULL,
                  stderr=follower).returncode == 0
    os.close(follower)
    try:
        shown = os.read(leader, 100000)
    except OSError:  # nothing was written: it was faster than the eye
        shown = b"\r\x1b[K"
    os.close(leader)
    assert shown.startswith(b"\r\x1b[K") and shown.endswith(b"\r\x1b[K") and b"\n" not in shown


@pytest.mark.sanitize
def test_damage_is_found_before_anything_is_written(mariadb: MariaDB, small_file: Path, tmp_path: Path) -> None:
    target, damaged, whole = mariadb.new_database(), tmp_path / "damaged", small_file.read_bytes()
    plain = gzip.decompress(whole)

    def refuses(data: bytes, *words: str) -> None:
        damaged.write_bytes(data)
        refused(backup(mariadb, target, "restore", str(damaged)), *words)
        assert tables(mariadb, target) == []

    for length in (1, 20, 1000, len(whole) // 2, len(whole) - 8, len(whole) - 1):
        refuses(whole[:length], "backup" if length < 100 else "damaged")
    for at in (3, 40, 500, len(whole) // 2, len(whole) - 1, len(whole) - 5):
        refuses(whole[:at] + bytes([whole[at] ^ 0x40]) + whole[at + 1:])
    for at in (len("KANSO BACKUP 1\n") + 1, 100, len(plain) // 2, len(plain) - 20, len(plain) - 90):
        refuses(plain[:at] + bytes([plain[at] ^ 1]) + plain[at + 1:])
    refuses(plain + b"x", "follows its end")
    refuses(b"", "no backup")
    refuses(b"-- MariaDB dump\n" * 9, "no backup")
    refuses(plain.replace(b"KANSO BACKUP 1\n", b"KANSO BACKUP 2\n", 1), "later Kanso")


def reseal(plain: bytes) -> bytes:
    """With the digest that its content has now: no damage any more."""
    body = plain[:plain.rindex(b'Z')]
    last = json.dumps({"sha256": hashlib.sha256(body).hexdigest()}, separators=(",", ":")).encode()
    return body + b"Z" + len(last).to_bytes(4, "little") + last


def test_backups_of_other_versions(mariadb: MariaDB, small_file: Path, tmp_path: Path) -> None:
    plain, changed = gzip.decompress(small_file.read_bytes()), tmp_path / "changed"
    for old, new, refusal, said in ((b'"level":1', b'"level":9', "later Kanso", ""), (b'"level":1', b'"level":0', "", "`kansoctl migrate`"),
                                    (b'"schema":"0.66.0"', b'"schema":"0.67.0"', "", "0.67.0"),
                                    (b'"kanso":"0.1.0"', b'"kanso":"0.0.9"', "", "made by Kanso 0.0.9")):
        changed.write_bytes(reseal(plain.replace(old, new, 1)))
        target = mariadb.new_database()
        got = backup(mariadb, target, "restore", str(changed))
        if refusal:
            refused(got, refusal)
            assert tables(mariadb, target) == []
        else:
            assert got.returncode == 0 and said in got.stderr, got.stderr
        mariadb.drop(target)


def test_definitions_that_reach_elsewhere(mariadb: MariaDB, small_file: Path, tmp_path: Path) -> None:
    """Whoever gives a backup says what is in its tables, and nothing about other databases of the account."""
    plain, changed, theirs, target = (gzip.decompress(small_file.read_bytes()), tmp_path / "changed", mariadb.new_database(),
                                      mariadb.new_database())
    mariadb.sql("CREATE TABLE kept (x int PRIMARY KEY); INSERT INTO kept VALUES (7)", theirs)
    begin = len(b"KANSO BACKUP 1\nH")
    length = int.from_bytes(plain[begin:begin + 4], "little")
    header = json.loads(plain[begin + 4:begin + 4 + length])
    create = header["tables"][0]["create"]
    name = header["tables"][0]["name"]
    for other in (create.replace(f"`{name}`", f"`{theirs}`.`new`", 1), create.replace(f"`{name}`", "`new`", 1),
                  create + f" SELECT x AS y FROM `{theirs}`.kept", create + f" /*!50000 sElEcT x AS y FROM `{theirs}`.kept */",
                  f"CREATE TABLE `{name}` LIKE `{theirs}`.kept", f"CREATE TABLE `{name}` SELECT * FROM `{theirs}`.kept"):
        header["tables"][0]["create"] = other
        text = json.dumps(header).encode()
        changed.write_bytes(reseal(plain[:begin] + len(text).to_bytes(4, "little") + text + plain[begin + 4 + length:]))
        refused(backup(mariadb, target, "restore", str(changed)), "damaged")
        assert tables(mariadb, target) == [] and tables(mariadb, theirs) == ["kept"]
    header["tables"][0]["create"] = create + " COMMENT='select (all) of it'"
    text = json.dumps(header).encode()
    changed.write_bytes(reseal(plain[:begin] + len(text).to_bytes(4, "little") + text + plain[begin + 4 + length:]))
    assert done(backup(mariadb, target, "restore", str(changed)))
    mariadb.drop(theirs)
    mariadb.drop(target)


def test_what_holds_data_is_replaced_only_when_asked(mariadb: MariaDB, small: str, small_file: Path) -> None:
    """Tables of the backup, of ZenML and of Kanso; those of others are left alone."""
    target = mariadb.new_database()
    mariadb.sql("CREATE TABLE tag (id char(32) PRIMARY KEY); INSERT INTO tag VALUES (1)", target)
    mariadb.sql("CREATE TABLE wordpress (x int PRIMARY KEY); INSERT INTO wordpress VALUES (1)", target)
    before = content(mariadb, target)
    refused(backup(mariadb, target, "restore", str(small_file)), "holds data", "--force")
    assert content(mariadb, target) == before
    forced = backup(mariadb, target, "restore", str(small_file), "--force")
    assert "wordpress" in forced.stderr and done(forced)
    assert content(mariadb, target) == content(mariadb, small) | {"wordpress": before["wordpress"]}
    with mariadb.holding(target, "SELECT 1"):
        refused(backup(mariadb, target, "restore", str(small_file), "--force"), "in use", "stop the server")
    assert content(mariadb, target) == content(mariadb, small) | {"wordpress": before["wordpress"]}


def test_database_that_there_is_not(mariadb: MariaDB, small: str, small_file: Path) -> None:
    name = f"made_{uuid.uuid4().hex[:8]}"
    done(backup(mariadb, name, "restore", str(small_file)))
    assert content(mariadb, name) == content(mariadb, small)
    mariadb.drop(name)


def test_large_rows_and_a_small_server(mariadb: MariaDB, file: Path) -> None:
    """Found out before anything is written."""
    target = mariadb.new_database()
    mariadb.sql("SET GLOBAL max_allowed_packet = 16777216")
    try:
        refused(backup(mariadb, target, "restore", str(file)), "max_allowed_packet=1677")
    finally:
        mariadb.sql("SET GLOBAL max_allowed_packet = 67108864")
    assert tables(mariadb, target) == []


def test_restore_that_was_cut_short(mariadb: MariaDB, small: str, small_file: Path) -> None:
    """Killed in the middle: no Kanso starts on it until it has been restored as a whole."""
    target = mariadb.new_database()
    settings = base_environment() | {"ZENML_STORE_URL": mariadb.socket_url(target)}
    restore = subprocess.Popen([KANSOCTL, "restore", str(small_file)], env=settings, stdout=subprocess.DEVNULL)
    wait_until(lambda: "workspace" in tables(mariadb, target), 60, "tables")
    kill_hard([restore.pid])
    restore.wait()
    wait_until(lambda: mariadb.sql(f"SELECT COUNT(*) FROM information_schema.processlist WHERE db = '{target}'") == [["0"]], 60,
               "the end of its connection")
    assert "kanso_restoring" in tables(mariadb, target)
    for environment in {}, {"DISABLE_DATABASE_MIGRATION": "1"}:
        refused(backup(mariadb, target, "migrate", **environment), "was cut short")
    refused(backup(mariadb, target, "restore", str(small_file)), "was cut short", "--force")
    refused(backup(mariadb, target, "backup", str(small_file) + ".never"), "cut short")
    done(backup(mariadb, target, "restore", str(small_file), "--force"))
    assert content(mariadb, target) == content(mariadb, small)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_backup_that_is_interrupted(mariadb: MariaDB, source: str, tmp_path: Path, number: int) -> None:
    """Nothing is left behind. It waits at a table that somebody else changes."""
    settings = base_environment() | {"ZENML_STORE_URL": mariadb.socket_url(source)}
    with mariadb.holding(source, "LOCK TABLES workspace WRITE"):
        running = subprocess.Popen([KANSOCTL, "backup", str(tmp_path / "x")], env=settings, stderr=subprocess.PIPE)
        wait_until(lambda: os.listdir(tmp_path) != [], 30, "a temporary file")
        assert os.listdir(tmp_path)[0].startswith("x.")
        running.send_signal(number)
        assert running.wait(120) == -number
    assert os.listdir(tmp_path) == []


def test_disk_full(mariadb: MariaDB, source: str, tmp_path: Path) -> None:
    small = tmp_path / "small"
    small.mkdir()
    if os.getuid() != 0 or subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "kanso-test", str(small)],
                                          capture_output=True).returncode:
        pytest.skip("needs the right to mount a small file system")
    try:
        refused(backup(mariadb, source, "backup", str(small / "x"), "--plain"), "No space left on device")
        assert os.listdir(small) == []
    finally:
        subprocess.run(["umount", str(small)], check=True)
    with open("/dev/full", "wb") as full:
        piped = backup(mariadb, source, "backup", "-", stdout=full, capture_output=False, stderr=subprocess.PIPE)
    assert piped.returncode == 1 and "No space left on device" in piped.stderr


def test_database_that_kanso_has_not_seen(mariadb: MariaDB, tmp_path: Path) -> None:
    """As ZenML 0.66.0 made it, with nothing of Kanso's: it comes back as it was, and migrate completes it."""
    bare, target, path = mariadb.new_database(), mariadb.new_database(), tmp_path / "bare"
    mariadb.sql((REPOSITORY / "sql" / "schema.sql").read_text(), bare)
    mariadb.sql("INSERT INTO alembic_version VALUES ('0.66.0'); INSERT INTO tag VALUES (REPEAT('a', 32), NOW(), NOW(), 'x', 'red')", bare)
    done(backup(mariadb, bare, "backup", str(path)))
    restored = backup(mariadb, target, "restore", str(path))
    assert "`kansoctl migrate`" in restored.stderr and json.dumps(done(restored))
    assert content(mariadb, target) == content(mariadb, bare) and definitions(mariadb, target) == definitions(mariadb, bare)
    assert "added" in done(backup(mariadb, target, "migrate"))


def test_private_database(stopped: Kanso, tmp_path: Path) -> None:
    """As docs/operations/backup.md has it: the server goes on during a backup; a restore has the database for itself."""
    path = str(tmp_path / "private.backup")
    stopped.environment = {name: value for name, value in stopped.environment.items() if not name.startswith("ZENML_")}

    def kansoctl(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run([KANSOCTL, *arguments], env=stopped.environment, capture_output=True, text=True, timeout=300)

    password = re.search(r"^kanso:   password  (\S+)$", stopped.run("start").stdout, re.M)
    assert password
    api = Api(stopped.url, password=password[1])
    kept = api.make("/tags", {"name": "kept", "color": "blue"})["id"]
    done(kansoctl("backup", path))
    lost = api.make("/tags", {"name": "lost", "color": "blue"})["id"]
    refused(kansoctl("restore", path, "--force"), "in use", "stop the server")
    stopped.run("stop")
    assert kansoctl("restore", path, "--force").returncode == 1  # no database
    assert "starts the rest" in stopped.run("database").stdout and [executable_of(pid).rpartition("/")[2] for pid in
                                                                    stopped.processes()] == ["kanso-supervise", "mariadbd"]
    refused(kansoctl("restore", path), "holds data")
    done(kansoctl("restore", path, "--force"))
    stopped.run("start")
    again = Api(stopped.url, password=password[1])
    assert again.read(f"/tags/{kept}")["name"] == "kept" and again.call("GET", f"/tags/{lost}").status_code == 404


@pytest.mark.race
def test_while_others_write(mariadb: MariaDB, tmp_path: Path) -> None:
    """One moment of a database that changes all the time: what one transaction has written is in it as a whole or not at all, nothing
    that was committed before is missing, and each row is what it was."""
    source, target, stop = migrated(mariadb), mariadb.new_database(), threading.Event()

    def write(writer: int) -> None:
        client = subprocess.Popen(["mariadb", "--no-defaults", f"--socket={mariadb.socket}", "-uroot", source],
                                  stdin=subprocess.PIPE, text=True)
        assert client.stdin
        number = 0
        while not stop.is_set():
            number += 1
            tag, link = f"{writer:04d}{number:028d}", f"{writer + 1000:04d}{number:028d}"
            client.stdin.write(f"BEGIN; INSERT INTO tag (id, created, updated, name, color) VALUES ('{tag}', NOW(), NOW(), 'x', 'x');"
                               "INSERT INTO tag_resource (id, created, updated, tag_id, resource_id, resource_type) VALUES "
                               f"('{link}', NOW(), NOW(), '{tag}', '{tag}', 'x'); COMMIT;\n")
            client.stdin.flush()
            time.sleep(0.001)
        client.stdin.close()
        assert client.wait() == 0

    writers = [threading.Thread(target=write, args=(writer,)) for writer in range(3)]
    for writer in writers:
        writer.start()
    try:
        wait_until(lambda: int(mariadb.sql("SELECT COUNT(*) FROM tag", source)[0][0]) > 50, 30, "writers")
        before = content(mariadb, source)
        path = tmp_path / "busy"
        done(backup(mariadb, source, "backup", str(path)))
        done(backup(mariadb, target, "restore", str(path)))
    finally:
        stop.set()
        for writer in writers:
            writer.join()
    after, restored = content(mariadb, source), content(mariadb, target)
    ids = {table: {row[0] for row in mariadb.sql(f"SELECT {column} FROM {table}", target)}
           for table, column in (("tag", "id"), ("tag_resource", "tag_id"))}
    assert ids["tag"] == ids["tag_resource"] and len(ids["tag"]) >= len(before["tag"])
    for table in ("tag", "tag_resource"):
        rows = {tuple(row) for row in restored[table]}
        assert {tuple(row) for row in before[table]} <= rows <= {tuple(row) for row in after[table]}
    for writer in range(3):  # of each writer the first so many
        numbers = sorted(int(each[4:]) for each in ids["tag"] if each.startswith(f"{writer:04d}"))
        assert numbers == list(range(1, len(numbers) + 1))
