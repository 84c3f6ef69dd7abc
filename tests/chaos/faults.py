"""What goes wrong on a bad day. Each fault is over when its function returns; the server has to get up by itself."""

from __future__ import annotations

import os
import random
import re
import signal
import subprocess
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Callable, Iterator

import requests

from kit.clock import Clock
from kit.disk import SmallDisk
from kit.mysql_proxy import CUTS, MySQLProxy
from kit.mysql_proxy import Fault as CutFault
from kit.process import executable_of, kill_hard
from kit.servers import Kanso
from kit.workloads import Workloads

Fault = Callable[["Target", random.Random], None]


@dataclass
class Target:
    """Two hosts on one private database, and the means to hurt them."""

    hosts: list[Kanso]  # the first has the database
    proxy: MySQLProxy   # between the second and the database
    workloads: Workloads
    pause: float        # seconds that something stands still
    clock: Clock | None
    disk: SmallDisk | None
    lacks: dict[str, str] = field(default_factory=dict)  # faults that cannot be had here, and why
    cuts: Counter[tuple[str, str]] = field(default_factory=Counter)  # how often a connection was cut, by statement and when
    wrong: list[str] = field(default_factory=list)
    backups: int = 0

    def __post_init__(self) -> None:
        self.client = ["mariadb", "--no-defaults", f"--socket={self.hosts[0].home / 'db' / 'mariadb.sock'}", "--batch",
                       "--skip-column-names", "--default-character-set=utf8mb4", "zenml"]

    def sql(self, statement: str, *options: str) -> list[list[str]]:
        done = subprocess.run([*self.client, *options], input=statement, capture_output=True, text=True, timeout=120)
        if done.returncode:
            raise RuntimeError(done.stderr)
        return [line.split("\t") for line in done.stdout.splitlines()]

    def differences(self) -> list[str]:
        """Where copies of the data are not the same."""
        return []

    @property
    def breath(self) -> float:
        """Seconds for what need not last as long as the pause of a process."""
        return min(self.pause, 3)

    def programs(self, name: str, host: Kanso | None = None) -> list[int]:
        return [pid for each in ([host] if host else self.hosts) for pid in each.processes()
                if os.path.basename(executable_of(pid)) == name]

    def workers(self) -> list[int]:
        return [pid for host in self.hosts for pid in host.workers()]

    def statements(self) -> Iterator[str]:
        """Those that the proxy has seen, as often as it has; it forgets them."""
        seen, self.proxy.statements = self.proxy.statements, []
        return (each for each in seen if each)


# Kills ----------------------------------------------------------------------------------------------------------------


def kill_worker(target: Target, chance: random.Random) -> None:
    kill_hard([chance.choice(target.workers())])


def kill_workers(target: Target, chance: random.Random) -> None:
    kill_hard(target.workers())


def kill_nginx(target: Target, chance: random.Random) -> None:
    kill_hard(target.programs("nginx", chance.choice(target.hosts)))


def kill_database(target: Target, chance: random.Random) -> None:
    kill_hard(target.programs("mariadbd"))


def kill_jobs(target: Target, chance: random.Random) -> None:
    """Whoever does background work, in the middle of it."""
    kill_hard(target.programs("kanso-jobs"))


def kill_supervisor(target: Target, chance: random.Random) -> None:
    """One of them; `start` then brings back what is missing, and what was left behind does not disturb it."""
    host = chance.choice(target.hosts)
    kill_hard([chance.choice(target.programs("kanso-supervise", host))])
    host.run("start")


def kill_host(target: Target, chance: random.Random) -> None:
    """All processes of a host at once, as a machine that loses its power would lose them."""
    host = chance.choice(target.hosts)
    kill_hard(host.processes())
    host.run("start")


def kill_database_often(target: Target, chance: random.Random) -> None:
    """Each time it has come back; what supervises it goes on, and says so wherever one looks."""
    host, killed = target.hosts[0], 0
    state = host.home / "run" / "mariadb.state"
    ready, deadline = set(), time.monotonic() + 20
    while time.monotonic() < deadline and not (killed >= 4 and state.exists()):
        if pids := target.programs("mariadbd"):
            kill_hard(pids)
            ready.add(requests.get(host.url + "/ready", timeout=30).status_code)
            killed += 1
        time.sleep(0.05)
    said = host.run("status", check=False).stdout
    if not re.search(r"mariadb: \w+ (was ended by signal 9|ended with status 1)\b.* times in a row", said):
        target.wrong.append(f"after {killed} kills of the database, status says: {said}")
    if 503 not in ready:
        target.wrong.append(f"after {killed} kills of the database, /ready has answered {ready}")
    log = (host.home / "log" / "mariadb.log").read_text(errors="replace")
    if "times in a row; the next try is in" not in log:
        target.wrong.append(f"after {killed} kills of the database, its log does not say so")


# Ends and restarts ----------------------------------------------------------------------------------------------------


def end_programs(target: Target, chance: random.Random, name: str) -> None:
    host = chance.choice([each for each in target.hosts if target.programs(name, each)])
    for pid in target.programs(name, host)[:1]:
        os.kill(pid, signal.SIGTERM)


def end_worker(target: Target, chance: random.Random) -> None:
    os.kill(chance.choice(target.workers()), signal.SIGTERM)


def end_nginx(target: Target, chance: random.Random) -> None:
    end_programs(target, chance, "nginx")


def end_database(target: Target, chance: random.Random) -> None:
    end_programs(target, chance, "mariadbd")


def end_jobs(target: Target, chance: random.Random) -> None:
    end_programs(target, chance, "kanso-jobs")


def restart(target: Target, chance: random.Random) -> None:
    """Other settings, so that nginx reads its own anew, too."""
    host = chance.choice(target.hosts)
    host.environment["KANSO_CLIENT_REQUESTS"] = str(chance.randrange(100, 200))
    host.run("restart")


def stop_and_start(target: Target, chance: random.Random) -> None:
    host = chance.choice(target.hosts)
    host.run("stop")
    host.run("start")


# Freezes --------------------------------------------------------------------------------------------------------------


def stop_for_a_while(target: Target, pids: list[int]) -> None:
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    try:
        time.sleep(target.pause)
    finally:
        for pid in pids:
            try:
                os.kill(pid, signal.SIGCONT)
            except ProcessLookupError:
                pass


def freeze_worker(target: Target, chance: random.Random) -> None:
    stop_for_a_while(target, [chance.choice(target.workers())])


def freeze_database(target: Target, chance: random.Random) -> None:
    stop_for_a_while(target, target.programs("mariadbd"))


def freeze_nginx(target: Target, chance: random.Random) -> None:
    stop_for_a_while(target, target.programs("nginx", chance.choice(target.hosts)))


def freeze_jobs(target: Target, chance: random.Random) -> None:
    stop_for_a_while(target, target.programs("kanso-jobs", chance.choice(target.hosts)))


def freeze_supervisor(target: Target, chance: random.Random) -> None:
    stop_for_a_while(target, [chance.choice(target.programs("kanso-supervise"))])


# The database and the way to it ---------------------------------------------------------------------------------------


def cut_connections(target: Target, chance: random.Random) -> None:
    """Several times, so that it happens within statements and transactions."""
    for _ in range(5):
        disconnect(target)
        time.sleep(0.05)


def disconnect(target: Target) -> None:
    connections = target.sql("SELECT id FROM information_schema.processlist WHERE user = 'kanso'")
    if connections:
        target.sql("".join(f"KILL {number};" for [number] in connections), "--force")  # some are gone by themselves


CUTS_WAITING = 12  # places that are laid at once: each that is met costs a worker its connection


def cut_statements(target: Target, chance: random.Random) -> None:
    """The way to the database ends at one statement after the other: at those that come in these seconds and were spared so
    far, each before, within, behind and amid its answer."""
    laid: dict[tuple[str, str], CutFault] = {}
    seen: set[str] = set()
    target.statements()  # those of before
    until = time.monotonic() + target.breath
    while time.monotonic() < until:
        time.sleep(0.1)
        seen.update(target.statements())
        free = [(text, when) for text in sorted(seen) for when in CUTS if (text, when) not in laid]
        chance.shuffle(free)
        free.sort(key=lambda place: target.cuts[place])
        for place in free[:CUTS_WAITING - sum(not fault.hits for fault in laid.values())]:
            laid[place] = target.proxy.cut(f"^{re.escape(place[0])}$", when=place[1])
    target.proxy.heal()
    target.cuts.update({place: fault.hits for place, fault in laid.items()})


def cut_network(target: Target, chance: random.Random) -> None:
    """The second host's way to the database, all of it, and again and again."""
    for _ in range(10):
        target.proxy.cut_all()
        time.sleep(chance.uniform(0, target.breath / 5))


def slow_database(target: Target, chance: random.Random) -> None:
    """Each statement of the second host takes a second longer."""
    target.proxy.delay(1, times=None)
    time.sleep(target.breath)
    target.proxy.heal()


def answer_with_errors(target: Target, chance: random.Random) -> None:
    """Deadlocks and lock time-outs where real ones are rare: at any statement of a transaction, COMMIT too."""
    for number in (1205, 1213) * 10:
        target.proxy.fail(number, "^(SELECT|INSERT|UPDATE|DELETE|COMMIT)", skip=chance.randrange(100))
    time.sleep(target.breath)
    target.proxy.heal()


# Pairs of rows that requests lock one after the other: somebody takes them the other way round, and holds them for a moment.
CROSSED = ("SELECT id FROM {0} ORDER BY created DESC LIMIT 20 FOR UPDATE", "SELECT id FROM {1} ORDER BY created DESC LIMIT 20 FOR UPDATE")
CROSSINGS = (("step_run", "pipeline_run"), ("pipeline_run", "step_run"), ("tag", "kanso_name_guard"), ("kanso_audit", "tag"),
             ("model_version", "model"), ("kanso_job", "trigger_execution"))


def cause_deadlocks(target: Target, chance: random.Random) -> None:
    until = time.monotonic() + target.breath
    while time.monotonic() < until:
        tables = chance.choice(CROSSINGS)
        first, second = (text.format(*tables) for text in CROSSED)
        target.sql("".join(f"BEGIN; {first}; DO SLEEP(0.05); {second}; COMMIT;" for _ in range(10)), "--force")


def time_out_locks(target: Target, chance: random.Random) -> None:
    """All tags and runs are locked, and new connections wait for a lock one second at most: 1205."""
    before = target.sql("SELECT @@innodb_lock_wait_timeout")[0][0]
    target.sql("SET GLOBAL innodb_lock_wait_timeout = 1")
    try:
        disconnect(target)
        target.sql("SET SESSION innodb_lock_wait_timeout = 50; BEGIN; DO (SELECT COUNT(*) FROM (SELECT id FROM tag FOR UPDATE) x); "
                   f"DO (SELECT COUNT(*) FROM (SELECT id FROM pipeline_run FOR UPDATE) x); DO SLEEP({target.breath}); COMMIT", "--force")
    finally:
        target.sql(f"SET GLOBAL innodb_lock_wait_timeout = {before}")
        disconnect(target)


def lock_tables(target: Target, chance: random.Random) -> None:
    table = chance.choice(("tag", "pipeline_run", "step_run", "kanso_name_guard", "kanso_audit", "kanso_job"))
    target.sql(f"LOCK TABLES `{table}` WRITE; DO SLEEP({target.breath}); UNLOCK TABLES")


def use_up_connections(target: Target, chance: random.Random) -> None:
    """Workers come back to a database that takes no more than a few. (One connection sets the limit and takes it back: there
    might be none for another.)"""
    before = target.sql("SELECT @@max_connections")[0][0]
    with ThreadPoolExecutor(1) as beside:
        done = beside.submit(target.sql, f"SET GLOBAL max_connections = 10; DO SLEEP({target.breath}); "
                                         f"SET GLOBAL max_connections = {before}")
        time.sleep(0.2)
        kill_workers(target, chance)
        done.result()


# The machine ----------------------------------------------------------------------------------------------------------


def step_clock(target: Target, chance: random.Random) -> None:
    """Everything of both hosts, the database too, sees the clock jump by an hour, and jump back."""
    assert target.clock
    target.clock.step(chance.choice((3600, -3600)))
    time.sleep(max(target.breath, 2))
    target.clock.step(0)
    time.sleep(1)


def fill_disk(target: Target, chance: random.Random) -> None:
    """To the last byte; logs and tables are on it."""
    assert target.disk
    until = time.monotonic() + target.breath
    try:
        while time.monotonic() < until:
            target.disk.fill()
            time.sleep(0.1)
    finally:
        target.disk.free()


# What operators do meanwhile ------------------------------------------------------------------------------------------


def back_up(target: Target, chance: random.Random) -> None:
    """While the server goes on; what is in it, check() looks at. (Not through the proxy, which takes long over large tables.)"""
    host = target.hosts[0]
    file = host.home.parent / "backup.gz"
    file.unlink(missing_ok=True)
    done = subprocess.run([str(host.build / "bin" / "kansoctl"), "backup", str(file)], env=host.environment, capture_output=True,
                          text=True, timeout=600)
    if done.returncode:
        target.wrong.append(f"backup: {done.stderr}")
    target.backups += not done.returncode


FAULTS: dict[str, Fault] = {each.__name__: each for each in (
    kill_worker, kill_workers, kill_nginx, kill_database, kill_jobs, kill_supervisor, kill_host, kill_database_often,
    end_worker, end_nginx, end_database, end_jobs, restart, stop_and_start,
    freeze_worker, freeze_database, freeze_nginx, freeze_jobs, freeze_supervisor,
    cut_connections, cut_statements, cut_network, slow_database, answer_with_errors, cause_deadlocks, time_out_locks, lock_tables,
    use_up_connections, step_clock, fill_disk, back_up)}
