"""kansoctl security-context, and the security contexts that deployments carry."""

from __future__ import annotations

import base64
import json
import os
import subprocess
from pathlib import Path

import pytest

from kit.api import NOBODY, fails
from kit.factory import World
from kit.process import BUILD
from kit.servers import Kanso, base_environment

pytestmark = pytest.mark.sanitize

KANSOCTL = BUILD / "bin" / "kansoctl"
CONTEXT = {"runAs": {"k8sServiceAccount": "sa"}, "secrets": [{"group": "g", "key": "k"}]}
WIRE = bytes.fromhex("0a041202736112060a01671a016b")


def security_context(*arguments: str, data: bytes = b"",
                     environment: dict[str, str] | None = None) -> tuple[int, bytes, str]:
    done = subprocess.run([KANSOCTL, "security-context", *arguments], input=data,
                          capture_output=True, env=environment or base_environment(), timeout=60)
    return done.returncode, done.stdout, done.stderr.decode()


def carrying(world: World, context: object) -> dict:
    return world.deployment_body(
        pipeline_configuration={"name": "p", "extra": {"security_context": context, "other": 1}})


# The command on standard streams

def test_encode() -> None:
    data = json.dumps(CONTEXT).encode()
    text = base64.b64encode(WIRE) + b"\n"
    assert security_context("encode", data=data) == (0, text, "")
    assert security_context("encode", "--to", "base64", data=data) == (0, text, "")
    assert security_context("encode", "--to", "binary", data=data) == (0, WIRE, "")
    assert security_context("encode", "--to=binary", data=b'{"secrets":[]}') == (0, b"", "")
    assert security_context("encode", "--message", "Secret", "--to", "binary",
                            data=b'{"group":"g"}') == (0, b"\x0a\x01g", "")


def test_decode() -> None:
    for form, data in {"base64": base64.b64encode(WIRE) + b"\n", "binary": WIRE}.items():
        status, out, problem = security_context("decode", "--from", form, data=data)
        assert (status, json.loads(out), problem) == (0, CONTEXT, "")
    assert security_context("decode")[:2] == (0, b"{}\n")


def test_readable_form() -> None:
    text = (b"Flyte Serialized object (SecurityContext):\n  run_as:\n    k8s_service_account: sa\n"
            b'  secrets: [group: "g" key: "k" ]\n')
    assert security_context("show", "--from", "binary", data=WIRE) == (0, text, "")
    assert security_context("show", "--from", "json", data=json.dumps(CONTEXT).encode())[1] == text


@pytest.mark.parametrize("arguments, data, reason", [
    (["encode"], b"{}", "run_as, secrets and tokens are all null"),
    (["encode"], b"{", "not JSON"),
    (["encode"], b"", "not JSON"),
    (["encode"], b'{"secrets":[{"key":"k"}]}', "secrets[0]: Group is a required parameter"),
    (["encode"], b'{"secret":[]}', 'no member "secret"'),
    (["encode"], b" " * 3_000_000, "too long"),
    (["decode"], b"?", "not base64"),
    (["decode", "--from", "binary"], b"\x12\x80\xc2\xd7\x2f", "truncated"),
    (["decode", "--from", "binary"], b"\x0b" * 100_000, "wire type"),
    (["decode", "--from", "binary"], b"\x12\x02\x20\x07", "7 is not a valid Secret.MountType"),
    (["decode", "--from", "binary"], b"\x12\x00" * 600_000, "longer than"),
])
def test_refused_input(arguments: list[str], data: bytes, reason: str) -> None:
    status, out, problem = security_context(*arguments, data=data)
    assert (status, out) == (1, b"") and reason in problem and problem.count("\n") == 1


@pytest.mark.parametrize("arguments", [
    [], ["seal"], ["encode", "--to", "json"], ["decode", "--to", "base64"], ["decode", "--from"],
    ["encode", "more"], ["encode", "--message", "Token"], ["show", "--json"],
    ["show", "--run", "x"], ["show", "--run", NOBODY, "--from", "json"], ["decode", "--fast"],
])
def test_wrong_command_lines(arguments: list[str]) -> None:
    status, out, problem = security_context(*arguments)
    assert (status, out) == (2, b"") and "--help" in problem


def test_help() -> None:
    for arguments in (["--help"], ["encode", "--help"], ["show", "-h"]):
        status, out, _ = security_context(*arguments)
        assert status == 0 and out.startswith(b"Usage: kansoctl security-context")


# Deployments and runs

def test_deployment_carries_a_context(world: World) -> None:
    for context in (CONTEXT, base64.b64encode(WIRE).decode(), {}, None):
        body = carrying(world, context)
        made = world.api.make(world.ws + "/pipeline_deployments", body)
        extra = made["metadata"]["pipeline_configuration"]["extra"]
        assert extra == body["pipeline_configuration"]["extra"]


@pytest.mark.parametrize("context, reason", [
    ({"secrets": [{"key": "k"}]}, "secrets[0]: Group is a required parameter"),
    ({"secrets": [{"group": "g", "envVar": "a-b"}]},
     "secrets[0]: Invalid environment variable name: a-b"),
    ({"roles": []}, 'no member "roles"'),
    ({"tokens": [{"client": {"clientSecret": "s3cr3t"}}]}, "tokens[0].client.clientSecret"),
    ("%%%", "not base64"),
    ("EgI=", "truncated"),
    ([], "expected an object"),
    (5, "expected an object"),
])
def test_deployment_with_a_wrong_context(world: World, server: Kanso, context: object,
                                         reason: str) -> None:
    if not isinstance(server, Kanso):
        pytest.skip("the reference has no such rule")
    answer = world.api.post(world.ws + "/pipeline_deployments", carrying(world, context))
    message = fails(answer, 422, "ValueError")
    assert "extra.security_context" in message and reason in message and "s3cr3t" not in message


def shown(server: Kanso, run: str, *arguments: str) -> tuple[int, str, str]:
    status, out, problem = security_context("show", "--run", run, *arguments,
                                            environment=server.environment)
    return status, out.decode(), problem


@pytest.fixture
def kanso(server: Kanso) -> Kanso:
    if not isinstance(server, Kanso):
        pytest.skip("needs Kanso's database")
    return server


def test_show_a_run(world: World, kanso: Kanso) -> None:
    store = world.secret(values={"password": "s3cr3t-value", "user": "u"})
    mine = world.secret(values={"password": "s3cr3t-mine"}, name=store["name"], scope="user")
    client = world.secret(values={"id": "s3cr3t-id"})
    context = {
        "runAs": {"iamRole": "arn:aws:iam::1:role/r"},
        "secrets": [
            {"group": store["name"], "key": "password", "groupVersion": "v7",
             "mountRequirement": "ENV_VAR", "envVar": "DB_PASSWORD"},
            {"group": store["name"], "key": "user", "mountRequirement": "FILE"},
            {"group": client["name"]},
            {"group": world.name("absent"), "key": "k"},
        ],
        "tokens": [{"name": "tok", "tokenEndpoint": "https://idp/token", "client": {
            "clientId": "cid", "clientSecret": {"group": client["name"], "key": "id"}}}],
    }
    deployment = world.api.make(world.ws + "/pipeline_deployments", carrying(world, context))
    run = world.run(deployment=deployment["id"])

    status, out, problem = shown(kanso, run["id"], "--json")
    assert (status, problem) == (0, "") and "s3cr3t" not in out
    found = json.loads(out)
    assert found["run"] == {"id": run["id"], "name": run["name"], "workspace": "default"}
    assert found["acting_as"] == {"type": "user", "id": world.user, "name": "default"}
    assert found["security_context"] == context
    assert [(s["exists"], s["scope"], s["secret_id"]) for s in found["secrets"]] == [
        (True, "user", mine["id"]), (False, "user", mine["id"]),
        (True, "workspace", client["id"]), (False, None, None), (True, "workspace", client["id"])]
    assert found["secrets"][0] == {
        "group": store["name"], "key": "password", "group_version": "v7",
        "mount_requirement": "ENV_VAR", "env_var": "DB_PASSWORD", "purpose": None,
        "exists": True, "state": "exists", "secret_id": mine["id"], "scope": "user"}
    assert found["secrets"][4]["purpose"] == "client secret of token tok"

    status, out, problem = shown(kanso, run["id"])
    assert (status, problem) == (0, "") and "s3cr3t" not in out
    for part in (run["name"], run["id"], "user default", "arn:aws:iam::1:role/r", store["name"],
                 "version v7", "ENV_VAR DB_PASSWORD", "as FILE", "no such secret", "no such key",
                 "client cid", "https://idp/token"):
        assert part in out


def test_show_with_another_encryption_key(world: World, kanso: Kanso) -> None:
    name = world.secret()["name"]
    body = carrying(world, {"secrets": [{"group": name, "key": "key"}]})
    deployment = world.api.make(world.ws + "/pipeline_deployments", body)
    run = world.run(deployment=deployment["id"])
    environment = kanso.environment | {"ZENML_SECRETS_STORE_ENCRYPTION_KEY": "another"}
    status, out, _ = security_context("show", "--run", run["id"], "--json",
                                      environment=environment)
    assert status == 0
    secret = json.loads(out)["secrets"][0]
    assert not secret["exists"] and "cannot be read" in secret["state"]


def test_show_a_run_without_context(world: World, kanso: Kanso) -> None:
    run = world.run()
    status, out, _ = shown(kanso, run["id"])
    assert status == 0 and "security context: none" in out
    found = json.loads(shown(kanso, run["id"].replace("-", ""), "--json")[1])
    assert found["security_context"] is None and found["secrets"] == []


def test_show_an_unknown_run(kanso: Kanso) -> None:
    status, out, problem = shown(kanso, NOBODY)
    assert (status, out) == (1, "") and NOBODY in problem


def test_show_by_the_settings_of_kanso_conf(world: World, kanso: Kanso, tmp_path: Path) -> None:
    conf = tmp_path / "kanso.conf"
    url = kanso.environment["ZENML_STORE_URL"]
    conf.write_text(f'# where it is\nZENML_STORE_URL="{url}"\n')
    environment = base_environment() | {"KANSO_CONF": str(conf)}
    run = world.run()
    assert security_context("show", "--run", run["id"], environment=environment)[0] == 0
    environment |= {"ZENML_STORE_URL": "mysql://u:p@127.0.0.1:1/db"}  # this wins
    assert security_context("show", "--run", run["id"], environment=environment)[0] == 1


def test_show_without_a_database(tmp_path: Path) -> None:
    environment = base_environment() | {"KANSO_CONF": os.devnull, "KANSO_HOME": str(tmp_path)}
    status, out, problem = security_context("show", "--run", NOBODY, environment=environment)
    assert (status, out) == (1, b"") and "ZENML_STORE_URL" in problem
    environment |= {"ZENML_STORE_URL": "mysql://u:p4ss@127.0.0.1:1/db"}
    status, out, problem = security_context("show", "--run", NOBODY, environment=environment)
    assert (status, out) == (1, b"") and "database" in problem and "p4ss" not in problem
    del environment["ZENML_STORE_URL"]
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc" / "database-password").write_text("p4ss")  # a private one that is not up
    status, out, problem = security_context("show", "--run", NOBODY, environment=environment)
    assert (status, out) == (1, b"") and "database" in problem and "p4ss" not in problem
