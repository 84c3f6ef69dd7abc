#!/usr/bin/env python3
"""Measures every list of the API, every filter and every sort key, with 200 runs and with more.

    sizes.py [--runs 200,20000] [--only /steps] [--all]

The requests come from the OpenAPI document, which comes from the descriptors: each list bare and with pages up to 100, each
filter (a value of a row that is there; of texts, a part of it too) alone and newest first, each sort key in both directions.
What takes more than 3 times as long as with the fewest runs, or more than 50 ms, is printed, the slowest first; --all prints
the rest too. All of it goes to build/sizes.json.

A request's time is the best of several, in milliseconds: what the machine can do, not what else it did. `rows` is how many
entries the database has read for it.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import time
from pathlib import Path
from typing import Any, Iterator
from urllib.parse import quote, urlencode

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from bench import Line, fill, furnish  # noqa: E402
from data import Copier  # noqa: E402
from kit.api import NOBODY, Api  # noqa: E402
from kit.factory import World  # noqa: E402
from kit.mariadb import private_database  # noqa: E402
from kit.process import REPOSITORY  # noqa: E402
from kit.servers import Kanso  # noqa: E402

MOST_TIMES, MOST_MS, MOST_WRITE = 3.0, 50.0, 1.2
# Of a page: the first ones are not worth a factor, since they are the noise of the machine.
NOISE_MS = 5.0
PAGING = ("sort_by", "logical_operator", "page", "hydrate", "size")
AT_LEAST, SECONDS = 8, 0.06  # each of a group's three workers is asked what it has been asked before
SETTLED_SECONDS = 61
# A run whose model version has so many links, and the pages that it is on: those of its pipeline, of which no others come.
LINKS = 5000
CROWDED = ("/runs?size=20&sort_by=desc:created&hydrate=true&pipeline_id=", "/runs?size=20&sort_by=desc:created&pipeline_id=")


def lists(openapi: dict[str, Any]) -> dict[str, list[dict[str, Any]]]:
    """Path of each list -> its filters."""
    found = {}
    for path, operations in openapi["paths"].items():
        parameters = operations.get("get", {}).get("parameters", [])
        if any(parameter["name"] == "sort_by" for parameter in parameters):
            found[path.removeprefix("/api/v1")] = [parameter for parameter in parameters
                                                   if parameter["in"] == "query" and parameter["name"] not in PAGING]
    return found


def value_in(item: dict[str, Any], name: str) -> Any:
    """What an item shows under the name of a filter."""
    places = [item, *(item[part] for part in ("body", "metadata", "resources") if item.get(part))]
    for place in places:
        if place.get(name) is not None:
            return place[name]
    if name.endswith("_id"):
        for place in places:
            linked = place.get(name[:-3])
            if isinstance(linked, dict):
                return linked.get("id")
            if linked is not None:
                return linked
    return None


def kinds_of(schema: dict[str, Any]) -> set[str]:
    return {part.get("format", part.get("type", "")) for part in schema.get("anyOf", [schema])}


def value_for(parameter: dict[str, Any], item: dict[str, Any]) -> str:
    """A value for a filter, of a row that is there if it shows one."""
    value, kinds = value_in(item, parameter["name"]), kinds_of(parameter["schema"])
    if isinstance(value, bool) or (value is None and "boolean" in kinds):
        return str(value is not False).lower()
    if isinstance(value, (str, int, float)):
        return str(value).replace("T", " ") if "date-time" in kinds else str(value)
    if "uuid" in kinds:
        return NOBODY
    if kinds & {"integer", "number"}:
        return "1"
    return "2024-01-01 00:00:00" if "date-time" in kinds else "a"


class Requests:
    """What is asked for: the same at all sizes."""

    def __init__(self, world: World) -> None:
        self.api = world.api
        run = self.newest("/runs")
        account = next(account["id"] for account in self.api.items("/service_accounts", size=100)
                       if self.api.read(f"/service_accounts/{account['id']}/api_keys")["total"])
        self.places = {"workspace_name_or_id": "default", "run_id": run["id"],
                       "pipeline_id": run["body"]["pipeline"]["id"], "service_account_id": account,
                       "model_name_or_id": self.newest("/models")["id"]}

    def newest(self, path: str) -> dict[str, Any]:
        items = self.api.read(path, size=1, hydrate=True, sort_by="desc:created")["items"]
        return items[0] if items else {}

    def of_list(self, path: str, filters: list[dict[str, Any]]) -> Iterator[str]:
        """The queries of one list."""
        item = self.newest(path)
        yield ""
        for sort in ("asc:created", "desc:created"):
            yield urlencode({"sort_by": sort, "hydrate": "true"})
            yield from (urlencode({"sort_by": sort, "page": page}) for page in (10, 100))
        for parameter in filters:
            name, value = parameter["name"], value_for(parameter, item)
            values = [value]
            if kinds_of(parameter["schema"]) <= {"string", "null"} and len(value) > 2:
                values.append("contains:" + value[1:-1])
            for each in values:
                yield urlencode({name: each})
                yield urlencode({name: each, "sort_by": "desc:created"})
            yield urlencode({"sort_by": "asc:" + name})
            yield urlencode({"sort_by": "desc:" + name})

    def all(self, only: str) -> list[str]:
        found = []
        for path, filters in lists(self.api.read("//openapi.json")).items():
            filled = path.format(**{name: quote(place) for name, place in self.places.items()})
            if only and not filled.startswith(only):
                continue
            queries = list(dict.fromkeys(self.of_list(filled, filters)))
            found += [f"{filled}?{query}".rstrip("?") for query in queries]
        return [path for path in found if self.is_answered(path)]

    def is_answered(self, path: str) -> bool:
        """Not what is no sort key or has no such page; at the first size pages beyond the last stay, as the last one."""
        status = self.api.get(path).status_code
        return status == 200 or "page=" in path


class Meter:
    """Times on one connection, and entries that the database reads."""

    def __init__(self, kanso: Kanso) -> None:
        self.kanso, self.line = kanso, Line(kanso)

    def entries(self) -> int:
        assert self.kanso.mariadb
        rows = self.kanso.mariadb.sql("SHOW GLOBAL STATUS LIKE 'Handler_read%'")
        return sum(int(number) for _, number in rows)

    def measure(self, path: str) -> dict[str, float]:
        own = self.entries()
        own = self.entries() - own  # what asking costs
        before = self.entries()
        self.line.ask("GET", path)
        rows = self.entries() - before - own
        taken: list[float] = []
        end = time.perf_counter() + SECONDS
        while len(taken) < AT_LEAST or (time.perf_counter() < end and len(taken) < 20):
            begin = time.perf_counter()
            self.line.ask("GET", path)
            taken.append((time.perf_counter() - begin) * 1000)
        return {"ms": min(taken), "rows": max(0, rows)}

    def settle(self, paths: list[str]) -> None:
        """Until workers may count on what they know of the size of tables (src/resource/total.h): what they knew of
        smaller ones they forget when they look again."""
        for _ in range(2):
            for path in 6 * list(dict.fromkeys(path.split("?")[0] for path in paths)):
                self.line.ask("GET", path)
            time.sleep(SETTLED_SECONDS)

    def measure_all(self, paths: list[str]) -> dict[str, dict[str, float]]:
        measured = {}
        for path in paths:
            try:
                measured[path] = self.measure(path)
            except AssertionError:  # no such page with so few runs
                self.line = Line(self.kanso)
        return measured


def measure_writes(world: World, times: int = 30) -> dict[str, float]:
    """The best time of each write, in milliseconds."""
    deployment = world.deployment()["id"]
    tag = world.tag()["name"]
    taken: dict[str, list[float]] = {}

    def timed(label: str, call: Any) -> Any:
        begin = time.perf_counter()
        made = call()
        taken.setdefault(label, []).append((time.perf_counter() - begin) * 1000)
        return made

    for _ in range(times):
        run = timed("run", lambda: world.run(deployment=deployment))
        step = timed("step", lambda run=run: world.step(run))
        timed("end of a step", lambda step=step: world.api.change("/steps/" + step["id"], {"status": "completed"}))
        timed("metadata", lambda run=run: world.metadata("pipeline_run", run["id"], score=1))
        timed("tag on a run", lambda run=run: world.api.change("/runs/" + run["id"], {"add_tags": [tag]}))
    return {label: min(times) for label, times in taken.items()}


def measure_crowd(meter: Meter, copier: Copier) -> None:
    """Pages without a run whose model version has many links, and with it."""
    pipeline = copier.newest("pipeline_id")
    before = {path: meter.measure(path + pipeline) for path in CROWDED}
    copier.crowd(LINKS)
    for path, few in before.items():
        many = meter.measure(path + pipeline)
        print(f"{f'{LINKS:,} links: {path}':<84} {few['ms']:>8.1f} {many['ms']:>8.1f} {many['ms'] / few['ms']:>6.1f}x "
              f"(at most {MOST_TIMES:g})")


def is_above(before: dict[str, float], after: dict[str, float]) -> bool:
    """Whether a request breaks a goal. What takes less than a few milliseconds has no factor: that would be noise."""
    return after["ms"] > MOST_MS or (after["ms"] > NOISE_MS and after["ms"] > MOST_TIMES * before["ms"])


def report(sizes: dict[int, dict[str, dict[str, float]]], everything: bool) -> int:
    """The table; how many are above."""
    few, many = min(sizes), max(sizes)
    bare = min((values["ms"] for values in sizes[few].values()), default=1.0)
    rows = []
    for path, after in sizes[many].items():
        before = sizes[few].get(path, {"ms": bare, "rows": 0})
        rows.append((after["ms"] / before["ms"], before, after, path))
    above = [row for row in rows if is_above(row[1], row[2])]
    print(f"{'':<84} {few:>8,} {many:>8,} runs\n{'':<84} {'ms':>8} {'ms':>8} {'times':>7} {'rows read':>12}")
    for factor, before, after, path in sorted(rows if everything else above, key=lambda row: -row[2]["ms"]):
        print(f"{path:<84} {before['ms']:>8.1f} {after['ms']:>8.1f} {factor:>6.1f}x {before['rows']:>5.0f} {after['rows']:>8.0f}")
    factors = [row[0] for row in rows]
    if rows:
        print(f"{len(rows)} requests of {len({path.split('?')[0] for path in sizes[many]})} lists: {len(above)} above "
              f"{MOST_TIMES:g} times or {MOST_MS:g} ms; median {statistics.median(factors):.1f} times, most {max(factors):.1f}, "
              f"slowest {max(row[2]['ms'] for row in rows):.0f} ms")
    return len(above)


def report_writes(writes: dict[int, dict[str, float]]) -> None:
    few, many = writes[min(writes)], writes[max(writes)]
    for label, before in few.items():
        print(f"{'write: ' + label:<84} {before:>8.1f} {many[label]:>8.1f} {many[label] / before:>6.1f}x (at most {MOST_WRITE:g})")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", default="200,20000", help="how many, the fewest first; each a multiple of it")
    parser.add_argument("--only", default="", help="lists whose path begins so")
    parser.add_argument("--all", action="store_true", help="print what is within the goals too")
    options = parser.parse_args()
    wanted = [int(number) for number in options.runs.split(",")]
    sizes: dict[int, dict[str, dict[str, float]]] = {}
    writes: dict[int, dict[str, float]] = {}
    with private_database("kz-", options=("--innodb-buffer-pool-size=2G",)) as (directory, mariadb):
        kanso = Kanso(directory / "k", mariadb)
        try:
            kanso.start()
            world = World(Api(kanso.url))
            fill(world, wanted[0])
            furnish(world)
            copier = Copier(mariadb, kanso.database)
            paths = Requests(world).all(options.only)
            for runs in wanted:
                begin = time.monotonic()
                copier.grow(runs // wanted[0])
                print(f"{runs:,} runs after {time.monotonic() - begin:.0f} s; measuring {len(paths)} requests ...", flush=True)
                meter = Meter(kanso)
                if runs > wanted[0]:
                    meter.settle(paths)
                sizes[runs] = meter.measure_all(paths)
                writes[runs] = measure_writes(world)
            measure_crowd(Meter(kanso), copier)
        finally:
            kanso.stop()
    above = report(sizes, options.all)
    report_writes(writes)
    output = REPOSITORY / "build" / "sizes.json"
    output.write_text(json.dumps({"cpus": os.cpu_count(), "sizes": sizes, "writes": writes}, indent=1))
    print(f"\n{output.relative_to(REPOSITORY)} has all of it")
    sys.exit(1 if above else 0)


if __name__ == "__main__":
    main()
