"""A store of the tests' own that speaks as S3, Google Cloud Storage and Azure do, looks at how requests prove who sends them,
and has objects that are slow, cut off, endless or elsewhere."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import re
import ssl
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Callable, Iterator
from urllib.parse import parse_qsl, quote, unquote, urlsplit
from xml.sax.saxutils import escape

S3_ID, S3_SECRET, S3_TOKEN = "AKIAEXAMPLE", "an+s3/secret", "an-s3-token"
GCS_TOKEN = "a-google-token"
AZURE_ACCOUNT, AZURE_KEY = "account", base64.b64encode(b"an azure key").decode()
AZURE_TOKEN, AZURE_SAS = "an-azure-token", "sv=2021-08-06&sig=a%2Bsignature%3D"
HUGE = 10 * 2**30
PIECE = b"0123456789abcdef" * 4096


class Objects:
    """`objects` maps "bucket/key" to what it holds. Buckets whose names are those of `FAULTS` do what stands there."""

    FAULTS = ("drip", "cut", "huge", "whole", "redirect", "denied", "endless", "echo", "garbage")

    def __init__(self, certificate: Path | None = None, key: Path | None = None) -> None:
        store = self
        self.objects: dict[str, bytes] = {}
        self.wrong: list[str] = []  # requests that prove nothing, and why
        self.ranges: list[str] = []
        self.calls = self.sent = 0  # requests; bytes of bodies
        self.over = threading.Event()

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def do_GET(self) -> None:
                store.calls += 1
                try:
                    store.answer(self)
                except (BrokenPipeError, ConnectionResetError):
                    self.close_connection = True

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        if certificate:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate, key)
            self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        self.url = f"http{'s' if certificate else ''}://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def stop(self) -> None:
        self.over.set()
        self.server.shutdown()
        self.server.server_close()

    # Who asks ----------------------------------------------------------------------------------------------------------

    def check_s3(self, h: BaseHTTPRequestHandler) -> str | None:
        """Signature Version 4, made anew from what has arrived."""
        found = re.fullmatch(r"AWS4-HMAC-SHA256 Credential=([^/]+)/(\d{8})/([^/]+)/s3/aws4_request, "
                             r"SignedHeaders=([^,]+), Signature=([0-9a-f]{64})", h.headers.get("Authorization", ""))
        if not found:
            return "no signature"
        who, day, region, names, signature = found.groups()
        parts = urlsplit(h.path)
        query = "&".join(sorted(f"{quote(k, '-_.~')}={quote(v, '-_.~')}" for k, v in parse_qsl(parts.query, True)))
        headers = "".join(f"{name}:{h.headers[name].strip()}\n" for name in names.split(";"))
        payload = h.headers["x-amz-content-sha256"]
        canonical = "\n".join(["GET", parts.path, query, headers, names, payload])
        scope = f"{day}/{region}/s3/aws4_request"
        text = "\n".join(["AWS4-HMAC-SHA256", h.headers["x-amz-date"], scope, hashlib.sha256(canonical.encode()).hexdigest()])
        key = b"AWS4" + S3_SECRET.encode()
        for word in (day, region, "s3", "aws4_request", text):
            key = hmac.digest(key, word.encode(), "sha256")
        if who != S3_ID or key.hex() != signature or payload != hashlib.sha256(b"").hexdigest():
            return "the signature does not match"
        if abs(time.mktime(time.strptime(h.headers["x-amz-date"], "%Y%m%dT%H%M%SZ")) - time.timezone - time.time()) > 60:
            return "another time"
        return None if h.headers.get("x-amz-security-token", S3_TOKEN) == S3_TOKEN else "another token"

    def check_azure(self, h: BaseHTTPRequestHandler) -> str | None:
        given, parts = h.headers.get("Authorization", ""), urlsplit(h.path)
        if h.headers.get("x-ms-version") != "2021-08-06":
            return "no version"
        if given == "Bearer " + AZURE_TOKEN or (not given and AZURE_SAS in parts.query):
            return None
        canonical = "".join(f"{name.lower()}:{value}\n" for name, value in sorted(h.headers.items()) if name.startswith("x-ms-"))
        resource = f"/{AZURE_ACCOUNT}{parts.path}" + "".join(f"\n{k}:{v}" for k, v in sorted(parse_qsl(parts.query)))
        text = "GET" + "\n" * 11 + h.headers.get("Range", "") + "\n" + canonical + resource
        wanted = base64.b64encode(hmac.digest(base64.b64decode(AZURE_KEY), text.encode(), "sha256")).decode()
        return None if given == f"SharedKey {AZURE_ACCOUNT}:{wanted}" else "the signature does not match"

    def check_gcs(self, h: BaseHTTPRequestHandler) -> str | None:
        given = h.headers.get("Authorization")
        return None if given == "Bearer " + GCS_TOKEN or (not given and "/public/" in h.path) else "another token"

    # Answers -------------------------------------------------------------------------------------------------------------

    def answer(self, h: BaseHTTPRequestHandler) -> None:
        parts, query = urlsplit(h.path), dict(parse_qsl(urlsplit(h.path).query))
        found = re.fullmatch(r"/storage/v1/b/(?P<bucket>[^/]+)/o(/(?P<key>[^/]+))?", parts.path)
        if found:
            kind, check = "gcs", self.check_gcs
        elif found := re.fullmatch(r"/azure/(?P<bucket>[^/]+)(/(?P<key>.+))?", parts.path):
            kind, check = "azure", self.check_azure
        else:
            kind, check = "s3", self.check_s3
            found = re.fullmatch(r"/(?P<bucket>[^/]+)/(?P<key>.+)?", parts.path)
        assert found, h.path
        bucket, key = found["bucket"], found["key"] and unquote(found["key"])
        if why := check(h):
            self.wrong.append(f"{why}: {h.path}")
            self.send(h, 403, b"<Error><Code>AccessDenied</Code></Error>")
        elif bucket in self.FAULTS:
            getattr(self, bucket)(h)
        elif key is None:
            self.send(h, 200, LISTINGS[kind]({name.split("/", 1)[1]: size for name, size in self.sizes().items()
                                              if name.startswith(f"{bucket}/{query['prefix']}")
                                              and "/" not in name.removeprefix(f"{bucket}/{query['prefix']}")}, query))
        elif f"{bucket}/{key}" in self.objects:
            self.send_range(h, self.objects[f"{bucket}/{key}"])
        else:
            self.send(h, 404, b"<Error><Code>NoSuchKey</Code></Error>")

    def sizes(self) -> dict[str, int]:
        return {name: len(content) for name, content in self.objects.items()}

    def head(self, h: BaseHTTPRequestHandler, status: int, length: int, **headers: str) -> None:
        h.send_response(status)
        for name, value in ({"Content-Length": str(length)} | headers).items():
            h.send_header(name.replace("_", "-"), value)
        h.end_headers()

    def send(self, h: BaseHTTPRequestHandler, status: int, body: bytes, **headers: str) -> None:
        self.head(h, status, len(body), **headers)
        h.wfile.write(body)
        self.sent += len(body)

    def send_range(self, h: BaseHTTPRequestHandler, content: bytes) -> None:
        first, last = map(int, h.headers["Range"].removeprefix("bytes=").split("-"))
        self.ranges.append(h.headers["Range"])
        if first >= len(content):
            self.send(h, 416, b"", Content_Range=f"bytes */{len(content)}")
        else:
            part = content[first:last + 1]
            self.send(h, 206, part, Content_Range=f"bytes {first}-{first + len(part) - 1}/{len(content)}")

    # What goes wrong ------------------------------------------------------------------------------------------------------

    def drip(self, h: BaseHTTPRequestHandler) -> None:
        self.head(h, 206, 1000, Content_Range="bytes 0-999/1000")
        while not self.over.wait(0.2):
            h.wfile.write(b".")

    def cut(self, h: BaseHTTPRequestHandler) -> None:
        self.head(h, 206, 1000, Content_Range="bytes 0-999/1000")
        h.wfile.write(b"only this")
        h.close_connection = True

    def huge(self, h: BaseHTTPRequestHandler) -> None:
        """An object of 10 GB, of whose ranges each is served."""
        first, last = map(int, h.headers["Range"].removeprefix("bytes=").split("-"))
        last = min(last, HUGE - 1)
        self.head(h, 206, last - first + 1, Content_Range=f"bytes {first}-{last}/{HUGE}")
        self.pour(h, last - first + 1, first)

    def whole(self, h: BaseHTTPRequestHandler) -> None:
        """The same without ranges."""
        self.head(h, 200, HUGE)
        self.pour(h, HUGE)

    def endless(self, h: BaseHTTPRequestHandler) -> None:
        """An error that does not end."""
        self.head(h, 500, HUGE)
        self.pour(h, HUGE)

    def pour(self, h: BaseHTTPRequestHandler, left: int, first: int = 0) -> None:
        while left and not self.over.is_set():
            piece = PIECE[first % 16:][:left]
            first = 0
            h.wfile.write(piece)
            self.sent += len(piece)
            left -= len(piece)

    def redirect(self, h: BaseHTTPRequestHandler) -> None:
        self.send(h, 307, b"", Location=f"{self.url}/elsewhere/a")

    def denied(self, h: BaseHTTPRequestHandler) -> None:
        self.send(h, 403, b"<Error><Code>AccessDenied</Code><Message>Access Denied.</Message></Error>")

    def echo(self, h: BaseHTTPRequestHandler) -> None:
        """An error that repeats what was sent."""
        said = escape(str(h.headers) + h.path)
        self.send(h, 400, f"<Error><Code>{said}</Code><Message>{said}</Message></Error>".encode())

    def garbage(self, h: BaseHTTPRequestHandler) -> None:
        self.send(h, 404 if h.headers.get("Range") else 200, b"\x00<ListBucketResult><Contents><Key>\xff</Contents>{")


def list_s3(sizes: dict[str, int], query: dict[str, str]) -> bytes:
    """Two a page."""
    assert query["list-type"] == "2" and query["delimiter"] == "/"
    names = [name for name in sorted(sizes) if name > query.get("continuation-token", "")]
    rows = "".join(f"<Contents><Key>{escape(n)}</Key><Size>{sizes[n]}</Size></Contents>" for n in names[:2])
    more = f"<NextContinuationToken>{escape(names[1])}</NextContinuationToken>" if len(names) > 2 else ""
    return f"<?xml version=\"1.0\"?><ListBucketResult>{more}{rows}</ListBucketResult>".encode()


def list_gcs(sizes: dict[str, int], query: dict[str, str]) -> bytes:
    assert query["delimiter"] == "/"
    names = [name for name in sorted(sizes) if name > query.get("pageToken", "")]
    page: dict[str, object] = {"items": [{"name": name, "size": str(sizes[name])} for name in names[:2]]}
    return json.dumps(page | ({"nextPageToken": names[1]} if len(names) > 2 else {})).encode()


def list_azure(sizes: dict[str, int], query: dict[str, str]) -> bytes:
    assert query["restype"] == "container" and query["comp"] == "list" and query["delimiter"] == "/"
    names = [name for name in sorted(sizes) if name > query.get("marker", "")]
    rows = "".join(f"<Blob><Name>{escape(n)}</Name><Properties><Content-Length>{sizes[n]}</Content-Length></Properties>"
                   "</Blob>" for n in names[:2])
    more = f"<NextMarker>{escape(names[1])}</NextMarker>" if len(names) > 2 else "<NextMarker />"
    return f"<?xml version=\"1.0\"?><EnumerationResults><Blobs>{rows}</Blobs>{more}</EnumerationResults>".encode()


LISTINGS: dict[str, Callable[[dict[str, int], dict[str, str]], bytes]] = {"s3": list_s3, "gcs": list_gcs, "azure": list_azure}


def started(**options: Path) -> Iterator[Objects]:
    store = Objects(**options)
    yield store
    store.stop()
