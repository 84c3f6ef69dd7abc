"""Google Cloud, Azure, clusters and the metadata services of machines in one double, for whoever reaches it.

Kanso comes by KANSO_CONNECTOR_ENDPOINTS and has the host in front of the path; SDKs come under the host's own name
(kit/sdk). AWS is moto's (kit/emulators.py), but for clusters, whose API servers moto does not have.
"""

from __future__ import annotations

import base64
import json
import re
import subprocess
import time
from pathlib import Path
from typing import Any, Callable
from urllib.parse import parse_qs

from .control_plane import Call
from .provider import Provider

HOSTS = ("*.googleapis.com", "login.microsoftonline.com", "management.azure.com", "*.blob.core.windows.net", "*.vault.azure.net",
         "metadata.google.internal", "*.amazonaws.com", "*.eks.amazonaws.com")
META = "169.254.169.254"

PROJECT, EMAIL, OTHER = "proj", "robot@proj.iam.gserviceaccount.com", "other@proj.iam.gserviceaccount.com"
SUB, TENANT, CLIENT = (f"00000000-0000-4000-8000-00000000000{n}" for n in (1, 2, 3))
REGISTRY, CLUSTER, STORAGE = ("Microsoft.ContainerRegistry/registries", "Microsoft.ContainerService/managedClusters",
                              "Microsoft.Storage/storageAccounts")
ACCOUNTS = {"first": ["alpha", "b-b"], "second": ["beta"]}
REPOSITORIES = f"projects/{PROJECT}/locations/europe/repositories"
CLUSTER_ARN = "arn:aws:eks:eu-west-1:123456789012:cluster/one"
GRANTS = {"refresh_token": "user-token", "jwt-bearer": "service-token", "token-exchange": "external-token"}


def make_authority(directory: Path) -> tuple[Path, Path]:
    """A certificate for every host of the double that vouches for itself, and its key."""
    certificate, key = directory / "cloud.pem", directory / "cloud.key"
    names = ",".join([f"DNS:{host}" for host in HOSTS] + ["DNS:oauth2.googleapis.com", "IP:127.0.0.1"])
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=double",
                    "-addext", "subjectAltName=" + names, "-keyout", str(key), "-out", str(certificate)],
                   check=True, capture_output=True)
    return certificate, key


def make_stranger(directory: Path) -> str:
    """The certificate of somebody else, in base64."""
    path = directory / "stranger.pem"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=stranger",
                    "-keyout", str(directory / "stranger.key"), "-out", str(path)], check=True, capture_output=True)
    return base64.b64encode(path.read_bytes()).decode()


def make_key(directory: Path) -> str:
    """The private key of a service account, in PEM."""
    path = directory / "robot.key"
    subprocess.run(["openssl", "genrsa", "-out", str(path), "2048"], check=True, capture_output=True)
    return path.read_text()


def managed(group: str, kind: str, name: str) -> dict[str, Any]:
    return {"name": name, "id": f"/subscriptions/{SUB}/resourceGroups/{group}/providers/{kind}/{name}",
            "location": "westeurope", "type": kind, "sku": {"name": "Basic"}}


def refusal(status: int, text: str) -> tuple[int, str, dict[str, str]]:
    return status, json.dumps({"error": {"code": str(status), "message": text}}), {"Content-Type": "application/json"}


class Cloud:
    """`secure` speaks TLS, `plain` does not; both have the same routes, "METHOD /host/path", and remember the calls."""

    def __init__(self, directory: Path) -> None:
        self.certificate, key = make_authority(directory)
        self.key, self.stranger = make_key(directory), make_stranger(directory)
        self.secure, self.plain = Provider(self.certificate, key), Provider()
        self.calls = self.plain.calls = self.secure.calls
        self.secure.routes = self.plain.routes = self.routes = (
            self._google() | self._azure() | self._eks() | self._machine())
        for provider in (self.secure, self.plain):
            provider.reply = self._by_host(provider.reply)  # type: ignore[method-assign]

    def stop(self) -> None:
        self.secure.stop()
        self.plain.stop()

    def endpoints(self, *except_for: str) -> str:
        """For KANSO_CONNECTOR_ENDPOINTS."""
        places = [f"{host}={self.secure.url}/{host}" for host in HOSTS if host not in except_for]
        return ",".join([*places, f"{META}={self.plain.url}/{META}"])

    @property
    def ports(self) -> str:
        """For KANSO_DOUBLE_PORTS."""
        return ",".join(provider.url.rsplit(":", 1)[1] for provider in (self.secure, self.plain))

    @staticmethod
    def _by_host(reply: Callable[[Call], Any]) -> Callable[[Call], Any]:
        def with_host(call: Call) -> Any:
            host = call.headers.get("host", "").split(":")[0]
            if host and host != "127.0.0.1":
                call.path = f"/{host}{call.path}"
            return reply(call)
        return with_host

    # Google -------------------------------------------------------------------------------------------------------

    def _google(self) -> dict[str, Any]:
        def token(call: Call, _: re.Match) -> Any:
            form = {name: value[0] for name, value in parse_qs(call.body).items()}
            if form.get("refresh_token") == "revoked":
                return 400, json.dumps({"error": "invalid_grant", "error_description": "Token has been revoked."}), {}
            return {"access_token": GRANTS[form["grant_type"].split(":")[-1]], "expires_in": 3600, "token_type": "Bearer",
                    "issued_token_type": "urn:ietf:params:oauth:token-type:access_token"}

        def act_as(call: Call, found: re.Match) -> Any:
            assert call.headers["authorization"] in ("Bearer service-token", "Bearer external-token")
            end = time.time() + int(call.json["lifetime"].rstrip("s"))
            return {"accessToken": "acting-token", "expireTime": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(end))}

        def guarded(answer: Any) -> Callable[[Call, re.Match], Any]:
            def give(call: Call, found: re.Match) -> Any:
                if call.headers.get("authorization") == "Bearer weak":
                    return refusal(403, "the caller may not do that")
                return answer(call, found) if callable(answer) else answer
            return give

        def buckets(call: Call, _: re.Match) -> Any:
            return {"items": [{"name": "two"}]} if "pageToken" in call.query else \
                {"items": [{"name": "one"}], "nextPageToken": "next"}

        def clusters(*_: Any) -> Any:
            ca = base64.b64encode(self.certificate.read_bytes()).decode()
            return {"clusters": [{"name": "main", "endpoint": self.secure.url.removeprefix("https://"),
                                  "masterAuth": {"clusterCaCertificate": ca}}]}

        gar = f"GET /artifactregistry.googleapis.com/v1/{REPOSITORIES}"
        images, wheels = ({"name": f"{REPOSITORIES}/{name}", "format": kind}
                          for name, kind in (("images", "DOCKER"), ("wheels", "PYTHON")))
        return {
            "POST /oauth2.googleapis.com/token": token,
            "POST /sts.googleapis.com/v1/token": token,
            r"POST /iamcredentials.googleapis.com/v1/projects/-/serviceAccounts/([^/:]+):generateAccessToken": act_as,
            "GET /storage.googleapis.com/storage/v1/b": guarded(buckets),
            "GET /storage.googleapis.com/storage/v1/b/one": guarded({"name": "one"}),
            f"GET /artifactregistry.googleapis.com/v1/projects/{PROJECT}/locations": guarded(
                {"locations": [{"locationId": "europe"}]}),
            gar: guarded({"repositories": [images, wheels]}),
            gar + "/images": guarded(images),
            gar + "/wheels": guarded(wheels),
            f"GET /container.googleapis.com/v1/projects/{PROJECT}/locations/-/clusters": guarded(clusters),
            "GET /version/?": self._version,
        }

    @staticmethod
    def _version(call: Call, _: re.Match) -> Any:
        if not call.headers.get("authorization", "Bearer weak").endswith("weak"):
            return {"major": "1", "minor": "29", "gitVersion": "v1.29.0", "gitCommit": "c", "gitTreeState": "clean",
                    "buildDate": "d", "goVersion": "go", "compiler": "gc", "platform": "linux/amd64"}
        return refusal(401, "Unauthorized")

    # Clusters of AWS, under an endpoint_url -----------------------------------------------------------------------

    def _eks(self) -> dict[str, Any]:
        ca = base64.b64encode(self.certificate.read_bytes()).decode()
        return {"GET /clusters": {"clusters": ["one"]},
                "GET /clusters/one": {"cluster": {"name": "one", "arn": CLUSTER_ARN, "endpoint": self.secure.url,
                                                  "certificateAuthority": {"data": ca}}},
                "GET /clusters/([^/]+)": (404, json.dumps({"message": "No cluster found."}), {
                    "Content-Type": "application/json", "x-amzn-errortype": "ResourceNotFoundException"})}

    # Azure --------------------------------------------------------------------------------------------------------

    def _azure(self) -> dict[str, Any]:
        def token(call: Call, _: re.Match) -> Any:
            form = {name: value[0] for name, value in parse_qs(call.body).items()}
            if form.get("client_secret") != "shh" and form.get("client_assertion") != "an assertion":
                return 401, json.dumps({"error": "invalid_client", "error_description": "AADSTS7000215: Invalid."}), {}
            audience = re.search(r"https://(\w+)\.", form["scope"])
            assert audience
            return {"access_token": audience[1] + "-token", "expires_in": 3599, "token_type": "Bearer"}

        def openid(_: Call, found: re.Match) -> Any:
            base = f"https://login.microsoftonline.com/{found[1]}"
            return {"token_endpoint": base + "/oauth2/v2.0/token", "authorization_endpoint": base + "/oauth2/v2.0/authorize",
                    "issuer": base + "/v2.0", "tenant_region_scope": "EU",
                    "device_authorization_endpoint": base + "/oauth2/v2.0/devicecode"}

        def discovery(*_: Any) -> Any:
            return {"tenant_discovery_endpoint": "", "metadata": [
                {"preferred_network": "login.microsoftonline.com", "preferred_cache": "login.windows.net",
                 "aliases": ["login.microsoftonline.com", "login.windows.net"]}]}

        def arm(answer: Any) -> Callable[[Call, re.Match], Any]:
            def give(call: Call, found: re.Match) -> Any:
                given = call.headers.get("authorization")
                if given not in ("Bearer management-token", "Bearer given-token"):
                    return refusal(403, f"AuthorizationFailed for {given}")
                return answer(call, found) if callable(answer) else answer
            return give

        def clusters(call: Call, found: re.Match) -> Any:
            if "skip" in call.query:
                return {"value": [managed("blue", CLUSTER, "twin"), managed("blue", CLUSTER, "one")]}
            version = call.query["api-version"][0]
            return {"value": [managed("red", CLUSTER, "twin")], "nextLink": "https://management.azure.com/subscriptions/"
                    f"{SUB}/providers/{CLUSTER}?api-version={version}&skip=2"}

        def containers(call: Call, found: re.Match) -> Any:
            if call.headers["authorization"] != "Bearer storage-token":
                return 403, "<?xml version='1.0'?><Error><Code>AuthenticationFailed</Code><Message>no</Message></Error>", {}
            when = "<Last-Modified>Tue, 01 Oct 2024 10:00:00 GMT</Last-Modified><Etag>\"0x1\"</Etag>"
            inner = "".join(f"<Container><Name>{name}</Name><Properties>{when}</Properties></Container>"
                            for name in ACCOUNTS[found[1]])
            return 200, ("<?xml version=\"1.0\" encoding=\"utf-8\"?><EnumerationResults><Containers>" + inner
                         + "</Containers><NextMarker/></EnumerationResults>"), {"Content-Type": "application/xml"}

        subscription = {"id": f"/subscriptions/{SUB}", "subscriptionId": SUB, "displayName": "Pay as you go", "state": "Enabled"}
        providers = f"GET /management.azure.com/subscriptions/{SUB}/providers/"
        red = f"/management.azure.com/subscriptions/{SUB}/resourceGroups/red/providers/"
        return {
            r"POST /login.microsoftonline.com/[^/]+/oauth2/v2.0/token": token,
            r"GET /login.microsoftonline.com/([^/]+)/v2.0/.well-known/openid-configuration": openid,
            r"GET /login.microsoft(?:online)?.com/common/discovery/instance": discovery,
            "GET /management.azure.com/subscriptions": arm({"value": [subscription]}),
            f"GET /management.azure.com/subscriptions/{SUB}": arm(subscription),
            providers + STORAGE: arm({"value": [managed("red", STORAGE, "first"), managed("blue", STORAGE, "second")]}),
            r"GET /(\w+).blob.core.windows.net/": containers,
            providers + REGISTRY: arm({"value": [managed("red", REGISTRY, "images"), managed("blue", REGISTRY, "more")]}),
            f"GET {red}{REGISTRY}/images": arm(managed("red", REGISTRY, "images")),
            f"POST {red}{REGISTRY}/images/listCredentials": arm(
                {"username": "images", "passwords": [{"name": "password", "value": "admin-pw"}]}),
            providers + CLUSTER: arm(clusters),
            f"GET {red}{CLUSTER}/twin": arm(managed("red", CLUSTER, "twin")),
            f"POST {red}{CLUSTER}/twin/listClusterAdminCredential": arm(
                lambda *_: {"kubeconfigs": [{"name": "a", "value": self.kubeconfig()}]}),
        }

    def kubeconfig(self) -> str:
        ca = base64.b64encode(self.certificate.read_bytes()).decode()
        text = (f"apiVersion: v1\nclusters:\n- cluster:\n    certificate-authority-data: {ca}\n    server: {self.secure.url}\n"
                "  name: kube\ncontexts:\n- context:\n    cluster: kube\n    user: admin\n  name: other\ncurrent-context: other\nusers:\n"
                "- name: admin\n  user:\n    token: kube-token\n")
        return base64.b64encode(text.encode()).decode()

    # The machine that a server runs on --------------------------------------------------------------------------------

    def _machine(self) -> dict[str, Any]:
        def flavored(answer: Any) -> Callable[[Call, re.Match], Any]:
            def give(call: Call, found: re.Match) -> Any:
                assert call.headers["metadata-flavor"] == "Google"
                status, text, headers = answer if isinstance(answer, tuple) else (
                    200, json.dumps(answer), {"Content-Type": "application/json"})
                return status, text, headers | {"Metadata-Flavor": "Google"}
            return give

        def azure(call: Call, _: re.Match) -> Any:
            if call.headers.get("metadata", "").lower() != "true":
                return 400, json.dumps({"error": "invalid_request", "error_description": "no metadata header"}), {}
            audience = re.search(r"https://(\w+)\.", call.query["resource"][0])
            assert audience
            return {"access_token": audience[1] + "-token", "expires_in": "3599", "resource": call.query["resource"][0],
                    "expires_on": str(int(time.time()) + 3599), "token_type": "Bearer"}

        def session(call: Call, _: re.Match) -> Any:
            assert int(call.headers["x-aws-ec2-metadata-token-ttl-seconds"]) > 0
            return 200, "imds-session", {}

        def with_session(text: str) -> Callable[[Call, re.Match], Any]:
            def give(call: Call, _: re.Match) -> Any:
                if call.headers.get("x-aws-ec2-metadata-token") != "imds-session":
                    return 401, "", {}
                return 200, text, {}
            return give

        later = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 6 * 3600))
        role = {"Code": "Success", "Type": "AWS-HMAC", "AccessKeyId": "ASIAMACHINE", "SecretAccessKey": "machine-secret",
                "Token": "machine-session", "Expiration": later, "LastUpdated": "2024-10-01T10:00:00Z"}
        account = "/computeMetadata/v1/instance/service-accounts/"
        text = {"Content-Type": "application/text"}
        return {
            rf"GET /(?:{META}|metadata.google.internal)/?": flavored((200, "", text)),
            rf"GET /(?:{META}|metadata.google.internal){account}default/token": flavored(
                {"access_token": "own-token", "expires_in": 3000, "token_type": "Bearer"}),
            rf"GET /(?:{META}|metadata.google.internal){account}[^/]+/": flavored(
                {"email": EMAIL, "aliases": ["default"], "scopes": ["https://www.googleapis.com/auth/cloud-platform"]}),
            rf"GET /(?:{META}|metadata.google.internal){account}[^/]+/token": flavored(
                {"access_token": "own-token", "expires_in": 3000, "token_type": "Bearer"}),
            rf"GET /(?:{META}|metadata.google.internal)/computeMetadata/v1/universe/universe[_-]domain": flavored(
                (200, "googleapis.com", text)),
            rf"GET /(?:{META}|metadata.google.internal)/computeMetadata/v1/project/project-id": flavored((200, PROJECT, text)),
            rf"GET /{META}/metadata/identity/oauth2/token": azure,
            rf"PUT /{META}/latest/api/token": session,
            rf"GET /{META}/latest/meta-data/iam/security-credentials/?": with_session("machine-role"),
            rf"GET /{META}/latest/meta-data/iam/security-credentials/machine-role": with_session(json.dumps(role)),
            rf"GET /{META}/latest/meta-data/placement/availability-zone": with_session("eu-west-1a"),
            rf"GET /{META}/latest/meta-data/placement/region": with_session("eu-west-1"),
        }

    # What a connector is configured with --------------------------------------------------------------------------------

    def service_account(self, **changes: Any) -> str:
        return json.dumps({
            "type": "service_account", "project_id": PROJECT, "private_key_id": "kid", "private_key": self.key,
            "client_email": EMAIL, "client_id": "1", "auth_uri": "https://accounts.google.com/o/oauth2/auth",
            "token_uri": "https://oauth2.googleapis.com/token",
            "auth_provider_x509_cert_url": "https://www.googleapis.com/oauth2/v1/certs",
            "client_x509_cert_url": "https://www.googleapis.com/robot/v1/metadata/x509/robot"} | changes)


def user_account(refresh_token: str = "refresh") -> str:
    return json.dumps({"type": "authorized_user", "client_id": "cid", "client_secret": "shh", "refresh_token": refresh_token})
