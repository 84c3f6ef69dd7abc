"""Templates are run from a form; event sources show their secret once; triggers tie them together."""

from __future__ import annotations

import json

import pytest
from kit.api import Api, ok
from kit.events import deliver, github_push
from kit.factory import World, step_spec
from kit.workloads import Workloads


@pytest.fixture(scope="module")
def template(client, world):
    """A template with one step that has parameters and one that has none."""
    pipeline = world.pipeline()["id"]
    build = world.build(is_local=False, contains_code=True, stack=world.remote_stack, pipeline=pipeline)["id"]
    fit = step_spec("fit", ["load"])
    fit["config"]["parameters"] = {"rate": 0.1, "rounds": 3, "label": "x", "sizes": [1, 2]}
    deployment = world.deployment({"load": step_spec("load"), "fit": fit}, pipeline=pipeline, build=build, stack=world.remote_stack)
    return world.template(source_deployment_id=deployment["id"], name=world.name("nightly"))


def fetches(browser):
    """Notes what the pages send from now on."""
    browser.js("window.sentBodies = []; const ask = window.fetch;"
               "window.fetch = (url, init) => { if (init?.method === 'POST') window.sentBodies.push([String(url), init.body]); return ask(url, init); }")


def test_a_template_is_run_with_its_parameters(browser, client, template):
    browser.open("/templates")
    browser.click(f"Run {template['name']}")
    browser.until(lambda: browser.find("dialog h2").text == f"Run “{template['name']}”")
    assert browser.js("return [...document.querySelectorAll('dialog legend')].map(n => n.textContent)") == ["fit"]
    assert browser.control("Rate").get_attribute("value") == "0.1"
    browser.everywhere("template-run")
    browser.enter("Name of the run", "by hand")
    browser.enter("Rate", "0.5")
    browser.enter("Sizes", "[3]")
    browser.js("document.querySelector('dialog details').open = true")
    browser.enter("As JSON", "{")
    browser.click("Run", css="dialog button")
    browser.until_text("“More configuration” is not JSON.")
    browser.enter("As JSON", '{"enable_cache": false, "steps": {"load": {"enable_cache": true}}}')
    fetches(browser)
    browser.click("Run", css="dialog button")
    browser.until(lambda: browser.js("return sentBodies.length") == 1)
    url, body = browser.js("return sentBodies[0]")
    assert url.endswith(f"/run_templates/{template['id']}/runs")
    assert json.loads(body) == {"enable_cache": False, "run_name": "by hand", "steps": {
        "load": {"enable_cache": True}, "fit": {"parameters": {"rate": 0.5, "rounds": 3, "label": "x", "sizes": [3]}}}}
    browser.until_text("runs no templates")  # this one has no workload manager
    browser.clean(allow=[(404, "/runs"), (405, "/runs")])


def test_the_page_of_a_template(browser, client, template):
    browser.open(f"/templates/{template['id']}")
    assert "This template has not been run" in browser.text()
    browser.click(f"Edit template {template['name']}")
    browser.enter("Description", "Each night.")
    browser.enter("Tags", "night")
    browser.click("Save")
    browser.until_text("Each night.")
    assert client.read(f"/run_templates/{template['id']}")["resources"]["tags"][0]["name"] == "night"
    browser.settled()
    browser.everywhere("template")
    browser.clean()


def test_an_event_source_shows_its_secret_once(browser, client, world, pages):
    name = world.name("pushes")
    browser.open("/event-sources")
    browser.click("New event source")
    browser.find("dialog[open]")
    browser.enter("Name", name)
    browser.enter("Events of", "Github")
    browser.click("Create")
    browser.until(lambda: len(browser.all("dialog .once code")) == 2)
    address, secret = (n.text for n in browser.all("dialog .once code"))
    made = client.items("/event-sources", name=name)[0]["id"]
    assert address == f"{pages}api/v1/webhooks/{made}" and len(secret) == 12
    browser.everywhere("event-source-secret")
    browser.click("I have kept it")
    browser.until(lambda: browser.find("h1").text == name)
    browser.settled()
    assert secret not in browser.driver.page_source and address in browser.text()

    browser.click("New secret")
    browser.click("Make a new secret")
    browser.until(lambda: len(browser.all("dialog .once code")) == 2 and browser.all("dialog .once code")[1].text != secret)
    browser.click("I have kept it")
    browser.click("Deactivate")
    browser.until_text("Inactive")
    assert not client.read(f"/event-sources/{made}")["body"]["is_active"]
    browser.clean()


def test_a_trigger(browser, client, world, template):
    source = world.event_source()
    account = world.service_account()
    name = world.name("on-push")
    browser.open("/triggers")
    browser.click("New trigger")
    browser.find("dialog[open]")
    browser.enter("Name", name)
    browser.enter("When this event source", source["name"])
    browser.enter("Only this branch", "main")
    browser.enter("Only these events", "Push")
    browser.enter("Run this template", template["name"])
    browser.enter("In the name of", account["name"])
    browser.accessible()
    browser.click("Create")
    browser.until(lambda: browser.find("h1").text == name)
    browser.settled()
    made = client.read("/triggers/" + client.items("/triggers", name=name)[0]["id"])
    assert made["metadata"]["event_filter"] == {"branch": "main", "event_type": "push_event"}
    action = client.read("/actions/" + made["resources"]["action"]["id"])
    assert action["metadata"]["configuration"]["template_id"] == template["id"]
    for text in ("Branch: main", template["name"], account["name"], source["name"], "It has not fired yet"):
        assert text in browser.text()
    browser.everywhere("trigger")

    browser.click(f"Edit trigger {name}")
    browser.enter("Only this branch", "")
    browser.enter("Only this repository", "me/mine")
    browser.click("Save")
    browser.until_text("Repo: me/mine")
    browser.settled()
    assert client.read(f"/triggers/{made['id']}")["metadata"]["event_filter"] == {"repo": "me/mine", "event_type": "push_event"}
    browser.click(source["name"], within="main")
    browser.until(lambda: browser.find("h1").text == source["name"])
    browser.settled()
    assert name in browser.text()
    browser.clean()


def test_an_action_is_changed(browser, client, world, template):
    action = world.action(description="Before.")
    account = world.service_account()
    trigger = world.trigger(action_id=action["id"])
    browser.open(f"/actions?name={action['name']}")
    browser.click(action["name"], within="main")
    browser.until(lambda: browser.find("h1").text == action["name"])
    browser.settled()
    assert trigger["name"] in browser.text()
    browser.click(f"Edit action {action['name']}")
    browser.find("dialog[open]")
    browser.enter("Description", "After.")
    browser.enter("Run this template", template["name"])
    browser.enter("In the name of", account["name"])
    browser.enter("Minutes its runs may sign in", "90")
    browser.click("Save")
    browser.until_text("After.")
    browser.settled()
    now = client.read(f"/actions/{action['id']}")
    assert now["metadata"]["configuration"]["template_id"] == template["id"]
    assert (now["metadata"]["auth_window"], now["resources"]["service_account"]["id"]) == (90, account["id"])
    assert "for 90 min" in browser.text()
    browser.everywhere("action")
    browser.click(trigger["name"], within="main")
    browser.until(lambda: browser.find("h1").text == trigger["name"])
    browser.settled()
    browser.clean()


def test_a_schedule_is_changed(browser, client, world):
    schedule = world.schedule()
    name = world.name("weekly")
    browser.open(f"/schedules?name={schedule['name']}")
    browser.click(f"Edit schedule {schedule['name']}")
    browser.find("dialog[open]")
    browser.enter("Name", name)
    browser.enter("Active", False)
    browser.enter("Cron expression", "")
    browser.everywhere("schedule-edit")
    browser.click("Save")
    browser.until_text("It needs a cron expression")
    browser.enter("Seconds between runs", "3600")
    browser.js("arguments[0].value = '2030-01-02T03:04:05'", browser.control("From"))
    browser.click("Save")
    browser.until(lambda: not browser.all("dialog"))
    browser.open(f"/schedules?name={name}")
    assert "every 1 h 0 min" in browser.text() and "Inactive" in browser.text()
    body = client.read(f"/schedules/{schedule['id']}")["body"]
    start = browser.js("return new Date('2030-01-02T03:04:05').toISOString().slice(0, 19)")  # entered in the reader's zone
    assert (body["active"], body["cron_expression"], body["interval_second"], body["start_time"]) == (False, "", "PT1H", start)
    browser.clean()


def test_a_trigger_that_cannot_be_leaves_no_action(browser, client, world, template):
    world.event_source()
    world.service_account()
    taken = world.trigger()["name"]
    before = client.read("/actions", size=1)["total"]
    browser.open("/triggers")
    browser.click("New trigger")
    browser.find("dialog[open]")
    browser.enter("Name", taken)
    browser.click("Create")
    browser.until(lambda: browser.find("dialog [role=alert]").text)
    assert client.read("/actions", size=1)["total"] == before
    browser.clean(allow=[(409, "/triggers")])


@pytest.fixture(scope="module")
def automatic(request, server_url, workspace_directory):
    """A Kanso of its own whose workloads are the tests', and what is in it."""
    if server_url:
        pytest.skip("needs a Kanso of its own, with a workload manager")
    workloads = Workloads(workspace_directory / "page-workloads")
    kanso = request.getfixturevalue("launch")(
        ZENML_SERVER_SERVER_URL="http://kanso.test:8080", ZENML_SERVER_WORKLOAD_MANAGER_IMPLEMENTATION_SOURCE="kanso.command",
        KANSO_WORKLOAD_COMMAND=str(workloads.program))
    return kanso, World(Api(kanso.url)), workloads


def test_from_an_event_to_the_log_of_its_run(browsers, automatic):
    kanso, world, _ = automatic
    source = world.event_source()
    trigger = world.trigger(event_source_id=source["id"])
    assert ok(deliver(kanso.url, source, github_push()))
    browser = browsers(kanso.url + "/")
    browser.sign_in("default", "pw")
    browser.until(lambda: world.api.read(f"/triggers/{trigger['id']}")["resources"]["executions"]["total"], wait=30)
    run = browser.until(lambda: world.api.items("/runs", template_id=world.template_id), wait=30)[0]
    browser.open(f"/triggers/{trigger['id']}")
    rows = browser.js("return [...document.querySelectorAll('main table')].map(t => [...t.tBodies[0].rows].map(r => [...r.children].slice(0, 2).map(c => c.textContent)))")
    assert len(rows[0]) == 1 and rows[1] == [[run["name"], "Starting"]]
    browser.everywhere("trigger-fired")
    browser.click(run["name"], within="main")
    browser.until_text("Start of the run")
    browser.until(lambda: "a line of the workload" in browser.find("[aria-label='Log of the workload']").text, wait=40)
    browser.everywhere("run-workload")
    browser.clean()


def test_a_template_is_run_and_its_run_shown(browsers, automatic):
    kanso, world, workloads = automatic
    template = world.template()
    browser = browsers(kanso.url + "/")
    browser.sign_in("default", "pw")
    browser.open(f"/templates/{template['id']}")
    browser.click("Run")
    browser.find("dialog[open]")
    browser.enter("Name of the run", "from the page")
    browser.click("Run", css="dialog button")
    browser.until(lambda: browser.find("h1").text == "from the page")
    browser.until_text("Starting pipeline run.")
    run = world.api.items("/runs", name="from the page")[0]
    workload = run["body"]["deployment_id"]
    browser.until(lambda: workloads.calls("run", workload), wait=40)
    workloads.set_state(workload, "failed")
    browser.until(lambda: "it fell over" in browser.find("[aria-label='Log of the workload']").text, "the log is not followed", wait=90)
    browser.until(lambda: "Failed" in browser.find(".page-head").text, wait=30)
    browser.open(f"/templates/{template['id']}")
    assert [n.text for n in browser.all(".listing tbody th")] == ["from the page"]
    browser.clean()
