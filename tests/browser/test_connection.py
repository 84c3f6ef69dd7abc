"""A server that is slow, gone, or back again: the pages say which, and go on."""

from __future__ import annotations

import pytest
from test_live import module


@pytest.fixture
def front(fronts, pages):
    """A proxy before the pages that the test may stop."""
    return fronts(pages, "/front")


@pytest.fixture
def slow(browser):
    """Sets the milliseconds that every answer takes."""
    def set_latency(latency):
        browser.driver.execute_cdp_cmd("Network.enable", {})
        browser.driver.execute_cdp_cmd("Network.emulateNetworkConditions", {
            "offline": latency is None, "latency": latency or 0, "downloadThroughput": -1, "uploadThroughput": -1})
    yield set_latency
    set_latency(0)


def state(browser):
    return browser.js("return document.getElementById('state').innerText")


def test_a_server_that_is_gone_and_comes_back(browsers, front, client, world):
    there = world.run(name=world.name("before"))["name"]
    browser = browsers(front.url)
    browser.enter_with(client.token)
    browser.open("/runs")
    assert state(browser) == ""
    front.stop()
    # A live page notices by itself.
    browser.until(lambda: "Not updated since" in state(browser) and "does not answer" in state(browser), "no banner", wait=40)
    assert browser.find("h1").text == "Runs" and there in browser.text(), "what was there is gone"
    assert len(browser.all("#state p")) == 1
    browser.accessible()
    browser.shot("server-gone")
    new = world.run(name=world.name("while-gone"))["name"]
    front.start()
    browser.until(lambda: state(browser) == "", "the banner stays", wait=20)
    browser.until(lambda: new in browser.text(), "the page did not go on at once", wait=10)
    browser.collect()
    browser.forget()


def test_stopped_workers_are_a_server_that_is_gone(browsers, fronts, pages, client):
    """The pages are still served, but whoever should answer the API is not there: 502."""
    workers = fronts(pages.rstrip("/"))
    browser = browsers(fronts(workers.url).url)
    browser.enter_with(client.token)
    browser.open("/runs")
    workers.stop()
    browser.js("document.dispatchEvent(new Event('visibilitychange'))")
    browser.until(lambda: "Not updated since" in state(browser), "no banner", wait=10)
    browser.js("location.hash = '#/members'")  # its module is served, its data are not
    browser.until_text("Try again")
    assert "does not answer" in state(browser)
    workers.start()
    browser.until(lambda: state(browser) == "", "the banner stays", wait=20)
    browser.click("Try again")
    browser.until(lambda: browser.find("h1").text == "Members")
    browser.collect()
    assert {status for status, url in browser.failed if "/api/" in url} == {502}
    browser.forget()


def test_a_server_without_its_database_is_not_back(browsers, front, client):
    """The workers say that they are well, and 503 to all else: the banner stays without a break until more is answered."""
    browser = browsers(front.url)
    browser.enter_with(client.token)
    browser.open("/account")
    browser.until_text("Signed in as")
    front.stop()
    browser.js("location.hash = '#/members'")  # which then shows an error, and asks nothing more by itself
    browser.until(lambda: "Not updated since" in state(browser), "no banner", wait=10)
    front.configure(more=f"location {front.prefix}/api/ {{ return 503; }}")
    front.start()
    browser.js("window.said = []; new MutationObserver(() => said.push(document.getElementById('state').innerText))"
               ".observe(document.getElementById('state'), { childList: true })")
    browser.js("performance.clearResourceTimings()")
    asked = "return performance.getEntriesByType('resource').filter(e => e.name.includes('/api/v1/info') && e.responseStatus === 503).length"
    browser.until(lambda: browser.js(asked) >= 2, "it is not asked whether the server is back", wait=30)
    assert browser.js("return said") == [], "the banner went, or changed"
    assert "does not answer" in state(browser)
    front.stop()
    front.configure()
    front.start()
    browser.until(lambda: state(browser) == "", "the banner stays", wait=20)
    browser.collect()
    browser.forget()


def test_a_late_answer_is_not_a_server_that_is_back(visitor):
    """What was asked before the server was lost may still come in: the banner stays until something asked since is answered."""
    visitor.open("/")
    found = module(visitor, "connection.js", """
        const says = () => document.getElementById('state').dataset.says;
        const seen = [];
        let backs = 0;
        addEventListener('serverback', () => { backs += 1; });
        const [early, failing] = [m.begin(), m.begin()];
        failing(false);
        seen.push(says());
        early(true);
        seen.push(says());
        m.begin()(null);
        seen.push(says());
        m.begin()(true);
        seen.push(says());
        return [...seen, backs];
    """)["x"]
    assert found == ["gone", "gone", "gone", "", 1]


def test_a_cut_network(browser, slow):
    """Nothing is reached, neither the API nor a file of the pages: what is there stays, and all goes on by itself or when asked."""
    browser.open("/runs")
    slow(None)
    browser.js("document.dispatchEvent(new Event('visibilitychange'))")
    browser.until(lambda: "Not updated since" in state(browser), "no banner", wait=30)
    assert browser.find("h1").text == "Runs"
    browser.js("location.hash = '#/devices'")
    browser.until_text("Try again")
    browser.everywhere("network-cut")
    assert "Not updated since" in state(browser), "the banner went by itself"
    for size in ("wide", "tablet", "phone"):
        browser.size(size)
        assert browser.js("return document.getElementById('state').getBoundingClientRect().bottom <="
                          " document.getElementById('main').firstElementChild.getBoundingClientRect().top"), "the banner hides the page"
        for button in () if size == "wide" else ("search", "menu"):
            assert browser.js("const r = document.getElementById(arguments[0]).getBoundingClientRect();"
                              "return document.elementFromPoint(r.x + r.width / 2, r.y + r.height / 2).closest('button')?.id", button) == button, \
                "the banner hides a button"
    browser.size("wide")
    slow(0)
    browser.until(lambda: state(browser) == "", "the banner stays", wait=30)
    browser.click("Try again")
    browser.until(lambda: browser.find("h1").text == "Devices")
    browser.collect()
    browser.forget()


def test_a_slow_server(browser, slow):
    browser.open("/stacks")
    slow(1500)
    browser.js("location.hash = '#/secrets'")
    browser.until(lambda: browser.find("#progress").is_displayed(), "no progress is shown")
    browser.until(lambda: browser.find("h1").text == "Secrets")
    browser.until(lambda: not browser.find("#progress").is_displayed())

    slow(25000)
    browser.js("location.hash = '#/stacks'")
    browser.until(lambda: "Still waiting" in state(browser), "nothing is said after ten seconds", wait=20)
    browser.shot("server-slow")
    browser.click("Cancel")
    browser.until(lambda: "Cancelled" in browser.find("main").text)
    browser.until(lambda: state(browser) == "")
    slow(0)
    browser.click("Try again")
    browser.until(lambda: browser.find("h1").text == "Stacks")
    browser.collect()
    browser.forget()


@pytest.mark.slow
def test_an_answer_that_never_comes(browser, slow):
    browser.open("/stacks")
    slow(60000)
    browser.js("location.hash = '#/secrets'")
    browser.until(lambda: "longer than 30 seconds" in browser.find("main").text, "the request is not given up", wait=60)
    assert "does not answer" in state(browser)
    slow(0)
    browser.until(lambda: state(browser) == "", wait=20)
    browser.collect()
    browser.forget()
