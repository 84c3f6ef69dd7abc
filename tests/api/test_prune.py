"""kansoctl prune: deletes what is old and unused, just that, as a DELETE of the API does, in short transactions beside writers."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import threading
import time
from typing import Any, Iterator

import pytest

from kit.api import Api
from kit.factory import World
from kit.mariadb import MariaDB
from kit.process import BUILD, kill_hard, wait_until
from kit.servers import Kanso

KANSOCTL = str(BUILD / "bin" / "kansoctl")
RUNS = int(os.environ.get("KANSO_PRUNE_RUNS") or 400)  # make check-prune: 20,000
BATCH = 20  # runs of a transaction
AGE = ("--older-than", "30d")
PATHS = {"runs": "runs", "model-versions": "model_versions", "artifact-versions": "artifact_versions", "artifacts": "artifacts",
         "deployments": "pipeline_deployments", "builds": "pipeline_builds"}
TABLES = {"runs": "pipeline_run", "model-versions": "model_version", "artifact-versions": "artifact_version",
          "artifacts": "artifact", "deployments": "pipeline_deployment", "builds": "pipeline_build",
          "code-references": "code_reference", "trigger-executions": "trigger_execution", "jobs": "kanso_job",
          "devices": "auth_devices"}


def environment(kanso: Kanso, database: str = "") -> dict[str, str]:
    assert kanso.mariadb
    return kanso.environment | {"ZENML_STORE_URL": kanso.mariadb.socket_url(database or kanso.database)}


def prune(kanso: Kanso, *arguments: str, database: str = "") -> dict[str, int]:
    done = subprocess.run([KANSOCTL, "prune", *arguments, "--json"], env=environment(kanso, database), capture_output=True, text=True,
                          stdin=subprocess.DEVNULL, timeout=1800)
    assert (done.returncode, done.stderr) == (0, ""), done
    rows = json.loads(done.stdout)
    assert {row["outcome"] for row in rows} == {"deleted" if "--yes" in arguments else "would be deleted"}
    return {row["kind"]: row["count"] for row in rows}


def ids(kanso: Kanso, table: str, database: str = "") -> set[str]:
    assert kanso.mariadb
    return {row[0] for row in kanso.mariadb.sql(f"SELECT id FROM `{table}`", database or kanso.database)}


def content(kanso: Kanso, database: str) -> list[list[str]]:
    """A sum over all rows of each of ZenML's tables but the one that notes when somebody was last seen."""
    assert kanso.mariadb
    tables = kanso.mariadb.sql(f"SELECT table_name FROM information_schema.tables WHERE table_schema = '{database}' AND "
                               "table_name NOT LIKE 'kanso\\_%' AND table_name <> 'server_settings' ORDER BY 1")
    sums = kanso.mariadb.sql("CHECKSUM TABLE " + ", ".join(f"`{table}`" for table, in tables) + " EXTENDED", database)
    return [[table.rpartition(".")[2], total] for table, total in sums]


@pytest.fixture(scope="module")
def there(one_worker: Kanso) -> World:
    return World(Api(one_worker.url))


def add_run(there: World, version: dict[str, Any] | None = None, **changes: Any) -> dict[str, Any]:
    """A run with two steps, the second of which reads what the first has made, and everything that hangs on them."""
    build = there.build()["id"]
    run = there.run(deployment=there.deployment(build=build, **({"pipeline": changes["pipeline"]} if "pipeline" in changes else {}))["id"],
                    **{"status": "completed", "end_time": "2024-05-06T08:00:00"} | changes)
    output = there.artifact_version()["id"]
    step = there.step(run, "load", outputs={"output": output})
    there.step(run, "train", inputs={"data": output}, parent_step_ids=[step["id"]])
    there.metadata("pipeline_run", run["id"], score=0.5)
    there.metadata("step_run", step["id"], loss=0.5)
    there.metadata("artifact_version", output, size=5)
    if version:
        there.run_link(version, run["id"])
    return run | {"output": output}


def of(run: dict[str, Any]) -> str:
    return str(run["id"]).replace("-", "")


@pytest.fixture(scope="module")
def furnished(one_worker: Kanso, there: World) -> dict[str, set[str]]:
    """What is old and unused, by kind, among much that is not."""
    pipeline, model = there.pipeline()["id"], there.model()["id"]
    staged, plain, used = (there.model_version(model) for _ in range(3))
    there.api.change(f"/model_versions/{staged['id']}", {"model": model, "stage": "production"})
    tag = there.tag()["name"]
    old = [add_run(there, pipeline=pipeline) for _ in range(2)] + [add_run(there), add_run(there, status="failed"),
                                                                   add_run(there, model_version_id=used["id"])]
    kept = [add_run(there, pipeline=pipeline, tags=[tag]), add_run(there, pipeline=pipeline, status="running"),
            add_run(there, staged, pipeline=pipeline), add_run(there, pipeline=pipeline), add_run(there, pipeline=pipeline)]
    there.service(pipeline_run_id=kept[3]["id"])
    orphans = [there.artifact_version()["id"] for _ in range(3)]
    there.artifact_version(there.api.read(f"/artifact_versions/{orphans[0]}")["body"]["artifact"]["id"], version="2")
    there.api.change(f"/artifact_versions/{orphans[1]}", {"add_tags": [tag]})
    there.artifact_link(plain, orphans[2])
    there.model_version(model)
    empty = there.artifact()["id"]
    assert one_worker.mariadb
    past = "; ".join(f"UPDATE `{table}` SET created = '2020-01-01 00:00:00'" for kind, table in TABLES.items()
                     if kind not in ("jobs", "devices"))
    one_worker.sql(past + "; INSERT INTO kanso_job (id, created, updated, kind, subject, state, due, payload) VALUES "
                   "(REPEAT('1', 32), NOW(), NOW(), 'x', '', 'done', 1600000000, ''),"
                   "(REPEAT('2', 32), NOW(), NOW(), 'x', '', 'running', 1600000000, ''),"
                   "(REPEAT('3', 32), NOW(), NOW(), 'x', '', 'failed', UNIX_TIMESTAMP(), '');"
                   "INSERT INTO auth_devices (id, created, updated, client_id, user_code, device_code, status, "
                   "failed_auth_attempts, expires, trusted_device) SELECT REPEAT(x, 32), NOW(), NOW(), id, '', '', 'active', 0, "
                   "at, 0 FROM user, (SELECT 1 AS x, '2020-01-01' AS at UNION SELECT 2, NULL UNION SELECT 3, '2100-01-01') y LIMIT 3;"
                   "INSERT INTO code_repository (id, created, updated, workspace_id, name, config, source) SELECT "
                   "REPEAT('a', 32), NOW(), NOW(), id, 'r', '{}', '{}' FROM workspace;"
                   "INSERT INTO code_reference (id, created, updated, workspace_id, code_repository_id, `commit`, subdirectory) "
                   "SELECT REPEAT('b', 32), '2020-01-01', NOW(), id, REPEAT('a', 32), 'c', '' FROM workspace")
    return {"runs": {of(run) for run in old}, "model-versions": {of(plain)},
            "artifact-versions": {orphans[0].replace("-", "")}, "artifacts": {empty.replace("-", "")}, "deployments": set(),
            "builds": set(), "code-references": {"b" * 32}, "trigger-executions": set(), "jobs": {"1" * 32},
            "devices": {"1" * 32}}


def test_nothing_is_deleted_unless_asked(one_worker: Kanso, furnished: dict[str, set[str]]) -> None:
    before = content(one_worker, one_worker.database)
    found = prune(one_worker, *AGE)
    assert found == {kind: len(which) for kind, which in furnished.items()}
    assert list(found) == list(TABLES)
    assert prune(one_worker, "--older-than", "4000d") == dict.fromkeys(TABLES, 0)
    assert content(one_worker, one_worker.database) == before


@pytest.mark.parametrize("arguments, said", [
    ((), "--older-than"), (("--older-than", "x"), "such as 90d"), (("--older-than", "5"), "such as 90d"),
    (("--older-than", "5y"), "such as 90d"), (("--older-than", "-5d"), "such as 90d"), (("cats", *AGE), "no kind 'cats'"),
    ((*AGE, "--yes"), "name the kinds"), (("runs", *AGE, "--keep", "x"), "--keep"), (("runs", *AGE, "--keep", "-1"), "--keep")])
def test_wrong_command_lines(one_worker: Kanso, arguments: tuple[str, ...], said: str) -> None:
    done = subprocess.run([KANSOCTL, "prune", *arguments], env=environment(one_worker), capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (2, "") and said in done.stderr


def test_just_as_the_api_deletes(one_worker: Kanso, there: World, furnished: dict[str, set[str]], tmp_path: Any) -> None:
    """Two databases that are the same, kind by kind: what one loses to the tool, the other loses to DELETE."""
    assert one_worker.mariadb
    copy = one_worker.mariadb.new_database()
    for command, database in ("backup", one_worker.database), ("restore", copy):
        subprocess.run([KANSOCTL, command, str(tmp_path / "copy")], env=environment(one_worker, database), check=True, capture_output=True)
    for kind, table in TABLES.items():
        before, all_before = ids(one_worker, table, copy), content(one_worker, copy)
        counted = prune(one_worker, kind, *AGE, database=copy)[kind]
        assert prune(one_worker, kind, *AGE, "--yes", database=copy) == {kind: counted}
        gone = before - ids(one_worker, table, copy)
        if kind in ("runs", "code-references", "jobs", "devices"):
            assert gone == furnished[kind]
        assert len(gone) == counted and counted > 0 or kind == "trigger-executions", kind
        assert kind in ("jobs", "trigger-executions") or content(one_worker, copy) != all_before
        for one in gone:
            if kind in PATHS:
                assert there.api.call("DELETE", f"/{PATHS[kind]}/{one}").status_code == 200
            else:
                one_worker.sql(f"DELETE FROM `{table}` WHERE id = '{one}'")
        assert content(one_worker, copy) == content(one_worker, one_worker.database), kind
        assert prune(one_worker, kind, *AGE, "--yes", database=copy) == {kind: 0}
    # what was protected goes when that is asked for
    assert prune(one_worker, "runs", *AGE, "--yes", "--tagged", "--staged", "--keep", "0", database=copy) == {"runs": 3}
    assert one_worker.mariadb.sql("SELECT status FROM pipeline_run WHERE status = 'running' OR id IN (SELECT pipeline_run_id FROM "
                                  "service)", copy) != [] and len(ids(one_worker, "pipeline_run", copy)) == 2


def test_the_latest_are_kept(one_worker: Kanso, there: World) -> None:
    """--keep counts by order of creation, also within one second."""
    pipeline = there.pipeline()["id"]
    runs = [of(there.run(pipeline=pipeline, deployment=there.deployment()["id"], status="completed")) for _ in range(5)]
    one_worker.sql("UPDATE pipeline_run SET created = '2019-01-01' WHERE pipeline_id = '" + pipeline.replace("-", "") + "'")
    for keep, left in ("9", runs), ("5", runs), ("3", runs[2:]), ("1", runs[4:]), ("0", []):
        prune(one_worker, "runs", "--older-than", "200w", "--keep", keep, "--yes")
        assert ids(one_worker, "pipeline_run") & set(runs) == set(left)


def multiply(mariadb: MariaDB, database: str, run: str, times: int) -> None:
    """So many copies of a run with its steps, their artifact versions and metadata, all of them old."""
    copied = {"pipeline_run": ("id = '{0}'", ("id", "orchestrator_run_id")),
              "step_run": ("pipeline_run_id = '{0}'", ("id", "pipeline_run_id")),
              "artifact_version": ("id IN (SELECT artifact_id FROM step_run_output_artifact o JOIN step_run s ON s.id = o.step_id "
                                   "WHERE s.pipeline_run_id = '{0}')", ("id",)),
              "step_run_parents": ("child_id IN (SELECT id FROM step_run WHERE pipeline_run_id = '{0}')", ("parent_id", "child_id")),
              "step_run_output_artifact": ("step_id IN (SELECT id FROM step_run WHERE pipeline_run_id = '{0}')",
                                           ("step_id", "artifact_id")),
              "step_run_input_artifact": ("step_id IN (SELECT id FROM step_run WHERE pipeline_run_id = '{0}')",
                                          ("step_id", "artifact_id")),
              "run_metadata": ("resource_id = '{0}' OR resource_id IN (SELECT id FROM step_run WHERE pipeline_run_id = '{0}')",
                               ("id", "resource_id"))}
    mariadb.sql("CREATE TABLE kanso_seq (n int PRIMARY KEY); INSERT INTO kanso_seq WITH RECURSIVE s (n) AS (SELECT 1 UNION ALL "
                "SELECT n + 1 FROM s WHERE n < 1000) SELECT n FROM s", database)
    for table, (where, mapped) in copied.items():
        columns = [row[0] for row in mariadb.sql("SELECT column_name FROM information_schema.columns WHERE table_schema = "
                                                 f"'{database}' AND table_name = '{table}' AND column_name <> 'kanso_order'")]
        mariadb.sql(f"CREATE TABLE kanso_original AS SELECT {', '.join(f'`{name}`' for name in columns)} FROM `{table}` WHERE "
                    + where.format(run), database)
        for first in range(0, times, 1000):
            values = [f"LEFT(SHA2(CONCAT(o.`{name}`, s.n + {first}), 256), 32)" if name in mapped else
                      f"CONCAT(o.name, '-', s.n + {first})" if (table, name) == ("pipeline_run", "name") else
                      "'2020-01-01 00:00:00'" if name in ("created", "updated") else
                      "NULL" if name == "version_number" else f"o.`{name}`" for name in columns]
            mariadb.sql("SET foreign_key_checks = 0; INSERT INTO `{}` ({}) SELECT {} FROM kanso_original o JOIN kanso_seq s ON s.n <= {}"
                        .format(table, ", ".join(f"`{name}`" for name in columns), ", ".join(values), min(1000, times - first)), database)
        mariadb.sql("DROP TABLE kanso_original", database)
    mariadb.sql("DROP TABLE kanso_seq", database)


@pytest.fixture
def many(one_worker: Kanso, there: World) -> Iterator[str]:
    """The pipeline of RUNS old runs."""
    assert one_worker.mariadb
    pipeline = there.pipeline()["id"]
    run = add_run(there, pipeline=pipeline)
    multiply(one_worker.mariadb, one_worker.database, of(run), RUNS)
    yield pipeline


HALF = ("SELECT (SELECT COUNT(*) FROM step_run s LEFT JOIN pipeline_run r ON r.id = s.pipeline_run_id WHERE r.id IS NULL) + "
        "(SELECT COUNT(*) FROM run_metadata m LEFT JOIN pipeline_run r ON r.id = m.resource_id WHERE m.resource_type = "
        "'pipeline_run' AND r.id IS NULL) + (SELECT COUNT(*) FROM run_metadata m LEFT JOIN step_run r ON r.id = m.resource_id WHERE "
        "m.resource_type = 'step_run' AND r.id IS NULL)")


def assert_whole(kanso: Kanso, pipeline: str) -> None:
    """Each run is there with all that belongs to it, or nothing of it is."""
    assert kanso.sql(HALF) == [["0"]]
    assert kanso.sql(f"SELECT COUNT(*) FROM pipeline_run r WHERE r.pipeline_id = '{pipeline.replace('-', '')}' AND ((SELECT COUNT(*) "
                     "FROM step_run s WHERE s.pipeline_run_id = r.id) <> 2 OR NOT EXISTS (SELECT 1 FROM run_metadata m WHERE "
                     "m.resource_id = r.id))") == [["0"]]


@pytest.mark.race
def test_beside_writers(one_worker: Kanso, there: World, many: str) -> None:
    """Nobody's request fails or waits long, no transaction is large, and what was used in the meantime stays."""
    assert one_worker.mariadb
    stop, slowest, made, largest = threading.Event(), [0.0], [], [0]

    def write() -> None:
        while not stop.is_set():
            begin = time.monotonic()
            made.append(of(there.run(pipeline=many, deployment=there.deployment()["id"])))
            slowest[0] = max(slowest[0], time.monotonic() - begin)

    def watch() -> None:
        while not stop.is_set():
            rows = one_worker.mariadb.sql("SELECT COALESCE(MAX(trx_rows_modified), 0) FROM information_schema.innodb_trx")
            largest[0] = max(largest[0], int(rows[0][0]))

    others = [threading.Thread(target=write), threading.Thread(target=watch)]
    for other in others:
        other.start()
    begin = time.monotonic()
    try:
        deleted = prune(one_worker, "runs", "artifact-versions", *AGE, "--yes")
    finally:
        seconds = time.monotonic() - begin
        stop.set()
        for other in others:
            other.join()
    print(f"\n{deleted} in {seconds:.1f} s; {len(made)} runs made meanwhile, the slowest in {slowest[0]:.2f} s; "
          f"at most {largest[0]} rows in a transaction")
    assert deleted["runs"] >= RUNS and deleted["artifact-versions"] >= RUNS - 1
    assert made and set(made) <= ids(one_worker, "pipeline_run")
    assert one_worker.sql(HALF) == [["0"]]
    assert largest[0] < BATCH * 30
    assert slowest[0] < 20


@pytest.mark.race
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_ended_in_the_middle(one_worker: Kanso, many: str, number: int) -> None:
    running = subprocess.Popen([KANSOCTL, "prune", "runs", *AGE, "--yes"], env=environment(one_worker), stderr=subprocess.PIPE, text=True)
    total = len(ids(one_worker, "pipeline_run"))
    wait_until(lambda: len(ids(one_worker, "pipeline_run")) < total, 60, "runs that are gone")
    if number == signal.SIGKILL:
        kill_hard([running.pid])
    else:
        running.send_signal(number)
    said = running.communicate(timeout=60)[1]
    assert running.returncode == (1 if number == signal.SIGINT else -number)
    assert number == signal.SIGKILL or "stopped" in said
    assert RUNS // 10 < len(ids(one_worker, "pipeline_run")) < total
    assert_whole(one_worker, many)
    commits = one_worker.mariadb.counter("Com_commit")
    deleted = prune(one_worker, "runs", *AGE, "--yes")["runs"]
    assert deleted > 0 and one_worker.mariadb.counter("Com_commit") - commits >= deleted / BATCH
    assert_whole(one_worker, many)
