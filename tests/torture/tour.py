"""A tour of all operations: for each of the route tables, a request that reaches the inside of its handler.

Requests that write are those that the tests of the audit log make: what leads to one is really done, and the one itself is
caught on its way. Requests that read go to a world in which everything has something of each kind.
"""

from __future__ import annotations

import re
import sys
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Callable, Iterator
from unittest import mock
from urllib.parse import urlencode, urlsplit

import requests

from kit.api import Api, ok
from kit.events import deliver, github_push
from kit.factory import World, step_spec
from kit.kinds import BY_NAME
from kit.servers import all_routes

from .worker import Request

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "api"))
from test_artifact_files import Store  # noqa: E402
from test_audit import HOW, Audited  # noqa: E402

Route = tuple[str, str]
V1 = "/api/v1"
# Needs a control plane (tests/api/test_auth_cloud.py); does not touch the database; asked by a thread of its own.
ELSEWHERE = {("POST", V1 + "/users/{user_name_or_id}/resource_membership"), ("GET", "/metrics")}

# Of a row of these, nothing changes but when it was changed, which is known to the second.
TOUCHED = {("PUT", V1 + "/artifact_versions/{artifact_version_id}"): "artifact_version"}


@dataclass(frozen=True)
class Visit:
    """An operation; `make` does what has to be done before it, and answers the request."""

    route: Route
    make: Callable[[], Request]
    about: str = ""

    def __str__(self) -> str:
        return " ".join(self.route) + (f" ({self.about})" if self.about else "")


class Caught(Exception):
    """The request that was waited for, which has not been sent."""

    def __init__(self, request: Request) -> None:
        super().__init__()
        self.request = request


def pattern(path: str) -> re.Pattern[str]:
    return re.compile(re.sub(r"\{[^}]*\}", "[^/]+", path))


@contextmanager
def catching(route: Route, skip: int) -> Iterator[None]:
    """Requests are sent, but not the one of this route of which `skip` came before."""
    send, passed = requests.Session.send, 0

    def caught(session: requests.Session, prepared: requests.PreparedRequest, **options: Any) -> requests.Response:
        nonlocal passed
        parts = urlsplit(prepared.url or "")
        if prepared.method == route[0] and pattern(route[1]).fullmatch(str(parts.path)):
            if passed == skip:
                body = prepared.body.encode() if isinstance(prepared.body, str) else prepared.body or b""
                keep = ("authorization", "content-type", "cookie", "x-hub-signature-256")
                headers = tuple((name.lower(), value) for name, value in prepared.headers.items() if name.lower() in keep)
                raise Caught(Request(route[0], str(parts.path) + ("?" + str(parts.query) if parts.query else ""), headers, body))
            passed += 1
        return send(session, prepared, **options)

    with mock.patch.object(requests.Session, "send", caught):
        yield


def request_of(route: Route, do: Callable[[], Any], skip: int = 0) -> Request:
    try:
        with catching(route, skip):
            do()
    except Caught as found:
        return found.request
    raise AssertionError(f"{' '.join(route)} was not asked for")


class Sights:
    """The world in which reading has something to show, by the names of path parameters."""

    def __init__(self, world: World, directory: Path) -> None:
        store = Store(world, directory / "store")
        for name in BY_NAME["artifact_version"].update["add_tags"]:  # made by the first change that names it
            world.api.make("/tags", {"name": name, "color": "blue"})
        tags = [world.name("tag") for _ in range(2)]
        pipeline, model, repository = world.pipeline(tags=tags), world.model(tags=tags), world.code_repository()
        build = world.build(stack=world.stack_id, pipeline=pipeline["id"])
        schedule = world.schedule(pipeline_id=pipeline["id"])
        steps = {"load": step_spec("load", parameters={"a": 1}), "train": step_spec("train", ["load"])}
        deployment = world.deployment(steps, pipeline=pipeline["id"], build=build["id"], schedule=schedule["id"],
                                      stack=world.stack_id, code_reference={
                                          "commit": "c", "subdirectory": "", "code_repository": repository["id"]})
        version = world.model_version(model["id"], tags=tags)
        run = world.run(deployment=deployment["id"], pipeline=pipeline["id"], tags=tags, model_version_id=version["id"])
        output = world.artifact_version(
            world.artifact(tags=tags)["id"], tags=tags, artifact_store_id=store.id,
            visualizations=[{"type": "html", "uri": store.write("a.html", b"<b>x</b>")}])["id"]
        logs = {"uri": store.write("a.log", b"line\n" * 50), "artifact_store_id": store.id}
        first = world.step(run, "load", outputs={"output": output}, status="completed", logs=logs)
        step = world.step(run, "train", inputs={"data": output}, logs=logs, parent_step_ids=[first["id"]],
                          model_version_id=version["id"])
        metadata = world.metadata("step_run", step["id"], a=1, b="x")
        world.metadata("pipeline_run", run["id"], a=1), world.metadata("artifact_version", output, a=[1])
        link = world.artifact_link(version, output)
        world.run_link(version, run["id"])
        service = world.service(model_version_id=version["id"], pipeline_run_id=run["id"])
        account = world.service_account()
        self.names: dict[str, str] = {
            "workspace_name_or_id": "default", "pipeline_id": pipeline["id"], "run_id": run["id"], "step_id": step["id"],
            "run_metadata_id": metadata[0]["id"], "build_id": build["id"], "deployment_id": deployment["id"],
            "schedule_id": schedule["id"], "code_repository_id": repository["id"], "template_id": world.template()["id"],
            "user_name_or_id": "default", "tag_name_or_id": tags[0], "secret_id": world.secret()["id"],
            "device_id": world.device(), "service_account_name_or_id": account["name"], "service_account_id": account["id"],
            "api_key_name_or_id": world.api_key(account["id"])["name"], "artifact_id": world.artifact()["id"],
            "artifact_version_id": output, "model_name_or_id": model["name"], "model_version_id": version["id"],
            "model_version_artifact_link_name_or_id": link["id"], "service_id": service["id"], "stack_id": world.stack_id,
            "component_id": world.component()["id"], "flavor_id": world.flavor()["id"],
            "connector_id": BY_NAME["service_connector"].make(world)["id"], "connector_type": "docker", "name": "github",
            "event_source_id": world.event_source_id, "action_id": world.action_id, "trigger_id": world.trigger()["id"]}
        self.token = world.api.token

    QUERIES = {"/stack-deployment/config": {"provider": "aws", "stack_name": "s"}, "/stack-deployment/info": {"provider": "aws"},
               "/stack-deployment/stack": {"provider": "aws", "stack_name": "s"}, "/plugin-flavors": {
                   "category": "event_source", "type": "event_source", "subtype": "webhook", "page": 1, "size": 20},
               "/plugin-flavors/{name}": {"category": "event_source", "type": "event_source", "subtype": "webhook"}}

    def read(self, path: str, **query: Any) -> Request:
        query = self.QUERIES.get(path.removeprefix(V1), {"hydrate": "true"} if path.startswith(V1) else {}) | query
        filled = re.sub(r"\{(\w+)\}", lambda found: self.names[found[1]], path)
        return Request("GET", filled + ("?" + urlencode(query) if query else ""), (("authorization", f"Bearer {self.token}"),))


def variations(audited: Audited, sights: Sights) -> Iterator[Visit]:
    """Other ways through handlers that have several."""
    world, api = audited.world, audited.api
    runs, login = ("POST", V1 + "/workspaces/{workspace_name_or_id}/runs/get-or-create"), ("POST", V1 + "/login")
    yield Visit(runs, lambda: request_of(runs, lambda: HOW[runs](audited), skip=1), "one that is there")

    def by_key() -> None:
        key = audited.key()[1]["body"]["key"]
        requests.post(audited.url + V1 + "/login", data={"password": key})
    yield Visit(login, lambda: request_of(login, by_key), "with an API key")

    def by_device() -> None:
        device = api.call("POST", "/device_authorization", data={"client_id": "0" * 8 + "-0000-4000-8000-" + "0" * 12}).json()
        number = device["verification_uri_complete"].split("device_id=")[1].split("&")[0]
        api.change(f"/devices/{number}/verify", {"user_code": device["user_code"]})
        requests.post(audited.url + V1 + "/login", data={
            "grant_type": "urn:ietf:params:oauth:grant-type:device_code", "device_code": device["device_code"],
            "client_id": "0" * 8 + "-0000-4000-8000-" + "0" * 12})
    yield Visit(login, lambda: request_of(login, by_device), "of a device")

    steps = ("POST", V1 + "/steps")

    def full_step() -> None:
        outputs = [world.artifact_version(tags=["m"])["id"] for _ in range(2)]
        version = world.model_version(world.model()["id"])
        world.step(world.run(), "load", inputs={"a": outputs[0]}, outputs={"b": outputs[1]}, model_version_id=version["id"],
                   logs={"uri": "/l", "artifact_store_id": world.artifact_store})
    yield Visit(steps, lambda: request_of(steps, full_step), "with all that it can carry")
    change = ("PUT", V1 + "/steps/{step_id}")

    def finish_step() -> None:
        step = world.step(world.run({"load": step_spec("load")}), "load")
        api.change("/steps/" + step["id"], {"status": "completed", "outputs": {"o": world.artifact_version()["id"]},
                                            "end_time": "2024-01-01T00:00:00"})
    yield Visit(change, lambda: request_of(change, finish_step), "that ends its run")
    tags = ("POST", V1 + "/tags")
    yield Visit(tags, lambda: request_of(tags, lambda: api.post("/tags", {"name": sights.names["tag_name_or_id"]})), "taken")
    yield Visit(tags, lambda: request_of(tags, lambda: api.post("/tags", {"name": 5, "color": []})), "unfit")
    artifacts = ("POST", V1 + "/artifacts")
    yield Visit(artifacts, lambda: request_of(artifacts, lambda: world.artifact(tags=[world.name(), world.name()])), "with tags")
    webhook = ("POST", V1 + "/webhooks/{event_source_id}")

    def triggering() -> None:
        source = world.event_source()
        world.trigger(event_source_id=source["id"], event_filter={})
        ok(deliver(audited.url, source, github_push()))
    yield Visit(webhook, lambda: request_of(webhook, triggering), "that starts a run")
    for path in ("/runs", "/steps", "/artifact_versions", "/models", "/stacks"):
        route = ("GET", V1 + path)
        yield Visit(route, lambda p=route[1]: sights.read(  # type: ignore[misc]
            p, name="contains:a", sort_by="desc:created", logical_operator="or", size=100), "filtered")


def writing(audited: Audited, route: Route) -> Request:
    request = request_of(route, lambda: HOW[route](audited))
    if table := TOUCHED.get(route):
        audited.kanso.sql(f"UPDATE `{table}` SET updated = '2020-01-01'")
    return request


def tour(audited: Audited, directory: Path) -> list[Visit]:
    """Every operation once, and some of them in other ways."""
    sights = Sights(audited.world, directory)
    found = []
    for route in all_routes():
        if route in ELSEWHERE:
            continue
        if route in HOW:
            found.append(Visit(route, lambda r=route: writing(audited, r)))  # type: ignore[misc]
        else:
            assert route[0] == "GET", route
            found.append(Visit(route, lambda p=route[1]: sights.read(p)))  # type: ignore[misc]
    return found + list(variations(audited, sights))
