"""An artifact version: where it comes from, who read it, and its visualisations at full size."""

from __future__ import annotations

import pytest
from kit.factory import step_spec
from test_live import module


def output(client, run, step, name):
    found = next(s for s in client.items(f"/runs/{run}/steps") if s["name"] == step)
    return found["body"]["outputs"][name]["id"]


def test_lineage(browser, client, runs):
    version = output(client, runs["training"], "split", "train_set")
    browser.open(f"/artifact-versions/{version}")
    browser.until_text("Made by step split of run training-")
    browser.until_text("Read by step")
    rows = browser.js("return [...document.querySelectorAll('main tbody tr')].map(r => [...r.children].slice(0, 2).map(c => c.textContent))")
    assert ["fit", "train_set"] in rows
    browser.everywhere("lineage")
    browser.click("fit", within="main")
    browser.until(lambda: browser.find(".panel h2").text == "fit")
    assert runs["training"] in browser.driver.current_url
    browser.settled()
    browser.clean()


def test_what_no_step_made_or_read(browser, world):
    browser.open(f"/artifact-versions/{world.artifact_version()['id']}")
    browser.until_text("No step made it")
    browser.until(lambda: "No step has read it" in browser.text() or "Look further" in browser.text())
    browser.clean()


def test_readers_beyond_the_first_page(browser, world):
    version = world.artifact_version()["id"]
    names = [f"other_{i}" for i in range(103)]
    run = world.run({n: step_spec(n) for n in [*names, "reader"]}, status="completed")
    for n in names:
        world.step(run, n, status="completed")
    world.step(run, "reader", status="completed", inputs={"x": version})
    browser.open(f"/artifact-versions/{version}")
    browser.until_text("The first 100 of 104 steps")
    assert "reader" not in browser.text()
    browser.click("Look further")
    browser.until(lambda: [n.text for n in browser.all("main tbody th")] == ["reader"])
    assert "Look further" not in browser.text()
    browser.clean()


@pytest.mark.parametrize("step, name, shown", [("evaluate", "report", "iframe"), ("describe", "table", ".data"), ("describe", "summary", ".markdown")])
def test_full_screen(browser, client, runs, step, name, shown):
    browser.open(f"/artifact-versions/{output(client, runs['training'], step, name)}")
    browser.find(f".visual {shown}")
    browser.click("Full screen")
    browser.until(lambda: browser.js("return document.fullscreenElement?.matches('.visual')"))
    assert browser.find(f".visual {shown}").is_displayed()
    browser.click("Leave full screen")
    browser.until(lambda: browser.js("return !document.fullscreenElement"))
    browser.clean()


def test_a_table_of_data_sorts(browser, client, runs):
    browser.open(f"/artifact-versions/{output(client, runs['training'], 'describe', 'table')}")
    first = "return [...document.querySelectorAll('.data tbody tr')].map(r => r.firstChild.textContent.slice(0, 6))"
    assert browser.js(first)[:2] == ["error", "a, b"]
    browser.click("value", css=".data button")
    assert browser.js(first) == ["a, b", "<img s", "error"], "numbers are not sorted as numbers"
    browser.click("value", css=".data button")
    assert browser.js(first) == ["error", "<img s", "a, b"]
    assert browser.find(".data th[aria-sort]").get_attribute("aria-sort") == "descending"
    assert browser.js("return getComputedStyle(document.querySelector('.data td.num')).textAlign") == "right"
    browser.everywhere("artifact-table")
    browser.clean()


def test_many_rows_scroll_under_their_heads(browser, client):
    browser.open("/artifacts")
    found = module(browser, "parts/data_table.js", """
        const rows = Array.from({ length: 700 }, (_, i) => [String(i), i % 3 ? `n${i}` : '']);
        const node = m.dataTable(['number', 'name'], rows);
        document.getElementById('main').replaceChildren(node);
        const box = node.querySelector('.table-box');
        box.scrollTop = 2000;
        await new Promise(requestAnimationFrame);
        const under = node.querySelector('th').getBoundingClientRect().top - box.getBoundingClientRect().top;
        for (const _ of [1, 2]) node.querySelectorAll('th button')[0].click();
        const highest = node.querySelector('tbody td').textContent;
        node.querySelectorAll('th button')[1].click();
        return [box.scrollTop > 0, Math.abs(under) < 3, node.querySelectorAll('tbody tr').length, highest, node.querySelectorAll('tbody tr')[0].lastChild.textContent];
    """)["x"]
    assert found == [True, True, 500, "699", "n1"]
    assert "500 of 700 rows" in browser.text()
    browser.clean()
