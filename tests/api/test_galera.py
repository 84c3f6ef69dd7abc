"""Two hosts on two nodes of one Galera cluster, which hands out numbers and locks node by node."""

from __future__ import annotations

import os
import signal
import threading
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Iterator

import pytest
import requests

from kit.api import Api
from kit.galera import Galera
from kit.jobs import Jobs
from kit.mariadb import Unavailable
from kit.process import wait_until
from kit.servers import ONE_WORKER, Kanso

pytestmark = pytest.mark.race


@pytest.fixture(scope="module")
def cluster(workspace_directory: Path, server_url: str | None) -> Iterator[Galera]:
    if server_url or os.environ.get("KANSO_TEST_DATABASE", "mariadb") != "mariadb":
        pytest.skip("a cluster is made of the MariaDB that is installed")
    try:
        galera = Galera(workspace_directory / "galera")
    except Unavailable as reason:
        pytest.skip(str(reason))
    try:
        galera.create()
        yield galera
    finally:
        galera.stop()


@pytest.fixture(scope="module")
def hosts(cluster: Galera, workspace_directory: Path) -> Iterator[list[Kanso]]:
    """Both started for the first time at once, each on a node of its own."""
    database = cluster.nodes[0].new_database()
    # A node may leave a statement without an answer when it gives up its transaction for one of another node.
    started = [Kanso(workspace_directory / f"host-{node.directory.name}", node, database, ONE_WORKER,
                     ZENML_STORE_URL=node.tcp_url(database) + "?read_timeout=2")
               for node in cluster.nodes[:2]]
    try:
        with ThreadPoolExecutor() as at_once:
            list(at_once.map(Kanso.start, started))
        yield started
    finally:
        for host in started:
            host.stop()


def names_in_order(host: Kanso, part: str, direction: str) -> list[str]:
    return Api(host.url).names("/tags", name=f"startswith:{part}", size=100, sort_by=f"{direction}:created")


def test_two_first_starts_make_one_database(hosts: list[Kanso]) -> None:
    users = [Api(host.url).items("/users") for host in hosts]
    assert len(users[0]) == 1 and users[0] == users[1]
    assert hosts[0].sql("SELECT COUNT(*) FROM workspace") == [["1"]]


def test_order_of_creation_on_one_node(hosts: list[Kanso]) -> None:
    api = Api(hosts[0].url)
    names = [f"one-{uuid.uuid4().hex}" for _ in range(50)]
    for name in names:
        api.make("/tags", {"name": name, "color": "red"})
    for host in hosts:
        assert names_in_order(host, "one-", "asc") == names
        assert names_in_order(host, "one-", "desc") == names[::-1]


def test_all_nodes_show_one_order(hosts: list[Kanso]) -> None:
    """Made on different nodes within a second, things may stand in either order, but in the same one everywhere."""
    apis = [Api(host.url) for host in hosts]
    names = [f"two-{uuid.uuid4().hex}" for _ in range(50)]
    for number, name in enumerate(names):
        apis[number % 2].make("/tags", {"name": name, "color": "red"})
    orders = [names_in_order(host, "two-", "asc") for host in hosts]
    assert orders[0] == orders[1] and sorted(orders[0]) == sorted(names)
    assert names_in_order(hosts[0], "two-", "desc") == orders[0][::-1]


def test_a_name_has_one_winner(hosts: list[Kanso]) -> None:
    """Creates of one name on both nodes conflict when the nodes compare what they wrote."""
    apis = [Api(host.url) for host in [*hosts, *hosts]]
    with ThreadPoolExecutor(4) as at_once:
        for _ in range(30):
            body = {"name": uuid.uuid4().hex, "color": "red"}
            answers = sorted(at_once.map(lambda api: api.post("/tags", body).status_code, apis))
            # 503: the connection was lost at the commit, and nobody knows
            assert answers.count(200) <= 1 and set(answers) <= {200, 409, 503}, answers
            assert hosts[0].sql(f"SELECT COUNT(*) FROM tag WHERE name = '{body['name']}'") == [["1"]]
    assert hosts[1].sql("SELECT COUNT(*) FROM (SELECT name FROM tag GROUP BY name HAVING COUNT(*) > 1) twice") == [["0"]]


def test_jobs_of_two_nodes(cluster: Galera, tmp_path: Path) -> None:
    """Both nodes may give out the same job, and find that out when they compare: its effects are there once."""
    first, second = cluster.nodes[:2]
    jobs = Jobs(first, tmp_path)
    values = ", ".join(f"(REPLACE(UUID(), '-', ''), UTC_TIMESTAMP(), UTC_TIMESTAMP(), 'script', '{n:032x}', 'waiting', 0, "
                       "'done:once')" for n in range(300))
    jobs.sql("INSERT INTO kanso_job (id, created, updated, kind, subject, state, due, payload) VALUES " + values)
    try:
        for node in (first, second):
            jobs.start(ZENML_STORE_URL=node.socket_url(jobs.database))
        wait_until(lambda: jobs.sql("SELECT COUNT(*) FROM kanso_job WHERE state <> 'done'") == [["0"]], 240, "all jobs")
        assert jobs.sql("SELECT COUNT(*), COUNT(DISTINCT job) FROM kanso_test_note") == [["300", "300"]]
    finally:
        jobs.end()


def write_until(ended: threading.Event, hosts: list[Kanso], names: list[str]) -> None:
    """What a balancer does: a host that refuses the connection, or says 503, is passed over for the other. A name that is
    taken is one whose first answer was lost."""
    apis = [Api(host.url) for host in hosts]
    while not ended.is_set():
        name = f"rolled-{uuid.uuid4().hex}"
        for attempt in range(100):
            try:
                status = apis[attempt % 2].post("/tags", {"name": name, "color": "red"}).status_code
            except requests.ConnectionError:
                status = 503
            if status != 503:
                break
            time.sleep(0.1)
        assert status in (200, 409), status
        names.append(name)


def test_hosts_are_upgraded_one_after_the_other(hosts: list[Kanso]) -> None:
    """Workers of two hosts restart in turn, under load: all that was acknowledged is there, once."""
    ended, names = threading.Event(), []
    with ThreadPoolExecutor(2) as writers:
        done = [writers.submit(write_until, ended, hosts[::step], names) for step in (1, -1)]
        try:
            for host in hosts:
                host.run("restart")
        finally:
            ended.set()
        for each in done:
            each.result()
    for host in hosts:
        found = host.sql("SELECT name FROM tag WHERE name LIKE 'rolled-%'")
        assert len(names) > 20 and sorted(row[0] for row in found) == sorted(names)


def test_a_node_is_cut_off(cluster: Galera, hosts: list[Kanso]) -> None:
    """The others go on without it; its host says 503 in time; back, it has all that was written meanwhile."""
    away, apis = cluster.nodes[1], [Api(host.url) for host in hosts]
    names = [f"cut-{number:02}-{uuid.uuid4().hex}" for number in range(20)]

    def create(api: Api, name: str) -> bool:
        return api.post("/tags", {"name": name, "color": "red"}).status_code in (200, 409)

    assert away.process
    os.kill(away.process.pid, signal.SIGSTOP)
    try:
        wait_until(lambda: create(apis[0], names[0]), 60, "a write on the nodes that are left")
        assert all(create(apis[0], name) for name in names[1:])
        begin = time.monotonic()
        assert apis[1].get("/tags?size=1").status_code == 503 and time.monotonic() - begin < 30
    finally:
        os.kill(away.process.pid, signal.SIGCONT)
    wait_until(lambda: create(apis[1], f"cut-99-{uuid.uuid4().hex}"), 90, "a write on the node that came back")
    shown = [api.names("/tags", name="startswith:cut-", size=100) for api in apis]
    assert sorted(shown[0]) == sorted(shown[1]) and set(names) < set(shown[0])


def test_a_node_is_killed(cluster: Galera, hosts: list[Kanso], workspace_directory: Path) -> None:
    """A worker whose node dies goes to the next one of its URL, and what was acknowledged is there. (Last: the cluster
    has a node less afterwards.)"""
    first, second, third = cluster.nodes
    url = first.tcp_url(hosts[0].database).replace(f":{first.port}/", f":{first.port},127.0.0.1:{second.port}/")
    host = Kanso(workspace_directory / "host-of-both", third, hosts[0].database, ONE_WORKER, ZENML_STORE_URL=url)
    host.start()
    try:
        api = Api(host.url)
        acknowledged = []

        def create() -> bool:
            name = f"kept-{uuid.uuid4().hex}"
            if not api.post("/tags", {"name": name, "color": "red"}).ok:
                return False
            acknowledged.append(name)
            return True

        assert all(create() for _ in range(20))
        first.kill()
        wait_until(create, 30, "a write on the node that is left")
        assert all(create() for _ in range(20))
        assert sorted(api.names("/tags", name="startswith:kept-", size=100)) == sorted(acknowledged)
    finally:
        host.stop()
