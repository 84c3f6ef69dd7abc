"""Service connectors of Google Cloud against a double that checks what it is asked."""

from __future__ import annotations

import base64
import json
import re
import subprocess
import time
from pathlib import Path
from typing import Any, Callable, Iterator
from urllib.parse import parse_qs

import pytest

from kit.api import Api, fails, ok
from kit.control_plane import Call
from kit.factory import World
from kit.provider import Provider, started
from kit.servers import Kanso

PROJECT, EMAIL, OTHER = "proj", "robot@proj.iam.gserviceaccount.com", "other@proj.iam.gserviceaccount.com"
SCOPE = "https://www.googleapis.com/auth/cloud-platform"
GAR = f"europe-docker.pkg.dev/{PROJECT}/images"


def unpacked(part: str) -> dict[str, Any]:
    return json.loads(base64.urlsafe_b64decode(part + "=="))


class Keys:
    """The key of a service account, made for the tests."""

    def __init__(self, directory: Path) -> None:
        self.private, self.public = directory / "gcp.key", directory / "gcp.pub"
        self.directory = directory
        subprocess.run(["openssl", "genrsa", "-out", str(self.private), "2048"], check=True, capture_output=True)
        subprocess.run(["openssl", "rsa", "-in", str(self.private), "-pubout", "-out", str(self.public)], check=True,
                       capture_output=True)

    def signed(self, token: str) -> bool:
        head, body, signature = token.split(".")
        (self.directory / "signature").write_bytes(base64.urlsafe_b64decode(signature + "=="))
        return subprocess.run(["openssl", "dgst", "-sha256", "-verify", str(self.public), "-signature",
                               str(self.directory / "signature")], input=f"{head}.{body}".encode(),
                              capture_output=True).returncode == 0


@pytest.fixture(scope="module")
def keys(workspace_directory: Path) -> Keys:
    return Keys(workspace_directory)


@pytest.fixture(scope="module")
def google(keys: Keys) -> Iterator[Provider]:
    for provider in started():
        provider.routes = routes(keys)
        yield provider


def token(call: Call, _: re.Match) -> Any:
    """The token endpoint for all grants; each is known by its parameters."""
    assert call.headers["content-type"] == "application/x-www-form-urlencoded"
    form = {name: value[0] for name, value in parse_qs(call.body).items()}
    if form["grant_type"] == "refresh_token":
        if form["refresh_token"] != "refresh":
            return 400, json.dumps({"error": "invalid_grant", "error_description": "Token has been revoked."}), {}
        assert form == {"grant_type": "refresh_token", "client_id": "cid", "client_secret": "shh",
                        "refresh_token": "refresh", "scope": SCOPE}
        return {"access_token": "user-token", "expires_in": 3599, "token_type": "Bearer"}
    assert form["grant_type"] == "urn:ietf:params:oauth:grant-type:token-exchange"
    assert form["subject_token"] == "a subject" and form["audience"] == "aud" and form["scope"] == SCOPE
    return {"access_token": "external-token", "expires_in": 1800}


def routes(keys: Keys) -> dict[str, Any]:
    def assertion(call: Call, _: re.Match) -> Any:
        form = parse_qs(call.body)
        assert form["grant_type"] == ["urn:ietf:params:oauth:grant-type:jwt-bearer"]
        jwt = form["assertion"][0]
        head, claims = unpacked(jwt.split(".")[0]), unpacked(jwt.split(".")[1])
        assert head["alg"] == "RS256" and head["kid"] == "kid" and keys.signed(jwt)
        assert claims["iss"] == EMAIL and claims["scope"] == SCOPE
        assert claims["aud"] == "https://oauth2.googleapis.com/token" and claims["exp"] == claims["iat"] + 3600
        assert abs(claims["iat"] - time.time()) < 120
        return {"access_token": "service-token", "expires_in": 3600}

    def dispatch(call: Call, found: re.Match) -> Any:
        return assertion(call, found) if "jwt-bearer" in call.body else token(call, found)

    def act_as(call: Call, _: re.Match) -> Any:
        assert call.headers["authorization"] == "Bearer service-token"
        assert call.json == {"delegates": None, "scope": [SCOPE], "lifetime": "600s"}
        return {"accessToken": "acting-token", "expireTime": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 600))}

    def guarded(answer: Any) -> Callable[[Call, re.Match], Any]:
        def give(call: Call, _: re.Match) -> Any:
            assert call.headers["authorization"].startswith("Bearer ")
            if call.headers["authorization"] == "Bearer weak":
                return 403, json.dumps({"error": {"code": 403, "message": "the caller lacks weak permission"}}), {}
            return answer(call) if callable(answer) else answer
        return give

    def buckets(call: Call) -> Any:
        assert call.query["project"] == [PROJECT]
        return {"items": [{"name": "two"}]} if "pageToken" in call.query else \
            {"items": [{"name": "one"}], "nextPageToken": "next"}

    registry = f"projects/{PROJECT}/locations/europe/repositories"
    return {
        "POST /google/oauth2/token": dispatch,
        "POST /google/iamcredentials/v1/projects/-/serviceAccounts/" + re.escape(OTHER).replace("@", "(@|%40)")
        + ":generateAccessToken": act_as,
        "GET /google/storage/storage/v1/b": guarded(buckets),
        "GET /google/storage/storage/v1/b/one": guarded({"name": "one"}),
        f"GET /google/artifactregistry/v1/projects/{PROJECT}/locations": guarded(
            {"locations": [{"locationId": "europe"}]}),
        f"GET /google/artifactregistry/v1/{registry}": guarded({"repositories": [
            {"name": registry + "/images", "format": "DOCKER"}, {"name": registry + "/wheels", "format": "PYTHON"}]}),
        f"GET /google/artifactregistry/v1/{registry}/images": guarded({"name": registry + "/images", "format": "DOCKER"}),
        f"GET /google/artifactregistry/v1/{registry}/wheels": guarded({"name": registry + "/wheels", "format": "PYTHON"}),
        f"GET /google/container/v1/projects/{PROJECT}/locations/-/clusters": guarded({"clusters": [
            {"name": "main", "endpoint": "127.0.0.1:1", "masterAuth": {"clusterCaCertificate": "Y2E="}}]}),
    }


@pytest.fixture(scope="module")
def gcp(launch: Callable[..., Kanso], google: Provider) -> World:
    return World(Api(launch(KANSO_CONNECTOR_ENDPOINTS=f"*.googleapis.com={google.url}/google/*").url))


def service_account(keys: Keys, **changes: Any) -> dict[str, Any]:
    return {"type": "service_account", "project_id": PROJECT, "private_key_id": "kid",
            "private_key": keys.private.read_text(), "client_email": EMAIL, "client_id": "1",
            "auth_uri": "https://accounts.google.com/o/oauth2/auth", "token_uri": "https://oauth2.googleapis.com/token",
            "auth_provider_x509_cert_url": "https://www.googleapis.com/oauth2/v1/certs",
            "client_x509_cert_url": "https://www.googleapis.com/robot/v1/metadata/x509/robot"} | changes


USER = {"type": "authorized_user", "client_id": "cid", "client_secret": "shh", "refresh_token": "refresh"}
TOKENS = {"user-account": "user-token", "service-account": "service-token", "impersonation": "acting-token",
          "oauth2-token": "given-token"}


def configuration(keys: Keys, method: str) -> dict[str, Any]:
    return {"user-account": {"user_account_json": json.dumps(USER), "project_id": PROJECT},
            "service-account": {"service_account_json": json.dumps(service_account(keys))},
            "impersonation": {"service_account_json": json.dumps(service_account(keys)), "target_principal": OTHER},
            "oauth2-token": {"token": "given-token", "project_id": PROJECT},
            "external-account": {"external_account_json": "{}", "project_id": PROJECT}}[method]


def body(world: World, keys: Keys, method: str, resource: str | None = None, **changes: Any) -> dict[str, Any]:
    seconds = {"expiration_seconds": 600} if method == "impersonation" else {}
    return world.owned | {"name": world.name("gcp"), "connector_type": "gcp", "auth_method": method,
                          "resource_types": [resource] if resource else [],
                          "configuration": configuration(keys, method)} | seconds | changes


@pytest.mark.parametrize("method", TOKENS)
def test_everything_is_listed(gcp: World, keys: Keys, google: Provider, method: str) -> None:
    google.calls.clear()
    found = ok(gcp.api.post("/service_connectors/verify", body(gcp, keys, method)))
    assert found["error"] is None
    assert {item["resource_type"]: (item["resource_ids"], item["error"]) for item in found["resources"]} == {
        "gcp-generic": ([PROJECT], None),
        "gcs-bucket": (["gs://one", "gs://two"], None),
        "kubernetes-cluster": (["main"], None),
        "docker-registry": ([f"{place}gcr.io/{PROJECT}" for place in ("", "us.", "eu.", "asia.")] + [GAR], None)}
    assert {call.headers["authorization"] for call in google.called("/google/(storage|container|artifactregistry)/.*")} \
        == {"Bearer " + TOKENS[method]}


@pytest.mark.parametrize("method", TOKENS)
def test_clients(gcp: World, keys: Keys, method: str) -> None:
    made = gcp.api.make(gcp.ws + "/service_connectors", body(gcp, keys, method))
    where = "/service_connectors/" + made["id"]

    def client(kind: str, name: str) -> dict[str, Any]:
        return gcp.api.read(where + "/client", resource_type=kind, resource_id=name)

    bucket = client("gcs-bucket", "one")
    assert bucket["name"] == f"{made['name']} (gcs-bucket | gs://one client)"
    assert bucket["body"]["auth_method"] == "oauth2-token" and bucket["body"]["resource_id"] == "gs://one"
    assert bucket["metadata"]["secrets"] == {"token": TOKENS[method]}
    email = {"service-account": EMAIL, "impersonation": OTHER}.get(method)
    assert bucket["metadata"]["configuration"] == {"project_id": PROJECT} | (
        {"service_account_email": email} if email else {})
    assert bool(bucket["body"]["expires_at"]) == (method != "oauth2-token")
    registry = client("docker-registry", f"https://{GAR}/image")
    assert registry["body"]["connector_type"]["connector_type"] == "docker"
    assert registry["body"]["resource_id"] == "europe-docker.pkg.dev"
    assert registry["metadata"]["secrets"] == {"username": "oauth2accesstoken", "password": TOKENS[method]}
    assert registry["metadata"]["configuration"] == {"registry": GAR}


def test_a_client_may_have_the_key(gcp: World, keys: Keys) -> None:
    given = configuration(keys, "service-account") | {"generate_temporary_tokens": "false"}
    made = gcp.api.make(gcp.ws + "/service_connectors", body(gcp, keys, "service-account", configuration=given))
    client = gcp.api.read(f"/service_connectors/{made['id']}/client", resource_type="gcp-generic")
    assert client["body"]["auth_method"] == "service-account" and client["body"]["expires_at"] is None
    assert client["metadata"]["configuration"] == {"generate_temporary_tokens": False}
    assert json.loads(client["metadata"]["secrets"]["service_account_json"])["client_email"] == EMAIL


@pytest.mark.parametrize(("kind", "given", "stored"), [
    ("gcs-bucket", "gs://one/x/y", "gs://one"), ("gcs-bucket", "one", "gs://one"),
    ("docker-registry", f"projects/{PROJECT}/locations/europe/repositories/images", GAR),
    ("docker-registry", f"https://{GAR}/a/b", GAR), ("docker-registry", f"eu.gcr.io/{PROJECT}/x", f"eu.gcr.io/{PROJECT}"),
    ("kubernetes-cluster", "main", "main"), ("gcp-generic", PROJECT, PROJECT)])
def test_names(gcp: World, keys: Keys, kind: str, given: str, stored: str) -> None:
    found = ok(gcp.api.post("/service_connectors/verify", body(gcp, keys, "oauth2-token", kind, resource_id=given)))
    assert found["resources"] == [{"resource_type": kind, "resource_ids": [stored], "error": None}]


@pytest.mark.parametrize(("kind", "given"), [
    ("gcs-bucket", "gs://a.b"), ("gcs-bucket", "x"), ("gcs-bucket", "s3://one"), ("kubernetes-cluster", "A/b"),
    ("docker-registry", "europe-docker.pkg.dev/another/images"), ("docker-registry", "docker.io/x"),
    ("docker-registry", "gcr.io")])
def test_names_that_are_none(gcp: World, keys: Keys, kind: str, given: str) -> None:
    fails(gcp.api.post("/service_connectors/verify", body(gcp, keys, "oauth2-token", kind, resource_id=given)),
          400, "ValueError")


@pytest.mark.parametrize("form", ["text", "object", "base64"])
def test_forms_of_key_files(gcp: World, keys: Keys, form: str) -> None:
    text = json.dumps(USER)
    given = {"text": text, "object": USER, "base64": base64.b64encode(text.encode()).decode()}[form]
    found = ok(gcp.api.post("/service_connectors/verify", body(
        gcp, keys, "user-account", "gcp-generic", configuration={"user_account_json": given, "project_id": PROJECT})))
    assert found["error"] is None


@pytest.mark.parametrize("given", ["no json", "[]", "{}", json.dumps(USER | {"type": "service_account"}),
                                   json.dumps({k: v for k, v in USER.items() if k != "client_secret"})])
def test_key_files_that_are_none(gcp: World, keys: Keys, given: str) -> None:
    text = fails(gcp.api.post("/service_connectors/verify", body(
        gcp, keys, "user-account", configuration={"user_account_json": given, "project_id": PROJECT})), 400, "ValueError")
    assert "user_account_json" in text and "shh" not in text and "refresh\"" not in text


def test_refusals(gcp: World, keys: Keys) -> None:
    revoked = configuration(keys, "user-account") | {"user_account_json": json.dumps(USER | {"refresh_token": "old"})}
    found = ok(gcp.api.post("/service_connectors/verify", body(gcp, keys, "user-account", configuration=revoked)))
    assert "Token has been revoked." in found["error"]
    assert all(item["error"] == found["error"] and item["resource_ids"] is None for item in found["resources"])
    weak = body(gcp, keys, "oauth2-token", configuration={"token": "weak", "project_id": PROJECT})
    found = ok(gcp.api.post("/service_connectors/verify", weak))
    errors = {item["resource_type"]: item["error"] for item in found["resources"]}
    assert found["error"] is None and errors["gcp-generic"] is None and errors["docker-registry"] is None
    for kind in ("gcs-bucket", "kubernetes-cluster"):
        assert "the caller lacks (secret) permission (status 403)" in errors[kind]  # what is a secret is one everywhere
    for kind, name in (("kubernetes-cluster", "nothing"), ("gcs-bucket", "nothing"),
                       ("docker-registry", f"europe-docker.pkg.dev/{PROJECT}/wheels")):
        found = ok(gcp.api.post("/service_connectors/verify", body(gcp, keys, "oauth2-token", kind, resource_id=name)))
        assert found["error"] and found["resources"][0]["resource_ids"] is None


@pytest.mark.parametrize("method", ["implicit", "external-account"])
def test_implicit_methods_are_off(gcp: World, keys: Keys, method: str) -> None:
    external = {"type": "external_account", "subject_token_type": "t", "token_url": "https://sts.googleapis.com/v1/token"}
    given = {"project_id": PROJECT} | ({} if method == "implicit" else {"external_account_json": external})
    found = ok(gcp.api.post("/service_connectors/verify", body(gcp, keys, "oauth2-token", auth_method=method,
                                                               configuration=given)))
    assert "ZENML_ENABLE_IMPLICIT_AUTH_METHODS" in found["error"]


def test_implicit_methods_that_are_on(launch: Callable[..., Kanso], google: Provider, keys: Keys) -> None:
    def own(call: Call, _: re.Match) -> Any:
        assert call.headers["metadata-flavor"] == "Google"
        return {"access_token": "own-token", "expires_in": 1200}

    google.routes |= {"GET /meta/computeMetadata/v1/instance/service-accounts/default/token": own,
                      "GET /subject": {"inner": "a subject"}}
    world = World(Api(launch(ZENML_ENABLE_IMPLICIT_AUTH_METHODS="true", KANSO_CONNECTOR_ENDPOINTS=(
        f"metadata.google.internal={google.url}/meta, *.googleapis.com={google.url}/google/*")).url))
    external = {"type": "external_account", "audience": "aud", "subject_token_type": "urn:ietf:params:oauth:token-type:jwt",
                "token_url": "https://oauth2.googleapis.com/token",
                "credential_source": {"url": google.url + "/subject",
                                      "format": {"type": "json", "subject_token_field_name": "inner"}}}
    for method, given, expected in (("implicit", {}, "own-token"),
                                    ("external-account", {"external_account_json": external}, "external-token")):
        made = world.api.make(world.ws + "/service_connectors", body(
            world, keys, "oauth2-token", auth_method=method, configuration=given | {"project_id": PROJECT}))
        client = world.api.read(f"/service_connectors/{made['id']}/client", resource_type="gcs-bucket", resource_id="one")
        assert client["metadata"]["secrets"] == {"token": expected}
    external["credential_source"] = {"file": "/etc/passwd"}
    found = ok(world.api.post("/service_connectors/verify", body(
        world, keys, "oauth2-token", auth_method="external-account",
        configuration={"external_account_json": external, "project_id": PROJECT})))
    assert "/var/run/secrets/" in found["error"]


def test_full_stack(gcp: World, keys: Keys) -> None:
    info = {"type": "gcp", "auth_method": "oauth2-token", "configuration": configuration(keys, "oauth2-token")}
    parts = ok(gcp.api.post("/service_connectors/full_stack_resources", info))["components_resources_info"]
    assert {part: [item["flavor"] for item in items] for part, items in parts.items()} == {
        "artifact_store": ["gcp"], "orchestrator": ["vertex", "vm_gcp", "kubernetes"], "container_registry": ["gcp"]}
    assert parts["artifact_store"][0] == {
        "flavor": "gcp", "flavor_display_name": "GCS Bucket", "required_configuration": {"path": "Path"},
        "use_resource_value_as_fixed_config": True, "accessible_by_service_connector": ["gs://one", "gs://two"],
        "connected_through_service_connector": []}
    weak = info | {"configuration": {"token": "weak", "project_id": PROJECT}}
    assert "GCS Bucket" in fails(gcp.api.post("/service_connectors/full_stack_resources", weak), 400, "ValueError")
