"""kansoctl doctor: all is well with a Kanso that runs, and each check has a case in which it finds something."""

from __future__ import annotations

import json
import os
import re
import resource
import subprocess
import uuid
from pathlib import Path
from typing import Any, Callable, Iterator

import pytest

from kit.api import Api
from kit.ctl import KANSOCTL, kansoctl
from kit.mariadb import MariaDB
from kit.process import REPOSITORY
from kit.servers import SECRETS_KEY, Kanso, base_environment

# What answers otherwise than the real ones, as an environment variable says.
SHIM = r"""
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdlib.h>
#include <sys/statvfs.h>
#include <time.h>
time_t time(time_t *out)
{
    struct timespec now;
    const char *off = getenv("SHIM_SECONDS");
    clock_gettime(CLOCK_REALTIME, &now);
    now.tv_sec += off ? atol(off) : 0;
    if (out)
        *out = now.tv_sec;
    return now.tv_sec;
}
int statvfs(const char *path, struct statvfs *v)
{
    int (*real)(const char *, struct statvfs *) = (int (*)(const char *, struct statvfs *))dlsym(RTLD_NEXT, "statvfs");
    int rc = real(path, v);
    if (getenv("SHIM_FREE_MB"))
        v->f_bavail = (fsblkcnt_t)atol(getenv("SHIM_FREE_MB")) * 1048576 / v->f_frsize;
    if (getenv("SHIM_INODES"))
        v->f_favail = (fsfilcnt_t)atol(getenv("SHIM_INODES"));
    return rc;
}
"""


class Findings:
    def __init__(self, done: subprocess.CompletedProcess[str]) -> None:
        assert done.returncode in (0, 3), done.stderr
        self.status, self.rows = done.returncode, json.loads(done.stdout)
        assert self.status == (3 if any(row["state"] == "problem" for row in self.rows) else 0)
        for row in self.rows:
            assert (row["advice"] is None) == (row["state"] == "ok"), row

    def of(self, check: str, state: str) -> str:
        return "\n".join(row["finding"] for row in self.rows if (row["check"], row["state"]) == (check, state))


def doctor(environment: dict[str, str], **changes: str) -> Findings:
    return Findings(kansoctl("doctor", "--json", **environment | changes))


@pytest.fixture(scope="module")
def running(launch: Callable[..., Kanso]) -> Iterator[Kanso]:
    kanso = launch(KANSO_JOBS="1", KANSO_MAX_BODY="16777216")
    Api(kanso.url).make("/workspaces/default/secrets", {
        "name": "s", "values": {"a": "b"}, "scope": "workspace", "user": Api(kanso.url).read("/current-user")["id"],
        "workspace": Api(kanso.url).read("/workspaces/default")["id"]})
    yield kanso
    kanso.stop()


@pytest.fixture(scope="module")
def shim(tmp_path_factory: pytest.TempPathFactory) -> str:
    source = tmp_path_factory.mktemp("shim") / "shim.c"
    source.write_text(SHIM)
    subprocess.run(["gcc", "-shared", "-fPIC", "-o", str(source.with_suffix(".so")), str(source), "-ldl"], check=True)
    return str(source.with_suffix(".so"))


class Resting:
    """A database that nobody serves, and a home where nothing runs."""

    def __init__(self, mariadb: MariaDB, home: Path) -> None:
        self.mariadb, self.database, self.home = mariadb, mariadb.new_database(), home
        self.environment = {"ZENML_STORE_URL": mariadb.socket_url(self.database), "KANSO_CONF": "/dev/null", "KANSO_HOME": str(home),
                            "ZENML_DEFAULT_USER_PASSWORD": "pw", "ZENML_SERVER_AUTO_ACTIVATE": "1", "KANSO_MAX_BODY": "1048576"}
        assert kansoctl("migrate", **self.environment).returncode == 0

    def sql(self, statement: str) -> Any:
        return self.mariadb.sql(statement, self.database)

    def find(self, check: str, state: str, **changes: str) -> str:
        return doctor(self.environment, **changes).of(check, state)


@pytest.fixture(scope="module")
def resting(mariadb: MariaDB, tmp_path_factory: pytest.TempPathFactory) -> Resting:
    return Resting(mariadb, tmp_path_factory.mktemp("home"))


@pytest.mark.engine
def test_all_is_well(running: Kanso) -> None:
    found = doctor(running.environment)
    assert found.status == 0, [row for row in found.rows if row["state"] != "ok"]
    said = {row["check"] for row in found.rows if row["state"] == "ok"}
    assert {row["check"] for row in found.rows} - said <= {"durability"}, "every check has something to say"
    assert said >= {"settings", "versions", "files", "space", "processes", "sockets", "nginx", "descriptors", "front", "answers",
                    "database", "tls", "rights", "schema", "clock", "connections", "packet", "time-outs", "users", "secrets", "jobs"}
    assert found.of("secrets", "ok") == "the key opens the latest 1 secrets"
    shown = kansoctl("doctor", **running.environment)
    assert shown.returncode == 0 and shown.stdout.splitlines()[0].split() == ["CHECK", "STATE", "FINDING"]
    assert SECRETS_KEY not in shown.stdout and "pw" not in shown.stdout.split()


# Settings that are tried together, with what is found then.
SPOILT: list[tuple[dict[str, str], list[tuple[str, str, str]]]] = [
    ({"KANSO_PROT": "1", "ZENML_SERVER_WORKLOAD_MANAGER_IMPLEMENTATION_SOURCE": "kanso.command",
      "KANSO_WORKLOAD_COMMAND": "/nowhere/at-all", "KANSO_ADDRESS": "0.0.0.0", "KANSO_MAX_BODY": "1073741824",
      "KANSO_WORKERS": "auth:200;server:200;rest:200"}, [
        ("settings", "warning", "no variable KANSO_PROT, set in environment"), ("templates", "warning", "templates cannot be run"),
        ("processes", "warning", "does not run here"), ("front", "warning", "without TLS"),
        ("packet", "warning", "bytes at once"), ("connections", "problem", "this host alone needs up to")]),
    ({"KANSO_JOBS": "many", "KANSO_WORKERS": "nothing:1", "ZENML_STORE_URL": "mysql://a:b@127.0.0.1:1/zenml"}, [
        ("settings", "problem", "KANSO_JOBS is 'many'"), ("settings", "problem", "there is no endpoint group 'nothing'"),
        ("database", "problem", "cannot reach the database")]),
    ({"KANSO_NGINX_WORKERS": "0", "ZENML_STORE_URL": "postgres://a/b"}, [
        ("nginx", "problem", "its configuration cannot be made"), ("database", "problem", "must be of the form mysql://")]),
    ({"ZENML_STORE_URL": ""}, [("database", "warning", "has not been made yet")]),
]


@pytest.mark.parametrize("changes, expected", SPOILT, ids=range(len(SPOILT)))
def test_settings_that_do_not_fit(resting: Resting, changes: dict[str, str], expected: list[tuple[str, str, str]]) -> None:
    found = doctor(resting.environment, **changes)
    for check, state, said in expected:
        assert said in found.of(check, state)


def test_time_outs(resting: Resting) -> None:
    url = resting.environment["ZENML_STORE_URL"]
    for seconds, said in ("400", "nginx gives a request up after 300 seconds"), ("5", "for a lock"):
        assert said in resting.find("time-outs", "warning", ZENML_STORE_URL=f"{url}&read_timeout={seconds}")


def test_time_and_space(resting: Resting, shim: str) -> None:
    cases = [({"SHIM_SECONDS": "100", "SHIM_FREE_MB": "10"}, ("clock", "problem", "seconds from this host's"), ("space", "problem", "MB are left")),
             ({"SHIM_SECONDS": "-5", "SHIM_FREE_MB": "500"}, ("clock", "warning", "5 seconds"), ("space", "warning", "MB are left")),
             ({"SHIM_INODES": "10"}, ("space", "warning", "more files"), ("clock", "ok", "has the time"))]
    for changes, *expected in cases:
        found = doctor(resting.environment, LD_PRELOAD=shim, **changes)
        for check, state, said in expected:
            assert said in found.of(check, state)


def test_files(resting: Resting, tmp_path: Path) -> None:
    conf, home = tmp_path / "kanso.conf", tmp_path / "home"
    (home / "etc").mkdir(parents=True)
    key = home / "etc" / "encryption-key"
    conf.write_text("ZENML_SERVER_JWT_SECRET_KEY=" + 40 * "x" + "\n"), key.write_text("x")
    conf.chmod(0o600), key.chmod(0o600), home.chmod(0o711)
    place = {"KANSO_CONF": str(conf), "KANSO_HOME": str(home)}
    assert resting.find("files", "ok", **place) and not resting.find("files", "problem", **place)
    for path, mode, said in (conf, 0o644, "holds secrets"), (key, 0o640, "holds secrets"), (home, 0o733, "others may write"):
        before = path.stat().st_mode
        path.chmod(mode)
        assert said in resting.find("files", "problem", **place) and str(path) in resting.find("files", "problem", **place)
        path.chmod(before)
    conf.write_text("KANSO_PORT=8080\n"), conf.chmod(0o646)
    assert "others may write to" in resting.find("files", "problem", **place)


@pytest.mark.parametrize("script, said", [
    ("exit 127", "there is no nginx"), ("echo 'nginx version: nginx/1.10.3' >&2", "older than 1.18"),
    ("[ $1 = -v ] && echo 'nginx version: nginx/1.22.1' >&2 && exit; echo 'nginx: [emerg] odd' >&2; exit 1", "refuses its configuration: nginx: [emerg] odd")])
def test_nginx(resting: Resting, tmp_path: Path, script: str, said: str) -> None:
    (tmp_path / "nginx").write_text(f"#!/bin/sh\n{script}\n"), (tmp_path / "nginx").chmod(0o755)
    assert said in resting.find("nginx", "problem", PATH=f"{tmp_path}:{os.environ['PATH']}")


def test_descriptors(resting: Resting) -> None:
    done = subprocess.run([KANSOCTL, "doctor", "--json"], capture_output=True, text=True, env=base_environment() | resting.environment,
                          preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (512, 512)))
    assert "may have 512 open files" in Findings(done).of("descriptors", "warning")


def test_what_runs(running: Kanso) -> None:
    """Processes, sockets and answers of a Kanso that is up."""
    run = running.home / "run"
    (run / "ghost.pid").write_text("4194303 1\n"), (run / "nginx.state").write_text("ends again and again\n")
    try:
        found = doctor(running.environment).of("processes", "problem")
        assert "ghost has ended" in found and "nginx: ends again and again" in found
    finally:
        (run / "ghost.pid").unlink(), (run / "nginx.state").unlink()
    socket = run / "rest.sock"
    before = socket.stat().st_mode
    socket.chmod(0o666)
    try:
        assert "everybody may talk to the workers" in doctor(running.environment).of("sockets", "problem")
    finally:
        socket.chmod(before)
    assert "workers cannot be reached" in doctor(running.environment, KANSO_WORKERS="each").of("sockets", "problem")
    assert "no answer at" in doctor(running.environment, KANSO_PORT="9").of("answers", "problem")
    assert "answers 404" in doctor(running.environment, ZENML_SERVER_ROOT_URL_PATH="/api").of("answers", "problem")


@pytest.mark.engine
def test_tables(mariadb: MariaDB, tmp_path: Path) -> None:
    spoilt = Resting(mariadb, tmp_path)
    assert spoilt.find("schema", "ok") and not spoilt.find("schema", "warning")
    spoilt.sql("DROP INDEX kanso_pipeline_created ON pipeline")
    assert "index" in spoilt.find("schema", "warning")
    spoilt.sql("ALTER TABLE tag DROP COLUMN color")
    assert spoilt.find("schema", "problem") == "the database has no tag.color"
    spoilt.sql("UPDATE alembic_version SET version_num = '0.50.0'")
    assert "0.50.0" in spoilt.find("schema", "problem")


@pytest.mark.engine
def test_rights_and_encryption(resting: Resting) -> None:
    """A user with too little, who comes by TCP under a name that is not this host's own, without TLS."""
    user = f"u{uuid.uuid4().hex[:8]}"
    resting.sql(f"CREATE USER '{user}'@'%' IDENTIFIED BY 'x'")
    resting.sql(f"GRANT SELECT, INSERT, UPDATE, DELETE ON `{resting.database}`.* TO '{user}'@'%'")
    url = f"mysql://{user}:x@0.0.0.0:{resting.mariadb.port}/{resting.database}"
    try:
        found = doctor(resting.environment, ZENML_STORE_URL=url)
        assert f"user '{user}' lacks CREATE, ALTER, DROP, INDEX" in found.of("rights", "problem")
        assert "encrypted" in found.of("tls", "warning") or "right one" in found.of("tls", "warning")
        assert resting.find("rights", "ok", ZENML_STORE_URL=url, DISABLE_DATABASE_MIGRATION="1")
    finally:
        resting.sql(f"DROP USER '{user}'@'%'")


def test_contents(mariadb: MariaDB, tmp_path: Path, running: Kanso) -> None:
    spoilt = Resting(mariadb, tmp_path)
    assert "without a key" in spoilt.find("secrets", "warning")
    spoilt.sql("INSERT INTO kanso_job (id, created, updated, kind, subject, state, due, payload) VALUES "
               "('1', UTC_TIMESTAMP(), UTC_TIMESTAMP(), 'watch', '1', 'waiting', UNIX_TIMESTAMP() - 1000, ''), "
               "('2', UTC_TIMESTAMP(), UTC_TIMESTAMP(), 'watch', '2', 'failed', UNIX_TIMESTAMP(), '')")
    spoilt.sql("UPDATE user SET is_admin = 0")
    found = doctor(spoilt.environment)
    assert found.of("jobs", "problem").startswith("1 jobs wait") and found.of("jobs", "warning").startswith("1 jobs have failed")
    assert found.of("users", "problem") == "there is no active administrator"
    spoilt.sql("UPDATE server_settings SET active = 0")
    assert "not been activated" in spoilt.find("users", "warning")
    assert "does not open 1 of the latest 1" in doctor(running.environment, ZENML_SECRETS_STORE_ENCRYPTION_KEY="another").of("secrets", "problem")


def test_durability(resting: Resting) -> None:
    name = "innodb_flush_log_at_trx_commit"
    before = resting.sql(f"SELECT @@GLOBAL.{name}")[0][0]
    try:
        resting.sql(f"SET GLOBAL {name} = 2")
        assert "power cut" in resting.find("durability", "warning")
        resting.sql(f"SET GLOBAL {name} = 1")
        assert resting.find("durability", "ok")
    finally:
        resting.sql(f"SET GLOBAL {name} = {before}")


def test_every_check_has_a_case() -> None:
    """The names in the tables of checks, in this file."""
    text = "".join(file.read_text() for file in (REPOSITORY / "src" / "ctl").glob("doctor*.c"))
    names = set(re.findall(r'\{"([a-z-]+)", check_\w+, (?:true|false)\}', text)) - {"versions"}
    here = Path(__file__).read_text()
    assert len(names) >= 20 and not [name for name in names if not re.search(rf'"{name}", "(problem|warning)"', here)]
