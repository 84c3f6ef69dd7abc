"""Service connectors: made from a form of what their type takes, asked what they reach, changed, deleted."""

from __future__ import annotations

import json
import time

import pytest
from kit.provider import Provider
from test_live import module

takes = {"seconds": 0}  # of the provider, for letting in
LET_IN = "Basic cmVhZGVyOnMzY3JldA=="  # reader:s3cret


@pytest.fixture(scope="module")
def registry(server_url):
    """Where a registry is that lets in one user with one password."""
    if server_url:
        pytest.skip("needs a Kanso of its own, on this machine")
    provider = Provider()

    def answer(call, _):
        if call.headers.get("authorization") != LET_IN:
            return 401, "{}", {"WWW-Authenticate": 'Basic realm="registry"'}
        time.sleep(takes["seconds"])
        return 200, "{}", {}

    provider.routes["GET /v2/"] = answer
    yield provider.url.removeprefix("http://")
    provider.stop()


@pytest.fixture
def provider_takes():
    """Sets the seconds that the provider takes for letting in."""
    yield lambda seconds: takes.update(seconds=seconds)
    takes["seconds"] = 0


def registered(client, world, registry, **changes):
    """A connector to the registry, as a client makes it."""
    return client.make(world.ws + "/service_connectors", world.owned | {
        "name": world.name("connector"), "connector_type": "docker", "auth_method": "password", "resource_types": ["docker-registry"],
        "configuration": {"username": "reader", "registry": registry}, "secrets": {"password": "s3cret"}} | changes)


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
    browser.enter("Labels", "team=data\nno label")
    browser.everywhere("connector-new")
    browser.click("Create")
    browser.until(lambda: browser.find("dialog .problem").text, "a refusal is not shown")
    browser.until_text("The label “no label” is not of the form key=value.")
    browser.enter("Labels", "team=data\n use = a = b ")
    browser.js("const n = arguments[0]; n.value = '2040-05-06T07:08:09'", browser.control("The credentials end at"))
    browser.click("Create")
    browser.until(lambda: browser.find("dialog .problem").text not in ("", "The label “no label” is not of the form key=value."), "a refusal is not shown")
    assert not client.items("/service_connectors", name=name)
    browser.enter("Password or access token", "s3cret")
    browser.click("Create")
    browser.until(lambda: browser.find("h1").text == name)
    browser.settled()
    made = client.items("/service_connectors", name=name)[0]["id"]
    assert "reader" not in browser.text() and "s3cret" not in browser.driver.page_source
    assert registry in browser.text() and "No component uses this connector" in browser.text()
    assert "team: data, use: a = b" in browser.text() and "The credentials end" in browser.text()
    kept = client.read(f"/service_connectors/{made}")
    assert kept["metadata"]["labels"] == {"team": "data", "use": "a = b"} and kept["body"]["expires_at"].startswith("2040-05-0")

    browser.click("Verify")
    browser.until_text("The provider lets it in")
    assert browser.js("return [...document.querySelectorAll('main .block li')].map(n => n.textContent)") == [registry]
    browser.everywhere("connector")

    browser.click(f"Edit connector {name}")
    browser.find("dialog[open]")
    assert browser.control("Password or access token").get_attribute("value") == "s3cret"
    assert browser.control("Labels").get_attribute("value") == "team=data\nuse=a = b"
    assert browser.control("The credentials end at").get_attribute("value") == "2040-05-06T07:08:09"
    browser.enter("Labels", "")
    browser.js("arguments[0].value = '2041-01-02T03:04:05'", browser.control("The credentials end at"))
    browser.enter("Description", "Ours.")
    browser.enter("Password or access token", "wrong")
    browser.enter("Ask the provider first whether it lets this in", False)
    browser.click("Save")
    browser.until(lambda: not browser.all("dialog"))
    browser.until_text("Ours.")
    browser.settled()
    kept = client.read(f"/service_connectors/{made}")
    assert kept["metadata"]["configuration"]["password"] == "wrong"
    assert kept["metadata"]["labels"] == {} and kept["body"]["expires_at"].startswith("2041-01-0")
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


def test_a_component_is_connected_from_its_page(browser, client, world, registry):
    """The provider is asked whether the connector reaches what the component needs; editing the component keeps it connected."""
    good, bad = registered(client, world, registry), registered(client, world, registry, secrets={"password": "wrong"})
    component = world.component(type="container_registry", flavor="default", configuration={"uri": registry})
    browser.open(f"/components/{component['id']}")
    browser.until_text("Not connected")
    browser.click(f"Connect {component['name']}")
    browser.find("dialog[open]")
    assert browser.control("Resource").get_attribute("value") == registry
    browser.enter("Connector", bad["name"])
    browser.accessible()
    browser.shot("component-connect")
    browser.click("Connect", "dialog button")
    browser.until(lambda: browser.find("dialog .problem").text, "a refusal is not shown")
    browser.enter("Connector", good["name"])
    browser.enter("Resource", "")
    browser.click("Connect", "dialog button")
    browser.until(lambda: not browser.all("dialog"), "the dialog stays")
    browser.until_text("Signs in through")
    browser.settled()

    def kept():
        more = client.read(f"/components/{component['id']}")["metadata"]
        return more["connector"] and more["connector"]["id"], more["connector_resource_id"]

    assert kept() == (good["id"], registry)
    browser.everywhere("component-connected")
    browser.click(f"Edit component {component['name']}")
    browser.find("dialog[open]")
    browser.enter("Name", component["name"] + "-new")
    browser.click("Save")
    browser.until(lambda: browser.find("h1").text == component["name"] + "-new")
    browser.settled()
    assert kept() == (good["id"], registry), "changing the name disconnects it"
    browser.open(f"/connectors/{good['id']}")
    assert component["name"] + "-new" in browser.text()
    browser.open(f"/components/{component['id']}")
    browser.until_text("Signs in through")
    browser.click(f"Disconnect {component['name']}-new")
    browser.click("Disconnect", "dialog button")
    browser.until_text("Not connected")
    assert kept() == (None, None)
    browser.clean()


def test_which_of_several_resources_is_asked(visitor):
    """Of one that the provider shows nothing is asked, of several the reader chooses."""
    visitor.open("/")
    found = module(visitor, "parts/connect.js", """
        const component = { name: 'c' };
        const one = await m.choose(['a'], component);
        const none = await m.choose([], component);
        const asked = m.choose(['a', 'b'], component);
        const select = document.querySelector('dialog select');
        const offered = [...select.options].map((o) => o.value);
        select.value = 'b';
        document.querySelector('dialog form').requestSubmit();
        return [one, none ?? null, offered, await asked];
    """)
    assert found == {"x": ["a", None, ["a", "b"], "b"]}


def test_a_component_whose_flavor_takes_no_connector(browser, client, world):
    component = world.component()
    browser.open(f"/components/{component['id']}")
    assert "Service connector" not in browser.text()
    browser.clean()


def test_a_provider_has_more_time_than_the_server(browser, client, world, registry, provider_takes):
    """The clock of the page goes six times as fast: it gives the server up after 5 s, a provider after 10."""
    connector = registered(client, world, registry)
    browser.open(f"/connectors/{connector['id']}")
    browser.js("const real = setTimeout; window.setTimeout = (f, ms, ...more) => real(f, ms / 6, ...more)")
    provider_takes(6.5)
    browser.click("Verify")
    browser.until(lambda: "The provider lets it in" in browser.text(), wait=30)
    browser.clean()
