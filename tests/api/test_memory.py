"""A worker's memory after many requests of all sorts is what it was before."""

from __future__ import annotations

import itertools

import pytest

from kit.api import NOBODY, Api
from kit.factory import World, step_spec
from kit.process import memory_of
from kit.servers import Kanso

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
