"""A Kanso whose operations are prepared by stock workers, and a worker of the torture build on the same database."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Iterator

from kit.mariadb import MariaDB
from kit.servers import ONE_WORKER, Kanso
from kit.workloads import Workloads

from .state import Database
from .tour import Audited
from .trial import Trials
from .worker import PROGRAM, Worker


@dataclass
class Setting:
    kanso: Kanso
    audited: Audited
    worker: Worker
    database: Database

    def trials(self, each: int, seed: int, memory: bool = True) -> Trials:
        return Trials(self.worker, self.database, self.audited.api.token, each, seed, memory)


@contextmanager
def setting(directory: Path, mariadb: MariaDB, *wrapper: str, program: Path = PROGRAM) -> Iterator[Setting]:
    workloads = Workloads(directory / "workloads")
    kanso = Kanso(directory / "torture", mariadb, workers=ONE_WORKER, KANSO_JOBS="0", KANSO_AUDIT="on", KANSO_LOGIN_RATE="0",
                  ZENML_SERVER_SERVER_URL="http://kanso.test:8080",
                  ZENML_SERVER_WORKLOAD_MANAGER_IMPLEMENTATION_SOURCE="kanso.command",
                  KANSO_WORKLOAD_COMMAND=str(workloads.program))
    kanso.start()
    kanso.sql("UPDATE server_settings SET last_user_activity = '2037-01-01'")  # so that no request notes it, now and then
    try:
        made = Setting(kanso, Audited(kanso, workloads), Worker(kanso, directory, *wrapper, program=program), Database(kanso))
        try:
            yield made
        finally:
            made.worker.close()
            made.database.close()
    finally:
        kanso.stop()
    assert not (said := kanso.complaints()), said
