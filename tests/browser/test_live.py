"""Pages that stay open: they follow what changes, ask little when nothing does, and say so when they cannot."""

from __future__ import annotations

import time

import pytest
from kit.factory import step_spec


def module(browser, path, script, *arguments):
    """What a script makes of one of the pages' modules, which it sees as `m`."""
    return browser.driver.execute_async_script(
        "const done = arguments[arguments.length - 1];"
        f"import(new URL('js/{path}', location.href.split('#')[0])).then(async (m) => {{ {script} }})"
        ".then((x) => done({x}), (e) => done({e: String(e)}))", *arguments)


@pytest.fixture
def skipping(world):
    """A running run whose third step reads from the first and the second: an edge that passes a layer."""
    names = ["a", "b", "c"]
    run = world.run({name: step_spec(name) for name in names}, name=world.name("skipping"))
    made = [world.artifact_version()["id"] for _ in range(2)]
    a = world.step(run, "a", status="completed", outputs={"output": made[0]})
    b = world.step(run, "b", status="completed", inputs={"x": made[0]}, outputs={"output": made[1]}, parent_step_ids=[a["id"]])
    c = world.step(run, "c", status="running", inputs={"x": made[0], "y": made[1]}, parent_step_ids=[a["id"], b["id"]])
    return {"run": run["id"], "last": c["id"]}


@pytest.mark.parametrize("edges", [
    [["a", "b"], ["b", "c"], ["a", "c"]],
    [["a", "b"], ["b", "c"], ["c", "d"], ["a", "d"], ["a", "c"]],
    [["a", "b"], ["b", "a"]],
    [["a", "a"], ["a", "nowhere"]],
], ids=["skips-one", "skips-two", "cycle", "to-itself-and-nowhere"])
def test_the_layout_leaves_its_input_alone(visitor, edges):
    visitor.open("/")
    found = module(visitor, "parts/layout.js", """
        const nodes = [...'abcd'].map((id) => ({ id, width: 100, height: 40 }));
        const edges = arguments0.map(([source, target]) => ({ source, target }));
        const before = JSON.stringify([nodes, edges]);
        for (const x of [nodes, edges, ...nodes, ...edges]) Object.freeze(x);
        const plan = m.layout(nodes, edges);
        return [before, JSON.stringify([nodes, edges]), plan.edges.length];
    """.replace("arguments0", str(edges).replace("'", '"')))
    assert "e" not in found, found
    before, after, drawn = found["x"]
    assert before == after
    assert drawn == sum(a != b and b != "nowhere" for a, b in edges)


def test_a_run_whose_edges_skip_a_layer_is_followed(browser, client, skipping):
    browser.open(f"/runs/{skipping['run']}")
    browser.until_text("Running")
    client.change(f"/steps/{skipping['last']}", {"status": "completed", "end_time": "2024-05-06T07:09:11"})
    client.change(f"/runs/{skipping['run']}", {"status": "completed", "end_time": "2024-05-06T07:09:11"})
    browser.until(lambda: "Completed" in browser.find(".page-head").text, "the page stands still", wait=20)
    browser.until(lambda: not browser.all(".node.status-running"), "the graph stands still")
    browser.clean()


def test_a_run_that_has_ended_is_asked_for_once_a_round(browser, runs):
    """And nothing is drawn anew while nothing changes."""
    browser.open(f"/runs/{runs['training']}")
    browser.until(lambda: any(t.text.endswith(" s") for t in browser.all("td.num")), "the durations did not come")
    node = browser.find(".node")
    browser.js("performance.clearResourceTimings()")
    calls = []
    browser.until(lambda: calls.extend(browser.js(
        "const seen = performance.getEntriesByType('resource').filter(e => e.name.includes('/api/')).map(e => [e.name, e.decodedBodySize]);"
        "performance.clearResourceTimings(); return seen")) or calls, "the page never asks again", wait=40)
    time.sleep(1)
    calls += browser.js("return performance.getEntriesByType('resource').filter(e => e.name.includes('/api/')).map(e => [e.name, e.decodedBodySize])")
    assert len(calls) == 1 and calls[0][1] < 4000, calls
    assert node.is_displayed(), "the graph was drawn anew"
    browser.clean()


def test_a_repeated_task_forgives_only_the_server(browser):
    browser.open("/")
    found = module(browser, "router.js", """
        const { ApiError } = await import(new URL('js/api.js', location.href.split('#')[0]));
        const page = new m.Page(document.createElement('main'), '/', {}, new URLSearchParams());
        const errors = [new ApiError(503, '', 'busy'), new ApiError(0, '', 'gone'), new TypeError('a fault'), null];
        const seen = [];
        addEventListener('error', (event) => { seen.push(event.message); event.preventDefault(); }, { once: true });
        let turns = 0;
        page.every(10, async () => { turns += 1; const e = errors.shift(); if (e) throw e; });
        await new Promise((resolve) => setTimeout(resolve, 400));
        page.leave();
        return { turns, seen };
    """)
    # The third error, the pages' own, ends it. (The browser keeps its text from a script that the test brought.)
    assert found["x"]["turns"] == 3 and len(found["x"]["seen"]) == 1, found
    browser.clean()
