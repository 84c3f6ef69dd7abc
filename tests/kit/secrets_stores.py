"""Doubles of the services in which secrets are kept: each checks what it is asked, and forgets all at the end."""

from __future__ import annotations

import base64
import json
import re
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Callable
from urllib.parse import parse_qs

from .control_plane import Call
from .provider import Answer, Provider

TENANT, CLIENT = "0" * 8 + "-0000-0000-0000-000000000002", "0" * 8 + "-0000-0000-0000-000000000003"
PROJECT, EMAIL = "proj", "robot@proj.iam.gserviceaccount.com"
ID = "[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"


@dataclass
class Held:
    """A secret as it lies in a store."""
    values: dict[str, str] | None
    labels: dict[str, str]


@dataclass
class Double:
    """A store. `fault`: None, or what every call that is not about signing in meets."""
    kind: str
    provider: Provider
    held: dict[str, Held] = field(default_factory=dict)  # by the id of the secret
    tokens: list[str] = field(default_factory=list)  # that have been given and still hold
    fault: Callable[[Call], Answer | None] | None = None

    def environment(self, prefix: str) -> dict[str, str]:
        raise NotImplementedError

    endpoints: str = ""
    challenge: dict[str, str] = field(default_factory=dict)  # headers for who does not say who it is

    def new_token(self) -> str:
        self.tokens.append(f"{self.kind}-token-{time.monotonic_ns()}")
        return self.tokens[-1]

    def may(self, call: Call) -> bool:
        return call.headers.get("authorization", "").removeprefix("Bearer ") in self.tokens

    def meet(self, call: Call) -> Answer | None:
        return self.fault(call) if self.fault else None

    def guarded(self, give: Callable[[Call, re.Match], Answer]) -> Callable[[Call, re.Match], Answer]:
        def answer(call: Call, found: re.Match) -> Answer:
            met = self.meet(call)
            if met is None and not self.may(call):
                return 401, json.dumps({"error": {"code": 401, "message": "who is that?"}}), self.challenge
            return give(call, found) if met is None else met
        return answer


def parsed(text: str) -> dict[str, str]:
    """Values as ZenML writes them: json.dumps of an object of texts."""
    values = json.loads(text)
    assert json.dumps(values) == text and all(isinstance(value, str) for value in values.values())
    return values


class Vault(Double):
    """HashiCorp Vault: the KV engine, version 2, at `secret`."""
    TOKEN, NAMESPACE = "hvs.a-token", "team/a"

    def __init__(self, provider: Provider) -> None:
        super().__init__("hashicorp", provider)
        self.config: dict[str, Any] = {}
        provider.routes |= {f"(GET|POST) /v1/secret/data/zenml/(?P<id>{ID})": self.guarded(self.data),
                            f"DELETE /v1/secret/metadata/zenml/(?P<id>{ID})": self.guarded(self.remove),
                            "POST /v1/secret/config": self.guarded(self.configure)}

    def environment(self, prefix: str) -> dict[str, str]:
        return {prefix + "TYPE": "hashicorp", prefix + "VAULT_ADDR": self.provider.url + "/",
                prefix + "VAULT_TOKEN": self.TOKEN, prefix + "VAULT_NAMESPACE": self.NAMESPACE}

    def may(self, call: Call) -> bool:
        assert call.headers["x-vault-request"] == "true" and call.headers["x-vault-namespace"] == self.NAMESPACE
        return call.headers["x-vault-token"] == self.TOKEN

    def configure(self, call: Call, _: re.Match) -> Answer:
        self.config = call.json
        return 204, "", {}

    def data(self, call: Call, found: re.Match) -> Answer:
        there = self.held.get(found["id"])
        if call.method == "GET":
            if there is None:
                return 404, json.dumps({"errors": []}), {}
            return {"data": {"data": {"zenml_secret_values": there.values, "zenml_secret_metadata": there.labels},
                             "metadata": {"version": 1}}}
        body = call.json
        assert set(body) == {"options", "data"} and set(body["data"]) == {"zenml_secret_values", "zenml_secret_metadata"}
        if body["options"].get("cas") == 0 and there is not None:
            return 400, json.dumps({"errors": ["check-and-set parameter did not match the current version"]}), {}
        self.held[found["id"]] = Held(body["data"]["zenml_secret_values"], body["data"]["zenml_secret_metadata"])
        return {"data": {"version": 1}}

    def remove(self, call: Call, found: re.Match) -> Answer:
        self.held.pop(found["id"], None)
        return 204, "", {}


class Google(Double):
    """Google Cloud Secret Manager, and the token endpoint for a service account, whose signature is checked."""

    def __init__(self, provider: Provider, directory: Path) -> None:
        super().__init__("gcp", provider)
        self.private, self.public, self.signature = (directory / name for name in ("sa.key", "sa.pub", "sa.sig"))
        subprocess.run(["openssl", "genrsa", "-out", str(self.private), "2048"], check=True, capture_output=True)
        subprocess.run(["openssl", "rsa", "-in", str(self.private), "-pubout", "-out", str(self.public)], check=True,
                       capture_output=True)
        self.endpoints = ",".join(f"{host}={provider.url}/{host}" for host in (
            "oauth2.googleapis.com", "secretmanager.googleapis.com"))
        secrets = f"/secretmanager.googleapis.com/v1/projects/(?:{PROJECT}|1)/secrets"  # by its id, or its number
        one = f"{secrets}/zenml-(?P<id>{ID})"
        provider.routes |= {"POST /oauth2.googleapis.com/token": self.token,
                            f"POST {secrets}": self.guarded(self.create),
                            f"POST {one}:addVersion": self.guarded(self.add_version),
                            f"GET {one}/versions/latest:access": self.guarded(self.access),
                            f"(GET|PATCH|DELETE) {one}": self.guarded(self.secret)}

    def key_file(self) -> str:
        about = {"type": "service_account", "project_id": PROJECT, "private_key_id": "kid", "client_email": EMAIL,
                 "private_key": self.private.read_text(), "token_uri": "https://oauth2.googleapis.com/token"}
        return json.dumps(about | {name: "x" for name in (
            "client_id", "auth_uri", "auth_provider_x509_cert_url", "client_x509_cert_url")})

    def environment(self, prefix: str) -> dict[str, str]:
        return {prefix + "TYPE": "gcp", prefix + "AUTH_METHOD": "service-account", prefix + "AUTH_CONFIG": json.dumps(
            {"project_id": PROJECT, "service_account_json": self.key_file()})}

    def token(self, call: Call, _: re.Match) -> Answer:
        head, body, signature = parse_qs(call.body)["assertion"][0].split(".")
        claims = json.loads(base64.urlsafe_b64decode(body + "=="))
        self.signature.write_bytes(base64.urlsafe_b64decode(signature + "=="))
        subprocess.run(["openssl", "dgst", "-sha256", "-verify", str(self.public), "-signature", str(self.signature)],
                       input=f"{head}.{body}".encode(), check=True, capture_output=True)
        assert claims["iss"] == EMAIL and abs(claims["iat"] - time.time()) < 120
        return {"access_token": self.new_token(), "expires_in": 3600}

    def missing(self) -> Answer:
        return 404, json.dumps({"error": {"code": 404, "message": "Secret not found.", "status": "NOT_FOUND"}}), {}

    def create(self, call: Call, _: re.Match) -> Answer:
        name, body = call.query["secretId"][0], call.json
        assert re.fullmatch("zenml-" + ID, name) and body["replication"] == {"automatic": {}}
        if name[6:] in self.held:
            return 409, json.dumps({"error": {"code": 409, "message": "Secret exists.", "status": "ALREADY_EXISTS"}}), {}
        self.held[name[6:]] = Held(None, body["labels"])
        return {"name": f"projects/1/secrets/{name}", "labels": body["labels"]}

    def add_version(self, call: Call, found: re.Match) -> Answer:
        if found["id"] not in self.held:
            return self.missing()
        self.held[found["id"]].values = parsed(base64.b64decode(call.json["payload"]["data"]).decode())
        return {"name": "projects/1/secrets/x/versions/1"}

    def access(self, call: Call, found: re.Match) -> Answer:
        there = self.held.get(found["id"])
        if there is None or there.values is None:
            return self.missing()
        return {"payload": {"data": base64.b64encode(json.dumps(there.values).encode()).decode()}}

    def secret(self, call: Call, found: re.Match) -> Answer:
        there = self.held.get(found["id"])
        if there is None:
            return self.missing()
        if call.method == "DELETE":
            del self.held[found["id"]]
            return {}
        if call.method == "PATCH":
            assert call.query["updateMask"] == ["labels"]
            there.labels = call.json["labels"]
        return {"name": f"projects/1/secrets/zenml-{found['id']}", "labels": there.labels}


class Azure(Double):
    """Azure Key Vault, which keeps what is deleted until it is purged, and the token endpoint for a service principal."""
    NAME = "my-vault"

    def __init__(self, provider: Provider) -> None:
        super().__init__("azure", provider)
        self.deleted: dict[str, Held] = {}
        self.challenge = {"WWW-Authenticate": f'Bearer authorization="https://login.microsoftonline.com/{TENANT}", '
                                              'resource="https://vault.azure.net"'}
        place = f"{self.NAME}.vault.azure.net"
        self.endpoints = ",".join(f"{host}={provider.url}/{host}" for host in ("login.microsoftonline.com", place))
        provider.routes |= {f"POST /login.microsoftonline.com/{TENANT}/oauth2/v2.0/token": self.token,
                            f"(GET|PUT|DELETE) /{place}/secrets/zenml-(?P<id>{ID})/?": self.guarded(self.secret),
                            f"GET /{place}/deletedsecrets/zenml-(?P<id>{ID})/?": self.guarded(self.deletion),
                            f"POST /{place}/deletedsecrets/zenml-(?P<id>{ID})/recover": self.guarded(self.recover)}

    def environment(self, prefix: str) -> dict[str, str]:
        return {prefix + "TYPE": "azure", prefix + "KEY_VAULT_NAME": self.NAME,
                prefix + "AUTH_METHOD": "service-principal", prefix + "AUTH_CONFIG": json.dumps(
                    {"client_id": CLIENT, "client_secret": "shh", "tenant_id": TENANT})}

    def token(self, call: Call, _: re.Match) -> Answer:
        form = {name: value[0] for name, value in parse_qs(call.body).items()}
        assert form == {"client_id": CLIENT, "client_secret": "shh", "grant_type": "client_credentials",
                        "scope": "https://vault.azure.net/.default"}
        return {"access_token": self.new_token(), "expires_in": 3599}

    def secret(self, call: Call, found: re.Match) -> Answer:
        assert call.query["api-version"]
        there = self.held.get(found["id"])
        if call.method == "PUT":
            if found["id"] in self.deleted:
                return 409, json.dumps({"error": {"code": "Conflict", "message": "deleted but recoverable"}}), {}
            assert call.json["contentType"] == "application/json"
            self.held[found["id"]] = there = Held(parsed(call.json["value"]), call.json["tags"])
            return self.shown(found["id"], there)
        if there is None:
            return 404, json.dumps({"error": {"code": "SecretNotFound", "message": "A secret was not found"}}), {}
        if call.method == "DELETE":
            self.deleted[found["id"]] = self.held.pop(found["id"])
            return self.deletion(call, found)
        return self.shown(found["id"], there) | {"value": json.dumps(there.values)}

    def shown(self, secret: str, held: Held) -> dict[str, Any]:
        return {"id": f"https://{self.NAME}.vault.azure.net/secrets/zenml-{secret}/0123456789abcdef", "tags": held.labels,
                "contentType": "application/json", "attributes": {"enabled": True}}

    def deletion(self, call: Call, found: re.Match) -> Answer:
        if found["id"] not in self.deleted:
            return 404, json.dumps({"error": {"code": "SecretNotFound", "message": "A secret was not found"}}), {}
        return self.shown(found["id"], self.deleted[found["id"]]) | {
            "recoveryId": f"https://{self.NAME}.vault.azure.net/deletedsecrets/zenml-{found['id']}", "deletedDate": 1,
            "scheduledPurgeDate": 2}

    def recover(self, call: Call, found: re.Match) -> Answer:
        self.held[found["id"]] = there = self.deleted.pop(found["id"])
        return self.shown(found["id"], there)
