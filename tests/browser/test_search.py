"""Search over everything by name or id, and the filters of the list of runs."""

from __future__ import annotations

import json
from datetime import date, timedelta

import pytest
from conftest import HOSTILE
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.keys import Keys
from test_live import module


def press(browser, *keys):
    actions = ActionChains(browser.driver)
    for key in keys[:-1]:
        actions.key_down(key)
    actions.send_keys(keys[-1])
    for key in keys[:-1]:
        actions.key_up(key)
    actions.perform()


def results(browser):
    return browser.js("return [...document.querySelectorAll('.found a')].map(n => n.textContent)")


@pytest.mark.parametrize("keys", [("/",), (Keys.CONTROL, "k")], ids=["slash", "ctrl-k"])
def test_by_name_with_the_keyboard_alone(browser, client, runs, keys):
    browser.open("/")
    press(browser, *keys)
    browser.find("dialog.search input").send_keys("foreca")
    browser.until(lambda: "forecast" in results(browser), "the model is not found")
    press(browser, Keys.ARROW_DOWN)
    assert browser.js("return document.activeElement.textContent") == results(browser)[0]
    press(browser, Keys.ARROW_UP)
    assert browser.js("return document.activeElement.matches('dialog input')")
    press(browser, Keys.ENTER)
    browser.until(lambda: browser.find("h1").text == "forecast")
    assert not browser.all("dialog")
    browser.settled()
    browser.clean()


def test_everything_is_found(browser, world):
    word = world.name("needle")
    world.pipeline(name=word + "-p")
    world.run(name=word + "-r", status="completed")
    world.model_version(world.model(name=word + "-m")["id"], name=word + "-v")
    world.artifact(name=word + "-a")
    world.stack(name=word + "-s")
    world.component(name=word + "-c")
    world.secret(name=word + "-x")
    world.service_account(name=word + "-sa")
    world.event_source(name=word + "-e")
    world.trigger(name=word + "-t")
    world.schedule(name=word + "-d")
    world.code_repository(name=word + "-cr")
    world.tag(name=word + "-g")
    browser.open("/runs")
    browser.click("Search", css="#search span")
    browser.find("dialog.search input").send_keys(word)
    browser.until_text("14 found")
    headings = browser.js("return [...document.querySelectorAll('.found h3')].map(n => n.textContent)")
    assert headings == ["Pipelines", "Runs", "Models", "Model versions", "Artifacts", "Stacks", "Components", "Secrets", "Service accounts",
                        "Triggers", "Event sources", "Schedules", "Code repositories", "Tags"]
    assert {f"{word}-{x}" for x in ("p", "r", "m", "a", "s", "c", "x", "sa", "e", "t", "d", "cr", "g")} <= set(results(browser))
    browser.everywhere("search")
    browser.clean()


def test_by_id(browser, client, world, runs):
    step = client.items(f"/runs/{runs['training']}/steps")[0]
    version = world.artifact_version()
    browser.open("/")
    for wanted, whole in ((runs["training"], "training-"), (step["id"], step["name"]), (version["id"], version["body"]["artifact"]["name"])):
        press(browser, "/")
        browser.find("dialog.search input").send_keys(wanted[:13])
        browser.until(lambda: any(r.startswith(whole) for r in results(browser)), f"{whole} is not found by its id")
        press(browser, Keys.ENTER)
        browser.until(lambda: wanted in browser.driver.current_url)
        browser.settled()
    browser.clean()


def test_what_is_not_there_and_what_is_hostile(browser, runs):
    browser.open("/")
    press(browser, "/")
    field = browser.find("dialog.search input")
    field.send_keys("no such thing at all")
    browser.until_text("Nothing is called so")
    field.clear()
    field.send_keys(HOSTILE)
    browser.until(lambda: HOSTILE in results(browser))
    assert browser.js("return document.querySelectorAll('dialog img').length") == 0
    press(browser, Keys.ESCAPE)
    browser.until(lambda: not browser.all("dialog"))
    browser.clean()


def test_a_slash_in_a_field_is_a_slash(browser):
    browser.open("/runs")
    browser.control("Name").send_keys("a/b")
    assert browser.control("Name").get_attribute("value") == "a/b" and not browser.all("dialog")
    browser.clean()


def names(browser):
    return browser.js("return [...document.querySelectorAll('.listing tbody th')].map(n => n.textContent)")


def test_runs_are_filtered(browser, client, world):
    word = world.name("sieve")
    stack = world.stack(name=word + "-stack")
    pipeline = world.pipeline()["id"]
    other = world.deployment(pipeline=pipeline, stack=stack["id"])["id"]
    plain = world.deployment(pipeline=pipeline)["id"]
    today, old = date.today(), date(2020, 2, 3)
    for mark, deployment, day, tag in (("a", plain, today, word), ("b", other, today, "x"), ("c", plain, old, "x")):
        world.run(deployment=deployment, pipeline=pipeline, name=f"{word}-{mark}", status="completed", tags=[tag],
                  start_time=f"{day}T12:00:00")
    browser.open(f"/runs?name={word}")
    browser.until_text("3 runs")
    browser.js("document.querySelector('.more-filters summary').click()")
    browser.until(lambda: browser.js("return document.querySelector('[name=stack_id]').options.length") > 1)
    browser.accessible()
    browser.enter("Stack", word + "-stack")
    browser.until(lambda: names(browser) == [f"{word}-b"])
    browser.enter("Stack", "Any")
    browser.enter("Tag", word)
    browser.until(lambda: names(browser) == [f"{word}-a"])
    browser.control("Tag").clear()
    browser.control("Tag").send_keys(" ")
    browser.until_text("3 runs")
    browser.js("const n = arguments[0]; n.value = arguments[1]; n.dispatchEvent(new Event('input', {bubbles: true}))",
               browser.control("From day"), str(today - timedelta(days=2)))
    browser.until(lambda: names(browser) == [f"{word}-b", f"{word}-a"])
    browser.driver.refresh()
    browser.settled()
    assert names(browser) == [f"{word}-b", f"{word}-a"]
    assert browser.control("From day").is_displayed(), "a filter that is on is hidden"
    browser.enter("By", client.read("/current-user")["name"])
    browser.until(lambda: "user_id=" in browser.driver.current_url)
    browser.everywhere("runs-filtered")
    browser.click("Clear filters")
    browser.until(lambda: f"{word}" not in browser.driver.current_url and len(names(browser)) > 3)
    assert browser.js("return document.activeElement.name") == "name"
    browser.clean()


def test_runs_are_filtered_by_what_the_api_has_no_filter_for(browser, world):
    """By model and by metadata, among the newest; the page says so when there are more."""
    word = world.name("kept")
    pipeline = world.pipeline()["id"]
    deployment = world.deployment(pipeline=pipeline)["id"]
    model = world.model()
    version = world.model_version(model["id"])["id"]
    for mark, accuracy, of in (("a", 0.95, version), ("b", 0.8, version), ("c", 0.99, None)):
        run = world.run(deployment=deployment, pipeline=pipeline, name=f"{word}-{mark}", status="completed", **({"model_version_id": of} if of else {}))
        world.metadata("pipeline_run", run["id"], accuracy=accuracy, note="Good" if mark == "a" else "bad")
    browser.open(f"/runs?name={word}")
    browser.js("document.querySelector('.more-filters summary').click()")
    browser.until(lambda: browser.js("return document.querySelector('[name=model]').options.length") > 1)
    browser.enter("Model", model["name"])
    browser.until(lambda: names(browser) == [f"{word}-b", f"{word}-a"])
    browser.until_text("2 of 3 runs")
    browser.enter("Metadata", "accuracy > 0.9")
    browser.until(lambda: names(browser) == [f"{word}-a"])
    browser.enter("Model", "Any")
    browser.until(lambda: names(browser) == [f"{word}-c", f"{word}-a"])
    browser.driver.refresh()
    browser.settled()
    assert names(browser) == [f"{word}-c", f"{word}-a"], "the address does not hold it"
    browser.everywhere("runs-by-metadata")
    browser.enter("Metadata", "nothing of the kind")
    browser.until_text("None of 3 runs match")
    browser.clean()


@pytest.mark.parametrize("text, found", [
    ("x", True), ("y", False), ("x=0.5", True), ("x >= 0.5", True), ("x>0.5", False), ("x<1e3", True), ("x<=0.4", False), ("x=", False),
    ("word=LONG one", True), ("word=long", False), ("word>a", False), ("list=[1,2]", True), ("on=true", True), ("a:b c = 3", True), ("toString", False),
])
def test_what_is_asked_of_metadata(visitor, text, found):
    visitor.open("/")
    script = """
        const map = { x: 0.5, word: 'long one', list: [1, 2], on: true, 'a:b c': 3 };
        return m.wanted(arguments[0])(Object.fromEntries(Object.entries(map).map(([k, value]) => [k, { body: { value } }])));
    """.replace("arguments[0]", json.dumps(text))
    assert module(visitor, "parts/metadata.js", script) == {"x": found}


@pytest.mark.parametrize("page, make", [
    ("/models", lambda world, word: world.model(name=word, tags=[word])),
    ("/artifacts", lambda world, word: world.artifact(name=word, tags=[word])),
    ("/pipelines", lambda world, word: world.pipeline(name=word, tags=[word])),
])
def test_by_tag(browser, world, page, make):
    word = world.name("tagged")
    make(world, word)
    browser.open(f"{page}?tag={word}")
    assert names(browser) == [word]
    browser.open(f"{page}?tag={word}x")
    browser.until_text("Change or clear the filters")
    browser.clean()


def test_the_end_of_a_range_of_days_is_in_it(browser, world):
    word = world.name("range")
    world.run(name=word, status="completed")
    today = str(date.today())
    browser.open(f"/runs?name={word}&from={date(2020, 1, 1)}&until={today}")
    assert names(browser) == [word]
    browser.open(f"/runs?name={word}&until={date.today() - timedelta(days=2)}")
    browser.until_text("No runs match")
    browser.clean()


def test_page_size_and_sorting_here(browser, world):
    pipeline = world.pipeline()["id"]
    deployment = world.deployment(pipeline=pipeline)["id"]
    word = world.name("sized")
    for i in range(27):
        world.run(deployment=deployment, pipeline=pipeline, name=f"{word}-{i:02}", status="completed")
    browser.open(f"/runs?name={word}")
    assert len(names(browser)) == 25 and "Page 1 of 2" in browser.text()
    browser.js("const n = document.querySelector('.size select'); n.value = '50'; n.dispatchEvent(new Event('change'))")
    browser.until(lambda: len(names(browser)) == 27)
    browser.driver.back()
    browser.until(lambda: len(names(browser)) == 25)
    assert browser.find(".size select").get_attribute("value") == "25"
    for column in ("Duration", "Pipeline"):
        browser.click(column, css="thead a")
        browser.until(lambda: len(names(browser)) == 27 and browser.all(f"th[aria-sort] a") and browser.find("th[aria-sort]").text == column)
    browser.clean()
