"""A worker's memory: after many requests of all sorts it is what it was before; strangers get none of it, and what one
request may take is bounded."""

from __future__ import annotations

import itertools
import json
import os
from typing import Callable

import pytest
import requests

from kit.api import NOBODY, Api
from kit.factory import World, step_spec
from kit.process import memory_of, peak_of, reset_peak, wait_until
from kit.servers import ONE_WORKER, Kanso

REQUESTS = 10_000
ALLOWED_GROWTH = 256 * 1024


@pytest.mark.slow
def test_memory_stays_flat(one_worker: Kanso) -> None:
    world = World(Api(one_worker.url))
    api = world.api
    runs = [world.run({"load": step_spec("load", parameters={"text": "x" * 20_000})})
            for _ in range(5)]
    for run in runs:
        output = world.artifact_version(tags=["m"])["id"]
        step = world.step(run, "load", outputs={"output": output})
        world.metadata("step_run", step["id"], a=1)
    one = runs[0]["id"]
    names = (world.name("m") for _ in itertools.count())
    kept = world.tag()["id"]
    requests = [
        lambda: api.get("/runs", size=100, hydrate="true"), lambda: api.get("/runs/" + one),
        lambda: api.get(f"/runs/{one}/graph"), lambda: api.get("/steps", hydrate="true"),
        lambda: api.get("/flavors", size=100, hydrate="true"), lambda: api.get("/stacks"),
        lambda: api.get("/current-user"), lambda: api.get("/version"),
        lambda: api.get("/tags", name="contains:m", sort_by="desc:name"),
        lambda: api.get("/stacks/" + NOBODY), lambda: api.get("/stacks/no-uuid"),
        lambda: api.get("/stacks", sort_by="nothing"), lambda: api.get("/nothing"),
        lambda: api.call("POST", "/tags", data="{", headers={"content-type": "application/json"}),
        lambda: api.post("/tags", {"name": 5, "color": "x", "deep": [[[[1]]]] * 50}),
        lambda: api.put("/tags/" + kept, {"color": "red"}),
        lambda: api.delete("/tags/" + api.post("/tags", {"name": next(names)}).json()["id"]),
        lambda: api.post("/tags", {"name": api.read("/tags/" + kept)["name"]}),
        lambda: api.post("/steps", world.step_body(runs[1], "load")),
        lambda: api.call("GET", "/current-user", headers={"Authorization": "Bearer a.b.c"}),
    ]

    def many(count: int) -> None:
        for call, _ in zip(itertools.cycle(requests), range(count)):
            assert call().status_code < 500

    workers = one_worker.workers()
    assert len(workers) == 1
    many(REQUESTS // 5)
    before = memory_of(workers[0], "Pss_Anon")
    many(REQUESTS)
    after = memory_of(workers[0], "Pss_Anon")
    assert one_worker.workers() == workers, "the same process all the time"
    assert after - before < ALLOWED_GROWTH, f"{before} -> {after} bytes"


MB = 1_000_000
JSON, FORM, MULTIPART = "application/json", "application/x-www-form-urlencoded", "multipart/form-data; boundary=b"
PART = b'--b\r\nContent-Disposition: form-data; name="a"\r\n\r\n\r\n'


def filled(unit: bytes, size: int) -> bytes:
    return unit * (size // len(unit))


def bomb(unit: bytes, size: int) -> bytes:
    """A JSON body whose name is a list of many small values."""
    return b'{"name":[' + filled(unit + b",", size) + b"0]}"


def members(size: int) -> bytes:
    return b'{"zz":{' + b",".join(b'"%x":0' % number for number in range(size // 10)) + b"}}"


def ask(api: Api, method: str, path: str, body: bytes, kind: str, token: str = "") -> requests.Response:
    headers = {"Content-Type": kind} | ({"Authorization": "Bearer " + token} if token else {})
    return requests.request(method, api.address(path), data=body, headers=headers, timeout=120)


@pytest.fixture
def peak(one_worker: Kanso) -> Callable[[], int]:
    """How much more memory the worker has held at most since the beginning of the test."""
    if os.environ.get("ASAN_OPTIONS"):
        pytest.skip("the memory of ASan is another matter")
    (worker,) = one_worker.workers()
    before = memory_of(worker, "Rss")
    reset_peak(worker)
    return lambda: peak_of(worker) - before


@pytest.mark.parametrize("method, path, body, kind, status", [
    ("POST", "/tags", bomb(b"{}", 8 * MB), JSON, 401),
    ("POST", "/tags", bomb(b"0", 8 * MB), JSON, 401),
    ("POST", "/tags", bomb(b"[]", 900_000), JSON, 401),
    ("POST", "/tags", bomb(b"{}", 900_000), JSON, 401),
    ("POST", "/tags", members(900_000), JSON, 401),
    ("POST", "/tags", b"[" * 90_000, JSON, 422),  # more than 99,999 bytes do not come that far
    ("POST", "/tags", b'{"name":"' + filled(b"x", 60 * MB) + b'"}', JSON, 401),
    ("GET", "/tags", bomb(b"{}", 8 * MB), JSON, 401),
    ("GET", "/nothing", bomb(b"{}", 8 * MB), JSON, 401),
    ("GET", "/nothing", bomb(b"{}", 90_000), JSON, 404),
    ("PUT", "/users/x/activate", bomb(b"{}", 8 * MB), JSON, 413),
    ("PUT", "/activate", bomb(b"0", 65_000), JSON, 403),
    ("POST", "/login", filled(b"a&", 8 * MB), FORM, 413),
    ("POST", "/login", filled(b"a&", 65_000), FORM, 413),
    ("POST", "/login", filled(b"a=b&", 65_000), FORM, 413),
    ("POST", "/login", filled(PART, 65_000), MULTIPART, 413),
    ("POST", "/device_authorization", filled(b"%78&", 65_000), FORM, 413),
    ("GET", "/tags?" + "a&" * 15_000, b"", JSON, 400),
    ("GET", "/tags?" + "id=x&" * 1001, b"", JSON, 400),
])
def test_strangers_get_no_memory(one_worker: Kanso, peak: Callable[[], int], method: str, path: str,
                                 body: bytes, kind: str, status: int) -> None:
    answer = ask(Api(one_worker.url, user=None), method, path, body, kind)
    assert answer.status_code == status, answer.text[:300]
    assert len(answer.content) < 1000
    assert peak() < 6 * MB


@pytest.mark.parametrize("body", [bomb(unit, 8 * MB) for unit in (b"{}", b"0", b"[]", b'{"a":{}}')]
                         + [members(40 * MB), b'{"name":' + b"[" * 190 + filled(b"[],", 6 * MB)
                            + b"0" + b"]" * 190 + b"}"],
                         ids=["objects", "numbers", "arrays", "nested", "members", "deep"])
def test_bodies_have_a_budget_of_values(one_worker: Kanso, peak: Callable[[], int], body: bytes) -> None:
    """Whoever has an account gets a tree of what he sends, up to a size."""
    api = Api(one_worker.url)
    answer = ask(api, "POST", "/tags", body, JSON, api.token)
    assert answer.status_code == 422 and "Too many values and keys" in answer.text
    assert peak() < 2 * len(body) + 6 * MB


def test_order_of_answers_to_bodies(one_worker: Kanso) -> None:
    """A syntax error comes before the question who asks; from 100,000 bytes on it is the other way round."""
    api = Api(one_worker.url)
    for size, status in ((10, 422), (99_000, 422), (100_000, 401), (1_100_000, 401)):
        body = b'{"name":"' + filled(b"x", size) + b'", oops}'
        assert ask(api, "POST", "/tags", body, JSON).status_code == status
        answer = ask(api, "POST", "/tags?hydrate=5", body, JSON, api.token)
        assert answer.status_code == 422 and answer.text.count("json_invalid") == 1
    long = json.dumps({"name": "n", "color": "red", "ignored": "x" * 2_000_000}).encode()
    assert ask(api, "POST", "/tags", long, JSON, api.token).status_code == 200
    assert ask(api, "GET", "/tags?hydrate=true&" + "a=b&" * 990, b"", JSON, api.token).status_code == 200


def test_memory_comes_back(one_worker: Kanso, peak: Callable[[], int]) -> None:
    """After what takes a few hundred megabytes a worker is as small as before."""
    api = Api(one_worker.url)
    (worker,) = one_worker.workers()
    before = memory_of(worker, "Rss")
    for body in (bomb(b"{}", 900_000), members(8 * MB), b'{"name":"' + filled(b"x", 50 * MB) + b'"}'):
        reset_peak(worker)
        assert ask(api, "POST", "/tags", body, JSON, api.token).status_code in (200, 422)
        assert 100 * MB < peak() < 600 * MB
        wait_until(lambda: memory_of(worker, "Rss") < before + 20 * MB, 5, "a small worker")


def test_memory_of_a_worker_has_a_limit(launch: Callable[..., Kanso]) -> None:
    """What needs more than a worker may have is refused in good order; the worker is replaced, and nothing is left of
    what it was about to write."""
    if os.environ.get("ASAN_OPTIONS"):
        pytest.skip("the memory of ASan is another matter")
    kanso = launch(workers=ONE_WORKER, KANSO_WORKER_MEMORY=str(192 * MB))
    api = Api(kanso.url)
    for body in (bomb(b"{}", 900_000), bomb(b"0", 5 * MB), b'{"name":"' + filled(b"x", 60 * MB) + b'"}'):
        before = kanso.workers()
        answer = ask(api, "POST", "/tags", body, JSON, api.token)
        assert answer.status_code == 503, answer.text[:300]
        assert answer.json()["detail"][0] == "RuntimeError"
        wait_until(lambda: kanso.workers() not in ([], before), 10, "a new worker")
        assert api.get("/tags").status_code == 200
    api.make("/tags", {"name": "still", "color": "red"})
    kanso.stop()


def test_answers_that_come_early(one_worker: Kanso) -> None:
    """The web server stops sending a body as soon as an answer begins; neither side then waits for the other."""
    api = Api(one_worker.url, user=None)
    for number in range(60):
        size = 700_000 + 5000 * number
        answer = requests.post(api.address("/tags"), data=b"[" * size, timeout=10)
        assert answer.status_code in (401, 422)
