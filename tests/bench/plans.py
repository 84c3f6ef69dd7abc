#!/usr/bin/env python3
"""The plans of all statements that a tour of all operations issues: none reads a whole table that grows with each run.

    plans.py        compares nothing but that rule; PLANS=write makes plans.txt anew from what it finds

The tour is that of `make torture`, undisturbed, on a database with thousands of runs (data.py). Each distinct statement is
explained with the values with which it was seen. plans.txt is for reading: which plan MariaDB takes differs between its
versions, and may with its statistics.
"""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path
from typing import Iterator

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import requests  # noqa: E402
from bench import fill  # noqa: E402
from data import COPIED, Copier  # noqa: E402
from kit.mariadb import private_database  # noqa: E402
from kit.servers import ONE_WORKER, Kanso  # noqa: E402
from kit.workloads import Workloads  # noqa: E402
from torture.tour import Audited, tour  # noqa: E402

TABLE = Path(__file__).with_name("plans.txt")
RUNS, TIMES = 20, 100
# What is a scan, and of how many rows: an index that is read in order until a page is full is none.
SCANS, MOST_ROWS = ("ALL", "index"), 1000
# What may read all of a table that grows, and why. The group is the table, where it is not the same in all.
EXCUSED = {
    r"\(SELECT COUNT\(\*\) FROM `(\w+)` t WHERE \? = \?\)":
        "How many there are in all. From 2,000 on a worker remembers that (src/resource/total.h): these are a new worker's.",
    r"\(SELECT COUNT\(\*\) FROM `(\w+)` t WHERE [^\"]* LIKE ":
        "How many hold a part of a text, which no index of MariaDB tells.",
    r"^SELECT .* FROM `(\w+)` t\b.* LIKE .*ORDER BY ":
        "The page of those is read in its order until it is full: how far, nobody knows before.",
    r"^SELECT t\.id FROM (?:artifact_version|artifact) t WHERE \(?NOT EXISTS .* FOR UPDATE":
        "DELETE of all artifact versions, or artifacts, that nothing uses: it is asked of each.",
}
# What src/db/db.c says on each connection.
LIKE_A_WORKER = "SET eq_range_index_dive_limit = 8, optimizer_switch = 'index_merge_intersection=off,subquery_cache=off'; "
WORD = re.compile(r"'(?:[^'\\]|\\.|'')*'|\b\d+(?:\.\d+)?\b")
NAMED = re.compile(r"(?:FROM|JOIN|UPDATE|INTO)\s+`?(\w+)`?(?:\s+(?:AS\s+)?(\w+))?", re.I)


# What looks for rows. (An INSERT of values does not.)
READS = re.compile(r"\s*\(?(SELECT|UPDATE|DELETE|INSERT.*\bSELECT)\b", re.I | re.S)


def has_places(statement: str) -> bool:
    """Whether values are left out: the log has a statement so too."""
    return "?" in WORD.sub("", statement)


def shape(statement: str) -> str:
    """A statement without its values."""
    text = WORD.sub("?", statement)
    text = re.sub(r"\((?:\?,\s*)+\?\)", "(?..)", text)
    text = re.sub(r"(?:\(\?\.\.\),\s*)+\(\?\.\.\)", "(?..)..", text)
    return re.sub(r"\s+", " ", text)


def unescaped(text: str) -> str:
    """What the client's --batch has written."""
    return re.sub(r"\\(.)", lambda found: {"n": "\n", "t": "\t", "0": "\0"}.get(found[1], found[1]), text)


def statements(kanso: Kanso, directory: Path, audited: Audited) -> dict[str, str]:
    """Of the tour: shape -> one of that shape."""
    mariadb = kanso.mariadb
    assert mariadb
    mariadb.sql("SET GLOBAL log_output = 'TABLE'; SET GLOBAL general_log = 1")
    for visit in tour(audited, directory):
        request = visit.make()
        requests.request(request.method, kanso.url + request.target, headers=dict(request.headers), data=request.body, timeout=60,
                         allow_redirects=False)
    mariadb.sql("SET GLOBAL general_log = 0")
    rows = mariadb.sql("SELECT DISTINCT CONVERT(argument USING utf8mb4) FROM mysql.general_log "
                       "WHERE command_type IN ('Execute', 'Query') AND user_host LIKE 'kanso_test%'")
    found: dict[str, str] = {}
    for row in rows:
        text = unescaped("\t".join(row))
        if READS.match(text) and (shape(text) not in found or has_places(found[shape(text)])):
            found[shape(text)] = text
    return found


def tables_of(statement: str) -> dict[str, str]:
    """What its tables are called in its plan. (An alias that stands for two tables is the one that grows.)"""
    found: dict[str, str] = {}
    for table, alias in NAMED.findall(WORD.sub("?", statement)):
        for name in (table, alias):
            if name and found.get(name) not in COPIED:
                found[name] = table
    return found


def plan(kanso: Kanso, statement: str) -> Iterator[tuple[str, str, str, int]]:
    """Table, access, key and rows that are expected, of each step."""
    names = tables_of(statement)
    for row in kanso.sql(LIKE_A_WORKER + "EXPLAIN " + statement):
        _, _, table, access, _, key, _, _, rows, *_ = row
        if table in names:
            yield names[table], access, key, int(rows) if rows.isdigit() else 0


def main() -> int:
    with private_database("plans-") as (directory, mariadb):
        workloads = Workloads(directory / "workloads")
        kanso = Kanso(directory / "k", mariadb, workers=ONE_WORKER, KANSO_JOBS="0", KANSO_AUDIT="on", KANSO_LOGIN_RATE="0",
                      ZENML_SERVER_SERVER_URL="http://kanso.test:8080",
                      ZENML_SERVER_WORKLOAD_MANAGER_IMPLEMENTATION_SOURCE="kanso.command",
                      KANSO_WORKLOAD_COMMAND=str(workloads.program))
        try:
            kanso.start()
            audited = Audited(kanso, workloads)
            fill(audited.world, RUNS)
            Copier(mariadb, kanso.database).grow(TIMES)
            print(f"{RUNS * TIMES:,} runs are there", flush=True)
            found = statements(kanso, directory, audited)
            print(f"{len(found)} statements", flush=True)
            return judge(kanso, found)
        finally:
            kanso.stop()


def is_excused(table: str, text: str) -> bool:
    found = (re.search(pattern, text) for pattern in EXCUSED)
    return any(match and table in (match.groups() or (table,)) for match in found)


def judge(kanso: Kanso, found: dict[str, str]) -> int:
    lines, wrong, unexplained = [], [], 0
    for text, statement in sorted(found.items()):
        try:
            steps = list(plan(kanso, re.sub(r"\?", "'0'", statement) if has_places(statement) else statement))
        except (RuntimeError, ValueError) as why:
            unexplained += 1
            print(f"not explained: {text[:200]}: {str(why)[:200]}", file=sys.stderr)
            continue
        if steps:
            lines.append(text + "\n" + "".join(f"    {table}: {access} {key}\n" for table, access, key, _ in steps))
        for table, access, key, rows in steps:
            if table in COPIED and access in SCANS and rows > MOST_ROWS and not is_excused(table, text):
                wrong.append(f"{table}: {access} of {rows} rows, key {key}\n    {text}")
    if os.environ.get("PLANS") == "write":
        TABLE.write_text("# Made by PLANS=write make check-plans: statements of all operations, and how MariaDB finds their rows.\n"
                         + "\n".join(lines))
    print("\n".join(wrong))
    print(f"{len(lines)} plans, {len(wrong)} that read a table that grows, {unexplained} statements not explained")
    return 1 if wrong or unexplained else 0


if __name__ == "__main__":
    sys.exit(main())
