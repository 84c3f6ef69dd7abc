"""A ZenML 0.66.0 server and Kanso on one database, with the secrets in one store: each reads what the other wrote.

The reference has the SDKs of the stores (`make check-secrets-stores`). Stores: moto for AWS, a HashiCorp Vault, and the
doubles of kit/secrets_stores.py for Google's and Azure's, which the SDKs reach as kit/sdk says.
"""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any, Callable, Iterator

import pytest
import requests

from kit.api import Api, missing, ok
from kit.cloud import Cloud
from kit.emulators import moto, seed, vault
from kit.factory import World
from kit.process import REPOSITORY
from kit.secrets_stores import Azure, Double, Google
from kit.servers import PASSWORD, USER, Kanso, Reference
from kit.stock import client_environment

REGION = "eu-west-1"
VALUES = {"username": "admin", "pässword": "s3cr€t\n\"", "n": ""}
PRIMARY, BACKUP = "ZENML_SECRETS_STORE_", "ZENML_BACKUP_SECRETS_STORE_"


class Store:
    """How both servers are told of it, and what lies in it."""
    kanso: dict[str, str] = {}

    def settings(self, prefix: str) -> dict[str, str]:
        raise NotImplementedError

    def raw(self, secret: str) -> Any:
        """All that the store has of a secret, without its id; None when there is nothing."""
        raise NotImplementedError


class Amazon(Store):
    def __init__(self, url: str) -> None:
        self.url = url
        self.kanso = {"KANSO_CONNECTOR_ENDPOINTS": f"*.amazonaws.com={url}"}

    def settings(self, prefix: str) -> dict[str, str]:
        return {prefix + "TYPE": "aws", prefix + "AUTH_METHOD": "secret-key", prefix + "AUTH_CONFIG": json.dumps(
            {"aws_access_key_id": "AKIAEXAMPLEEXAMPLE00", "aws_secret_access_key": "a-secret-access-key", "region": REGION})}

    def raw(self, secret: str) -> Any:
        def ask(action: str) -> Any:
            return seed(self.url, "secretsmanager", "POST", "/", json.dumps({"SecretId": "zenml/" + secret}), **{
                "X-Amz-Target": "secretsmanager." + action, "Content-Type": "application/x-amz-json-1.1"}).json()
        try:
            value, about = ask("GetSecretValue"), ask("DescribeSecret")
        except AssertionError:
            return None
        return (value["Name"].replace(secret, "ID"), value["SecretString"], value["VersionStages"], sorted(
            (tag["Key"], tag["Value"].replace(secret, "ID")) for tag in about["Tags"]), about.get("Description"),
            about.get("KmsKeyId"))


class HashiCorp(Store):
    def __init__(self, url: str, token: str) -> None:
        self.url, self.token = url, token

    def settings(self, prefix: str) -> dict[str, str]:
        return {prefix + "TYPE": "hashicorp", prefix + "VAULT_ADDR": self.url, prefix + "VAULT_TOKEN": self.token}

    def raw(self, secret: str) -> Any:
        def ask(what: str) -> requests.Response:
            return requests.get(f"{self.url}/v1/secret/{what}", headers={"X-Vault-Token": self.token}, timeout=30)
        data = ask("data/zenml/" + secret)
        if data.status_code == 404:
            return None
        about, engine = ask("metadata/zenml/" + secret).json()["data"], ask("config").json()["data"]
        return (json.loads(data.text.replace(secret, "ID"))["data"]["data"], about["max_versions"], about["cas_required"],
                about["custom_metadata"], len(about["versions"]), engine)


class Played(Store):
    """A double, which both servers reach over the one of the clouds."""

    def __init__(self, cloud: Cloud, double: Double, token: str) -> None:
        self.double = double
        double.tokens.append(token)  # the cloud's double signs everybody in
        self.kanso = {"KANSO_CONNECTOR_ENDPOINTS": cloud.endpoints(), "SSL_CERT_FILE": str(cloud.certificate)}

    def settings(self, prefix: str) -> dict[str, str]:
        return self.double.environment(prefix)

    def raw(self, secret: str) -> Any:
        held = self.double.held.get(secret)
        return held and (held.values, {name: value.replace(secret, "ID") for name, value in held.labels.items()})


@pytest.fixture(scope="module")
def venv() -> Path:
    path = os.environ.get("KANSO_SECRETS_VENV")
    if not path or not (Path(path) / "bin" / "zenml").exists():
        pytest.skip("there is no zenml with the SDKs of secrets stores (KANSO_SECRETS_VENV): make check-secrets-stores")
    return Path(path)


@pytest.fixture(scope="module")
def cloud(venv: Path, workspace_directory: Path) -> Iterator[Cloud]:
    made = Cloud(workspace_directory)
    yield made
    made.stop()


@pytest.fixture(scope="module")
def amazon(venv: Path, workspace_directory: Path) -> Iterator[Store]:
    yield from map(Amazon, moto(workspace_directory / "moto.log"))


@pytest.fixture(scope="module")
def hashicorp(venv: Path, workspace_directory: Path) -> Iterator[Store]:
    for url, token in vault(workspace_directory / "vault.log"):
        yield HashiCorp(url, token)


@pytest.fixture(scope="module")
def google(cloud: Cloud, workspace_directory: Path) -> Store:
    return Played(cloud, Google(cloud.plain, workspace_directory), "service-token")


@pytest.fixture(scope="module")
def azure(cloud: Cloud) -> Store:
    return Played(cloud, Azure(cloud.plain), "vault-token")


class Pair:
    def __init__(self, store: Store, kanso: Kanso, reference: Reference, backup: Store | None = None) -> None:
        self.store, self.backup, self.reference_server = store, backup, reference
        self.kanso, self.reference = World(Api(kanso.url)), World(Api(reference.url))
        self.servers = [self.kanso, self.reference]
        self.url = kanso.url


@pytest.fixture(scope="module")
def start(venv: Path, workspace_directory: Path, mariadb: Any, launch: Callable[..., Kanso], cloud: Cloud) -> Iterator[Any]:
    running: list[Reference] = []

    def begin(store: Store, backup: Store | None = None) -> Pair:
        settings = store.settings(PRIMARY) | (backup.settings(BACKUP) if backup else {})
        amazon = {"AWS_ENDPOINT_URL": store.url} if isinstance(store, Amazon) else {}
        shim = {"PYTHONPATH": str(REPOSITORY / "tests" / "kit" / "sdk"), "KANSO_DOUBLE_PORTS": cloud.ports,
                "SSL_CERT_FILE": str(cloud.certificate), "REQUESTS_CA_BUNDLE": str(cloud.certificate)}
        reference = Reference(venv, workspace_directory / f"secrets-reference{len(running)}", mariadb, **(
            settings | amazon | {"HOME": str(workspace_directory), "ZENML_SECRETS_STORE_ENCRYPTION_KEY": ""} | (shim if isinstance(store, Played) else {})))
        running.append(reference)
        reference.start()
        kanso = launch(database=reference.database, KANSO_LOGIN_RATE="0", KANSO_WORKERS="all",
                       ZENML_SECRETS_STORE_ENCRYPTION_KEY="", **(settings | store.kanso | (backup.kanso if backup else {})))
        return Pair(store, kanso, reference, backup)

    yield begin
    for reference in running:
        reference.stop()


@pytest.fixture(scope="module", params=["amazon", "hashicorp", "google", "azure"])
def pair(request: pytest.FixtureRequest, start: Callable[[Store], Pair]) -> Pair:
    return start(request.getfixturevalue(request.param))


def path_of(made: dict[str, Any]) -> str:
    return "/secrets/" + made["id"]


def test_each_reads_what_the_other_wrote(pair: Pair) -> None:
    for writer, reader in (pair.servers, pair.servers[::-1]):
        made = writer.secret(values=VALUES)
        assert reader.api.read(path_of(made))["body"]["values"] == VALUES
        changed = {"b": "ü", "c": "{}"}
        reader.api.change(path_of(made), {"values": changed})
        assert writer.api.read(path_of(made))["body"]["values"] == changed
        writer.api.change(path_of(made), {"values": {"c": None, "d": "4"}}, patch_values="true")
        assert reader.api.read(path_of(made))["body"]["values"] == {"b": "ü", "d": "4"}
        reader.api.remove(path_of(made))
        assert pair.store.raw(made["id"]) is None
        missing(writer.api.get(path_of(made)))


def test_what_lies_in_the_store(pair: Pair) -> None:
    """The same to the letter, after it was made and after it was changed."""
    made = [server.secret(values=VALUES) for server in pair.servers]
    assert pair.store.raw(made[0]["id"]) == pair.store.raw(made[1]["id"]) is not None
    for server, one in zip(pair.servers, made):
        server.api.change(path_of(one), {"values": {"z": "1", "a": "pä"}})
    assert pair.store.raw(made[0]["id"]) == pair.store.raw(made[1]["id"])


def test_secrets_of_connectors(pair: Pair) -> None:
    for writer, reader in (pair.servers, pair.servers[::-1]):
        made = writer.api.make(writer.ws + "/service_connectors", writer.owned | {
            "name": writer.name("c"), "connector_type": "docker", "auth_method": "password",
            "resource_types": ["docker-registry"], "configuration": {"username": "me"}, "secrets": {"password": "shh"}})
        shown = reader.api.read("/service_connectors/" + made["id"])["metadata"]
        assert shown["configuration"]["password"] == "shh" and pair.store.raw(shown["secret_id"])
        reader.api.remove("/service_connectors/" + made["id"])
        assert pair.store.raw(shown["secret_id"]) is None


@pytest.fixture(scope="module")
def backed(start: Callable[..., Pair], amazon: Store, hashicorp: Store) -> Pair:
    return start(amazon, hashicorp)


def test_backup_and_restore(backed: Pair) -> None:
    """What one has backed up, the other restores."""
    pair = backed
    assert pair.backup
    made = [pair.servers[i % 2].secret(values={"n": str(i)})["id"] for i in range(4)]
    there = [pair.store.raw(one) for one in made], [pair.backup.raw(one) for one in made]
    assert None not in there[0] + there[1]
    for one, other in (pair.servers, pair.servers[::-1]):
        ok(one.api.put("/secrets_operations/backup", delete_secrets="true"))
        assert [pair.store.raw(secret) for secret in made] == [None] * 4
        ok(other.api.put("/secrets_operations/restore", delete_secrets="true"))
        assert [pair.backup.raw(secret) for secret in made] == [None] * 4
        assert [pair.store.raw(secret) for secret in made] == there[0]
    ok(pair.kanso.api.put("/secrets_operations/backup"))
    assert [pair.backup.raw(secret)[0] for secret in made] == [found[0] for found in there[1]]


def test_the_stock_client(backed: Pair, venv: Path, workspace_directory: Path) -> None:
    """Its command line against Kanso, which keeps in AWS what it is given, and in Vault what it backs up."""
    assert backed.backup
    environment = client_environment(workspace_directory / "stock") | {
        "ZENML_STORE_URL": backed.url, "ZENML_STORE_USERNAME": USER, "ZENML_STORE_PASSWORD": PASSWORD}

    def zenml(*arguments: str) -> str:
        done = subprocess.run([str(venv / "bin" / "python"), "-c", "from zenml.cli.cli import cli; cli()", "secret", *arguments],
                              env=environment, cwd=workspace_directory, capture_output=True, text=True, timeout=180)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    api = backed.kanso.api
    zenml("create", "stocked", "--username=admin", "--password=shh")
    secret = api.ids("/secrets", name="stocked")[0]
    raw = backed.store.raw(secret)
    assert raw and json.loads(raw[1]) == {"username": "admin", "password": "shh"}
    assert "shh" in zenml("get", "stocked")
    zenml("update", "stocked", "--password=new", "--remove-keys", "username")
    assert json.loads(backed.store.raw(secret)[1]) == {"password": "new"}
    zenml("backup", "--delete-secrets")
    assert backed.store.raw(secret) is None and backed.backup.raw(secret)[0]["zenml_secret_values"] == {"password": "new"}
    zenml("restore")
    assert json.loads(backed.store.raw(secret)[1]) == {"password": "new"}
    zenml("delete", "stocked", "-y")
    assert backed.store.raw(secret) is None and backed.backup.raw(secret) is None
