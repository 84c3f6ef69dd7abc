"""Service connectors of ZenML 0.66.0 and of Kanso, asked the same things about the same clouds.

The reference runs with its cloud SDKs from a virtual environment of its own (`make check-connectors`). They reach what Kanso
reaches: moto for AWS, and the double of kit/cloud.py for Google, Azure and clusters. A row of ROWS is a way to authenticate;
each is registered with both servers, verified, listed, asked for clients of every resource, and for a full stack. Answers are
compared whole, but for ids, times and texts; DIFFERENCES lists what differs, with the reason.
"""

from __future__ import annotations

import base64
import getpass
import json
import os
import re
import time
from dataclasses import dataclass, field
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, Callable, Iterator
from urllib.parse import parse_qs, urlsplit

import pytest

from kit import cloud as double
from kit import ssh
from kit.api import UUID, Api
from kit.cloud import PROJECT, Cloud, user_account
from kit.emulators import ACCOUNT, moto, seed_account
from kit.factory import World
from kit.process import REPOSITORY
from kit.servers import Kanso, Reference

REGION = "eu-west-1"
KEY = {"aws_access_key_id": "AKIAEXAMPLEEXAMPLE00", "aws_secret_access_key": "a-secret-access-key"}
ROLE = f"arn:aws:iam::{ACCOUNT}:role/worker"
ECR = f"{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com"
GAR = f"europe-docker.pkg.dev/{PROJECT}/images"
SHELLS = ["one.hyperai.test", "two.hyperai.test"]
LATER, GONE = "2099-01-01T00:00:00", "2020-01-01T00:00:00"

# Where nobody answers, Kanso leaves it at that, as the reference does without a Docker daemon.
REGISTRIES = (f"*.dkr.ecr.{REGION}.amazonaws.com", "*.pkg.dev", "gcr.io", "*.gcr.io", "ghcr.io", "*.azurecr.io")

# Names of resources, good and bad: each is verified, and asked for a client.
AWS_NAMES: dict[str, list[str | None]] = {
    "aws-generic": [None, REGION, "eu-west-2"],
    "s3-bucket": [None, "alpha", "s3://alpha/path", "arn:aws:s3:::beta.bucket", "nothing-here", "A", "gs://alpha", "s3://-a"],
    "kubernetes-cluster": [None, "nothing", f"arn:aws:eks:us-east-1:{ACCOUNT}:cluster/one", "-x"],
    "docker-registry": [None, ECR, f"https://{ECR}/images", f"arn:aws:ecr:{REGION}:{ACCOUNT}:repository/images",
                        ECR.replace(ACCOUNT, "000000000000"), "docker.io", ECR.replace(REGION, "us-east-1")],
}
GCP_NAMES: dict[str, list[str | None]] = {
    "gcp-generic": [None, PROJECT, "another"],
    "gcs-bucket": [None, "one", "gs://one/x/y", "nothing", "x", "s3://one", "gs://a.b"],
    "kubernetes-cluster": [None, "main", "nothing", "Main", "-a"],
    "docker-registry": [None, GAR, f"https://{GAR}/a/b", f"{double.REPOSITORIES}/images", f"eu.gcr.io/{PROJECT}/x",
                        f"{double.REPOSITORIES}/wheels", "europe-docker.pkg.dev/another/images", "docker.io/x", "gcr.io/other"],
}
AZURE_NAMES: dict[str, list[str | None]] = {
    "azure-generic": [None, "Pay as you go", "another"],
    "blob-container": [None, "alpha", "abfs://alpha/x", "az://beta", "nothing", "a--b", "s3://alpha", "al"],
    "kubernetes-cluster": [None, "red/twin", "one", "twin", "none", "red/none", "a/b/c", "-x"],
    "docker-registry": [None, "images", "images.azurecr.io", "https://images.azurecr.io/x", "none", "a-b", "x.docker.io"],
}
# For all but one method of a type.
AWS_FEW: dict[str, list[str | None]] = {"aws-generic": [None], "s3-bucket": ["alpha"], "docker-registry": [ECR]}
GCP_FEW: dict[str, list[str | None]] = {
    "gcp-generic": [None], "gcs-bucket": ["one"], "kubernetes-cluster": ["main"], "docker-registry": [GAR]}
AZURE_FEW: dict[str, list[str | None]] = {
    "azure-generic": [None], "blob-container": ["alpha"], "kubernetes-cluster": ["red/twin"], "docker-registry": ["images"]}
KUBE_NAMES: dict[str, list[str | None]] = {"kubernetes-cluster": [None, "kube", "other"]}
DOCKER_NAMES: dict[str, list[str | None]] = {"docker-registry": [None, "docker.io", "https://index.docker.io/v1/", "ghcr.io/x"]}


@dataclass
class Row:
    kind: str
    method: str
    configuration: dict[str, Any]
    names: dict[str, list[str | None]]
    changes: dict[str, Any] = field(default_factory=dict)


def aws(method: str, names: dict[str, list[str | None]] | None = None, **more: Any) -> Row:
    changes = {name: more.pop(name) for name in ("expires_at", "expiration_seconds") if name in more}
    key = {} if method == "implicit" else KEY
    return Row("aws", method, key | {"region": REGION} | more, names or (AWS_NAMES if method == "secret-key" else AWS_FEW), changes)


def gcp(method: str, **more: Any) -> Row:
    changes = {name: more.pop(name) for name in ("expires_at", "expiration_seconds") if name in more}
    return Row("gcp", method, more, GCP_NAMES if method == "service-account" else GCP_FEW, changes)


def azure(method: str, **more: Any) -> Row:
    changes = {name: more.pop(name) for name in ("expires_at",) if name in more}
    own = {"client_id": double.CLIENT, "client_secret": "shh", "tenant_id": double.TENANT}
    return Row("azure", method, (own if method == "service-principal" else {}) | more,
               AZURE_NAMES if method == "service-principal" else AZURE_FEW, changes)


def hyperai(method: str, key: str = "", **more: Any) -> Row:
    configuration = {"base64_ssh_key": f"KEY {key or method}", "hostnames": SHELLS, "username": getpass.getuser()}
    return Row("hyperai", method, configuration | more, {"hyperai-instance": [None, SHELLS[1], "three.hyperai.test"]})


def external(**changes: Any) -> str:
    return json.dumps({"type": "external_account", "audience": "//iam.googleapis.com/projects/1/locations/global/"
                       "workloadIdentityPools/pool/providers/p", "subject_token_type": "urn:ietf:params:oauth:token-type:jwt",
                       "token_url": "https://sts.googleapis.com/v1/token"} | changes)


SUBJECT = {"url": f"http://{double.META}/subject", "format": {"type": "json", "subject_token_field_name": "inner"}}
AWS_SUBJECT = {"environment_id": "aws1", "region_url": f"http://{double.META}/latest/meta-data/placement/availability-zone",
               "url": f"http://{double.META}/latest/meta-data/iam/security-credentials",
               "regional_cred_verification_url": "https://sts.{region}.amazonaws.com?Action=GetCallerIdentity&Version=2011-06-15",
               "imdsv2_session_token_url": f"http://{double.META}/latest/api/token"}
IMPERSONATION = ("https://iamcredentials.googleapis.com/v1/projects/-/serviceAccounts/" + double.OTHER + ":generateAccessToken")

# ROBOT, CLOUD, PLAIN, CA and STRANGER stand for what only a running double has.
ROWS: dict[str, Row] = {
    "aws implicit": aws("implicit"),
    "aws implicit, a role": aws("implicit", role_arn=ROLE),
    "aws secret-key": aws("secret-key"),
    "aws sts-token": aws("sts-token", aws_session_token="a-session-token"),
    "aws sts-token that ends": aws("sts-token", aws_session_token="a-session-token", expires_at=LATER),
    "aws sts-token that has ended": aws("sts-token", aws_session_token="a-session-token", expires_at=GONE),
    "aws iam-role": aws("iam-role", role_arn=ROLE),
    "aws iam-role, a policy": aws("iam-role", role_arn=ROLE, expiration_seconds=1800, policy='{"Version": "2012-10-17"}'),
    "aws iam-role, policies by name": aws("iam-role", role_arn=ROLE, policy_arns=["arn:aws:iam::aws:policy/ReadOnlyAccess"]),
    "aws iam-role, too long": aws("iam-role", role_arn=ROLE, expiration_seconds=60),
    "aws session-token": aws("session-token"),
    "aws federation-token": aws("federation-token"),
    "aws secret-key without a region": aws("secret-key", region=None),
    "aws clusters": aws("secret-key", {"kubernetes-cluster": [None, "one", double.CLUSTER_ARN, "nothing"]}, endpoint_url="PLAIN"),
    "aws clusters by a role": aws("iam-role", {"kubernetes-cluster": ["one"]}, endpoint_url="PLAIN", role_arn=ROLE),
    "gcp implicit": gcp("implicit", project_id=PROJECT),
    "gcp user-account": gcp("user-account", user_account_json=user_account(), project_id=PROJECT),
    "gcp user-account, base64": gcp("user-account", project_id=PROJECT,
                                    user_account_json=base64.b64encode(user_account().encode()).decode()),
    "gcp user-account, an object": gcp("user-account", project_id=PROJECT, user_account_json=json.loads(user_account())),
    "gcp user-account, no tokens": gcp("user-account", user_account_json=user_account(), project_id=PROJECT,
                                       generate_temporary_tokens=False),
    "gcp user-account, revoked": gcp("user-account", user_account_json=user_account("revoked"), project_id=PROJECT),
    "gcp user-account of another kind": gcp("user-account", user_account_json="ROBOT", project_id=PROJECT),
    "gcp service-account": gcp("service-account", service_account_json="ROBOT"),
    "gcp service-account, no tokens": gcp("service-account", service_account_json="ROBOT", generate_temporary_tokens="false"),
    "gcp oauth2-token": gcp("oauth2-token", token="given-token", project_id=PROJECT, expires_at=LATER),
    "gcp oauth2-token without end": gcp("oauth2-token", token="given-token", project_id=PROJECT),
    "gcp oauth2-token, whose": gcp("oauth2-token", token="given-token", project_id=PROJECT, expires_at=LATER,
                                   service_account_email=double.EMAIL),
    "gcp oauth2-token that may little": gcp("oauth2-token", token="weak", project_id=PROJECT, expires_at=LATER),
    "gcp impersonation": gcp("impersonation", service_account_json="ROBOT", target_principal=double.OTHER),
    "gcp impersonation, short": gcp("impersonation", service_account_json="ROBOT", target_principal=double.OTHER,
                                    expiration_seconds=1200),
    "gcp external-account": gcp("external-account", project_id=PROJECT, external_account_json=external(credential_source=SUBJECT)),
    "gcp external-account that acts": gcp("external-account", project_id=PROJECT, external_account_json=external(
        credential_source=SUBJECT, service_account_impersonation_url=IMPERSONATION)),
    "gcp external-account of aws": gcp("external-account", project_id=PROJECT, external_account_json=external(
        credential_source=AWS_SUBJECT, subject_token_type="urn:ietf:params:aws:token-type:aws4_request")),
    "azure implicit": azure("implicit"),
    "azure service-principal": azure("service-principal"),
    "azure service-principal, limited": azure("service-principal", resource_group="red", storage_account="first",
                                              subscription_id=double.SUB),
    "azure service-principal, nothing there": azure("service-principal", resource_group="green"),
    "azure service-principal, wrong": azure("service-principal", client_secret="wrong"),
    "azure access-token": azure("access-token", token="given-token", expires_at=LATER),
    "azure access-token, another": azure("access-token", token="stranger", expires_at=LATER),
    "kubernetes token": Row("kubernetes", "token", {"server": "CLOUD", "cluster_name": "kube", "certificate_authority": "CA",
                                                    "token": "kube-token"}, KUBE_NAMES),
    "kubernetes token, weak": Row("kubernetes", "token", {"server": "CLOUD", "cluster_name": "kube",
                                                          "certificate_authority": "CA", "token": "weak"}, KUBE_NAMES),
    "kubernetes token of strangers": Row("kubernetes", "token", {"server": "CLOUD", "cluster_name": "kube", "token": "t",
                                                                 "certificate_authority": "STRANGER"}, KUBE_NAMES),
    "kubernetes password": Row("kubernetes", "password", {"server": "CLOUD", "cluster_name": "kube", "username": "u",
                                                          "password": "p", "certificate_authority": "CA"}, KUBE_NAMES),
    "hyperai rsa": hyperai("rsa-key"),
    "hyperai ecdsa": hyperai("ecdsa-key"),
    "hyperai ed25519": hyperai("ed25519-key"),
    "hyperai, a passphrase": hyperai("ed25519-key", "locked", ssh_passphrase="open sesame"),
    "hyperai, a wrong passphrase": hyperai("ed25519-key", "locked", ssh_passphrase="open barley"),
    "hyperai, a stranger": hyperai("ed25519-key", "stranger"),
    "hyperai, a key of another kind": hyperai("rsa-key", "ed25519-key"),
    "docker password": Row("docker", "password", {"username": "u", "password": "p"}, DOCKER_NAMES),
}

# What differs on purpose: row and call (regular expressions), and why. docs/compatibility.md says it to users.
DIFFERENCES: dict[str, str] = {
    "aws iam-role, policies by name: (?!register|get).*": "the reference hands them over in a form that boto3 refuses",
    "gcp user-account, an object: get": "secrets are texts here",
    "kubernetes token: verify, list=false": "the reference trips over the missing name of the cluster",
    "kubernetes token of strangers: client kubernetes-cluster (None|kube)": "what is no answer of the cluster is a 500 there",
}


@pytest.fixture(scope="module")
def venv() -> Path:
    path = os.environ.get("KANSO_CONNECTORS_VENV")
    if not path or not (Path(path) / "bin" / "zenml").exists():
        pytest.skip("there is no zenml with cloud SDKs (KANSO_CONNECTORS_VENV): make check-connectors")
    return Path(path)


@pytest.fixture(scope="module")
def amazon(venv: Path, workspace_directory: Path) -> Iterator[str]:
    for url in moto(workspace_directory / "moto.log"):
        seed_account(url)
        yield url


@pytest.fixture(scope="module")
def cloud(venv: Path, workspace_directory: Path) -> Iterator[Cloud]:
    made = Cloud(workspace_directory)
    made.routes[f"GET /{double.META}/subject"] = {"inner": "a subject"}
    yield made
    made.stop()


@pytest.fixture(scope="module")
def keys(venv: Path, workspace_directory: Path) -> dict[str, Path]:
    return ssh.make_keys(workspace_directory / "shell")


@pytest.fixture(scope="module")
def shell(keys: dict[str, Path]) -> Iterator[int]:
    yield from ssh.server(keys)


@pytest.fixture(scope="module")
def kanso(launch: Callable[..., Kanso], cloud: Cloud, amazon: str, shell: int) -> World:
    nobody = [f"{host}=http://127.0.0.1:1" for host in REGISTRIES]
    places = ",".join([*nobody, f"*.hyperai.test=ssh://127.0.0.1:{shell}", cloud.endpoints("*.amazonaws.com"), f"*.amazonaws.com={amazon}"])
    return World(Api(launch(KANSO_CONNECTOR_ENDPOINTS=places, ZENML_ENABLE_IMPLICIT_AUTH_METHODS="true", AWS_REGION=REGION,
                            SSL_CERT_FILE=str(cloud.certificate), KANSO_LOGIN_RATE="0").url))


@pytest.fixture(scope="module")
def reference(venv: Path, workspace_directory: Path, mariadb: Any, cloud: Cloud, amazon: str,
              shell: int) -> Iterator[World]:
    server = Reference(venv, workspace_directory / "connectors-reference", mariadb, ZENML_ENABLE_IMPLICIT_AUTH_METHODS="true",
                       PYTHONPATH=str(REPOSITORY / "tests" / "kit" / "sdk"), KANSO_DOUBLE_PORTS=f"{cloud.ports},{shell}",
                       AWS_ENDPOINT_URL=amazon, AWS_REGION=REGION, AWS_DEFAULT_REGION=REGION,
                       HOME=str(workspace_directory),
                       **{name: str(cloud.certificate) for name in ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE")})
    server.start()
    yield World(Api(server.url))
    server.stop()


# Comparing -----------------------------------------------------------------------------------------------------------

STAMP = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|\+00:00)?")
# Made anew for each: only that they are there counts.
FRESH = {"aws_session_token", "created", "updated"}


class Text(str):
    """Words for people: each server has its own."""

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Text)

    __hash__ = str.__hash__


def tidy(value: Any, name: str = "", temporary: bool = False) -> Any:
    """An answer without what cannot be the same."""
    if isinstance(value, dict) and "supports_auto_configuration" in value:
        return value["connector_type"]  # types have a test of their own
    if isinstance(value, dict):
        temporary = temporary or str(value.get("aws_access_key_id", "")).startswith("ASIA") or value.get("username") == "AWS"
        return {key: tidy(item, key, temporary) for key, item in value.items()}
    if isinstance(value, list):
        return [tidy(item, name, temporary) for item in value]
    if not isinstance(value, str):
        return value
    if name == "error" or name == "description":
        return Text(value)
    if name in FRESH or temporary and name in ("aws_access_key_id", "aws_secret_access_key", "password"):
        return f"<{name}>"
    if name == "token" and value.startswith("k8s-aws-v1."):
        return cluster_token(value)
    if STAMP.fullmatch(value):
        when = datetime.fromisoformat(value.replace("Z", "+00:00")).replace(tzinfo=timezone.utc)
        return f"<in {round((when.timestamp() - time.time()) / 300) * 5} minutes>" if name == "expires_at" else "<time>"
    return UUID.sub("<id>", value) if name != "client_id" else value


def cluster_token(token: str) -> Any:
    packed = token.removeprefix("k8s-aws-v1.")
    url = urlsplit(base64.urlsafe_b64decode(packed + "=" * (-len(packed) % 4)).decode())
    return {"host": url.hostname, "path": url.path, "query": {
        name: value for name, value in parse_qs(url.query).items()
        if name not in ("X-Amz-Date", "X-Amz-Signature", "X-Amz-Credential", "X-Amz-Security-Token")}}


def answered(answer: Any) -> Any:
    body = answer.json()
    if answer.status_code == 200:
        return tidy(body)
    detail = body.get("detail") if isinstance(body, dict) else None
    known = isinstance(detail, list) and len(detail) == 2
    return {"status": answer.status_code, "kind": detail[0] if known else None, "text": Text(detail[1] if known else detail)}


def filled(row: Row, cloud: Cloud, keys: dict[str, Path]) -> dict[str, Any]:
    real = {"ROBOT": cloud.service_account(), "CLOUD": cloud.secure.url, "PLAIN": cloud.plain.url, "STRANGER": cloud.stranger,
            "CA": base64.b64encode(cloud.certificate.read_bytes()).decode()}
    real |= {f"KEY {name}": base64.b64encode(path.read_bytes()).decode() for name, path in keys.items()}
    return {name: real.get(value, value) if isinstance(value, str) else value for name, value in row.configuration.items()}


def conversation(world: World, row: Row, configuration: dict[str, Any], name: str) -> Iterator[tuple[str, Any]]:
    """What is asked about a row, and the answers."""
    api = world.api
    info = {"connector_type": row.kind, "auth_method": row.method, "configuration": configuration} | row.changes
    every = world.owned | {"name": name, "resource_types": []} | info
    for listing in ("true", "false"):
        yield f"verify, list={listing}", answered(api.post("/service_connectors/verify", every, list_resources=listing))
    made = api.post(world.ws + "/service_connectors", every)
    yield "register", answered(made)
    for kind, names in row.names.items():
        for resource in names:
            one = every | {"resource_types": [kind], "resource_id": resource}
            yield f"verify {kind} {resource}", answered(api.post("/service_connectors/verify", one))
    if made.status_code == 200:
        yield from of_stored(world, row, made.json()["id"])
    full = {"type": row.kind, "auth_method": row.method, "configuration": info["configuration"]}
    if row.kind in ("aws", "gcp", "azure") and not row.changes:
        yield "full stack of a description", answered(api.post("/service_connectors/full_stack_resources", full))


def of_stored(world: World, row: Row, made: str) -> Iterator[tuple[str, Any]]:
    api, where = world.api, f"/service_connectors/{made}"
    yield "get", answered(api.get(where))
    yield "verify the stored one", answered(api.put(where + "/verify", list_resources="true"))
    for kind, names in row.names.items():
        yield f"list {kind}", answered(api.put(where + "/verify", resource_type=kind))
        for resource in names:
            query = {"resource_type": kind} | ({"resource_id": resource} if resource else {})
            yield f"client {kind} {resource}", answered(api.get(where + "/client", **query))
    if row.kind in ("aws", "gcp", "azure"):
        yield "full stack", answered(api.post("/service_connectors/full_stack_resources", connector_uuid=made))


def differences(theirs: Any, ours: Any, path: str = "") -> Iterator[str]:
    if not path and ("status" in theirs) != ("status" in ours):
        yield f": reference {json.dumps(theirs)[:400]}, kanso {json.dumps(ours)[:400]}"
    elif isinstance(theirs, dict) and isinstance(ours, dict):
        for name in theirs.keys() | ours.keys():
            yield from differences(theirs.get(name, "<absent>"), ours.get(name, "<absent>"), f"{path}.{name}")
    elif isinstance(theirs, list) and isinstance(ours, list) and len(theirs) == len(ours):
        for index, (one, other) in enumerate(zip(theirs, ours)):
            yield from differences(one, other, f"{path}[{index}]")
    elif theirs != ours:
        yield f"{path}: reference {json.dumps(theirs)[:300]}, kanso {json.dumps(ours)[:300]}"


def expected(row: str, call: str) -> str | None:
    """Why this call differs, where that is meant."""
    for pattern, reason in DIFFERENCES.items():
        if re.fullmatch(pattern, f"{row}: {call}"):
            return reason
    return None


def bare(value: Any) -> Any:
    """A type without the words for people in it."""
    if isinstance(value, dict):
        return {name: bare(item) for name, item in value.items()
                if name != "description" and not (name == "title" and "properties" not in value)}
    return [bare(item) for item in value] if isinstance(value, list) else value


@pytest.mark.parametrize("kind", ["aws", "gcp", "azure", "kubernetes", "docker", "hyperai"])
def test_the_same_types(kanso: World, reference: World, kind: str) -> None:
    ours, theirs = (world.api.read(f"/service_connector_types/{kind}") for world in (kanso, reference))
    assert bare(ours) == bare(theirs)


@pytest.mark.parametrize("name", ROWS)
def test_the_same_answers(kanso: World, reference: World, cloud: Cloud, keys: dict[str, Path], name: str) -> None:
    row, connector, wrong = ROWS[name], f"differential-{list(ROWS).index(name)}", []
    configuration = filled(row, cloud, keys)
    compared = 0
    for (call, ours), (same, theirs) in zip(conversation(kanso, row, configuration, connector),
                                            conversation(reference, row, configuration, connector)):
        assert call == same
        compared += 1
        if ours != theirs and not expected(name, call):
            wrong += [f"{call}: {line}" for line in differences(theirs, ours)]
        if ours == theirs and expected(name, call):
            wrong.append(f"{call}: is the same, though a difference is listed")
    assert compared > 3 and not wrong, "\n" + "\n".join(wrong)
