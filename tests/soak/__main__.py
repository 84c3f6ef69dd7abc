"""make soak: mixed requests on many connections for a long time: are memory and descriptors flat, is anything slow or wrong?

Each client walks through all that a pipeline's run does (deployment, run, steps, artifacts, metadata, tags), reads lists and
single things, is refused now and then, and deletes what it has made, so that the database stays of one size. What the
processes have is read off /proc, a line of the table for each of equal parts of the time.
"""

from __future__ import annotations

import argparse
import os
import sys
import threading
import time
import traceback
from dataclasses import dataclass, field
from typing import Any, Callable, Iterator

import requests

from kit.api import NOBODY, Api
from kit.factory import World, step_spec
from kit.load import Pace
from kit.mariadb import private_database
from kit.process import memory_of
from kit.servers import Kanso


@dataclass
class Part:
    """What was measured in a part of the time."""

    seconds: list[float] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)

    def percentile(self, share: float) -> float:
        ordered = sorted(self.seconds) or [0.0]
        return ordered[min(len(ordered) - 1, int(len(ordered) * share))] * 1000


class Client:
    """One connection that asks one thing after the other."""

    def __init__(self, kanso: Kanso, soak: "Soak", pace: Pace) -> None:
        self.soak, self.world, self.pace = soak, World(Api(kanso.url)), pace
        self.api = self.world.api
        self.api.call = self.measured(self.api.call)  # type: ignore[method-assign]

    def measured(self, call: Callable[..., requests.Response]) -> Callable[..., requests.Response]:
        def ask(method: str, path: str, *arguments: Any, **options: Any) -> requests.Response:
            self.pace.keep()
            begin = time.monotonic()
            answer = call(method, path, *arguments, **options)
            self.soak.note(time.monotonic() - begin, f"{method} {path}: {answer.status_code} {answer.text[:200]}"
                           if answer.status_code >= 500 else None)
            return answer
        return ask

    def round(self) -> None:
        """Some fifty requests."""
        world, api = self.world, self.api
        tag = world.tag()
        pipeline, model = world.pipeline(tags=[tag["name"]]), world.model()
        deployment = world.deployment({"load": step_spec("load"), "train": step_spec("train", ["load"])}, pipeline=pipeline["id"])
        run = world.run(deployment=deployment["id"], pipeline=pipeline["id"], tags=[tag["name"]])
        artifact = world.artifact()
        version = world.artifact_version(artifact["id"], tags=[tag["name"]])
        model_version = world.model_version(model["id"])
        first = world.step(run, "load", outputs={"output": version["id"]})
        second = world.step(run, "train", inputs={"data": version["id"]}, parent_step_ids=[first["id"]])
        world.metadata("step_run", second["id"], a=1, b="x")
        world.artifact_link(model_version, version["id"]), world.run_link(model_version, run["id"])
        for step in (first, second):
            api.change("/steps/" + step["id"], {"status": "completed", "end_time": "2024-01-01T00:00:00"})
            api.read("/steps/" + step["id"])
        for path in ("/runs", "/steps", "/artifact_versions", "/stacks", "/flavors", "/pipelines"):
            api.read(path, size=20, hydrate="true", sort_by="desc:created")
        for path in (f"/runs/{run['id']}", f"/runs/{run['id']}/graph", f"/runs/{run['id']}/steps", "/current-user", "/version",
                     "/workspaces/default/statistics", f"/model_versions/{model_version['id']}", "/secrets", "/devices"):
            api.read(path)
        api.read("/tags", name="contains:" + tag["name"][:5])
        api.put("/tags/" + tag["id"], {"color": "red"}), api.post("/tags", {"name": tag["name"]})
        api.post("/tags", {"name": 5}), api.get("/stacks/" + NOBODY), api.get("/stacks", sort_by="nothing"), api.get("/nothing")
        for path, thing in (("/model_versions/", model_version), ("/models/", model), ("/runs/", run),
                            ("/pipeline_deployments/", deployment), ("/pipelines/", pipeline),
                            ("/artifact_versions/", version), ("/artifacts/", artifact), ("/tags/", tag)):
            api.remove(path + thing["id"])

    def go(self) -> None:
        while not self.soak.over.is_set():
            try:
                self.round()
            except Exception:  # noqa: BLE001 - whatever goes wrong is what the soak looks for
                self.soak.note(None, traceback.format_exc()[-600:])


class Soak:
    """What all clients have measured, in parts."""

    def __init__(self) -> None:
        self.parts, self.over, self.lock = [Part()], threading.Event(), threading.Lock()

    def note(self, seconds: float | None, wrong: str | None) -> None:
        with self.lock:
            part = self.parts[-1]
            part.seconds += [seconds] if seconds is not None else []
            part.wrong += [wrong] if wrong else []

    def next_part(self) -> Part:
        with self.lock:
            self.parts.append(Part())
            return self.parts[-2]


def descriptors(pids: list[int]) -> int:
    return sum(len(os.listdir(f"/proc/{pid}/fd")) for pid in pids)


def line(*cells: object) -> str:
    return "| " + " | ".join(str(cell) for cell in cells) + " |"


def measure(kanso: Kanso, soak: Soak, seconds: float, parts: int) -> Iterator[tuple[int, int, list[int]]]:
    """The table; of each part, what the processes have at its end: bytes of their own, descriptors, and who they are."""
    print(line("minutes", "requests", "a second", "median", "p99", "slowest", "5xx and worse", "memory", "descriptors"))
    print(line(*["---"] * 9), flush=True)
    for number in range(1, parts + 1):
        time.sleep(seconds / parts)
        part, own = soak.next_part(), sorted(kanso.processes())
        memory, open_files = sum(memory_of(pid, "Pss_Anon") for pid in own), descriptors(own)
        print(line(f"{seconds / parts * number / 60:.1f}", len(part.seconds), f"{len(part.seconds) * parts / seconds:.0f}",
                   *(f"{part.percentile(share):.0f} ms" for share in (0.5, 0.99, 1)), len(part.wrong),
                   f"{memory / 1e6:.1f} MB", open_files), flush=True)
        for wrong in part.wrong[:5]:
            print("  " + wrong, flush=True)
        yield memory, open_files, own


def main() -> int:
    options = argparse.ArgumentParser(prog="python -m soak", description=__doc__)
    options.add_argument("--minutes", type=float, default=60, help="how long (60)")
    options.add_argument("--clients", type=int, default=32, help="connections (32)")
    options.add_argument("--rate", type=float, help="requests a second of all together, at most (as many as they can)")
    options.add_argument("--parts", type=int, default=12, help="lines of the table (12)")
    given = options.parse_args()
    with private_database("soak-") as (directory, database):
        kanso = Kanso(directory / "k", database, KANSO_LOGIN_RATE="0", KANSO_AUDIT="on")
        kanso.start()
        soak, threads = Soak(), list[threading.Thread]()
        try:
            clients = [Client(kanso, soak, Pace(given.clients, given.rate)) for _ in range(given.clients)]
            for client in clients:
                threads.append(threading.Thread(target=client.go))
                threads[-1].start()
            found = list(measure(kanso, soak, given.minutes * 60, given.parts))
        finally:
            soak.over.set()
            for thread in threads:
                thread.join()
            kanso.stop()
    counted = [part for part in soak.parts if part.seconds]
    requests_made, wrong = sum(len(part.seconds) for part in counted), sum(len(part.wrong) for part in soak.parts)
    half = found[len(found) // 2]
    grown, more = found[-1][0] - half[0], found[-1][1] - half[1]
    print(f"{requests_made} requests, {wrong} wrong; in the second half memory has grown by {grown / 1e6:.1f} MB and "
          f"{more} descriptors; processes {'are the same' if half[2] == found[-1][2] else 'have changed'}")
    return 1 if wrong or grown > 2_000_000 or more > given.clients or half[2] != found[-1][2] else 0


sys.exit(main())
