"""What goes wrong on a bad day. Each fault is over when its function returns; the server has to get up by itself."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import time
from typing import Callable

from kit.process import executable_of, kill_hard
from kit.servers import Kanso
from kit.workloads import Workloads

Fault = Callable[["Target", random.Random], None]


class Target:
    """An instance with a private database, and the means to hurt it."""

    def __init__(self, kanso: Kanso, workloads: Workloads, pause: float) -> None:
        self.kanso = kanso
        self.workloads = workloads
        self.pause = pause  # seconds that something stands still
        self.client = ["mariadb", "--no-defaults", f"--socket={kanso.home / 'db' / 'mariadb.sock'}", "--batch",
                       "--skip-column-names", "--default-character-set=utf8mb4", "zenml"]

    def sql(self, statement: str) -> list[list[str]]:
        done = subprocess.run(self.client, input=statement, capture_output=True, text=True, timeout=60)
        if done.returncode:
            raise RuntimeError(done.stderr)
        return [line.split("\t") for line in done.stdout.splitlines()]

    def programs(self, name: str) -> list[int]:
        return [pid for pid in self.kanso.processes() if os.path.basename(executable_of(pid)) == name]


def kill_worker(target: Target, chance: random.Random) -> None:
    kill_hard([chance.choice(target.kanso.workers())])


def kill_workers(target: Target, chance: random.Random) -> None:
    kill_hard(target.kanso.workers())


def kill_nginx(target: Target, chance: random.Random) -> None:
    kill_hard(target.programs("nginx"))


def kill_database(target: Target, chance: random.Random) -> None:
    kill_hard(target.programs("mariadbd"))


def kill_jobs(target: Target, chance: random.Random) -> None:
    """Whoever does background work, in the middle of it."""
    kill_hard(target.programs("kanso-jobs"))


def stop_for_a_while(target: Target, pids: list[int]) -> None:
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    try:
        time.sleep(target.pause)
    finally:
        for pid in pids:
            os.kill(pid, signal.SIGCONT)


def freeze_worker(target: Target, chance: random.Random) -> None:
    stop_for_a_while(target, [chance.choice(target.kanso.workers())])


def freeze_database(target: Target, chance: random.Random) -> None:
    stop_for_a_while(target, target.programs("mariadbd"))


def cut_connections(target: Target, chance: random.Random) -> None:
    """Several times, so that it happens within statements and transactions."""
    for _ in range(5):
        connections = target.sql("SELECT id FROM information_schema.processlist WHERE user = 'kanso'")
        if connections:
            try:
                target.sql("".join(f"KILL {number};" for [number] in connections))
            except RuntimeError as error:
                if "Unknown thread id" not in str(error):  # gone by itself
                    raise
        time.sleep(0.05)


def lock_tables(target: Target, chance: random.Random) -> None:
    table = chance.choice(("tag", "pipeline_run", "step_run", "kanso_name_guard"))
    target.sql(f"LOCK TABLES `{table}` WRITE; SELECT SLEEP({target.pause}); UNLOCK TABLES")


def use_up_connections(target: Target, chance: random.Random) -> None:
    before = target.sql("SELECT @@max_connections")[0][0]
    target.sql("SET GLOBAL max_connections = 10")
    try:
        kill_workers(target, chance)  # they come back to a database that takes no more than a few
        time.sleep(target.pause)
    finally:
        target.sql(f"SET GLOBAL max_connections = {before}")


def restart(target: Target, chance: random.Random) -> None:
    target.kanso.run("restart")


def kill_supervisor(target: Target, chance: random.Random) -> None:
    """One of them; `start` then brings back what is missing, and what was left behind does not disturb it."""
    kill_hard([chance.choice(target.programs("kanso-supervise"))])
    target.kanso.run("start")


FAULTS: dict[str, Fault] = {each.__name__: each for each in (
    kill_worker, kill_workers, kill_nginx, kill_database, kill_jobs, freeze_worker, freeze_database, cut_connections, lock_tables,
    use_up_connections, restart, kill_supervisor)}
