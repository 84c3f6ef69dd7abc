"""The page of the API at /docs: drawn from the server's own document alone, searchable, linkable, accessible."""

from __future__ import annotations

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
    assert browser.js("return document.querySelectorAll('section:last-of-type details').length") == len(schemas)
    assert f"{len(operations)} operations, {len(schemas)} components" in browser.find("#about").text
    browser.clean()  # and nothing was asked of another host


def test_finding_and_opening(browser, document):
    browser.find("#find").send_keys("get step-configuration")
    browser.until(lambda: len([d for d in browser.all("details") if d.is_displayed()]) == 1)
    browser.find("details:not([hidden]) summary").click()
    opened = browser.find("details[open]").text
    assert "step_id *" in opened and "200" in opened and "404" in opened
    browser.driver.execute_script("location.hash = 'StackRequest'")
    browser.until(lambda: browser.find("#StackRequest").get_attribute("open") is not None)
    assert "components *" in browser.find("#StackRequest").text
    browser.clean()


def test_light_dark_and_small(browser, document):
    browser.driver.execute_script("for (const d of [...document.querySelectorAll('details')].slice(0, 12)) d.open = true")
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
