"""Every type of service connectors: catalogue, what is stored of them, and calls on clusters, registries and in vain."""

from __future__ import annotations

import base64
import os
import socket
import time
from pathlib import Path
from typing import Any, Callable

import pytest

from kit.api import Api, fails, missing, ok
from kit.control_plane import make_certificate
from kit.factory import World
from kit.process import executable_of, memory_of
from kit.provider import started
from kit.servers import Kanso

pytestmark = pytest.mark.sanitize

LOGOS = "https://public-flavor-logos.s3.eu-central-1.amazonaws.com/"
# Type: name, automatic configuration, emoji, logo.
TYPES = {
    "aws": ("AWS Service Connector", True, ":large_orange_diamond:", "connectors/aws/aws.png"),
    "gcp": ("GCP Service Connector", True, ":blue_circle:", "connectors/gcp/gcp.png"),
    "azure": ("Azure Service Connector", True, ":regional_indicator_a: ", "connectors/azure/azure.png"),
    "kubernetes": ("Kubernetes Service Connector", True, ":cyclone:", "orchestrator/kubernetes.png"),
    "docker": ("Docker Service Connector", False, ":whale:", "container_registry/docker.png"),
}
KEY = "aws_access_key_id! aws_secret_access_key!"
CLUSTER = "certificate_authority? server insecure= cluster_name"
# Type and method: display name, least, most and usual seconds, title of the schema, attributes in their order.
# A mark behind the name: ! a secret that is required, ? an optional secret, ~ optional, = a flag; none: required.
METHODS = {
    ("aws", "implicit"): ("AWS Implicit Authentication", 900, None, 3600, "AWSImplicitConfig",
                          "policy_arns~ policy~ region endpoint_url~ profile_name~ role_arn~"),
    ("aws", "secret-key"): ("AWS Secret Key", None, None, None, "AWSSecretKeyConfig", KEY + " region endpoint_url~"),
    ("aws", "sts-token"): ("AWS STS Token", None, None, None, "STSTokenConfig",
                           KEY + " aws_session_token! region endpoint_url~"),
    ("aws", "iam-role"): ("AWS IAM Role", 900, None, 3600, "IAMRoleAuthenticationConfig",
                          f"policy_arns~ policy~ {KEY} region endpoint_url~ role_arn"),
    ("aws", "session-token"): ("AWS Session Token", 900, 129600, 43200, "SessionTokenAuthenticationConfig",
                               KEY + " region endpoint_url~"),
    ("aws", "federation-token"): ("AWS Federation Token", 900, 129600, 43200, "FederationTokenAuthenticationConfig",
                                  f"policy_arns~ policy~ {KEY} region endpoint_url~"),
    ("gcp", "implicit"): ("GCP Implicit Authentication", None, None, None, "GCPBaseProjectIDConfig", "project_id"),
    ("gcp", "user-account"): ("GCP User Account", None, None, None, "GCPUserAccountConfig",
                              "user_account_json! generate_temporary_tokens= project_id"),
    ("gcp", "service-account"): ("GCP Service Account", None, None, None, "GCPServiceAccountConfig",
                                 "service_account_json! generate_temporary_tokens="),
    ("gcp", "external-account"): ("GCP External Account", None, None, None, "GCPExternalAccountConfig",
                                  "external_account_json! generate_temporary_tokens= project_id"),
    ("gcp", "oauth2-token"): ("GCP Oauth 2.0 Token", None, None, None, "GCPOAuth2TokenConfig",
                              "token! project_id service_account_email~"),
    ("gcp", "impersonation"): ("GCP Service Account Impersonation", None, 3600, 3600,
                               "GCPServiceAccountImpersonationConfig",
                               "service_account_json! generate_temporary_tokens= target_principal"),
    ("azure", "implicit"): ("Azure Implicit Authentication", None, None, None, "AzureBaseConfig",
                            "subscription_id~ tenant_id~ resource_group~ storage_account~"),
    ("azure", "service-principal"): (
        "Azure Service Principal", None, None, None, "AzureServicePrincipalConfig",
        "client_secret! subscription_id~ tenant_id resource_group~ storage_account~ client_id"),
    ("azure", "access-token"): ("Azure Access Token", None, None, 3600, "AzureAccessTokenConfig",
                                "token! subscription_id~ tenant_id~ resource_group~ storage_account~"),
    ("kubernetes", "password"): ("Kubernetes Username and Password", None, None, None, "KubernetesUserPasswordConfig",
                                 f"username! password! {CLUSTER}"),
    ("kubernetes", "token"): ("Kubernetes Token", None, None, None, "KubernetesTokenConfig",
                              f"client_certificate? client_key? token? {CLUSTER}"),
    ("docker", "password"): ("Docker username and password/token", None, None, None, "DockerConfiguration",
                             "username! password! registry~"),
}
# Type and resource type: display name, whether there are several, emoji, logo.
RESOURCES = {
    ("aws", "aws-generic"): ("Generic AWS resource", False, TYPES["aws"][2], TYPES["aws"][3]),
    ("aws", "s3-bucket"): ("AWS S3 bucket", True, ":package:", "artifact_store/aws.png"),
    ("aws", "kubernetes-cluster"): ("AWS EKS Kubernetes cluster", True, ":cyclone:", "orchestrator/kubernetes.png"),
    ("aws", "docker-registry"): ("AWS ECR container registry", False, ":whale:", "container_registry/docker.png"),
    ("gcp", "gcp-generic"): ("Generic GCP resource", False, TYPES["gcp"][2], TYPES["gcp"][3]),
    ("gcp", "gcs-bucket"): ("GCP GCS bucket", True, ":package:", "artifact_store/gcp.png"),
    ("gcp", "kubernetes-cluster"): ("GCP GKE Kubernetes cluster", True, ":cyclone:", "orchestrator/kubernetes.png"),
    ("gcp", "docker-registry"): ("GCP GAR container registry", True, ":whale:", "container_registry/docker.png"),
    ("azure", "azure-generic"): ("Generic Azure resource", False, TYPES["azure"][2], TYPES["azure"][3]),
    ("azure", "blob-container"): ("Azure Blob Storage Container", True, ":package:", "artifact_store/azure.png"),
    ("azure", "kubernetes-cluster"): ("AKS Kubernetes cluster", True, ":cyclone:", "orchestrator/kubernetes.png"),
    ("azure", "docker-registry"): ("ACR container registry", True, ":whale:", "container_registry/docker.png"),
    ("kubernetes", "kubernetes-cluster"): ("Kubernetes cluster", False, ":cyclone:", "orchestrator/kubernetes.png"),
    ("docker", "docker-registry"): ("Docker/OCI container registry", False, ":whale:", "container_registry/docker.png"),
}


# The catalogue

def test_the_list(world: World) -> None:
    found = world.api.read("/service_connector_types")
    assert [item["connector_type"] for item in found][:len(TYPES)] == list(TYPES)
    for item in found:
        name = item["connector_type"]
        assert world.api.read("/service_connector_types/" + name) == item
        if name in TYPES:
            label, automatic, emoji, logo = TYPES[name]
            assert (item["name"], item["supports_auto_configuration"], item["emoji"], item["logo_url"]) == \
                (label, automatic, emoji, LOGOS + logo)
        assert (item["docs_url"], item["sdk_docs_url"], item["local"], item["remote"]) == (None, None, True, False)
        assert item["description"]


@pytest.mark.parametrize(("query", "expected"), [
    ({"connector_type": "gcp"}, ["gcp"]), ({"resource_type": "s3-bucket"}, ["aws"]),
    ({"resource_type": "kubernetes-cluster"}, ["aws", "gcp", "azure", "kubernetes"]),
    ({"auth_method": "implicit"}, ["aws", "gcp", "azure"]), ({"auth_method": "password"}, ["kubernetes", "docker"]),
    ({"auth_method": "password", "resource_type": "docker-registry"}, ["docker"]),
    ({"connector_type": "aws", "resource_type": "gcs-bucket"}, [])])
def test_filters_of_the_list(world: World, query: dict[str, str], expected: list[str]) -> None:
    assert [item["connector_type"] for item in world.api.read("/service_connector_types", **query)] == expected


def of_type(world: World, name: str) -> dict[str, Any]:
    return world.api.read("/service_connector_types/" + name)


@pytest.mark.parametrize(("kind", "method"), METHODS)
def test_methods(world: World, kind: str, method: str) -> None:
    label, least, most, usual, title, attributes = METHODS[kind, method]
    found = next(item for item in of_type(world, kind)["auth_methods"] if item["auth_method"] == method)
    assert (found["name"], found["min_expiration_seconds"], found["max_expiration_seconds"],
            found["default_expiration_seconds"]) == (label, least, most, usual)
    schema, names = found["config_schema"], attributes.split()
    required = [name.rstrip("!") for name in names if not name[-1] in "?~="]
    assert list(schema) == ["description", "properties"] + (["required"] if required else []) + ["title", "type"]
    assert schema["title"] == title and schema["type"] == "object" and schema["description"]
    assert list(schema["properties"]) == [name.rstrip("!?~=") for name in names]
    assert schema.get("required", []) == required
    for name, part in zip(names, schema["properties"].values()):
        secret = name[-1] in "!?"
        plain = part if name[-1] not in "?~" else part["anyOf"][0]
        assert part["title"] and (plain.get("format") == "password") == secret == (plain.get("writeOnly") is True)
        if name[-1] in "?~":
            assert part["anyOf"][1] == {"type": "null"} and part["default"] is None
        if name[-1] == "=":
            assert part["type"] == "boolean" and part["default"] is (name != "insecure=")


@pytest.mark.parametrize(("kind", "resource"), RESOURCES)
def test_resources(world: World, kind: str, resource: str) -> None:
    label, several, emoji, logo = RESOURCES[kind, resource]
    whole = of_type(world, kind)
    found = next(item for item in whole["resource_types"] if item["resource_type"] == resource)
    assert list(found) == ["name", "resource_type", "description", "auth_methods", "supports_instances", "logo_url", "emoji"]
    assert (found["name"], found["supports_instances"], found["emoji"], found["logo_url"]) == (label, several, emoji, LOGOS + logo)
    assert found["auth_methods"] == [item["auth_method"] for item in whole["auth_methods"]]


def test_only_some_types(launch: Callable[..., Kanso]) -> None:
    world = World(Api(launch(KANSO_CONNECTOR_TYPES="docker, kubernetes").url))
    assert [item["connector_type"] for item in world.api.read("/service_connector_types")] == ["kubernetes", "docker"]
    missing(world.api.get("/service_connector_types/aws"))
    made = world.api.make(world.ws + "/service_connectors", body(world, "aws", "secret-key", {"anything": "goes"}))
    assert made["body"]["connector_type"] == "aws" and made["metadata"]["configuration"] == {"anything": "goes"}
    fails(world.api.put(f"/service_connectors/{made['id']}/verify"), 501, "NotImplementedError")


@pytest.mark.parametrize(("name", "value"), [("KANSO_CONNECTOR_TYPES", "docker, amazon"), ("KANSO_EGRESS", "10.0.0.0/99"),
                                             ("KANSO_EGRESS", "http://x"), ("KANSO_CONNECTOR_ENDPOINTS", "sts=ftp://x")])
def test_settings_that_are_none(stopped: Kanso, name: str, value: str) -> None:
    stopped.environment[name] = value
    done = stopped.run("start", check=False)
    assert done.returncode != 0 and name in done.stdout + done.stderr


# What is stored

def body(world: World, kind: str, method: str, configuration: dict[str, Any], *resources: str, **changes: Any) -> dict[str, Any]:
    return world.owned | {"name": world.name(kind), "connector_type": kind, "auth_method": method,
                          "resource_types": list(resources), "configuration": configuration} | changes


def value_of(name: str) -> Any:
    return {"region": "eu-west-1", "insecure": True, "generate_temporary_tokens": False, "policy_arns": ["a", "b"],
            }.get(name, "v-" + name)


@pytest.mark.parametrize(("kind", "method"), METHODS)
def test_attributes_are_sorted(world: World, kind: str, method: str) -> None:
    names = METHODS[kind, method][-1].split()
    given = {name.rstrip("!?~="): value_of(name.rstrip("!?~=")) for name in names} | {"unknown": 1}
    if "policy_arns" in given:
        given["policy_arns"] = "a,b"
    where = world.ws + "/service_connectors"
    made = world.api.make(where, body(world, kind, method, given))
    secrets = {name[:-1]: value_of(name[:-1]) for name in names if name[-1] in "!?"}
    plain = {name.rstrip("~="): value_of(name.rstrip("~=")) for name in names if name[-1] not in "!?"}
    assert made["metadata"]["configuration"] == plain
    if secrets:
        assert world.api.read("/secrets/" + made["metadata"]["secret_id"])["body"]["values"] == secrets
    assert world.api.read("/service_connectors/" + made["id"])["metadata"]["configuration"] == plain | secrets
    assert made["body"]["resource_types"] == [name for of, name in RESOURCES if of == kind]
    assert made["body"]["supports_instances"] is False
    for name in names:
        if name[-1] not in "?~=":
            less = {key: value for key, value in given.items() if key != name.rstrip("!")}
            text = fails(world.api.post(where, body(world, kind, method, less)), 400, "ValueError")
            assert name.rstrip("!") in text


@pytest.mark.parametrize(("kind", "resource"), RESOURCES)
def test_one_resource_type(world: World, kind: str, resource: str) -> None:
    method = next(name for of, name in METHODS if of == kind)
    given = {name.rstrip("!?~="): value_of(name.rstrip("!?~=")) for name in METHODS[kind, method][-1].split()}
    made = world.api.make(world.ws + "/service_connectors",
                          body(world, kind, method, given, resource, resource_id="some-name"))
    assert made["body"]["resource_types"] == [resource] and made["body"]["resource_id"] == "some-name"
    assert made["body"]["supports_instances"] is RESOURCES[kind, resource][1]


@pytest.mark.parametrize(("kind", "method"), METHODS)
def test_expiration(world: World, kind: str, method: str) -> None:
    _, least, most, usual, _, attributes = METHODS[kind, method]
    given = {name.rstrip("!?~="): value_of(name.rstrip("!?~=")) for name in attributes.split()}
    if (least, most, usual) == (None, None, None):
        wrong = [0, 60]
    else:
        wrong = ([least - 1] if least else []) + ([most + 1] if most else [])
    for seconds in wrong:
        text = fails(world.api.post("/service_connectors/verify", body(world, kind, method, given, expiration_seconds=seconds)),
                     400, "ValueError")
        assert "expiration" in text


# Kubernetes

@pytest.fixture(scope="module")
def tls(workspace_directory: Path) -> tuple[Path, Path]:
    directory = workspace_directory / "kube"
    directory.mkdir()
    return make_certificate(directory)


def packed(path: Path) -> str:
    return base64.b64encode(path.read_bytes()).decode()


def cluster(server: str, **more: Any) -> dict[str, Any]:
    return {"server": server, "cluster_name": "mine"} | more


def error_of(world: World, wanted: dict[str, Any]) -> str | None:
    found = ok(world.api.post("/service_connectors/verify", wanted))
    assert all((item["resource_ids"] is None) == (item["error"] is not None) for item in found["resources"])
    return found["error"]


def test_kubernetes_with_a_token(world: World, tls: tuple[Path, Path]) -> None:
    for provider in started(certificate=tls[0], key=tls[1]):
        provider.routes["GET /version"] = lambda call, _: {"major": "1"} \
            if call.headers.get("authorization") == "Bearer good" else (401, '{"kind":"Status","message":"Unauthorized"}', {})
        ca = {"certificate_authority": packed(tls[0])}
        assert error_of(world, body(world, "kubernetes", "token", cluster(provider.url, token="good", **ca))) is None
        for given, part in ((ca | {"token": "bad"}, "Unauthorized (status 401)"), (ca, "Unauthorized"),
                            ({"token": "good"}, "certificate"), (ca | {"token": "good", "insecure": True}, None),
                            ({"token": "good", "insecure": True}, "certificate"),
                            ({"token": "good", "certificate_authority": "***"}, "base64")):
            error = error_of(world, body(world, "kubernetes", "token", cluster(provider.url, **given)))
            assert (error is None) if part is None else error and part in error, given
        name = provider.url.replace("127.0.0.1", "localhost")  # not in the certificate
        assert error_of(world, body(world, "kubernetes", "token", cluster(name, token="good", **ca)))


def test_kubernetes_with_a_certificate(world: World, tls: tuple[Path, Path]) -> None:
    for provider in started(certificate=tls[0], key=tls[1], clients=tls[0]):
        provider.routes["GET /version"] = {"major": "1"}
        own = {"certificate_authority": packed(tls[0]), "client_certificate": packed(tls[0]), "client_key": packed(tls[1])}
        assert error_of(world, body(world, "kubernetes", "token", cluster(provider.url, **own))) is None
        assert error_of(world, body(world, "kubernetes", "token", cluster(
            provider.url, certificate_authority=packed(tls[0]))))


def test_kubernetes_client(world: World) -> None:
    for provider in started():
        provider.routes["GET /version"] = {"major": "1"}
        made = world.api.make(world.ws + "/service_connectors", body(
            world, "kubernetes", "password", cluster(provider.url + "/", username="u", password="p")))
        client = world.api.read(f"/service_connectors/{made['id']}/client")
        assert client["name"] == made["name"] and client["body"]["resource_id"] == "mine"
        assert client["metadata"]["configuration"] == cluster(provider.url + "/", insecure=False)
        assert client["metadata"]["secrets"] == {"username": "u", "password": "p"}
        assert all("authorization" not in call.headers for call in provider.calls)


# Docker

@pytest.mark.parametrize("challenge", ["basic", "bearer"])
def test_a_registry_is_asked(world: World, challenge: str) -> None:
    for provider in started():
        good = "Basic " + base64.b64encode(b"joe:pw").decode()

        def root(call: Any, _: Any) -> Any:
            if challenge == "basic" and call.headers.get("authorization") == good:
                return {}
            asked = 'Basic realm="r"' if challenge == "basic" else \
                f'Bearer realm="{provider.url}/token",service="reg"'
            return 401, '{"errors":[{"code":"UNAUTHORIZED","message":"authentication required"}]}', {"WWW-Authenticate": asked}

        def token(call: Any, _: Any) -> Any:
            assert call.query == {"service": ["reg"], "account": [call.query["account"][0]]}
            return {"token": "t"} if call.headers.get("authorization") == good else \
                (401, '{"errors":[{"message":"incorrect username or password"}]}', {})

        provider.routes = {"GET /v2/": root, "GET /token": token}
        registry = provider.url.removeprefix("http://")
        for password, part in (("pw", None), ("bad-password", "re")):
            error = error_of(world, body(world, "docker", "password", {
                "username": "joe", "password": password, "registry": registry}))
            assert (error is None) if part is None else "failed to authenticate with Docker registry " + registry in str(error)
            assert "bad-password" not in str(error)


# In vain

def test_providers_that_fail(world: World) -> None:
    """Whoever answers badly or not at all gives an error in time, and the worker goes on."""
    big = 9 * 1024 * 1024
    faults: dict[str, Any] = {
        "redirect": (302, "", {"Location": "http://127.0.0.1:1/"}),
        "error": (500, "token-of-mine " * 100, {}),
        "big": (200, "x" * big, {}),
        "cut": (200, "{}", {"Content-Length": "5000", "Connection": "close"}),
        "secret": (403, '{"message":"token-of-mine is wrong\\nsecond line"}', {}),
    }
    for provider in started():
        provider.routes = {f"GET /{name}/version": answer for name, answer in faults.items()}
        for name in faults:
            if name == "cut":
                provider.server.timeout = 1
            error = error_of(world, body(world, "kubernetes", "token", cluster(f"{provider.url}/{name}", token="token-of-mine")))
            assert error and "failed to verify Kubernetes cluster access" in error and "token-of-mine" not in error
            assert "second line" not in error and len(error) < 600
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        gone = f"http://127.0.0.1:{closed.getsockname()[1]}"
    assert error_of(world, body(world, "kubernetes", "token", cluster(gone, token="t")))


def test_a_slow_provider(world: World) -> None:
    with socket.socket() as mute:
        mute.bind(("127.0.0.1", 0))
        mute.listen(5)
        begin = time.monotonic()
        error = error_of(world, body(world, "kubernetes", "token", cluster(
            f"http://127.0.0.1:{mute.getsockname()[1]}", token="t")))
        assert error and time.monotonic() - begin < 60


@pytest.mark.parametrize("address", ["http://169.254.169.254/latest", "http://[fe80::1]", "http://[::ffff:169.254.169.254]",
                                    "http://168.63.129.16", "http://2852039166/", "file:///etc/passwd", "ftp://127.0.0.1/"])
def test_addresses_that_are_not_called(world: World, address: str) -> None:
    begin = time.monotonic()
    error = error_of(world, body(world, "kubernetes", "token", cluster(address, token="t")))
    assert error and time.monotonic() - begin < 30
    if address.startswith("http"):
        assert "KANSO_EGRESS" in error


def test_only_what_the_rule_names(launch: Callable[..., Kanso]) -> None:
    world = World(Api(launch(KANSO_EGRESS="localhost, *.example.org").url))
    for provider in started():
        provider.routes["GET /version"] = {"major": "1"}
        name = provider.url.replace("127.0.0.1", "localhost")
        assert "KANSO_EGRESS" in str(error_of(world, body(world, "kubernetes", "token", cluster(provider.url, token="t"))))
        assert error_of(world, body(world, "kubernetes", "token", cluster(name, token="t"))) is None


# Memory

def test_all_types_fit_into_the_default_plan(launch: Callable[..., Kanso], tls: tuple[Path, Path]) -> None:
    """All providers are linked into every worker. While it waits, Kanso takes what the README says; the worker that has
    called providers over TLS keeps the authorities that it knows."""
    if os.environ.get("ASAN_OPTIONS") or os.geteuid() != 0:
        pytest.skip("the memory of ASan is another matter, and only root sees what is shared")
    kanso = launch(SSL_CERT_FILE="/etc/ssl/certs/ca-certificates.crt")
    world = World(Api(kanso.url))
    world.api.read("/service_connector_types")
    sizes = {pid: memory_of(pid) for pid in kanso.processes() if "mariadb" not in executable_of(pid)}
    waiting = sum(sizes.values())
    print(f"waiting: {waiting / 1e6:.1f} MB in {len(sizes)} processes")
    assert waiting < 40e6  # the plan is for 60 MB, with the database
    before = {pid: memory_of(pid, "Pss_Anon") for pid in kanso.workers()}
    for provider in started(certificate=tls[0], key=tls[1]):
        provider.routes["GET /version"] = {"major": "1"}
        for _ in range(20):
            error_of(world, body(world, "kubernetes", "token", cluster(provider.url, token="t")))
    grown = max(memory_of(pid, "Pss_Anon") - before[pid] for pid in before)
    print(f"after calls over TLS: {grown / 1e6:.1f} MB more in one worker")
    assert grown < 12e6
    kanso.stop()
