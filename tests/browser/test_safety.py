"""The policy against injected scripts, the budget of the first load, the path prefix, the keyboard."""

from __future__ import annotations

import pytest
import requests
from conftest import serves_pages
from selenium.webdriver.common.keys import Keys

BUDGET = 100_000


def test_an_injected_script_does_not_run(browser):
    browser.open("/")
    ran = browser.driver.execute_async_script("""
        const done = arguments[0];
        let refused = 0;
        document.addEventListener('securitypolicyviolation', () => { refused += 1; });
        const script = document.createElement('script');
        script.textContent = 'window.injected = true';
        document.body.append(script);
        const image = document.createElement('div');
        image.innerHTML = '<img src="data:," onerror="window.injected = true"><p style="color: red">x</p>';
        document.body.append(image);
        setTimeout(() => done([window.injected === true, refused, getComputedStyle(image.querySelector('p')).color === 'rgb(255, 0, 0)']), 300);
    """)
    assert ran[0] is False and ran[1] >= 2 and ran[2] is False
    browser.forget()


def test_the_policy_in_the_headers(server):
    """Beside the one that index.html carries itself."""
    if not serves_pages(server.url):
        pytest.skip("this server does not serve Kanso's pages itself")
    for path in ("/", "/js/app.js", "/css/kanso.css"):
        headers = requests.get(server.url + path, timeout=30).headers
        policy = headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy and "unsafe" not in policy and "http" not in policy, policy
        assert headers["X-Content-Type-Options"] == "nosniff"
    frame = requests.get(server.url + "/frame.html", timeout=30).headers["Content-Security-Policy"]
    assert "sandbox allow-scripts" in frame and "allow-same-origin" not in frame and "connect-src" not in frame


def test_first_load(visitor, client, runs):
    """Everything that the overview needs, with an empty cache, is small, and waits for the API once."""
    browser = visitor
    browser.enter_with(client.token)
    browser.driver.execute_cdp_cmd("Network.clearBrowserCache", {})
    browser.open("/")
    browser.collect()
    pages = [(url, size) for url, size in browser.answers if "/api/" not in url]
    total = sum(size for _, size in browser.answers)
    assert total < BUDGET, f"{total} bytes: {browser.answers}"
    print(f"first load: {sum(size for _, size in pages)} bytes of pages, {total} with the API's answers, {len(browser.answers)} requests")

    calls = browser.js("return performance.getEntriesByType('resource').filter(e => e.name.includes('/api/v1/'))"
                       ".map(e => [e.name, e.startTime, e.responseEnd])")
    # (What is filled in afterwards, the strips of runs by pipeline and who is signed in where, is not waited for.)
    later = ("pipeline_id=", "/settings", "/current-user", "/workspaces?")
    calls = [call for call in calls if not any(part in call[0] for part in later)]
    assert calls
    last_start = max(start for _, start, _ in calls)
    first_end = min(end for _, _, end in calls)
    assert last_start < first_end, f"one request waits for another: {calls}"
    browser.clean()


def test_the_sign_in_form_needs_one_round_trip(visitor):
    visitor.open("/")
    calls = visitor.js("return performance.getEntriesByType('resource').filter(e => e.name.includes('/api/v1/')).map(e => e.name)")
    assert len(calls) == 1, calls
    visitor.clean()


def test_below_a_path(fronts, pages, browsers, client, runs):
    """An outer proxy puts everything below /team/zen; the pages find the API from where they are."""
    front = fronts(pages, "/team/zen")
    browser = browsers(front.url)
    browser.sign_in("default", "pw")
    browser.open(f"/runs/{runs['training']}")
    assert len(browser.all(".node")) > 5
    browser.driver.get(front.url + f"runs/{runs['training']}")
    browser.until(lambda: browser.find("h1").text.startswith("training-"))
    assert browser.driver.current_url.startswith(front.url + "#/runs/")
    version = client.items("/artifact_versions", name="report", size=1)[0]["id"]
    browser.open(f"/artifact-versions/{version}")
    browser.driver.switch_to.frame(browser.find("iframe"))
    browser.until(lambda: "a script ran" in browser.js("return document.body?.innerText ?? ''"))
    browser.driver.switch_to.default_content()
    browser.driver.get(front.url + "devices/verify?device_id=00000000-0000-4000-8000-00000000dead&user_code=ab")
    browser.until(lambda: browser.find("h1").text == "No such device")
    browser.clean(allow=[(404, "/devices/")])
    outside = [u for u in browser.sent.values() if u.startswith(browser.origin()) and not u.startswith(front.url)]
    assert not outside, outside


def press(browser, *keys):
    for key in keys:
        browser.driver.switch_to.active_element.send_keys(key)


def focused(browser):
    return browser.js("const n = document.activeElement; return n.getAttribute('aria-label') ?? n.textContent.trim()")


def test_by_keyboard_alone(browser):
    browser.open("/")
    browser.js("document.activeElement.blur()")
    press(browser, Keys.TAB)
    assert focused(browser) == "Skip to content"
    press(browser, Keys.ENTER)
    assert browser.js("return document.activeElement.id") == "main"
    assert browser.find("h1").text == "Overview", "skipping must not leave the page"

    browser.js("document.querySelector('.brand').focus()")
    for _ in range(20):
        press(browser, Keys.TAB)
        if focused(browser) == "Secrets":
            break
    press(browser, Keys.ENTER)
    browser.until(lambda: browser.find("h1").text == "Secrets")
    browser.until(lambda: focused(browser) == "Secrets" and browser.js("return document.activeElement.tagName") == "H1",
                  "a new page begins at its heading")

    button = next(b for b in browser.all("main button") if b.text == "New secret")
    browser.js("arguments[0].focus()", button)
    press(browser, Keys.ENTER)
    browser.until(lambda: browser.all("dialog[open]"))
    for _ in range(12):
        press(browser, Keys.TAB)
        assert browser.js("return document.activeElement === document.body || document.querySelector('dialog').contains(document.activeElement)"), \
            "the focus leaves the dialog"
    press(browser, Keys.ESCAPE)
    browser.until(lambda: not browser.all("dialog"))
    assert focused(browser) == "New secret", "the focus returns to the button"
    browser.clean()


def test_the_chosen_colours_are_kept(browser):
    browser.open("/")
    paper = "return getComputedStyle(document.body).backgroundColor"
    light = browser.js(paper)
    browser.enter_theme("Dark")
    dark = browser.js(paper)
    assert dark != light
    browser.driver.refresh()
    browser.settled()
    assert browser.js(paper) == dark
    browser.enter_theme("As the system")
    assert browser.js(paper) == light
    browser.clean()
