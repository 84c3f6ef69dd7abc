"""Secrets, members, service accounts and their keys, stacks: what people change on the pages."""

from __future__ import annotations

import json

import pytest
import requests
from conftest import HOSTILE


def asked_for(browser, part):
    browser.collect()
    return [url for url in browser.sent.values() if part in url]


def test_a_secret_from_first_to_last(browser, client):
    for secret in client.items("/secrets", name="startswith:page-secret"):
        client.remove(f"/secrets/{secret['id']}")
    browser.open("/secrets")
    browser.click("New secret")
    browser.enter("Name", "page-secret")
    browser.pair(0, "", "a value")
    browser.click("Create")
    browser.until_text("A value has no key.")
    browser.accessible()
    browser.shot("secret-new")
    browser.pair(0, "token", "abc=def")
    browser.pair(1, "token", "twice")
    browser.click("Create")
    browser.until_text("The key “token” is there twice.")
    browser.pair(1, "html", HOSTILE)
    browser.pair(2, "certificate", "first line\nsecond line")
    masked = "return getComputedStyle(document.querySelector('dialog .pair textarea')).webkitTextSecurity"
    assert browser.js(masked) == "disc"
    browser.click("Show", css="label")
    assert browser.js(masked) == "none"
    browser.click("Create")
    browser.until(lambda: not browser.all("dialog"))
    made = client.items("/secrets", name="page-secret")[0]["id"]
    assert client.read(f"/secrets/{made}")["body"]["values"] == {"token": "abc=def", "html": HOSTILE,
                                                                     "certificate": "first line\nsecond line"}

    browser.open(f"/secrets/{made}")
    assert "abc=def" not in browser.driver.page_source
    assert not asked_for(browser, f"/secrets/{made}"), "the values were fetched before anybody asked"
    browser.click("Show the values")
    browser.until_text("abc=def")
    assert HOSTILE in browser.text()
    browser.accessible()
    browser.click("Hide the values")
    browser.until(lambda: "abc=def" not in browser.driver.page_source)

    browser.click("Edit")
    browser.until(lambda: [n.get_attribute("value") for n in browser.all("dialog .pair input")] == ["certificate", "html", "token"])
    assert browser.js(masked) == "disc"
    browser.pair(3, "extra", "1")
    browser.all("dialog .pair button")[1].click()
    browser.accessible()
    browser.shot("secret-edit")
    browser.click("Save")
    browser.until(lambda: not browser.all("dialog"))
    assert client.read(f"/secrets/{made}")["body"]["values"] == {"token": "abc=def", "extra": "1",
                                                                     "certificate": "first line\nsecond line"}

    browser.settled()
    browser.click("Delete secret page-secret")
    browser.until_text("This cannot be undone")
    browser.accessible()
    browser.shot("secret-delete")
    browser.click("Cancel")
    browser.until(lambda: not browser.all("dialog"))
    assert client.items("/secrets", name="page-secret")
    browser.click("Delete secret page-secret")
    browser.click("Delete", "dialog button")
    browser.until(lambda: browser.find("h1").text == "Secrets")
    assert not client.items("/secrets", name="page-secret")
    browser.clean()


def test_a_refusal_is_shown_in_the_dialog(browser, client, world):
    if not client.items("/secrets", name="warehouse"):
        world.secret(name="warehouse", values={"user": "reader"})
    browser.open("/secrets")
    browser.click("New secret")
    browser.enter("Name", "warehouse")
    browser.pair(0, "a", "b")
    browser.click("Create")
    browser.until(lambda: browser.find("dialog [role=alert]").text, "no problem was shown")
    assert browser.find("dialog .pair textarea").get_attribute("value") == "b", "what was typed is kept"
    browser.clean(allow=[(409, "/secrets")])


def test_members(browser, client):
    for user in client.items("/users", name="page-member"):
        client.remove(f"/users/{user['id']}")
    browser.open("/members")
    browser.click("Add a member")
    browser.enter("User name", "page-member")
    browser.click("Add")
    browser.click("I have kept it")
    browser.settled()
    browser.click("Make admin: page-member")
    browser.click("Make administrator")
    browser.until(lambda: client.read("/users/page-member")["body"]["is_admin"])
    browser.until(lambda: not browser.all("dialog"))
    browser.click("Remove admin: page-member")
    browser.click("Take rights")
    browser.until(lambda: not client.read("/users/page-member")["body"]["is_admin"])
    browser.until(lambda: not browser.all("dialog"))
    browser.click("New invitation: page-member")
    browser.click("Deactivate", "dialog button")
    browser.until_text("Invitation for page-member")
    token = browser.find("dialog .once code").text.split("token=")[1]
    client.change("/users/page-member/activate", {"activation_token": token, "password": "x"})
    browser.click("I have kept it")
    browser.settled()
    browser.click("Delete member page-member")
    browser.click("Delete", "dialog button")
    browser.until(lambda: not client.items("/users", name="page-member"))
    assert not browser.js("return [...document.querySelectorAll('main button')].some(b => /: default$/.test(b.getAttribute('aria-label') ?? ''))"), \
        "nobody can deactivate themselves"
    browser.clean()


def test_a_service_account_and_its_keys(browser, client, server):
    for account in client.items("/service_accounts", name="page-robot"):
        client.remove(f"/service_accounts/{account['id']}")
    browser.open("/service-accounts")
    browser.click("New service account")
    browser.enter("Name", "page-robot")
    browser.enter("Description", HOSTILE)
    browser.click("Create")
    browser.until(lambda: browser.find("h1").text == "page-robot")
    browser.settled()
    assert HOSTILE in browser.text()

    browser.click("New API key")
    browser.enter("Name", "one")
    browser.click("Create")
    browser.until_text("it is not shown again")
    key = browser.find("dialog .once code").text
    browser.accessible()
    browser.shot("api-key")
    browser.click("I have kept it")
    browser.settled()
    assert key.startswith("ZENKEY_") and key not in browser.driver.page_source
    assert works(server, key)

    browser.click("Replace: one")
    browser.enter("Minutes the old key stays good", "0")
    browser.click("Replace", "dialog button")
    browser.until_text("it is not shown again")
    fresh = browser.find("dialog .once code").text
    browser.click("I have kept it")
    browser.settled()
    assert works(server, fresh) and not works(server, key)

    browser.click("Deactivate: one")
    browser.until_text("is inactive now")
    assert not works(server, fresh)
    browser.click("Activate: one")
    browser.until_text("is active now")
    assert works(server, fresh)
    browser.click("Delete API key one")
    browser.click("Delete", "dialog button")
    browser.until_text("No API keys yet")
    assert not works(server, fresh)

    browser.click("Deactivate", "main .actions button")
    browser.until(lambda: not client.read("/service_accounts/page-robot")["body"]["active"])
    browser.settled()
    browser.click("Delete service account page-robot")
    browser.click("Delete", "dialog button")
    browser.until(lambda: browser.find("h1").text == "Service accounts")
    browser.clean()


def works(server, key):
    return requests.post(server.url + "/api/v1/login", data={"password": key}, timeout=60).status_code == 200


def test_a_stack_of_components_that_exist(browser, client):
    for stack in client.items("/stacks", name="page-stack"):
        client.remove(f"/stacks/{stack['id']}")
    browser.open("/stacks")
    browser.click("New stack")
    browser.until(lambda: browser.all("dialog[open]"))
    browser.enter("Name", "page-stack")
    browser.accessible()
    browser.shot("stack-new")
    browser.click("Create")
    browser.until(lambda: client.items("/stacks", name="page-stack"))
    browser.until(lambda: "page-stack" in browser.find("table").text)
    browser.click("page-stack")
    browser.until(lambda: browser.find("h1").text == "page-stack")
    browser.settled()
    browser.click("Delete stack page-stack")
    browser.click("Delete", "dialog button")
    browser.until(lambda: not client.items("/stacks", name="page-stack"))
    browser.clean()


def test_a_model_version_changes_its_stage(browser, client, runs):
    model = client.items("/models", name="forecast")[0]["id"]
    version = client.items(f"/models/{model}/model_versions", size=1)[0]["id"]
    browser.open(f"/model-versions/{version}")
    browser.click("Change stage")
    browser.enter("Stage", "Staging")
    browser.enter("Archive the version that is there now", True)
    browser.click("Change")
    browser.until_text("The stage was changed.")
    assert client.read(f"/model_versions/{version}")["body"]["stage"] == "staging"
    browser.clean()


def test_settings_are_saved(browser, client):
    browser.open("/settings")
    assert "Kanso itself sends none, whatever is chosen here." in browser.text()
    browser.enter("Name of this server", HOSTILE)
    browser.enter("Show updates", False)
    browser.click("Save")
    browser.until_text("The settings were saved.")
    body = client.read("/settings", hydrate="true")["body"]
    assert (body["server_name"], body["display_updates"], body["logo_url"]) == (HOSTILE, False, None)
    client.change("/settings", {"server_name": "default", "display_updates": True})
    browser.clean()


def test_deleting_a_run(browser, client, world):
    run = world.run()
    browser.open(f"/runs/{run['id']}")
    browser.until_text("No step has started yet")
    browser.accessible()
    browser.click(f"Delete run {run['name']}")
    browser.click("Delete", "dialog button")
    browser.until(lambda: browser.find("h1").text == "Runs")
    assert client.get(f"/runs/{run['id']}").status_code == 404
    browser.clean()


def test_writes_carry_what_no_foreign_form_can_send(browser, client):
    """Each write is JSON with a header of the pages' own: a browser sends neither for another site unasked."""
    browser.open("/account")
    browser.driver.get_log("performance")
    browser.enter("Your name", "Default User")
    browser.click("Save")
    browser.until_text("Saved.")
    writes = []
    for entry in browser.driver.get_log("performance"):
        message = json.loads(entry["message"])["message"]
        if message["method"] == "Network.requestWillBeSent" and message["params"]["request"]["method"] not in ("GET", "HEAD"):
            writes.append(message["params"]["request"])
    assert writes
    for write in writes:
        headers = {k.lower(): v for k, v in write["headers"].items()}
        assert headers["content-type"] == "application/json" and headers["source-context"] == "dashboard"
    client.change("/current-user", {"full_name": ""})


@pytest.fixture(autouse=True)
def pause_between_messages(browser):
    yield
    browser.js("document.getElementById('toasts')?.replaceChildren()")
