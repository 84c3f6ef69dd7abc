"""Filters, sorting and paging, with a few things and with very many."""

from __future__ import annotations

import os
import time

import pytest


@pytest.fixture(scope="module")
def many_secrets(client, world):
    present = client.read("/secrets", name="startswith:shelf-", size=1)["total"]
    for i in range(present, 60):
        world.secret(name=f"shelf-{i:02}", values={"n": str(i)})
    yield
    for secret in client.items("/secrets", name="startswith:shelf-", size=100):
        client.remove(f"/secrets/{secret['id']}")


def names(browser):
    return [n.text for n in browser.all("tbody th")]


def test_paging_and_sorting(browser, many_secrets):
    browser.open("/secrets?name=shelf-&sort=asc:name")
    assert names(browser) == [f"shelf-{i:02}" for i in range(25)]
    assert "1–25 of 60 secrets" in browser.text() and "Page 1 of 3" in browser.text()
    browser.click("Next page")
    browser.until(lambda: names(browser) == [f"shelf-{i:02}" for i in range(25, 50)])
    browser.click("Last page")
    browser.until(lambda: names(browser) == [f"shelf-{i:02}" for i in range(50, 60)])
    browser.accessible()
    browser.driver.back()
    browser.until(lambda: names(browser)[0] == "shelf-25")
    browser.click("Secret")
    browser.until(lambda: names(browser)[0] == "shelf-59")
    assert browser.find('th[aria-sort="descending"]').text == "Secret"
    assert "Page 1 of 3" in browser.text()
    browser.clean()


def test_filters_keep_the_focus_and_can_be_linked(browser, many_secrets):
    browser.open("/secrets")
    box = browser.control("Name")
    box.click()
    box.send_keys("shelf-1")
    browser.until_text("10 secrets")
    assert browser.js("return document.activeElement.name") == "name"
    box.send_keys("7")
    browser.until_text("1 secret")
    assert names(browser) == ["shelf-17"]
    browser.driver.refresh()
    browser.settled()
    assert browser.control("Name").get_attribute("value") == "shelf-17" and names(browser) == ["shelf-17"]
    browser.control("Name").send_keys("zzz")
    browser.until_text("No secrets match")
    browser.clean()


def test_a_page_beyond_the_end_shows_the_first(browser, many_secrets):
    browser.open("/secrets?name=shelf-&page=99&sort=asc:name")
    browser.until(lambda: names(browser)[:1] == ["shelf-00"])
    browser.clean(allow=[(400, "/secrets")])


def test_runs_by_status_and_pipeline(browser, client, runs):
    browser.open("/runs?status=failed")
    total = client.read("/runs", status="failed", size=1)["total"]
    browser.until_text(f"{total} run")
    assert {n.text for n in browser.all("tbody .status")} == {"Failed"}
    browser.open("/runs")
    browser.enter("Pipeline", "branch")
    browser.until(lambda: names(browser) and all(n.startswith("branches-") for n in names(browser)))
    browser.until(lambda: "…" not in browser.find("table").text, "the durations did not come")
    browser.clean()


def test_very_many_runs(browser, client, world):
    """KANSO_BROWSER_RUNS=20000 makes it the number that was promised; by default it is quick to set up."""
    wanted = int(os.environ.get("KANSO_BROWSER_RUNS", "60"))
    present = client.read("/runs", name="startswith:many-", size=1)["total"]
    if present < wanted:
        deployment = world.deployment()
        for i in range(present, wanted):
            world.run(deployment=deployment["id"], name=f"many-{i:05}", orchestrator_run_id=f"many-{i}",
                      status="completed", end_time="2024-05-06T07:09:11")
    total = client.read("/runs", name="startswith:many-", size=1)["total"]
    pages = -(-total // 25)
    browser.open("/runs?name=many-&sort=asc:name")
    browser.until_text(f"Page 1 of {pages:,}")
    browser.shot("runs-many")
    start = time.monotonic()
    browser.click("Last page")
    browser.until(lambda: names(browser)[-1:] == [f"many-{total - 1:05}"])
    assert time.monotonic() - start < 2, "the last page is slow"
    browser.clean()
    if wanted < 1000:
        for deployment in {r["body"]["deployment_id"] for r in client.items("/runs", name="startswith:many-", size=100)}:
            client.remove(f"/pipeline_deployments/{deployment}")
