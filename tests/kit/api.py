"""A thin HTTP client, and assertions on the shapes that answers have."""

from __future__ import annotations

import ast
import atexit
import json
import re
from typing import Any
from urllib.parse import urlencode, urlsplit

import requests

from .process import BUILD
from .servers import PASSWORD, USER

UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
STAMP = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d")
# Whether the server under test is the reference, which crashes in places.
REFERENCE = False

NOBODY = "00000000-0000-4000-8000-00000000dead"

# What was called with success, for scripts/coverage-api.
CALLS: set[str] = set()


def note_calls() -> None:
    """Add them to those of earlier runs."""
    file = BUILD / "api-calls.txt"
    if CALLS and not REFERENCE and file.parent.is_dir():
        before = set(file.read_text().splitlines()) if file.exists() else set()
        file.write_text("".join(call + "\n" for call in sorted(before | CALLS)))


atexit.register(note_calls)


class Api:
    """A logged-in session; paths are relative to /api/v1 unless they begin with '//'."""

    def __init__(self, url: str, user: str | None = USER, password: str = PASSWORD) -> None:
        self.url = url
        self.session = requests.Session()
        self.session.trust_env = False
        if REFERENCE:  # it drops the connection after a crash without saying so
            self.session.headers["Connection"] = "close"
        if user is not None:
            answer = self.session.post(url + "/api/v1/login", timeout=60,
                                       data={"username": user, "password": password})
            assert answer.status_code == 200, answer.text
            self.token: str = answer.json()["access_token"]
            self.session.cookies.clear()
            self.session.headers["Authorization"] = "Bearer " + self.token

    def address(self, path: str) -> str:
        return self.url + (path[1:] if path.startswith("//") else "/api/v1" + path)

    def call(self, method: str, path: str, json: Any = None, **options: Any) -> requests.Response:
        options.setdefault("timeout", 60)
        answer = self.session.request(method, self.address(path), json=json, **options)
        if answer.ok:
            CALLS.add(f"{method} {urlsplit(self.address(path)).path}")
        return answer

    def get(self, path: str, **query: Any) -> requests.Response:
        return self.call("GET", path + ("?" + urlencode(query) if query else ""))

    def post(self, path: str, body: Any = None, **query: Any) -> requests.Response:
        return self.call("POST", path + ("?" + urlencode(query) if query else ""), body)

    def put(self, path: str, body: Any = None, **query: Any) -> requests.Response:
        return self.call("PUT", path + ("?" + urlencode(query) if query else ""), body)

    def delete(self, path: str, **query: Any) -> requests.Response:
        return self.call("DELETE", path + ("?" + urlencode(query) if query else ""))

    # The same with the answer checked for success and decoded.

    def read(self, path: str, **query: Any) -> Any:
        return ok(self.get(path, **query))

    def make(self, path: str, body: Any, **query: Any) -> Any:
        return ok(self.post(path, body, **query))

    def change(self, path: str, body: Any, **query: Any) -> Any:
        return ok(self.put(path, body, **query))

    def remove(self, path: str, **query: Any) -> None:
        assert ok(self.delete(path, **query)) is None

    def items(self, path: str, **query: Any) -> list[dict[str, Any]]:
        return self.read(path, **query)["items"]

    def names(self, path: str, **query: Any) -> list[str]:
        return [item["name"] for item in self.items(path, **query)]

    def ids(self, path: str, **query: Any) -> list[str]:
        return [item["id"] for item in self.items(path, **query)]


def ok(answer: requests.Response) -> Any:
    """The decoded body of a success: always 200, always JSON."""
    assert answer.status_code == 200, f"{answer.request.method} {answer.url}: {describe(answer)}"
    assert answer.headers["content-type"] == "application/json"
    return answer.json()


def fails(answer: requests.Response, status: int, name: str) -> str:
    """An operation's refusal: `{"detail": [name, message]}`; the message."""
    assert answer.status_code == status, describe(answer)
    assert answer.headers["content-type"] == "application/json"
    body = answer.json()
    assert list(body) == ["detail"] and len(body["detail"]) == 2, describe(answer)
    assert body["detail"][0] == name, describe(answer)
    message = body["detail"][1]
    assert isinstance(message, str) and message
    return message


def missing(answer: requests.Response) -> None:
    """404 with a KeyError, whose message is a quoted text."""
    message = fails(answer, 404, "KeyError")
    assert isinstance(ast.literal_eval(message), str), message


def taken(answer: requests.Response, name: str = "EntityExistsError") -> None:
    fails(answer, 409, name)


def forbidden(answer: requests.Response) -> None:
    fails(answer, 403, "IllegalOperationError")


def problems(answer: requests.Response) -> list[dict[str, Any]]:
    """The list of problems of a request that does not fit: a bare array and no `detail`."""
    assert answer.status_code == 422, describe(answer)
    assert answer.headers["content-type"] == "application/json"
    body = answer.json()
    assert isinstance(body, list) and len(body) == 2 and body[0] == "ValueError", describe(answer)
    return problem_list(body[1])


def problem_list(text: str) -> list[dict[str, Any]]:
    """The problems from their text: JSON, or the Python notation of the reference."""
    try:
        found = json.loads(text)
    except ValueError:
        found = ast.literal_eval(re.sub(r"(?:Value|Assertion)Error\((.*?)\)(?=[,}])", r"\1", text))
    assert isinstance(found, list) and found, text
    for problem in found:
        problem["loc"] = list(problem["loc"])
    return found


def unfit(answer: requests.Response, kind: str, *loc: Any) -> dict[str, Any]:
    """422 that has one problem of this kind at this place; that problem."""
    found = problems(answer)
    for problem in found:
        if problem["type"] == kind and problem["loc"] == list(loc):
            return problem
    raise AssertionError(f"no {kind} at {loc} in {found}")


def refused(answer: requests.Response) -> None:
    """A clean refusal where the reference only crashes: JSON, and the caller's fault."""
    if REFERENCE and answer.status_code in (200, 500):
        return
    assert answer.status_code in (400, 404, 409, 422), describe(answer)
    assert answer.headers["content-type"] == "application/json"
    answer.json()


def describe(answer: requests.Response) -> str:
    return f"{answer.status_code} {answer.text[:600]}"
