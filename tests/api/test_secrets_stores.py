"""Secrets in stores outside of the database, and in two stores at once."""

from __future__ import annotations

import json
import os
import re
import signal
import threading
import time
from contextlib import contextmanager
from typing import Any, Callable, Iterator

import pytest

from kit.api import NOBODY, Api, fails, missing, ok
from kit.ctl import kansoctl
from kit.factory import World
from kit.provider import Provider
from kit.secrets_stores import Azure, Double, Google, Held, Vault
from kit.servers import Kanso

VALUES = {"username": "admin", "pässword": "s3cr€t\n\"", "n": ""}
PRIMARY, BACKUP = "ZENML_SECRETS_STORE_", "ZENML_BACKUP_SECRETS_STORE_"


@pytest.fixture(scope="module")
def doubles(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Double]]:
    providers = [Provider() for _ in range(3)]
    yield {"hashicorp": Vault(providers[0]), "gcp": Google(providers[1], tmp_path_factory.mktemp("google")),
           "azure": Azure(providers[2])}
    for provider in providers:
        provider.stop()


class Place:
    """A Kanso, its primary store and its backup store; None: the database, or none."""

    def __init__(self, kanso: Kanso, primary: Double | None, backup: Double | None) -> None:
        self.kanso, self.primary, self.backup = kanso, primary, backup
        self.world = World(Api(kanso.url))
        self.api = self.world.api
        self.server = self.api.read("/info")["id"]

    def column(self, secret: str) -> str | None:
        return self.kanso.sql(f"SELECT COALESCE(`values`, 'NULL') FROM secret WHERE id = '{secret.replace('-', '')}'")[0][0]

    def labels(self, secret: str) -> dict[str, str]:
        return {"zenml": self.server, "zenml_secret_id": secret}


def store_environment(primary: Double | None, backup: Double | None) -> dict[str, str]:
    endpoints = ",".join(double.endpoints for double in (primary, backup) if double and double.endpoints)
    none = {"ZENML_SECRETS_STORE_ENCRYPTION_KEY": ""} if primary else {}
    return (none | (primary.environment(PRIMARY) if primary else {}) | (backup.environment(BACKUP) if backup else {})
            | {"KANSO_CONNECTOR_ENDPOINTS": endpoints, "KANSO_WORKERS": "all"})


@pytest.fixture(scope="module")
def two(launch: Callable[..., Kanso], doubles: dict[str, Double]) -> Place:
    """Vault, with Google behind it."""
    primary, backup = doubles["hashicorp"], doubles["gcp"]
    return Place(launch(**store_environment(primary, backup)), primary, backup)


@pytest.fixture(scope="module")
def beside_sql(launch: Callable[..., Kanso], doubles: dict[str, Double]) -> Place:
    """The database, with Azure behind it."""
    return Place(launch(**store_environment(None, doubles["azure"])), None, doubles["azure"])


@pytest.fixture(params=["two", "beside_sql"])
def place(request: pytest.FixtureRequest) -> Iterator[Place]:
    found = request.getfixturevalue(request.param)
    yield found
    for double in (found.primary, found.backup):
        if double:
            double.fault = None


def stores(place: Place) -> list[Double]:
    return [double for double in (place.primary, place.backup) if double]


def test_what_info_tells(two: Place, beside_sql: Place) -> None:
    assert two.api.read("/info")["secrets_store_type"] == "hashicorp"
    assert beside_sql.api.read("/info")["secrets_store_type"] == "sql"


def test_a_life(place: Place) -> None:
    made = place.world.secret(values=VALUES)
    path = "/secrets/" + made["id"]
    assert made["body"]["values"] == VALUES and place.api.read(path) == made
    for double in stores(place):
        assert double.held[made["id"]] == Held(VALUES, place.labels(made["id"]))
    assert (place.column(made["id"]) == "NULL") == (place.primary is not None)
    assert place.api.change(path, {"values": {"a": "1", "n": None}}, patch_values="true")["body"]["values"] == {
        "username": "admin", "pässword": VALUES["pässword"], "a": "1"}
    assert place.api.change(path, {"values": {"b": "2"}, "name": place.world.name("s")})["body"]["values"] == {"b": "2"}
    assert place.api.read(path)["body"]["values"] == {"b": "2"}
    assert all(double.held[made["id"]].values == {"b": "2"} for double in stores(place))
    place.api.remove(path)
    assert not [double for double in stores(place) if made["id"] in double.held]
    missing(place.api.get(path))


def test_what_is_refused_leaves_nothing(place: Place) -> None:
    """A name that is taken: the values are written last, so they never are."""
    made = place.world.secret(values=VALUES)
    before = [dict(double.held) for double in stores(place)]
    calls = [len(double.provider.calls) for double in stores(place)]
    fails(place.api.post(place.world.ws + "/secrets", place.world.owned | {"name": made["name"], "values": {"a": "b"}}),
          409, "EntityExistsError")
    assert [dict(double.held) for double in stores(place)] == before
    assert [len(double.provider.calls) for double in stores(place)] == calls


def connector(place: Place, **changes: Any) -> dict[str, Any]:
    return place.world.owned | {"name": place.world.name("c"), "connector_type": "docker", "auth_method": "password",
                                "resource_types": ["docker-registry"],
                                "configuration": {"username": "me", "password": "shh"}} | changes


def secret_of(place: Place, made: dict[str, Any]) -> str:
    return made["metadata"]["secret_id"]


def test_secrets_of_connectors(place: Place) -> None:
    made = place.api.make(place.world.ws + "/service_connectors", connector(place))
    path, secret = "/service_connectors/" + made["id"], secret_of(place, made)
    for double in stores(place):
        assert double.held[secret].values == {"username": "me", "password": "shh"}
    assert place.api.read(path)["metadata"]["configuration"]["password"] == "shh"
    assert "password" not in place.api.read(path, expand_secrets="false")["metadata"]["configuration"]
    found = place.api.items("/service_connectors", id=made["id"], hydrate="true")
    assert found[0]["metadata"]["configuration"]["password"] == "shh"
    changed = place.api.change(path, {"configuration": {"username": "you", "password": "new"}, "auth_method": "password"})
    other = secret_of(place, changed)
    for double in stores(place):
        assert secret not in double.held and double.held[other].values == {"username": "you", "password": "new"}
    place.api.remove(path)
    assert not [double for double in stores(place) if other in double.held]


def test_secrets_of_event_sources(place: Place) -> None:
    made = place.api.make("/event-sources", place.world.owned | {
        "name": place.world.name("e"), "flavor": "github", "plugin_subtype": "webhook", "configuration": {"repo": "a/b"}})
    secret = next(iter({found for double in stores(place) for found in double.held
                        if "webhook_secret" in (double.held[found].values or {})}))
    value = made["metadata"]["configuration"]["webhook_secret"]
    assert all(double.held[secret].values == {"webhook_secret": value} for double in stores(place))
    place.api.remove("/event-sources/" + made["id"])
    assert not [double for double in stores(place) if secret in double.held]


def test_a_workspace_takes_its_secrets_along(place: Place) -> None:
    workspace = place.api.make("/workspaces", {"name": place.world.name("w")})
    made = place.api.make(f"/workspaces/{workspace['name']}/secrets", place.world.owned | {
        "workspace": workspace["id"], "name": place.world.name("s"), "values": VALUES})
    assert all(made["id"] in double.held for double in stores(place))
    place.api.remove("/workspaces/" + workspace["id"])
    assert not [double for double in stores(place) if made["id"] in double.held]


def test_references_in_components(two: Place) -> None:
    made = two.world.secret(values={"uri": "http://127.0.0.1:1", "name": "me", "word": "shh"})
    body = two.world.owned | {"name": two.world.name("t"), "type": "experiment_tracker", "flavor": "mlflow"}

    def tracker(key: str) -> dict[str, Any]:
        reference = "{{" + made["name"] + "."
        return body | {"configuration": {"tracking_uri": reference + "uri}}", "tracking_username": reference + "name}}",
                                         "tracking_password": reference + key + "}}"}}

    missing(two.api.post(two.world.ws + "/components", tracker("nothing")))
    ok(two.api.post(two.world.ws + "/components", tracker("word")))


def test_other_servers_secrets_are_not_there(two: Place) -> None:
    """What another server has put into a shared store under the same id is not this server's."""
    made = two.world.secret(values=VALUES)
    for labels in ({"zenml": NOBODY, "zenml_secret_id": made["id"]}, {"zenml": two.server, "zenml_secret_id": NOBODY}, {}):
        for double in stores(two):
            double.held[made["id"]] = Held({"a": "another"}, dict(labels))
        missing(two.api.get("/secrets/" + made["id"]))


# Two stores

def refuse(call: Any) -> Any:
    return 500, json.dumps({"error": {"message": "out of order"}, "errors": ["out of order"]}), {}


def test_reading_falls_back(two: Place) -> None:
    made = two.world.secret(values=VALUES)
    path = "/secrets/" + made["id"]
    two.primary.fault = refuse
    try:
        assert two.api.read(path)["body"]["values"] == VALUES
        assert two.api.change(path, {"values": {"a": "1"}})["body"]["values"] == {"a": "1"}
        assert two.backup.held[made["id"]].values == {"a": "1"}
        other = two.world.secret(values={"b": "2"})  # one of the stores has taken it
        assert other["id"] not in two.primary.held and other["id"] in two.backup.held
        two.backup.fault = refuse
        answer = two.api.get(path)
        fails(answer, 500, "RuntimeError")
        assert "out of order" in answer.text and "secrets store (hashicorp)" in answer.text
        fails(two.api.put(path, {"values": {"c": "3"}}), 500, "RuntimeError")
        fails(two.api.delete(path), 500, "RuntimeError")
    finally:
        two.primary.fault = two.backup.fault = None
    assert two.primary.held[made["id"]].values == VALUES  # which nobody has told it to forget
    assert two.api.read("/secrets/" + other["id"])["body"]["values"] == {"b": "2"}
    assert two.primary.held[other["id"]].values == {"b": "2"}  # put back by reading


def test_values_are_put_back_into_the_column(beside_sql: Place) -> None:
    made = beside_sql.world.secret(values=VALUES)
    beside_sql.kanso.sql(f"UPDATE secret SET `values` = NULL WHERE id = '{made['id'].replace('-', '')}'")
    assert beside_sql.api.read("/secrets/" + made["id"])["body"]["values"] == VALUES
    assert beside_sql.column(made["id"]) != "NULL"


def test_backup_store_that_is_down_holds_nobody_up(beside_sql: Place) -> None:
    beside_sql.backup.fault = refuse
    try:
        made = beside_sql.world.secret(values=VALUES)
        assert beside_sql.api.change("/secrets/" + made["id"], {"values": {"a": "1"}})["body"]["values"] == {"a": "1"}
        beside_sql.api.remove("/secrets/" + made["id"])
    finally:
        beside_sql.backup.fault = None


def wipe(place: Place) -> None:
    """No secrets but those that a test makes."""
    place.kanso.sql("DELETE FROM secret")
    for double in stores(place):
        double.held.clear()


def operate(place: Place, what: str, **query: Any) -> Any:
    return place.api.put("/secrets_operations/" + what, **query)


def test_backup_and_restore(place: Place) -> None:
    wipe(place)
    made = [place.world.secret(values={"n": str(n)})["id"] for n in range(3)]

    def primary() -> list[Any]:
        if place.primary:
            return [place.primary.held[one].values if one in place.primary.held else None for one in made]
        return [None if place.column(one) == "NULL" else "there" for one in made]

    there = [{"n": str(n)} for n in range(3)] if place.primary else ["there"] * 3
    place.backup.held.clear()
    assert ok(operate(place, "backup")) is None
    assert [place.backup.held[one] for one in made] == [Held({"n": str(n)}, place.labels(made[n])) for n in range(3)]
    assert primary() == there
    ok(operate(place, "backup", delete_secrets="true"))
    assert primary() == [None] * 3 and len(place.backup.held) == 3
    ok(operate(place, "restore"))
    assert primary() == there and len(place.backup.held) == 3
    ok(operate(place, "restore", delete_secrets="true"))
    assert primary() == there and not place.backup.held
    assert place.api.read("/secrets/" + made[2])["body"]["values"] == {"n": "2"}


def test_errors_of_backups(two: Place) -> None:
    wipe(two)
    made = [two.world.secret(values={"n": str(n)})["id"] for n in range(3)]
    del two.primary.held[made[1]]
    two.backup.held.clear()
    missing(operate(two, "backup", ignore_errors="false"))
    assert list(two.backup.held) == [made[0]]
    ok(operate(two, "backup"))
    assert list(two.backup.held) == [made[0], made[2]]
    missing(operate(two, "restore"))
    ok(operate(two, "restore", ignore_errors="true"))
    assert ok(two.api.put("/secrets_operations/backup", ignore_errors="true", delete_secrets="false")) is None


# Stores that fail

def cut_off(call: Any) -> Any:
    return 200, "{", {"Content-Length": "1000", "Connection": "close"}



FAULTS: dict[str, tuple[Callable[[Any], Any], str]] = {
    "refused": (lambda call: (403, json.dumps({"errors": ["permission denied"]}), {}), "permission denied"),
    "redirected": (lambda call: (302, "", {"Location": "http://127.0.0.1:1/"}), "status 302"),
    "not JSON": (lambda call: (200, "<html>", {}), "not marked as a secret of this server"),
    "another document": (lambda call: (200, "[]", {}), "not marked as a secret of this server"),
}


@pytest.fixture(scope="module")
def alone(launch: Callable[..., Kanso], doubles: dict[str, Double]) -> Place:
    """Vault alone."""
    return Place(launch(**store_environment(doubles["hashicorp"], None)), doubles["hashicorp"], None)


@pytest.mark.parametrize("fault", FAULTS)
def test_reading_from_a_store_that_fails(alone: Place, fault: str) -> None:
    made = alone.world.secret(values=VALUES)
    alone.primary.fault, expected = FAULTS[fault]
    try:
        answer = alone.api.get("/secrets/" + made["id"])
    finally:
        alone.primary.fault = None
    if "marked" in expected:
        missing(answer)
    else:
        fails(answer, 500, "RuntimeError")
        assert expected in answer.text and Vault.TOKEN not in answer.text


@pytest.mark.parametrize("fault", ["refused", "cut off", "new ones refused"])
def test_writing_to_a_store_that_fails(alone: Place, fault: str) -> None:
    """Nothing has changed afterwards, in the database or in the store; with each way of writing."""
    made, linked = alone.world.secret(values=VALUES), alone.api.make(
        alone.world.ws + "/service_connectors", connector(alone))
    before = dict(alone.primary.held), alone.kanso.sql("SELECT * FROM secret ORDER BY id"), alone.kanso.sql(
        "SELECT id, name, secret_id FROM service_connector ORDER BY id")
    path = "/secrets/" + made["id"]
    broken = {"refused": FAULTS["refused"][0], "cut off": cut_off, "new ones refused": FAULTS["refused"][0]}[fault]
    removals = ["DELETE"] if fault == "new ones refused" else []
    alone.primary.fault = lambda call: None if call.method in ["GET", *removals] else broken(call)
    calls = [
        lambda: alone.api.post(alone.world.ws + "/secrets", alone.world.owned | {"name": "new", "values": VALUES}),
        lambda: alone.api.put(path, {"name": alone.world.name("s"), "values": {"a": "b"}}),
        lambda: alone.api.post(alone.world.ws + "/service_connectors", connector(alone)),
        lambda: alone.api.put("/service_connectors/" + linked["id"], {
            "configuration": {"username": "you", "password": "new"}, "auth_method": "password"})]
    if not removals:
        calls += [lambda: alone.api.delete(path), lambda: alone.api.delete("/service_connectors/" + linked["id"])]
    try:
        for call in calls:
            answer = call()
            fails(answer, 500, "RuntimeError")
            assert "The secrets store (hashicorp)" in answer.text
    finally:
        alone.primary.fault = None
    assert (dict(alone.primary.held), alone.kanso.sql("SELECT * FROM secret ORDER BY id"), alone.kanso.sql(
        "SELECT id, name, secret_id FROM service_connector ORDER BY id")) == before


def test_a_slow_store(alone: Place) -> None:
    """The time-out of the store ends the request, which tells so, and no other request waits for it."""
    made = alone.world.secret(values=VALUES)
    released = threading.Event()
    alone.primary.fault = lambda call: released.wait(30) and None
    begin = time.monotonic()
    try:
        with calling(lambda: alone.api.get("/secrets/" + made["id"])) as answers:
            assert Api(alone.kanso.url).read("/info")["id"] == alone.server
            assert not answers
        assert 7 < time.monotonic() - begin < 25
    finally:
        released.set()
        alone.primary.fault = None
    fails(answers[0], 500, "RuntimeError")
    assert "imeout" in answers[0].text or "time" in answers[0].text
    assert alone.api.read("/secrets/" + made["id"])["body"]["values"] == VALUES


@contextmanager
def calling(call: Callable[[], Any]) -> Iterator[list[Any]]:
    """Makes a call beside the block, whose end waits for it; then its answer, or what became of it, is in the list."""
    answers: list[Any] = []

    def run() -> None:
        try:
            answers.append(call())
        except Exception as error:  # the server is killed
            answers.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield answers
    finally:
        thread.join(60)


@contextmanager
def held_up(double: Double, method: str, done: bool) -> Iterator[tuple[threading.Event, threading.Event]]:
    """Calls of that method are held up until the end of the block, when they are `done` already or before. The first event tells
    that there was one, the second lets it go on."""
    arrived, released, reply = threading.Event(), threading.Event(), double.provider.reply

    def late(call: Any) -> Any:
        if call.method != method or not re.search("/(data|metadata)/", call.path):
            return reply(call)
        answer = reply(call) if done else None
        arrived.set()
        released.wait(60)
        return answer or (500, "", {})

    double.provider.reply = late  # type: ignore[method-assign]
    try:
        yield arrived, released
    finally:
        released.set()
        double.provider.reply = reply  # type: ignore[method-assign]


@pytest.mark.parametrize("done", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("what", ["create", "update", "delete"])
def test_killed_in_between(alone: Place, what: str, done: bool) -> None:
    """The workers are killed while the store is asked for the change, or when it has made it: what model/secret.h says is left."""
    made = alone.world.secret(values=VALUES)
    path, name = "/secrets/" + made["id"], alone.world.name("s")
    body = alone.world.owned | {"name": name, "values": {"a": "b"}}
    call = {"create": lambda: alone.api.post(alone.world.ws + "/secrets", body),
            "update": lambda: alone.api.put(path, {"name": name, "values": {"a": "b"}}),
            "delete": lambda: alone.api.delete(path)}[what]
    before = set(alone.primary.held)
    with held_up(alone.primary, "DELETE" if what == "delete" else "POST", done) as (arrived, _), calling(call):
        assert arrived.wait(30)
        for worker in alone.kanso.workers():
            os.kill(worker, signal.SIGKILL)
    deadline = time.monotonic() + 60
    while not alone.kanso.healthy() and time.monotonic() < deadline:
        time.sleep(0.05)
    if what == "create":
        assert alone.api.ids("/secrets", name=name) == [] and len(set(alone.primary.held) - before) == int(done)
        assert ok(alone.api.post(alone.world.ws + "/secrets", body))["body"]["values"] == {"a": "b"}
    elif what == "update":
        found = alone.api.read(path)
        assert found["name"] == made["name"] and found["body"]["values"] == ({"a": "b"} if done else VALUES)
        assert alone.api.change(path, {"name": name, "values": {"c": "d"}})["body"]["values"] == {"c": "d"}
    else:
        assert alone.api.get(path).status_code == (404 if done else 200)
        assert alone.api.ids("/secrets", id=made["id"]) == [made["id"]]
        alone.api.remove(path)
        assert made["id"] not in alone.primary.held and alone.api.ids("/secrets", id=made["id"]) == []


def test_refused_commits_are_undone(alone: Place) -> None:
    """The database refuses what comes behind the store's part: the COMMIT of a transaction that it has ended."""
    made = alone.world.secret(values=VALUES)
    path = "/secrets/" + made["id"]
    calls = {"POST": [lambda: alone.api.post(alone.world.ws + "/secrets", alone.world.owned | {
        "name": alone.world.name("s"), "values": VALUES}), lambda: alone.api.put(path, {"values": {"a": "b"}})],
        "DELETE": [lambda: alone.api.delete(path)]}
    for method, each in calls.items():
        for call in each:
            with held_up(alone.primary, method, True) as (arrived, released), calling(call) as answers:
                assert arrived.wait(30)
                for (connection,) in alone.kanso.sql(
                        "SELECT trx_mysql_thread_id FROM information_schema.innodb_trx"):
                    try:
                        alone.kanso.sql(f"KILL {connection}")
                    except RuntimeError as gone:  # a short one of somebody else's, which has ended meanwhile
                        assert "1094" in str(gone), gone
                released.set()
            assert answers[0].status_code == 503, answers[0].text
            rows = alone.api.ids("/secrets")
            assert made["id"] in rows and set(rows) <= set(alone.primary.held)
            assert alone.api.read(path)["body"]["values"] in (VALUES, {"a": "b"})


def test_expired_tokens(two: Place) -> None:
    """A token that the store takes no longer is replaced by a new one within the same request."""
    made = two.world.secret(values=VALUES)
    two.primary.fault = refuse
    try:
        for _ in range(2):  # by each worker
            assert two.api.read("/secrets/" + made["id"])["body"]["values"] == VALUES
        two.backup.tokens.clear()
        for _ in range(2):
            assert two.api.read("/secrets/" + made["id"])["body"]["values"] == VALUES
        assert 1 <= len(two.backup.tokens) <= 2
    finally:
        two.primary.fault = None


# Configuration

WRONG: dict[str, tuple[dict[str, str], str]] = {
    "an unknown type": ({"TYPE": "files"}, "TYPE is 'files'; expected sql, aws"),
    "rest": ({"TYPE": "rest"}, "TYPE is 'rest'"),
    "custom": ({"TYPE": "custom"}, "a Python class cannot be loaded here"),
    "sql with more": ({"TYPE": "sql", "VAULT_ADDR": "http://x"}, "VAULT_ADDR is set, which the"),
    "no method": ({"TYPE": "aws"}, "AUTH_METHOD is not set"),
    "an unknown method": ({"TYPE": "aws", "AUTH_METHOD": "magic", "AUTH_CONFIG": "{}"}, "AUTH_METHOD"),
    "no JSON": ({"TYPE": "gcp", "AUTH_METHOD": "implicit", "AUTH_CONFIG": "{shh"}, "AUTH_CONFIG is not a JSON object"),
    "no region": ({"TYPE": "aws", "AUTH_METHOD": "implicit"}, "'region'"),
    "no key": ({"TYPE": "aws", "AUTH_METHOD": "secret-key", "AUTH_CONFIG": '{"region": "x"}'}, "'aws_access_key_id'"),
    "no project": ({"TYPE": "gcp", "AUTH_METHOD": "external-account", "AUTH_CONFIG": json.dumps({"external_account_json": json.dumps({
        "type": "external_account", "subject_token_type": "x", "token_url": "https://sts.googleapis.com"})})}, "'project_id'"),
    "no vault of Azure's": ({"TYPE": "azure", "AUTH_METHOD": "implicit"}, "KEY_VAULT_NAME is not set"),
    "a bad name": ({"TYPE": "azure", "AUTH_METHOD": "implicit", "KEY_VAULT_NAME": "a.example.org/"}, "KEY_VAULT_NAME is 'a.ex"),
    "no address": ({"TYPE": "hashicorp", "VAULT_TOKEN": "shh"}, "VAULT_ADDR is not set"),
    "no URL": ({"TYPE": "hashicorp", "VAULT_ADDR": "ftp://u:shh@vault", "VAULT_TOKEN": "shh"}, "VAULT_ADDR is no URL"),
    "no token": ({"TYPE": "hashicorp", "VAULT_ADDR": "http://vault:8200"}, "VAULT_TOKEN is not set"),
    "a number": ({"TYPE": "hashicorp", "VAULT_ADDR": "http://v", "VAULT_TOKEN": "shh", "MAX_VERSIONS": "many"}, "MAX_VERSIONS is 'many'"),
    "no file": ({"TYPE": "gcp", "PROJECT_ID": "p"}, "GOOGLE_APPLICATION_CREDENTIALS"),
}


@pytest.mark.parametrize("prefix", [PRIMARY, BACKUP])
@pytest.mark.parametrize("what", WRONG)
def test_unusable_configurations(prefix: str, what: str) -> None:
    settings, expected = WRONG[what]
    done = kansoctl("check", GOOGLE_APPLICATION_CREDENTIALS="/nowhere", ZENML_STORE_URL="mysql://a:b@127.0.0.1:1/c",
                    **{prefix + name: value for name, value in settings.items()})
    assert done.returncode != 0 and "shh" not in done.stderr
    assert expected in done.stderr, done.stderr
    assert (prefix in done.stderr) or expected.startswith("GOOGLE")


@pytest.mark.parametrize(("settings", "expected"), [
    ({"ZENML_BACKUP_SECRETS_STORE_VAULT_ADDR": "http://v"}, "ZENML_BACKUP_SECRETS_STORE_VAULT_ADDR is set, but not"),
    ({"ZENML_BACKUP_SECRETS_STORE_TYPE": "sql"}, "both would be the same column")])
def test_unusable_pairs(settings: dict[str, str], expected: str) -> None:
    assert expected in kansoctl("check", ZENML_STORE_URL="mysql://a:b@127.0.0.1:1/c", **settings).stderr


def test_older_forms(tmp_path: Any, doubles: dict[str, Double]) -> None:
    """They are complete."""
    key = tmp_path / "key.json"
    key.write_text(doubles["gcp"].key_file())  # type: ignore[attr-defined]
    for settings in ({"TYPE": "aws", "REGION_NAME": "eu-west-1"},
                     {"TYPE": "aws", "REGION_NAME": "eu-west-1", "AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b"},
                     {"TYPE": "gcp", "PROJECT_ID": "proj"},
                     {"TYPE": "azure", "KEY_VAULT_NAME": "abc", "AZURE_CLIENT_ID": NOBODY, "AZURE_CLIENT_SECRET": "shh",
                      "AZURE_TENANT_ID": NOBODY}):
        for more in ({}, {"GOOGLE_APPLICATION_CREDENTIALS": str(key)}):
            done = kansoctl("check", ZENML_STORE_URL="mysql://a:b@127.0.0.1:1/c", **more,
                            **{PRIMARY + name: value for name, value in settings.items()})
            assert done.returncode == 0, done.stderr


def test_a_plan_with_secrets_outside() -> None:
    def sockets(**settings: str) -> list[str]:
        return [line.split()[0] for line in kansoctl("plan", **settings).stdout.splitlines()]

    assert "secrets" not in sockets() and "secrets" not in sockets(ZENML_SECRETS_STORE_TYPE="none")
    assert "secrets" in sockets(ZENML_SECRETS_STORE_TYPE="aws") and "secrets" in sockets(ZENML_BACKUP_SECRETS_STORE_TYPE="gcp")


def test_no_store(launch: Callable[..., Kanso]) -> None:
    """501, after everything that is wrong in any case."""
    place = Place(launch(ZENML_SECRETS_STORE_TYPE="none", ZENML_SECRETS_STORE_ENCRYPTION_KEY="", KANSO_WORKERS="all"), None, None)
    api, world = place.api, place.world
    assert api.read("/info")["secrets_store_type"] == "none"
    body = world.owned | {"name": "a", "values": {"a": "b"}}
    fails(api.post(world.ws + "/secrets", body), 501, "NotImplementedError")
    assert api.ids("/secrets") == []
    missing(api.get("/secrets/" + NOBODY))
    owner, workspace = (world.owned[name].replace("-", "") for name in ("user", "workspace"))
    place.kanso.sql("INSERT INTO secret (id, created, updated, name, scope, workspace_id, user_id) VALUES "
                    f"('{'a' * 32}', NOW(), NOW(), 's', 'workspace', '{workspace}', '{owner}')")
    path = f"/secrets/{'a' * 8}-{'a' * 4}-{'a' * 4}-{'a' * 4}-{'a' * 12}"
    assert len(api.ids("/secrets")) == 1
    fails(api.get(path), 501, "NotImplementedError")
    fails(api.put(path, {"name": "b"}), 501, "NotImplementedError")
    fails(api.delete(path), 501, "NotImplementedError")
    fails(api.post(world.ws + "/secrets", body | {"name": "s"}), 409, "EntityExistsError")
    fails(api.post(world.ws + "/service_connectors", connector(place)), 501, "NotImplementedError")
    for what in ("backup", "restore"):
        fails(operate(place, what), 501, "NotImplementedError")
