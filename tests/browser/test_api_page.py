"""The page of the API at /docs: drawn from the server's own document alone, searchable, linkable, accessible."""

from __future__ import annotations

import json
import os
import shutil
import subprocess

import pytest
import requests
from conftest import serves_pages

METHODS = ("get", "post", "put", "patch", "delete")


@pytest.fixture
def document(server, browser):
    """The OpenAPI document, with its page open."""
    if not serves_pages(server.url):
        pytest.skip("this server does not serve Kanso's pages itself")
    browser.driver.get(browser.origin() + "/docs")
    browser.until(lambda: "operations" in browser.find("#about").text, "the page was not drawn")
    yield requests.get(server.url + "/openapi.json", timeout=30).json()
    browser.blank()


def test_every_operation_and_component_is_there(browser, document):
    operations = [(method.upper(), path) for path, methods in document["paths"].items() for method in METHODS
                  if method in methods]
    shown = browser.js("return [...document.querySelectorAll('summary .method')]"
                       ".map(m => [m.textContent, m.parentNode.querySelector('code').textContent])")
    assert sorted(map(tuple, shown)) == sorted(operations) and len(operations) > 170
    schemas = document["components"]["schemas"]
    assert browser.js("return document.querySelectorAll('section:last-of-type details[data-find]').length") == len(schemas)
    assert f"{len(operations)} operations, {len(schemas)} components" in browser.find("#about").text
    browser.clean()  # and nothing was asked of another host


def test_finding_and_opening(browser, document):
    browser.find("#find").send_keys("get step-configuration")
    browser.until(lambda: len([d for d in browser.all("details[data-find]") if d.is_displayed()]) == 1)
    browser.find("details[data-find]:not([hidden]) summary").click()
    browser.until(lambda: browser.all("details[open] table"))
    opened = browser.find("details[open]").text
    assert "step_id *" in opened and "200" in opened and "404" in opened
    browser.driver.execute_script("location.hash = 'StackRequest'")
    browser.until(lambda: browser.find("#StackRequest").get_attribute("open") is not None)
    browser.until(lambda: "components *" in browser.find("#StackRequest").text)
    browser.clean()


def test_each_operation_says_what_it_does(browser, document):
    said = {o["summary"] for methods in document["paths"].values() for o in methods.values()}
    assert all(text.endswith(".") and len(text) > 10 for text in said) and len(said) > 150
    shown = browser.js("return [...document.querySelectorAll('summary .about')].map(n => n.textContent)")
    assert set(shown) == said
    browser.find("#find").send_keys("temporary ones")
    browser.until(lambda: [d.get_attribute("id") for d in browser.all("details[data-find]") if d.is_displayed()]
                  == ["get_api_v1_service_connectors__connector_id__client"])
    browser.clean()


def show(browser, operation):
    """Opens the box of an operation by its address, as a link from elsewhere does."""
    browser.js("location.hash = arguments[0]", operation)
    return browser.until(lambda: browser.all(f"#{operation}[open] form"))[0]


def test_trying_and_the_same_with_curl(browser, document, client, world):
    tag = world.tag(name=world.name("it's"))
    browser.enter_with(client.token)
    browser.driver.get(browser.origin() + "/docs/#get_api_v1_tags__tag_name_or_id_")
    form = browser.until(lambda: browser.all("#get_api_v1_tags__tag_name_or_id_[open] form"))[0]
    form.find_element("name", "path.tag_name_or_id").send_keys(tag["name"])
    line = form.find_element("css selector", "pre").text
    assert line.startswith('curl -H "Authorization: Bearer $TOKEN" ')
    if shutil.which("curl"):
        answer = subprocess.run(["sh", "-c", line], env={"PATH": os.environ["PATH"], "TOKEN": client.token}, capture_output=True, text=True, timeout=30)
        assert json.loads(answer.stdout)["id"] == tag["id"], line
    form.find_element("css selector", "[type=submit]").click()
    shown = browser.until(lambda: browser.all("[aria-label=Answer]"))[0].text
    assert json.loads(shown)["id"] == tag["id"] and "200" in browser.find("details[open]").text

    form = show(browser, "post_api_v1_tags")
    body = form.find_element("name", "body")
    assert json.loads(body.get_attribute("value")) == {"name": ""}  # what must be given
    name = world.name("tried")
    body.clear()
    body.send_keys(json.dumps({"name": name}))
    form.find_element("css selector", "[type=submit]").click()
    browser.until(lambda: client.items("/tags", name=name))
    browser.accessible()
    browser.clean()


def test_trying_without_a_session(browser, document):
    browser.blank()
    browser.driver.get(browser.origin() + "/docs/#get_api_v1_tags")
    form = browser.until(lambda: browser.all("#get_api_v1_tags[open] form"))[0]
    form.find_element("css selector", "[type=submit]").click()
    browser.until_text("You are not signed in")
    browser.clean(allow=[(401, "/api/v1/tags")])


def test_light_dark_and_small(browser, document):
    browser.driver.execute_script("for (const d of [...document.querySelectorAll('details[data-find]')].slice(0, 12)) d.open = true")
    for theme in ("light", "dark"):
        browser.colours(theme)
        browser.accessible()
        browser.shot(f"api-{theme}")
    browser.size("phone")
    wide = browser.js("return [...document.querySelectorAll('body *')].filter(n => n.getBoundingClientRect().right > innerWidth)"
                      ".slice(0, 5).map(n => n.outerHTML.slice(0, 120))")
    assert not wide
    browser.shot("api-phone")
    browser.size("wide")
    browser.colours("light")
    browser.clean()
