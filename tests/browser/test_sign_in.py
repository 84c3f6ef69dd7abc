"""Signing in and out, the first activation of a server, the activation of an invited member."""

from __future__ import annotations

import pytest
from kit.factory import step_spec
from kit.servers import PASSWORD, USER


def test_sign_in_and_out(visitor):
    visitor.open("/")
    assert "Sign in to Kanso" in visitor.text()
    visitor.accessible()
    visitor.shot("sign-in")
    visitor.colours("dark")
    visitor.accessible()
    visitor.shot("sign-in-dark")
    visitor.size("phone")
    visitor.shot("sign-in-phone")
    visitor.size("wide")
    visitor.clean()

    visitor.enter("User name", USER)
    visitor.enter("Password", PASSWORD + "x")
    visitor.click("Sign in", "button")
    visitor.until(lambda: visitor.find("[role=alert]").text, "no problem was shown")
    assert visitor.find("h1").text == "Sign in to Kanso"
    visitor.clean(allow=[(401, "/login")])

    visitor.enter("Password", PASSWORD)
    visitor.click("Sign in", "button")
    visitor.until(lambda: visitor.find("h1").text == "Overview")
    visitor.settled()
    cookies = [c for c in visitor.driver.get_cookies() if c["name"].startswith("zenml-server-")]
    assert [(c["httpOnly"], c["sameSite"]) for c in cookies] == [(True, "Lax")]

    visitor.click("Sign out")
    visitor.until(lambda: visitor.find("h1").text == "Sign in to Kanso")
    visitor.driver.refresh()
    visitor.until(lambda: visitor.find("h1").text == "Sign in to Kanso")
    assert not [c for c in visitor.driver.get_cookies() if c["name"].startswith("zenml-server-") and c["value"].strip('"')]
    visitor.clean()


def test_signing_in_leads_to_the_page_that_was_asked_for(visitor):
    visitor.open("/secrets?sort=asc:name")
    assert "Sign in to Kanso" in visitor.text()
    visitor.enter("User name", USER)
    visitor.enter("Password", PASSWORD)
    visitor.click("Sign in", "button")
    visitor.until(lambda: visitor.find("h1").text == "Secrets")
    visitor.settled()
    visitor.clean()


def test_an_ended_session_says_so(browser):
    browser.open("/runs")
    browser.driver.delete_all_cookies()
    browser.js("location.hash = '#/secrets'")
    browser.until_text("Your session has ended")
    browser.accessible()
    browser.shot("session-ended")
    browser.enter("User name", USER)
    browser.enter("Password", PASSWORD)
    browser.click("Sign in", "button")
    browser.until(lambda: browser.find("h1").text == "Secrets")
    browser.settled()
    assert not browser.all("dialog")
    browser.clean(allow=[(401, "/api/v1/")])


def test_a_session_that_ends_on_a_page_goes_on_where_one_was(browser, client):
    """What was typed into a form is kept, and sent once the reader is in again."""
    name = "kept-while-signing-in"
    browser.open("/secrets")
    browser.click("New secret")
    browser.enter("Name", name)
    browser.pair(0, "key", "value")
    browser.driver.delete_all_cookies()
    browser.find("dialog [type=submit]").click()
    browser.until(lambda: browser.all("dialog.entry"))
    browser.js("[...document.querySelectorAll('dialog:not(.entry)')].forEach(d => d.classList.add('under'))")
    entry = browser.find("dialog.entry")
    entry.find_element("name", "username").send_keys(USER)
    entry.find_element("name", "password").send_keys(PASSWORD)
    entry.find_element("css selector", "[type=submit]").click()
    browser.until(lambda: not browser.all("dialog"))
    secret = browser.until(lambda: client.items("/secrets", name=name))[0]["id"]
    assert client.read(f"/secrets/{secret}")["body"]["values"] == {"key": "value"}
    browser.clean(allow=[(401, "/api/v1/")])
    client.remove(f"/secrets/{secret}")


def test_a_session_that_ends_on_a_page_that_follows_a_run(browser, client, world):
    """The page's own question finds it out; once the reader is in again, the page follows on."""
    run = world.run({"load": step_spec("load")}, name=world.name("watched"), status="running")["id"]
    browser.open(f"/runs/{run}")
    browser.until_text("Running")
    browser.driver.delete_all_cookies()
    browser.until(lambda: browser.all("dialog.entry"), "nothing says that the session is over", wait=30)
    browser.everywhere("session-over")
    browser.enter("User name", USER)
    browser.enter("Password", PASSWORD)
    browser.click("Sign in", "button")
    browser.until(lambda: not browser.all("dialog"))
    client.change(f"/runs/{run}", {"status": "completed", "end_time": "2024-05-06T07:09:11"})
    browser.until(lambda: "Completed" in browser.find(".page-head").text, "the page stands still", wait=30)
    browser.clean(allow=[(401, "/api/v1/")])


def test_who_will_not_sign_in_again_gets_the_form(browser):
    browser.open("/runs")
    browser.driver.delete_all_cookies()
    browser.js("location.hash = '#/secrets'")
    browser.until(lambda: browser.all("dialog.entry"))
    browser.js("document.querySelector('dialog.entry').close()")
    browser.until(lambda: browser.find("main h1").text == "Sign in to Kanso")
    browser.clean(allow=[(401, "/api/v1/")])


def test_activating_a_fresh_server(request, server_url, pages_of, browsers):
    if server_url:
        pytest.skip("needs a Kanso of its own, not yet activated")
    fresh = request.getfixturevalue("launch")(ZENML_SERVER_AUTO_ACTIVATE="0")
    browser = browsers(pages_of(fresh))
    activate(browser)


def activate(browser):
    """Goes through the first activation; leaves the browser signed in as the administrator it made."""
    browser.open("/")
    browser.until(lambda: browser.find("h1").text == "Activate this server")
    browser.accessible()
    browser.shot("activate-server")
    browser.enter("Your user name", "first-admin")
    browser.enter("Name of this server", "The workshop")
    browser.enter("Password", "one password")
    browser.enter("Password once more", "another password")
    browser.click("Activate", "button")
    browser.until_text("The two passwords differ")
    browser.enter("Password once more", "one password")
    browser.click("Activate", "button")
    browser.until(lambda: browser.find("h1").text == "Overview")
    browser.until_text("Nothing has run yet")
    browser.shot("overview-empty")
    browser.clean()
    browser.open("/settings")
    assert browser.control("Name of this server").get_attribute("value") == "The workshop"
    browser.open("/activate-server")
    assert "This server is active" in browser.text()
    browser.clean()
    browser.blank()
    browser.sign_in("first-admin", "one password")
    browser.clean()


def test_an_invited_member_activates_the_account(browser, client):
    name = "invited"
    for user in client.items("/users", name=name):
        client.remove(f"/users/{user['id']}")
    browser.open("/members")
    browser.click("Add a member")
    browser.enter("User name", name)
    browser.click("Add")
    browser.until_text(f"Invitation for {name}")
    link = browser.find("dialog .once code").text
    browser.accessible()
    assert link.startswith(browser.root) and "token=" in link
    browser.click("I have kept it")
    browser.settled()
    assert browser.js("return document.body.textContent.includes(arguments[0])", link.split("token=")[1]) is False
    browser.shot("members")

    browser.blank()
    browser.open(link.split("#")[1])
    assert "Welcome" in browser.text()
    browser.accessible()
    browser.shot("activate-user")
    browser.enter("Your name", "Ada Invited")
    browser.enter("Password", "chosen")
    browser.enter("Password once more", "chosen")
    browser.click("Activate my account")
    browser.until(lambda: browser.find("h1").text == "Overview")
    browser.open("/account")
    assert "Member" in browser.text() and browser.control("Your name").get_attribute("value") == "Ada Invited"
    browser.open("/members")
    assert "1 member" in browser.text(), "a member sees only himself"
    assert not browser.js("return [...document.querySelectorAll('main button')].some(b => b.textContent === 'Add a member')")
    browser.open("/settings")
    assert not browser.all("main form"), "a member cannot change the settings"
    browser.clean()

    # The link works once.
    browser.blank()
    browser.open(link.split("#")[1])
    browser.enter("Password", "other")
    browser.enter("Password once more", "other")
    browser.click("Activate my account")
    browser.until_text("has been used")
    browser.clean(allow=[(422, "/activate"), (400, "/activate"), (401, "/activate")])

    # The account's own page: the password is changed with the old one only.
    browser.sign_in(name, "chosen")
    browser.open("/account")
    browser.enter("Current password", "wrong")
    browser.enter("New password", "better")
    browser.enter("New password once more", "better")
    browser.click("Change the password")
    browser.until(lambda: any(n.text for n in browser.all("[role=alert]")))
    browser.enter("Current password", "chosen")
    browser.click("Change the password")
    browser.until_text("The password was changed.")
    browser.clean(allow=[(403, "/current-user")])
    browser.blank()
    browser.sign_in(name, "better")
    browser.clean()
    client.remove(f"/users/{name}")


def test_an_incomplete_invitation_says_so(visitor):
    visitor.open("/activate-user?user=nobody")
    assert "not complete" in visitor.text()
    visitor.clean()
