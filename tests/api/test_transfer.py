"""kansoctl export and import: a workspace as lines of JSON, and back into another database or another workspace."""

from __future__ import annotations

import json
import os
import stat
import subprocess
from pathlib import Path
from typing import Any

import pytest

from kit.api import Api
from kit.factory import World
from kit.kinds import KINDS
from kit.process import BUILD
from kit.servers import Kanso

KANSOCTL = str(BUILD / "bin" / "kansoctl")


def kansoctl(kanso: Kanso, *arguments: str, database: str = "", **environment: str) -> subprocess.CompletedProcess[str]:
    assert kanso.mariadb
    settings = kanso.environment | {"ZENML_STORE_URL": kanso.mariadb.socket_url(database or kanso.database)} | environment
    return subprocess.run([KANSOCTL, *arguments], env=settings, capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=300)


def told(process: subprocess.CompletedProcess[str]) -> dict[str, Any]:
    assert (process.returncode, process.stderr) == (0, ""), process
    return json.loads(process.stdout)


def refused(process: subprocess.CompletedProcess[str], *words: str, status: int = 1) -> None:
    assert (process.returncode, process.stdout, process.stderr.count("\n")) == (status, "", 1), process
    assert all(word in process.stderr for word in words), process.stderr


def lines(file: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in file.read_text().splitlines()]


@pytest.fixture(scope="module")
def there(one_worker: Kanso) -> World:
    return World(Api(one_worker.url))


@pytest.fixture(scope="module")
def file(one_worker: Kanso, there: World, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace with something of every kind in it, and a run with all that hangs on one."""
    for kind in KINDS:
        kind.make(there)
    tags, repository = [there.tag()["name"]], there.code_repository()["id"]
    model = there.model(tags=tags)["id"]
    version = there.model_version(model, tags=tags)
    run = there.run(deployment=there.deployment(build=there.build()["id"], code_reference={
        "code_repository": repository, "commit": "c", "subdirectory": ""})["id"], pipeline=there.pipeline()["id"], tags=tags,
                    model_version_id=version["id"])
    output = there.artifact_version(tags=tags, artifact_store_id=there.artifact_store, visualizations=[
        {"type": "html", "uri": "/x"}])["id"]
    step = there.step(run, "load", outputs={"output": output}, logs={"uri": "/log", "artifact_store_id": there.artifact_store})
    cached = there.step(run, "train", inputs={"data": output}, parent_step_ids=[step["id"]], original_step_run_id=step["id"])
    there.metadata("step_run", cached["id"], loss=0.1, text="ünï 🚀 \" \\ \n")
    there.artifact_link(version, output)
    there.run_link(version, run["id"])
    there.secret(scope="user", values={"a": "1", "b": "ß🚀"})
    one_worker.sql("UPDATE service_connector SET resource_types = UNHEX('ff00fe') LIMIT 1; "
                   "UPDATE schedule SET interval_second = 0.1 LIMIT 1; UPDATE run_metadata SET value = 'NaN' WHERE `key` = 'loss'")
    path = tmp_path_factory.mktemp("export") / "workspace.jsonl"
    told(kansoctl(one_worker, "export", str(path), "--secrets", "--json"))
    return path


@pytest.fixture(scope="module")
def other(one_worker: Kanso) -> str:
    """A database of another server, with another key of secrets."""
    assert one_worker.mariadb
    name = one_worker.mariadb.new_database()
    assert kansoctl(one_worker, "migrate", database=name).returncode == 0
    one_worker.mariadb.sql("INSERT INTO user (id, created, updated, name, full_name, active, is_service_account, is_admin) "
                           f"SELECT id, created, updated, name, '', active, 1, 0 FROM {one_worker.database}.user WHERE is_service_account", name)
    return name


OTHER_KEY = {"ZENML_SECRETS_STORE_ENCRYPTION_KEY": "1" * 32}


def test_file(one_worker: Kanso, file: Path, tmp_path: Path) -> None:
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    head, *rows, end = lines(file)
    assert head | {"workspace": 0} == {"kanso_export": 1, "kanso": "0.1.0", "zenml": "0.66.0", "workspace": 0, "secrets": True}
    assert end == {"rows": len(rows)}
    assert {row["table"] for row in rows} >= {"stack", "stack_component", "flavor", "pipeline", "pipeline_run", "step_run", "tag_resource",
                                              "artifact_version", "model_version", "secret", "schedule", "trigger", "code_reference",
                                              "step_run_parents", "logs", "artifact_visualization", "run_metadata", "service"}
    values = [row["row"]["values"] for row in rows if row["table"] == "secret"]
    assert {"a": "1", "b": "ß🚀"} in values
    assert any(row["row"].get("resource_types") == {"base64": "/wD+"} for row in rows)
    assert not any("workspace_id" in row["row"] for row in rows)
    plain, small = tmp_path / "plain", tmp_path / "small"
    told(kansoctl(one_worker, "export", str(plain), "--json"))
    assert "ß🚀" not in plain.read_text() and not any(row.get("table") == "secret" for row in lines(plain))
    refused(kansoctl(one_worker, "export", str(plain)), "is there already")
    told(kansoctl(one_worker, "export", str(small), "--without-runs", "--json"))
    assert not {row.get("table") for row in lines(small)} & {"pipeline_run", "step_run", "artifact", "pipeline_deployment"}
    piped = kansoctl(one_worker, "export", "-")
    assert sorted(piped.stdout.splitlines()) == sorted(plain.read_text().splitlines())
    refused(kansoctl(one_worker, "export", str(tmp_path / "x"), "--workspace", "none"), "no workspace 'none'", status=4)
    refused(kansoctl(one_worker, "export", str(tmp_path / "x"), "--secrets", ZENML_SECRETS_STORE_ENCRYPTION_KEY="2" * 32), "ENCRYPTION_KEY")
    assert sorted(os.listdir(tmp_path)) == ["plain", "small"]


def test_into_another_server(one_worker: Kanso, file: Path, other: str, tmp_path: Path) -> None:
    """What is exported there again is the same, but for the default stack, which each workspace has of its own."""
    again, total = tmp_path / "again", len(lines(file)) - 2
    first = told(kansoctl(one_worker, "import", str(file), "--json", database=other, **OTHER_KEY))
    assert first["rows"] + first["known"] == total and 0 < first["known"] < 40
    second = told(kansoctl(one_worker, "import", str(file), "--json", database=other, **OTHER_KEY))
    assert (second["rows"], second["known"]) == (0, total)
    told(kansoctl(one_worker, "export", str(again), "--secrets", "--json", database=other, **OTHER_KEY))

    def own(path: Path) -> dict[tuple[str, str], str]:
        return {(line["table"], line["row"]["name"] + str(line["row"].get("type"))): line["row"]["id"] for line in lines(path)
                if line.get("table") in ("stack", "stack_component", "flavor") and line["row"]["name"]}

    text, ours = file.read_text(), own(again)
    for key, old in own(file).items():
        for form in (str, lambda x: f"{x[:8]}-{x[8:12]}-{x[12:16]}-{x[16:20]}-{x[20:]}"):
            text = text.replace(form(old), form(ours[key]))
    (tmp_path / "expected").write_text(text)
    expected, got = lines(tmp_path / "expected"), lines(again)
    for rows in expected, got:
        for row in rows:
            if row.get("table") in ("stack", "stack_component") and row["row"]["name"] == "default":
                row["row"] = {"id": row["row"]["id"]}
    assert sorted(map(json.dumps, expected[1:])) == sorted(map(json.dumps, got[1:]))


def test_into_another_workspace(one_worker: Kanso, there: World, file: Path, tmp_path: Path) -> None:
    """Of the same server: ids are renewed, and what refers to them follows. Runs would have names twice."""
    name, small = there.name("workspace"), tmp_path / "small"
    there.api.make("/workspaces", {"name": name, "description": ""})
    stack = there.stack(components={"orchestrator": [there.component()["id"]], "artifact_store": [there.artifact_store]})
    told(kansoctl(one_worker, "export", str(small), "--without-runs", "--json"))
    before = one_worker.sql("SELECT COUNT(*) FROM pipeline_run; SELECT COUNT(*) FROM stack; SELECT COUNT(*) FROM tag")
    refused(kansoctl(one_worker, "import", str(file), "--workspace", name), "pipeline_run", "nothing was imported")
    assert one_worker.sql("SELECT COUNT(*) FROM pipeline_run; SELECT COUNT(*) FROM stack; SELECT COUNT(*) FROM tag") == before
    first = told(kansoctl(one_worker, "import", str(small), "--workspace", name, "--json"))
    assert first["rows"] > 10
    second = told(kansoctl(one_worker, "import", str(small), "--workspace", name, "--json"))
    assert second["rows"] == 0 and second["known"] == len(lines(small)) - 2
    copy = there.api.read("/stacks", scope_workspace=there.api.read(f"/workspaces/{name}")["id"], name=stack["name"],
                          hydrate="true")["items"][0]
    assert copy["id"] != stack["id"]
    mine, theirs = stack["metadata"]["components"], copy["metadata"]["components"]
    assert mine["orchestrator"][0]["name"] == theirs["orchestrator"][0]["name"] and mine["orchestrator"][0]["id"] != theirs["orchestrator"][0]["id"]
    assert theirs["artifact_store"][0]["id"] != mine["artifact_store"][0]["id"]  # that workspace has a default of its own


def test_secrets_of_other_workspaces(one_worker: Kanso, there: World, file: Path, tmp_path: Path) -> None:
    """A connector of a file that was made for that does not get hold of them."""
    path, name = tmp_path / "reaching", there.name("ws")
    api = there.api
    secret = api.make(there.ws + "/secrets", there.owned | {"name": there.name("secret"), "values": {"a": "not-theirs"}})["id"]
    api.make("/workspaces", {"name": name})
    head, *rows = file.read_text().splitlines(keepends=True)
    row = json.loads(next(row for row in rows if '"table":"service_connector"' in row))
    row["row"]["secret_id"] = secret.replace("-", "")
    path.write_text(head + json.dumps(row) + "\n" + '{"rows":1}\n')
    assert told(kansoctl(one_worker, "import", str(path), "--workspace", name, "--json"))["rows"] == 1
    assert one_worker.sql(f"SELECT COUNT(*) FROM service_connector WHERE secret_id = '{row['row']['secret_id']}'")[0][0] == "0"


def test_what_is_refused(one_worker: Kanso, file: Path, tmp_path: Path) -> None:
    assert one_worker.mariadb
    empty, path = one_worker.mariadb.new_database(), tmp_path / "spoilt"
    assert kansoctl(one_worker, "migrate", database=empty).returncode == 0
    head, *rows = file.read_text().splitlines(keepends=True)
    tag = next(row for row in rows if '"table":"tag"' in row)
    secret = next(row for row in rows if '"table":"secret"' in row)
    link = next(row for row in rows if '"table":"step_run_parents"' in row)
    component = next(row for row in rows if '"table":"stack_component"' in row and '"connector_id":null' in row)
    end = '{"rows":1}\n'
    spoilt = [("", "no file of"), ("x\n", "no file of"), ("{}\n", "no file of"), (head, "not whole"),
              (head.replace('"kanso_export":1', '"kanso_export":2'), "later Kanso"), (head.replace("0.66.0", "0.70.0"), "not of ZenML 0.66.0"),
              (head + "".join(rows[:-1]), "not whole"), (head + tag + '{"rows":2}\n', "no row of a table"), (head + "[]\n", "no object"),
              (head + tag.replace('"table":"tag"', '"table":"user"') + end, "no row of a table"),
              (head + tag.replace('"color"', '"colour"') + end, "no column 'colour'"),
              (head + tag.replace('"color":', '"color":[],"name":') + end, "no text"), (head + tag + tag + '{"rows":2}\n', "needs an id"),
              (head + tag.replace('"id":"', '"id":"x') + end, "needs an id"), (head + link + end, "neither in the file nor here"),
              (head + secret.replace('"row":{', '"row":{"workspace_id":"%s",' % ("5" * 32)) + end, "names a workspace"),
              (head + component.replace('"connector_id":null', '"connector_id":"%s"' % ("5" * 32)) + end, "connector that is not in the file"),
              (head + secret.replace('{"user":"default"}', '{"user":"nobody"}') + end, "nobody", "--user")]
    before = one_worker.mariadb.sql("SELECT COUNT(*) FROM tag; SELECT COUNT(*) FROM secret", empty)
    for text, *said in spoilt:
        path.write_text(text)
        refused(kansoctl(one_worker, "import", str(path), database=empty), *said)
        assert one_worker.mariadb.sql("SELECT COUNT(*) FROM tag; SELECT COUNT(*) FROM secret", empty) == before
    refused(kansoctl(one_worker, "import", str(file), "--workspace", "none", database=empty), "no workspace 'none'", status=4)
    refused(kansoctl(one_worker, "import", str(tmp_path / "none"), database=empty), "there is no", status=4)
    path.write_text(head + secret.replace('{"user":"default"}', '{"user":"nobody"}') + end)
    assert told(kansoctl(one_worker, "import", str(path), "--user", "default", "--json", database=empty))["rows"] == 1
