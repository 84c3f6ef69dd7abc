"""Two hosts on a Galera cluster of three nodes; what goes wrong there. Each worker's URL names all nodes, its own one first."""

from __future__ import annotations

import os
import random
import signal
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Iterator

from kit.galera import Galera, Node
from kit.process import wait_until
from kit.servers import Kanso
from kit.workloads import Workloads

from . import faults
from .faults import Target
from .instance import ended_well, new_host

COMPARED = ("tag", "pipeline_run", "step_run", "model_version", "secret", "trigger_execution", "kanso_name_guard")


@dataclass
class ClusterTarget(Target):
    galera: Galera = field(default=None)  # type: ignore[assignment]
    database: str = ""

    def __post_init__(self) -> None:
        self.client = ["mariadb", "--no-defaults", f"--socket={self.galera.nodes[0].socket}", "-uroot", "--batch",
                       "--skip-column-names", "--default-character-set=utf8mb4",
                       "--init-command=SET SESSION wsrep_sync_wait = 15", self.database]

    def synced(self) -> None:
        wait_until(lambda: all(node.state() == "Synced" for node in self.galera.nodes), 120, "a cluster that is whole")

    def differences(self) -> list[str]:
        """Tables that are not the same on all nodes."""
        self.synced()
        names = ", ".join(COMPARED)
        sums = [node.sql(f"SET SESSION wsrep_sync_wait = 1; CHECKSUM TABLE {names}", self.database) for node in self.galera.nodes]
        return [] if all(each == sums[0] for each in sums) else [f"the nodes differ: {sums}"]

    def conflicts(self) -> int:
        """Transactions that lost against one of another node, since the nodes were started."""
        return sum(node.counter("wsrep_local_cert_failures") + node.counter("wsrep_local_bf_aborts") for node in self.galera.nodes)


def some_node(target: Target, chance: random.Random) -> Node:
    assert isinstance(target, ClusterTarget)
    return chance.choice(target.galera.nodes)


def kill_node(target: Target, chance: random.Random) -> None:
    """Away for a moment, and back."""
    assert isinstance(target, ClusterTarget)
    node = some_node(target, chance)
    node.kill()
    time.sleep(target.breath)
    node.rejoin(target.galera.addresses)
    target.synced()


def freeze_node(target: Target, chance: random.Random) -> None:
    assert isinstance(target, ClusterTarget)
    node = some_node(target, chance)
    assert node.process
    os.kill(node.process.pid, signal.SIGSTOP)
    time.sleep(target.pause)
    os.kill(node.process.pid, signal.SIGCONT)
    target.synced()


def part_node(target: Target, chance: random.Random) -> None:
    """It runs, its clients reach it, and it sees none of the others."""
    assert isinstance(target, ClusterTarget)
    node = some_node(target, chance)
    node.sql("SET GLOBAL wsrep_provider_options = 'gmcast.isolate=1'")
    time.sleep(target.pause)
    node.sql("SET GLOBAL wsrep_provider_options = 'gmcast.isolate=0'")
    target.synced()


FAULTS: dict[str, faults.Fault] = {each.__name__: each for each in (
    kill_node, freeze_node, part_node, faults.kill_worker, faults.kill_workers, faults.kill_jobs, faults.kill_host, faults.restart,
    faults.freeze_worker)}


def url_of(galera: Galera, first: int, database: str) -> str:
    nodes = galera.nodes[first:] + galera.nodes[:first]
    hosts = ",".join(f"127.0.0.1:{node.port}" for node in nodes)
    # A node may leave a statement without an answer when it gives up its transaction for one of another node.
    return nodes[0].tcp_url(database).replace(f"127.0.0.1:{nodes[0].port}", hosts) + "?read_timeout=5"


@contextmanager
def clustered_instance(directory: Path, pause: float, faults: int = 0) -> Iterator[Target]:
    """Both hosts, started for the first time at once."""
    directory.chmod(0o755)
    workloads = Workloads(directory / "workloads")
    workloads.plan(run={"becomes": "succeeded"})
    galera = Galera(directory / "galera")
    with ExitStack() as stack:
        stack.callback(galera.stop)
        galera.create()
        database = galera.nodes[0].new_database()
        hosts: list[Kanso] = []
        for number in range(2):
            host = new_host(directory / f"host{number}", workloads, None, ZENML_STORE_URL=url_of(galera, number, database))
            host.mariadb.password = galera.nodes[0].password  # no log may hold it
            hosts.append(stack.enter_context(ended_well(host)))
        with ThreadPoolExecutor() as at_once:
            list(at_once.map(Kanso.start, hosts))
        yield ClusterTarget(hosts, None, workloads, pause, None, None, galera=galera, database=database)  # type: ignore[arg-type]
