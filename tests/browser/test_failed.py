"""A run that failed says why at its top; the times of its steps are bars."""

from __future__ import annotations

from kit.factory import step_spec


def test_why_it_failed(browser, client, runs):
    step = next(s for s in client.items(f"/runs/{runs['broken']}/steps") if s["name"] == "divide")
    browser.open(f"/runs/{runs['broken']}")
    browser.until_text("“divide” failed")
    browser.until(lambda: "ZeroDivisionError" in browser.find(".why pre").text, "the log's end is not shown")
    assert "about to divide by zero" in browser.find(".why pre").text
    browser.everywhere("run-why")
    browser.click("The whole log")
    browser.until(lambda: browser.find(".panel h2").text == "divide")
    assert step["id"] in browser.driver.current_url
    browser.clean()


def test_the_first_of_many_and_no_log(browser, world):
    names = [f"part_{i}" for i in range(4)]
    run = world.run({n: step_spec(n) for n in names}, name=world.name("several"), status="failed")
    for n in names:
        world.step(run, n, status="completed" if n == "part_0" else "failed")
    browser.open(f"/runs/{run['id']}")
    browser.until_text("“part_1” failed")
    assert "the first of 3 failed steps, it keeps no logs" in browser.find(".why").text
    assert not browser.find(".why pre").is_displayed()
    browser.clean()


def test_a_run_that_failed_without_a_step(browser, world):
    run = world.run({"load": step_spec("load")}, name=world.name("stopped"), status="failed")
    browser.open(f"/runs/{run['id']}")
    browser.until_text("none of its steps did")
    browser.clean()


def test_only_what_failed_says_why(browser, client, world, runs):
    browser.open(f"/runs/{runs['training']}")
    assert not browser.find(".why").is_displayed()
    run = world.run({"load": step_spec("load")}, name=world.name("failing"), status="running")
    step = world.step(run, "load", status="running")
    browser.open(f"/runs/{run['id']}")
    assert not browser.find(".why").is_displayed()
    end = {"status": "failed", "end_time": "2024-05-06T07:09:11"}
    client.change(f"/steps/{step['id']}", end)
    client.change(f"/runs/{run['id']}", end)
    browser.until(lambda: "“load” failed" in browser.text(), "a run that fails while one looks does not say why", wait=20)
    browser.clean()


def test_the_timeline(browser, client, world):
    """A bar a row, where the step lies in the time of its run; what has not begun has none."""
    names = ["first", "second", "third"]
    run = world.run({n: step_spec(n) for n in names}, name=world.name("timed"), start_time="2024-05-06T07:00:00")
    for n, start, end in (("first", "07:00:00", "07:00:20"), ("second", "07:00:20", "07:01:20"), ("third", "07:01:20", "07:01:40")):
        world.step(run, n, status="completed", start_time=f"2024-05-06T{start}", end_time=f"2024-05-06T{end}")
    client.change(f"/runs/{run['id']}", {"status": "completed", "end_time": "2024-05-06T07:01:40"})
    browser.open(f"/runs/{run['id']}")
    bars = browser.js("return [...document.querySelectorAll('.timeline')].map(n => [n.ariaLabel, n.parentNode.parentNode.firstChild.textContent,"
                      " ...['x', 'width'].map(a => Number(n.querySelector('.bar-of-step').getAttribute(a)))])")
    assert bars == [["From < 1 s to 20 s after the start", "first", 0, 200],
                    ["From 20 s to 1 min 20 s after the start", "second", 200, 600],
                    ["From 1 min 20 s to 1 min 40 s after the start", "third", 800, 200]]
    assert "Timeline of 1 min 40 s" in browser.text()
    browser.everywhere("run-timeline")
    browser.clean()
