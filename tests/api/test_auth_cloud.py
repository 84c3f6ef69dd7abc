"""Permissions and entitlements by a control plane, which the tests start and whose every request they see."""

from __future__ import annotations

import json
import re
import time
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Iterator

import pytest

from kit.api import Api, fails, missing, ok, taken
from kit.control_plane import ControlPlane
from kit.factory import World, step_spec
from kit.kinds import BY_NAME, KINDS
from kit.mariadb import MariaDB
from kit.mysql_proxy import MySQLProxy
from kit.servers import Kanso

RBAC = "zenml.zen_server.rbac.zenml_cloud_rbac.ZenMLCloudRBAC"
GATE = "zenml.zen_server.feature_gate.zenml_cloud_feature_gate.ZenMLCloudFeatureGateInterface"
SERVER_ID = "0f7a3c52-6a0e-4a55-9f5e-2a54b6b5a001"
ME = "7c1d7ca5-5f0b-4a7e-8d1f-7f6f2b0d0001"
OTHER = "7c1d7ca5-5f0b-4a7e-8d1f-7f6f2b0d0002"


@pytest.fixture(scope="module")
def plane(server, workspace_directory: Path) -> Iterator[ControlPlane]:
    if not server.mariadb:
        pytest.skip("needs a Kanso of its own")
    made = ControlPlane(workspace_directory / "plane")
    yield made
    made.stop()


@pytest.fixture(scope="module")
def kanso(plane: ControlPlane, launch) -> Iterator[Kanso]:
    """Asks the control plane for permissions."""
    instance = launch(workers="rest:1", ZENML_SERVER_RBAC_IMPLEMENTATION_SOURCE=RBAC, KANSO_AUDIT="on",
                      ZENML_SERVER_EXTERNAL_SERVER_ID=SERVER_ID, **plane.settings)
    instance.sql(f"UPDATE user SET external_user_id = '{ME.replace('-', '')}'")
    yield instance
    instance.stop()


@pytest.fixture(scope="module")
def mine(kanso: Kanso, plane: ControlPlane) -> World:
    return World(Api(kanso.url))


@pytest.fixture(scope="module")
def other(plane: ControlPlane, kanso: Kanso, mine: World) -> World:
    """Another user, no administrator."""
    plane.forget()
    mine.api.make("/users", {"name": "other", "password": "pw", "is_admin": False, "external_user_id": OTHER})
    return World(Api(kanso.url, "other", "pw"))


@pytest.fixture(autouse=True)
def quiet(request: pytest.FixtureRequest) -> Iterator[None]:
    """The control plane says yes to everything before each test, and again before others make what they share."""
    plane = request.getfixturevalue("plane") if "plane" in request.fixturenames else None
    if plane:
        plane.forget()
    yield
    if plane:
        plane.forget()


def named(kind: str, identity: str = "") -> str:
    return f"{SERVER_ID}@server:{kind}" + (f"/{identity}" if identity else "")


def asked(plane: ControlPlane) -> list[tuple[str, set[str]]]:
    """The permissions that were asked for."""
    return [(call.query["action"][0], set(call.query["resources"])) for call in plane.calls
            if call.path == "/rbac/check_permissions"]


def denied(envelope: dict) -> bool:
    return envelope["permission_denied"] and envelope["body"] is envelope["metadata"] is envelope["resources"] is None


def test_create(plane: ControlPlane, mine: World) -> None:
    mine.api.make("/tags", {"name": mine.name("tag")})
    assert asked(plane) == [("create", {named("tag")})]
    assert plane.calls[0].query["user_id"] == [ME]
    assert plane.calls[0].headers["authorization"] == "Bearer first-token"
    plane.may = lambda resource, action: False
    name = mine.name("tag")
    message = fails(mine.api.post("/tags", {"name": name}), 403, "IllegalOperationError")
    assert "CREATE" in message and "'tag'" in message
    assert mine.api.ids("/tags", name=name) == []


def test_create_for_somebody_else(plane: ControlPlane, mine: World, other: World) -> None:
    plane.forget()
    body = {"user": other.user, "workspace": mine.workspace, "name": mine.name(), "values": {}}
    fails(mine.api.post(mine.ws + "/secrets", body), 403, "IllegalOperationError")
    assert asked(plane) == []


def test_what_one_owns_needs_no_permission(plane: ControlPlane, mine: World) -> None:
    made = mine.secret(values={"a": "b"})
    plane.forget()
    plane.may = lambda resource, action: action != "create" and "workspace" in resource
    assert mine.api.read("/secrets/" + made["id"])["body"]["values"] == {"a": "b"}
    mine.api.change("/secrets/" + made["id"], {"values": {"a": "c"}})
    mine.api.remove("/secrets/" + made["id"])
    assert all(names <= {named("workspace", mine.workspace), named("user", mine.user)} for _, names in asked(plane))


def test_what_others_own(plane: ControlPlane, mine: World, other: World) -> None:
    path = "/secrets/" + mine.secret(values={"a": "b"})["id"]
    plane.forget()
    assert other.api.read(path)["body"]["values"] == {"a": "b"}
    identity = path.rpartition("/")[2]
    assert [action for action, names in asked(plane) if names == {named("secret", identity)}] == ["read", "read_secret_value"]
    plane.may = lambda resource, action: action != "read_secret_value"
    assert other.api.read(path)["body"]["values"] == {"a": None}
    for action, call in (("read", lambda: other.api.get(path)), ("update", lambda: other.api.put(path, {"name": "x"})),
                         ("delete", lambda: other.api.delete(path))):
        plane.may = lambda resource, asked_for, action=action: asked_for != action
        message = fails(call(), 403, "IllegalOperationError")
        assert action.upper() in message and f"'secret/{identity}'" in message
    plane.may = lambda resource, action: True
    assert mine.api.read(path)["body"]["values"] == {"a": "b"}
    missing(other.api.get("/secrets/" + str(uuid.uuid4())))


def test_nested_objects_are_taken_out(plane: ControlPlane, mine: World, other: World) -> None:
    made = mine.secret()
    full = other.api.read("/secrets/" + made["id"])
    plane.forget()
    plane.may = lambda resource, action: ":workspace" not in resource
    shown = other.api.read("/secrets/" + made["id"])
    assert shown["metadata"]["workspace"] == {
        "body": None, "metadata": None, "resources": None, "id": mine.workspace, "permission_denied": True,
        "name": full["metadata"]["workspace"]["name"]}
    assert list(shown["metadata"]["workspace"]) == list(full["metadata"]["workspace"])
    assert shown["body"] == full["body"]
    assert ("read", {named("workspace", mine.workspace), named("user", mine.user)}) in asked(plane)
    plane.may = lambda resource, action: ":secret" in resource
    page = other.api.items("/secrets", id=made["id"], hydrate="true")
    assert denied(page[0]["body"]["user"]) and denied(page[0]["metadata"]["workspace"])
    assert not page[0]["permission_denied"] and page[0]["body"]["scope"] == "workspace"


def every_answer(world: World) -> dict[str, dict]:
    """What one of each kind, and a list of each kind, look like."""
    paths = [path for kind in KINDS for path in (kind.path, kind.path + "?hydrate=true&size=50")]
    run = world.run({"load": step_spec("load")}, tags=[world.name("tag")])
    step = world.step(run, outputs={"output": world.artifact_version(tags=[world.name("tag")])["id"]})
    version = world.model_version(world.model(tags=[world.name("tag")])["id"])
    paths += [f"/runs/{run['id']}", f"/steps/{step['id']}", f"/model_versions/{version['id']}", f"/runs/{run['id']}/steps",
              f"/runs/{run['id']}/graph", "/workspaces/default", "/stacks?hydrate=true", "/current-user", "/users"]
    answers = {path: world.api.get(path) for path in paths}
    return {path: answer.json() for path, answer in answers.items() if answer.status_code == 200}


def users_in(value: Any) -> Iterator[dict]:
    """The envelopes of users in an answer, with or without their content."""
    if isinstance(value, dict):
        for name, member in value.items():
            if name == "user" and isinstance(member, dict):
                yield member
            yield from users_in(member)
    elif isinstance(value, list):
        for item in value:
            yield from users_in(item)


def test_everything_is_decided_on(plane: ControlPlane, kanso: Kanso, mine: World, other: World) -> None:
    """With all permissions nothing is left out; with none, nothing nested that somebody else owns is shown."""
    made = every_answer(mine)
    assert len(made) > 20 and '"permission_denied": true' not in json.dumps(made)
    plane.forget()
    readers = {path: other.api.get(path) for path in made}
    assert not [path for path, answer in readers.items() if '"permission_denied":true' in answer.text]
    plane.may = lambda resource, action: ":user" not in resource or resource == named("user", other.user)
    for path in made.keys() - {"/users", "/current-user"}:
        for user in users_in(other.api.get(path).json()):
            assert denied(user) or user["id"] == other.user, path
    assert "nobody decided" not in kanso.logs()


@dataclass
class CutOff:
    """A server that asks the control plane, with a proxy before its database; somebody, and somebody else's secret."""
    proxy: MySQLProxy
    guest: Api
    secret: str


@pytest.fixture(scope="module")
def cut_off(plane: ControlPlane, launch, mariadb: MariaDB) -> Iterator[CutOff]:
    plane.forget()
    database = mariadb.new_database()
    with MySQLProxy(mariadb.port) as proxy:
        instance = launch(workers="rest:1", KANSO_JOBS="0",  # whose statements would be among those of a request
                          ZENML_SERVER_RBAC_IMPLEMENTATION_SOURCE=RBAC, database=database,
                          ZENML_SERVER_EXTERNAL_SERVER_ID=SERVER_ID, ZENML_STORE_URL=proxy.url(mariadb.tcp_url(database)),
                          **plane.settings)
        instance.sql(f"UPDATE user SET external_user_id = '{ME.replace('-', '')}'")
        world = World(Api(instance.url))
        world.api.make("/users", {"name": "guest", "password": "pw", "is_admin": False, "external_user_id": OTHER})
        yield CutOff(proxy, Api(instance.url, "guest", "pw"), world.secret(values={"k": "v"})["id"])
        instance.stop()


@pytest.mark.parametrize("fault", ["cut", 1213, 1045])
@pytest.mark.parametrize("path", ["/secrets/{}?hydrate=true", "/secrets?hydrate=true", "/workspaces/default/statistics"])
def test_nothing_leaves_undecided(plane: ControlPlane, cut_off: CutOff, fault: str | int, path: str) -> None:
    """Whichever statement fails for ever while permissions are asked for and answers loaded: 503, and not a byte more."""
    plane.forget()
    proxy, guest, path = cut_off.proxy, cut_off.guest, path.format(cut_off.secret)
    plane.may = lambda resource, action: ":workspace" not in resource and ":user" not in resource
    whole = guest.read(path)
    proxy.statements.clear()
    assert guest.read(path) == whole
    plan = list(dict.fromkeys(proxy.statements))
    assert len(plan) >= 3 and any(text.startswith("SELECT external_user_id") for text in plan)
    for text in plan:
        exactly = "^" + re.escape(text) + "$"
        hit = proxy.cut(exactly, times=None) if fault == "cut" else proxy.fail(int(fault), exactly, times=None)
        answer = guest.get(path)
        proxy.heal()
        if hit.hits:
            fails(answer, 503, "RuntimeError")
            assert list(answer.json()) == ["detail"] and "metadata" not in answer.text, text
        else:
            assert answer.json() == whole
    assert guest.read(path) == whole


def test_one_question_for_a_page(plane: ControlPlane, mine: World, other: World) -> None:
    for _ in range(4):
        mine.secret()
    plane.forget()
    assert len(other.api.items("/secrets", size=100, hydrate="true")) >= 4
    assert [call.path for call in plane.calls] == ["/rbac/allowed_resource_ids", "/rbac/check_permissions"]


def test_a_question_left_open_is_asked_again(plane: ControlPlane, mine: World, other: World) -> None:
    made = mine.secret()
    workspace = named("workspace", mine.workspace)
    plane.forget()
    seen: list[str] = []

    def answer(resource: str, action: str) -> bool | None:
        seen.append(resource)
        return None if resource == workspace and seen.count(workspace) == 1 else True

    plane.may = answer
    other.api.read("/secrets/" + made["id"])
    assert asked(plane)[-1] == ("read", {workspace})
    plane.may = lambda resource, action: None if "secret/" in resource else True
    fails(other.api.get("/secrets/" + made["id"]), 500, "RuntimeError")


def test_lists_are_narrowed(plane: ControlPlane, mine: World, other: World) -> None:
    one, two = mine.secret(), mine.secret()
    own = other.secret()
    plane.forget()
    plane.readable = {"secret": [one["id"]]}
    found = other.api.ids("/secrets", size=1000)
    assert one["id"] in found and own["id"] in found and two["id"] not in found
    call = plane.calls[0]
    assert call.query == {"user_id": [OTHER], "resource": [named("secret")], "action": ["read"]}
    assert f"resource={SERVER_ID}%40server%3Asecret" not in call.path
    plane.readable = {"secret": []}
    assert other.api.ids("/secrets", size=1000) == [own["id"]]
    assert other.api.ids("/secrets", size=1000, name="nothing", logical_operator="or") == []


def test_resources_of_readable_connectors_only(plane: ControlPlane, mine: World, other: World) -> None:
    made = [BY_NAME["service_connector"].make(mine) for _ in range(3)]
    path = mine.ws + "/service_connectors/resources"
    plane.forget()
    plane.readable = {"service_connector": [made[1]["id"]]}
    assert {item["id"] for item in other.api.read(path)} == {made[1]["id"]}
    plane.readable = {"service_connector": []}
    assert other.api.read(path) == [] and {item["id"] for item in mine.api.read(path)} >= {one["id"] for one in made}


def test_users(plane: ControlPlane, mine: World, other: World) -> None:
    """With RBAC the control plane decides, not who is an administrator."""
    plane.forget()
    assert {mine.user, other.user} <= set(other.api.ids("/users", size=1000))
    plane.readable = {"user": []}
    assert other.api.ids("/users") == [other.user]
    assert other.api.read("/users/" + mine.user)["id"] == mine.user
    plane.may = lambda resource, action: False
    fails(other.api.get("/users/" + mine.user), 403, "IllegalOperationError")
    other.api.read("/users/other")
    other.api.read("/current-user")
    other.api.change("/users/other", {"full_name": "O"})


def test_runs_and_steps(plane: ControlPlane, mine: World, other: World) -> None:
    run = mine.run()
    step = mine.step(run, "load")
    plane.forget()
    plane.may = lambda resource, action: "pipeline_run/" not in resource
    for path in (f"/runs/{run['id']}", f"/runs/{run['id']}/graph", f"/runs/{run['id']}/status", f"/runs/{run['id']}/steps",
                 f"/steps/{step['id']}", f"/steps/{step['id']}/status", f"/steps/{step['id']}/step-configuration"):
        assert run["id"] in fails(other.api.get(path), 403, "IllegalOperationError"), path
        assert mine.api.get(path).status_code == 200
    fails(other.api.put(f"/steps/{step['id']}", {"status": "failed"}), 403, "IllegalOperationError")
    plane.readable = {"pipeline_run": []}
    assert other.api.ids("/steps", size=1000) == [] == other.api.ids("/runs", size=1000)


def test_model_versions_are_governed_by_their_model(plane: ControlPlane, mine: World, other: World) -> None:
    model = mine.model()
    version = mine.model_version(model["id"])
    plane.forget()
    plane.may = lambda resource, action: resource != named("model", model["id"])
    assert "model/" + model["id"] in fails(other.api.get("/model_versions/" + version["id"]), 403, "IllegalOperationError")
    body = {"model": model["id"], "stage": "staging"}
    assert "PROMOTE" in fails(other.api.put("/model_versions/" + version["id"], body), 403, "IllegalOperationError")


def test_statistics_count_what_is_readable(plane: ControlPlane, mine: World, other: World) -> None:
    mine.stack(), mine.component(), mine.pipeline()
    own = other.pipeline()
    plane.forget()
    everything = other.api.read("/workspaces/default/statistics")
    assert list(everything) == ["stacks", "components", "pipelines", "runs"] and everything["pipelines"] >= 2
    plane.readable = {"pipeline": [], "stack": []}
    shown = other.api.read("/workspaces/default/statistics")
    assert shown == everything | {"pipelines": 1, "stacks": 1}, own  # the own one; the default stack, which nobody owns
    missing(other.api.get("/workspaces/nowhere/statistics"))


def test_service_accounts_may_do_everything(plane: ControlPlane, kanso: Kanso, mine: World) -> None:
    account = mine.api.make("/service_accounts", {"name": mine.name("sa"), "active": True})
    key = mine.api.make(f"/service_accounts/{account['id']}/api_keys", {"name": "k"})["body"]["key"]
    api = Api(kanso.url, user=None)
    token = ok(api.call("POST", "/login", data={"password": key}))["access_token"]
    api.session.cookies.clear()
    api.session.headers["Authorization"] = "Bearer " + token
    plane.forget()
    plane.may = lambda resource, action: False
    api.read("/secrets")
    api.make("/tags", {"name": mine.name("tag")})
    assert plane.calls == []


def test_who_lets_an_account_act_may_see_it(plane: ControlPlane, mine: World, other: World) -> None:
    """Actions and triggers are governed like other objects; whoever makes an action reads its service account."""
    mine.trigger()
    account, action = mine.bot_id, mine.action_id
    body = other.action_body(service_account_id=account, configuration={"template_id": mine.template_id})
    changed = {"service_account_id": account}
    plane.forget()
    plane.may = lambda resource, asked_for: not (":service_account" in resource and asked_for == "read")
    for call in (lambda: other.api.post("/actions", body), lambda: other.api.put("/actions/" + action, changed)):
        message = fails(call(), 403, "IllegalOperationError")
        assert "READ" in message and f"'service_account/{account}'" in message
    plane.may = lambda resource, asked_for: True
    other.api.make("/actions", body)
    for kind, path in (("action", "/actions/" + action), ("event_source", "/event-sources/" + mine.event_source_id)):
        for asked_for, request in (("read", other.api.get), ("delete", other.api.delete)):
            plane.may = lambda resource, asked, asked_for=asked_for: asked != asked_for
            message = fails(request(path), 403, "IllegalOperationError")
            assert asked_for.upper() in message and f"'{kind}/" in message
    plane.may = lambda resource, asked_for: ":trigger" not in resource
    page = other.api.read("/event-sources/" + mine.event_source_id)["resources"]["triggers"]
    assert page["total"] == 1 and denied(page["items"][0])


def test_keys_are_governed_by_their_account(plane: ControlPlane, mine: World, other: World) -> None:
    account = mine.api.make("/service_accounts", {"name": mine.name("sa"), "active": True})["id"]
    keys = f"/service_accounts/{account}/api_keys"
    key = mine.api.make(keys, {"name": "k"})["id"]
    calls = {"read": [lambda: other.api.get(keys), lambda: other.api.get(f"{keys}/{key}")],
             "update": [lambda: other.api.post(keys, {"name": "l"}), lambda: other.api.put(f"{keys}/{key}", {"name": "l"}),
                        lambda: other.api.put(f"{keys}/{key}/rotate", {}), lambda: other.api.delete(f"{keys}/{key}")]}
    for action, requests in calls.items():
        for call in requests:
            plane.forget()
            plane.may = lambda resource, asked_for, action=action: asked_for != action
            message = fails(call(), 403, "IllegalOperationError")
            assert action.upper() in message and f"'service_account/{account}'" in message
    plane.forget()
    assert [item["id"] for item in other.api.items(keys)] == [key]


def test_sharing(plane: ControlPlane, mine: World, other: World) -> None:
    made = mine.secret()
    path = f"/users/other/resource_membership?resource_type=secret&resource_id={made['id']}"
    plane.forget()
    assert mine.api.make(path, ["read", "update"]) is None
    assert [action for action, names in asked(plane) if names == {named("secret", made["id"])}] == ["share", "read", "update"]
    assert plane.calls[-1].json == {"user_id": OTHER, "resource": named("secret", made["id"]), "actions": ["read", "update"]}
    assert (plane.calls[-1].method, plane.calls[-1].path) == ("POST", "/rbac/resource_members")
    entry = mine.api.items("/kanso/audit", operation="POST /api/v1/users/{user_name_or_id}/resource_membership")[0]["body"]
    assert (entry["object_type"], entry["object_id"], entry["outcome"]) == ("user", other.user, "done")
    assert mine.api.make(path, []) is None and plane.calls[-1].json["actions"] == []
    fails(mine.api.post(path, ["fly"]), 400, "ValueError")
    fails(mine.api.post(path.replace("=secret", "=zz"), ["read"]), 400, "ValueError")
    fails(mine.api.post(path.replace("other", "default"), ["read"]), 400, "ValueError")
    missing(mine.api.post(path.replace(made["id"], str(uuid.uuid4())), ["read"]))
    missing(mine.api.post(path.replace("other", "nobody"), ["read"]))
    assert mine.api.post(path, {"read": 1}).status_code == mine.api.post(path).status_code == 422
    plane.may = lambda resource, action: action != "update"
    fails(mine.api.post(path, ["read", "update"]), 403, "IllegalOperationError")
    assert {item["body"]["status"] for item in mine.api.items("/kanso/audit", object_id=other.user, outcome="refused")} >= {400, 403, 404}


def test_membership_exists_with_rbac_only(client: Api) -> None:
    assert client.post(f"/users/default/resource_membership?resource_type=secret&resource_id={uuid.uuid4()}",
                       ["read"]).status_code == 405


# The connection

def test_login_at_the_control_plane(plane: ControlPlane, mine: World) -> None:
    plane.token = "second-token"
    mine.api.make("/tags", {"name": mine.name("tag")})
    assert [call.headers["authorization"] for call in plane.calls] == ["Bearer first-token", "Bearer second-token"] \
        or plane.calls[-1].headers["authorization"] == "Bearer second-token"
    assert len(plane.logins) == 1
    assert plane.logins[0].body == ("client_id=client%20id&client_secret=s%26cret&audience=aud"
                                    "&grant_type=client_credentials")
    assert plane.logins[0].headers["content-type"] == "application/x-www-form-urlencoded"
    plane.forget()
    mine.api.make("/tags", {"name": mine.name("tag")})
    assert plane.logins == [] and len(plane.calls) == 1


@pytest.mark.parametrize("answer", [(500, "down"), (404, "{}"), (200, "nonsense"), (200, "[]"), (200, "null"),
                                    (200, '{"full_access": 1}'), (401, "{}"), (200, '{"a"')])
def test_nonsense(plane: ControlPlane, mine: World, other: World, answer: tuple[int, str]) -> None:
    plane.forget()
    plane.answer = answer
    name = mine.name("tag")
    fails(mine.api.post("/tags", {"name": name}), 500, "RuntimeError")
    fails(other.api.get("/secrets"), 500, "RuntimeError")
    plane.forget()
    assert mine.api.ids("/tags", name=name) == []


def test_the_subscription_is_too_small(plane: ControlPlane, mine: World) -> None:
    plane.answer = (402, '{"detail":"upgrade"}')
    assert "upgrade" in fails(mine.api.post("/tags", {"name": mine.name("tag")}), 402, "SubscriptionUpgradeRequiredError")


@pytest.mark.slow
def test_slow_and_down(server, launch, workspace_directory: Path) -> None:
    """A control plane that does not answer costs seven seconds, or what the retries take; nothing is let through."""
    if not server.mariadb:
        pytest.skip("needs a Kanso of its own")
    plane = ControlPlane(workspace_directory / "slow")
    kanso = launch(workers="rest:1", ZENML_SERVER_RBAC_IMPLEMENTATION_SOURCE=RBAC, **plane.settings)
    kanso.sql(f"UPDATE user SET external_user_id = '{ME.replace('-', '')}'")
    api = Api(kanso.url)
    api.make("/tags", {"name": "one"})
    assert plane.calls[0].query["resources"] == ["None@server:tag"]
    plane.delay = 9
    begin = time.monotonic()
    fails(api.post("/tags", {"name": "late"}), 500, "RuntimeError")
    assert 6.5 < time.monotonic() - begin < 8.5
    plane.stop()
    begin = time.monotonic()
    fails(api.post("/tags", {"name": "two"}), 500, "RuntimeError")
    assert 2.9 < time.monotonic() - begin < 6
    assert kanso.sql("SELECT name FROM tag") == [["one"]]
    kanso.stop()


def test_configuration_is_checked(server) -> None:
    if not server.mariadb:
        pytest.skip("needs a Kanso of its own")
    for settings in ({"ZENML_SERVER_RBAC_IMPLEMENTATION_SOURCE": RBAC}, {"ZENML_SERVER_RBAC_IMPLEMENTATION_SOURCE": "a.b.C"},
                     {"ZENML_SERVER_FEATURE_GATE_IMPLEMENTATION_SOURCE": GATE}):
        kanso = Kanso(server.home.parent / "refused", server.mariadb, server.database, **settings)
        done = kanso.run("start", check=False)
        kanso.run("stop", check=False)
        assert done.returncode != 0


# The feature gate

@pytest.fixture(scope="module")
def gated(plane: ControlPlane, launch) -> Iterator[World]:
    instance = launch(workers="rest:1", ZENML_SERVER_FEATURE_GATE_IMPLEMENTATION_SOURCE=GATE,
                      ZENML_SERVER_EXTERNAL_SERVER_ID=SERVER_ID,
                      ZENML_SERVER_METADATA=json.dumps({"organization_id": "the-org"}), **plane.settings)
    yield World(Api(instance.url))
    instance.stop()


def reports(plane: ControlPlane) -> list[tuple[str, int, str]]:
    found = []
    for call in plane.calls:
        if call.method == "POST":
            assert call.path == "/usage-event"
            event = call.json
            assert list(event) == ["organization_id", "feature", "total", "metadata"]
            assert event["organization_id"] == "the-org" and event["metadata"]["tenant_id"] == SERVER_ID
            found.append((event["feature"], event["total"], event["metadata"]["resource_id"]))
    return found


def checks(plane: ControlPlane) -> list[str]:
    return [call.path for call in plane.calls if call.method == "GET"]


def test_models_are_counted(plane: ControlPlane, gated: World) -> None:
    plane.forget()
    model = gated.model()
    assert checks(plane) == ["/organizations/the-org/entitlement/model"]
    assert reports(plane) == [("model", 1, model["id"])]
    gated.api.remove("/models/" + model["name"])
    assert reports(plane)[1:] == [("model", -1, model["id"])]
    plane.forget()
    gated.secret()
    assert plane.calls == []


def test_the_limit_is_reached(plane: ControlPlane, gated: World) -> None:
    plane.forget()
    plane.entitlements = {"model": 402, "pipeline": 402}
    body = gated.owned | {"name": gated.name("m"), "tags": []}
    message = fails(gated.api.post(gated.ws + "/models", body), 402, "SubscriptionUpgradeRequiredError")
    assert "`model`" in message
    fails(gated.api.post(gated.ws + "/pipelines", gated.owned | {"name": gated.name("p")}), 402,
          "SubscriptionUpgradeRequiredError")
    assert reports(plane) == [] and gated.api.ids("/models", name=body["name"]) == []
    plane.entitlements = {"model": 500}
    fails(gated.api.post(gated.ws + "/models", body), 500, "RuntimeError")
    plane.entitlements = {"model": 202}
    ok(gated.api.post(gated.ws + "/models", body))


def test_pipelines_count_by_name(plane: ControlPlane, gated: World) -> None:
    plane.forget()
    pipeline = gated.pipeline()
    assert checks(plane) == ["/organizations/the-org/entitlement/pipeline"]
    assert reports(plane) == [("pipeline", 1, pipeline["id"])]
    elsewhere = gated.api.make("/workspaces", {"name": gated.name("ws")})
    plane.forget()
    second = gated.api.make(f"/workspaces/{elsewhere['id']}/pipelines",
                            {"user": gated.user, "workspace": elsewhere["id"], "name": pipeline["name"]})
    assert plane.calls == []
    taken(gated.api.post(gated.ws + "/pipelines", gated.owned | {"name": pipeline["name"]}))
    gated.api.remove("/pipelines/" + pipeline["id"])
    assert plane.calls == []
    gated.api.remove("/pipelines/" + second["id"])
    assert reports(plane) == [("pipeline", -1, second["id"])]


def test_runs_are_counted_when_they_begin(plane: ControlPlane, gated: World) -> None:
    deployment = gated.deployment()["id"]
    body = gated.run_body(deployment) | {"orchestrator_run_id": "o-1"}
    plane.forget()
    run, created = gated.api.make(gated.ws + "/runs/get-or-create", body)
    assert created and reports(plane) == [("pipeline_run", 1, run["id"])]
    assert checks(plane) == ["/organizations/the-org/entitlement/pipeline_run"]
    plane.forget()
    again, created = gated.api.make(gated.ws + "/runs/get-or-create", body)
    assert not created and again["id"] == run["id"]
    assert reports(plane) == [] and len(checks(plane)) == 1
