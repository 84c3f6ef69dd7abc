"""Moving about: back and forth in the history, the details of a run by keyboard, what the overview keeps in view."""

from __future__ import annotations

import pytest
from kit.factory import step_spec
from selenium.webdriver.common.keys import Keys
from test_live import module


@pytest.mark.parametrize("page, button", [("/secrets", "New secret"), ("/members", "Add a member"), ("/stacks", "New stack"),
                                          ("/service-accounts", "New service account"), ("/components", "New component"),
                                          ("/triggers", "Search/")])
def test_going_back_leaves_a_dialog(browser, page, button):
    browser.open("/runs")
    browser.js("location.hash = arguments[0]", "#" + page)
    browser.until(lambda: browser.find("h1").text != "Runs")
    browser.click(button)
    browser.until(lambda: browser.all("dialog[open]"))
    browser.driver.back()
    browser.until(lambda: browser.find("h1").text == "Runs")
    assert not browser.all("dialog"), "the dialog stands over another page"
    browser.clean()


def test_going_back_finds_the_place_again(browser, world):
    for _ in range(30):
        world.run(name=world.name("scrolled"), status="completed")
    browser.open("/runs?name=scrolled")
    browser.js("scrollTo(0, 200)")
    browser.until(lambda: browser.js("return scrollY") == 200)
    link = browser.js("return [...document.querySelectorAll('tbody th a')].find(a => a.getBoundingClientRect().top > 100)")
    link.click()
    browser.until(lambda: browser.find("h1").text.startswith("scrolled"))
    assert browser.js("return scrollY") == 0, "a new page begins at its top"
    browser.driver.back()
    browser.until(lambda: browser.find("h1").text == "Runs")
    browser.until(lambda: browser.js("return scrollY") == 200, "the place is lost")
    browser.driver.forward()
    browser.until(lambda: browser.find("h1").text.startswith("scrolled"))
    browser.until(lambda: browser.js("return scrollY") == 0)
    browser.clean()


def focused(browser):
    return browser.js("return document.activeElement.closest('.panel') ? 'panel' : document.activeElement.textContent.trim()")


@pytest.mark.parametrize("closing", ["Escape", "button"])
def test_closing_the_details_gives_the_focus_back(browser, client, runs, closing):
    step = next(s for s in client.items(f"/runs/{runs['training']}/steps") if s["name"] == "split")
    browser.open(f"/runs/{runs['training']}")
    browser.until(lambda: any(t.text.endswith(" s") for t in browser.all("td.num")))
    browser.js("[...document.querySelectorAll('.node.step')].find(n => n.dataset.node.endsWith(arguments[0])).focus()", step["id"])
    browser.driver.switch_to.active_element.send_keys(Keys.ENTER)
    browser.until(lambda: focused(browser) == "panel", "the details have no focus")
    browser.settled()
    if closing == "Escape":
        browser.driver.switch_to.active_element.send_keys(Keys.ESCAPE)
    else:
        browser.js("document.querySelector('.panel .close').focus()")
        browser.driver.switch_to.active_element.send_keys(Keys.ENTER)
    browser.until(lambda: not browser.find(".panel").is_displayed())
    assert "step=" not in browser.driver.current_url
    assert focused(browser).startswith("split"), focused(browser)
    browser.clean()


def test_a_run_that_goes_on_leaves_the_focus(browser, client, world):
    run = world.run({name: step_spec(name) for name in "ab"}, name=world.name("focus"))
    a = world.step(run, "a", status="running")
    browser.open(f"/runs/{run['id']}")
    browser.settled()
    browser.js("document.querySelector('tbody th a').focus()")
    world.step(run, "b", status="running")
    client.change(f"/steps/{a['id']}", {"status": "completed", "end_time": "2024-05-06T07:09:11"})
    browser.until(lambda: len(browser.all("tbody tr")) == 2, wait=20)
    assert focused(browser) == "a"
    browser.clean()


def test_recent_runs_are_those_of_each_pipeline(browser, world):
    """However many runs other pipelines have had since."""
    quiet, busy = (world.pipeline(name=world.name(n))["id"] for n in ("quiet", "busy"))
    old = [world.run(deployment=world.deployment(pipeline=quiet)["id"], pipeline=quiet, status=s)["id"] for s in ("completed", "failed")]
    deployment = world.deployment(pipeline=busy)["id"]
    many = [world.run(deployment=deployment, pipeline=busy, status="completed")["id"] for _ in range(24)]
    browser.open("/")
    marks = lambda p: browser.js("return [...document.querySelectorAll(`[data-strip='${arguments[0]}'] a`)].map(a => a.href.split('/').pop())", p)
    browser.until(lambda: marks(quiet) == old, "a pipeline that has runs shows none")
    browser.until(lambda: marks(busy) == many[-12:])
    browser.clean()


@pytest.mark.parametrize("text, link, rest", [
    ("see [a](https://x.org/Kanso_(design)) there", "https://x.org/Kanso_(design)", "see a there"),
    ("[a](https://x.org/f(g(x)))", "https://x.org/f(g(x))", "a"),
    ("([a](https://x.org/b))", "https://x.org/b", "(a)"),
    ('[a](https://x.org/b "its title").', "https://x.org/b", "a."),
    ("![a](https://x.org/b.png)", "https://x.org/b.png", "a"),
    ("[a](javascript:alert(1))", None, "a"),
    ("[a](https://x.org/b) (c) [d](e", "https://x.org/b", "a (c) [d](e"),
])
def test_addresses_in_markdown(visitor, text, link, rest):
    visitor.open("/")
    found = module(visitor, "parts/visual.js", """
        const p = document.createElement('p');
        p.append(...m.inline(TEXT));
        return [p.textContent, p.querySelector('a')?.href ?? null];
    """.replace("TEXT", repr(text)))
    assert found == {"x": [rest, link]}
