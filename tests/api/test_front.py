"""What nginx answers itself: refusals, redirects, files; compression; what reaches the workers."""

from __future__ import annotations

import gzip
import json
import re
import socket
import subprocess
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import requests

from kit.api import Api, describe, ok
from kit.factory import World
from kit.process import REPOSITORY
from kit.servers import Server

ORIGIN = {"Origin": "http://there"}
SECURE = ("strict-transport-security", "x-frame-options", "x-content-type-options", "content-security-policy",
          "permissions-policy", "referrer-policy")


@pytest.fixture(autouse=True)
def own_front(server_url: str | None) -> None:
    if server_url:
        pytest.skip("is about Kanso's nginx")


class Answer:
    """One answer as it came over the wire."""

    def __init__(self, data: bytes) -> None:
        head, _, self.body = data.partition(b"\r\n\r\n")
        first, *lines = head.decode("latin-1").split("\r\n")
        self.raw = data
        self.status = int(first.split()[1])
        self.headers = [(name.lower(), value) for name, _, value in (line.partition(": ") for line in lines)]

    def __getitem__(self, name: str) -> str:
        return ", ".join(value for key, value in self.headers if key == name)


def complete(received: bytes, head: bool) -> bool:
    """Whether an answer with a length has come whole."""
    start, found, body = received.partition(b"\r\n\r\n")
    length = re.search(rb"\r\nContent-Length: (\d+)", start, re.I)
    return bool(found) and (head or length is not None and len(body) >= int(length[1]))


def send(server, data: bytes, seconds: float = 20) -> Answer:
    """Send bytes as they are; the answer, or what came of it."""
    parts = urlsplit(server.url)
    with socket.create_connection((parts.hostname, parts.port), timeout=seconds) as line:
        try:
            line.sendall(data)
        except OSError:
            pass  # refused before all of it was sent
        received = b""
        try:
            while not complete(received, data.startswith(b"HEAD ")) and (piece := line.recv(65536)):
                received += piece
        except ConnectionResetError:
            pass
    return Answer(received)


def ask(server, target: str, method: str = "GET", headers: str = "", body: bytes = b"") -> Answer:
    return send(server, f"{method} {target} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{headers}\r\n".encode("latin-1") + body)


# Response splitting

BREAKS = ["%0d%0a", "%0a", "%0d", "%00", "%09", "%1b", "%7f"]
PLACES = ["/foo{}", "/{}", "/runs/x{}", "/runs/{}/dag", "/a/b/c{}", "/components/a/b/c{}", "/runs/a/b/c/d{}", "/docs/{}",
          "/css/{}.css", "/api/v1/tags/x{}", "/api/{}", "/devices/verify{}?x=1", "/docs{}"]


@pytest.mark.parametrize("code", BREAKS)
@pytest.mark.parametrize("place", PLACES)
def test_control_characters_in_a_path_are_refused(server, place: str, code: str) -> None:
    for method in ("GET", "HEAD", "OPTIONS", "POST"):
        answer = ask(server, place.format(code + "Set-Cookie:%20kanso=evil" + code + "X-Injected:%20yes"), method,
                     "Content-Length: 0\r\n")
        assert answer.status == 400
        names = [name for name, _ in answer.headers]
        assert "set-cookie" not in names and "x-injected" not in names and "location" not in names
        assert b"evil" not in answer.raw
        assert answer["content-type"] == "application/json"


@pytest.mark.parametrize("path", ["/api/v1/info", "/api/v1/tags", "/api/v1/nothing", "/foo", "/api/v1/tags/%0a"])
@pytest.mark.parametrize("method", ["GET", "OPTIONS"])
@pytest.mark.parametrize("name", ["Origin", "Access-Control-Request-Headers"])
@pytest.mark.parametrize("bad", ["http://\xff", "x\x01y", "\xc3\xa9", "x\x0bSet-Cookie: a", "\x7f"])
def test_answers_repeat_no_header_that_is_no_text(server, path: str, method: str, name: str, bad: str) -> None:
    headers = {"Origin": "http://there", "Access-Control-Request-Method": "GET", "Cookie": "a=b"} | {name: bad}
    answer = ask(server, path, method, "".join(f"{key}: {value}\r\n" for key, value in headers.items()))
    assert answer.status in (200, 400, 401, 404, 405)
    assert bad.encode("latin-1") not in answer.raw


def test_redirects_hold_what_was_asked_for(server) -> None:
    """Encoded as it came, with the query, and relative to its place."""
    for target, where in {
            "/runs": "./#/runs", "/runs/": "./#/runs/", "/runs/7": "../#/runs/7", "/runs/a%20b": "../#/runs/a%20b",
            "/pipelines/p/runs/r?tab=x&y=%0d%0aA:b": "../../../#/pipelines/p/runs/r?tab=x&y=%0d%0aA:b",
            "/runs/a%2fb": "../#/runs/a%2fb", "/devices/verify?user_code=1&device_id=2":
            "../#/devices/verify?user_code=1&device_id=2", "/runs/x?a/b/c": "../#/runs/x?a/b/c",
            "/login?redirect=//evil": "./#/login?redirect=//evil"}.items():
        answer = ask(server, target)
        assert (answer.status, answer["location"]) == (302, where), target


def test_every_page_is_found_by_its_path_and_nothing_else(server) -> None:
    source = (REPOSITORY / "nginx/html/js/app.js").read_text()
    pages = re.findall(r"\{ path: '(/[^']+)'", source)
    assert len(pages) > 20
    for page in pages:
        path = re.sub(r":\w+", "x", page)
        answer = ask(server, path)
        assert answer.status == 302 and answer["location"].endswith("#" + path), path
    for path in ("/foo", "/foo/bar", "/runsx", "/runs/1/2/3/4/5", "/robots.txt", "/css/none.css", "/.git/config",
                 "/runs/\xff", "/js/../../x", "/.refusal"):
        answer = ask(server, path)
        assert answer.status in (400, 404) and answer["content-type"] == "application/json", path
        assert json.loads(answer.body)["detail"] and answer["location"] == ""


# Refusals

LONG = "a" * 80_000
REFUSED = {
    "no HTTP": (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", 400),
    "method": (b"get / HTTP/1.1\r\nHost: x\r\n\r\n", 400),
    "no host": (b"GET /api/v1/info HTTP/1.1\r\nOrigin: http://there\r\n\r\n", 400),
    "host": (b"GET /api/v1/info HTTP/1.1\r\nHost: a/b\r\nOrigin: http://there\r\n\r\n", 400),
    "length": (b"POST /api/v1/tags HTTP/1.1\r\nHost: x\r\nOrigin: http://there\r\nContent-Length: -5\r\n\r\n", 400),
    "version": (b"GET / HTTP/3.0\r\nHost: x\r\n\r\n", 505),
    "coding": (b"POST /api/v1/tags HTTP/1.1\r\nHost: x\r\nOrigin: http://there\r\nTransfer-Encoding: br\r\n\r\n", 501),
    "line": (f"GET /{LONG} HTTP/1.1\r\nHost: x\r\nOrigin: http://there\r\n\r\n".encode(), 414),
    "path": (f"GET /{LONG[:70_000]} HTTP/1.1\r\nHost: x\r\nOrigin: http://there\r\nConnection: close\r\n\r\n".encode(), 414),
    "query": (f"GET /api/v1/tags?name={LONG[:70_000]} HTTP/1.1\r\nHost: x\r\nOrigin: http://there\r\nConnection: close\r\n\r\n".encode(), 414),
    "header": (f"GET /api/v1/info HTTP/1.1\r\nHost: x\r\nOrigin: http://there\r\nX-Long: {LONG}\r\n\r\n".encode(), 431),
    "headers": ("GET /api/v1/info HTTP/1.1\r\nHost: x\r\nOrigin: http://there\r\n" .encode()
                + b"".join(f"{name}: {LONG[:31_000]}\r\n".encode() for name in ("X-Forwarded-For", "Authorization", "User-Agent"))
                + b"Connection: close\r\n\r\n", 431),
    "body": (b"POST /api/v1/tags HTTP/1.1\r\nHost: x\r\nOrigin: http://there\r\nContent-Length: 999999999\r\n\r\n", 413),
    "public body": (b"POST /api/v1/login HTTP/1.1\r\nHost: x\r\nOrigin: http://there\r\nContent-Length: 65537\r\n\r\n", 413),
    "chunks": (b"POST /api/v1/login HTTP/1.1\r\nHost: x\r\nOrigin: http://there\r\nTransfer-Encoding: chunked\r\n\r\n"
               b"20000\r\n" + b"x" * 0x20000 + b"\r\n0\r\n\r\n", 413),
    "trace": (b"TRACE / HTTP/1.1\r\nHost: x\r\nOrigin: http://there\r\nConnection: close\r\n\r\n", 405),
    "page": (b"GET /foo HTTP/1.1\r\nHost: x\r\nOrigin: http://there\r\nConnection: close\r\n\r\n", 404),
    "page method": (b"DELETE /foo HTTP/1.1\r\nHost: x\r\nOrigin: http://there\r\nConnection: close\r\n\r\n", 405),
    "folder": (b"GET /css/ HTTP/1.1\r\nHost: x\r\nOrigin: http://there\r\nConnection: close\r\n\r\n", 404),
    "precondition": (b"GET / HTTP/1.1\r\nHost: x\r\nOrigin: http://there\r\nIf-Match: \"x\"\r\nConnection: close\r\n\r\n", 412),
}


@pytest.mark.parametrize("kind", REFUSED)
def test_refusals_are_json_that_other_origins_can_read(server, kind: str) -> None:
    data, status = REFUSED[kind]
    answer = send(server, data)
    assert answer.status == status, answer.raw[:300]
    assert answer["content-type"] == "application/json"
    body = json.loads(answer.body)
    assert list(body) == ["detail"] and isinstance(body["detail"], str) and body["detail"]
    assert answer["access-control-allow-origin"] == "*"
    for name in SECURE:
        assert answer[name], name
    assert answer["cache-control"] == "no-store, no-cache, must-revalidate"
    if status == 405:
        assert answer["allow"] == "GET"
    # The same without a body where the method has none.
    if data.startswith(b"GET ") and kind != "line":
        answer = send(server, data.replace(b"GET ", b"HEAD ", 1))
        assert answer.status == status and answer.body == b"" and answer["content-type"] == "application/json"


def test_refusals_name_the_limit(server) -> None:
    for kind, words in {"body": ("67108864", "KANSO_MAX_BODY"), "public body": ("65536",), "query": ("64800",), "headers": ("64800",)}.items():
        detail = json.loads(send(server, REFUSED[kind][0]).body)["detail"]
        assert all(word in detail for word in words), detail


def test_refusals_with_a_cookie_name_the_origin(server) -> None:
    answer = requests.get(server.url + "/foo", headers=ORIGIN | {"Cookie": "a=b"})
    assert answer.headers["access-control-allow-origin"] == "http://there"
    assert answer.headers["access-control-allow-credentials"] == "true"
    assert "Origin" in answer.headers["vary"]
    assert "access-control-allow-origin" not in requests.get(server.url + "/foo").headers


def test_origins_that_are_not_listed_read_no_refusal(launch, server) -> None:
    kanso = launch(workers="all", ZENML_SERVER_CORS_ALLOW_ORIGINS="http://one.example,http://two.example:81")
    for origin, allowed in {"http://one.example": True, "http://two.example:81": True, "http://one.example.evil": False,
                            "http://oneXexample": False, "http://two.example": False}.items():
        answer = requests.get(kanso.url + "/foo", headers={"Origin": origin})
        assert answer.headers.get("access-control-allow-origin") == (origin if allowed else None)
        assert send(kanso, REFUSED["line"][0])["access-control-allow-origin"] == ""
    kanso.stop()


def test_without_workers_the_answer_is_503_and_the_client_asks_again(launch, server) -> None:
    """The stock client repeats a GET, PUT or DELETE that is answered with 503 and Retry-After."""
    kanso = launch(workers="all")
    for socket_file in (kanso.home / "run").glob("*.sock"):
        if socket_file.name != "mariadb.sock":
            socket_file.unlink()
    for method in ("GET", "POST", "OPTIONS", "HEAD"):
        answer = requests.request(method, kanso.url + "/api/v1/tags", headers=ORIGIN, json={})
        assert answer.status_code == 503 and int(answer.headers["retry-after"]) > 0
        assert answer.headers["content-type"] == "application/json"
        assert answer.headers["access-control-allow-origin"] == "*"
        if method != "HEAD":
            assert answer.json()["detail"][0] == "RuntimeError"
    kanso.stop()


# Long requests

@pytest.mark.parametrize("size", [8_000, 40_000, 64_000])
def test_long_queries_pass(client: Api, size: int) -> None:
    answer = client.call("GET", "/tags?name=" + "x" * size)
    assert answer.status_code == 200, describe(answer)
    assert answer.json()["items"] == []
    known = client.call("GET", "/tags?size=3&name=" + "&name=".join(["y" * 1000] * (size // 1006)))
    assert known.status_code == 200, describe(known)


def test_headers_that_no_worker_reads_do_not_count(client: Api) -> None:
    answer = client.call("GET", "/current-user", headers={"X-Long": "x" * 40_000, "X-Other": "y" * 31_000})
    assert ok(answer)["name"] == "default"


def test_headers_that_workers_read_are_passed_on() -> None:
    """nginx passes the headers of request_headers only; nothing else may ask for another."""
    source = (REPOSITORY / "src/http/context.c").read_text()
    listed = set(re.findall(r'"(HTTP_\w+)"', source.split("request_headers[] = {")[1].split("};")[0]))
    read = set()
    for file in [*Path(REPOSITORY / "src").rglob("*.c"), *Path(REPOSITORY / "cgi-bin").rglob("*.c")]:
        read |= set(re.findall(r'request_(?:header|env)\(\w+, "(HTTP_\w+)"', file.read_text()))
    assert read and read <= listed, read - listed


# Compression

def test_json_is_compressed_for_those_who_take_it(client: Api, server) -> None:
    address = "/flavors?size=100&hydrate=true"
    plain = client.call("GET", address, headers={"Accept-Encoding": "identity"})
    packed = client.call("GET", address, headers={"Accept-Encoding": "gzip"}, stream=True)
    data = packed.raw.read(decode_content=False)
    assert "content-encoding" not in plain.headers and packed.headers["content-encoding"] == "gzip"
    assert gzip.decompress(data) == plain.content and len(data) * 5 < len(plain.content)
    for answer in (plain, packed):
        assert "Accept-Encoding" in answer.headers["vary"] and answer.headers["content-type"] == "application/json"
    head = requests.head(server.url + "/openapi.json", headers={"Accept-Encoding": "gzip"})
    assert head.status_code == 200 and head.content == b""


def test_the_api_document_is_kept_and_asked_for_again(server) -> None:
    """It is large for a page that opens in a moment, and changes with a new version only."""
    first = requests.get(server.url + "/openapi.json", timeout=30)
    assert first.headers["cache-control"] == "no-cache" and len(first.headers["etag"].strip('W/"')) == 16
    again = requests.get(server.url + "/openapi.json", headers={"If-None-Match": first.headers["etag"]}, timeout=30)
    assert again.status_code == 304 and again.content == b"" and again.headers["etag"].endswith(first.headers["etag"][-18:])
    for other in ('"0123456789abcdef"', "*"):
        answer = requests.get(server.url + "/openapi.json", headers={"If-None-Match": other}, timeout=30)
        assert answer.status_code == 200 and answer.json() == first.json()
    assert "no-store" in requests.get(server.url + "/api/v1/info", timeout=30).headers["cache-control"]
    wire = requests.get(server.url + "/openapi.json", headers={"Accept-Encoding": "gzip"}, stream=True, timeout=30)
    assert len(wire.raw.read(decode_content=False)) < 100_000


def test_small_answers_are_not(client: Api) -> None:
    for path in ("/version", "/current-user"):
        assert "content-encoding" not in client.call("GET", path, headers={"Accept-Encoding": "gzip"}).headers


def test_answers_with_credentials_are_not_compressed(client: Api, world: World) -> None:
    """Whoever watches the length of compressed text learns what stands beside text of his own."""
    name = world.name("secret")
    long = {f"k{i}": "abcdefgh" * 50 for i in range(20)}
    made = client.make(world.ws + "/secrets", world.owned | {"name": name, "values": long})
    for path in (f"/secrets/{made['id']}", "/secrets?hydrate=true&size=50", "/service_connectors?size=50", "/users?size=100"):
        answer = client.call("GET", path, headers={"Accept-Encoding": "gzip"})
        assert answer.status_code == 200 and "content-encoding" not in answer.headers, path
    assert len(client.get(f"/secrets/{made['id']}").content) > 4000
    client.remove(f"/secrets/{made['id']}")


def test_every_route_that_hands_out_credentials_says_so(server) -> None:
    configuration = (server.home / "etc" / "nginx.conf").read_text()
    plain = [line for line in configuration.splitlines() if "gzip off" in line]

    def is_plain(path: str) -> bool:
        for line in plain:
            match = re.search(r'location (= (\S+)|~ "(.+)") \{', line)
            assert match
            if match.group(2) == path or match.group(3) and re.search(match.group(3), path):
                return True
        return False

    for path in ("/login", "/device_authorization", "/api_token", "/secrets", "/secrets/x", "/workspaces/w/secrets",
                 "/users", "/users/u/deactivate", "/service_accounts/a/api_keys", "/service_accounts/a/api_keys/k/rotate",
                 "/service_connectors", "/service_connectors/x", "/service_connectors/x/client",
                 "/workspaces/w/service_connectors"):
        assert is_plain("/api/v1" + path), path
    assert not is_plain("/api/v1/runs")


# Files

def test_files_are_compressed_kept_and_asked_for_again(server) -> None:
    for path, kind in {"/": "text/html", "/js/app.js": "text/javascript", "/css/kanso.css": "text/css", "/docs/": "text/html"}.items():
        answer = requests.get(server.url + path, headers={"Accept-Encoding": "gzip"})
        assert answer.headers["content-type"] == kind + "; charset=utf-8"
        assert answer.headers["cache-control"] == "no-cache", path
        assert answer.headers.get("content-encoding") == ("gzip" if len(answer.content) >= 1400 else None), path
        for tag in (answer.headers["etag"], "W/" + answer.headers["etag"].removeprefix("W/")):
            again = requests.get(server.url + path, headers={"Accept-Encoding": "gzip", "If-None-Match": tag})
            assert again.status_code == 304 and again.content == b"", path
        again = requests.get(server.url + path, headers={"If-Modified-Since": answer.headers["last-modified"]})
        assert again.status_code == 304
    assert requests.get(server.url + "/api/v1/info").headers["cache-control"].startswith("no-store")


def test_a_configured_cache_policy_holds_for_files_as_well(launch, server) -> None:
    kanso = launch(workers="all", ZENML_SERVER_SECURE_HEADERS_CACHE="private, max-age=7")
    for path in ("/", "/js/app.js", "/api/v1/info", "/foo"):
        assert requests.get(kanso.url + path).headers["cache-control"] == "private, max-age=7"
    kanso.stop()


# A prefix

def test_a_prefix_changes_none_of_it(launch, server) -> None:
    kanso = launch(workers="all", ZENML_SERVER_ROOT_URL_PATH="/zen.ml")
    assert ask(kanso, "/zen.ml/runs/%0d%0aX:%20y").status == 400
    assert ask(kanso, "/zen.ml/runs/7?a=b")["location"] == "../#/runs/7?a=b"
    assert ask(kanso, "/runs/7")["location"] == "../#/runs/7"
    for inner in ("/.refusal", "/.caller", "/%2ecaller", "/.upload/api/v1/version", "//.refusal", "/x/../.refusal"):
        assert ask(kanso, inner).status == ask(kanso, "/zen.ml" + inner).status == 404, inner
    assert ask(kanso, "/zen.ml/foo").status == 404 and ask(kanso, "/zenXml/runs").status == 404
    for path in ("/zen.ml/api/v1/login", "/api/v1/login"):
        assert ask(kanso, path, "POST", "Content-Length: 65537\r\n").status == 413
    assert ok(requests.get(kanso.url + "/zen.ml/api/v1/version")) == "0.66.0"
    kanso.stop()


def test_which_kanso_this_is(server: Server) -> None:
    """The pages say it; `kansoctl` and the workers say the same."""
    answer = requests.get(server.url + "/version.json", timeout=30)
    assert answer.headers["content-type"] == "application/json" and answer.headers["x-content-type-options"] == "nosniff"
    said = subprocess.run([REPOSITORY / "build/bin/kansoctl", "version"], capture_output=True, text=True, check=True).stdout
    assert said.split()[1] == answer.json()["kanso"]
