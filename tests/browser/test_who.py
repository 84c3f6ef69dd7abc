"""Which server, who, in which workspace; what can be copied; how it fits on a tablet and a phone."""

from __future__ import annotations

import re

import pytest
from kit.factory import step_spec
from kit.servers import Server

LONG = "a_name_that_goes_on_" * 12


def test_who_and_where(browser, client, pages):
    name = client.read("/settings")["body"]["server_name"]
    browser.open("/")
    browser.until_text(f"Signed in as {client.read('/current-user')['name']}")
    foot = browser.find(".who").text
    assert name in foot and re.search(r"Kanso \d+\.\d+\.\d+", foot), foot
    link = browser.js("return [...document.querySelectorAll('.who a')].at(-1).href")
    assert link == pages + "docs/"
    assert browser.find(".theme span").text == "Theme"
    browser.everywhere("who")
    browser.clean()


def test_workspaces_are_switched(browser, client, world):
    other = client.make("/workspaces", {"name": world.name("room"), "description": ""})
    try:
        browser.open("/")
        browser.until(lambda: browser.all(".who select"), "no workspace to choose")
        browser.until(lambda: browser.find(".counts .big").text != "0")
        browser.js("const n = document.querySelector('.who select'); n.value = arguments[0]; n.dispatchEvent(new Event('change'))", other["name"])
        browser.until(lambda: browser.find(".counts .big").text == "0", "the overview counts another workspace")
        browser.accessible()
        browser.driver.refresh()
        browser.settled()
        browser.until(lambda: browser.js("return document.querySelector('.who select')?.value") == other["name"])
        browser.clean()
    finally:
        client.remove(f"/workspaces/{other['name']}")


def copied(browser):
    browser.driver.execute_cdp_cmd("Browser.grantPermissions", {
        "origin": browser.origin(), "permissions": ["clipboardReadWrite", "clipboardSanitizedWrite"]})
    return browser.driver.execute_async_script("const done = arguments[0]; navigator.clipboard.readText().then(done, (e) => done(String(e)))")


def test_commands_and_ids_are_copied(browser, runs, pages):
    browser.open("/settings")
    browser.find(".command .icon-button").click()
    browser.until_text("Text copied")
    assert copied(browser) == f"zenml connect --url {pages.rstrip('/')}"
    browser.open(f"/runs/{runs['training']}")
    browser.click("Copy id")
    browser.until_text("Id copied")
    assert copied(browser) == runs["training"]
    browser.clean()


def test_times_say_their_zone(browser, runs):
    browser.open(f"/runs/{runs['training']}")
    title = browser.find("main time").get_attribute("title")
    zone = browser.js("return new Intl.DateTimeFormat(undefined, { timeZoneName: 'short' }).formatToParts().find(p => p.type === 'timeZoneName').value")
    assert zone in title and re.search(r"\d\d:\d\d", title), title
    browser.clean()


def test_long_names_are_cut_and_can_be_copied(browser, world):
    run = world.run({"load": step_spec("load")}, name=LONG + world.name("x"), status="completed")
    browser.open(f"/runs/{run['id']}")
    heading = browser.find("h1")
    assert heading.get_attribute("title") == run["name"] and heading.size["height"] < 120
    browser.click("Copy name")
    browser.until_text("Name copied")
    assert copied(browser) == run["name"]
    browser.everywhere("name-long")
    browser.open(f"/runs?name={run['name']}")
    link = browser.find("tbody th a")
    assert link.get_attribute("title") == run["name"] and link.size["height"] < 80
    browser.clean()


def test_the_details_are_a_sheet_on_a_phone(browser, client, runs):
    step = next(s for s in client.items(f"/runs/{runs['training']}/steps") if s["name"] == "fit")
    browser.size("phone")
    browser.open(f"/runs/{runs['training']}?step={step['id']}")
    browser.until_text("fitted a mean")
    place = browser.js("const p = document.querySelector('.panel'), r = p.getBoundingClientRect();"
                       " return [getComputedStyle(p).position, innerHeight - r.bottom, r.left, r.width, r.top > 0]")
    assert place == ["fixed", 0, 0, 390, True]
    browser.accessible()
    browser.js("document.querySelector('.panel').scrollTop = 1e6")
    browser.shot("sheet-phone")
    browser.find(".panel .close").click()
    browser.until(lambda: not browser.find(".panel").is_displayed(), "the sheet cannot be closed from below")
    browser.clean()


@pytest.mark.parametrize("size, folded", [("tablet", True), ("narrow", False), ("wide", False)])
def test_the_navigation_is_folded_below_900_pixels(browser, size, folded):
    browser.size(size)
    browser.open("/")
    assert browser.find("#nav").is_displayed() is not folded
    if folded:
        browser.click("Menu")
        browser.until_text("Signed in as")
        browser.accessible()
        browser.shot("menu-tablet")
    browser.clean()


def test_the_first_pipeline(request, browsers, server_url, stock_clients):
    """An empty overview has a whole pipeline to paste, and it runs."""
    if server_url:
        pytest.skip("needs a Kanso of its own, without runs")
    empty: Server = request.getfixturevalue("launch")()
    browser = browsers(empty.url + "/")
    browser.sign_in("default", "pw")
    browser.until_text("Nothing has run yet")
    browser.everywhere("overview-empty")
    text = browser.find(".empty pre").text
    assert f"zenml connect --url {empty.url}" in text
    client = stock_clients()
    client.connect(empty.url)
    code = re.search(r"cat > first\.py <<'END'\n(.*?)\nEND\npython first\.py", text, re.S)
    (client.work / "first.py").write_text(code[1])
    client.end(client.begin("python", "first.py"))
    browser.until_text("Completed")
    browser.clean()
