"""kansoctl secret reencrypt: another key for all secrets. Whatever becomes of it in the middle, the old key or the new one opens
them all, and the next run ends what was begun."""

from __future__ import annotations

import base64
import ctypes
import json
import random
import subprocess
import time
import uuid
from pathlib import Path

import pytest

from kit.ctl import KANSOCTL, kansoctl, results
from kit.mariadb import MariaDB
from kit.process import BUILD, REPOSITORY
from kit.servers import base_environment

NAME = "ZENML_SECRETS_STORE_ENCRYPTION_KEY"
COUNT = 450  # more than four batches

# Ends the process where it would call a function.
SHIM = r"""
#define _GNU_SOURCE
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
static void here(const char *name)
{
    const char *wanted = getenv("SHIM_KILL");
    if (wanted && strcmp(wanted, name) == 0)
        kill(getpid(), SIGKILL);
}
int rename(const char *from, const char *to) { (void)from, (void)to; here("rename"); abort(); }
int fsync(int fd) { (void)fd; here("fsync"); return 0; }
"""


class Arena(ctypes.Structure):
    _fields_ = [("block", ctypes.c_void_p), ("cleanups", ctypes.c_void_p)]


class Instance:
    """A database with secrets, and the kanso.conf that has their key."""

    def __init__(self, mariadb: MariaDB, directory: Path, count: int) -> None:
        self.mariadb, self.database = mariadb, mariadb.new_database()
        self.conf = directory / "kanso.conf"
        self.conf.write_text(f"# mine\nZENML_STORE_URL={mariadb.socket_url(self.database)}\nKANSO_MAX_BODY=1048576\n")
        self.conf.chmod(0o600)
        self.next = self.conf.with_name("kanso.conf.next")
        self.environment = {"KANSO_CONF": str(self.conf), "KANSO_HOME": str(directory / "home")}
        assert kansoctl("migrate", ZENML_STORE_URL=mariadb.socket_url(self.database), ZENML_SERVER_AUTO_ACTIVATE="1",
                        ZENML_DEFAULT_USER_PASSWORD="pw").returncode == 0
        self.lib = ctypes.CDLL(str(BUILD / "lib" / "libkanso.so"))
        self.lib.secret_values.restype = ctypes.c_void_p
        self.add(count)

    def sql(self, statement: str) -> list[list[str]]:
        return self.mariadb.sql(statement, self.database)

    def add(self, count: int, key: str = "") -> None:
        """Secrets without a key, as a server without one stores them."""
        rows = []
        for i in range(count):
            values = base64.b64encode(json.dumps({"n": str(i), "text": "x" * 200}).encode()).decode()
            rows.append(f"('{uuid.uuid4().hex}', NOW(), '2001-01-01', '{uuid.uuid4().hex}', 'workspace', '{values}')")
        self.sql("INSERT INTO secret (id, created, updated, name, scope, `values`, workspace_id, user_id) SELECT v.*, w.id, u.id FROM ("
                 + " UNION ALL ".join(f"SELECT {row[1:-1]}" if i else "SELECT " + ", ".join(
                     f"{part} AS c{k}" for k, part in enumerate(row[1:-1].split(", "))) for i, row in enumerate(rows))
                 + ") v, (SELECT id FROM workspace LIMIT 1) w, (SELECT id FROM user LIMIT 1) u")

    def keys(self) -> dict[str, str]:
        """The keys that are there, by the file that has them."""
        return {str(file): line.split("=", 1)[1] for file in (self.conf, self.next) if file.exists()
                for line in file.read_text().splitlines() if line.startswith(NAME + "=")}

    def opened(self, key: str | None) -> int:
        """How many secrets a key opens."""
        arena, opened = Arena(), 0
        for [stored] in self.sql("SELECT `values` FROM secret"):
            raw = stored.encode()
            opened += bool(self.lib.secret_values(ctypes.byref(arena), key.encode() if key else None, raw, ctypes.c_size_t(len(raw))))
        self.lib.arena_free(ctypes.byref(arena))
        return opened


@pytest.fixture(scope="module")
def instance(mariadb: MariaDB, workspace_directory: Path) -> Instance:
    directory = workspace_directory / "reencrypt"
    directory.mkdir()
    made = Instance(mariadb, directory, COUNT)
    assert made.opened(None) == COUNT
    results("secret", "reencrypt", **made.environment)  # from none to a first key
    return made


@pytest.fixture(scope="module")
def shim(tmp_path_factory: pytest.TempPathFactory) -> str:
    source = tmp_path_factory.mktemp("shim") / "shim.c"
    source.write_text(SHIM)
    subprocess.run(["gcc", "-shared", "-fPIC", "-o", str(source.with_suffix(".so")), str(source)], check=True)
    return str(source.with_suffix(".so"))


@pytest.mark.engine
def test_another_key(instance: Instance) -> None:
    [before] = instance.keys().values()
    assert len(before) == 64 and instance.opened(before) == COUNT and instance.opened(None) == 0
    done = results("secret", "reencrypt", KANSO_AUDIT="on", **instance.environment)
    assert instance.sql("SELECT operation, effect FROM kanso_audit") == [["kansoctl secret reencrypt", "updated"]]
    assert (done["secrets"], done["key"], done["resumed"]) == (COUNT, str(instance.conf), False)
    [after] = instance.keys().values()
    assert after != before and (instance.opened(before), instance.opened(after)) == (0, COUNT)
    assert instance.conf.read_text().startswith("# mine\n") and instance.conf.stat().st_mode & 0o777 == 0o600
    assert instance.sql("SELECT DISTINCT updated FROM secret") == [["2001-01-01 00:00:00"]], "nobody has changed them"
    assert after not in json.dumps(done)


def consistent(instance: Instance, before: str) -> None:
    """One of the keys that are there opens everything: the old one, or the new one."""
    keys = instance.keys()
    counts = {key: instance.opened(key) for key in keys.values()}
    assert sorted(counts.values()) in ([COUNT], [0, COUNT]), counts
    assert keys[str(instance.conf)] == before or (counts[keys[str(instance.conf)]] == COUNT and not instance.next.exists())


def completed(instance: Instance) -> None:
    results("secret", "reencrypt", **instance.environment)
    [key] = instance.keys().values()
    assert instance.opened(key) == COUNT


@pytest.mark.engine
def test_killed_at_any_time(instance: Instance) -> None:
    """At a random moment of as long as it takes."""
    began = time.monotonic()
    completed(instance)
    takes = time.monotonic() - began
    chance, killed, deadline = random.Random(), 0, time.monotonic() + 60
    while killed < 4:
        assert time.monotonic() < deadline, f"{killed} of 4 were killed before their end"
        before = instance.keys()[str(instance.conf)]
        running = subprocess.Popen([KANSOCTL, "secret", "reencrypt"], env=base_environment() | instance.environment,
                                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, stdin=subprocess.DEVNULL)
        time.sleep(chance.uniform(0, takes * 0.9))
        running.kill()
        killed += running.wait() == -9
        consistent(instance, before)
        completed(instance)


@pytest.mark.parametrize("function, new_key", [("fsync", False), ("rename", True)])
def test_killed_around_the_commit(instance: Instance, shim: str, function: str, new_key: bool) -> None:
    """Before the new key is on the disk; and when the database has it, and kanso.conf has not."""
    before = instance.keys()[str(instance.conf)]
    killed = kansoctl("secret", "reencrypt", LD_PRELOAD=shim, SHIM_KILL=function, **instance.environment)
    assert killed.returncode == -9 and instance.keys()[str(instance.conf)] == before
    assert instance.opened(before) == (0 if new_key else COUNT)
    consistent(instance, before)
    if new_key:
        waiting = instance.keys()[str(instance.next)]
        refused = subprocess.run([REPOSITORY / "scripts" / "kanso", "start"], capture_output=True, text=True, timeout=120,
                                 env=base_environment() | {"KANSO_BUILD": str(BUILD)} | instance.environment, stdin=subprocess.DEVNULL)
        assert refused.returncode == 1 and "a change of the key of secrets was cut short" in refused.stderr
        done = results("secret", "reencrypt", **instance.environment)
        assert done["resumed"] is True and list(instance.keys().values()) == [waiting] and instance.opened(waiting) == COUNT
    else:
        completed(instance)


def test_nothing_changes_when_one_is_not_opened(mariadb: MariaDB, tmp_path: Path) -> None:
    small = Instance(mariadb, tmp_path, 120)
    results("secret", "reencrypt", **small.environment)
    [key] = small.keys().values()
    small.sql("UPDATE secret SET `values` = 'AAAA' ORDER BY id DESC LIMIT 1")
    done = kansoctl("secret", "reencrypt", **small.environment)
    assert done.returncode == 1 and "is not opened by the key that is configured: nothing was changed" in done.stderr
    assert list(small.keys().values()) == [key] and small.opened(key) == 119 and not small.next.exists()


def test_key_of_the_environment(mariadb: MariaDB, tmp_path: Path) -> None:
    """It is not ours to change: the new one is left in a file, or taken from there."""
    small = Instance(mariadb, tmp_path, 3)
    results("secret", "reencrypt", "--to", str(tmp_path / "first"), **small.environment)
    first = (tmp_path / "first").read_text()
    assert small.opened(first) == 3 and NAME not in small.conf.read_text() and (tmp_path / "first").stat().st_mode & 0o777 == 0o600
    refused = kansoctl("secret", "reencrypt", **small.environment, **{NAME: first})
    assert refused.returncode == 1 and "--to" in refused.stderr
    (tmp_path / "mine").write_text("my own key\n")
    results("secret", "reencrypt", "--to", str(tmp_path / "mine"), **small.environment, **{NAME: first})
    assert small.opened("my own key") == 3 and (tmp_path / "mine").read_text() == "my own key\n"


def test_not_while_somebody_is_connected(instance: Instance) -> None:
    with instance.mariadb.holding(instance.database, "SELECT 1"):
        done = kansoctl("secret", "reencrypt", **instance.environment)
        assert done.returncode == 1 and "is in use by 1 other connections" in done.stderr
        assert kansoctl("secret", "reencrypt", "--force", **instance.environment).returncode == 0


def test_memory_does_not_grow_with_the_secrets(instance: Instance, mariadb: MariaDB, tmp_path: Path) -> None:
    small = Instance(mariadb, tmp_path, 1)
    peaks = []
    for each in (small, instance):
        done = subprocess.run(["/usr/bin/env", "python3", "-c", "import resource, subprocess, sys\n"
                               "subprocess.run(sys.argv[1:], check=True, stdout=subprocess.DEVNULL)\n"
                               "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)", KANSOCTL, "secret", "reencrypt"],
                              env=base_environment() | each.environment, capture_output=True, text=True, check=True)
        peaks.append(int(done.stdout))
    assert peaks[1] < peaks[0] + 4096, peaks
