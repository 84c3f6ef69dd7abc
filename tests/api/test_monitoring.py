"""What an operator sees: ids of requests, logs, probes and metrics."""

from __future__ import annotations

import re
from typing import Iterator

import pytest
import requests

from kit.api import Api
from kit.process import wait_until
from kit.servers import Kanso

ID = re.compile(r"[0-9A-Za-z._-]{8,64}")


@pytest.fixture(scope="module")
def watched(request: pytest.FixtureRequest, server_url: str | None) -> Iterator[Kanso]:
    """A Kanso behind a trusted proxy (the tests), which logs all it can."""
    if server_url:
        pytest.skip("needs a Kanso of its own")
    instance = request.getfixturevalue("launch")(KANSO_TRUSTED_PROXIES="127.0.0.1", KANSO_ACCESS_LOG="on",
                                                 KANSO_LOG_LEVEL="debug", KANSO_JOBS="0")
    yield instance
    instance.stop()


def logged(kanso: Kanso, pattern: str, text: str) -> list[str]:
    """Lines with that text in the logs of that name."""
    return [line for log in (kanso.home / "log").glob(pattern) for line in log.read_text().splitlines() if text in line]


def asked(kanso: Kanso, path: str, sent: str | None = None, **more: str) -> str:
    """The id that a request for `path` is answered with."""
    headers = more | ({"X-Request-ID": sent} if sent is not None else {})
    given = requests.get(kanso.url + path, headers=headers, timeout=20).headers["x-request-id"]
    assert ID.fullmatch(given), given
    return given


# Answered by a worker, by nginx with a file, and by nginx with a refusal.
PATHS = ("/api/v1/info", "/api/v1/users", "/", "/api/v1/nothing", "/health%01")


@pytest.mark.parametrize("path", PATHS)
def test_answers_name_their_request(watched: Kanso, path: str) -> None:
    ids = {asked(watched, path) for _ in range(3)}
    assert len(ids) == 3


@pytest.mark.parametrize("sent", ["abcdefgh", "7f3c.A-b_9" * 6, "x" * 64])
def test_a_trusted_proxy_names_requests(watched: Kanso, sent: str) -> None:
    assert [asked(watched, path, sent) for path in PATHS[:3]] == [sent] * 3


@pytest.mark.parametrize("sent", ["", "short", "x" * 65, "with blank in it", "quote'and\"quotes", "semi;colon;", "a*/b/*cdefg",
                                  "ümläute-üüü", "{braces}{}", "$variables"])
def test_what_is_no_id_is_not_believed(watched: Kanso, sent: str) -> None:
    assert [asked(watched, path, sent.encode().decode("latin-1")) == sent for path in PATHS[:3]] == [False] * 3


def test_strangers_name_nothing(server: Kanso, server_url: str | None) -> None:
    if server_url:
        pytest.skip("needs Kanso")
    for path in PATHS[:3]:
        assert asked(server, path, "a-good-id-1") != "a-good-id-1"
        assert asked(server, path, "a-good-id-1", **{"X-Forwarded-For": "127.0.0.1"}) != "a-good-id-1"


def test_logs_share_the_id(watched: Kanso) -> None:
    client = Api(watched.url)
    answer = client.call("GET", "/users?size=1", headers={"X-Request-ID": "find-me-again.1"})
    assert answer.ok and answer.headers["x-request-id"] == "find-me-again.1"
    wait_until(lambda: logged(watched, "worker-*.log", "find-me-again.1"), 20, "the worker's line")
    wait_until(lambda: logged(watched, "access.log", "find-me-again.1"), 20, "nginx's line")
    assert "GET /api/v1/users 200" in logged(watched, "worker-*.log", "find-me-again.1")[0]
    assert "GET /api/v1/users 200" in logged(watched, "access.log", "find-me-again.1")[0]
