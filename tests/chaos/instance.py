"""Two hosts that are all Kanso's own: the first one runs the database too, the second one reaches it through a proxy.

What the tests can have of a machine depends on it: a clock that is theirs, and a disk. What is lacking is told."""

from __future__ import annotations

from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, Iterator

from kit.clock import Clock
from kit.disk import SmallDisk
from kit.mariadb import Unavailable
from kit.mysql_proxy import MySQLProxy
from kit.servers import Kanso
from kit.workloads import Workloads

from .faults import Target

DISK_MB = 1024
DISK_MB_OF_A_FAULT = 2  # more than is written from one fault to the next


class NoDatabase:
    """Stands where an instance of the tests has the tests' database."""

    password = ""

    def new_database(self) -> str:
        return ""

    def socket_url(self, database: str) -> str:
        return ""


def new_host(home: Path, workloads: Workloads, clock: Clock | None, **environment: Any) -> Kanso:
    host = Kanso(home, NoDatabase(), KANSO_LOGIN_RATE="0", KANSO_AUDIT="on",  # type: ignore[arg-type]
                 ZENML_SERVER_SERVER_URL="http://kanso.test:8080", KANSO_JOBS_GRACE="5",
                 ZENML_SERVER_WORKLOAD_MANAGER_IMPLEMENTATION_SOURCE="kanso.command",
                 KANSO_WORKLOAD_COMMAND=str(workloads.program), **environment)
    if clock:
        host.environment["KANSO_BUILD"] = str(clock.build)
    if "ZENML_STORE_URL" not in environment:
        del host.environment["ZENML_STORE_URL"]
    return host


@contextmanager
def ended_well(host: Kanso) -> Iterator[Kanso]:
    """Stopped at the end, when its logs must be free of complaints."""
    try:
        yield host
    finally:
        host.stop()
    assert not host.processes()
    assert not (said := host.complaints()), said


@contextmanager
def private_instance(directory: Path, pause: float, faults: int = 0) -> Iterator[Target]:
    """Both hosts, started, with a workload manager; with room for what is written on a day of so many faults."""
    directory.chmod(0o755)
    workloads = Workloads(directory / "workloads")
    workloads.plan(run={"becomes": "succeeded"})  # so that nobody has to watch it any longer
    lacks: dict[str, str] = {}
    with ExitStack() as stack:
        clock = disk = None
        try:
            clock = Clock(directory / "clock")
            stack.callback(clock.sweep)
        except Unavailable as reason:
            lacks["step_clock"] = str(reason)
        try:
            disk = stack.enter_context(SmallDisk(directory / "home", DISK_MB + faults * DISK_MB_OF_A_FAULT))
        except Unavailable as reason:
            lacks["fill_disk"] = str(reason)
        first = stack.enter_context(ended_well(new_host(directory / "home", workloads, clock)))
        first.start()
        password = (first.home / "etc" / "database-password").read_text().strip()
        proxy = stack.enter_context(MySQLProxy(database_socket=first.home / "db" / "mariadb.sock"))
        second = stack.enter_context(ended_well(new_host(
            directory / "second", workloads, clock, ZENML_STORE_URL=f"mysql://kanso:{password}@127.0.0.1:{proxy.port}/zenml")))
        for host in (first, second):
            host.mariadb.password = password  # no log may hold it
        second.start()
        yield Target([first, second], proxy, workloads, pause, clock, disk, lacks)
