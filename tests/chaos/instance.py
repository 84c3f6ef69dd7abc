"""An instance that is all Kanso's own: its database too is kept running by kanso-supervise."""

from __future__ import annotations

from contextlib import contextmanager
from pathlib import Path
from typing import Iterator

from kit.servers import Kanso
from kit.workloads import Workloads

from .faults import Target


class NoDatabase:
    """Stands where an instance of the tests has the tests' database."""

    password = ""

    def new_database(self) -> str:
        return ""

    def socket_url(self, database: str) -> str:
        return ""


@contextmanager
def private_instance(directory: Path, pause: float) -> Iterator[Target]:
    """Started, with a workload manager; stopped at the end, when its logs must be free of complaints."""
    directory.chmod(0o755)
    workloads = Workloads(directory / "workloads")
    kanso = Kanso(directory / "home", NoDatabase(), KANSO_LOGIN_RATE="0",  # type: ignore[arg-type]
                  ZENML_SERVER_SERVER_URL="http://kanso.test:8080",
                  ZENML_SERVER_WORKLOAD_MANAGER_IMPLEMENTATION_SOURCE="kanso.command",
                  KANSO_WORKLOAD_COMMAND=str(workloads.program))
    del kanso.environment["ZENML_STORE_URL"]
    kanso.start()
    kanso.mariadb.password = (kanso.home / "etc" / "database-password").read_text().strip()  # no log may hold it
    try:
        yield Target(kanso, workloads, pause)
    finally:
        kanso.stop()
    assert not kanso.processes()
    assert not (said := kanso.complaints()), said
