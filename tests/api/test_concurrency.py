"""Many clients at once, and processes that die in the middle of it."""

from __future__ import annotations

import random
import threading
import time
import uuid
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Callable, Iterator

import pytest
import requests

from kit.api import Api
from kit.factory import World, step_spec
from kit.kinds import KINDS, Kind
from kit.mariadb import MariaDB
from kit.process import kill_hard, wait_until
from kit.servers import Kanso

pytestmark = pytest.mark.race

CLIENTS = 32
UNIQUE = [kind for kind in KINDS if kind.clash] + [
    kind for kind in KINDS if kind.name in ("artifact_version", "service")]


@pytest.fixture(scope="module")
def crowd(server) -> Iterator[Callable[[list[Callable[[Api], requests.Response]]],
                                       list[requests.Response]]]:
    """Let clients that are all ready do something each at the same moment."""
    clients = [Api(server.url, user=None) for _ in range(CLIENTS)]
    token = Api(server.url).token
    for client in clients:
        client.session.headers["Authorization"] = "Bearer " + token
        client.get("/version")

    def together(calls: list[Callable[[Api], requests.Response]]) -> list[requests.Response]:
        start = threading.Barrier(len(calls))

        def one(client: Api, call: Callable[[Api], requests.Response]) -> requests.Response:
            start.wait()
            return call(client)

        with ThreadPoolExecutor(len(calls)) as pool:
            return list(pool.map(one, clients, calls))

    yield together


def statuses(answers: list[requests.Response]) -> Counter[int]:
    return Counter(answer.status_code for answer in answers)


@pytest.mark.parametrize("kind", UNIQUE, ids=str)
@pytest.mark.engine
def test_one_wins(world: World, crowd, kind: Kind) -> None:
    body, where = kind.body(world), kind.where(world)

    def attempt(number: int) -> Callable[[Api], requests.Response]:
        mine = body | ({"orchestrator_run_id": f"{body['name']}{number}"}
                       if kind.name == "run" else {})
        return lambda client: client.post(where, mine)

    answers = crowd([attempt(number) for number in range(CLIENTS)])
    assert statuses(answers) == {200: 1, 409: CLIENTS - 1}, Counter(
        answer.text[:200] for answer in answers if answer.status_code not in (200, 409))
    winner = next(answer for answer in answers if answer.status_code == 200).json()["id"]
    if kind.named and kind.name != "service":
        assert world.api.ids(kind.path, name=body["name"]) == [winner]


@pytest.mark.engine
def test_one_step_of_a_name(world: World, crowd) -> None:
    body = world.step_body(world.run())
    assert statuses(crowd([lambda client: client.post("/steps", body)] * CLIENTS)) \
        == {200: 1, 409: CLIENTS - 1}


@pytest.mark.engine
def test_one_run_for_an_orchestrator_run(world: World, crowd) -> None:
    body = world.run_body(world.deployment()["id"])
    answers = crowd([lambda client, number=number: client.post(
        world.ws + "/runs/get-or-create", body | {"name": f"{body['name']}-{number}"})
        for number in range(CLIENTS)])
    assert statuses(answers) == {200: CLIENTS}, [
        answer.text[:200] for answer in answers if answer.status_code != 200]
    assert sum(answer.json()[1] for answer in answers) == 1
    assert len({answer.json()[0]["id"] for answer in answers}) == 1


@pytest.mark.engine
def test_one_adopts_the_placeholder(world: World, crowd) -> None:
    deployment = world.deployment()["id"]
    world.run(deployment=deployment, orchestrator_run_id=None, status="initializing")
    body = world.run_body(deployment)
    answers = crowd([lambda client: client.post(world.ws + "/runs/get-or-create", body)]
                    * CLIENTS)
    assert statuses(answers) == {200: CLIENTS}
    assert sum(answer.json()[1] for answer in answers) == 1
    assert world.api.read("/runs", deployment_id=deployment)["total"] == 1


@pytest.mark.engine
def test_version_numbers_without_gaps(world: World, crowd) -> None:
    model = world.model()["id"]
    answers = crowd([lambda client: client.post(
        f"{world.ws}/models/{model}/model_versions", world.owned | {"model": model})] * CLIENTS)
    assert statuses(answers) == {200: CLIENTS}
    assert sorted(answer.json()["body"]["number"] for answer in answers) \
        == list(range(1, CLIENTS + 1))


@pytest.mark.engine
def test_one_version_holds_a_stage(world: World, crowd) -> None:
    model = world.model()["id"]
    versions = [world.model_version(model)["id"] for _ in range(8)]
    answers = crowd([lambda client, version=version: client.put(
        "/model_versions/" + version, {"model": model, "stage": "production", "force": True})
        for version in versions])
    assert statuses(answers) == {200: len(versions)}
    stages = Counter(item["body"]["stage"] for item in world.api.items(
        f"/models/{model}/model_versions", size=100))
    assert stages == {"production": 1, "archived": len(versions) - 1}


@pytest.mark.engine
def test_one_tag_appears(world: World, crowd) -> None:
    name = world.name("tag")
    answers = crowd([lambda client, number=number: client.post(
        "/artifacts", {"name": f"{name}-{number}", "tags": [name]}) for number in range(CLIENTS)])
    assert statuses(answers) == {200: CLIENTS}
    assert len({answer.json()["body"]["tags"][0]["id"] for answer in answers}) == 1
    assert world.api.read("/tags/" + name)["body"]["tagged_count"] == CLIENTS


@pytest.mark.engine
def test_one_link(world: World, crowd) -> None:
    version = world.model_version(world.model()["id"])
    artifact = world.artifact_version()["id"]
    body = world.owned | {"model": version["body"]["model"]["id"],
                          "model_version": version["id"], "artifact_version": artifact}
    answers = crowd([lambda client: client.post(
        f"{world.ws}/model_versions/{version['id']}/artifacts", body)] * CLIENTS)
    assert statuses(answers) == {200: CLIENTS}
    assert len({answer.json()["id"] for answer in answers}) == 1


@pytest.mark.parametrize("failing", [False, True], ids=["completed", "failed"])
@pytest.mark.engine
def test_parallel_steps_end_in_the_right_status(world: World, crowd, failing: bool) -> None:
    names = [f"s{number}" for number in range(CLIENTS)]
    for _ in range(3):
        run = world.run({name: step_spec(name) for name in names})
        bodies = [world.step_body(run, name) for name in names]
        created = crowd([lambda client, body=body: client.post("/steps", body)
                         for body in bodies])
        assert statuses(created) == {200: CLIENTS}
        answers = crowd([lambda client, step=step, number=number: client.put(
            "/steps/" + step.json()["id"],
            {"status": "failed" if failing and number == 7 else "completed"})
            for number, step in enumerate(created)])
        assert statuses(answers) == {200: CLIENTS}
        assert world.api.read(f"/runs/{run['id']}/status") \
            == ("failed" if failing else "completed")
        assert world.api.read("/runs/" + run["id"])["metadata"]["end_time"]


@pytest.mark.engine
def test_parallel_updates_all_arrive(world: World, crowd) -> None:
    run = world.run()["id"]
    tags = [world.name("tag") for _ in range(CLIENTS)]
    answers = crowd([lambda client, tag=tag: client.put("/runs/" + run, {"add_tags": [tag]})
                     for tag in tags])
    assert statuses(answers) == {200: CLIENTS}
    assert {tag["name"] for tag in world.api.read("/runs/" + run)["resources"]["tags"]} \
        == set(tags)


@pytest.mark.engine
def test_a_model_version_is_set_once(server, world: World) -> None:
    """Two updates at once give a step its model version: the one that comes second to the run's lock leaves it alone."""
    if not server.mariadb:
        pytest.skip("looks into the database")
    model = world.model()["id"]
    first, second = (world.model_version(model)["id"] for _ in range(2))
    run = world.run()
    step = world.step(run)["id"]
    with ThreadPoolExecutor(1) as pool:
        with server.mariadb.holding(server.database, "SELECT id FROM pipeline_run WHERE id = "
                                    f"'{uuid.UUID(run['id']).hex}' FOR UPDATE; UPDATE step_run SET model_version_id = "
                                    f"'{uuid.UUID(first).hex}' WHERE id = '{uuid.UUID(step).hex}'"):
            answer = pool.submit(world.api.put, f"/steps/{step}", {"model_version_id": second})
            server.mariadb.wait_for_waiting(1)
        assert answer.result().status_code == 200
    assert world.api.read(f"/steps/{step}")["body"]["model_version_id"] == first


class Writers:
    """Clients that write all the time and remember what was acknowledged."""

    def __init__(self, url: str, count: int = 6) -> None:
        self.world = World(Api(url))
        self.default = self.world.orchestrator
        self.acknowledged: list[str] = []
        self.attempted: list[str] = []
        self.other: Counter[str] = Counter()
        self.over = threading.Event()
        self.threads = [threading.Thread(target=self.write, args=(number,))
                        for number in range(count)]
        for thread in self.threads:
            thread.start()

    def write(self, writer: int) -> None:
        client = Api(self.world.api.url, user=None)
        client.session.headers["Authorization"] = "Bearer " + self.world.api.token
        number = 0
        while not self.over.is_set():
            number += 1
            name = f"w{writer}-{number}"
            self.attempted.append(name)
            body = {"name": name, "components": {
                "orchestrator": [self.default],
                "image_builder": [{"flavor": "local", "configuration": {}}]}}
            try:
                answer = client.post(self.world.ws + "/stacks", body)
            except requests.RequestException as error:
                self.other[type(error).__name__] += 1
                continue
            if answer.status_code == 200:
                self.acknowledged.append(name)
            else:
                self.other[str(answer.status_code)] += 1
                time.sleep(0.02)

    def finish(self) -> None:
        self.over.set()
        for thread in self.threads:
            thread.join()

    def check(self) -> None:
        """All that was acknowledged is there, and nothing is there by half."""
        stacks: set[str] = set()
        builders: set[str] = set()
        for kind, found in (("/stacks", stacks), ("/components", builders)):
            pages = self.world.api.read(kind, size=1000)["total_pages"]
            for page in range(1, pages + 1):
                found.update(self.world.api.names(kind, size=1000, page=page))
        assert set(self.acknowledged) <= stacks
        assert len(self.acknowledged) > 20, self.other
        mine = set(self.attempted)
        assert stacks & mine == builders & mine


def test_killed_workers_lose_nothing(fresh: Kanso) -> None:
    writers = Writers(fresh.url)
    for _ in range(12):
        time.sleep(0.3)
        workers = fresh.workers()
        assert workers
        kill_hard(random.sample(workers, max(1, len(workers) // 2)))
    time.sleep(0.5)
    writers.finish()
    wait_until(fresh.healthy, 10, "Kanso after its workers were killed")
    writers.check()


@pytest.mark.slow
def test_killed_database_loses_nothing(workspace_directory: Path,
                                       server_url: str | None) -> None:
    if server_url:
        pytest.skip("needs a Kanso of its own")
    mariadb = MariaDB(workspace_directory / "killed", flush_each_commit=True)
    mariadb.create()
    kanso = Kanso(workspace_directory / "kk", mariadb)
    try:
        kanso.start()
        before = set(kanso.workers())
        writers = Writers(kanso.url, 4)
        for _ in range(2):
            time.sleep(1.5)
            mariadb.kill()
            answer = requests.get(kanso.url + "/api/v1/current-user", headers={
                "Authorization": "Bearer " + writers.world.api.token}, timeout=30)
            assert answer.status_code in (500, 503)
            assert answer.headers["content-type"] == "application/json"
            mariadb.start()
        time.sleep(1.5)
        writers.finish()
        assert before & set(kanso.workers()), "workers survive a lost database"
        writers.check()
    finally:
        kanso.stop()
        mariadb.stop()


@pytest.mark.engine
def test_two_first_starts_at_once(workspace_directory: Path, mariadb: MariaDB,
                                  server_url: str | None) -> None:
    """Two instances on one empty database: one makes the tables, the other waits."""
    if server_url:
        pytest.skip("needs Kansos of its own")
    database = mariadb.new_database()
    both = [Kanso(workspace_directory / f"two{number}", mariadb, database)
            for number in range(2)]
    try:
        with ThreadPoolExecutor(2) as pool:
            list(pool.map(lambda kanso: kanso.start(), both))
        ids = {Api(kanso.url).read("/workspaces/default")["id"] for kanso in both}
        assert len(ids) == 1
        assert both[0].sql("SELECT COUNT(*) FROM workspace") == [["1"]]
        assert both[0].sql("SELECT COUNT(*) FROM user") == [["1"]]
        assert both[0].sql("SELECT COUNT(*) FROM flavor") == [["55"]]
        assert both[0].sql("SELECT COUNT(*) FROM stack") == [["1"]]
        assert both[0].sql("SELECT COUNT(*) FROM server_settings") == [["1"]]
    finally:
        for kanso in both:
            kanso.stop()
