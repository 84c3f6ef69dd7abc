"""Every page with real data: drawn, quiet, accessible, in light and dark, from phone to wide; hostile names stay text."""

from __future__ import annotations

import pytest
from conftest import HOSTILE


@pytest.fixture(scope="session")
def places(client, runs, world):
    """Addresses of pages with something on them, by name."""
    def first(path, **query):
        return client.items(path, size=1, **query)[0]["id"]

    for name, values in (("warehouse", {"user": "reader", "password": "s3cret"}), (HOSTILE, {"key": HOSTILE})):
        if not client.items("/secrets", name=name):
            world.secret(name=name, values=values)
    if not client.items("/service_accounts", name="ci"):
        account = client.make("/service_accounts", {"name": "ci", "description": "Builds every night", "active": True})
        client.make(f"/service_accounts/{account['id']}/api_keys", {"name": "nightly", "description": HOSTILE})
    if not client.items("/code_repositories", name="on-github"):
        world.code_repository(name="on-github")
    if not client.items("/schedules", name="every-night"):
        world.schedule(name="every-night")
    world.trigger()
    if not client.items("/service_connectors", name="hub"):
        client.make(world.ws + "/service_connectors", world.owned | {
            "name": "hub", "connector_type": "docker", "auth_method": "password", "configuration": {"username": "u", "password": HOSTILE}})
    if not client.items("/pipeline_builds"):
        world.build()
    steps = {step["name"]: step for step in client.items(f"/runs/{runs['training']}/steps")}
    outputs = {name: version["id"] for step in steps.values() for name, version in step["body"]["outputs"].items()}
    model = first("/models", name="forecast")
    for name in ("training", "branches", "broken"):  # changed last, whatever other tests have made: the overview shows ten
        client.change("/pipelines/" + first("/pipelines", name=name), {"description": "Made for the pages."})
    return {
        "overview": "/",
        "pipelines": "/pipelines",
        "pipeline": "/pipelines/" + first("/pipelines", name="training"),
        "runs": "/runs?sort=asc:created&size=100",
        "run": f"/runs/{runs['training']}",
        "run-step": f"/runs/{runs['training']}?step={steps['fit']['id']}",
        "run-artifact": f"/runs/{runs['training']}?artifact={outputs['report']}",
        "run-branches": f"/runs/{runs['branches']}",
        "run-failed": f"/runs/{runs['broken']}",
        "run-hostile": f"/runs/{runs[HOSTILE]}",
        "models": "/models",
        "model": f"/models/{model}",
        "model-version": "/model-versions/" + first(f"/models/{model}/model_versions"),
        "artifacts": "/artifacts?sort=asc:created",
        "artifact": "/artifacts/" + first("/artifacts", name="report"),
        "artifact-html": f"/artifact-versions/{outputs['report']}",
        "artifact-markdown": f"/artifact-versions/{outputs['summary']}",
        "artifact-csv": f"/artifact-versions/{outputs['table']}",
        "stacks": "/stacks",
        "stack": "/stacks/" + first("/stacks", name="default") + "?sort=asc:created",
        "components": "/components",
        "component": "/components/" + first("/components", name="default", type="artifact_store"),
        "connectors": "/connectors",
        "connector": "/connectors/" + first("/service_connectors", name="hub"),
        "secrets": "/secrets",
        "secret": "/secrets/" + first("/secrets", name="warehouse"),
        "members": "/members",
        "service-accounts": "/service-accounts",
        "service-account": "/service-accounts/" + first("/service_accounts", name="ci"),
        "devices": "/devices",
        "templates": "/templates",
        "event-sources": "/event-sources",
        "event-source": "/event-sources/" + world.event_source_id,
        "triggers": "/triggers",
        "actions": "/actions",
        "action": "/actions/" + world.action_id,
        "schedules": "/schedules",
        "tags": "/tags",
        "flavors": "/flavors?type=artifact_store",
        "flavor": "/flavors/" + first("/flavors", name="s3", type="artifact_store"),
        "code-repositories": "/code-repositories",
        "code-repository": "/code-repositories/" + first("/code_repositories", name="on-github"),
        "builds": "/builds",
        "build": "/builds/" + first("/pipeline_builds"),
        "deployments": "/deployments",
        "deployment": "/deployments/" + first("/pipeline_deployments", sort_by="asc:created"),
        "audit": "/audit",
        "settings": "/settings",
        "account": "/account",
    }


# What must be on the page, besides its heading.
SHOWN = {
    "overview": ["Latest runs", "training", "branches", "Pipelines", "Completed", "Failed"],
    "pipelines": ["training", "branches", "broken", "Completed"],
    "pipeline": ["training-", "Completed"],
    "runs": ["Duration", "Failed", HOSTILE],
    "run": ["5 steps", "describe", "Duration", "Configuration"],
    "run-step": ["fit", "Logs", "fitted a mean", "train_set", "Code"],
    "run-artifact": ["report, version", "HTMLString"],
    "run-branches": ["8 steps", "double_total"],
    "run-failed": ["Failed", "divide"],
    "run-hostile": [HOSTILE, "hostile_step"],
    "models": ["forecast", "demo"],
    "model": ["Apache-2.0", "demo"],
    "model-version": ["mean_model", "Runs", "Metadata"],
    "artifacts": ["samples", "report"],
    "artifact": ["Data analysis", "HTMLString"],
    "artifact-html": ["Visualisation", "storage_size"],
    "artifact-markdown": ["one mean", HOSTILE],
    "artifact-csv": ["a, b", HOSTILE],
    "stacks": ["default", "Orchestrator"],
    "stack": ["Runs on this stack", "Flavor"],
    "components": ["Artifact store", "local"],
    "component": ["Stacks", "default"],
    "connectors": ["hub", "Docker"],
    "connector": ["Docker username and password/token", "What it reaches", "a secret"],
    "secrets": ["warehouse", HOSTILE],
    "secret": ["Show the values"],
    "members": ["default", "Administrator"],
    "service-accounts": ["ci", "Builds every night"],
    "service-account": ["nightly", HOSTILE],
    "devices": ["Devices"],
    "templates": ["template-", "Run"],
    "event-sources": ["source-", "Github"],
    "event-source": ["api/v1/webhooks/", "Triggers"],
    "triggers": ["trigger-", "Events of Github"],
    "actions": ["action-", "Pipeline run"],
    "action": ["Runs template", "template-", "Triggers"],
    "schedules": ["every-night", "0 5 * * *", "Active"],
    "tags": ["demo", "Used"],
    "flavors": ["s3", "Artifact store"],
    "flavor": ["path *", "must be given", "zenml.integrations.s3"],
    "code-repositories": ["on-github", "Repository"],
    "code-repository": ["zenml.integrations.github", "Configuration"],
    "builds": ["Id", "Created"],
    "build": ["Orchestrator", "repo/image:1"],
    "deployments": ["Id", "Created"],
    "deployment": ["Names of runs", "0.66.0"],
    "audit": ["Audit log", "default", "Created", "Done"],
    "settings": ["Healthy", "0.66.0", "zenml connect --url"],
    "account": ["Administrator", "Change the password"],
}


# Pages of lists, whose columns a lean answer has.
LEAN = {"overview", "pipelines", "pipeline", "runs", "models", "model", "artifacts", "artifact", "stack", "components", "connectors", "secrets",
        "members", "templates", "event-sources", "triggers", "actions", "schedules", "tags", "flavors", "code-repositories", "builds", "deployments"}


@pytest.mark.parametrize("name", SHOWN)
def test_page(browser, places, name):
    browser.open(places[name])
    for text in SHOWN[name]:
        browser.until_text(text)
    asked = browser.js("return performance.getEntriesByType('resource').map(e => e.name).filter(n => n.includes('/api/v1/'))")
    assert asked
    if name in LEAN:
        assert not [url for url in asked if "hydrate=true" in url], "the list is not a lean one"
    assert len(browser.all("h1")) == 1
    browser.everywhere(name)
    assert browser.driver.title.endswith("Kanso") and not browser.driver.title.startswith("owned")
    assert browser.js("return document.querySelectorAll('img[onerror], img[src=x]').length") == 0
    browser.clean()


def test_the_phone_menu(browser):
    browser.size("phone")
    browser.open("/")
    assert not browser.find("#nav").is_displayed()
    browser.click("Menu")
    assert browser.find("#menu").get_attribute("aria-expanded") == "true"
    browser.accessible()
    browser.shot("menu-phone")
    browser.click("Stacks", "nav a")
    browser.until(lambda: browser.find("h1").text == "Stacks")
    assert not browser.find("#nav").is_displayed()
    browser.clean()


@pytest.mark.parametrize("path, what", [("/nowhere", "page"), ("/stacks/%zz", "page")] + [
    (f"/{kind}/{wrong}", what) for kind, what in {
        "runs": "run", "pipelines": "pipeline", "models": "model", "model-versions": "version of a model", "artifacts": "artifact",
        "artifact-versions": "version of an artifact", "stacks": "stack", "components": "component", "secrets": "secret",
        "service-accounts": "service account"}.items() for wrong in ("00000000-0000-4000-8000-00000000dead", "not-an-id")])
def test_what_does_not_exist_is_said_in_words(browser, path, what):
    browser.open(path)
    assert browser.find("h1").text == f"There is no such {what}"
    browser.accessible()
    link = browser.js("return document.querySelector('main a').getAttribute('href')")
    assert link == "#/" if what == "page" else link.startswith("#/" + path.split("/")[1].split("-version")[0])
    browser.clean(allow=[(404, "/api/"), (422, "/api/")])


def test_links_that_the_client_prints_lead_to_the_page(browser, runs, pages):
    """The command line prints addresses without '#'."""
    browser.driver.get(f"{pages}runs/{runs['training']}")
    browser.until(lambda: browser.find("h1").text.startswith("training-"))
    browser.settled()
    browser.clean()
