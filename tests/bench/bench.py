#!/usr/bin/env python3
"""Measures Kanso beside the reference, ZenML 0.66.0, on the same data and the same MariaDB.

    bench.py [--quick] [--only kanso] [--runs 200]

Both servers get the same 200 runs of 5 steps with what belongs to them. Prints a table of
latencies, throughput, a stock client's pipeline, memory and start-up with their ratios, then how a
page of runs takes to 100 times the data, and writes all of it to build/bench.json.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import socket
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, Callable
from urllib.parse import urlsplit

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from data import Copier, columns_of  # noqa: E402
from kit.api import Api  # noqa: E402
from kit.factory import World, step_spec  # noqa: E402
from kit.kinds import BY_NAME  # noqa: E402
from kit.mariadb import MariaDB, private_database  # noqa: E402
from kit.process import REPOSITORY, descendants, memory_of  # noqa: E402
from kit.servers import Kanso, Reference, Server  # noqa: E402
from kit.stock import StockClient  # noqa: E402

STEPS = 5
STACKS = 30
# What is asked for: label -> the least ratio.
LATENCIES = {
    "version": 10, "current user": 10, "stacks, hydrated": 30, "one stack": 15,
    "runs size=20, hydrated": 150, "runs size=100, hydrated": 150, "one run, hydrated": 40,
    "graph of a run": 100, "steps of a run": 40, "update of a step's status": 40,
    "run metadata": 12}


def fill(world: World, runs: int) -> None:
    """The data of both servers, made through the API."""
    for _ in range(STACKS - 1):
        component = world.component()
        world.stack(components={"orchestrator": [component["id"]],
                                "artifact_store": [world.artifact_store]},
                    labels={"team": "blue"})
    tags = [world.tag()["name"] for _ in range(4)]
    models = [world.model(tags=tags[:2])["id"] for _ in range(5)]
    artifacts = [world.artifact(tags=tags[2:])["id"] for _ in range(STEPS)]
    pipelines = [world.pipeline(tags=tags[:1])["id"] for _ in range(5)]
    names = [f"step_{number}" for number in range(STEPS)]
    specs = {name: step_spec(name, names[max(0, at - 1):at],
                             parameters={"rate": 0.1, "size": at}, extra={"note": "x" * 100},
                             settings={"resources": {"cpu_count": 1, "memory": "2GB"}})
             for at, name in enumerate(names)}
    for number in range(runs):
        pipeline, model = pipelines[number % 5], models[number % 5]
        version = world.model_version(model, tags=tags[:1])
        deployment = world.deployment(specs, pipeline=pipeline)["id"]
        run = world.run(deployment=deployment, pipeline=pipeline, tags=tags[:2],
                        model_version_id=version["id"])
        world.run_link(version, run["id"])
        previous: dict[str, Any] = {}
        for at, name in enumerate(names):
            inputs = {"data": previous["output"]} if previous else {}
            step = world.step(run, name, inputs=inputs, model_version_id=version["id"],
                              parent_step_ids=[previous["id"]] if previous else [],
                              source_code="def step():\n    pass\n" * 10)
            output = world.artifact_version(artifacts[at], version=number + 1, tags=tags[2:],
                                            artifact_store_id=world.artifact_store)["id"]
            world.metadata("artifact_version", output, storage_size=5, rows=number)
            world.artifact_link(version, output)
            world.api.change("/steps/" + step["id"], {
                "status": "completed", "outputs": {"output": output},
                "end_time": "2024-05-06T08:00:00"})
            previous = {"id": step["id"], "output": output}
        world.metadata("pipeline_run", run["id"], score=0.5, note="fine")
        world.metadata("model_version", version["id"], accuracy=0.9)


FEW = 20
# One list of each group of endpoints that has one: LEAST_LIST times as many answers a second as the reference, for as
# many clients as LIST_CLIENTS. A single client of the shortest lists mostly waits for processes to wake up, which is
# what its latency then measures. The catalogue of connector types is a second list of its group: no database has it.
LEAST_LIST = 20
LIST_CLIENTS = 8
CATALOGUE = "service_connector_types"
LISTS = ["users", "workspaces", "service_accounts", "service_accounts/{account}/api_keys", "devices", "stacks",
         "components", "flavors", "service_connectors", CATALOGUE, "pipelines", "pipeline_builds",
         "pipeline_deployments", "schedules", "runs", "steps", "run_templates", "run-metadata", "artifacts",
         "artifact_versions", "models", "model_versions", "model_version_artifacts", "model_version_pipeline_runs",
         "code_repositories", "secrets", "services", "tags"]


def furnish(world: World) -> None:
    """A few of what runs do not bring along."""
    account = world.service_account()["id"]
    for number in range(FEW):
        world.api.make("/users", {"name": world.name("user"), "is_admin": False})
        world.service_account()
        world.api_key(account)
        for make in (world.device, world.flavor, world.schedule, world.template, world.code_repository,
                     world.secret, world.service, world.tag):
            make()
        BY_NAME["service_connector"].make(world)


def lists_of(world: World) -> dict[str, str]:
    account = next(account["id"] for account in world.api.items("/service_accounts", size=100)
                   if world.api.read(f"/service_accounts/{account['id']}/api_keys")["total"])
    return {f"list: {path}": "/" + path.format(account=account) + ("" if path == CATALOGUE else
                                                                  f"?hydrate=true&size={FEW}") for path in LISTS}


def copy_rows(mariadb: MariaDB, source: str, target: str) -> None:
    """Put the rows of Kanso's database into one whose tables the reference made."""
    theirs = {row[0] for row in mariadb.sql("SHOW TABLES", target)}
    tables = sorted({row[0] for row in mariadb.sql("SHOW TABLES", source)} & theirs
                    - {"alembic_version"})
    statements = ["SET FOREIGN_KEY_CHECKS = 0"]
    for table in tables:
        columns = ", ".join(f"`{column}`" for column in columns_of(mariadb, target, table))
        statements += [f"DELETE FROM `{table}`",
                       f"INSERT INTO `{table}` ({columns}) SELECT {columns} FROM `{source}`.`{table}`"]
    mariadb.sql("; ".join(statements), target)


class Line:
    """One kept connection with as little between as Python allows."""

    def __init__(self, server: Server) -> None:
        parts = urlsplit(server.url)
        self.token = Api(server.url).token
        self.connection = socket.create_connection((parts.hostname, parts.port))
        self.size = 0

    def ask(self, method: str, path: str, body: Any = None) -> Any:
        text = json.dumps(body) if body is not None else ""
        self.connection.sendall(
            f"{method} /api/v1{path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
            f"Authorization: Bearer {self.token}\r\nContent-Length: {len(text)}\r\n\r\n{text}".encode())
        answer = b""
        while b"\r\n\r\n" not in answer:
            answer += self.read()
        head, body = answer.split(b"\r\n\r\n", 1)
        length = re.search(rb"content-length: *(\d+)", head, re.I)
        assert length and head.startswith(b"HTTP/1.1 200"), f"{method} {path}: {answer[:300]!r}"
        self.size, parts, got = int(length.group(1)), [body], len(body)
        while got < self.size:
            parts.append(self.read())
            got += len(parts[-1])
        return b"".join(parts)

    def read(self) -> bytes:
        data = self.connection.recv(1 << 20)
        assert data, "the server closed the connection"
        return data


def requests_of(world: World) -> dict[str, Callable[[Line], Any]]:
    """The measured requests: the same rows on both servers, since their ids are equal."""
    run = world.api.ids("/runs", size=1, sort_by="desc:created")[0]
    step = world.api.ids(f"/runs/{run}/steps", size=1)[0]
    metadata = world.metadata_body("pipeline_run", run, {"loss": 0.25}, {"loss": "float"})
    return {
        "version": lambda line: line.ask("GET", "/version"),
        "current user": lambda line: line.ask("GET", "/current-user"),
        "stacks, hydrated": lambda line: line.ask("GET", f"/stacks?hydrate=true&size={STACKS}"),
        "one stack": lambda line: line.ask("GET", "/stacks/" + world.stack_id),
        "runs size=20, hydrated": lambda line: line.ask("GET", "/runs?hydrate=true&size=20"),
        "runs size=100, hydrated": lambda line: line.ask("GET", "/runs?hydrate=true&size=100"),
        "one run, hydrated": lambda line: line.ask("GET", f"/runs/{run}"),
        "graph of a run": lambda line: line.ask("GET", f"/runs/{run}/graph"),
        "steps of a run": lambda line: line.ask("GET", f"/runs/{run}/steps"),
        "update of a step's status": lambda line: line.ask(
            "PUT", "/steps/" + step, {"status": "completed"}),
        "run metadata": lambda line: line.ask("POST", world.ws + "/run-metadata", metadata),
    }


ROUNDS = 5
SETTLED = 65  # seconds after which a worker remembers totals


def timed(call: Callable[[Line], Any], line: Line, seconds: float) -> list[float]:
    """The milliseconds of each of as many calls as fit into the time, at least one."""
    taken: list[float] = []
    end = time.perf_counter() + seconds
    while not taken or time.perf_counter() < end:
        begin = time.perf_counter()
        call(line)
        taken.append((time.perf_counter() - begin) * 1000)
    return taken


def latency(call: Callable[[Line], Any], lines: list[Line], seconds: float) -> list[float]:
    """The median of the calls over each line, in milliseconds. The lines take turns, for machines that are now faster
    and now slower."""
    taken: list[list[float]] = [[] for _ in lines]
    for line in lines:
        call(line)
    for _ in range(ROUNDS):
        for line, times in zip(lines, taken):
            times += timed(call, line, seconds / ROUNDS)
    return [statistics.median(times) for times in taken]


def throughput(server: Server, path: str, seconds: float, clients: int = 32) -> float:
    """Good answers a second to so many connections; what a server refuses under this load does not count."""
    token = Api(server.url).token
    output = subprocess.run(
        ["wrk", "-t2", f"-c{clients}", f"-d{seconds:.0f}s", "--timeout", "120s", "-H",
         "Authorization: Bearer " + token, server.url + "/api/v1" + path],
        check=True, capture_output=True, text=True).stdout
    answers = re.search(r"(\d+) requests in", output).group(1)  # type: ignore[union-attr]
    refused = re.search(r"Non-2xx or 3xx responses: (\d+)", output)
    if refused:
        print(f"  {path}: {refused.group(1)} of {answers} answers were errors")
    return (int(answers) - (int(refused.group(1)) if refused else 0)) / seconds


def memory(pids: list[int]) -> float:
    return sum(memory_of(pid) for pid in pids) / 1e6


def processes(server: Server) -> list[int]:
    if isinstance(server, Kanso):
        return server.workers() + server.front() + server.background()
    assert isinstance(server, Reference) and server.process
    return [server.process.pid, *descendants(server.process.pid)]


def latencies(servers: dict[str, Server], calls: dict[str, Callable[[Line], Any]], lists: dict[str, str],
              quick: bool) -> dict[str, Any]:
    """Those of all requests, by server."""
    lines = {side: Line(server) for side, server in servers.items()}
    result: dict[str, Any] = {side: {"latency": {}, "size": {}} for side in servers}
    calls = calls | {label: lambda line, path=path: line.ask("GET", path) for label, path in lists.items()}
    for label, call in calls.items():
        medians = latency(call, list(lines.values()), 0.5 if quick else 1.5)
        for (side, line), median in zip(lines.items(), medians):
            result[side]["latency"][label] = median
            result[side]["size"][label] = line.size
    return result


def list_rates(servers: dict[str, Server], lists: dict[str, str], result: dict[str, Any]) -> None:
    """Answers a second to several clients of each list, in the time of twenty answers to one, but half a minute at most."""
    for label, path in lists.items():
        for side, server in servers.items():
            seconds = min(30, max(1, result[side]["latency"][label] / 50))
            result[side].setdefault("rate", {})[label] = throughput(server, path, seconds, LIST_CLIENTS)


def measure(server: Server, stock: StockClient | None, quick: bool) -> dict[str, Any]:
    """What else there is to measure of one server."""
    result: dict[str, Any] = {"throughput": {}}
    paths = {"version": "/version", "current user": "/current-user",
             "stacks, hydrated": f"/stacks?hydrate=true&size={STACKS}",
             "runs size=20": "/runs?size=20"}
    if stock:
        result["pipeline"] = stock.run("chain", server.url)
    if shutil.which("wrk"):
        for label, path in paths.items():
            result["throughput"][label] = throughput(server, path, 2 if quick else 5) \
                or throughput(server, path, 60)
    result["memory"] = memory(processes(server))
    return result


def scaling(kanso: Kanso, times: int) -> dict[str, Any]:
    """A page of runs before and after the data has grown, when every worker has seen it: in the first minute they count whole
    tables (src/resource/total.h)."""
    assert kanso.mariadb
    pages = {"first page": "/runs?size=20&hydrate=true",
             "newest first": "/runs?size=20&hydrate=true&sort_by=desc:created",
             "by status": "/runs?size=20&status=completed&sort_by=desc:created",
             "by pipeline name": "/runs?size=20&pipeline_name=contains:pipe"}
    line = Line(kanso)

    def times_of() -> dict[str, float]:
        return {label: latency(lambda line, path=path: line.ask("GET", path), [line], 1)[0]
                for label, path in pages.items()}

    before = times_of()
    Copier(kanso.mariadb, kanso.database).grow(times)
    line = Line(kanso)
    for wait in (SETTLED, 0):
        for path in 5 * list(pages.values()):
            line.ask("GET", path)
        time.sleep(wait)
    after = times_of()
    total = json.loads(line.ask("GET", "/runs?size=1"))["total"]
    return {"runs": total, "pages": {label: {"before": before[label], "after": after[label],
                                             "factor": after[label] / before[label]}
                                     for label in pages}}


def row(label: str, reference: float | None, kanso: float | None, unit: str,
        ratio: float | None, least: float | None = None) -> None:
    def number(value: float | None) -> str:
        return "-" if value is None else f"{value:,.2f}" if value < 100 else f"{value:,.0f}"

    verdict = "" if ratio is None or least is None else "ok" if ratio >= least else "BELOW"
    print(f"{label:<42} {number(reference):>12} {number(kanso):>12} {unit:<5}"
          f" {'-' if ratio is None else f'{ratio:,.1f}x':>9}"
          f" {'' if least is None else f'{least:g}x':>7} {verdict}")


def report(result: dict[str, Any]) -> None:
    """The table."""
    ours, theirs = result["kanso"], result.get("reference", {})

    def both(*path: str) -> tuple[float | None, float | None]:
        found = []
        for side in (theirs, ours):
            value: Any = side
            for key in path:
                value = value.get(key) if isinstance(value, dict) else None
            found.append(value)
        return found[0], found[1]

    def ratio(slow: float | None, fast: float | None) -> float | None:
        return slow / fast if slow and fast else None

    print(f"\n{'':<42} {'reference':>12} {'kanso':>12} {'':<5} {'ratio':>9} {'least':>7}")
    for label, least in LATENCIES.items():
        reference, kanso = both("latency", label)
        row(label, reference, kanso, "ms", ratio(reference, kanso), least)
    for label in filter(lambda label: label.startswith("list: "), ours["latency"]):
        reference, kanso = both("latency", label)
        row(label, reference, kanso, "ms", ratio(reference, kanso))
    for label in ours.get("rate", {}):
        reference, kanso = both("rate", label)
        row(f"{LIST_CLIENTS} clients, {label}", reference, kanso, "/s", ratio(kanso, reference),
            None if CATALOGUE in label else LEAST_LIST)
    for label in ours["throughput"]:
        reference, kanso = both("throughput", label)
        row(f"32 connections: {label}", reference, kanso, "/s", ratio(kanso, reference))
    reference, kanso = both("pipeline", "waiting")
    row("20-step pipeline: waiting", reference, kanso, "s", ratio(reference, kanso), 20)
    reference, kanso = both("pipeline", "seconds")
    row("20-step pipeline: wall time", reference, kanso, "s", ratio(reference, kanso))
    reference, kanso = both("memory")
    row("memory (PSS, at most 80 MB)", reference, kanso, "MB", ratio(reference, kanso))
    reference, kanso = both("start")
    row("start-up (at most 1 s)", reference, kanso, "s", ratio(reference, kanso))
    if "scaling" in result:
        print(f"\nwith {result['scaling']['runs']:,} runs (at most 3x the time)")
        for label, page in result["scaling"]["pages"].items():
            print(f"  {label:<28} {page['before']:>8.2f} -> {page['after']:>8.2f} ms"
                  f" {page['factor']:>6.2f}x {'ok' if page['factor'] <= 3 else 'ABOVE'}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="fewer runs and repetitions")
    parser.add_argument("--only", choices=["kanso"], help="leave the reference out")
    parser.add_argument("--runs", type=int, help="how many runs of 5 steps (200; quick: 40)")
    options = parser.parse_args()
    runs = options.runs or (40 if options.quick else 200)
    venv = Path(os.environ.get("KANSO_ZENML_VENV") or REPOSITORY / "build" / "zenml-venv")
    with_reference = not options.only and (venv / "bin" / "zenml").exists()
    if not with_reference:
        print("the reference is left out" + ("" if options.only else f": no zenml at {venv}"))
    result: dict[str, Any] = {"runs": runs, "cpus": os.cpu_count()}
    with private_database("kb-", flush_each_commit=True) as (directory, mariadb):
        kanso = Kanso(directory / "k", mariadb)
        reference = Reference(venv, directory / "r", mariadb) if with_reference else None
        try:
            kanso.start()
            begin = time.monotonic()
            world = World(Api(kanso.url))
            fill(world, runs)
            furnish(world)
            print(f"filled {runs} runs of {STEPS} steps in {time.monotonic() - begin:.1f} s")
            calls, lists = requests_of(world), lists_of(world)
            kanso.stop()
            starts = {"kanso": kanso.start()}
            if reference:
                reference.start()
                reference.stop()
                copy_rows(mariadb, kanso.database, reference.database)
                starts["reference"] = reference.start()
            servers: dict[str, Server] = {"kanso": kanso} | ({"reference": reference} if reference else {})
            print("measuring latencies ...", flush=True)
            result |= latencies(servers, calls, lists, options.quick)
            if shutil.which("wrk"):
                print("measuring lists ...", flush=True)
                list_rates(servers, lists, result)
            for key, side in servers.items():
                stock = StockClient(venv, directory / ("s" + key)) if with_reference else None
                print(f"measuring {key} ...", flush=True)
                result[key] |= measure(side, stock, options.quick) | {"start": starts[key]}
            if reference:
                reference.stop()
            output = REPOSITORY / "build" / "bench.json"
            output.parent.mkdir(exist_ok=True)
            output.write_text(json.dumps(result, indent=1))
            result["scaling"] = scaling(kanso, 10 if options.quick else 100)
        finally:
            kanso.stop()
            if reference:
                reference.stop()
    report(result)
    output.write_text(json.dumps(result, indent=1))
    print(f"\n{output.relative_to(REPOSITORY)} has all of it")


if __name__ == "__main__":
    main()
