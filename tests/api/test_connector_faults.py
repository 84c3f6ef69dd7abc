"""Providers that fail, on every path that connectors call: an error in time, without credentials, and nobody else waits."""

from __future__ import annotations

import base64
import email.utils
import json
import re
import socket
import ssl
import statistics
import subprocess
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Callable, Iterator
from urllib.parse import parse_qs

import pytest

from kit import cloud as double
from kit.api import Api, ok
from kit.cloud import make_key
from kit.factory import World
from kit.process import memory_of, peak_of, reset_peak
from kit.servers import Kanso

SECRET = "a-credential-of-mine"
ENDLESS = 10 * 1024 ** 3


class Faulty:
    """A server that does one thing wrong: `fault` names it. `sent` and `heard` count bytes of answers and requests, `asked`
    connections, `redirected` those who followed a redirect."""

    def __init__(self, context: ssl.SSLContext | None = None) -> None:
        self.context, self.fault, self.sent, self.redirected, self.asked, self.heard = context, "", 0, 0, 0, 0
        self.secret, self.credentials = SECRET, list[str]()
        self.hold = threading.Event()
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.port = self.listener.getsockname()[1]
        self.url = f"http{'s' if context else ''}://127.0.0.1:{self.port}"
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self) -> None:
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self.serve, args=(client,), daemon=True).start()

    def serve(self, client: socket.socket) -> None:
        try:
            with self.context.wrap_socket(client, server_side=True) if self.context else client as connection:
                connection.settimeout(30)
                self.asked += 1
                if self.fault == "reset":
                    return
                asked = connection.recv(65536)
                self.heard += len(asked)
                if b"/elsewhere" in asked:
                    self.redirected += 1
                if self.fault == "refusal":
                    while not self.whole(asked):
                        asked += connection.recv(65536)
                    return self.refusal(connection, asked)
                getattr(self, self.fault)(connection)
        except OSError:
            pass

    @staticmethod
    def head(status: int, *headers: str) -> bytes:
        return ("\r\n".join([f"HTTP/1.1 {status} Whatever", "Content-Type: application/json", *headers]) + "\r\n\r\n").encode()

    def silent(self, connection: socket.socket) -> None:
        self.hold.wait(60)

    def cut(self, connection: socket.socket) -> None:
        connection.sendall(self.head(200, "Content-Length: 5000") + b'{"access_token": "half')

    def redirect(self, connection: socket.socket) -> None:
        connection.sendall(self.head(302, f"Location: {self.url}/elsewhere", "Content-Length: 0", "Connection: close"))

    def endless(self, connection: socket.socket) -> None:
        connection.sendall(self.head(200, f"Content-Length: {ENDLESS}"))
        piece = b"x" * 65536
        while self.sent < ENDLESS:
            connection.sendall(piece)
            self.sent += len(piece)

    def headers(self, connection: socket.socket) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\n")
        while self.sent < ENDLESS:
            connection.sendall(b"X-Filler: " + b"y" * 8000 + b"\r\n")
            self.sent += 8000

    def garbage(self, connection: socket.socket) -> None:
        connection.sendall(b"\x00\x01\x02 not at all what was asked for\n" * 20)

    @staticmethod
    def whole(asked: bytes) -> bool:
        head, _, body = asked.partition(b"\r\n\r\n")
        length = re.search(rb"(?i)content-length: (\d+)", head)
        return b"\r\n\r\n" in asked and len(body) >= int(length[1] if length else 0)

    def refusal(self, connection: socket.socket, asked: bytes) -> None:
        """Repeats all that it was asked with, which is a bad habit of some."""
        head, _, body = asked.decode().partition("\r\n\r\n")
        form = {name: value[0] for name, value in parse_qs(body).items()}
        sent = [line.split(" ")[-1] for line in head.split("\r\n") if line.lower().startswith("authorization:")]
        sent += [form[name] for name in ("client_secret", "refresh_token", "assertion", "subject_token") if name in form]
        self.credentials += sent
        said = " ".join([*sent, self.secret])
        text = json.dumps({"error": {"message": said}, "message": said, "error_description": said})
        connection.sendall(self.head(403, f"Content-Length: {len(text)}", "Connection: close") + text.encode())

    def skewed(self, connection: socket.socket, seconds: float = 3600) -> None:
        text = json.dumps({"error": "invalid_grant", "error_description": "Invalid JWT: Token must be a short-lived token"})
        date = email.utils.formatdate(time.time() + seconds, usegmt=True)
        connection.sendall(self.head(400, f"Date: {date}", f"Content-Length: {len(text)}", "Connection: close") + text.encode())

    def stop(self) -> None:
        self.hold.set()
        self.listener.close()


@pytest.fixture(scope="module")
def faulty() -> Iterator[Faulty]:
    made = Faulty()
    yield made
    made.stop()


@pytest.fixture(scope="module")
def good() -> Iterator[str]:
    """Says who somebody is at AWS, so that the calls behind that come about."""
    from kit.provider import started
    for provider in started():
        provider.routes = {"POST /sts": (200, "<Account>123456789012</Account>", {}), "POST /sts/": (
            200, "<Account>123456789012</Account>", {})}
        yield provider.url + "/sts"


def closed_port() -> int:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        return closed.getsockname()[1]


@pytest.fixture(scope="module")
def authority(workspace_directory: Path) -> Path:
    """A certificate for another name than 127.0.0.1, which the server trusts; its key lies beside it."""
    directory = workspace_directory / "faults"
    directory.mkdir()
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=x", "-addext",
                    "subjectAltName=DNS:another.example.org", "-keyout", str(directory / "other.key"), "-out",
                    str(directory / "other.pem")], check=True, capture_output=True)
    return directory / "other.pem"


@pytest.fixture(scope="module")
def stranger(authority: Path) -> Iterator[Faulty]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(authority, authority.with_suffix(".key"))
    made = Faulty(context)
    yield made
    made.stop()


@pytest.fixture(scope="module")
def server(launch: Callable[..., Kanso], faulty: Faulty, stranger: Faulty, good: str, authority: Path) -> Kanso:
    gone = closed_port()
    places = [f"sts.eu-west-1.amazonaws.com={good}", f"sts.eu-gone-1.amazonaws.com=http://127.0.0.1:{gone}",
              f"sts.eu-other-1.amazonaws.com={stranger.url}", f"gone.example.org=http://127.0.0.1:{gone}",
              f"other.example.org={stranger.url}", f"registry.example.org={faulty.url}",
              f"gone.hyperai.test=ssh://127.0.0.1:{gone}", f"*.hyperai.test=ssh://127.0.0.1:{faulty.port}"]
    places += [f"{host}={faulty.url}" for host in (*double.HOSTS, double.META)]
    return launch(KANSO_CONNECTOR_ENDPOINTS=",".join(places), KANSO_LOGIN_RATE="0", DOCKER_HOST="unix:///nonexistent",
                  SSL_CERT_FILE=str(authority), ZENML_ENABLE_IMPLICIT_AUTH_METHODS="true")


@pytest.fixture(scope="module")
def world(server: Kanso) -> World:
    return World(Api(server.url))


@pytest.fixture(scope="module")
def robot(authority: Path) -> str:
    directory = authority.parent
    return json.dumps({"type": "service_account", "project_id": "p", "private_key_id": "k", "private_key": make_key(directory),
                       "client_email": "e", "client_id": "1", "auth_uri": "u", "token_uri": "https://oauth2.googleapis.com/token",
                       "auth_provider_x509_cert_url": "u", "client_x509_cert_url": "u"})


@pytest.fixture(scope="module")
def ssh_key(authority: Path) -> str:
    path = authority.parent / "ssh"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(path)], check=True, capture_output=True)
    return base64.b64encode(path.read_bytes()).decode()


AWS = {"aws_access_key_id": "AKIAEXAMPLE", "aws_secret_access_key": SECRET, "region": "eu-west-1"}
AZURE = {"client_id": double.CLIENT, "client_secret": SECRET, "tenant_id": double.TENANT}
GIVEN = {"token": SECRET, "project_id": "p"}
LATER = "2099-01-01T00:00:00"
# Type, method, configuration, kind of resource, its name; the last call that is made differs in each.
PATHS: dict[str, tuple[str, str, dict[str, Any], str, str | None]] = {
    "aws sts": ("aws", "secret-key", AWS | {"region": "us-east-1"}, "aws-generic", None),
    "aws role": ("aws", "iam-role", AWS | {"region": "us-east-1", "role_arn": "arn:aws:iam::1:role/r"}, "aws-generic", None),
    "aws machine": ("aws", "implicit", {"region": "us-east-1"}, "aws-generic", None),
    "aws buckets": ("aws", "secret-key", AWS, "s3-bucket", None),
    "aws bucket": ("aws", "secret-key", AWS, "s3-bucket", "alpha"),
    "aws clusters": ("aws", "secret-key", AWS, "kubernetes-cluster", None),
    "aws registry": ("aws", "secret-key", AWS, "docker-registry", None),
    "gcp metadata": ("gcp", "implicit", {"project_id": "p"}, "gcp-generic", None),
    "gcp token": ("gcp", "service-account", {"service_account_json": "ROBOT"}, "gcp-generic", None),
    "gcp user": ("gcp", "user-account", {"project_id": "p", "user_account_json": json.dumps({
        "type": "authorized_user", "client_id": "c", "client_secret": SECRET, "refresh_token": "refreshing"})}, "gcp-generic", None),
    "gcp buckets": ("gcp", "oauth2-token", GIVEN, "gcs-bucket", None),
    "gcp bucket": ("gcp", "oauth2-token", GIVEN, "gcs-bucket", "alpha"),
    "gcp repository": ("gcp", "oauth2-token", GIVEN, "docker-registry", "eu-docker.pkg.dev/p/r"),
    "gcp clusters": ("gcp", "oauth2-token", GIVEN, "kubernetes-cluster", None),
    "azure token": ("azure", "service-principal", AZURE, "azure-generic", None),
    "azure machine": ("azure", "implicit", {}, "azure-generic", None),
    "azure management": ("azure", "access-token", {"token": SECRET}, "docker-registry", None),
    "kubernetes": ("kubernetes", "token", {"server": "FAULTY", "cluster_name": "c", "token": SECRET}, "kubernetes-cluster", None),
    "docker": ("docker", "password", {"username": "u", "password": SECRET, "registry": "registry.example.org"},
               "docker-registry", None),
    "hyperai": ("hyperai", "ed25519-key", {"base64_ssh_key": "SSH", "hostnames": ["a.hyperai.test"], "username": "u"},
                "hyperai-instance", None),
}
QUICK = ("reset", "cut", "redirect", "garbage", "refusal", "endless", "headers")


def asked(world: World, path: str, faulty: Faulty, robot: str = "", ssh_key: str = "", **changes: Any) -> dict[str, Any]:
    kind, method, configuration, resource, name = PATHS[path]
    configuration = configuration | changes
    faulty.secret = SECRET if SECRET in configuration.values() else "said to nobody"
    real = {"ROBOT": robot, "FAULTY": faulty.url, "SSH": ssh_key}
    wanted = {"name": "faults", "connector_type": kind, "auth_method": method, "resource_types": [resource],
              "resource_id": name, "expires_at": LATER if method == "access-token" else None,
              "configuration": {key: real.get(value, value) if isinstance(value, str) else value
                                for key, value in configuration.items()}}
    return ok(world.api.post("/service_connectors/verify", world.owned | wanted))


@pytest.mark.parametrize("path", PATHS)
def test_a_provider_that_fails(world: World, server: Kanso, faulty: Faulty, robot: str, ssh_key: str, path: str) -> None:
    """Every fault on this path. What reads without an end is cut off early, and takes no memory along."""
    before = sorted(server.workers())
    for fault in QUICK:
        if path == "aws bucket" and fault in ("cut", "endless") or path == "hyperai" and fault == "refusal":
            continue  # a HEAD has no body, and SSH asks nothing
        faulty.fault, faulty.sent, faulty.asked = fault, 0, 0
        begin = time.monotonic()
        found = asked(world, path, faulty, robot, ssh_key)
        error = found["error"]
        assert error and found["resources"][0]["resource_ids"] is None, fault
        assert time.monotonic() - begin < 30 and faulty.asked, fault
        assert "PRIVATE KEY" not in error and len(error) < 800, fault
        assert not [secret for secret in (SECRET, *faulty.credentials) if secret in json.dumps(found)], fault
        assert faulty.sent < 64 * 1024 ** 2 and not faulty.redirected, fault
    assert not [secret for secret in (SECRET, *faulty.credentials) if secret in server.logs()]
    assert sorted(server.workers()) == before


def test_a_machine_without_credentials(world: World, faulty: Faulty) -> None:
    faulty.fault = "reset"
    for path, words in (("aws machine", "this server has no AWS credentials of its own"),
                        ("azure machine", "failed to authenticate with Azure"), ("gcp metadata", "could not fetch a GCP OAuth2 token")):
        assert words in asked(world, path, faulty)["error"]


def test_what_never_ends_takes_no_memory(world: World, server: Kanso, faulty: Faulty) -> None:
    workers = server.workers()
    faulty.fault, faulty.sent = "endless", 0
    for pid in workers:
        reset_peak(pid)
    for _ in range(3):
        asked(world, "kubernetes", faulty)
    assert max(peak_of(pid) for pid in workers) < 64 * 1024 ** 2
    assert sum(memory_of(pid, "Pss_Anon") for pid in workers) < 64 * 1024 ** 2


@pytest.mark.parametrize("path", ["aws sts", "gcp token", "gcp bucket", "azure token", "azure management", "kubernetes"])
def test_clocks_that_differ(world: World, faulty: Faulty, robot: str, path: str) -> None:
    faulty.fault = "skewed"
    error = asked(world, path, faulty, robot)["error"]
    assert "the clock of this server is" in error and "seconds behind that of the provider" in error
    faulty.fault = "refusal"
    assert "clock" not in asked(world, path, faulty, robot)["error"]


@pytest.mark.parametrize("place", ["gone", "other"])
def test_nobody_answers_or_somebody_else(world: World, faulty: Faulty, stranger: Faulty, robot: str, ssh_key: str, place: str) -> None:
    """Down; and with a certificate that is trusted, but for another name: nothing is said to that server."""
    stranger.fault = "refusal"
    key = json.loads(robot) | {"token_uri": f"https://{place}.example.org/token"}
    server = stranger.url if place == "other" else f"http://127.0.0.1:{closed_port()}"
    registry = f"{place}.example.org"
    changed = {"aws sts": {"region": f"eu-{place}-1"}, "gcp token": {"service_account_json": json.dumps(key)},
               "kubernetes": {"server": server}, "docker": {"registry": registry},
               "hyperai": {"hostnames": ["gone.hyperai.test"]}}
    begin = time.monotonic()
    for path, changes in changed.items():
        if path == ("hyperai" if place == "other" else "docker"):
            continue  # SSH has no certificates; a registry that cannot be reached from here is left to clients
        error = asked(world, path, faulty, robot, ssh_key, **changes)["error"]
        assert error and SECRET not in error, path
        assert place == "gone" or path == "docker" or "certificate" in error.lower() or "SSL" in error, error
    assert time.monotonic() - begin < 30 and not stranger.heard


def test_others_do_not_wait(world: World, server: Kanso, faulty: Faulty, robot: str, ssh_key: str) -> None:
    """While connectors wait for providers that say nothing, requests of other groups take what they took before."""
    faulty.fault = "silent"
    api = Api(server.url)

    def latency() -> float:
        begin = time.monotonic()
        api.read("/current-user")
        return time.monotonic() - begin

    def waiting(path: str) -> tuple[float, dict[str, Any]]:
        begin = time.monotonic()
        found = asked(World(Api(server.url)), path, faulty, robot, ssh_key)
        return time.monotonic() - begin, found

    before = statistics.median(latency() for _ in range(40))
    with ThreadPoolExecutor(4) as pool:
        pending = [pool.submit(waiting, path) for path in ("kubernetes", "gcp token")]
        while not faulty.hold.is_set() and faulty.asked == 0:
            time.sleep(0.02)
        during = []
        while not pending[0].done() and len(during) < 400:
            during.append(latency())
        results = [item.result() for item in pending]
    faulty.hold.set()
    assert len(during) > 20
    # A busy machine slows both: the ratio counts, and no request may have waited for a provider.
    assert statistics.median(during) < 5 * before + 0.05
    assert max(during) < 5
    for seconds, found in results:
        assert found["error"] and seconds < 60
