"""A MariaDB of the tests' own: its datadir in a temporary directory, gone afterwards."""

from __future__ import annotations

import os
import secrets
import subprocess
from pathlib import Path

from .process import free_port, kill_hard, stop, wait_until

USER = "kanso_test"


class MariaDB:
    """One server, reached by its Unix socket and on a free port of 127.0.0.1."""

    def __init__(self, directory: Path, flush_each_commit: bool = False) -> None:
        self.directory = directory
        self.socket = directory / "mariadb.sock"
        self.port = free_port()
        self.password = secrets.token_hex(12)
        self.flush_each_commit = flush_each_commit
        self.process: subprocess.Popen | None = None
        self._names = 0

    def create(self) -> None:
        """Fill the datadir and start the server."""
        self.directory.mkdir(parents=True, exist_ok=True)
        subprocess.run(
            ["mariadb-install-db", "--no-defaults", *self._as_user(),
             f"--datadir={self.directory / 'data'}", "--skip-test-db",
             "--auth-root-authentication-method=normal"],
            check=True, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        self.start()
        self.sql(f"CREATE USER '{USER}'@'%' IDENTIFIED BY '{self.password}';"
                 f"CREATE USER '{USER}'@'localhost' IDENTIFIED BY '{self.password}';"
                 f"GRANT ALL ON *.* TO '{USER}'@'%'; GRANT ALL ON *.* TO '{USER}'@'localhost'")

    def start(self) -> None:
        """Start the server on its datadir (again after a kill)."""
        with open(self.directory / "mariadb.log", "ab") as log:
            self.process = subprocess.Popen(
                ["mariadbd", "--no-defaults", *self._as_user(),
                 f"--datadir={self.directory / 'data'}", f"--socket={self.socket}",
                 f"--port={self.port}", "--bind-address=127.0.0.1", "--skip-name-resolve",
                 f"--pid-file={self.directory / 'mariadb.pid'}",
                 "--character-set-server=utf8mb4", "--innodb-buffer-pool-size=256M",
                 "--max-connections=300",
                 f"--innodb-flush-log-at-trx-commit={1 if self.flush_each_commit else 2}"],
                stdout=log, stderr=log, start_new_session=True)
        wait_until(self._answers, 60, "MariaDB")

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
            input=statement, check=True, capture_output=True, text=True)
        return [line.split("\t") for line in output.stdout.splitlines()]

    def new_database(self) -> str:
        """The name of a new, empty database."""
        self._names += 1
        name = f"t{os.getpid()}_{self._names}"
        self.sql(f"CREATE DATABASE {name} CHARACTER SET utf8mb4")
        return name

    def drop(self, database: str) -> None:
        self.sql(f"DROP DATABASE IF EXISTS {database}")

    def copy(self, source: str) -> str:
        """The name of a new database that holds what `source` holds."""
        target = self.new_database()
        common = ["--no-defaults", f"--socket={self.socket}", "-uroot"]
        dump = subprocess.Popen(["mariadb-dump", *common, "--single-transaction", source],
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
