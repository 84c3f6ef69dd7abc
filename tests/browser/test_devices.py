"""`zenml connect` without a password: the device is approved, refused or turned away in the page."""

from __future__ import annotations

import re
import time
import uuid

import pytest
import requests

LINK = re.compile(r"https?://\S+/devices/verify\?device_id=([0-9a-f-]{36})&user_code=([0-9a-f]+)")


def connect(client, url):
    """Starts the command line's login and reads the link that it prints."""
    process = client.begin("zenml", "connect", "--url", url)
    text = ""
    for line in process.stdout:
        text += line
        found = LINK.search(text)
        if found:
            return process, found
    raise AssertionError(f"the command line printed no link:\n{text}")


def finish(process, seconds=60):
    output, _ = process.communicate(timeout=seconds)
    return process.returncode, output


def ask(server):
    """Asks for a device by hand, as a client would; returns the answer and what is needed to poll."""
    identity = str(uuid.uuid4())
    answer = requests.post(server.url + "/api/v1/device_authorization", data={"client_id": identity}, timeout=30,
                           headers={"User-Agent": "Host/tower ZenML/0.66.0 Python/3.11.7 OS/Linux"}).json()
    device = re.search(r"device_id=([0-9a-f-]+)", answer["verification_uri_complete"]).group(1)
    return answer, device, {"client_id": identity, "device_code": answer["device_code"]}


def poll(server, secret):
    answer = requests.post(server.url + "/api/v1/login", timeout=30, data={
        "grant_type": "urn:ietf:params:oauth:grant-type:device_code", **secret})
    return answer.status_code, answer.json().get("error")


def test_the_command_line_is_approved(browser, client, pages, stock_clients):
    terminal = stock_clients()
    process, link = connect(terminal, pages.rstrip("/"))
    try:
        browser.driver.get(link.group(0))  # as printed: a path, not a fragment
        browser.until(lambda: browser.find("h1").text == "Approve this device?")
        browser.settled()
        text = browser.text()
        assert "Linux" in text and "ZenML 0.66.0" in text and "Python" in text
        assert browser.control("Code").get_attribute("value") == link.group(2)
        browser.accessible()
        browser.shot("device")
        browser.size("phone")
        browser.shot("device-phone")
        browser.size("wide")
        browser.enter("Trust this device", True)
        browser.click("Approve")
        browser.until(lambda: browser.find("h1").text == "Device approved")
        browser.shot("device-approved")
        code, output = finish(process)
        assert code == 0, output
    finally:
        if process.poll() is None:
            process.kill()
    device = client.read(f"/devices/{link.group(1)}")
    assert (device["body"]["status"], device["body"]["trusted_device"]) == ("active", True)

    browser.driver.get(link.group(0))
    browser.until(lambda: browser.find("h1").text == "This link has been used")

    browser.open("/devices")
    host = device["body"]["hostname"]
    assert host in browser.text()
    browser.shot("devices")
    browser.click(f"Lock: {host}")
    browser.until_text("is locked now")
    assert client.read(f"/devices/{device['id']}")["body"]["status"] == "locked"
    refused = terminal.begin("zenml", "stack", "list")
    output, _ = refused.communicate(timeout=120)
    assert refused.returncode != 0, "a locked device still works"
    browser.click(f"Unlock: {host}")
    browser.until_text("is unlocked now")
    terminal.end(terminal.begin("zenml", "stack", "list"))
    client.remove(f"/devices/{device['id']}")
    browser.clean()


def test_the_command_line_is_refused(browser, client, pages, stock_clients):
    process, link = connect(stock_clients(), pages.rstrip("/"))
    try:
        browser.driver.get(link.group(0))
        browser.until(lambda: browser.find("h1").text == "Approve this device?")
        browser.click("Refuse")
        browser.until(lambda: browser.find("h1").text == "Device refused")
        code, output = finish(process)
        assert code != 0, output
    finally:
        if process.poll() is None:
            process.kill()
    # A device without an owner is locked by wrong codes: those refusals are the point.
    browser.clean(allow=[(400, "/verify")])


def test_a_visitor_signs_in_first(visitor, server, client):
    from kit.servers import PASSWORD, USER
    answer, device, secret = ask(server)
    visitor.open(f"/devices/verify?device_id={device}&user_code={answer['user_code']}")
    assert "Sign in to Kanso" in visitor.text()
    visitor.enter("User name", USER)
    visitor.enter("Password", PASSWORD)
    visitor.click("Sign in", "button")
    visitor.until(lambda: visitor.find("h1").text == "Approve this device?")
    assert "tower" in visitor.text()
    visitor.click("Approve")
    visitor.until(lambda: visitor.find("h1").text == "Device approved")
    assert poll(server, secret)[0] == 200
    client.remove(f"/devices/{device}")
    visitor.clean()


def test_wrong_codes_and_the_lock(browser, server):
    answer, device, secret = ask(server)
    code = answer["user_code"]
    browser.open(f"/devices/verify?device_id={device}&user_code={'0' * 32}")
    assert "No such device" in browser.text()

    browser.open(f"/devices/verify?device_id={device}&user_code={code}")
    browser.enter("Code", "f" * 32)
    browser.click("Approve")
    browser.until_text("That code is wrong")
    browser.accessible()
    browser.shot("device-wrong-code")
    form = browser.find("main form")
    browser.enter("Code", "e" * 32)
    browser.click("Approve")
    browser.until(lambda: browser.find("main form") != form and "That code is wrong" in browser.text())
    browser.enter("Code", "d" * 32)
    browser.click("Approve")
    browser.until(lambda: browser.find("h1").text == "This device is locked")
    browser.shot("device-locked")
    assert poll(server, secret) == (400, "access_denied")
    browser.open(f"/devices/verify?device_id={device}&user_code={code}")
    assert "This device is locked" in browser.text()
    browser.clean(allow=[(400, "/verify"), (404, "/devices/")])


def test_an_expired_link(server_url, server, pages_of, browsers):
    if server_url and ask(server)[0]["expires_in"] > 30:
        pytest.skip("this server's links live too long to wait for (ZENML_SERVER_DEVICE_AUTH_TIMEOUT)")
    browser = browsers(pages_of(server))
    browser.sign_in("default", "pw")
    answer, device, _ = ask(server)
    address = f"/devices/verify?device_id={device}&user_code={answer['user_code']}"
    browser.open(address)
    assert "Approve this device?" in browser.text()
    if server_url:
        time.sleep(answer["expires_in"] + 1)
    else:
        server.sql(f"UPDATE auth_devices SET expires = UTC_TIMESTAMP() - INTERVAL 1 SECOND WHERE id = '{device.replace('-', '')}'")
    browser.click("Approve")
    browser.until(lambda: browser.find("h1").text == "This link has expired")
    browser.open("/")
    browser.open(address)
    assert "This link has expired" in browser.text()
    browser.shot("device-expired")
    browser.clean(allow=[(400, "/verify")])


def test_without_a_link(browser):
    browser.open("/devices/verify")
    browser.enter("Device", "00000000-0000-4000-8000-00000000dead")
    browser.enter("Code", "abc")
    browser.click("Continue")
    browser.until_text("No such device")
    browser.clean(allow=[(404, "/devices/")])
