"""Numbers of the metadata as columns and charts, runs beside each other, the history of a pipeline."""

from __future__ import annotations

import pytest
from kit.factory import step_spec
from selenium.webdriver.common.keys import Keys
from test_live import module

CODE = "def fit(rate):\n    return train(rate)\n"


@pytest.fixture(scope="module")
def trials(client, world):
    """A pipeline with three runs that differ in what they were given, what came out, the code and how long they took."""
    pipeline = world.pipeline()["id"]
    made = []
    for i, (accuracy, rate) in enumerate(((0.91, 0.1), (0.87, 0.01), (0.95, 0.001))):
        config = {"name": "fit", "parameters": {"rate": rate, "rounds": 10}, "outputs": {}}
        deployment = world.deployment({"fit": step_spec("fit") | {"config": config}}, pipeline=pipeline,
                                      client_environment={"os": "linux", "python_version": f"3.{9 + i}"})["id"]
        run = world.run(deployment=deployment, pipeline=pipeline, name=world.name(f"trial-{i}"), start_time="2024-05-06T07:00:00")
        step = world.step(run, "fit", status="completed", start_time="2024-05-06T07:00:00", end_time=f"2024-05-06T07:0{i}:30",
                          source_code=CODE.replace("train", f"train_{min(i, 1)}"), code_hash=f"hash{min(i, 1)}")
        world.metadata("pipeline_run", run["id"], accuracy=accuracy, **{"loss: total": 1 - accuracy}, losses=[3.0, 2.0, 1.5, 1.25])
        world.metadata("step_run", step["id"], rows=1000)
        client.change(f"/runs/{run['id']}", {"status": ["completed", "failed", "completed"][i], "end_time": f"2024-05-06T07:0{i}:30"})
        made.append(run)
    return {"pipeline": pipeline, "runs": made}


def names(browser):
    return browser.js("return [...document.querySelectorAll('.listing tbody th')].map(n => n.textContent)")


def test_metrics_are_columns_that_sort(browser, trials):
    first, second, third = (run["name"] for run in trials["runs"])
    browser.open(f"/pipelines/{trials['pipeline']}")
    assert "accuracy" not in browser.text()
    browser.find(".metrics input").click()
    browser.until_text("loss: total")
    assert names(browser) == [third, second, first]
    browser.click("accuracy", css="thead a")
    browser.until(lambda: names(browser) == [third, first, second], "not by accuracy, the best first")
    browser.click("accuracy", css="thead a")
    browser.until(lambda: names(browser) == [second, first, third])
    assert browser.find("th[aria-sort]").get_attribute("aria-sort") == "ascending"
    browser.click("loss: total", css="thead a")
    browser.until(lambda: names(browser) == [second, first, third])
    browser.driver.refresh()
    browser.settled()
    assert names(browser) == [second, first, third], "the address does not hold it"
    browser.clean()


def test_a_chart_is_walked_by_keyboard(browser, trials):
    browser.open(f"/pipelines/{trials['pipeline']}?metrics=1")
    browser.until_text("accuracy, oldest run first")
    chart = "main > div > .chart"
    assert len(browser.all(f"{chart} .chart-point")) == 3
    browser.enter("Chart of", "loss: total")
    browser.until_text("loss: total, oldest run first")
    browser.everywhere("metrics")
    browser.js("document.querySelector(arguments[0]).focus()", f"{chart} .chart-field")
    keys = browser.driver.switch_to.active_element
    keys.send_keys(Keys.HOME)
    browser.until(lambda: browser.find(f"{chart} .chart-told").text == f"{trials['runs'][0]['name']}: 0.09")
    keys.send_keys(Keys.ARROW_RIGHT)
    browser.until(lambda: browser.find(f"{chart} .chart-told").text == f"{trials['runs'][1]['name']}: 0.13")
    browser.js("document.querySelector(arguments[0]).open = true", f"{chart} details")
    cells = browser.js("return [...document.querySelectorAll(arguments[0])].map(n => n.textContent)", f"{chart} tbody td.num")
    assert cells == ["0.09", "0.13", "0.05"]
    keys.send_keys(Keys.ENTER)
    browser.until(lambda: trials["runs"][1]["id"] in browser.driver.current_url)
    browser.settled()
    browser.clean()


def test_the_history_of_a_pipeline(browser, trials):
    browser.open(f"/pipelines/{trials['pipeline']}")
    browser.until_text("2 of the last 3 runs succeeded")
    assert [n.get_attribute("class").split("-")[-1] for n in browser.all(".history .chart-bar")] == ["completed", "failed", "completed"]
    browser.everywhere("pipeline-history")
    browser.clean()


def test_runs_are_ticked_and_compared(browser, trials):
    browser.open(f"/pipelines/{trials['pipeline']}")
    for run in trials["runs"][:2]:
        browser.js("document.querySelector(arguments[0]).click()", f"[data-key='tick-{run['id']}']")
    browser.click("Compare 2 runs")
    browser.until(lambda: browser.find("h1").text == "Compare 2 runs")
    browser.settled()
    text = browser.text()
    for shown in ("Parameters", "Metadata", "Durations", "Code", "Environment"):
        assert shown in text
    rows = browser.js("return Object.fromEntries([...document.querySelectorAll('.compared tbody tr')].map(r =>"
                      " [r.firstChild.textContent, [...r.children].slice(1).map(c => c.textContent)]))")
    assert rows["fit › rate differs"] == ["0.1", "0.01"] and rows["fit › rounds"] == ["10", "10"]
    assert rows["accuracy differs"] == ["0.91", "0.87"] and rows["fit › rows"] == ["1000", "1000"]
    assert rows["The whole run differs"] == ["30 s", "1 min 30 s"]
    assert rows["Client › os"] == ["linux", "linux"] and rows["Client › python_version differs"] == ["3.9", "3.10"]
    assert rows["fit differs"] == ["hash0", "hash1"] and rows["Status differs"] == ["Completed", "Failed"]
    browser.everywhere("compare")
    browser.until_text("accuracy, in the order of the columns")
    browser.js("document.querySelector('.chart').scrollIntoView({ block: 'center' })")
    browser.shot("compare-chart")
    keys = browser.js("return [...document.querySelectorAll('[name=chart] option')].map(n => n.value)")
    assert keys == ["accuracy", "fit › rows", "loss: total"]
    browser.enter("Chart of", "loss: total")
    browser.until_text("loss: total, in the order of the columns")
    assert browser.js("return document.activeElement.name") == "chart", "choosing loses the focus"
    browser.js("document.querySelector('.chart details').open = true")
    assert browser.js("return [...document.querySelectorAll('.chart tbody td.num')].map(n => n.textContent)") == ["0.09", "0.13"]
    browser.js("document.querySelector('.chart-field').focus()")
    browser.driver.switch_to.active_element.send_keys(Keys.HOME)
    browser.until(lambda: browser.find(".chart-told").text == f"{trials['runs'][0]['name']}: 0.09")
    browser.js("[...document.querySelectorAll('summary')].find(n => n.textContent.startsWith('fit: from')).click()")
    changed = browser.js("return [...document.querySelectorAll('.diff ins, .diff del')].map(n => n.textContent)")
    assert changed == ["-     return train_0(rate)", "+     return train_1(rate)"]
    browser.find("main label.metrics input").click()
    browser.until(lambda: "rounds" not in browser.text())
    assert "accuracy" in browser.text()
    browser.clean()


def test_comparing_less_than_two_says_how(browser, trials):
    browser.open(f"/compare?ids={trials['runs'][0]['id']}")
    assert "Tick two or more runs" in browser.text()
    browser.clean()


def test_versions_of_models_and_artifacts_have_metrics_too(browser, world):
    model = world.model()["id"]
    artifact = world.artifact()["id"]
    for i, score in enumerate((0.5, 0.9, 0.7)):
        world.metadata("model_version", world.model_version(model)["id"], score=score)
        world.metadata("artifact_version", world.artifact_version(artifact, version=str(i + 1))["id"], score=score)
    for page in (f"/models/{model}", f"/artifacts/{artifact}"):
        browser.open(page + "?metrics=1&sort=desc:~metadata.score")
        assert names(browser) == ["2", "3", "1"], page
        assert len(browser.all(".chart-point")) == 3
        browser.accessible()
    browser.clean()


def test_versions_are_ticked_and_compared(browser, world):
    model = world.model()
    artifact = world.artifact()
    versions = [world.artifact_version(artifact["id"], version=str(i + 1), data_type={"module": "m", "attribute": kind, "type": "user"})
                for i, kind in enumerate(("First", "Second"))]
    both = [world.model_version(model["id"], description=text) for text in ("the one", "the other")]
    for i, score in enumerate((0.5, 0.9)):
        world.metadata("model_version", both[i]["id"], score=score, same=1)
        world.metadata("artifact_version", versions[i]["id"], score=score, same=1)
    for page, things, one, differing in (
            (f"/models/{model['id']}", both, "model version", {"Description differs": ["the one", "the other"]}),
            (f"/artifacts/{artifact['id']}", versions, "artifact version", {"Data type differs": ["First", "Second"]})):
        browser.open(page)
        for thing in things:
            browser.js("document.querySelector(arguments[0]).click()", f"[data-key='tick-{thing['id']}']")
        browser.click("Compare 2 versions")
        browser.until(lambda: browser.find("h1").text == f"Compare 2 {one}s")
        browser.settled()
        rows = browser.js("return Object.fromEntries([...document.querySelectorAll('.compared tbody tr')].map(r =>"
                          " [r.firstChild.textContent, [...r.children].slice(1).map(c => c.textContent)]))")
        assert rows["score differs"] == ["0.5", "0.9"] and rows["same"] == ["1", "1"]
        assert {label: rows[label] for label in differing} == differing
        assert len(browser.all(".chart-point")) == 2
        browser.everywhere(f"compare-{one.split()[0]}s")
        browser.click((model if "model" in one else artifact)["name"], within="main")
        browser.until(lambda: page in browser.driver.current_url, "no way back to the list")
        browser.settled()
    browser.open("/compare?of=model-versions&ids=")
    assert "Tick two or more model versions" in browser.text()
    browser.clean()


def test_a_list_of_numbers_is_a_small_line(browser, trials):
    browser.open(f"/runs/{trials['runs'][0]['id']}")
    line = browser.find(".sparkline")
    assert line.get_attribute("aria-label") == "From 3 to 1.25; least 1.25, most 3"
    assert "4 numbers" in browser.text()
    browser.accessible()
    browser.clean()


@pytest.mark.parametrize("before, after, signs", [
    ("a\nb\nc", "a\nb\nc", "   "), ("a\nb\nc", "a\nc", " - "), ("a\nc", "a\nb\nc", " + "), ("a", "b", "-+"), ("", "a", "-+"),
    ("a\nb\nc\nd", "b\nc\nd\ne", "-   +"),
])
def test_lines_that_differ(visitor, before, after, signs):
    visitor.open("/")
    found = module(visitor, "parts/diff.js", f"return m.diff({before!r}, {after!r})")["x"]
    assert "".join(sign for sign, _ in found) == signs
    assert [line for sign, line in found if sign != "+"] == before.split("\n")
    assert [line for sign, line in found if sign != "-"] == after.split("\n")
