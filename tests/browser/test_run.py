"""A run's page: its graph, the panel of a step and of an artifact, and how it follows a run that runs."""

from __future__ import annotations

import time

import pytest
from conftest import HOSTILE
from kit.factory import step_spec
from selenium.webdriver.common.keys import Keys


def test_the_graph_is_the_one_the_server_has(browser, client, runs):
    for name in ("training", "branches", "broken"):
        graph = client.read(f"/runs/{runs[name]}/graph")
        browser.open(f"/runs/{runs[name]}")
        assert browser.nodes() == sorted(n["id"] for n in graph["nodes"])
        assert len(browser.all(".edges path")) == len(graph["edges"])
        for node in graph["nodes"]:
            if node["type"] == "step":
                label = browser.js("return document.querySelector(`[data-node='${arguments[0]}']`).ariaLabel", node["id"])
                assert node["data"]["name"] in label and node["data"]["status"] in label
        # An edge leads downwards, so who reads stands below who writes; and no two boxes overlap.
        top = browser.js("return Object.fromEntries([...document.querySelectorAll('.node')].map(n =>"
                         " { const r = n.querySelector('rect').getBoundingClientRect();"
                         " return [n.dataset.node, [r.left, r.top, r.right, r.bottom]] }))")
        for edge in graph["edges"]:
            assert top[edge["source"]][3] < top[edge["target"]][1]
        boxes = list(top.values())
        for i, a in enumerate(boxes):
            for b in boxes[i + 1:]:
                assert a[2] <= b[0] or b[2] <= a[0] or a[3] <= b[1] or b[3] <= a[1], "two nodes overlap"
    browser.clean()


def test_steps_stand_in_the_order_of_the_graph(browser, world):
    """Its layers from the top, then names as people sort them, whenever the steps were made: here within a second."""
    names = [f"part_{i}" for i in (10, 9, 1, 2, 11)]
    run = world.run({name: step_spec(name) for name in ["end", *names, "first"]}, name=world.name("ordered"))
    made = {name: world.artifact_version()["id"] for name in ["first", *names]}
    world.step(run, "end", status="completed", inputs={name: made[name] for name in names})
    for name in names:
        world.step(run, name, status="completed", inputs={"x": made["first"]}, outputs={"output": made[name]})
    world.step(run, "first", status="completed", outputs={"output": made["first"]})
    browser.open(f"/runs/{run['id']}")
    rows = browser.js("return [...document.querySelectorAll('tbody th')].map(n => n.textContent)")
    assert rows == ["first", "part_1", "part_2", "part_9", "part_10", "part_11", "end"]
    left = browser.js("return [...document.querySelectorAll('.node.step')].map(n => [n.querySelector('.name').textContent,"
                      " n.getBoundingClientRect().left]).filter(([n]) => n.startsWith('part_')).sort((a, b) => a[1] - b[1]).map(([n]) => n)")
    assert left == ["part_1", "part_2", "part_9", "part_10", "part_11"]
    browser.clean()


def test_what_was_made_in_one_second_stands_in_the_order_it_was_made(browser, world):
    """In lists of runs and of artifact versions, newest first and the reverse."""
    pipeline = world.pipeline()["id"]
    deployment = world.deployment(pipeline=pipeline)["id"]
    runs = [world.run(deployment=deployment, pipeline=pipeline, status="completed")["name"] for _ in range(8)]
    artifact = world.artifact()["id"]
    versions = [world.artifact_version(artifact, version=str(n))["body"]["version"] for n in (3, 1, 4, 15, 9, 2, 6)]
    for page, made in ((f"/pipelines/{pipeline}", runs), (f"/artifacts/{artifact}", versions)):
        browser.open(page)
        rows = "return [...document.querySelectorAll('.listing tbody th')].map(n => n.textContent)"
        assert browser.js(rows) == made[::-1]
        browser.open(page + "?sort=asc:created")
        browser.until(lambda: browser.js(rows) == made)
    browser.clean()


def test_artifacts_can_be_left_out(browser, client, runs):
    graph = client.read(f"/runs/{runs['branches']}/graph")
    steps = [n["id"] for n in graph["nodes"] if n["type"] == "step"]
    browser.open(f"/runs/{runs['branches']}")
    browser.find(".graph input[type=checkbox]").click()
    assert browser.nodes() == sorted(steps)
    # seed -> 4 x double -> add -> tidy, double_total
    assert len(browser.all(".edges path")) == 10
    browser.clean()


def test_a_step_by_keyboard(browser, client, runs):
    step = next(s for s in client.items(f"/runs/{runs['training']}/steps") if s["name"] == "fit")
    node = f'[data-node="step_{step["id"]}"]'
    browser.open(f"/runs/{runs['training']}")
    browser.js("document.querySelector(arguments[0]).focus()", node)
    browser.until(lambda: browser.find(node).text.rstrip().endswith(" s"), "the step's duration did not come")
    assert browser.js("return document.activeElement.matches(arguments[0])", node), "drawing anew takes the focus"
    browser.driver.switch_to.active_element.send_keys(Keys.ENTER)
    browser.until_text("fitted a mean")
    assert browser.js("return document.activeElement.textContent") == "fit"
    assert browser.find('.node[aria-current="true"]') == browser.find(node)
    assert "step=" in browser.driver.current_url
    browser.click("train_set", within=".panel")
    browser.until_text("train_set, version")
    browser.until_text("share")
    browser.driver.back()
    browser.until_text("fitted a mean")
    browser.find(".panel .close").click()
    browser.until(lambda: not browser.find(".panel").is_displayed())
    browser.clean()


def test_a_failed_step_shows_why(browser, client, runs):
    step = next(s for s in client.items(f"/runs/{runs['broken']}/steps") if s["name"] == "divide")
    browser.open(f"/runs/{runs['broken']}?step={step['id']}")
    browser.until_text("about to divide by zero")
    browser.until_text("ZeroDivisionError")
    browser.shot("run-failed-step")
    browser.clean()


def test_cached_steps(browser, client, runs):
    cached = next(r for r in client.items("/runs", pipeline_name="training", sort_by="desc:created")
                  if r["id"] != runs["training"])
    browser.open(f"/runs/{cached['id']}")
    browser.until_text("Cached")
    browser.shot("run-cached")
    browser.clean()


def test_html_runs_in_a_sandbox(browser, client, runs):
    version = client.items("/artifact_versions", name="report", size=1)[0]["id"]
    browser.open(f"/artifact-versions/{version}")
    frame = browser.find("iframe")
    assert frame.get_attribute("sandbox") == "allow-scripts"
    browser.driver.switch_to.frame(frame)
    try:
        browser.until(lambda: "a script ran" in browser.js("return document.body.innerText"), "the report's script did not run")
        assert browser.js("return origin") == "null"
        assert browser.js("try { return localStorage.length } catch (e) { return 'refused' }") == "refused"
        assert browser.js("try { return parent.document.title } catch (e) { return 'refused' }") == "refused"
        answer = browser.driver.execute_async_script(
            "const done = arguments[1]; fetch(arguments[0]).then(() => done('answered'), () => done('refused'))",
            browser.root + "api/v1/current-user")
        assert answer == "refused", "a visualisation can reach the network"
    finally:
        browser.driver.switch_to.default_content()
    browser.collect()
    browser.forget()


def test_hostile_texts_stay_text(browser, client, runs):
    step = client.items(f"/runs/{runs[HOSTILE]}/steps")[0]["id"]
    browser.open(f"/runs/{runs[HOSTILE]}?step={step}")
    browser.until(lambda: HOSTILE in browser.find(".logs").text, "the log is not there as text")
    assert HOSTILE in browser.find("h1").text
    assert browser.js("return document.querySelectorAll('main img, main script, main iframe').length") == 0
    assert "owned" != browser.driver.title
    browser.clean()


@pytest.mark.slow
def test_a_running_run_is_followed(browser, client, stock):
    before = client.read("/runs", pipeline_name="slow", size=1)["total"]
    process = stock.flows("slow")
    try:
        run = browser.until(lambda: started(client, before), "the run did not start", wait=60)
        browser.open(f"/runs/{run}")
        browser.until_text("Running")
        assert "Completed" not in browser.find(".page-head").text
        browser.js("window.sameDocument = true")
        browser.until(lambda: len(browser.all(".node.step")) >= 2, "the second step did not appear", wait=40)
        browser.shot("run-running")
        # Logs of a running step grow.
        step = browser.until(lambda: next((s for s in client.items(f"/runs/{run}/steps") if s["name"] == "wait_second"), None), wait=40)
        browser.open(f"/runs/{run}?step={step['id']}")
        browser.until_text("second 1 of 6")

        # Hidden: nothing is asked. In sight again: at once.
        browser.js("Object.defineProperty(document, 'hidden', {configurable: true, get: () => true});"
                   "document.dispatchEvent(new Event('visibilitychange'))")
        browser.until(lambda: quiet(browser, 5), "a hidden page still asks", wait=30)
        assert browser.js(
            "let asked = 0; const real = fetch; window.fetch = (...a) => { asked += 1; return real(...a) };"
            "delete document.hidden; document.dispatchEvent(new Event('visibilitychange'));"
            "window.fetch = real; return asked") > 0, "the page did not wake up"
        browser.until(lambda: "Completed" in browser.find(".page-head").text, "the run did not end on the page", wait=60)
        browser.until_text("second 6 of 6")
        # The log file of a step that has just begun may not exist yet.
        browser.clean(allow=[(404, "/logs")])
    finally:
        stock.end(process)


def started(client, before):
    page = client.read("/runs", pipeline_name="slow", size=1, sort_by="desc:created")
    if page["total"] <= before or not client.items(f"/runs/{page['items'][0]['id']}/steps"):
        return None
    return page["items"][0]["id"]


def asked(browser):
    """How many requests the page has made."""
    count = browser.js("const n = performance.getEntriesByType('resource').length; performance.clearResourceTimings(); return n")
    return count


def quiet(browser, seconds):
    asked(browser)
    time.sleep(seconds)
    return asked(browser) == 0
