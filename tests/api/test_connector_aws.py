"""Service connectors of AWS against moto."""

from __future__ import annotations

import base64
import json
import re
from pathlib import Path
from typing import Any, Callable, Iterator
from urllib.parse import parse_qs, urlsplit

import pytest

from kit.api import Api, ok
from kit.control_plane import Call
from kit.emulators import ACCOUNT, moto, seed_account
from kit.factory import World
from kit.provider import started
from kit.servers import Kanso

REGION = "eu-west-1"
KEY = {"aws_access_key_id": "AKIAEXAMPLEEXAMPLE00", "aws_secret_access_key": "a-secret-access-key"}
REGISTRY = f"{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/worker"
METHODS: dict[str, dict[str, Any]] = {
    "secret-key": KEY,
    "sts-token": KEY | {"aws_session_token": "a-session-token"},
    "iam-role": KEY | {"role_arn": ROLE},
    "session-token": KEY,
    "federation-token": KEY,
}
# Methods whose credentials are exchanged for others.
TEMPORARY = {"iam-role", "session-token", "federation-token"}


@pytest.fixture(scope="module")
def cloud(workspace_directory: Path) -> Iterator[str]:
    for url in moto(workspace_directory / "moto.log"):
        seed_account(url)
        yield url


@pytest.fixture(scope="module")
def aws(launch: Callable[..., Kanso], cloud: str) -> World:
    return World(Api(launch(KANSO_CONNECTOR_ENDPOINTS=f"sts.{REGION}.amazonaws.com={cloud}").url))


def body(world: World, cloud: str, method: str, resource: str | None = None, **changes: Any) -> dict[str, Any]:
    return world.owned | {
        "name": world.name("aws"), "connector_type": "aws", "auth_method": method,
        "resource_types": [resource] if resource else [],
        "configuration": METHODS[method] | {"region": REGION, "endpoint_url": cloud}} | changes


def make(world: World, cloud: str, method: str, resource: str | None = None, **changes: Any) -> str:
    made = world.api.make(world.ws + "/service_connectors", body(world, cloud, method, resource, **changes))
    return "/service_connectors/" + made["id"]


@pytest.mark.parametrize("method", METHODS)
def test_everything_is_listed(aws: World, cloud: str, method: str) -> None:
    found = ok(aws.api.post("/service_connectors/verify", body(aws, cloud, method)))
    assert found["error"] is None
    assert {item["resource_type"]: (item["resource_ids"], item["error"]) for item in found["resources"]} == {
        "aws-generic": ([REGION], None),
        "s3-bucket": (["s3://alpha", "s3://beta.bucket"], None),
        "kubernetes-cluster": (["one", "two"], None),
        "docker-registry": ([REGISTRY], None)}


@pytest.mark.parametrize("method", METHODS)
def test_clients(aws: World, cloud: str, method: str) -> None:
    where = make(aws, cloud, method)
    made = aws.api.read(where)

    def client(kind: str, name: str) -> dict[str, Any]:
        got = aws.api.read(where + "/client", resource_type=kind, resource_id=name)
        assert got["id"] == made["id"] and got["metadata"]["secret_id"] is None
        assert got["body"]["resource_types"] == [kind]
        assert got["name"].startswith(f"{made['name']} ({kind} | ") and got["name"].endswith(" client)")
        return got

    bucket = client("s3-bucket", "alpha")
    assert bucket["body"]["resource_id"] == "s3://alpha"
    assert bucket["metadata"]["configuration"] == {"region": REGION, "endpoint_url": cloud}
    if method in TEMPORARY:
        assert bucket["body"]["auth_method"] == "sts-token" and bucket["body"]["expires_at"]
        assert set(bucket["metadata"]["secrets"]) == set(METHODS["sts-token"])
        assert bucket["metadata"]["secrets"]["aws_secret_access_key"] != KEY["aws_secret_access_key"]
    else:
        assert bucket["body"]["auth_method"] == method and bucket["body"]["expires_at"] is None
        assert bucket["metadata"]["secrets"] == METHODS[method]


@pytest.mark.parametrize(("given", "stored"), [
    ("s3://alpha", "s3://alpha"), ("s3://alpha/some/where", "s3://alpha"), ("alpha", "s3://alpha"),
    ("arn:aws:s3:::beta.bucket", "s3://beta.bucket"), ("arn:aws:s3:::alpha/x", "s3://alpha")])
def test_names_of_buckets(aws: World, cloud: str, given: str, stored: str) -> None:
    found = ok(aws.api.post("/service_connectors/verify", body(aws, cloud, "secret-key", "s3-bucket", resource_id=given)))
    assert found["resources"] == [{"resource_type": "s3-bucket", "resource_ids": [stored], "error": None}]


def test_what_is_not_there(aws: World, cloud: str) -> None:
    def error_of(kind: str, name: str) -> str:
        found = ok(aws.api.post("/service_connectors/verify",
                                body(aws, cloud, "secret-key", kind, resource_id=name)))
        assert found["resources"][0]["resource_ids"] is None
        assert found["error"] == found["resources"][0]["error"]
        return found["error"]

    assert "authorization failure" in error_of("s3-bucket", "nothing-here")
    assert "EKS cluster nothing" in error_of("kubernetes-cluster", "nothing")


def test_client_of_a_registry(aws: World, cloud: str) -> None:
    where = make(aws, cloud, "secret-key")
    got = aws.api.read(where + "/client", resource_type="docker-registry")
    assert got["body"]["connector_type"]["connector_type"] == "docker" and got["body"]["auth_method"] == "password"
    assert got["body"]["resource_id"] == REGISTRY and got["metadata"]["secrets"]["username"] == "AWS"
    assert got["metadata"]["configuration"] == {"registry": "https://" + REGISTRY}


def test_client_of_a_cluster(aws: World) -> None:
    """EKS is played here, since moto's clusters have no API server."""
    def version(call: Call, _: re.Match) -> Any:
        token = call.headers["authorization"].removeprefix("Bearer k8s-aws-v1.")
        url = urlsplit(base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)).decode())
        query = parse_qs(url.query)
        assert (url.scheme, url.hostname, url.path) == ("https", f"sts.{REGION}.amazonaws.com", "/")
        assert query["Action"] == ["GetCallerIdentity"] and query["X-Amz-Expires"] == ["60"]
        assert query["X-Amz-SignedHeaders"] == ["host;x-k8s-aws-id"] and len(query["X-Amz-Signature"][0]) == 64
        return {"major": "1"}

    for provider in started():
        arn = f"arn:aws:eks:{REGION}:{ACCOUNT}:cluster/one"
        provider.routes = {"GET /version": version, "GET /clusters/one": {"cluster": {
            "name": "one", "arn": arn, "endpoint": provider.url, "certificateAuthority": {"data": "Y2E="}}}}
        where = make(aws, provider.url, "secret-key")
        got = aws.api.read(where + "/client", resource_type="kubernetes-cluster", resource_id=arn)
        assert got["body"]["connector_type"]["connector_type"] == "kubernetes" and got["body"]["auth_method"] == "token"
        assert got["body"]["resource_id"] == arn and got["body"]["expires_at"]
        assert got["metadata"]["configuration"] == {"server": provider.url, "insecure": False, "cluster_name": arn}
        assert got["metadata"]["secrets"]["certificate_authority"] == "Y2E="
        assert provider.called("/clusters/one")[0].headers["authorization"].startswith("AWS4-HMAC-SHA256 Credential=AKIA")


def test_full_stack(aws: World, cloud: str) -> None:
    made = make(aws, cloud, "secret-key")
    store = aws.component(type="artifact_store", flavor="s3", configuration={"path": "s3://alpha"}, connector=made.split("/")[-1],
                          connector_resource_id="s3://alpha")
    found = ok(aws.api.post("/service_connectors/full_stack_resources", connector_uuid=made.split("/")[-1]))
    parts = found["components_resources_info"]
    assert found["connector_type"] == "aws" and list(parts) == ["artifact_store", "orchestrator", "container_registry"]
    assert {part: [item["flavor"] for item in items] for part, items in parts.items()} == {
        "artifact_store": ["s3"], "orchestrator": ["sagemaker", "vm_aws", "kubernetes"], "container_registry": ["aws"]}
    assert [item["id"] for item in parts["artifact_store"][0]["connected_through_service_connector"]] == [store["id"]]
    assert parts["container_registry"][0]["accessible_by_service_connector"] == [REGISTRY]
    assert parts["orchestrator"][1]["use_resource_value_as_fixed_config"] is True
