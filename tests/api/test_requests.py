"""Bodies, query strings and paths that do not fit: a clean refusal, and nothing half-written."""

from __future__ import annotations

import json
import socket
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests

from kit import api as kit_api
from kit.api import NOBODY, Api, describe, fails, ok, problems, refused, unfit
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


def no_text(answer: requests.Response) -> None:
    """Refused, in an answer that is JSON and UTF-8, without the bytes that are no text."""
    if kit_api.REFERENCE:
        return
    assert answer.status_code in (400, 422), describe(answer)
    assert answer.headers["content-type"] == "application/json"
    assert json.loads(answer.content.decode()) and "\0" not in answer.text and "\ufffd" not in answer.text


BYTES = ["%ff", "%c3", "%ed%a0%80", "%c0%80", "%f5%80%80%80", "a%00b", "%00"]


@pytest.mark.parametrize("bad", BYTES)
@pytest.mark.parametrize("path", [
    "/tags/{}", "/models/{}", "/users/{}", "/workspaces/{}/stacks", "/service_connector_types/{}", "/{}", "/tags?{}=x",
    "/tags?name={}", "/tags?name=contains:{}", "/tags?sort_by={}", "/tags?sort_by=asc:name{}", "/tags?hydrate={}",
    "/tags?logical_operator={}", "/tags?page={}", "/runs?start_time={}", "/service_connectors?labels_str={}",
    "/service_connector_types?connector_type={}", "/tags?nothing={}"])
def test_paths_and_queries_that_are_no_text(client: Api, path: str, bad: str) -> None:
    no_text(client.get(path.format(bad)))


@pytest.mark.parametrize("bad", BYTES)
@pytest.mark.parametrize("form", [
    "username={}&password=pw", "username=default&password={}", "{}=x&username=default&password=pw",
    "grant_type={}&username=default&password=pw", "username=default{}&password=pw"])
def test_forms_that_are_no_text(client: Api, server: Any, form: str, bad: str) -> None:
    answer = requests.post(server.url + "/api/v1/login", data=form.format(bad), timeout=60,
                           headers={"content-type": "application/x-www-form-urlencoded"})
    no_text(answer)


@pytest.mark.parametrize("bad", [b"\xff", b"\xed\xa0\x80", b"\0", b"default\0x"])
@pytest.mark.parametrize("field", ["username", "password", "grant_type", "name"])
def test_multipart_that_is_no_text(server: Any, bad: bytes, field: str) -> None:
    parts = {"username": b"default", "password": b"pw"} | {field: bad}
    body = b"".join(b'--x\r\ncontent-disposition: form-data; name="%s"\r\n\r\n%s\r\n' % (name.encode(), value)
                    for name, value in parts.items())
    if field == "name":
        body = body.replace(b'"username"', b'"username%s"' % bad)
    no_text(requests.post(server.url + "/api/v1/login", data=body + b"--x--\r\n", timeout=60,
                          headers={"content-type": "multipart/form-data; boundary=x"}))


@pytest.mark.parametrize("bad", [b"\xff", b"\xed\xa0\x80", b'{"name":"\xff"}'])
@pytest.mark.parametrize("content_type", ["text/plain", "application/octet-stream", "application/x-www-form-urlencoded"])
def test_other_bodies_that_are_no_text(client: Api, server: Any, content_type: str, bad: bytes) -> None:
    """Also for strangers: what is no JSON is repeated in the refusal."""
    no_text(raw(client, bad, content_type))
    no_text(raw(client, bad, content_type, f"/tags/{NOBODY}", "PUT"))
    no_text(requests.put(server.url + "/api/v1/users/default/activate", data=bad, timeout=60,
                         headers={"content-type": content_type}))


def test_nul_in_json(client: Api, world: World) -> None:
    """Refused wherever it stands: a text that C code takes to be shorter must not be looked up, and no two keys may
    become one."""
    unfit(raw(client, b'{"name":"a\x00b"}'), "json_invalid", "body", 10)
    user = world.api.make("/users", {"name": world.name("user"), "full_name": "", "password": "pw", "is_admin": False})
    for path, method, body in [
            ("/tags", "POST", {"name": "a\0b", "color": "red"}),
            ("/tags", "POST", {"name": world.name("tag"), "color": "red", "color\0x": "blue"}),
            ("/users/" + user["id"], "PUT", {"name": "default\0y"}),
            ("/users", "POST", {"name": "default\0y", "full_name": "", "password": "pw", "is_admin": False}),
            (world.ws + "/secrets", "POST", world.owned | {"name": world.name("s"), "values": {"k": "a\0b"}}),
            (world.ws + "/secrets", "POST", world.owned | {"name": world.name("s"), "values": {"k": "1", "k\0": "2"}}),
            (world.ws + "/components", "POST", world.component_body(labels={"a\0": ["b"]})),
            (world.ws + "/run-metadata", "POST", world.metadata_body(
                "pipeline_run", NOBODY, {"k\0": [{"x": "\0"}]}, {"k\0": "list"}))]:
        unfit(client.call(method, path, body), "json_invalid", "body", json.dumps(body).index("\\u0000"))
    assert client.read("/users/" + user["id"])["name"] == user["name"]


def test_byte_order_mark(client: Api, world: World) -> None:
    body = json.dumps({"name": world.name("tag"), "color": "red"})
    ok(raw(client, "\ufeff" + body))
    unfit(raw(client, "\ufeff"), "json_invalid", "body", 0)


def as_sent(body: Any, value: str) -> str:
    """The body with a value that json.dumps does not write."""
    return json.dumps(body).replace('"@"', value)


NUMBERS = [("NaN", None), ("Infinity", None), ("-Infinity", None), ("1e400", None), ("-1e400", None),
           (str(2**63 - 1), 2**63 - 1), (str(2**63), 2**63), (str(2**64 - 1), 2**64 - 1), (str(-2**63), -2**63),
           ('{"a": NaN, "b": [Infinity, 18446744073709551615]}', {"a": None, "b": [None, 2**64 - 1]})]


@pytest.mark.parametrize("sent,shown", NUMBERS, ids=[sent for sent, _ in NUMBERS])
def test_numbers_of_python(client: Api, world: World, sent: str, shown: Any) -> None:
    """What Python's json.dumps writes is taken wherever any value may stand; JSON cannot show all of it."""
    version = world.artifact_version()["id"]
    ok(raw(client, as_sent(world.metadata_body("artifact_version", version, {"k": "@"}, {"k": "float"}), sent),
           path=world.ws + "/run-metadata"))
    metadata = client.read("/artifact_versions/" + version)["metadata"]["run_metadata"]
    assert metadata["k"]["body"]["value"] == shown
    made = ok(raw(client, as_sent(world.component_body(labels={"l": "@"}), sent), path=world.ws + "/components"))
    assert client.read("/components/" + made["id"])["metadata"]["labels"] == {"l": shown}
    body = world.deployment_body(pipeline_configuration={"name": "p", "extra": {"e": "@"}})
    made = ok(raw(client, as_sent(body, sent), path=world.ws + "/pipeline_deployments"))
    read = client.read("/pipeline_deployments/" + made["id"])
    assert read["metadata"]["pipeline_configuration"]["extra"] == {"e": shown}


def test_numbers_are_stored_as_python_does(one_worker: Any) -> None:
    """So that ZenML reads what it would have written itself."""
    world = World(Api(one_worker.url))
    version = world.artifact_version()["id"]
    ok(raw(world.api, as_sent(world.metadata_body("artifact_version", version, {"k": "@"}, {"k": "float"}),
                              '[NaN,Infinity,-Infinity,1e400,9223372036854775808]'), path=world.ws + "/run-metadata"))
    assert one_worker.sql("SELECT value FROM run_metadata") == [["[NaN, Infinity, -Infinity, Infinity, 9223372036854775808]"]]


@pytest.mark.parametrize("sent", [str(2**64), str(-2**63 - 1), "1" + "0" * 400, "nan", "-NaN", "inf", "+1", "0x1"])
def test_numbers_that_are_refused(client: Api, world: World, sent: str) -> None:
    body = world.owned | {"name": world.name("repository"), "config": {"n": "@"}, "source": {
        "module": "a.module", "attribute": "Repository", "type": "user"}}
    refused(raw(client, as_sent(body, sent), path=world.ws + "/code_repositories"))


@pytest.mark.parametrize("sent,kind", [("NaN", "finite_number"), ("Infinity", "finite_number"),
                                       ("1e400", "finite_number"), ("1.5", "int_from_float"),
                                       ("1e30", "int_parsing_size")])
def test_whole_numbers_that_are_none(client: Api, world: World, sent: str, kind: str) -> None:
    steps = {"load": {"spec": {"source": "m.load", "upstream_steps": []},
                      "config": {"name": "load", "retry": {"max_retries": "@"}}}}
    unfit(raw(client, as_sent(world.deployment_body(steps), sent), path=world.ws + "/pipeline_deployments"), kind,
          "body", "step_configurations", "load", "config", "retry", "max_retries")


@pytest.mark.parametrize("field,kind", [("interval_second", "time_delta_parsing"), ("start_time", "datetime_parsing")])
@pytest.mark.parametrize("sent", ["NaN", "Infinity", "-Infinity", "1e400", "1e30", str(2**63), str(2**64 - 1)])
def test_times_that_are_none(client: Api, world: World, field: str, kind: str, sent: str) -> None:
    unfit(raw(client, as_sent(world.schedule_body(**{field: "@"}), sent), path=world.ws + "/schedules"), kind,
          "body", field)


def test_times_become_utc(client: Api, world: World) -> None:
    """Of every resource that takes a time, in bodies and in filters."""
    sent, shown = "2030-01-01T09:00:00.5+09:00", "2030-01-01T00:00:00"
    schedule = world.schedule(start_time=sent, end_time="2030-01-01T00:00:00-03:30")
    assert schedule["body"]["start_time"] == shown and schedule["body"]["end_time"] == "2030-01-01T03:30:00"
    changed = client.change("/schedules/" + schedule["id"], {"start_time": "2031-01-01T00:00:00+01:00"})
    assert changed["body"]["start_time"] == "2030-12-31T23:00:00"
    run = world.run(start_time=sent)
    assert run["metadata"]["start_time"] == shown
    assert world.step(run, start_time=sent)["metadata"]["start_time"] == shown
    ended = client.change("/runs/" + run["id"], {"status": "completed", "end_time": sent})
    assert ended["metadata"]["end_time"] == shown
    for text in (sent, "2029-12-31T19:00:00-05:00", "2030-01-01T00:00:00Z", shown):
        assert client.ids("/runs", start_time=text, id=run["id"]) == [run["id"]]
    unfit(client.post(world.ws + "/schedules", world.schedule_body(start_time="0001-01-01T00:00:00+09:00")),
          "datetime_from_date_parsing", "body", "start_time")


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


LONG = "ä" * 400_000


@pytest.mark.parametrize("request_", [
    lambda w: ("POST", "/tags", {"name": [LONG], "color": {LONG: LONG}}),
    lambda w: ("POST", "/tags", {"name": ["x"] * 200_000, "color": LONG}),
    lambda w: ("POST", w.ws + "/components", w.component_body(flavor=LONG)),
    lambda w: ("POST", w.ws + "/components", w.component_body(configuration={LONG: 1})),
    lambda w: ("POST", w.ws + "/components", w.component_body(configuration={str(n): n for n in range(50_000)})),
    lambda w: ("POST", w.ws + "/pipeline_builds", w.owned | {"is_local": LONG, "contains_code": LONG, "images": [LONG]}),
    lambda w: ("POST", w.ws + "/pipeline_deployments", w.deployment_body(
        {str(n): {"spec": LONG[:100], "config": n} for n in range(5_000)})),
    lambda w: ("PUT", "/service_connectors/" + NOBODY, {"name": {str(n): LONG[:50] for n in range(9_000)}}),
    lambda w: ("POST", w.ws + "/secrets", w.owned | {"name": LONG, "values": {"k": [LONG]}, "scope": LONG}),
], ids=range(9))
def test_refusals_repeat_little_of_what_was_sent(client: Api, world: World, request_: Any) -> None:
    method, path, body = request_(world)
    answer = client.call(method, path, body)
    refused(answer)
    assert len(answer.content) < 200_000, len(answer.content)


def test_a_body_of_another_type_is_not_sent_back(client: Api) -> None:
    answer = raw(client, LONG.encode(), "text/plain")
    assert answer.status_code == 422 and len(answer.content) < 10_000


def test_schema_that_is_a_bomb(client: Api, world: World) -> None:
    """A few kilobytes of configuration against a few of schema: no answer of megabytes, no work of seconds."""
    bombs: list[tuple[dict[str, Any], Any]] = [
        ({"type": "array", "items": {"enum": [0] * 15_000}}, [1] * 1_000),
        ({"anyOf": [{"type": "string", "minLength": 9}] * 500}, {"k": "x" * 20_000}),
        ({"allOf": [{"$ref": "#/properties/a"}] * 40}, 1),
    ]
    for schema, value in bombs:
        flavor = world.flavor(is_custom=False, config_schema={"type": "object", "properties": {"a": schema}})
        answer = client.post(world.ws + "/components",
                             world.component_body(flavor=flavor["name"], configuration={"a": value}))
        assert answer.status_code == 422, describe(answer)
        assert len(answer.content) < 50_000
        assert answer.elapsed.total_seconds() < 10
