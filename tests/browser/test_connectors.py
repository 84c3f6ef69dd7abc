"""Service connectors: made from a form of what their type takes, asked what they reach, changed, deleted."""

from __future__ import annotations

import json

import pytest
from kit.provider import Provider

LET_IN = "Basic cmVhZGVyOnMzY3JldA=="  # reader:s3cret


@pytest.fixture(scope="module")
def registry(server_url):
    """Where a registry is that lets in one user with one password."""
    if server_url:
        pytest.skip("needs a Kanso of its own, on this machine")
    provider = Provider()
    provider.routes["GET /v2/"] = lambda call, _: (200, "{}", {}) if call.headers.get("authorization") == LET_IN else (
        401, "{}", {"WWW-Authenticate": 'Basic realm="registry"'})
    yield provider.url.removeprefix("http://")
    provider.stop()


def choose(browser, what):
    browser.open("/connectors")
    browser.click("New connector")
    browser.find("dialog[open]")
    browser.enter("Type", what)
    browser.click("Next")
    browser.until(lambda: browser.find("dialog h2 + form p").text != "", "no form of the type")


def test_a_connector_from_its_form_to_its_end(browser, client, world, registry):
    name = world.name("registry")
    choose(browser, "Docker: Docker username and password/token")
    browser.enter("Name", name)
    browser.enter("Username", "reader")
    browser.enter("Password or access token", "wrong")
    browser.enter("URL of the registry; none is Docker Hub", registry)
    browser.everywhere("connector-new")
    browser.click("Create")
    browser.until(lambda: browser.find("dialog .problem").text, "a refusal is not shown")
    assert not client.items("/service_connectors", name=name)
    browser.enter("Password or access token", "s3cret")
    browser.click("Create")
    browser.until(lambda: browser.find("h1").text == name)
    browser.settled()
    made = client.items("/service_connectors", name=name)[0]["id"]
    assert "reader" not in browser.text() and "s3cret" not in browser.driver.page_source
    assert registry in browser.text() and "No component uses this connector" in browser.text()

    browser.click("Verify")
    browser.until_text("The provider lets it in")
    assert browser.js("return [...document.querySelectorAll('main .block li')].map(n => n.textContent)") == [registry]
    browser.everywhere("connector")

    browser.click(f"Edit connector {name}")
    browser.find("dialog[open]")
    assert browser.control("Password or access token").get_attribute("value") == "s3cret"
    browser.enter("Description", "Ours.")
    browser.enter("Password or access token", "wrong")
    browser.enter("Ask the provider first whether it lets this in", False)
    browser.click("Save")
    browser.until(lambda: not browser.all("dialog"))
    browser.until_text("Ours.")
    browser.settled()
    assert client.read(f"/service_connectors/{made}")["metadata"]["configuration"]["password"] == "wrong"
    browser.click("Verify")
    browser.until_text("The provider refuses it")
    browser.accessible()

    browser.click(f"Delete connector {name}")
    browser.click("Delete", "dialog button")
    browser.until(lambda: browser.find("h1").text == "Connectors")
    assert not client.items("/service_connectors", name=name)
    browser.clean()


def test_a_secret_of_several_lines_and_a_component_that_uses_it(browser, client, world):
    name = world.name("cloud")
    key = json.dumps({"type": "service_account", "project_id": "p", "private_key": "-----BEGIN\nx\n-----END", "private_key_id": "1",
                      "client_email": "a@b.c", "client_id": "1", "auth_uri": "https://a.test", "token_uri": "https://a.test"}, indent=1)
    choose(browser, "GCP: GCP Service Account")
    browser.enter("Name", name)
    browser.enter("For", "GCP GCS bucket")
    browser.enter("Key file of the service account (JSON or its base64)", key)
    browser.enter("Ask the provider first whether it lets this in", False)
    browser.click("Create")
    browser.until(lambda: browser.find("h1").text == name)
    browser.settled()
    made = client.items("/service_connectors", name=name)[0]
    assert made["body"]["resource_types"] == ["gcs-bucket"]
    kept = client.read(f"/service_connectors/{made['id']}")["metadata"]["configuration"]["service_account_json"]
    assert json.loads(kept) == json.loads(key)

    component = world.component(connector=made["id"])
    browser.open(f"/connectors/{made['id']}")
    browser.click(component["name"], within="main")
    browser.until(lambda: browser.find("h1").text == component["name"])
    browser.settled()
    browser.click(name, within="main")
    browser.until(lambda: browser.find("h1").text == name)
    browser.settled()
    browser.open(f"/connectors?name={name}&connector_type=gcp")
    assert browser.js("return [...document.querySelectorAll('.listing tbody th')].map(n => n.textContent)") == [name]
    browser.everywhere("connectors")
    browser.clean()
