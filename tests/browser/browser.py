"""A headless Chromium with the questions the tests ask of it: what failed, what is on the screen, is it accessible."""

from __future__ import annotations

import base64
import json
import os
import time
import urllib.request
from pathlib import Path

from selenium import webdriver
from selenium.common.exceptions import JavascriptException, StaleElementReferenceException
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import Select

WAIT = float(os.environ.get("KANSO_BROWSER_WAIT", "15"))
SIZES = {"wide": (1440, 950), "narrow": (900, 900), "tablet": (820, 1180), "phone": (390, 844)}


class Browser:
    """Wraps a Selenium driver; `root` is the address of the pages, with a slash at its end."""

    def __init__(self, root, axe, screens):
        options = webdriver.ChromeOptions()
        for flag in ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
                     "--hide-scrollbars", "--force-color-profile=srgb", "--lang=en-GB"):
            options.add_argument(flag)
        options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
        service = webdriver.ChromeService(executable_path=os.environ.get("CHROMEDRIVER", "/usr/bin/chromedriver"))
        self.driver = webdriver.Chrome(options=options, service=service)
        self.driver.set_script_timeout(max(120, 4 * WAIT))  # axe-core reads the page of the whole API for a while on a busy machine
        self.root = root
        self.axe = axe
        self.screens = Path(screens)
        self.sent = {}  # request id -> URL
        self.failed = []  # (status or error, URL)
        self.foreign = []  # requests to other origins
        self.answers = []  # (URL, bytes on the wire)
        self.messages = []  # console messages that are errors
        self.size("wide")

    def close(self):
        self.driver.quit()

    # What the page looks like

    def size(self, name):
        width, height = SIZES[name]
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", {
            "width": width, "height": height, "deviceScaleFactor": 1, "mobile": False})

    def colours(self, theme):
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {
            "features": [{"name": "prefers-color-scheme", "value": theme},
                         {"name": "prefers-reduced-motion", "value": "reduce"}]})

    def shot(self, name):
        self.screens.mkdir(parents=True, exist_ok=True)
        shot = self.driver.execute_cdp_cmd("Page.captureScreenshot", {"format": "png"})
        (self.screens / f"{name}.png").write_bytes(base64.b64decode(shot["data"]))

    def everywhere(self, name):
        """The page as it is now, light and dark, wide, on a tablet and on a phone: accessible, and nothing sticks out."""
        for theme in ("light", "dark"):
            self.colours(theme)
            for size in ("wide", "tablet", "phone"):
                self.size(size)
                self.accessible()
                self.shot("-".join([name, *([theme] if theme == "dark" else []), *([size] if size != "wide" else [])]))
                assert self.js("return document.documentElement.scrollWidth <= innerWidth"), f"the window scrolls sideways: {size}"
        self.colours("light")
        self.size("wide")

    # Who is at it

    def blank(self):
        """A visitor who has never been here: no cookie, nothing stored, no page open."""
        self.driver.get("about:blank")
        self.driver.execute_cdp_cmd("Network.clearBrowserCookies", {})
        self.driver.execute_cdp_cmd("Storage.clearDataForOrigin", {"origin": self.origin(), "storageTypes": "all"})
        self.colours("light")
        self.forget()

    def enter_with(self, token):
        """Signs in without the form: the cookie that a sign-in sets, and the pages' own note of it."""
        # (A document of this origin that names its icon: for one that does not, Chromium asks for /favicon.ico, now or later.)
        self.driver.get(self.root)
        with urllib.request.urlopen(self.root + "api/v1/info", timeout=30) as answer:
            info = json.load(answer)
        self.driver.add_cookie({"name": f"zenml-server-{info['id']}", "value": token, "path": "/",
                                "httpOnly": True, "sameSite": "Lax"})
        self.js("localStorage.setItem('kanso.session', '1')")
        self.driver.get("about:blank")
        self.forget()

    # Going places and waiting

    def open(self, path="/"):
        """Opens an address of the pages such as '/runs' and waits until it is drawn."""
        before = self.driver.current_url
        self.driver.get(self.root + "#" + path)
        if self.driver.current_url == before:
            self.driver.refresh()
        return self.settled()

    def settled(self):
        """Waits until the view is drawn and says what is in it."""
        self.until(lambda: self.js(
            "const m = document.getElementById('main');"
            "return m && !m.querySelector('.loading') && !document.querySelector('[aria-busy=true]')"
            " && m.querySelector('h1') !== null && ![...m.querySelectorAll('.hint')].some(n => n.textContent.startsWith('Loading'))"),
            "the page was not drawn")
        return self.text()

    def until(self, test, problem="it did not happen", wait=WAIT):
        end = time.monotonic() + wait
        while True:
            try:
                found = test()
            except (StaleElementReferenceException, JavascriptException):
                found = None
            if found:
                return found
            if time.monotonic() > end:
                raise AssertionError(f"{problem}; the page says: {self.text()[:600]!r}")
            time.sleep(0.05)

    def until_text(self, text):
        return self.until(lambda: text in self.text(), f"{text!r} did not appear")

    # Looking and acting

    def js(self, script, *args):
        return self.driver.execute_script(script, *args)

    def text(self):
        return self.js("return (document.querySelector('dialog[open]') ?? document.body)?.innerText ?? ''")

    def nodes(self):
        """The ids of the nodes of a run's graph, in one look: the graph may be drawn anew at any time."""
        return self.js("return [...document.querySelectorAll('.node')].map(n => n.dataset.node).sort()")

    def find(self, css):
        return self.until(lambda: self.driver.find_elements(By.CSS_SELECTOR, css), f"no {css}")[0]

    def all(self, css):
        return self.driver.find_elements(By.CSS_SELECTOR, css)

    def control(self, label, scope="dialog[open], main"):
        """The form control that a label names."""
        found = self.js(
            "const [label, scope] = arguments;"
            "const boxes = [...document.querySelectorAll(scope)];"
            "const box = document.querySelector('dialog[open]') ?? boxes.at(-1);"
            "const tag = [...box.querySelectorAll('label')].find(n => n.textContent.trim() === label);"
            "return tag && document.getElementById(tag.htmlFor)", label, scope)
        assert found is not None, f"no field {label!r}"
        return found

    def fill(self, **fields):
        for label, value in fields.items():
            self.enter(label.replace("_", " "), value)

    def enter(self, label, value):
        node = self.control(label)
        if node.tag_name == "select":
            Select(node).select_by_visible_text(value)
        elif node.get_attribute("type") == "checkbox":
            if node.is_selected() != value:
                node.click()
        else:
            node.clear()
            node.send_keys(value)

    def enter_theme(self, name):
        Select(self.find(".theme select")).select_by_visible_text(name)

    def pair(self, row, key, value):
        """Fills a row of key and value in the dialog that is open, and makes it when it is not there."""
        if row == len(self.all("dialog .pair")):
            self.click("Add a row")
        for css, text in (("input", key), ("textarea", value)):
            node = self.all(f"dialog .pair {css}")[row]
            node.clear()
            node.send_keys(text)

    def click(self, text, css="button, a", within=None):
        """Clicks the button or link with this text or label, again when the page draws it anew meanwhile."""
        def clicked():
            node = self.js(
                "const [text, css, within] = arguments;"
                "const box = document.querySelector('dialog[open]') ?? document.querySelector(within ?? 'body');"
                "const found = [...box.querySelectorAll(css)].find(n => n.getAttribute('aria-label') === text || n.textContent.trim() === text);"
                "found?.scrollIntoView({block: 'center'}); return found", text, css, within)
            if node is None:
                return False
            node.click()
            return True
        self.until(clicked, f"no control {text!r}")

    def sign_in(self, user, password):
        self.open("/")
        self.find("main form")
        self.enter("User name", user)
        self.enter("Password", password)
        self.click("Sign in", "button")
        self.until(lambda: self.all("h1") and self.all("h1")[0].text == "Overview", "signing in did not lead to the overview")
        self.settled()

    # What went wrong

    def collect(self):
        """Reads the browser's logs since the last call."""
        for entry in self.driver.get_log("performance"):
            message = json.loads(entry["message"])["message"]
            kind, data = message["method"], message["params"]
            if kind == "Network.requestWillBeSent":
                url = data["request"]["url"]
                self.sent[data["requestId"]] = url
                if not url.startswith((self.origin(), "data:", "blob:", "about:")):
                    self.foreign.append(url)
            elif kind == "Network.responseReceived":
                if data["response"]["status"] >= 400:
                    self.failed.append((data["response"]["status"], data["response"]["url"]))
            elif kind == "Network.loadingFailed" and not data.get("canceled"):
                self.failed.append((data["errorText"], self.sent.get(data["requestId"], "?")))
            elif kind == "Network.loadingFinished":
                url = self.sent.get(data["requestId"], "?")
                self.answers.append((url, data["encodedDataLength"]))
        for entry in self.driver.get_log("browser"):
            if entry["level"] == "SEVERE":
                self.messages.append(entry["message"])

    def origin(self):
        return "/".join(self.root.split("/")[:3])

    def forget(self):
        self.collect()
        self.failed, self.foreign, self.answers, self.messages = [], [], [], []

    def clean(self, allow=()):
        """Fails unless nothing failed: no request, no console error, nothing fetched elsewhere.

        `allow` holds (status, part of the URL) of refusals that the test provoked."""
        self.collect()
        bad = [f for f in self.failed if not any(f[0] == s and part in f[1] for s, part in allow)]
        # Chromium reports each failed request on the console too.
        messages = [m for m in self.messages
                    if not any(f"status of {s} " in m and part in m for s, part in allow)]
        foreign = self.foreign
        self.failed, self.foreign, self.messages = [], [], []
        assert not bad, f"failed requests: {bad}"
        assert not messages, f"console errors: {messages}"
        assert not foreign, f"requests to other hosts: {foreign}"

    def accessible(self):
        """Fails when axe-core finds a violation of WCAG 2.2 AA or of its best practices."""
        if not self.js("return typeof window.axe === 'object'"):
            # Through the debugging protocol: the pages' own policy rightly refuses injected scripts.
            self.driver.execute_cdp_cmd("Runtime.evaluate", {"expression": self.axe})
        found = self.driver.execute_async_script(
            "const done = arguments[0];"
            "axe.run(document, {iframes: false}).then(r => done(r.violations.map(v => [v.id, v.help,"
            " v.nodes.slice(0, 4).map(n => n.html.slice(0, 160))])), e => done([['axe', String(e), []]]))")
        assert not found, f"axe-core: {json.dumps(found, indent=1)}"
