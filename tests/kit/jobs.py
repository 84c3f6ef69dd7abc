"""kanso-jobs on a database of its own, with the one kind of jobs that tests/jobs makes: scripts."""

from __future__ import annotations

import subprocess
import uuid
from pathlib import Path

from .mariadb import MariaDB
from .process import BUILD, alive, descendants, stop, wait_until
from .servers import COMPLAINT, SECRET, base_environment


class Jobs:
    """A database with the tables that are needed, and kanso-jobs processes on it."""

    def __init__(self, mariadb: MariaDB, directory: Path) -> None:
        self.mariadb = mariadb
        self.build = BUILD
        self.database = mariadb.new_database()
        self.directory = directory
        self.running: list[subprocess.Popen] = []
        self.environment = base_environment() | {
            "ZENML_STORE_URL": mariadb.socket_url(self.database), "ZENML_DEFAULT_USER_PASSWORD": "pw",
            "ZENML_SERVER_AUTO_ACTIVATE": "1", "KANSO_JOBS_GRACE": "1"}
        self.ctl("migrate")
        self.sql("CREATE TABLE kanso_test_note (n bigint AUTO_INCREMENT PRIMARY KEY, at datetime(3) DEFAULT NOW(3), "
                 "job char(32), attempt int, pid int, word text) ENGINE=InnoDB")

    def sql(self, statement: str) -> list[list[str]]:
        return self.mariadb.sql(statement, self.database)

    def ctl(self, *arguments: str, check: bool = True, **environment: str) -> subprocess.CompletedProcess:
        return subprocess.run([str(self.build / "bin" / "kansoctl"), *arguments], check=check, capture_output=True,
                              text=True, env=self.environment | environment, timeout=60)

    def add(self, script: str, kind: str = "script", subject: str = "", key: str = "", later: int = 0) -> str:
        """A job that waits to be taken up; its id."""
        made = uuid.uuid4().hex
        self.sql("INSERT INTO kanso_job (id, created, updated, kind, subject, unique_key, state, due, payload) VALUES "
                 f"('{made}', UTC_TIMESTAMP(), UTC_TIMESTAMP(), '{kind}', '{subject or made}', "
                 f"{repr(key) if key else 'NULL'}, 'waiting', UNIX_TIMESTAMP() + {later}, '{script}')")
        return made

    def start(self, **environment: str) -> subprocess.Popen:
        log = (self.directory / "jobs.log").open("a")
        process = subprocess.Popen([str(self.build / "unit" / "kanso-jobs")], stdin=subprocess.DEVNULL,
                                   stdout=log, stderr=log, env=self.environment | environment)
        self.running.append(process)
        return process

    def log(self) -> str:
        return (self.directory / "jobs.log").read_text()

    def job(self, job: str, column: str = "state") -> str:
        rows = self.sql(f"SELECT {column} FROM kanso_job WHERE id = '{job}'")
        return rows[0][0] if rows else "gone"

    def ends(self, job: str, state: str = "done", seconds: float = 60) -> None:
        wait_until(lambda: self.job(job) in ("done", "failed", "gone"), seconds, f"the end of job {job}")
        assert self.job(job) == state, (self.job(job, "outcome"), self.log())

    def notes(self, job: str = "") -> list[str]:
        """What was left by a job, or by all of them, in order."""
        return [row[0] for row in self.sql("SELECT word FROM kanso_test_note"
                                           + (f" WHERE job = '{job}'" if job else "") + " ORDER BY n")]

    def noted(self, job: str, word: str, seconds: float = 30) -> None:
        wait_until(lambda: word in self.notes(job), seconds, f"the note {word}")

    def due_now(self, job: str) -> None:
        """Shortens the pause before the next attempt."""
        self.sql(f"UPDATE kanso_job SET due = UNIX_TIMESTAMP() WHERE id = '{job}' AND state = 'waiting'")

    def end(self) -> None:
        """Stops all processes; their children must end with them."""
        children = [pid for process in self.running for pid in descendants(process.pid)]
        for process in self.running:
            stop(process)
        wait_until(lambda: not any(alive(pid) for pid in children), 10, "the end of all children")
        said = self.log() if self.running else ""
        assert not COMPLAINT.search(said) and not SECRET.search(said) and self.mariadb.password not in said, said
