"""A provider of the tests' own: answers calls of service connectors, and remembers them."""

from __future__ import annotations

import json
import re
import ssl
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Callable, Iterator
from urllib.parse import parse_qs, urlsplit

from .control_plane import Call

# What a route answers: a JSON document, or status, text and headers.
Answer = Any | tuple[int, str, dict[str, str]]


class Provider:
    """`routes` maps "METHOD /path" (a regular expression) to what it answers, or to a function of the call and the match."""

    def __init__(self, certificate: Path | None = None, key: Path | None = None, clients: Path | None = None) -> None:
        provider = self
        self.routes: dict[str, Answer | Callable[[Call, re.Match], Answer]] = {}
        self.calls: list[Call] = []

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def answer(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
                parts = urlsplit(self.path)
                call = Call(self.command, parts.path, parse_qs(parts.query), {
                    name.lower(): value for name, value in self.headers.items()}, body)
                provider.calls.append(call)
                status, text, headers = provider.reply(call)
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                if "Content-Length" not in headers:
                    self.send_header("Content-Length", str(len(text.encode())))
                self.end_headers()
                if self.command != "HEAD":
                    self.wfile.write(text.encode())

            do_GET = do_POST = do_HEAD = do_PUT = do_PATCH = do_DELETE = answer

            def log_message(self, *_: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        if certificate:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate, key)
            if clients:
                context.verify_mode = ssl.CERT_REQUIRED
                context.load_verify_locations(clients)
            self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        self.url = f"http{'s' if certificate else ''}://127.0.0.1:{self.server.server_address[1]}"
        self.thread = threading.Thread(target=self.server.serve_forever, daemon=True)
        self.thread.start()

    def reply(self, call: Call) -> tuple[int, str, dict[str, str]]:
        for route, answer in self.routes.items():
            found = re.fullmatch(route, f"{call.method} {call.path}")
            if found:
                given = answer(call, found) if callable(answer) else answer
                if isinstance(given, tuple):
                    return given
                return 200, json.dumps(given), {"Content-Type": "application/json"}
        return 404, json.dumps({"error": {"message": f"nothing at {call.path}"}}), {}

    def called(self, path: str) -> list[Call]:
        return [call for call in self.calls if re.fullmatch(path, call.path)]

    def stop(self) -> None:
        self.server.shutdown()
        self.server.server_close()


def started(**options: Any) -> Iterator[Provider]:
    provider = Provider(**options)
    yield provider
    provider.stop()
