"""Implicit methods of service connectors: the credentials of the machine, wherever its platform has put them."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any, Callable, Iterator
from urllib.parse import parse_qs, unquote

import pytest

from kit import cloud as double
from kit.api import Api, ok
from kit.cloud import PROJECT, Cloud
from kit.control_plane import Call
from kit.factory import World
from kit.servers import Kanso

REGION = "eu-west-1"
ROLE = "arn:aws:iam::123456789012:role/worker"
KEY = {"AWS_ACCESS_KEY_ID": "AKIAENVIRONMENT", "AWS_SECRET_ACCESS_KEY": "environment-secret"}
KEY_OF = "<{0}Credentials><AccessKeyId>{1}</AccessKeyId><SecretAccessKey>s</SecretAccessKey><SessionToken>{2}</SessionToken>" \
    "<Expiration>2099-01-01T00:00:00Z</Expiration></{0}Credentials>"


def external(**changes: Any) -> dict[str, Any]:
    return {"type": "external_account", "audience": "an-audience", "token_url": "https://sts.googleapis.com/v1/token",
            "subject_token_type": "urn:ietf:params:aws:token-type:aws4_request",
            "credential_source": {"environment_id": "aws1"}} | changes


@pytest.fixture(scope="module")
def cloud(workspace_directory: Path) -> Iterator[Cloud]:
    directory = workspace_directory / "implicit"
    directory.mkdir()
    made = Cloud(directory)

    def sts(call: Call, _: re.Match) -> Any:
        form = {name: value[0] for name, value in parse_qs(call.body).items()}
        if form["Action"] == "AssumeRoleWithWebIdentity":
            assert "authorization" not in call.headers and form["RoleArn"] == ROLE
            assert form["WebIdentityToken"] == "a web identity"
            return 200, KEY_OF.format("", "ASIAWEB", "web-session"), {}
        if form["Action"] == "AssumeRole":
            return 200, KEY_OF.format("", "ASIAROLE", "role-session"), {}
        return 200, "<Result><Account>123456789012</Account></Result>", {}

    def container(call: Call, _: re.Match) -> Any:
        if call.headers.get("authorization") != "a container's token":
            return 401, "", {}
        return {"AccessKeyId": "ASIACONTAINER", "SecretAccessKey": "s", "Token": "container-session", "Expiration": "x"}

    def service(call: Call, _: re.Match) -> Any:
        assert call.headers["x-identity-header"] == "an identity" and call.query["api-version"] == ["2019-08-01"]
        return {"access_token": "management-token", "expires_on": "4070908800"}

    made.routes |= {f"POST /sts.{REGION}.amazonaws.com/": sts, "GET /container": container, "GET /identity": service}
    yield made
    made.stop()


@pytest.fixture(scope="module")
def files(workspace_directory: Path, cloud: Cloud) -> dict[str, str]:
    """What a platform has put into files."""
    made = {"web": "a web identity\n", "container": "a container's token\n", "assertion": "an assertion\n",
            "robot": cloud.service_account(), "aws-external": json.dumps(external())}
    for name, text in made.items():
        (workspace_directory / "implicit" / name).write_text(text)
    return {name: str(workspace_directory / "implicit" / name) for name in made}


# What the environment says; who calls AWS then, and with which token Google is called.
PLATFORMS: dict[str, tuple[dict[str, str], str, str | None, str]] = {
    "environment": (KEY | {"AZURE_TENANT_ID": double.TENANT, "AZURE_CLIENT_ID": double.CLIENT, "AZURE_CLIENT_SECRET": "shh",
                           "GOOGLE_APPLICATION_CREDENTIALS": "FILE robot"}, "AKIAENVIRONMENT", None, "service-token"),
    "cluster": ({"AWS_WEB_IDENTITY_TOKEN_FILE": "FILE web", "AWS_ROLE_ARN": ROLE, "AZURE_TENANT_ID": double.TENANT,
                 "AZURE_CLIENT_ID": double.CLIENT, "AZURE_FEDERATED_TOKEN_FILE": "FILE assertion", "AWS_REGION": REGION,
                 "GOOGLE_APPLICATION_CREDENTIALS": "FILE aws-external"}, "ASIAWEB", "web-session", "external-token"),
    "container": ({"AWS_CONTAINER_CREDENTIALS_FULL_URI": "PLAIN/container", "IDENTITY_ENDPOINT": "PLAIN/identity",
                   "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE": "FILE container", "IDENTITY_HEADER": "an identity"},
                  "ASIACONTAINER", "container-session", "own-token"),
    "instance": ({}, "ASIAMACHINE", "machine-session", "own-token"),
}
CONFIGURATIONS = {"aws": {"region": REGION}, "azure": {}, "gcp": {"project_id": PROJECT}}


@pytest.fixture(scope="module", params=PLATFORMS)
def machine(request: pytest.FixtureRequest, launch: Callable[..., Kanso], cloud: Cloud, files: dict[str, str]) -> Iterator[Any]:
    given, *expected = PLATFORMS[request.param]
    environment = {name: files[value[5:]] if value.startswith("FILE ") else value.replace("PLAIN", cloud.plain.url)
                   for name, value in given.items()}
    server = launch(KANSO_CONNECTOR_ENDPOINTS=cloud.endpoints(), SSL_CERT_FILE=str(cloud.certificate),
                    ZENML_ENABLE_IMPLICIT_AUTH_METHODS="true", **environment)
    yield World(Api(server.url)), *expected
    secrets = [environment[name] for name in ("AWS_SECRET_ACCESS_KEY", "AZURE_CLIENT_SECRET") if name in environment]
    assert not [secret for secret in secrets if secret in server.logs()]
    server.stop()


def verified(world: World, kind: str, **changes: Any) -> dict[str, Any]:
    configuration = CONFIGURATIONS[kind] | changes
    return ok(world.api.post("/service_connectors/verify", world.owned | {
        "name": world.name(kind), "connector_type": kind, "auth_method": "implicit", "resource_types": [f"{kind}-generic"],
        "configuration": configuration}))


def test_aws(machine: Any, cloud: Cloud) -> None:
    world, key, session, _ = machine
    cloud.calls.clear()
    assert verified(world, "aws")["error"] is None
    call = [call for call in cloud.calls if "GetCallerIdentity" in call.body][-1]
    assert f"Credential={key}/" in call.headers["authorization"]
    assert call.headers.get("x-amz-security-token") == session
    assert verified(world, "aws", role_arn=ROLE)["error"] is None
    assert "Credential=ASIAROLE/" in cloud.calls[-1].headers["authorization"]


def test_azure(machine: Any, cloud: Cloud) -> None:
    cloud.calls.clear()
    found = verified(machine[0], "azure")
    assert found["resources"] == [{"resource_type": "azure-generic", "resource_ids": ["Pay as you go"], "error": None}]


def test_google(machine: Any, cloud: Cloud) -> None:
    world, _, _, token = machine
    cloud.calls.clear()
    found = ok(world.api.post("/service_connectors/verify", world.owned | {
        "name": world.name("gcp"), "connector_type": "gcp", "auth_method": "implicit", "resource_types": ["gcs-bucket"],
        "configuration": CONFIGURATIONS["gcp"]}))
    assert found["error"] is None
    assert {call.headers["authorization"] for call in cloud.calls if "storage" in call.path} == {"Bearer " + token}


def test_google_by_who_this_is_at_aws(machine: Any, cloud: Cloud) -> None:
    world, key, session, _ = machine
    cloud.calls.clear()
    found = ok(world.api.post("/service_connectors/verify", world.owned | {
        "name": world.name("gcp"), "connector_type": "gcp", "auth_method": "external-account", "resource_types": ["gcp-generic"],
        "configuration": CONFIGURATIONS["gcp"] | {"external_account_json": json.dumps(external())}}))
    assert found["error"] is None
    form = parse_qs([call for call in cloud.calls if call.path == "/sts.googleapis.com/v1/token"][-1].body)
    subject = json.loads(unquote(form["subject_token"][0]))
    headers = {item["key"].lower(): item["value"] for item in subject["headers"]}
    assert subject["url"] == f"https://sts.{REGION}.amazonaws.com?Action=GetCallerIdentity&Version=2011-06-15"
    assert subject["method"] == "POST" and headers["x-goog-cloud-target-resource"] == "an-audience"
    assert f"Credential={key}/" in headers["authorization"] and headers.get("x-amz-security-token") == session
