"""A step's logs: the end first, everything reachable, whatever characters are in them."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from kit.factory import step_spec
from selenium.webdriver.common.keys import Keys
from test_live import module

# Reads every sample in parts of every size, from its end and from its start, as the server would answer.
EVERY_CUT = r"""
    const utf8 = new TextDecoder('utf-8', { fatal: true });
    const character = (b, i) => {
      const n = b[i] < 0x80 ? 1 : b[i] >= 0xf0 ? 4 : b[i] >= 0xe0 ? 3 : 2;
      try { return i + n <= b.length && [utf8.decode(b.subarray(i, i + n)), n]; } catch { return false; }
    };
    const decode = (b) => {
      let out = '';
      for (let i = 0; i < b.length;) {
        const [text, n] = character(b, i) || ['\ufffd', 1];
        out += text;
        i += n;
      }
      return out;
    };
    const bytes = (...x) => Uint8Array.from(x.flatMap((y) => (typeof y === 'string' ? [...new TextEncoder().encode(y)] : [y])));
    const samples = [bytes(''), bytes('a'), bytes('plain text of some length'), bytes('äöüßéèàñ'.repeat(5)),
      bytes('日本語のログ'.repeat(4)), bytes('a😀b😀c'.repeat(6)), bytes('x', 0xff, 'y', 0xfe, 0xfd, 'z'.repeat(9), 0xe2),
      bytes('q\ufffdq\ufffd\ufffd'.repeat(5)), bytes('cut at its end ä 😀', 0xf0, 0x9f)];
    const wrong = [];
    for (const [i, b] of samples.entries()) {
      const read = async (offset, length) => {
        const from = offset < 0 ? Math.max(0, b.length + offset) : Math.min(offset, b.length);
        return decode(b.subarray(from, from + length));
      };
      for (let part = 8; part < 64; part += 1) {
        const file = new m.LogFile(read, part);
        let back = await file.tail();
        for (let text = await file.earlier(); text; text = await file.earlier()) back = text + back;
        const place = [file.start, file.end, file.atEnd];
        let on = await file.head(false);
        for (let text = await file.later(false); text; text = await file.later(false)) on += text;
        if (back !== decode(b) || on !== back || `${place}` !== `0,${b.length},true` || file.end !== b.length) wrong.push([i, part, back, on, place]);
      }
    }
    return wrong;
"""


def test_parts_of_any_size_make_the_whole(visitor):
    visitor.open("/")
    found = module(visitor, "parts/log_file.js", EVERY_CUT)
    assert found == {"x": []}


class Logs:
    """A step with a log file of its own."""

    def __init__(self, world, stores: Path, text: str, status: str = "completed") -> None:
        folder = stores / world.artifact_store
        folder.mkdir(parents=True, exist_ok=True)
        self.file = folder / (world.name("step") + ".log")
        self.file.write_text(text)
        folder.chmod(0o755)
        self.file.chmod(0o644)
        run = world.run({"load": step_spec("load")}, name=world.name("logs"), status=status)
        step = world.step(run, "load", status=status, logs={"uri": str(self.file), "artifact_store_id": world.artifact_store})
        self.page = f"/runs/{run['id']}?step={step['id']}"


def shown(browser):
    return browser.js("return document.querySelector('.logs')?.textContent ?? ''")


LINES = [f"line {i:06} – naïve 日本 😀" for i in range(60_000)]  # 2.3 MB


def test_a_long_log_of_any_language(browser, world, stores, tmp_path):
    logs = Logs(world, stores, "\n".join(LINES) + "\n")
    browser.open(logs.page)
    browser.until(lambda: LINES[-1] in shown(browser), "the end is not what is shown first")
    assert LINES[0] not in shown(browser)
    assert browser.js("const p = document.querySelector('.logs'); return p.scrollHeight - p.scrollTop - p.clientHeight") < 5
    browser.accessible()

    browser.click("Earlier")
    browser.until(lambda: len(shown(browser).encode()) > 300_000)
    lines = shown(browser).splitlines()
    assert lines[1:] == LINES[-len(lines) + 1:], "the parts do not fit"

    browser.click("Jump to start")
    browser.until(lambda: shown(browser).startswith(LINES[0]))
    browser.until_text("The first")
    browser.click("Later")
    browser.until(lambda: len(shown(browser).encode()) > 300_000)
    lines = shown(browser).splitlines()
    assert lines[:-1] == LINES[:len(lines) - 1]

    browser.driver.execute_cdp_cmd("Browser.setDownloadBehavior", {"behavior": "allow", "downloadPath": str(tmp_path)})
    browser.click("Download")
    browser.until(lambda: (tmp_path / "load.log").exists() and (tmp_path / "load.log").read_text() == logs.file.read_text(),
                  "the downloaded file is not the log")

    browser.click("Jump to end")
    browser.until(lambda: shown(browser).endswith(LINES[-1] + "\n"))
    find = browser.find(".log-find input")
    find.send_keys("LINE 059998")
    browser.until_text("1 of 1")
    find.clear()
    find.send_keys("line 0599", Keys.ENTER)
    browser.until_text("1 of 100")
    browser.shot("logs-long")
    browser.click("Full width")
    browser.until(lambda: browser.js("return document.querySelector('.panel').clientWidth") > 900)
    browser.shot("logs-wide")
    browser.accessible()
    browser.clean()


@pytest.mark.parametrize("text", ["", "one line\n", "ä\n", "é" * 200_000], ids=["empty", "short", "other", "one-long-line"])
def test_a_log_that_fits(browser, world, stores, text):
    logs = Logs(world, stores, text)
    browser.open(logs.page)
    if text:
        browser.until(lambda: len(shown(browser)) > 0)
        browser.until(lambda: "Earlier" in browser.text() or shown(browser) == text)
        if len(text) > 1000:
            browser.click("Earlier")
            browser.until(lambda: shown(browser) == text)
        assert "Later" not in browser.text()
    else:
        browser.until_text("Nothing was logged")
    browser.clean()


def test_a_growing_log_is_followed(browser, world, stores):
    """Also when a character is written in two halves, and behind a log of more than one part."""
    logs = Logs(world, stores, "\n".join(LINES[:12_000]) + "\n", status="running")
    browser.open(logs.page)
    browser.until(lambda: LINES[11_999] in shown(browser))
    with logs.file.open("ab") as out:
        out.write("half of 😀".encode()[:-2])
        out.flush()
        time.sleep(5)
        out.write("😀".encode()[-2:] + " whole\n".encode())
    browser.until(lambda: "half of 😀 whole\n" in shown(browser), "what was written later is not shown", wait=20)
    assert shown(browser).splitlines()[-2:] == [LINES[11_999], "half of 😀 whole"]
    browser.clean()


def test_a_log_is_copied_and_wrapped(browser, world, stores):
    lines = ["a line that is " + "very " * 60 + "long", "naïve 日本 😀"]
    logs = Logs(world, stores, "\n".join(lines) + "\n")
    browser.open(logs.page)
    browser.until(lambda: lines[1] in shown(browser))
    sideways = "const p = document.querySelector('.logs'); return p.scrollWidth > p.clientWidth + 1"
    assert not browser.js(sideways), "long lines are not wrapped at first"
    wrap = browser.find(".log-tools input[type=checkbox]")
    wrap.click()
    assert browser.js(sideways)
    wrap.click()
    assert not browser.js(sideways)

    browser.driver.execute_cdp_cmd("Browser.grantPermissions", {
        "origin": browser.origin(), "permissions": ["clipboardReadWrite", "clipboardSanitizedWrite"]})
    browser.click("Copy", within=".log-tools")
    browser.until_text("was copied")
    copied = browser.driver.execute_async_script("const done = arguments[0]; navigator.clipboard.readText().then(done, (e) => done(String(e)))")
    assert copied == "\n".join(lines) + "\n"
    browser.clean()
