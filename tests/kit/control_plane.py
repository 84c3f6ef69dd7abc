"""A control plane of the tests' own: OAuth tokens, permissions and entitlements over TLS."""

from __future__ import annotations

import json
import ssl
import subprocess
import threading
import time
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Callable
from urllib.parse import parse_qs, urlsplit

from .process import free_port


def make_certificate(directory: Path) -> tuple[Path, Path]:
    """A certificate for 127.0.0.1 that vouches for itself, and its key."""
    certificate, key = directory / "tls.pem", directory / "tls.key"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2",
                    "-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1",
                    "-keyout", str(key), "-out", str(certificate)], check=True, capture_output=True)
    return certificate, key


@dataclass
class Call:
    """A request that arrived."""
    method: str
    path: str
    query: dict[str, list[str]]
    headers: dict[str, str]
    body: str

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class ControlPlane:
    """Answers as its members say; `calls` holds what arrived, without the requests for tokens."""
    directory: Path
    token: str = "first-token"
    calls: list[Call] = field(default_factory=list)
    logins: list[Call] = field(default_factory=list)
    may: Callable[[str, str], bool | None] = lambda resource, action: True
    readable: dict[str, list[str]] = field(default_factory=dict)  # types that are not readable as a whole
    entitlements: dict[str, int] = field(default_factory=dict)
    answer: tuple[int, str] | None = None  # instead of any other
    delay: float = 0
    stopped: bool = False

    def __post_init__(self) -> None:
        plane = self
        self.directory.mkdir(parents=True, exist_ok=True)
        self.certificate, key = make_certificate(self.directory)

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def respond(self) -> None:
                if plane.stopped:
                    self.close_connection = True
                    return
                url = urlsplit(self.path)
                body = self.rfile.read(int(self.headers.get("content-length") or 0)).decode()
                call = Call(self.command, url.path, parse_qs(url.query),
                            {name.lower(): value for name, value in self.headers.items()}, body)
                status, text = plane.respond(call)
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(text.encode())))
                self.end_headers()
                self.wfile.write(text.encode())

            do_GET = do_POST = respond

            def log_message(self, *arguments: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", free_port()), Handler)
        self.server.daemon_threads = True
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.certificate, key)
        self.server.socket = context.wrap_socket(self.server.socket, server_side=True,
                                                 do_handshake_on_connect=False)
        self.host = f"127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def stop(self) -> None:
        """No more answers, and nobody listens."""
        self.stopped = True
        self.server.shutdown()
        self.server.server_close()

    @property
    def settings(self) -> dict[str, str]:
        """What a server needs to use it."""
        return {"ZENML_CLOUD_API_URL": f"https://{self.host}/", "ZENML_CLOUD_OAUTH2_CLIENT_ID": "client id",
                "ZENML_CLOUD_OAUTH2_CLIENT_SECRET": "s&cret", "ZENML_CLOUD_OAUTH2_AUDIENCE": "aud",
                "ZENML_CLOUD_AUTH0_DOMAIN": self.host, "SSL_CERT_FILE": str(self.certificate)}

    def forget(self) -> None:
        """As nothing had happened."""
        self.calls.clear()
        self.logins.clear()
        self.may, self.answer, self.delay = (lambda resource, action: True), None, 0
        self.readable, self.entitlements = {}, {}

    def respond(self, call: Call) -> tuple[int, str]:
        if call.path == "/oauth/token":
            self.logins.append(call)
            return 200, json.dumps({"access_token": self.token, "expires_in": 1})
        self.calls.append(call)
        time.sleep(self.delay)
        if call.headers.get("authorization") != "Bearer " + self.token:
            return 401, "{}"
        if self.answer:
            return self.answer
        if call.path == "/rbac/check_permissions":
            verdicts = {name: self.may(name, call.query["action"][0]) for name in call.query["resources"]}
            return 200, json.dumps({name: verdict for name, verdict in verdicts.items() if verdict is not None})
        if call.path == "/rbac/allowed_resource_ids":
            kind = call.query["resource"][0].rpartition(":")[2]
            return 200, json.dumps({"full_access": kind not in self.readable, "ids": self.readable.get(kind, [])})
        if "/entitlement/" in call.path:
            return self.entitlements.get(call.path.rpartition("/")[2], 200), "{}"
        return 200, "null"
