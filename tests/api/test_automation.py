"""Plugin flavors, event sources with their secrets, actions and triggers."""

from __future__ import annotations

import base64
import json
import re
import uuid
from typing import Any

import pytest

from kit.api import NOBODY, fails, forbidden, missing, ok, problems, taken, unfit
from kit.factory import World

pytestmark = pytest.mark.sanitize

PLUGINS = {("action", "pipeline_run"): ["builtin"], ("event_source", "webhook"): ["bitbucket", "github"],
           ("action", "webhook"): [], ("event_source", "pipeline_run"): []}
FIRST_PAGE = {"index": 1, "max_size": 5, "total_pages": 1, "total": 0, "items": []}


def stored(server, table: str, column: str, row: str) -> Any:
    """What a column of base64 of JSON holds."""
    text = server.sql(f"SELECT `{column}` FROM `{table}` WHERE id = '{row.replace('-', '')}'")[0][0]
    return json.loads(base64.b64decode(text.replace("\\n", "")))


# Plugin flavors

@pytest.mark.parametrize("kind", PLUGINS, ids="-".join)
def test_plugin_flavors(world: World, kind: tuple[str, str]) -> None:
    page = world.api.read("/plugin-flavors", type=kind[0], subtype=kind[1])
    names = PLUGINS[kind]
    assert [item["name"] for item in page.pop("items")] == names
    assert page == {"index": 1, "max_size": 20, "total_pages": 1, "total": len(names)}
    for name in names:
        one = world.api.read("/plugin-flavors/" + name, type=kind[0], subtype=kind[1])
        listed = world.api.items("/plugin-flavors", type=kind[0], subtype=kind[1])[names.index(name)]
        assert list(one) == ["body", "metadata", "resources", "name", "type", "subtype"]
        assert one["metadata"] and one | {"metadata": None} == listed
        assert one in world.api.items("/plugin-flavors", type=kind[0], subtype=kind[1], hydrate="true")


def test_plugin_flavors_that_are_not_there(world: World) -> None:
    message = fails(world.api.get("/plugin-flavors/gitlab", type="event_source", subtype="webhook"), 404, "KeyError")
    assert message == "'No flavor class found for flavor name gitlab at type event_source and subtype webhook.'"
    missing(world.api.get("/plugin-flavors/github", type="action", subtype="webhook"))


def test_plugin_flavors_need_a_type(world: World) -> None:
    assert [p["loc"] for p in problems(world.api.get("/plugin-flavors"))] == [["query", "type"], ["query", "subtype"]]
    unfit(world.api.get("/plugin-flavors", type="none", subtype="webhook"), "enum", "query", "type")
    unfit(world.api.get("/plugin-flavors/github", type="action", subtype="none"), "enum", "query", "subtype")


def test_pages_of_plugin_flavors(world: World) -> None:
    query = {"type": "event_source", "subtype": "webhook"}
    pages = [world.api.read("/plugin-flavors", **query, page=page, size=1) for page in (1, 2)]
    assert [page["items"][0]["name"] for page in pages] == ["bitbucket", "github"]
    assert {page["total_pages"] for page in pages} == {2}
    message = fails(world.api.get("/plugin-flavors", **query, page=3, size=1), 400, "ValueError")
    assert message == ("Invalid page 3. The requested page size is 1 and there are a total of 2 items for this query. "
                       "The maximum page value therefore is 2.")
    fails(world.api.get("/plugin-flavors", **query, size=0), 400, "ValueError")
    fails(world.api.get("/plugin-flavors", **query, size=-1), 400, "ValueError")
    fails(world.api.get("/plugin-flavors", **query, page=0), 422, "ValueError")


def test_schemas_of_event_sources_are_swapped(world: World) -> None:
    """As in ZenML: each stands under the other's name."""
    metadata = world.api.read("/plugin-flavors/github", type="event_source", subtype="webhook")["metadata"]
    assert list(metadata) == ["source_config_schema", "filter_config_schema"]
    of_filter, of_source = metadata.values()
    assert of_filter["title"] == "GithubWebhookEventFilterConfiguration"
    assert of_filter["properties"] == {
        "repo": {"anyOf": [{"type": "string"}, {"type": "null"}], "default": None, "title": "Repo"},
        "branch": {"anyOf": [{"type": "string"}, {"type": "null"}], "default": None, "title": "Branch"},
        "event_type": {"anyOf": [{"$ref": "#/$defs/GithubEventType"}, {"type": "null"}], "default": None}}
    assert of_filter["$defs"]["GithubEventType"] == {
        "enum": ["push_event", "tag_event", "pull_request_event"], "title": "GithubEventType", "type": "string"}
    assert of_source["title"] == "GithubWebhookEventSourceConfiguration"
    assert list(of_source["properties"]) == ["webhook_secret", "webhook_secret_id", "rotate_secret"]
    assert of_source["properties"]["webhook_secret_id"]["anyOf"][0] == {"format": "uuid", "type": "string"}


def test_schema_of_actions(world: World) -> None:
    schema = world.api.read("/plugin-flavors/builtin", type="action", subtype="pipeline_run")["metadata"]["config_schema"]
    assert schema["required"] == ["template_id"] and schema["title"] == "PipelineRunActionConfiguration"
    assert sorted(schema["$defs"]) == [
        "BaseSettings", "BuildItem", "Model", "ModelStages", "PartialArtifactConfiguration", "PipelineBuildBase",
        "PipelineRunConfiguration", "Schedule", "Source", "SourceType", "StepConfigurationUpdate", "StepRetryConfig"]
    refers = set(re.findall(r"#/\$defs/(\w+)", json.dumps(schema)))
    assert refers == set(schema["$defs"])
    run = schema["$defs"]["PipelineRunConfiguration"]
    assert run["additionalProperties"] is False and "required" not in run
    assert run["properties"]["steps"] == {"additionalProperties": {"$ref": "#/$defs/StepConfigurationUpdate"},
                                          "default": {}, "title": "Steps", "type": "object"}


# Event sources

@pytest.mark.parametrize("flavor", ["github", "bitbucket"])
def test_event_source(server, world: World, flavor: str) -> None:
    made = world.event_source(flavor=flavor, description="Says what happens", configuration={"unknown": 1})
    assert list(made["body"]) == ["created", "updated", "user", "flavor", "plugin_subtype", "is_active"]
    assert list(made["metadata"]) == ["workspace", "description", "configuration"]
    assert made["body"]["is_active"] is True and made["resources"] == {"triggers": FIRST_PAGE}
    secret = made["metadata"]["configuration"]
    assert list(secret) == ["webhook_secret"] and re.fullmatch("[A-Za-z]{12}", secret["webhook_secret"])
    made["metadata"]["configuration"] = {}
    assert world.api.read("/event-sources/" + made["id"]) == made
    plain = made | {"metadata": None}
    assert world.api.read("/event-sources/" + made["id"], hydrate="false") == plain
    assert world.api.items("/event-sources", id=made["id"]) == [plain]
    assert world.api.items("/event-sources", id=made["id"], hydrate="true") == [made]


def secret_of(world: World, source: str) -> dict[str, Any]:
    """The secret in the store that belongs to an event source."""
    found = world.api.items("/secrets", name=f"startswith:event_source-{source}-")
    assert len(found) == 1
    return world.api.read("/secrets/" + found[0]["id"])


def test_secret_of_an_event_source(server, world: World) -> None:
    made = world.event_source()
    secret = secret_of(world, made["id"])
    assert re.fullmatch(rf"event_source-{made['id']}-[a-z]{{4}}", secret["name"])
    assert secret["body"]["scope"] == "workspace" and secret["body"]["user"]["id"] == world.user
    assert secret["body"]["values"] == made["metadata"]["configuration"]
    if server.mariadb:
        assert stored(server, "event_source", "configuration", made["id"]) == {"webhook_secret_id": secret["id"]}
    world.api.remove("/event-sources/" + made["id"])
    missing(world.api.get("/secrets/" + secret["id"]))
    missing(world.api.get("/event-sources/" + made["id"]))


def test_secrets_are_rotated(server, world: World) -> None:
    made = world.event_source()
    path, before = "/event-sources/" + made["id"], secret_of(world, made["id"])
    answer = world.api.change(path, {"configuration": {"rotate_secret": True, "webhook_secret_id": NOBODY}})
    new = answer["metadata"]["configuration"]
    assert re.fullmatch("[A-Za-z]{12}", new["webhook_secret"]) and new != made["metadata"]["configuration"]
    after = secret_of(world, made["id"])
    assert after["body"]["values"] == new and after["id"] == before["id"]
    if server.mariadb:
        assert stored(server, "event_source", "configuration", made["id"]) == {"webhook_secret_id": after["id"]}
    assert world.api.read(path)["metadata"]["configuration"] == {}


@pytest.mark.parametrize("change", [
    {"name": "another", "description": "changed"}, {"is_active": False}, {"configuration": {}},
    {"configuration": {"webhook_secret": "chosen"}}, {"configuration": {"rotate_secret": False}},
    {"configuration": {"webhook_secret_id": NOBODY}}, {"name": None, "is_active": None, "configuration": None}, {}],
    ids=json.dumps)
def test_updates_leave_the_secret_alone(server, world: World, change: dict[str, Any]) -> None:
    made = world.event_source()
    secret = secret_of(world, made["id"])
    if change.get("name"):
        change = change | {"name": world.name("another")}
    answer = world.api.change("/event-sources/" + made["id"], change)
    assert answer["metadata"]["configuration"] == {}
    assert answer["name"] == (change.get("name") or made["name"])
    assert answer["body"]["is_active"] is (change.get("is_active") is not False)
    assert secret_of(world, made["id"]) == secret
    if server.mariadb:
        assert stored(server, "event_source", "configuration", made["id"]) == {"webhook_secret_id": secret["id"]}


def test_rotation_of_a_secret_that_is_gone(world: World) -> None:
    made = world.event_source()
    world.api.remove("/secrets/" + secret_of(world, made["id"])["id"])
    missing(world.api.put("/event-sources/" + made["id"], {"description": "new", "configuration": {"rotate_secret": True}}))
    assert world.api.read("/event-sources/" + made["id"])["metadata"]["description"] == ""
    world.api.remove("/event-sources/" + made["id"])


@pytest.mark.parametrize("field,value", [("webhook_secret", "x"), ("webhook_secret_id", NOBODY), ("rotate_secret", False)])
def test_members_that_a_new_source_must_not_have(world: World, field: str, value: Any) -> None:
    body = world.event_source_body(configuration={field: value})
    message = fails(world.api.post("/event-sources", body), 400, "ValueError")
    assert message == f"The `{field}` field is not allowed in the event source request."
    assert world.api.ids("/event-sources", name=body["name"]) == []


def test_which_member_is_named_first(world: World) -> None:
    body = world.event_source_body(configuration={"rotate_secret": True, "webhook_secret_id": NOBODY,
                                                  "webhook_secret": None})
    assert "webhook_secret_id" in fails(world.api.post("/event-sources", body), 400, "ValueError")


@pytest.mark.parametrize("configuration", [{"webhook_secret": 5}, {"webhook_secret_id": "x"}, {"rotate_secret": "maybe"}],
                         ids=json.dumps)
def test_malformed_configurations_of_sources(world: World, configuration: dict[str, Any]) -> None:
    message = fails(world.api.post("/event-sources", world.event_source_body(configuration=configuration)), 400, "ValueError")
    assert message.startswith("Invalid configuration for event source: ")
    fails(world.api.put("/event-sources/" + world.event_source_id, {"configuration": configuration}), 400, "ValueError")


@pytest.mark.parametrize("changes", [{"flavor": "zz"}, {"plugin_subtype": "pipeline_run"}], ids=json.dumps)
def test_unknown_flavors(world: World, changes: dict[str, Any]) -> None:
    body = world.event_source_body(**changes)
    message = fails(world.api.post("/event-sources", body), 404, "KeyError")
    assert message == (f"'No flavor found for flavor name {body['flavor']} and type event_source and subtype "
                       f"{body['plugin_subtype']}.'")


def test_names_of_event_sources(world: World) -> None:
    """Unique when they are made, not when they are changed."""
    first, second = world.event_source(), world.event_source()
    taken(world.api.post("/event-sources", world.event_source_body(name=first["name"])))
    assert world.api.change("/event-sources/" + second["id"], {"name": first["name"]})["name"] == first["name"]
    assert set(world.api.ids("/event-sources", name=first["name"])) == {first["id"], second["id"]}


def test_nothing_is_left_of_a_source_that_fails(world: World) -> None:
    body = world.event_source_body(workspace=NOBODY)
    before = world.api.read("/secrets", name="startswith:event_source-")["total"]
    fails(world.api.post("/event-sources", body), 400, "ValueError")
    assert world.api.read("/secrets", name="startswith:event_source-")["total"] == before


@pytest.mark.parametrize("force", ["true", "false"])
def test_an_event_source_in_use(world: World, force: str) -> None:
    """It stays, and so does its secret."""
    source = world.event_source()
    trigger = world.trigger(event_source_id=source["id"])
    secret = secret_of(world, source["id"])
    message = fails(world.api.delete("/event-sources/" + source["id"], force=force), 403, "IllegalOperationError")
    assert message == f"Unable to delete event_source with ID `{source['id']}` as it is used by 1 triggers."
    assert secret_of(world, source["id"]) == secret
    world.api.remove("/triggers/" + trigger["id"])
    world.api.remove("/event-sources/" + source["id"], force=force)


def test_triggers_of_an_event_source(world: World) -> None:
    source = world.event_source()
    triggers = [world.trigger(event_source_id=source["id"]) for _ in range(7)]
    for hydrate in ("true", "false"):
        page = world.api.read("/event-sources/" + source["id"], hydrate=hydrate)["resources"]["triggers"]
        assert page | {"items": 0} == {"index": 1, "max_size": 5, "total_pages": 2, "total": 7, "items": 0}
        assert page["items"] == [trigger if hydrate == "true" else trigger | {"metadata": None} for trigger in triggers[:5]]
        assert world.api.items("/event-sources", id=source["id"], hydrate=hydrate)[0]["resources"]["triggers"] == page
    changed = world.api.change("/event-sources/" + source["id"], {"description": "x"})
    assert [item["id"] for item in changed["resources"]["triggers"]["items"]] == [t["id"] for t in triggers[:5]]


# Actions

def test_action(world: World) -> None:
    made = world.action(description="Runs")
    assert list(made["body"]) == ["created", "updated", "user", "flavor", "plugin_subtype"]
    assert made["metadata"] == {"workspace": made["metadata"]["workspace"], "description": "Runs",
                                "configuration": {"template_id": world.template_id}, "auth_window": 2880}
    assert list(made["resources"]) == ["service_account", "run_template", "pipeline"]
    account, template, pipeline = made["resources"].values()
    assert account["id"] == world.bot_id and account["body"]["is_service_account"] is True and account["metadata"] is None
    assert template == world.api.read("/run_templates/" + world.template_id, hydrate="false")
    assert pipeline == world.api.read("/pipelines/" + pipeline["id"], hydrate="false")
    path = "/actions/" + made["id"]
    assert world.api.read(path) == made
    assert world.api.items("/actions", id=made["id"], hydrate="true") == [made]
    plain = made | {"metadata": None, "resources": {"service_account": account}}
    assert world.api.read(path, hydrate="false") == plain
    assert world.api.items("/actions", id=made["id"]) == [plain]


def test_an_action_whose_template_has_no_pipeline(world: World) -> None:
    build = world.build(stack=world.remote_stack)
    deployment = world.deployment(stack=world.remote_stack, build=build["id"])
    template = world.template(source_deployment_id=deployment["id"])
    made = world.action(configuration={"template_id": template["id"]})
    assert list(made["resources"]) == ["service_account", "run_template"]
    assert made["resources"]["run_template"] == world.api.read("/run_templates/" + template["id"], hydrate="false")
    assert world.api.change("/actions/" + made["id"], {"auth_window": 1})["resources"] == made["resources"]


@pytest.mark.parametrize("given,wanted", [(None, 2880), (0, 0), (7, 7)])
def test_auth_windows(world: World, given: int | None, wanted: int) -> None:
    made = world.action(auth_window=given)
    assert made["metadata"]["auth_window"] == wanted
    assert world.api.change("/actions/" + made["id"], {"auth_window": None})["metadata"]["auth_window"] == wanted
    assert world.api.change("/actions/" + made["id"], {"auth_window": 3})["metadata"]["auth_window"] == 3


def test_configurations_of_actions_are_stored_without_nulls(server, world: World) -> None:
    """Members of documents that are null are left out, whatever the depth; values of free maps stay."""
    given = {"template_id": world.template_id, "unknown": None, "run_config": {
        "run_name": None, "parameters": {"a": None, "b": {"c": None}}, "extra": {"x": None},
        "settings": {"docker": {"q": None, "r": [None, {"z": None}]}}, "success_hook_source": "a.b.c",
        "schedule": {"cron_expression": "* * * * *", "start_time": "2024-01-01T00:00:00", "interval_second": 3600},
        "steps": {"load": {"parameters": {"p": 1, "n": None}, "step_operator": None}}}}
    wanted = {"template_id": world.template_id, "run_config": {
        "schedule": {"cron_expression": "* * * * *", "start_time": "2024-01-01T00:00:00", "interval_second": "PT1H",
                     "catchup": False},
        "steps": {"load": {"parameters": {"p": 1, "n": None}, "settings": {}, "extra": {}, "outputs": {}}},
        "settings": {"docker": {"r": [None, {"z": None}]}}, "extra": {"x": None},
        "parameters": {"a": None, "b": {"c": None}},
        "success_hook_source": {"module": "a.b", "attribute": "c", "type": "unknown"}}}
    made = world.action(configuration=given)
    assert made["metadata"]["configuration"] == wanted
    assert world.api.read("/actions/" + made["id"])["metadata"]["configuration"] == wanted
    if server.mariadb:
        assert stored(server, "action", "configuration", made["id"]) == wanted
    plain = world.api.change("/actions/" + made["id"],
                             {"configuration": {"template_id": world.template_id, "run_config": None}})
    assert plain["metadata"]["configuration"] == {"template_id": world.template_id}


@pytest.mark.parametrize("configuration", [
    {}, {"template_id": "x"}, {"template_id": None}, {"run_config": {"zz": 1}}, {"run_config": 5},
    {"run_config": {"steps": {"load": {"zz": 1}}}}, {"run_config": {"schedule": {}}},
    {"run_config": {"build": "no id"}}], ids=json.dumps)
def test_malformed_configurations_of_actions(world: World, configuration: dict[str, Any]) -> None:
    if "run_config" in configuration:
        configuration = {"template_id": world.template_id} | configuration
    body = world.action_body(configuration=configuration)
    assert fails(world.api.post("/actions", body), 400, "ValueError").startswith("Invalid configuration for action: ")
    made = world.action()
    message = fails(world.api.put("/actions/" + made["id"], {"configuration": configuration}), 400, "ValueError")
    assert message.startswith("Invalid configuration for action: ")


def test_templates_of_actions_have_to_be_there(world: World) -> None:
    template = world.template()["id"]
    made = world.action(configuration={"template_id": template})
    gone = {"template_id": NOBODY}
    for answer in (world.api.post("/actions", world.action_body(configuration=gone)),
                   world.api.put("/actions/" + made["id"], {"configuration": gone})):
        assert fails(answer, 400, "ValueError") == f"No template found with id {NOBODY}."
    world.api.remove("/run_templates/" + template)
    for answer in (world.api.get("/actions/" + made["id"]),
                   world.api.put("/actions/" + made["id"], {"description": "x"})):
        assert fails(answer, 400, "ValueError") == f"No template found with id {template}."
    plain = world.api.read("/actions/" + made["id"], hydrate="false")
    listed = world.api.items("/actions", id=made["id"], hydrate="true")[0]
    assert list(listed["resources"]) == ["service_account"]
    assert listed["metadata"]["configuration"] == {"template_id": template} and plain == listed | {"metadata": None}
    world.api.remove("/actions/" + made["id"])


def test_service_accounts_of_actions(world: World) -> None:
    made, other = world.action(), world.service_account()
    for account in (NOBODY, world.user):
        for answer in (world.api.post("/actions", world.action_body(service_account_id=account)),
                       world.api.put("/actions/" + made["id"], {"service_account_id": account})):
            message = fails(answer, 404, "KeyError")
            assert message == f"\"No service account with the '{account}' name or ID was found\""
    changed = world.api.change("/actions/" + made["id"], {"service_account_id": other["id"]})
    assert changed["resources"]["service_account"]["id"] == other["id"]


@pytest.mark.parametrize("changes", [{"flavor": "zz"}, {"plugin_subtype": "webhook"}], ids=json.dumps)
def test_unknown_flavors_of_actions(world: World, changes: dict[str, Any]) -> None:
    body = world.action_body(**changes)
    message = fails(world.api.post("/actions", body), 404, "KeyError")
    assert message == (f"'No flavor found for flavor name {body['flavor']} and type action and subtype "
                       f"{body['plugin_subtype']}.'")


@pytest.mark.parametrize("kind", ["action", "trigger"])
def test_names_of_actions_and_triggers(world: World, kind: str) -> None:
    first, second = (getattr(world, kind)() for _ in range(2))
    taken(world.api.post(f"/{kind}s", getattr(world, kind + "_body")(name=first["name"])))
    taken(world.api.put(f"/{kind}s/{second['id']}", {"name": first["name"]}))
    assert world.api.change(f"/{kind}s/{first['id']}", {"name": first["name"]})["name"] == first["name"]


@pytest.mark.parametrize("force", ["true", "false"])
def test_an_action_in_use(world: World, force: str) -> None:
    action = world.action()
    triggers = [world.trigger(action_id=action["id"]) for _ in range(2)]
    message = fails(world.api.delete("/actions/" + action["id"], force=force), 403, "IllegalOperationError")
    assert message == f"Unable to delete action with ID `{action['id']}` as it is used by 2 triggers."
    for trigger in triggers:
        world.api.remove("/triggers/" + trigger["id"])
    world.api.remove("/actions/" + action["id"], force=force)


# Triggers

def test_trigger(world: World) -> None:
    made = world.trigger(description="When pushed", event_filter={"repo": "a/b", "branch": "main", "more": None})
    assert made["body"] | {"created": 0, "updated": 0, "user": 0} == {
        "created": 0, "updated": 0, "user": 0, "action_flavor": "builtin", "action_subtype": "pipeline_run",
        "event_source_flavor": "github", "event_source_subtype": "webhook", "is_active": True}
    assert made["metadata"] | {"workspace": 0} == {
        "workspace": 0, "description": "When pushed", "schedule": None,
        "event_filter": {"repo": "a/b", "branch": "main", "more": None}}
    assert list(made["resources"]) == ["action", "event_source", "executions"]
    action = world.api.read("/actions/" + world.action_id, hydrate="false") | {"resources": None}
    source = world.api.read("/event-sources/" + world.event_source_id, hydrate="false") | {"resources": None}
    assert made["resources"] == {"action": action, "event_source": source, "executions": FIRST_PAGE}
    assert world.api.read("/triggers/" + made["id"]) == made
    assert world.api.items("/triggers", id=made["id"], hydrate="true") == [made]
    assert world.api.items("/triggers", id=made["id"]) == [made | {"metadata": None}]
    world.api.remove("/triggers/" + made["id"])


def test_trigger_by_schedule(server, world: World) -> None:
    made = world.trigger(schedule={"start_time": "2024-01-01 00:00:00", "interval_second": 90})
    assert made["body"]["event_source_flavor"] is made["body"]["event_source_subtype"] is None
    wanted = {"name": None, "cron_expression": None, "start_time": "2024-01-01T00:00:00", "end_time": None,
              "interval_second": "PT1M30S", "catchup": False, "run_once_start_time": None}
    assert made["metadata"]["schedule"] == wanted and made["metadata"]["event_filter"] is None
    assert made["resources"]["event_source"] is None
    if server.mariadb:
        assert stored(server, "trigger", "schedule", made["id"]) == wanted
        assert stored(server, "trigger", "event_filter", made["id"]) is None
    changed = world.api.change("/triggers/" + made["id"], {"schedule": {"cron_expression": "0 5 * * *"}})
    assert changed["metadata"]["schedule"] == wanted | {"cron_expression": "0 5 * * *", "start_time": None,
                                                        "interval_second": None}
    assert world.api.change("/triggers/" + made["id"], {"schedule": None})["metadata"] == changed["metadata"]


@pytest.mark.parametrize("given,text", [
    ({}, "Either a schedule or an event source is required."),
    ({"schedule": {"cron_expression": "* * * * *"}, "event_source_id": NOBODY},
     "Only a schedule or an event source is allowed."),
    ({"schedule": None, "event_source_id": None}, "Either a schedule or an event source is required.")], ids=str)
def test_schedule_or_event_source(world: World, given: dict[str, Any], text: str) -> None:
    body = world.owned | {"name": world.name("trigger"), "action_id": world.action_id} | given
    found = problems(world.api.post("/triggers", body))
    assert [(p["type"], p["loc"], p["msg"]) for p in found] == [("value_error", ["body"], "Value error, " + text)]


def test_schedules_of_triggers_need_a_time(world: World) -> None:
    for answer in (world.api.post("/triggers", world.trigger_body(schedule={})),
                   world.api.put("/triggers/" + world.trigger()["id"], {"schedule": {}})):
        unfit(answer, "value_error", "body", "schedule")


@pytest.mark.parametrize("flavor,bad", [
    ("github", {"repo": 5}), ("github", {"event_type": "zz"}), ("github", {"branch": ["main"]}),
    ("bitbucket", {"event_type": "pull_request_event"})], ids=str)
def test_malformed_filters(world: World, flavor: str, bad: dict[str, Any]) -> None:
    source = world.event_source(flavor=flavor)["id"]
    body = world.trigger_body(event_source_id=source, event_filter=bad)
    assert fails(world.api.post("/triggers", body), 400, "ValueError").startswith("Invalid configuration for event filter: ")
    trigger = world.trigger(event_source_id=source, event_filter={"repo": "a/b"})
    message = fails(world.api.put("/triggers/" + trigger["id"], {"event_filter": bad}), 400, "ValueError")
    assert message.startswith("Invalid configuration for event filter: ")
    assert world.api.read("/triggers/" + trigger["id"])["metadata"]["event_filter"] == {"repo": "a/b"}


def test_filters_are_changed_and_cleared(world: World) -> None:
    trigger = world.trigger(event_filter={"repo": "a/b"})
    path = "/triggers/" + trigger["id"]
    for change, wanted in (({"branch": "x"}, {"branch": "x"}), (None, {"branch": "x"}), ({}, {})):
        assert world.api.change(path, {"event_filter": change})["metadata"]["event_filter"] == wanted


def test_what_a_trigger_must_not_become(world: World) -> None:
    by_time, by_event = world.trigger(schedule={"cron_expression": "* * * * *"}), world.trigger()
    answer = world.api.put("/triggers/" + by_time["id"], {"event_filter": {"repo": "x"}})
    assert fails(answer, 400, "ValueError") == "Trying to set event filter for trigger without event source."
    assert world.api.change("/triggers/" + by_time["id"], {"event_filter": {}})["metadata"]["event_filter"] == {}
    answer = world.api.put("/triggers/" + by_event["id"], {"schedule": {"cron_expression": "* * * * *"}})
    assert fails(answer, 400, "ValueError") == \
        "Unable to update trigger: A trigger cannot have both a schedule and an event source."


@pytest.mark.parametrize("kind", ["action", "event_source"])
def test_what_triggers_refer_to(world: World, kind: str) -> None:
    for changes in ({}, {"event_filter": {"repo": "x"}}):
        answer = world.api.post("/triggers", world.trigger_body(**{kind + "_id": NOBODY}, **changes))
        assert fails(answer, 404, "KeyError") == \
            f"\"Unable to get {kind} with name or ID '{NOBODY}': No {kind} with this ID found.\""


def test_a_trigger_is_switched_off(world: World) -> None:
    trigger = world.trigger()
    path = "/triggers/" + trigger["id"]
    assert world.api.change(path, {"is_active": False})["body"]["is_active"] is False
    assert world.api.ids("/triggers", id=trigger["id"], is_active="true") == []
    assert world.api.ids("/triggers", id=trigger["id"], is_active="false") == [trigger["id"]]
    assert world.api.change(path, {"is_active": None, "name": world.name("t")})["body"]["is_active"] is False


def test_filters_of_lists(world: World) -> None:
    source, action = world.event_source(flavor="bitbucket")["id"], world.action()["id"]
    trigger = world.trigger(event_source_id=source, action_id=action)["id"]
    timed = world.trigger(schedule={"cron_expression": "* * * * *"}, action_id=action)["id"]
    for query, wanted in (({"event_source_id": source}, {trigger}), ({"event_source_flavor": "bitbucket"}, {trigger}),
                          ({"event_source_flavor": "github"}, set()), ({"event_source_subtype": "webhook"}, {trigger}),
                          ({"action_flavor": "builtin"}, {trigger, timed}), ({"action_flavor": "x"}, set()),
                          ({"action_subtype": "pipeline_run"}, {trigger, timed}), ({}, {trigger, timed})):
        assert set(world.api.ids("/triggers", action_id=action, **query)) == wanted, query
    assert world.api.ids("/event-sources", id=source, flavor="startswith:bit", plugin_subtype="webhook") == [source]
    assert world.api.ids("/event-sources", id=source, flavor="github") == []
    assert world.api.ids("/actions", id=action, flavor="builtin", plugin_subtype="contains:pipeline") == [action]


def executions(server, trigger: str, count: int) -> list[str]:
    """Executions as events make them."""
    made = []
    for number in range(count):
        row = f"{number:02d}" + uuid.uuid4().hex[2:]
        server.sql("INSERT INTO trigger_execution (id, created, updated, trigger_id) VALUES "
                   f"('{row}', '2024-01-01 00:00:{number:02d}', '2024-01-01 00:00:00', '{trigger.replace('-', '')}')")
        made.append(row)
    return made


def test_executions_of_a_trigger(server, world: World) -> None:
    if not server.mariadb:
        pytest.skip("writes into the database")
    trigger = world.trigger()
    made = executions(server, trigger["id"], 6)
    page = world.api.read("/triggers/" + trigger["id"])["resources"]["executions"]
    assert page | {"items": 0} == {"index": 1, "max_size": 5, "total_pages": 2, "total": 6, "items": 0}
    assert [item["id"].replace("-", "") for item in page["items"]] == made[:5]
    assert page["items"][0] == {"body": {"created": "2024-01-01T00:00:00", "updated": "2024-01-01T00:00:00"},
                                "metadata": None, "resources": None, "id": page["items"][0]["id"],
                                "permission_denied": False}
    assert world.api.items("/triggers", id=trigger["id"])[0]["resources"]["executions"] == page
    message = fails(world.api.delete("/triggers/" + trigger["id"]), 403, "IllegalOperationError")
    assert "6 executions" in message
    assert world.api.read("/triggers/" + trigger["id"])["resources"]["executions"] == page


def test_there_are_no_routes_of_executions(world: World) -> None:
    assert world.api.get("/trigger_executions").status_code == 404
    assert world.api.get("/trigger_executions/" + NOBODY).status_code == 404


@pytest.mark.parametrize("kind", ["event_source", "action", "trigger"])
def test_only_for_oneself(world: World, kind: str) -> None:
    path = "/" + kind.replace("_", "-") + "s"
    forbidden(world.api.post(path, getattr(world, kind + "_body")(user=NOBODY)))


def test_owners_stay_while_they_own(world: World) -> None:
    """A service account that an action acts as cannot go."""
    account = world.service_account()["id"]
    action = world.action(service_account_id=account)["id"]
    forbidden(world.api.delete("/service_accounts/" + account))
    world.api.remove("/actions/" + action)
    assert ok(world.api.delete("/service_accounts/" + account)) is None
