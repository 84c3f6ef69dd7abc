"""The servers that tests talk to: Kanso, and the reference to compare it with."""

from __future__ import annotations

import os
import re
import subprocess
import time
from contextlib import contextmanager
from pathlib import Path
from typing import Iterator

import requests

from .mariadb import MariaDB
from .process import (BUILD, REPOSITORY, alive, descendants, executable_of, free_port, stop,
                      wait_until)

USER, PASSWORD = "default", "pw"
JWT_KEY = "0123456789abcdef0123456789abcdef"
SECRETS_KEY = "abcdefabcdefabcdefabcdefabcdef12"

# A plan with one process for everything: statements and memory can be counted on it.
ONE_WORKER = "probes,rest:1"


# What must not stand in a log: words of sanitizers; and tokens, hashes and keys, whatever happened.
COMPLAINT = re.compile(r"ERROR: (?:Address|Leak)Sanitizer|runtime error: ")
SECRET = re.compile(r"eyJ[\w-]{8,}\.[\w-]{8,}\.|ZENKEY_\w|\$2[aby]\$\d\d\$|user_code=[0-9a-f]{16}|"
                    rf"{JWT_KEY}|{SECRETS_KEY}")


def base_environment() -> dict[str, str]:
    """This process's environment without what would configure a server."""
    return {name: value for name, value in os.environ.items()
            if not name.startswith(("ZENML_", "KANSO_", "MAKE"))}


def all_routes() -> list[tuple[str, str]]:
    """Method and path of every route of this build."""
    listed = subprocess.run([BUILD / "cgi-bin" / "server", "--routes"], check=True, capture_output=True, text=True)
    return sorted({(method, path) for _, method, path in (line.split() for line in listed.stdout.splitlines())})


class Server:
    """What every server has: a URL, and perhaps a database that tests may look into."""

    def __init__(self, url: str, mariadb: MariaDB | None = None, database: str = "") -> None:
        self.url = url.rstrip("/")
        self.mariadb = mariadb
        self.database = database

    def sql(self, statement: str) -> list[list[str]]:
        assert self.mariadb
        return self.mariadb.sql(statement, self.database)

    @contextmanager
    def full(self, table: str) -> Iterator[None]:
        """Meanwhile the database takes no new row of a table."""
        self.sql(f"CREATE TRIGGER full BEFORE INSERT ON `{table}` FOR EACH ROW SIGNAL SQLSTATE '45000'")
        try:
            yield
        finally:
            self.sql("DROP TRIGGER full")

    def healthy(self) -> bool:
        try:
            return requests.get(self.url + "/health", timeout=5).status_code == 200
        except requests.RequestException:
            return False


class Kanso(Server):
    """One Kanso with a home, a port and a database of its own, run by scripts/kanso."""

    def __init__(self, home: Path, mariadb: MariaDB, database: str = "", workers: str = "",
                 by_tcp: bool = False, port: int = 0, **environment: str) -> None:
        self.home = home
        self.build = BUILD
        self.port = port or free_port()
        address = environment.get("KANSO_ADDRESS", "127.0.0.1").strip("[]")
        address = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(address, address)
        super().__init__(f"http://[{address}]:{self.port}" if ":" in address else f"http://{address}:{self.port}",
                         mariadb, database or mariadb.new_database())
        self.environment = base_environment() | {
            "KANSO_BUILD": str(self.build),
            "KANSO_HOME": str(home),
            "KANSO_PORT": str(self.port),
            "ZENML_STORE_URL": (mariadb.tcp_url if by_tcp else mariadb.socket_url)(self.database),
            "ZENML_DEFAULT_USER_NAME": USER,
            "ZENML_DEFAULT_USER_PASSWORD": PASSWORD,
            "ZENML_SERVER_AUTO_ACTIVATE": "1",
            "ZENML_SERVER_DEPLOYMENT_TYPE": "docker",
            "ZENML_SERVER_JWT_SECRET_KEY": JWT_KEY,
            "ZENML_SECRETS_STORE_TYPE": "sql",
            "ZENML_SECRETS_STORE_ENCRYPTION_KEY": SECRETS_KEY,
            "ZENML_ANALYTICS_OPT_IN": "false",
            "KANSO_STORE_ROOTS": str(home.parent),
        } | ({"KANSO_WORKERS": workers} if workers else {}) | environment

    def run(self, *arguments: str, check: bool = True) -> subprocess.CompletedProcess:
        """scripts/kanso with this instance's environment."""
        done = subprocess.run([str(REPOSITORY / "scripts" / "kanso"), *arguments],
                              env=self.environment, cwd=REPOSITORY, capture_output=True,
                              text=True, stdin=subprocess.DEVNULL, timeout=120)
        if check and done.returncode != 0:
            raise RuntimeError(f"kanso {' '.join(arguments)} ended with {done.returncode}:\n"
                               f"{done.stdout}{done.stderr}\n{self.logs()}")
        return done

    def start(self) -> float:
        """Start it; the seconds until it answered."""
        self.home.mkdir(parents=True, exist_ok=True)
        begin = time.monotonic()
        self.run("start")
        wait_until(self.healthy, 30, f"Kanso on port {self.port}")
        return time.monotonic() - begin

    def stop(self) -> None:
        self.run("stop")

    def routes(self) -> list[tuple[str, str, str]]:
        """Group, method and path of every route that this build serves."""
        worker = next(iter(sorted((self.build / "cgi-bin").iterdir())))
        listed = subprocess.run([str(worker), "--routes"], check=True, capture_output=True,
                                text=True).stdout
        return [tuple(line.split()) for line in listed.splitlines()]  # type: ignore[misc]

    def processes(self) -> list[int]:
        """Every process of this instance: what it noted in run/*.pid, and their children."""
        found = []
        for note in (self.home / "run").glob("*.pid"):
            pid = int(note.read_text().split()[0])
            if alive(pid):
                found += [pid, *descendants(pid)]
        return found

    def workers(self) -> list[int]:
        """The worker processes of this instance (not their supervisors)."""
        return [pid for pid in self.processes() if "/cgi-bin/" in executable_of(pid)]

    def front(self) -> list[int]:
        """The nginx processes of this instance."""
        return [pid for pid in self.processes() if executable_of(pid).endswith("/nginx")]

    def background(self) -> list[int]:
        """kanso-jobs of this instance, and the jobs that it runs."""
        return [pid for pid in self.processes() if executable_of(pid).endswith("/kanso-jobs")]

    def complaints(self) -> str:
        """What sanitizers had to say in its logs, and secrets that got there."""
        found = []
        for log in (self.home / "log").glob("*"):
            text = log.read_text(errors="replace") if log.is_file() else ""
            text = text.replace(self.mariadb.password, "ZENKEY_") if self.mariadb else text
            for match in COMPLAINT.finditer(text):
                found.append(f"{log.name}: {text[match.start():match.start() + 3000]}")
            for match in SECRET.finditer(text):
                found.append(f"{log.name} holds a secret: {text[max(0, match.start() - 200):match.end() + 20]}")
        return "\n".join(found[:3])

    def logs(self) -> str:
        """The ends of its logs, for a failure report."""
        texts = []
        for log in sorted((self.home / "log").glob("*")):
            if log.is_file():
                texts.append(f"--- {log.name}\n{log.read_text(errors='replace')[-2000:]}")
        return "\n".join(texts)


class Reference(Server):
    """ZenML 0.66.0 from a virtual environment, on a database of the tests' MariaDB."""

    def __init__(self, venv: Path, home: Path, mariadb: MariaDB, database: str = "",
                 port: int = 0, **environment: str) -> None:
        self.venv, self.home, self.environment = venv, home, environment
        self.port = port or free_port()
        super().__init__(f"http://127.0.0.1:{self.port}", mariadb,
                         database or mariadb.new_database())
        self.process: subprocess.Popen | None = None

    def start(self) -> float:
        """Start it; the seconds until it answered."""
        assert self.mariadb
        self.home.mkdir(parents=True, exist_ok=True)
        environment = base_environment() | {
            "ZENML_CONFIG_PATH": str(self.home / "config"),
            "ZENML_STORE_URL": self.mariadb.tcp_url(self.database),
            "ZENML_STORE_SSL_VERIFY_SERVER_CERT": "false",
            "ZENML_ANALYTICS_OPT_IN": "false",
            "AUTO_OPEN_DASHBOARD": "false",
            "ZENML_SERVER": "1",
            "ZENML_DEFAULT_USER_NAME": USER,
            "ZENML_DEFAULT_USER_PASSWORD": PASSWORD,
            "ZENML_SERVER_AUTO_ACTIVATE": "1",
            "ZENML_SERVER_DEPLOYMENT_TYPE": "docker",
            "ZENML_SERVER_JWT_SECRET_KEY": JWT_KEY,
            "ZENML_SECRETS_STORE_TYPE": "sql",
            "ZENML_SECRETS_STORE_ENCRYPTION_KEY": SECRETS_KEY,
        } | self.environment
        environment = {name: value for name, value in environment.items() if value}  # an empty one counts as set there
        begin = time.monotonic()
        with open(self.home / "server.log", "ab") as log:
            self.process = subprocess.Popen(
                [str(self.venv / "bin" / "python"), "-m", "uvicorn",
                 "zenml.zen_server.zen_server_api:app", "--host", "127.0.0.1",
                 "--port", str(self.port), "--log-level", "warning"],
                env=environment, stdout=log, stderr=log, stdin=subprocess.DEVNULL,
                start_new_session=True)
        wait_until(self._up, 180, f"the reference on port {self.port}")
        return time.monotonic() - begin

    def stop(self) -> None:
        if self.process:
            stop(self.process)

    def _up(self) -> bool:
        assert self.process
        if self.process.poll() is not None:
            raise RuntimeError((self.home / "server.log").read_text()[-2000:])
        time.sleep(0.1)
        return self.healthy()
