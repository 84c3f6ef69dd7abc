"""Service connectors of Azure against a double that checks what it is asked."""

from __future__ import annotations

import base64
import json
import re
from typing import Any, Callable, Iterator
from urllib.parse import parse_qs

import pytest

from kit.api import Api, fails, ok
from kit.control_plane import Call
from kit.factory import World
from kit.provider import Provider, started
from kit.servers import Kanso

SUB, TENANT, CLIENT = "0" * 8 + "-0000-0000-0000-000000000001", "0" * 8 + "-0000-0000-0000-000000000002", \
    "0" * 8 + "-0000-0000-0000-000000000003"
GROUPS = f"/subscriptions/{SUB}/resourceGroups"
LATER = "2099-01-01T00:00:00"


def managed(group: str, kind: str, name: str) -> dict[str, str]:
    return {"name": name, "id": f"{GROUPS}/{group}/providers/{kind}/{name}"}


def kubeconfig(server: str) -> str:
    text = ("apiVersion: v1\nclusters:\n- cluster:\n    certificate-authority-data: Y2E=\n"
            f"    server: {server}\n  name: kube\ncontexts:\n- context:\n    cluster: kube\n    user: admin\n  name: other\n"
            "current-context: other\n"
            "users:\n- name: admin\n  user:\n    client-certificate-data: Y2VydA==\n    client-key-data: a2V5\n"
            "    token: \"kube-token\"\n")
    return base64.b64encode(text.encode()).decode()


@pytest.fixture(scope="module")
def cloud() -> Iterator[Provider]:
    for provider in started():
        provider.routes = routes(provider)
        yield provider


def routes(provider: Provider) -> dict[str, Any]:
    def token(call: Call, found: re.Match) -> Any:
        form = {name: value[0] for name, value in parse_qs(call.body).items()}
        assert found["tenant"] == TENANT and form["client_id"] == CLIENT and form["grant_type"] == "client_credentials"
        if form["client_secret"] != "shh":
            return 401, json.dumps({"error": "invalid_client", "error_description": "AADSTS7000215: Invalid secret."}), {}
        return {"access_token": re.sub(r"https://(\w+)\..*", r"\1-token", form["scope"]), "expires_in": 3599}

    def arm(answer: Any, version: str) -> Callable[[Call, re.Match], Any]:
        def give(call: Call, found: re.Match) -> Any:
            assert call.headers["authorization"] in ("Bearer management-token", "Bearer given-token")
            assert call.query["api-version"] == [version]
            return answer(call, found) if callable(answer) else answer
        return give

    def clusters(call: Call, _: re.Match) -> Any:
        kind = "Microsoft.ContainerService/managedClusters"
        if "skip" in call.query:
            return {"value": [managed("blue", kind, "twin"), managed("blue", kind, "one")]}
        path = f"/subscriptions/{SUB}/providers/{kind}?api-version=2024-02-01&skip=2"
        return {"value": [managed("red", kind, "twin")], "nextLink": "https://management.azure.com" + path}

    def blobs(call: Call, found: re.Match) -> Any:
        assert call.headers["authorization"] == "Bearer storage-token" and call.headers["x-ms-version"]
        assert call.query["comp"] == ["list"]
        names = {"first": ["alpha", "b&amp;b"], "second": ["beta"]}[found["account"]]
        inner = "".join(f"<Container><Name>{name}</Name></Container>" for name in names)
        return 200, f"<?xml version='1.0'?><EnumerationResults><Containers>{inner}</Containers><NextMarker /></EnumerationResults>", {}

    providers = f"GET /arm/subscriptions/{SUB}/providers/"
    red = f"/arm{GROUPS}/red/providers/"
    registry, cluster = "Microsoft.ContainerRegistry/registries", "Microsoft.ContainerService/managedClusters"
    subscription = {"subscriptionId": SUB, "displayName": "Pay as you go"}
    return {
        "POST /login/(?P<tenant>[^/]+)/oauth2/v2.0/token": token,
        "GET /arm/subscriptions": arm({"value": [subscription]}, "2022-12-01"),
        f"GET /arm/subscriptions/{SUB}": arm(subscription, "2022-12-01"),
        providers + "Microsoft.Storage/storageAccounts": arm({"value": [
            managed("red", "s", "first"), managed("blue", "s", "second")]}, "2023-01-01"),
        r"GET /blob/(?P<account>\w+)/": blobs,
        providers + registry: arm({"value": [managed("red", registry, "images"), managed("blue", registry, "more")]}, "2023-07-01"),
        f"GET {red}{registry}/images": arm(managed("red", registry, "images"), "2023-07-01"),
        f"POST {red}{registry}/images/listCredentials": arm(
            {"username": "images", "passwords": [{"name": "password", "value": "admin-pw"}]}, "2023-07-01"),
        providers + cluster: arm(clusters, "2024-02-01"),
        f"GET {red}{cluster}/twin": arm(managed("red", cluster, "twin"), "2024-02-01"),
        f"POST {red}{cluster}/twin/listClusterAdminCredential": arm(
            lambda call, found: {"kubeconfigs": [{"name": "a", "value": kubeconfig(provider.url + "/kube")}]}, "2024-02-01"),
        "GET /kube/version": lambda call, found: {"major": "1"} if call.headers["authorization"] == "Bearer kube-token"
        else (401, "{}", {}),
    }


@pytest.fixture(scope="module")
def azure(launch: Callable[..., Kanso], cloud: Provider) -> World:
    return World(Api(launch(KANSO_CONNECTOR_ENDPOINTS=(
        f"login.microsoftonline.com={cloud.url}/login,management.azure.com={cloud.url}/arm,"
        f"*.blob.core.windows.net={cloud.url}/blob/*")).url))


def principal(**changes: Any) -> dict[str, Any]:
    return {"client_id": CLIENT, "client_secret": "shh", "tenant_id": TENANT} | changes


def body(world: World, resource: str | None = None, name: str | None = None, **changes: Any) -> dict[str, Any]:
    return world.owned | {"name": world.name("azure"), "connector_type": "azure", "auth_method": "service-principal",
                          "resource_types": [resource] if resource else [], "resource_id": name,
                          "configuration": principal()} | changes


def given_token(world: World, resource: str | None = None, name: str | None = None, **changes: Any) -> dict[str, Any]:
    return body(world, resource, name, auth_method="access-token", configuration={"token": "given-token"} | changes,
                expires_at=LATER)


def verified(world: World, wanted: dict[str, Any]) -> dict[str, tuple[Any, Any]]:
    found = ok(world.api.post("/service_connectors/verify", wanted))
    return {item["resource_type"]: (item["resource_ids"], item["error"]) for item in found["resources"]}


def test_everything_is_listed(azure: World) -> None:
    assert verified(azure, body(azure)) == {
        "azure-generic": (["Pay as you go"], None),
        "blob-container": (["az://alpha", "az://b&b", "az://beta"], None),
        "kubernetes-cluster": (["red/twin", "blue/twin", "blue/one"], None),
        "docker-registry": (["images.azurecr.io", "more.azurecr.io"], None)}


def test_a_group_and_an_account_limit_what_is_listed(azure: World) -> None:
    limited = body(azure, configuration=principal(resource_group="red", storage_account="first", subscription_id=SUB))
    assert verified(azure, limited) == {
        "azure-generic": (["Pay as you go"], None),
        "blob-container": (["az://alpha", "az://b&b"], None),
        "kubernetes-cluster": (["red/twin"], None),
        "docker-registry": (["images.azurecr.io"], None)}
    error = verified(azure, body(azure, "docker-registry", configuration=principal(resource_group="green")))
    assert "'green'" in error["docker-registry"][1]


def test_access_tokens(azure: World) -> None:
    found = verified(azure, given_token(azure))
    assert found["docker-registry"] == (["images.azurecr.io", "more.azurecr.io"], None)
    assert found["blob-container"][0] is None and "access-token" in found["blob-container"][1]
    endless = ok(azure.api.post("/service_connectors/verify", given_token(azure) | {"expires_at": None}))
    assert "expires_at" in endless["error"]


@pytest.mark.parametrize(("kind", "given", "stored"), [
    ("blob-container", "abfs://alpha/x", "az://alpha"), ("blob-container", "beta", "az://beta"),
    ("docker-registry", "https://images.azurecr.io/x", "images.azurecr.io"), ("docker-registry", "images", "images.azurecr.io"),
    ("kubernetes-cluster", "red/twin", "red/twin"), ("kubernetes-cluster", "one", "one"),
    ("azure-generic", "Pay as you go", "Pay as you go")])
def test_names(azure: World, kind: str, given: str, stored: str) -> None:
    assert verified(azure, body(azure, kind, given)) == {kind: ([stored], None)}


@pytest.mark.parametrize(("kind", "given"), [
    ("blob-container", "a--b"), ("blob-container", "s3://alpha"), ("blob-container", "al"), ("docker-registry", "a-b"),
    ("docker-registry", "x.docker.io"), ("kubernetes-cluster", "a/b/c"), ("kubernetes-cluster", "-x")])
def test_names_that_are_none(azure: World, kind: str, given: str) -> None:
    fails(azure.api.post("/service_connectors/verify", body(azure, kind, given)), 400, "ValueError")


def test_a_cluster_of_another_group(azure: World) -> None:
    wanted = body(azure, "kubernetes-cluster", "blue/one", configuration=principal(resource_group="red"))
    fails(azure.api.post("/service_connectors/verify", wanted), 400, "ValueError")


def test_refusals(azure: World) -> None:
    wrong = body(azure, configuration=principal(client_secret="wrong-secret"))
    found = ok(azure.api.post("/service_connectors/verify", wrong))
    assert "AADSTS7000215" in found["error"] and "wrong-secret" not in found["error"]
    for kind, name, part in (("kubernetes-cluster", "twin", "several resource groups"), ("kubernetes-cluster", "none", "not found"),
                             ("docker-registry", "none", "not found"), ("blob-container", "none", "not found")):
        ids, error = verified(azure, body(azure, kind, name))[kind]
        assert ids is None and part in error
    for changes in ({"tenant_id": "no uuid"}, {"client_id": None}):
        fails(azure.api.post("/service_connectors/verify", body(azure, configuration=principal(**changes))), 400, "ValueError")


def test_clients(azure: World, cloud: Provider) -> None:
    made = azure.api.make(azure.ws + "/service_connectors", body(azure))
    token = azure.api.make(azure.ws + "/service_connectors", given_token(azure))

    def client(of: dict[str, Any], kind: str, name: str) -> dict[str, Any]:
        return azure.api.read(f"/service_connectors/{of['id']}/client", resource_type=kind, resource_id=name)

    container = client(made, "blob-container", "alpha")
    assert container["body"]["auth_method"] == "service-principal" and container["body"]["resource_id"] == "az://alpha"
    assert container["metadata"]["secrets"] == {"client_secret": "shh"}
    assert container["name"] == f"{made['name']} (blob-container | az://alpha client)"
    registry = client(made, "docker-registry", "images")
    assert registry["metadata"]["secrets"] == {"username": CLIENT, "password": "shh"}
    assert registry["body"]["resource_id"] == "images.azurecr.io" and registry["body"]["expires_at"] is None
    registry = client(token, "docker-registry", "images")
    assert registry["metadata"]["secrets"] == {"username": "images", "password": "admin-pw"}
    assert registry["body"]["expires_at"] == LATER
    for of, expires in ((made, None), (token, LATER)):
        kube = client(of, "kubernetes-cluster", "red/twin")
        assert kube["body"]["connector_type"]["connector_type"] == "kubernetes" and kube["body"]["auth_method"] == "token"
        assert kube["body"]["resource_id"] == "kube" and kube["body"]["expires_at"] == expires
        assert kube["metadata"]["configuration"] == {"server": cloud.url + "/kube", "insecure": False, "cluster_name": "kube"}
        assert kube["metadata"]["secrets"] == {"client_certificate": "Y2VydA==", "client_key": "a2V5", "token": "kube-token",
                                               "certificate_authority": "Y2E="}
