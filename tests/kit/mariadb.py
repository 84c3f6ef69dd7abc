"""A database server of the tests' own: its datadir in a temporary directory, gone afterwards.

KANSO_TEST_DATABASE names the engine: one of those that tests/kit/engine can make ready, or, by default, the MariaDB that is
installed here.
"""

from __future__ import annotations

import os
import re
import secrets
import subprocess
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Iterator

from .process import REPOSITORY, end_orderly, free_port, kill_hard, stop, wait_until

USER = "kanso_test"
INSTALLED = "mariadb"
ENGINES = ("mysql-9.7", "mysql-8.4", "mariadb-11")


class Unavailable(Exception):
    """The engine cannot be had on this machine; why."""


def engine_root(name: str) -> Path:
    """The directory that holds an engine's programs, made when it is not there."""
    done = subprocess.run([str(REPOSITORY / "tests" / "kit" / "engine"), name],
                          capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=600)
    if done.returncode == 3:
        raise Unavailable(done.stderr.strip())
    if done.returncode:
        raise RuntimeError(done.stderr)
    return Path(done.stdout.strip())


class Programs:
    """Where an engine's server and its files are, and how the server is called."""

    def __init__(self, engine: str) -> None:
        self.is_mysql = engine.startswith("mysql")
        if engine == INSTALLED:
            self.server, self.files = ["mariadbd"], []
            return
        root = engine_root(engine)
        usr, libraries = root / "usr", next((root / "usr" / "lib").glob("*-linux-gnu"))
        kind = "mysql" if self.is_mysql else "mariadb"
        self.share = usr / "share" / kind
        # The C library is the engine's own, and so is what loads it.
        loader = next(libraries.glob("ld-linux-*.so.*"))
        self.server = [str(loader), "--library-path", str(libraries),
                       str(usr / "sbin" / ("mysqld" if self.is_mysql else "mariadbd"))]
        self.files = [f"--basedir={usr}", f"--plugin-dir={usr / 'lib' / 'mysql' / 'plugin'}",
                      f"--lc-messages-dir={self.share}", f"--character-sets-dir={self.share / 'charsets'}"]


def own_tables() -> str:
    """The statements that make Kanso's own tables, without the keys of the order of creation, which kansoctl adds."""
    text = (REPOSITORY / "sql" / "kanso.sql").read_text().split("\nCREATE INDEX")[0]
    return re.sub(r"\n  KEY `\w+` \(`created`, `kanso_order`\),", "", text)


class MariaDB:
    """One server, reached by its Unix socket and on a free port of 127.0.0.1."""

    def __init__(self, directory: Path, flush_each_commit: bool = False, engine: str = "",
                 options: tuple[str, ...] = ()) -> None:
        self.directory = directory
        self.socket = directory / "mariadb.sock"
        self.port = free_port()
        self.password = secrets.token_hex(12)
        self.flush_each_commit = flush_each_commit
        self.engine = engine or os.environ.get("KANSO_TEST_DATABASE") or INSTALLED
        self.programs = Programs(self.engine)
        self.is_mysql = self.programs.is_mysql
        self.options = options
        self.process: subprocess.Popen | None = None
        self._names = 0

    def create(self) -> None:
        """Fill the datadir and start the server."""
        self.directory.mkdir(parents=True, exist_ok=True)
        self._install()
        self.start()
        self.sql(f"CREATE USER '{USER}'@'%' IDENTIFIED BY '{self.password}';"
                 f"CREATE USER '{USER}'@'localhost' IDENTIFIED BY '{self.password}';"
                 f"GRANT ALL ON *.* TO '{USER}'@'%'; GRANT ALL ON *.* TO '{USER}'@'localhost'")

    def _install(self) -> None:
        data = f"--datadir={self.directory / 'data'}"
        common = ["--no-defaults", *self._as_user(), data, *self.programs.files]
        text = None
        if self.is_mysql:
            command = [*self.programs.server, *common, "--initialize-insecure"]
        elif self.engine == INSTALLED:
            command = ["mariadb-install-db", *common, "--skip-test-db",
                       "--auth-root-authentication-method=normal"]
        else:  # what its mariadb-install-db would do
            (self.directory / "data").mkdir()
            command = [*self.programs.server, *common, "--bootstrap", "--skip-grant-tables"]
            text = "CREATE DATABASE mysql;\nUSE mysql;\nSET @auth_root_socket = NULL;\n" + "".join(
                (self.programs.share / f"mariadb_{name}.sql").read_text() + "\n"
                for name in ("system_tables", "performance_tables", "system_tables_data"))
        done = subprocess.run(command, input=text, text=True, stdout=subprocess.DEVNULL,
                              stderr=subprocess.PIPE, env=self._environment())
        if done.returncode:
            raise RuntimeError(f"{command[0]} ended with {done.returncode}:\n{done.stderr[-2000:]}")

    def _environment(self) -> dict[str, str]:
        """With a /tmp of its own: another server that starts removes the temporary tables that it finds there."""
        temporary = self.directory / "tmp"
        temporary.mkdir(exist_ok=True)
        return os.environ | {"TMPDIR": str(temporary)}

    def start(self) -> None:
        """Start the server on its datadir (again after a kill)."""
        own = (["--mysqlx=OFF", "--disable-log-bin", "--secure-file-priv=NULL"] if self.is_mysql
               else ["--character-set-server=utf8mb4"])
        with open(self.directory / "mariadb.log", "ab") as log:
            self.process = subprocess.Popen(
                [*self.programs.server, "--no-defaults", *self._as_user(), *self.programs.files,
                 f"--datadir={self.directory / 'data'}", f"--socket={self.socket}",
                 f"--port={self.port}", "--bind-address=127.0.0.1", "--skip-name-resolve",
                 f"--pid-file={self.directory / 'mariadb.pid'}", *own,
                 "--innodb-buffer-pool-size=256M", "--max-connections=300",
                 f"--innodb-flush-log-at-trx-commit={1 if self.flush_each_commit else 2}",
                 *self.options],
                stdout=log, stderr=log, start_new_session=True, env=self._environment())
        wait_until(self._answers, 60, self.engine)

    def stop(self) -> None:
        if self.process:
            stop(self.process, 60)

    def kill(self) -> None:
        """As a power cut would end it, as far as a process can tell."""
        assert self.process
        kill_hard([self.process.pid])
        self.process.wait()

    def sql(self, statement: str, database: str = "") -> list[list[str]]:
        """Run SQL as root; the rows as text (NULL as the text NULL)."""
        output = subprocess.run(
            ["mariadb", "--no-defaults", f"--socket={self.socket}", "-uroot", "--batch",
             "--skip-column-names", "--default-character-set=utf8mb4",
             *([database] if database else [])],
            input=statement, capture_output=True, text=True)
        if output.returncode:
            raise RuntimeError(f"{output.stderr}{statement[:500]}")
        return [line.split("\t") for line in output.stdout.splitlines()]

    @contextmanager
    def holding(self, database: str, statement: str) -> Iterator[None]:
        """While this lasts, another connection holds the locks of the statement, whose rows it has read."""
        client = subprocess.Popen(
            ["mariadb", "--no-defaults", f"--socket={self.socket}", "-uroot", "--batch", "--unbuffered",
             "--skip-column-names", database], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert client.stdin and client.stdout
        try:
            client.stdin.write(f"BEGIN; {statement}; SELECT 'held';\n")
            client.stdin.flush()
            while (line := client.stdout.readline()).strip() != "held":
                assert line, "the client has ended"
            yield
        finally:
            client.stdin.write("COMMIT;\n")
            client.stdin.close()
            client.stdout.read()
            client.wait()

    def wait_for_waiting(self, count: int) -> None:
        """Until so many transactions wait for locks. (Nothing else uses this server at the time.)"""
        wait_until(lambda: self.counter("Innodb_row_lock_current_waits") >= count, 30,
                   f"{count} transactions that wait")

    def new_database(self, defaults: str = "CHARACTER SET utf8mb4") -> str:
        """The name of a new, empty database."""
        self._names += 1
        name = f"t{os.getpid()}_{self._names}"
        self.sql(f"CREATE DATABASE {name} {defaults}")
        return name

    def drop(self, database: str) -> None:
        self.sql(f"DROP DATABASE IF EXISTS {database}")

    def copy(self, source: str, defaults: str = "CHARACTER SET utf8mb4",
             without: tuple[str, ...] = ()) -> str:
        """The name of a new database that holds what `source` holds, except some tables."""
        target = self.new_database(defaults)
        common = ["--no-defaults", f"--socket={self.socket}", "-uroot"]
        dump = subprocess.Popen(["mariadb-dump", *common, "--single-transaction",
                                 *(f"--ignore-table={source}.{table}" for table in without), source],
                                stdout=subprocess.PIPE)
        subprocess.run(["mariadb", *common, target], stdin=dump.stdout, check=True)
        assert dump.wait() == 0
        return target

    def counter(self, name: str) -> int:
        """A global status counter."""
        return int(self.sql(f"SHOW GLOBAL STATUS LIKE '{name}'")[0][1])

    def socket_url(self, database: str) -> str:
        """A store URL by Unix socket, as Kanso understands it."""
        return (f"mysql://{USER}:{self.password}@localhost/{database}"
                f"?unix_socket={self.socket}")

    def tcp_url(self, database: str) -> str:
        """A store URL by TCP, as both servers understand it."""
        return f"mysql://{USER}:{self.password}@127.0.0.1:{self.port}/{database}"

    def _answers(self) -> bool:
        assert self.process
        if self.process.poll() is not None:
            raise RuntimeError((self.directory / "mariadb.log").read_text()[-2000:])
        return subprocess.run(
            ["mariadb-admin", "--no-defaults", f"--socket={self.socket}", "-uroot", "ping"],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode == 0

    @staticmethod
    def _as_user() -> list[str]:
        return ["--user=root"] if os.getuid() == 0 else []


@contextmanager
def private_database(prefix: str, **options: Any) -> Iterator[tuple[Path, MariaDB]]:
    """For programs that are no tests: a directory that all users may enter, and a MariaDB in it, for as long as the block takes.
    Signals that end the program end both."""
    end_orderly()
    with tempfile.TemporaryDirectory(prefix=prefix) as name:
        directory = Path(name)
        directory.chmod(0o755)
        database = MariaDB(directory / "db", **options)
        database.create()
        try:
            yield directory, database
        finally:
            database.stop()
