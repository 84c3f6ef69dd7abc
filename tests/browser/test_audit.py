"""The audit log: its page finds what was done, for administrators only."""

from __future__ import annotations

from kit.api import Api


def test_who_did_what(browser, client: Api, world) -> None:
    tag = client.make("/tags", {"name": world.name("watched"), "color": "red"})
    client.remove("/tags/" + tag["id"])
    browser.open("/audit?object_name=" + tag["name"])
    browser.until_text("2 entries")
    for text in ("DELETE /tags/", "POST /tags", "Deleted", "Created", "127.0.0.1"):
        browser.until_text(text)
    browser.click(tag["name"])
    browser.until(lambda: f"object={tag['id']}" in browser.driver.current_url)
    browser.until_text("2 entries")
    browser.until(lambda: browser.find("[data-whom=administrators]").is_displayed())
    browser.clean()


def test_others_do_not_read_it(visitor, client: Api, world, server) -> None:
    name = world.name("reader")
    client.make("/users", {"name": name, "password": "p", "is_admin": False})
    visitor.enter_with(Api(server.url, name, "p").token)
    visitor.open("/")
    visitor.until_text("Signed in as " + name)
    visitor.open("/audit")
    visitor.until_text("Only administrators can read the audit log")
    assert not visitor.find("[data-whom=administrators]").is_displayed()
    visitor.clean(allow=[(403, "/api/v1/kanso/audit")])
