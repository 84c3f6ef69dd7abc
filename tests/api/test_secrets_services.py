"""Secrets, with their encryption in the database, and services."""

from __future__ import annotations

import base64
import json

import pytest

from kit.api import Api, fails, missing, ok, problems, taken, unfit
from kit.factory import World

pytestmark = pytest.mark.sanitize

VECTOR = ("AAECAwQFBgcICQoLezKGvshQaKLIAhaCHOiVVHxZAdD2FqMXtrNLI0fr3gpaSvH45l7UIsH457UR7C27c+jKQc"
          "waeQnhvc/ybtO62kQkpx+MRHZoLSjIeWhT")
VECTOR_VALUES = {"username": "admin", "pässword": "s3cr€t", "n": ""}


def column(server, secret: str) -> str:
    """The stored form of a secret's values."""
    return server.sql("SELECT `values` FROM secret "
                      f"WHERE id = '{secret.replace('-', '')}'")[0][0].replace("\\n", "")


# Secrets

def test_secret(world: World) -> None:
    values = {"password": "pä\"ss\\wörd\n", "empty": "", "emoji": "🐍"}
    made = world.secret(values=values | {"dropped": None})
    assert list(made["body"]) == ["created", "updated", "user", "scope", "values"]
    assert made["body"]["values"] == values and made["body"]["scope"] == "workspace"
    assert world.api.read("/secrets/" + made["id"]) == made
    assert world.api.items("/secrets", id=made["id"], hydrate="true")[0]["body"]["values"] == {}


def test_secret_names_by_scope(world: World) -> None:
    made = world.secret()
    body = world.owned | {"name": made["name"], "values": {}}
    taken(world.api.post(world.ws + "/secrets", body))
    mine = world.secret(name=made["name"], scope="user")
    taken(world.api.post(world.ws + "/secrets", body | {"scope": "user"}))
    assert world.api.ids("/secrets", name=made["name"], scope="user") == [mine["id"]]
    taken(world.api.put("/secrets/" + mine["id"], {"scope": "workspace"}))
    unfit(world.api.post(world.ws + "/secrets", body | {"scope": "world"}),
          "enum", "body", "scope")
    other = world.secret()
    taken(world.api.put("/secrets/" + other["id"], {"name": made["name"]}))


def test_secret_values_are_replaced(world: World) -> None:
    made = world.secret(values={"a": "1", "b": "2"})
    path = "/secrets/" + made["id"]
    assert world.api.change(path, {"values": {"b": "3"}})["body"]["values"] == {"b": "3"}
    assert world.api.change(path, {"name": world.name("s")})["body"]["values"] == {"b": "3"}
    assert world.api.read(path)["body"]["values"] == {"b": "3"}


def test_secret_values_are_patched(world: World) -> None:
    made = world.secret(values={"a": "1", "b": "2"})
    path = "/secrets/" + made["id"]
    changed = world.api.change(path, {"values": {"b": None, "c": "3"}}, patch_values="true")
    assert changed["body"]["values"] == {"a": "1", "c": "3"}
    assert world.api.read(path)["body"]["values"] == {"a": "1", "c": "3"}


def test_endless_secret(world: World) -> None:
    body = world.owned | {"name": world.name("secret"), "values": {"k": "x" * 70000}}
    fails(world.api.post(world.ws + "/secrets", body), 400, "ValueError")
    assert world.api.ids("/secrets", name=body["name"]) == []


def test_values_are_encrypted(server, world: World) -> None:
    if not server.mariadb:
        pytest.skip("looks into the database")
    values = {"key": "a clear text"}
    one, two = (column(server, world.secret(values=values)["id"]) for _ in range(2))
    assert one != two
    for stored in (one, two):
        raw = base64.b64decode(stored, validate=True)
        assert len(raw) == 12 + 16 + len(json.dumps(values))
        assert b"clear" not in raw


def test_values_of_the_reference_can_be_read(server, world: World) -> None:
    if not server.mariadb:
        pytest.skip("writes into the database")
    made = world.secret()
    identity = made["id"].replace("-", "")
    server.sql(f"UPDATE secret SET `values` = '{VECTOR}' WHERE id = '{identity}'")
    assert world.api.read("/secrets/" + made["id"])["body"]["values"] == VECTOR_VALUES


@pytest.mark.parametrize("stored", ["NULL", "''", "'!!!'", "'AAAA'",
                                    f"'{VECTOR[:-8]}AAAAAAAA'", f"'{VECTOR[:-4]}'"])
def test_values_that_cannot_be_read(server, world: World, stored: str) -> None:
    if not server.mariadb:
        pytest.skip("writes into the database")
    made = world.secret()
    identity = made["id"].replace("-", "")
    server.sql(f"UPDATE secret SET `values` = {stored} WHERE id = '{identity}'")
    missing(world.api.get("/secrets/" + made["id"]))
    missing(world.api.put("/secrets/" + made["id"], {"values": {"a": "b"}}))
    assert world.api.ids("/secrets", id=made["id"]) == [made["id"]]
    world.api.remove("/secrets/" + made["id"])


def test_values_without_a_key(launch, server) -> None:
    if not server.mariadb:
        pytest.skip("needs a Kanso of its own")
    plain = launch(ZENML_SECRETS_STORE_ENCRYPTION_KEY="")
    world = World(Api(plain.url))
    made = world.secret(values=VECTOR_VALUES)
    assert column(plain, made["id"]) == (
        "eyJ1c2VybmFtZSI6ICJhZG1pbiIsICJwXHUwMGU0c3N3b3JkIjogInMzY3JcdTIwYWN0IiwgIm4iOiAiIn0=")
    assert world.api.read("/secrets/" + made["id"])["body"]["values"] == VECTOR_VALUES
    plain.stop()


def test_backup_without_a_backup_store(client: Api) -> None:
    for operation in ("backup", "restore"):
        fails(client.put("/secrets_operations/" + operation), 501, "NotImplementedError")


def test_secrets_do_not_reach_the_logs(server, world: World) -> None:
    if not server.mariadb:
        pytest.skip("looks into the logs")
    world.secret(values={"key": "hush-hush-hush"})
    for log in (server.home / "log").rglob("*"):
        if log.is_file():
            assert b"hush-hush" not in log.read_bytes(), log
            assert world.api.token.encode() not in log.read_bytes(), log


# Services

def test_service(world: World) -> None:
    version = world.model_version(world.model()["id"])
    run = world.run()
    made = world.service(model_version_id=version["id"], pipeline_run_id=run["id"],
                         endpoint={"a": 1}, prediction_url="http://p")
    assert made["body"]["service_type"]["flavor"] == "mlflow"
    assert (made["body"]["state"], made["body"]["labels"]) == ("active", {"team": "blue"})
    assert made["metadata"]["status"] == {"state": "active"}
    assert made["metadata"]["endpoint"] == {"a": 1}
    assert made["metadata"]["prediction_url"] == "http://p"
    assert made["metadata"]["admin_state"] == "active"
    assert made["resources"]["model_version"]["id"] == version["id"]
    assert made["resources"]["pipeline_run"]["id"] == run["id"]
    page = world.api.read("/model_versions/" + version["id"])["resources"]["services"]
    assert [item["id"] for item in page["items"]] == [made["id"]]
    world.api.remove("/runs/" + run["id"])
    assert world.api.read("/services/" + made["id"])["resources"]["pipeline_run"] is None


def test_service_config_is_unique(world: World) -> None:
    body = world.service_body()
    made = ok(world.api.post(world.ws + "/services", body))
    taken(world.api.post(world.ws + "/services", body | {"name": world.name("service")}))
    world.service(name=made["name"])


def test_service_update(world: World) -> None:
    made = world.service()
    path = "/services/" + made["id"]
    changed = world.api.change(path, {"status": {"state": "error", "last_error": "e"},
                                      "labels": {}, "admin_state": "inactive", "name": None})
    assert changed["body"]["state"] == "error" and not changed["body"]["labels"]
    assert changed["metadata"]["status"]["last_error"] == "e"
    assert (changed["name"], changed["metadata"]["admin_state"]) == (made["name"], "inactive")


def test_service_filters(world: World) -> None:
    made = world.service()
    for query in ({"type": "model-serving"}, {"flavor": "mlflow"}, {"running": "true"},
                  {"pipeline_name": "p"}, {"pipeline_step_name": "deploy"}):
        assert world.api.ids("/services", id=made["id"], **query) == [made["id"]], query
    assert world.api.ids("/services", id=made["id"], type="other") == []
    assert world.api.ids("/services", id=made["id"], pipeline_name="q") == []


def test_service_of_an_unknown_state(world: World) -> None:
    problems(world.api.post(world.ws + "/services", world.service_body(admin_state="asleep")))


def test_service_by_either_path(world: World) -> None:
    made = world.api.make("/services", world.service_body())
    assert world.api.read("/services/" + made["id"])["id"] == made["id"]
