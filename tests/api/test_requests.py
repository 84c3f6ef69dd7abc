"""Bodies, query strings and paths that do not fit: a clean refusal, and nothing half-written."""

from __future__ import annotations

import json
import socket
from urllib.parse import urlsplit

import pytest
import requests

from kit.api import Api, describe, fails, ok, problems, refused, unfit
from kit.factory import World

pytestmark = pytest.mark.sanitize


def raw(client: Api, data: bytes | str, content_type: str | None = "application/json",
        path: str = "/tags", method: str = "POST") -> requests.Response:
    headers = {"content-type": content_type} if content_type else {}
    return client.call(method, path, data=data, headers=headers)


@pytest.mark.parametrize("text,offset", [
    ('{', 1), ('{"a":1,}', 7), ('{"name":"x"} x', 13), ('{"name":}', 8), ("{'name':1}", 1),
    ('{"name":"x"', 11), ('nul', 0), ('{"name":"a\tb"}', 10), ('{"a" 1}', 5)])
def test_json_syntax(client: Api, text: str, offset: int) -> None:
    found = problems(raw(client, text))
    assert len(found) == 1
    assert found[0]["type"] == "json_invalid"
    assert found[0]["loc"] == ["body", offset]
    assert "url" not in found[0]


@pytest.mark.parametrize("text", ["", "null"])
def test_no_body(client: Api, text: str) -> None:
    unfit(raw(client, text), "missing", "body")


@pytest.mark.parametrize("text", ["[1]", '"x"', "5", "true", "1.5", "[]"])
def test_body_that_is_no_object(client: Api, text: str) -> None:
    problem = unfit(raw(client, text), "model_attributes_type", "body")
    assert problem["input"] == json.loads(text)


def test_content_type(client: Api, world: World) -> None:
    def body() -> str:
        return json.dumps({"name": world.name("tag")})

    unfit(raw(client, body(), "text/plain"), "model_attributes_type", "body")
    unfit(raw(client, body(), "application/x-www-form-urlencoded"),
          "model_attributes_type", "body")
    for fitting in (None, "application/json; charset=utf-8", "APPLICATION/JSON",
                    "application/vnd.kanso+json"):
        ok(raw(client, body(), fitting))


def test_text_that_is_not_utf8(client: Api) -> None:
    answer = raw(client, b'{"name":"\xff\xfe"}')
    assert answer.status_code in (400, 422), describe(answer)
    assert answer.headers["content-type"] == "application/json"
    answer = raw(client, b'{"name":"\\ud800"}')
    assert answer.status_code == 422
    refused(client.get("/tags/%ff"))
    assert client.call("GET", "/tags?name=%ff%fe").status_code in (200, 400, 422)


def test_nul_bytes(client: Api) -> None:
    unfit(raw(client, b'{"name":"a\x00b"}'), "json_invalid", "body", 10)
    answer = raw(client, b'{"name":"a\\u0000%s"}' % b"b")
    if answer.status_code == 200:
        assert answer.json()["name"] == "a\0b"
        client.remove("/tags/" + answer.json()["id"])
    else:
        refused(answer)
    assert client.get("/tags/%00").status_code in (400, 404)


@pytest.mark.parametrize("text", ["grüß dich", "日本語", "🐍 snake", "quote\"back\\slash", "a/b c"])
def test_any_other_text_is_kept(client: Api, world: World, text: str) -> None:
    name = world.name("tag") + text
    made = client.make("/tags", {"name": name})
    assert made["name"] == name
    assert client.read("/tags/" + made["id"])["name"] == name
    assert client.ids("/tags", name=name) == [made["id"]]
    answer = client.get("/tags/" + made["id"])
    assert json.dumps(name, ensure_ascii=False).encode() in answer.content


def test_answers_are_compact(client: Api) -> None:
    text = client.get("/stacks").text
    assert text == json.dumps(json.loads(text), separators=(",", ":"), ensure_ascii=False)


def test_deep_nesting(client: Api) -> None:
    answer = raw(client, "[" * 100_000 + "]" * 100_000)
    assert answer.status_code in (400, 422), describe(answer)
    answer = raw(client, '{"name":' + '{"a":' * 5000 + "1" + "}" * 5000 + "}")
    assert answer.status_code in (400, 422), describe(answer)
    assert client.get("/tags").status_code == 200


def test_repeated_key(client: Api, world: World) -> None:
    name = world.name("tag")
    assert ok(raw(client, '{"name":5,"name":"%s"}' % name))["name"] == name


def test_numbers_are_not_texts(client: Api) -> None:
    for number in ("5", "1.5", "true", "[]", "{}", "null"):
        unfit(raw(client, '{"name":%s}' % number), "string_type", "body", "name")


def test_endless_number(client: Api) -> None:
    problems(raw(client, '{"name":%s}' % ("9" * 400)))


def test_all_problems_at_once(client: Api, world: World) -> None:
    found = problems(client.post(world.ws + "/components", {"name": 5, "type": "engine"}))
    assert {(problem["type"], problem["loc"][-1]) for problem in found} == {
        ("missing", "user"), ("missing", "workspace"), ("string_type", "name"),
        ("enum", "type"), ("missing", "flavor"), ("missing", "configuration")}
    found = problems(client.put("/stacks/no-uuid", {"name": 5}))
    assert {problem["loc"][0] for problem in found} == {"path", "body"}


def test_problem_members(client: Api) -> None:
    problem = unfit(client.post("/tags", {"name": "x", "color": "octarine"}),
                    "enum", "body", "color")
    assert list(problem)[:4] == ["type", "loc", "msg", "input"]
    assert problem["input"] == "octarine" and "'grey'" in problem["ctx"]["expected"]


@pytest.mark.parametrize("query,kind,parameter", [
    ("size=0", "greater_than_equal", "size"), ("size=10001", "less_than_equal", "size"),
    ("size=abc", "int_parsing", "size"), ("size=1.5", "int_parsing", "size"),
    ("size=", "int_parsing", "size"), ("page=0", "greater_than_equal", "page"),
    ("page=-1", "greater_than_equal", "page"), ("hydrate=perhaps", "bool_parsing", "hydrate"),
    ("hydrate=", "bool_parsing", "hydrate"), ("logical_operator=xor", "enum", "logical_operator"),
])
def test_query_that_does_not_fit(client: Api, query: str, kind: str, parameter: str) -> None:
    problem = unfit(client.get("/stacks?" + query), kind, "query", parameter)
    assert problem["input"] == query.split("=")[1]


@pytest.mark.parametrize("query", ["hydrate=YES", "hydrate=on", "hydrate=1", "hydrate=t",
                                   "size=1.0", "size=%2B5", "no_such=1", "size=3&size=1"])
def test_query_that_fits(client: Api, query: str) -> None:
    page = ok(client.get("/stacks?" + query))
    assert page["items"]
    if "size=3" in query:
        assert page["max_size"] == 1


@pytest.mark.parametrize("query", [
    "id=no-uuid", "id=", "id=gt:a", "created=yesterday", "created=gt:2024-01-01T00:00:00",
    "created=contains:2024", "created=", "name=gt:a", "sort_by=nothing", "sort_by=",
    "sort_by=asc:", "sort_by=size", "sort_by=description"])
def test_filter_that_makes_no_sense(client: Api, query: str) -> None:
    refused(client.get("/stacks?" + query))


def test_page_after_the_last(client: Api) -> None:
    fails(client.get("/stacks?page=99999"), 400, "ValueError")
    assert client.read("/stacks", name="no-such-stack")["total"] == 0


def test_long_texts(client: Api, world: World) -> None:
    name = world.name("pipeline")
    unfit(client.post(world.ws + "/pipelines", world.owned | {
        "name": name, "description": "x" * 65536}), "string_too_long", "body", "description")
    made = client.make(world.ws + "/pipelines",
                       world.owned | {"name": name, "description": "é" * 16000})
    assert client.read("/pipelines/" + made["id"])["metadata"]["description"] == "é" * 16000


def test_large_body(client: Api, world: World) -> None:
    steps = {"load": {"spec": {"source": "m.load", "upstream_steps": []},
                      "config": {"name": "load", "parameters": {"text": "x" * 3_000_000}}}}
    made = world.deployment(steps)
    read = client.read("/pipeline_deployments/" + made["id"])
    assert len(read["metadata"]["step_configurations"]["load"]["config"]["parameters"]["text"]) \
        == 3_000_000


def test_long_url(client: Api) -> None:
    answer = client.get("/stacks", name="x" * 6000)
    assert answer.status_code in (200, 414)


def test_half_a_request(server, client: Api) -> None:
    """A client that goes away in mid-body leaves nothing behind and nobody stuck."""
    parts = urlsplit(server.url)
    for _ in range(8):
        with socket.create_connection((parts.hostname, parts.port)) as line:
            line.sendall(b"POST /api/v1/tags HTTP/1.1\r\nHost: x\r\nContent-Type: "
                         b"application/json\r\nAuthorization: Bearer " + client.token.encode()
                         + b"\r\nContent-Length: 1000\r\n\r\n{\"name\":\"half")
    assert client.ids("/tags", name="startswith:half") == []
