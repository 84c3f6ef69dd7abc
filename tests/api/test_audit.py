"""The audit log: every writing operation of the route tables leaves its entry, refusals too; what was refused before it was
known who asks leaves none."""

from __future__ import annotations

import os
import re
import signal
import uuid
from typing import Any, Callable, Iterator

import pytest
import requests

from kit.api import Api, ok
from kit.ctl import kansoctl, results
from kit.events import deliver, github_push
from kit.factory import World
from kit.kinds import KINDS, Kind
from kit.process import wait_until
from kit.servers import PASSWORD, USER, Kanso, all_routes
from kit.workloads import Workloads

from test_statements import Costs

pytestmark = pytest.mark.sanitize

Entry = dict[str, Any]
Route = tuple[str, str]
V1 = "/api/v1"

# Besides what writes: what ends a session or hands out secrets.
READS = {("GET", V1 + path) for path in (
    "/logout", "/api_token", "/secrets", "/secrets/{secret_id}", "/service_connectors", "/service_connectors/{connector_id}",
    "/service_connectors/{connector_id}/client", "/workspaces/{workspace_name_or_id}/service_connectors",
    "/stack-deployment/config")}
# Needs a control plane (test_auth_cloud.py).
ELSEWHERE = {("POST", V1 + "/users/{user_name_or_id}/resource_membership")}
RECORDED = [route for route in all_routes() if (route[0] != "GET" or route in READS) and route not in ELSEWHERE]
# Open to strangers: without a sign-in, they are something else.
PUBLIC = {("POST", V1 + "/login"), ("GET", V1 + "/logout"), ("POST", V1 + "/device_authorization"), ("PUT", V1 + "/activate"),
          ("PUT", V1 + "/users/{user_name_or_id}/activate"), ("POST", V1 + "/webhooks/{event_source_id}")}

# What the log calls the objects of a kind.
TYPES = {"component": "stack_component", "build": "pipeline_build", "deployment": "pipeline_deployment", "run": "pipeline_run"}


class Audited:
    """A Kanso that keeps the log, and ways to read it."""

    def __init__(self, kanso: Kanso, workloads: Workloads | None = None) -> None:
        self.kanso, self.url, self.world = kanso, kanso.url, World(Api(kanso.url))
        self.workloads = workloads
        self.api = self.world.api

    def entries(self, **query: Any) -> list[Entry]:
        """The newest first."""
        return [item["body"] | {"id": item["id"]}
                for item in self.api.items("/kanso/audit", **{"sort_by": "desc:created", "size": 50} | query)]

    def of(self, route: Route, **query: Any) -> list[Entry]:
        return self.entries(operation=" ".join(route), **query)

    def count(self) -> int:
        return self.api.read("/kanso/audit", size=1)["total"]

    def someone(self, **changes: Any) -> dict[str, Any]:
        """A new user, who is no administrator; his password is `p`."""
        body = {"name": self.world.name("someone"), "password": "p", "is_admin": False} | changes
        return self.api.make("/users", body)

    def key(self) -> tuple[dict[str, Any], dict[str, Any]]:
        """A service account and an API key of it."""
        account = self.world.service_account()
        return account, self.world.api_key(account["id"])


@pytest.fixture(scope="module")
def audited(server, launch, workspace_directory) -> Iterator[Audited]:
    if not server.mariadb:
        pytest.skip("needs a Kanso of its own")
    workloads = Workloads(workspace_directory / "audited")
    instance = launch(KANSO_AUDIT="on", KANSO_LOGIN_RATE="0", ZENML_SERVER_SERVER_URL="http://kanso.test:8080",
                      ZENML_SERVER_WORKLOAD_MANAGER_IMPLEMENTATION_SOURCE="kanso.command", KANSO_WORKLOAD_COMMAND=str(workloads.program))
    yield Audited(instance, workloads)
    instance.stop()


# How each operation is done: each of these does it, and answers what its entry has to say ---------------------------------------

HOW: dict[Route, Callable[[Audited], Entry]] = {}
Doing = Callable[[Audited], Entry]


def doing(method: str, path: str) -> Callable[[Doing], Doing]:
    def add(what: Doing) -> Doing:
        HOW[method, V1 + path] = what
        return what
    return add


def about(kind: str | None, number: str | None, effect: str | None = None, **more: Any) -> Entry:
    return {"object_type": kind, "object_id": number, "effect": effect} | more


def add_kind(kind: Kind) -> None:
    """Creating, changing and deleting one of a kind."""
    name, item = TYPES.get(kind.name, kind.name), kind.path + "/{" + kind.parameter + "}"
    if kind.by_name:
        item = kind.path + "/{" + kind.name + "_name_or_id}"
    where = kind.create.format(ws="/workspaces/{workspace_name_or_id}").replace("/models/any/", "/models/{model_name_or_id}/")

    def create(a: Audited) -> Entry:
        made = kind.make(a.world)
        return about(name, made["id"], "created", object_name=made.get("name"))

    def update(a: Audited) -> Entry:
        made = kind.make(a.world)
        change = kind.update or {"model": made["body"]["model"]["id"], "description": "d"}
        a.api.change(f"{kind.path}/{made['id']}", change)
        return about(name, made["id"], "updated", object_name=made.get("name"), fields=", ".join(sorted(change)))

    def delete(a: Audited) -> Entry:
        made = kind.make(a.world)
        a.api.remove(f"{kind.path}/{made['name'] if kind.by_name else made['id']}")
        return about(name, made["id"], "deleted", object_name=made.get("name"))

    HOW["POST", V1 + where] = create
    HOW["DELETE", V1 + item] = delete
    if kind.update or kind.name == "model_version":
        HOW["PUT", V1 + kind.path + "/{" + kind.parameter + "}"] = update


for each in KINDS:
    add_kind(each)


@doing("POST", "/workspaces/{workspace_name_or_id}/services")
def service_in_workspace(a: Audited) -> Entry:
    return about("service", a.api.make(a.world.ws + "/services", a.world.service_body())["id"], "created")


@doing("POST", "/services")
def service_anywhere(a: Audited) -> Entry:
    return about("service", a.api.make("/services", a.world.service_body())["id"], "created")


@doing("POST", "/workspaces/{workspace_name_or_id}/runs/get-or-create")
def get_or_create(a: Audited) -> Entry:
    body = a.world.run_body(a.world.deployment()["id"])
    first = a.api.make(a.world.ws + "/runs/get-or-create", body)[0]
    a.api.make(a.world.ws + "/runs/get-or-create", body)
    return about("pipeline_run", first["id"], None)


@doing("POST", "/run_templates/{template_id}/runs")
def run_of_template(a: Audited) -> Entry:
    return about("pipeline_run", a.api.make(f"/run_templates/{a.world.template()['id']}/runs", {})["id"], "created")


@doing("POST", "/steps")
def step_create(a: Audited) -> Entry:
    return about("step_run", a.world.step(a.world.run(), "load")["id"], "created", object_name="load")


@doing("PUT", "/steps/{step_id}")
def step_update(a: Audited) -> Entry:
    step = a.world.step(a.world.run(), "load")
    a.api.change("/steps/" + step["id"], {"status": "completed"})
    return about("step_run", step["id"], "updated", fields="status")


@doing("POST", "/workspaces/{workspace_name_or_id}/run-metadata")
def metadata_create(a: Audited) -> Entry:
    made = a.world.metadata("pipeline_run", a.world.run()["id"], one=1, two=2)
    assert {entry["object_id"] for entry in a.entries(object_type="run_metadata")} >= {item["id"] for item in made}
    return about("run_metadata", made[0]["id"], "created")


@doing("DELETE", "/artifact_versions/")
def prune(a: Audited) -> Entry:
    unused = [a.world.artifact_version(a.world.artifact()["id"])["id"] for _ in range(3)]
    a.api.remove("/artifact_versions/")
    entries = a.of(("DELETE", V1 + "/artifact_versions/"))
    assert {entry["object_id"] for entry in entries} >= set(unused)
    return about("artifact_version", unused[0], "deleted")


def linked(a: Audited) -> tuple[dict[str, Any], dict[str, Any], dict[str, Any]]:
    """A model version, and its links to an artifact version and to a run."""
    version = a.world.model_version(a.world.model()["id"])
    artifact = a.world.artifact_link(version, a.world.artifact_version(a.world.artifact()["id"])["id"])
    return version, artifact, a.world.run_link(version, a.world.run()["id"])


@doing("POST", "/workspaces/{workspace_name_or_id}/model_versions/{model_version_id}/artifacts")
def artifact_link(a: Audited) -> Entry:
    return about("model_version_artifact", linked(a)[1]["id"], "created")


@doing("POST", "/workspaces/{workspace_name_or_id}/model_versions/{model_version_id}/runs")
def run_link(a: Audited) -> Entry:
    return about("model_version_pipeline_run", linked(a)[2]["id"], "created")


@doing("DELETE", "/model_versions/{model_version_id}/artifacts")
def artifact_unlink_all(a: Audited) -> Entry:
    version = linked(a)[0]
    a.api.remove(f"/model_versions/{version['id']}/artifacts")
    return about("model_version", version["id"], "updated")


@doing("DELETE", "/model_versions/{model_version_id}/artifacts/{model_version_artifact_link_name_or_id}")
def artifact_unlink(a: Audited) -> Entry:
    version, link, _ = linked(a)
    a.api.remove(f"/model_versions/{version['id']}/artifacts/{link['id']}")
    return about("model_version_artifact", link["id"], "deleted")


@doing("DELETE", "/model_versions/{model_version_id}/runs/{model_version_pipeline_run_link_name_or_id}")
def run_unlink(a: Audited) -> Entry:
    version, _, link = linked(a)
    a.api.remove(f"/model_versions/{version['id']}/runs/{link['id']}")
    return about("model_version_pipeline_run", link["id"], "deleted")


@doing("PATCH", "/flavors/sync")
def flavors_sync(a: Audited) -> Entry:
    ok(a.api.call("PATCH", "/flavors/sync"))
    return about("flavor", None)


# Workspaces, users, keys, devices


@doing("POST", "/workspaces")
def workspace_create(a: Audited) -> Entry:
    return about("workspace", a.api.make("/workspaces", {"name": a.world.name("workspace"), "description": ""})["id"], "created")


@doing("PUT", "/workspaces/{workspace_name_or_id}")
def workspace_update(a: Audited) -> Entry:
    made = a.api.make("/workspaces", {"name": a.world.name("workspace"), "description": ""})
    a.api.change("/workspaces/" + made["id"], {"description": "d"})
    return about("workspace", made["id"], "updated", object_name=made["name"], fields="description")


@doing("DELETE", "/workspaces/{workspace_name_or_id}")
def workspace_delete(a: Audited) -> Entry:
    made = a.api.make("/workspaces", {"name": a.world.name("workspace"), "description": ""})
    a.api.remove("/workspaces/" + made["name"])
    return about("workspace", made["id"], "deleted", object_name=made["name"])


@doing("POST", "/users")
def user_create(a: Audited) -> Entry:
    made = a.someone()
    return about("user", made["id"], "created", object_name=made["name"])


@doing("PUT", "/users/{user_name_or_id}")
def user_update(a: Audited) -> Entry:
    made = a.someone()
    a.api.change("/users/" + made["name"], {"is_admin": True})
    return about("user", made["id"], "updated", object_name=made["name"], fields="is_admin")


@doing("DELETE", "/users/{user_name_or_id}")
def user_delete(a: Audited) -> Entry:
    made = a.someone()
    a.api.remove("/users/" + made["name"])
    return about("user", made["id"], "deleted", object_name=made["name"])


@doing("PUT", "/users/{user_name_or_id}/deactivate")
def user_deactivate(a: Audited) -> Entry:
    made = a.someone()
    a.api.change(f"/users/{made['name']}/deactivate", None)
    return about("user", made["id"], "updated", object_name=made["name"])


@doing("PUT", "/users/{user_name_or_id}/activate")
def user_activate(a: Audited) -> Entry:
    made = a.someone(password=None)
    change = {"password": "p", "activation_token": made["body"]["activation_token"]}
    Api(a.url, user=None).change(f"/users/{made['name']}/activate", change)
    return about("user", made["id"], "updated", user_id=made["id"], user_name=made["name"], credential="activation")


@doing("PUT", "/users/{user_name_or_id}/email-opt-in")
def email_opt_in(a: Audited) -> Entry:
    made = a.someone()
    Api(a.url, made["name"], "p").change(f"/users/{made['id']}/email-opt-in", {"email": "a@b.c", "email_opted_in": True})
    return about("user", made["id"], "updated", user_id=made["id"], user_name=made["name"], fields="email, email_opted_in")


@doing("PUT", "/current-user")
def own_account(a: Audited) -> Entry:
    made = a.someone()
    Api(a.url, made["name"], "p").change("/current-user", {"password": "q", "old_password": "p"})
    return about("user", made["id"], "updated", user_id=made["id"], user_name=made["name"], fields="password, old_password")


@doing("PUT", "/settings")
def settings(a: Audited) -> Entry:
    now = a.api.read("/settings")["body"]["display_updates"]
    a.api.change("/settings", {"display_updates": not now})
    return about("server_settings", a.api.read("/info")["id"], "updated", fields="display_updates")


@doing("PUT", "/activate")
def server_activate(a: Audited) -> Entry:
    name = a.world.name("first")
    a.kanso.sql("UPDATE server_settings SET active = 0")
    made = ok(requests.put(a.url + V1 + "/activate", json={"admin_username": name, "admin_password": "p", "server_name": "s"}))
    return about("user", made["id"], "created", user_id=made["id"], user_name=name, credential="activation")


@doing("POST", "/service_accounts")
def account_create(a: Audited) -> Entry:
    made = a.world.service_account()
    return about("service_account", made["id"], "created", object_name=made["name"])


@doing("PUT", "/service_accounts/{service_account_name_or_id}")
def account_update(a: Audited) -> Entry:
    made = a.world.service_account()
    a.api.change("/service_accounts/" + made["name"], {"active": False})
    return about("service_account", made["id"], "updated", object_name=made["name"], fields="active")


@doing("DELETE", "/service_accounts/{service_account_name_or_id}")
def account_delete(a: Audited) -> Entry:
    made = a.world.service_account()
    a.api.remove("/service_accounts/" + made["name"])
    return about("service_account", made["id"], "deleted", object_name=made["name"])


KEYS = "/service_accounts/{service_account_id}/api_keys"


@doing("POST", KEYS)
def key_create(a: Audited) -> Entry:
    key = a.key()[1]
    return about("api_key", key["id"], "created", object_name=key["name"])


@doing("PUT", KEYS + "/{api_key_name_or_id}")
def key_update(a: Audited) -> Entry:
    account, key = a.key()
    a.api.change(f"/service_accounts/{account['id']}/api_keys/{key['name']}", {"active": False})
    return about("api_key", key["id"], "updated", object_name=key["name"], fields="active")


@doing("PUT", KEYS + "/{api_key_name_or_id}/rotate")
def key_rotate(a: Audited) -> Entry:
    account, key = a.key()
    a.api.change(f"/service_accounts/{account['id']}/api_keys/{key['name']}/rotate", {"retain_period_minutes": 5})
    return about("api_key", key["id"], "updated", object_name=key["name"])


@doing("DELETE", KEYS + "/{api_key_name_or_id}")
def key_delete(a: Audited) -> Entry:
    account, key = a.key()
    a.api.remove(f"/service_accounts/{account['id']}/api_keys/{key['name']}")
    return about("api_key", key["id"], "deleted", object_name=key["name"])


def codes_of(a: Audited) -> tuple[str, str, dict[str, Any]]:
    """A client that asks to sign in, its device, and the codes."""
    client = str(uuid.uuid4())
    codes = ok(requests.post(a.url + V1 + "/device_authorization", data={"client_id": client}))
    return client, codes["verification_uri_complete"].split("device_id=")[1].split("&")[0], codes


@doing("POST", "/device_authorization")
def device_authorize(a: Audited) -> Entry:
    return about("device", codes_of(a)[1], "created", actor=None, user_id=None, user_name=None, credential=None)


@doing("PUT", "/devices/{device_id}/verify")
def device_verify(a: Audited) -> Entry:
    return about("device", a.world.device(), "updated", fields="user_code")


@doing("PUT", "/devices/{device_id}")
def device_update(a: Audited) -> Entry:
    device = a.world.device()
    a.api.change("/devices/" + device, {"locked": True})
    return about("device", device, "updated", fields="locked")


@doing("DELETE", "/devices/{device_id}")
def device_delete(a: Audited) -> Entry:
    device = a.world.device()
    a.api.remove("/devices/" + device)
    return about("device", device, "deleted")


# Signing in and out, and what hands out secrets


@doing("POST", "/login")
def login(a: Audited) -> Entry:
    made = a.someone()
    Api(a.url, made["name"], "p")
    return about("user", made["id"], user_id=made["id"], user_name=made["name"], credential="password")


@doing("GET", "/logout")
def logout(a: Audited) -> Entry:
    made = a.someone()
    Api(a.url, made["name"], "p").get("/logout")
    return about(None, None, user_id=made["id"], user_name=made["name"])


@doing("GET", "/api_token")
def api_token(a: Audited) -> Entry:
    a.api.read("/api_token")
    return about("user", a.world.user)


@doing("GET", "/secrets")
def secrets_list(a: Audited) -> Entry:
    a.api.items("/secrets")
    return about("secret", None)


@doing("GET", "/secrets/{secret_id}")
def secret_read(a: Audited) -> Entry:
    made = a.world.secret()
    a.api.read("/secrets/" + made["id"])
    return about("secret", made["id"], object_name=made["name"])


@doing("PUT", "/secrets_operations/backup")
def backup(a: Audited) -> Entry:
    a.api.put("/secrets_operations/backup")
    return about("secret", None, outcome="failed", status=501)


@doing("PUT", "/secrets_operations/restore")
def restore(a: Audited) -> Entry:
    a.api.put("/secrets_operations/restore")
    return about("secret", None, outcome="failed", status=501)


def connector_body(a: Audited) -> dict[str, Any]:
    return a.world.owned | {"name": a.world.name("connector"), "connector_type": "docker", "auth_method": "password",
                            "resource_types": ["docker-registry"], "configuration": {"username": "joe", "password": "pw"}}


def connector(a: Audited) -> dict[str, Any]:
    return a.api.make(a.world.ws + "/service_connectors", connector_body(a))


@doing("GET", "/service_connectors")
def connectors(a: Audited) -> Entry:
    a.api.items("/service_connectors")
    return about("service_connector", None)


@doing("GET", "/workspaces/{workspace_name_or_id}/service_connectors")
def connectors_of_workspace(a: Audited) -> Entry:
    a.api.items(a.world.ws + "/service_connectors")
    return about("service_connector", None)


@doing("GET", "/service_connectors/{connector_id}")
def connector_read(a: Audited) -> Entry:
    made = connector(a)
    a.api.read("/service_connectors/" + made["id"])
    return about("service_connector", made["id"], object_name=made["name"])


@doing("GET", "/service_connectors/{connector_id}/client")
def connector_client(a: Audited) -> Entry:
    made = connector(a)
    a.api.read(f"/service_connectors/{made['id']}/client")
    return about("service_connector", made["id"])


@doing("PUT", "/service_connectors/{connector_id}/verify")
def connector_verify(a: Audited) -> Entry:
    made = connector(a)
    a.api.change(f"/service_connectors/{made['id']}/verify", None)
    return about("service_connector", made["id"])


@doing("POST", "/service_connectors/verify")
def connector_verify_configuration(a: Audited) -> Entry:
    body = connector_body(a)
    a.api.make("/service_connectors/verify", body)
    return about("service_connector", None, object_name=body["name"])


@doing("POST", "/service_connectors/full_stack_resources")
def full_stack(a: Audited) -> Entry:
    a.api.make("/service_connectors/full_stack_resources",
               {"type": "docker", "auth_method": "password", "configuration": {"username": "joe", "password": "pw"}})
    return about("service_connector", None)


@doing("GET", "/stack-deployment/config")
def deployment_config(a: Audited) -> Entry:
    a.api.read("/stack-deployment/config", provider="aws", stack_name="s")
    return about("service_connector", None)


@doing("POST", "/webhooks/{event_source_id}")
def delivery(a: Audited) -> Entry:
    source = a.world.event_source()
    ok(deliver(a.url, source, github_push()))
    return about("event_source", source["id"], actor="event_source", user_id=None, user_name=None, credential="signature",
                 credential_id=source["id"])


def test_every_recorded_operation_is_done_here() -> None:
    assert set(RECORDED) == set(HOW)
    assert len(RECORDED) > 100


@pytest.mark.parametrize("route", RECORDED, ids=" ".join)
def test_operation(audited: Audited, route: Route) -> None:
    """Its entry: who, from where, what, and what came of it."""
    said = HOW[route](audited)
    expected = {"operation": " ".join(route), "outcome": "done", "status": 200, "actor": "user", "user_id": audited.world.user,
                "user_name": USER, "credential": "token", "credential_id": None, "address": "127.0.0.1", "times": 1} | said
    for member in ("actor", "credential"):
        if expected["user_id"] not in (None, audited.world.user) and member not in said:
            del expected[member]
    of_object = {"object_id": said["object_id"]} if said["object_id"] else {}
    found = [entry for entry in audited.of(route, size=5, **of_object) if entry["effect"] == said["effect"]]
    assert {name: found[0][name] for name in expected} == expected


# Refusals -----------------------------------------------------------------------------------------------------------------------

SIGNED_IN = [route for route in RECORDED if route not in PUBLIC]


def refused_call(audited: Audited, route: Route, token: str | None) -> requests.Response:
    """The operation upon what is not there, without a body."""
    path = re.sub(r"\{[^}]*\}", lambda _: str(uuid.uuid4()), route[1])
    headers = {"Authorization": "Bearer " + token} if token else {}
    return requests.request(route[0], audited.url + path, headers=headers, timeout=60,
                            json={} if route[0] in ("POST", "PUT", "PATCH") else None)


@pytest.fixture(scope="module")
def plain(audited: Audited) -> Api:
    """A user who may do little."""
    name = audited.someone()["name"]
    api = Api(audited.url, name, "p")
    api.name = name  # type: ignore[attr-defined]
    return api


@pytest.mark.parametrize("route", SIGNED_IN, ids=" ".join)
def test_refusal(audited: Audited, plain: Api, route: Route) -> None:
    """What is refused is in the log with its status, and what strangers ask for is not."""
    before = audited.count()
    for token in (None, "garbage"):
        assert refused_call(audited, route, token).status_code == 401
    assert audited.count() == before
    answer = refused_call(audited, route, plain.token)
    assert audited.count() == before + 1 or answer.ok
    entry = audited.entries(request_id=answer.headers["X-Request-ID"])[0]
    assert (entry["user_name"], entry["credential"], entry["address"]) == (plain.name, "token", "127.0.0.1")  # type: ignore[attr-defined]
    assert entry["status"] == answer.status_code
    outcome = "done" if answer.ok else "refused" if answer.status_code < 500 else "failed"
    assert entry["outcome"] == outcome and (answer.ok or entry["effect"] is None)


def test_refused_before_anything_is_known(audited: Audited) -> None:
    before = audited.count()
    headers = {"Authorization": "Bearer " + audited.api.token, "Content-Type": "application/json"}
    assert requests.post(audited.url + V1 + "/tags", data="{", headers=headers).status_code == 422  # no JSON: before who asks
    assert audited.api.call("GET", "/no-such-route").status_code == 404
    assert audited.api.call("PATCH", "/tags").status_code == 405
    assert requests.post(audited.url + V1 + "/login", data={"grant_type": "x"}).status_code == 400
    assert requests.post(audited.url + V1 + "/login", json={}).status_code in (400, 422)
    source = audited.world.event_source()
    here = audited.count()
    assert here == before + 2  # the source and its secret
    ok(deliver(audited.url, source, github_push(), secret="wrong"))
    ok(deliver(audited.url, source, github_push(), secret=""))
    assert requests.get(audited.url + V1 + "/logout").status_code == 200
    assert audited.count() == here


def test_reading_is_not_recorded(audited: Audited) -> None:
    before = audited.count()
    for path in ("/tags", "/users", "/current-user", "/stacks", "/kanso/audit", "/workspaces/default"):
        audited.api.read(path)
    assert audited.count() == before


# Strangers ----------------------------------------------------------------------------------------------------------------------


def sign_in(audited: Audited, **form: str) -> int:
    return requests.post(audited.url + V1 + "/login", data=form).status_code


def test_failed_sign_ins_are_counted(audited: Audited) -> None:
    someone = audited.someone()
    account, key = audited.key()
    for _ in range(3):
        assert sign_in(audited, username=someone["name"], password="wrong") == 401
    assert sign_in(audited, username="a password by mistake", password="x") == 401
    text = key["body"]["key"]
    audited.api.change(f"/service_accounts/{account['id']}/api_keys/{key['name']}", {"active": False})
    assert sign_in(audited, password=text) == 401
    found = audited.entries(operation="POST /api/v1/login", outcome="refused")
    assert {(entry["actor"], entry["user_id"]) for entry in found} == {(None, None)}
    assert [(entry["times"], entry["status"], entry["address"]) for entry in found
            if entry["object_id"] == someone["id"]] == [(3, 401, "127.0.0.1")]
    assert [entry["object_name"] for entry in found if entry["object_type"] == "api_key"] == [key["name"]]
    assert [entry for entry in found if entry["object_id"] is None]
    assert "by mistake" not in str(audited.entries()) and text not in str(audited.entries())


def test_strangers_cannot_fill_the_table(audited: Audited) -> None:
    """Beyond so many rows an hour, they are counted in one."""
    audited.kanso.sql("INSERT INTO kanso_audit (id, created, updated, operation, outcome, status, counted) "
                      "SELECT REPLACE(UUID(), '-', ''), UTC_TIMESTAMP(), UTC_TIMESTAMP(), 'filler', 'refused', 401, "
                      "CONCAT(DATE_FORMAT(UTC_TIMESTAMP(), '%Y%m%d%H'), LPAD(h.help_topic_id, 22, '0')) "
                      "FROM mysql.help_topic h LIMIT 510")
    before = audited.count()
    for _ in range(4):
        assert sign_in(audited, username=audited.someone()["name"], password="wrong") == 401
    audited_users = 4  # each has an entry of its own
    assert audited.count() == before + audited_users + 1
    overflow = audited.entries(operation="POST /api/v1/login", outcome="refused")[0]
    assert (overflow["times"], overflow["object_id"], overflow["address"]) == (4, None, None)
    audited.kanso.sql("DELETE FROM kanso_audit WHERE operation = 'filler'")


# Who may read it ----------------------------------------------------------------------------------------------------------------


def test_only_administrators_read_it(audited: Audited, plain: Api) -> None:
    answer = plain.get("/kanso/audit")
    assert answer.status_code == 403 and "administrators" in answer.text
    assert requests.get(audited.url + V1 + "/kanso/audit").status_code == 401
    key = audited.key()[1]["body"]["key"]
    machine = ok(requests.post(audited.url + V1 + "/login", data={"password": key}))["access_token"]
    answer = requests.get(audited.url + V1 + "/kanso/audit", headers={"Authorization": "Bearer " + machine})
    assert answer.status_code == 403


def test_filters_and_pages(audited: Audited) -> None:
    name = audited.world.name("watched")
    tag = audited.api.make("/tags", {"name": name})
    audited.api.change("/tags/" + tag["id"], {"color": "red"})
    audited.api.remove("/tags/" + name)
    assert [entry["effect"] for entry in audited.entries(object_id=tag["id"])] == ["deleted", "updated", "created"]
    assert [entry["effect"] for entry in audited.entries(object_name=name, effect="deleted")] == ["deleted"]
    assert len(audited.entries(object_name="contains:" + name[3:], outcome="done", user_id=audited.world.user)) == 3
    page = audited.api.read("/kanso/audit", object_id=tag["id"], size=2, page=2)
    assert (page["total"], page["total_pages"], len(page["items"])) == (3, 2, 1)
    entry = page["items"][0]
    assert entry["metadata"] is None and re.fullmatch("[0-9a-f-]{36}", entry["id"])
    assert audited.entries(object_id=tag["id"], created="gt:2100-01-01 00:00:00") == []


def test_no_secrets_in_it(audited: Audited) -> None:
    mark = "s3cr3t-" + uuid.uuid4().hex
    made = audited.world.secret(values={mark: mark})
    audited.api.change("/secrets/" + made["id"], {"values": {mark: mark + "2"}})
    someone = audited.someone(password=mark)
    Api(audited.url, someone["name"], mark).change("/current-user", {"password": mark + "3", "old_password": mark})
    assert audited.kanso.sql("SELECT COUNT(*) FROM kanso_audit WHERE CONCAT_WS(' ', " + ", ".join(
        ("operation", "user_name", "object_name", "fields", "address", "request_id")) + f") LIKE '%{mark}%'") == [["0"]]
    assert audited.entries(object_id=made["id"], effect="updated")[0]["fields"] == "values"


# What goes on in the background -------------------------------------------------------------------------------------------------


def test_a_trigger_starts_a_run(audited: Audited) -> None:
    """The delivery, the execution and the run are there, each with who made it."""
    world = audited.world
    source, bot = world.event_source(), world.service_account()
    action = world.action(service_account_id=bot["id"])
    trigger = world.trigger(event_source_id=source["id"], action_id=action["id"], event_filter={})
    ok(deliver(audited.url, source, github_push()))
    wait_until(lambda: audited.entries(operation="job action", credential_id=trigger["id"]), 30, "the run")
    execution, = audited.entries(operation="job delivery", credential_id=source["id"])
    assert (execution["actor"], execution["object_type"], execution["effect"]) == ("server", "trigger_execution", "created")
    made = audited.entries(operation="job action", credential_id=trigger["id"])
    assert {(entry["object_type"], entry["effect"]) for entry in made} == {("pipeline_deployment", "created"), ("pipeline_run", "created")}
    assert {(entry["actor"], entry["user_id"], entry["credential"]) for entry in made} == {("service_account", bot["id"], "trigger")}


def test_a_workload_that_fails(audited: Audited) -> None:
    """What jobs do on behalf of a deployment, whose kind has the longest name; in a table that had less room for it, too."""
    audited.kanso.sql("ALTER TABLE kanso_audit MODIFY credential varchar(16)")
    assert kansoctl("migrate", **audited.kanso.environment).returncode == 0
    audited.workloads.plan(build={"status": 1, "stderr": "no"})
    world = audited.world
    source = world.event_source()
    world.trigger(event_source_id=source["id"], event_filter={})
    ok(deliver(audited.url, source, github_push()))
    wait_until(lambda: audited.entries(operation="job workload"), 60, "the end of the run")
    audited.workloads.plan()
    entry, = audited.entries(operation="job workload")
    assert (entry["credential"], entry["object_type"], entry["effect"]) == ("pipeline_deployment", "pipeline_run", "updated")


# Operators ----------------------------------------------------------------------------------------------------------------------


def test_copies_are_recorded(audited: Audited, tmp_path) -> None:
    settings, file = audited.kanso.environment, str(tmp_path / "workspace")
    assert kansoctl("export", file, "--secrets", "--without-runs", **settings).returncode == 0
    assert kansoctl("import", file, **settings).returncode == 0
    assert kansoctl("backup", str(tmp_path / "backup"), **settings).returncode == 0
    assert [(entry["operation"], entry["object_name"]) for entry in audited.entries(actor="operator", size=3)] == [
        ("kansoctl backup", None), ("kansoctl import", "default"), ("kansoctl export --secrets", "default")]


def test_kansoctl_is_recorded_and_reads_it(audited: Audited) -> None:
    settings = audited.kanso.environment
    name = audited.world.name("operated")
    before = audited.count()
    made = results("user", "add", name, stdin="pw\n", **settings)
    results("user", "reset-password", name, stdin="pw2\n", **settings)
    results("user", "list", **settings)
    account, key = audited.key()
    results("api-key", "delete", account["name"], key["name"], **settings)
    assert kansoctl("prune", "runs", "--older-than", "50w", "--yes", **settings).returncode == 0  # there is nothing
    found = audited.entries(actor="operator", size=3)
    assert [(entry["operation"], entry["effect"], entry["object_name"]) for entry in found] == [
        ("kansoctl api-key delete", "deleted", key["name"]), ("kansoctl user reset-password", "updated", name),
        ("kansoctl user add", "created", name)]
    assert {(entry["user_id"], entry["user_name"] != "", entry["address"]) for entry in found} == {(None, True, None)}
    assert audited.count() == before + 3 + 2  # the account and its key
    listed = results("audit", "--object", name, **settings)
    assert [(entry["operation"], entry["object_id"]) for entry in listed] == [
        ("kansoctl user reset-password", made["id"]), ("kansoctl user add", made["id"])]
    assert results("audit", "--user", USER, "--operation", "POST", "--outcome", "done", "--since", "1h", "--limit", "2", **settings)
    assert results("audit", "--until", "2020-01-31", **settings) == []
    for wrong in (("--since", "soon"), ("--outcome", "x"), ("--limit", "0")):
        assert kansoctl("audit", *wrong, **settings).returncode == 2


# How long it is kept --------------------------------------------------------------------------------------------------------------


def test_retention(audited: Audited) -> None:
    """kanso-jobs deletes what is older, a bounded number of rows at a time."""
    kanso = audited.kanso
    kanso.sql("INSERT INTO kanso_audit (id, created, updated, operation, outcome, status) SELECT REPLACE(UUID(), '-', ''), "
              "UTC_TIMESTAMP() - INTERVAL 91 DAY, UTC_TIMESTAMP(), 'ancient', 'done', 200 FROM "
              "(SELECT 1 FROM mysql.help_topic LIMIT 50) x, (SELECT 1 FROM mysql.help_topic LIMIT 50) y")
    kanso.sql("UPDATE kanso_audit SET created = created + INTERVAL 2 DAY WHERE operation = 'ancient' ORDER BY id LIMIT 10")
    for pid in kanso.background():
        os.kill(pid, signal.SIGTERM)  # started again, it looks at once
    wait_until(lambda: kanso.sql("SELECT COUNT(*) FROM kanso_audit WHERE operation = 'ancient'") == [["10"]], 60, "the deletion")


# Off ------------------------------------------------------------------------------------------------------------------------------


def test_off_by_default(server: Kanso, world: World) -> None:
    if not server.mariadb:
        pytest.skip("looks into the database")
    world.tag()
    assert world.api.read("/kanso/audit")["total"] == 0


# Strict ---------------------------------------------------------------------------------------------------------------------------


def test_sessions(launch: Callable[..., Kanso], server: Kanso) -> None:
    """Where sessions are rows, they begin and end with their entries."""
    if not server.mariadb:
        pytest.skip("needs a Kanso of its own")
    kanso = launch(KANSO_AUDIT="on", KANSO_STRICT="true", KANSO_LOGIN_RATE="0", KANSO_JOBS="0")
    audited = Audited(kanso)
    made = audited.someone()
    someone = Api(kanso.url, made["name"], "p")
    ok(someone.get("/logout"))
    entry, = audited.of(("GET", V1 + "/logout"))
    assert (entry["user_id"], entry["credential"]) == (made["id"], "session") and entry["credential_id"]
    assert someone.get("/current-user").status_code == 401
    assert {entry["credential"] for entry in audited.of(("POST", V1 + "/users"))} == {"session"}
    kanso.stop()


# What it costs --------------------------------------------------------------------------------------------------------------------


def test_one_statement_more(audited: Audited, server: Kanso, world: World) -> None:
    """A request that writes costs one statement more, whatever the number of its objects; what only reads costs none."""
    def calls(w: World) -> dict[str, Callable[[], Any]]:
        tag, run = w.tag()["id"], w.run()["id"]
        many = {f"k{i}": i for i in range(40)}
        return {
            "create": w.tag,
            "update": lambda: w.api.change("/tags/" + tag, {"color": "red"}),
            "many objects": lambda: w.metadata("pipeline_run", run, **many),
            "refused": lambda: w.api.delete("/tags/" + str(uuid.uuid4())),
            "read": lambda: w.api.read("/tags", size=5),
        }

    assert server.mariadb
    server.mariadb.sql("SET GLOBAL log_output = 'TABLE'; SET GLOBAL general_log = 1")
    try:
        costs = [{what: len(Costs(kanso).of(call)) for what, call in calls(w).items()}
                 for kanso, w in ((audited.kanso, audited.world), (server, world))]
    finally:
        server.mariadb.sql("SET GLOBAL general_log = 0; TRUNCATE TABLE mysql.general_log; SET GLOBAL log_output = 'FILE'")
    assert {what: costs[0][what] - costs[1][what] for what in costs[0]} == {
        "create": 1, "update": 1, "many objects": 1, "refused": 1, "read": 0}
