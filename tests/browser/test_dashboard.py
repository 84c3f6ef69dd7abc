"""ZenML's own dashboard, unchanged, on this server: what a person does in it works, and no API call fails.

Served by a Kanso that is given KANSO_DASHBOARD_DIR, by default where `make dashboard` puts it, or by the server that
KANSO_DASHBOARD_URL names, such as the reference.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest
from kit.api import Api
from kit.servers import Server
from selenium.webdriver.common.by import By

NAME, PASSWORD = "dashboard-user", "pw-of-dashboard"
CONTROLS = "button, a, label, [role=menuitem], [role=tab]"


@pytest.fixture(scope="module")
def host(request) -> Server:
    address = os.environ.get("KANSO_DASHBOARD_URL")
    if address:
        return Server(address)
    share = Path("/usr/local/share") if os.geteuid() == 0 else Path.home() / ".local/share"
    folder = os.environ.get("KANSO_DASHBOARD_DIR") or str(share / "kanso/dashboard")
    if not (Path(folder) / "index.html").is_file():
        pytest.skip(f"ZenML's dashboard is not tested: none in {folder}; make dashboard")
    if request.getfixturevalue("server_url"):
        pytest.skip("KANSO_DASHBOARD_URL says which running server has the dashboard")
    return request.getfixturevalue("launch")(KANSO_DASHBOARD_DIR=folder)


@pytest.fixture(scope="module")
def admin(host) -> Api:
    return Api(host.url)


@pytest.fixture(scope="module")
def run(admin, stock_clients, host) -> str:
    """A run with branches."""
    found = admin.items("/runs", pipeline_name="branches", size=1)
    if not found:
        client = stock_clients()
        client.connect(host.url)
        client.end(client.flows("branches"))
        found = admin.items("/runs", pipeline_name="branches", size=1)
    return found[0]["id"]


@pytest.fixture(scope="module")
def dashboard(browsers, host, admin, run):
    """A browser signed in as a new administrator, who has answered the survey."""
    for name in (NAME, "dashboard-guest"):
        for user in admin.items("/users", name=name):
            admin.remove(f"/users/{user['id']}")
    for secret in admin.items("/secrets", name="dashboard-secret"):
        admin.remove(f"/secrets/{secret['id']}")
    admin.make("/users", {"name": NAME, "is_admin": True, "password": PASSWORD})
    browser = browsers(host.url + "/")
    browser.driver.get(host.url + "/")
    put(browser, "username", NAME)
    put(browser, "password", PASSWORD)
    browser.click("Login", CONTROLS)
    put(browser, "email", "person@example.org")
    browser.shot("dashboard-survey")
    browser.click("Continue", CONTROLS)
    choose(browser, "primaryUse")
    choose(browser, "usageReason")
    browser.until_text("infrastructure")
    browser.click("Skip this step", CONTROLS)
    browser.until_text("Community")
    browser.click("Skip this step", CONTROLS)
    browser.click("Go to Dashboard", CONTROLS)
    browser.until_text("Overview")
    browser.click("Skip", CONTROLS)  # the tour
    working(browser)
    yield browser
    admin.remove(f"/users/{NAME}")


def put(browser, name, value):
    node = browser.find(f"input[name='{name}']")
    node.clear()
    node.send_keys(value)


def choose(browser, name):
    browser.find(f"input[name='{name}']")
    browser.js("document.querySelector(`input[name='${arguments[0]}']`).click()", name)
    browser.until(lambda: browser.js("const b = [...document.querySelectorAll('button')].find(n => n.textContent === 'Continue');"
                                     "return b && !b.disabled && (b.click(), true)"))


def working(browser):
    """No request to this server has failed. (The dashboard also calls others; a test has no network for them.)"""
    browser.collect()
    own = [f for f in browser.failed if f[1].startswith(browser.origin())]
    browser.forget()
    assert not own, f"failed requests: {own}"


def go(browser, path, text):
    browser.driver.get(browser.root.rstrip("/") + path)
    browser.until_text(text)


def test_the_survey_was_stored(dashboard, admin):
    user = admin.read(f"/users/{NAME}")
    assert user["metadata"]["user_metadata"]["primary_use"] == "personal"
    assert user["body"]["email_opted_in"] is not None


PAGES = {
    "/": "Welcome to ZenML", "/onboarding": "Welcome to ZenML", "/survey": "Add your account details",
    "/pipelines?tab=pipelines": "branches", "/pipelines?tab=runs": "branches-", "/pipelines?tab=templates": "Templates",
    "/pipelines/branches": "branches-", "/runs/RUN": "double_total",
    "/models": "Model Control Plane", "/artifacts": "Artifact Control Plane",
    "/stacks": "New Stack", "/stacks/create": "Create New Infrastructure", "/stacks/create/manual": "Add Components",
    "/stacks/create/new-infrastructure": "Infrastructure Type", "/stacks/create/existing-infrastructure": "Connect your Cloud",
    "/stacks/create/terraform": "Deploy Stack",
    "/settings/general": "Server Name", "/settings/members": "Add Member", "/settings/secrets": "Add secret",
    "/settings/profile": NAME, "/settings/repositories": "Repositories", "/settings/connectors": "Connectors",
    "/settings/notifications": "Notifications",
}


def at_rest(browser):
    """Waits until the page asks no more: no request in the last second."""
    def rest():
        times = browser.js("return [performance.now(), ...performance.getEntriesByType('resource').map(e => e.responseEnd || performance.now())]")
        return times[0] - max(times[1:], default=0) > 1000
    browser.until(rest, "the page does not come to rest", wait=60)


@pytest.mark.parametrize("path", PAGES)
def test_page(dashboard, run, path):
    """Drawn with what the API answered, and no call of it failed."""
    go(dashboard, path.replace("RUN", run), PAGES[path])
    at_rest(dashboard)
    calls = dashboard.js("return performance.getEntriesByType('resource').map(e => e.name).filter(n => n.includes('/api/v1/'))")
    assert calls, "the page asked the API nothing"
    dashboard.shot("dashboard-page-" + (re.sub(r"[^a-z]+", "-", path).strip("-") or "home"))
    working(dashboard)


def test_runs_and_the_graph(dashboard, admin, run):
    go(dashboard, "/pipelines?tab=runs", "branches-")
    dashboard.shot("dashboard-runs")
    name = admin.read(f"/runs/{run}")["name"]
    go(dashboard, f"/runs/{run}", name)
    graph = admin.read(f"/runs/{run}/graph")
    dashboard.until(lambda: len(dashboard.all(".react-flow__node")) == len(graph["nodes"]), "the graph was not drawn", wait=60)
    dashboard.shot("dashboard-run")
    working(dashboard)


def test_stacks(dashboard):
    go(dashboard, "/stacks", "default")
    dashboard.until_text("Author")
    working(dashboard)


def test_a_secret_is_created_and_edited(dashboard, admin):
    go(dashboard, "/settings/secrets", "Add secret")
    dashboard.click("Add secret", CONTROLS)
    put(dashboard, "secretName", "dashboard-secret")
    put(dashboard, "keysValues.0.key", "token")
    put(dashboard, "keysValues.0.value", "first")
    dashboard.click("Register Secret", CONTROLS)
    secret = dashboard.until(lambda: admin.items("/secrets", name="dashboard-secret"))[0]["id"]
    assert admin.read(f"/secrets/{secret}")["body"]["values"] == {"token": "first"}

    go(dashboard, f"/settings/secrets/{secret}", "dashboard-secret")
    dashboard.shot("dashboard-secret")
    edit = dashboard.until(lambda: [n for n in dashboard.all("button") if n.text.startswith("Edit")], "no edit button")
    edit[0].click()
    value = dashboard.until(lambda: [n for n in dashboard.driver.find_elements(By.CSS_SELECTOR, "input[type=password]") if n.is_displayed()])
    value[0].clear()
    value[0].send_keys("second")
    save = [n for n in dashboard.all("button") if n.text in ("Save Secret", "Save", "Update", "Update Secret", "Save Secrets")]
    assert save, [n.text for n in dashboard.all("button")]
    save[-1].click()
    dashboard.until(lambda: admin.read(f"/secrets/{secret}")["body"]["values"] == {"token": "second"}, "the edit was not stored")
    admin.remove(f"/secrets/{secret}")
    working(dashboard)


def test_a_member_is_added(dashboard, admin):
    go(dashboard, "/settings/members", "Add Member")
    dashboard.click("Add Member", CONTROLS)
    put(dashboard, "username", "dashboard-guest")
    dashboard.click("Generate Token", CONTROLS)
    dashboard.until(lambda: admin.items("/users", name="dashboard-guest"))
    dashboard.until_text("activate-user")
    dashboard.shot("dashboard-member")
    admin.remove("/users/dashboard-guest")
    working(dashboard)


def test_settings(dashboard, admin):
    go(dashboard, "/settings/general", "Server Name")
    put(dashboard, "serverName", "Seen in the dashboard")
    dashboard.click("Update", CONTROLS)
    dashboard.until(lambda: admin.read("/settings", hydrate="true")["body"]["server_name"] == "Seen in the dashboard")
    admin.change("/settings", {"server_name": "default"})
    working(dashboard)


def test_its_files_are_served_by_the_reference_s_rules(host):
    import requests
    def get(path, **headers):
        return requests.get(host.url + path, headers=headers, timeout=30)
    index = get("/")
    assert index.headers["content-type"] == "text/html; charset=utf-8"
    for path in ("/index.html", "/runs/some/deep/link", "/robots.txt", "/static/x"):
        assert get(path).status_code == 200 and get(path).text == index.text, path
    asset = "/" + index.text.split('src="/')[1].split('"')[0]
    answer = get(asset)
    assert answer.status_code == 200 and answer.headers["content-type"].startswith("text/javascript")
    assert answer.headers["cache-control"] == "no-cache" and "default-src 'none'" in answer.headers["content-security-policy"]
    assert get(asset, **{"If-None-Match": answer.headers["etag"]}).status_code == 304
    assert get("/assets/nothing.js").status_code == 404
    assert get("/assets/nothing.js").json() == {"detail": "Not Found"}
    assert get("/api/v1/nothing").json() == {"detail": "Not Found"}
    assert get("/favicon.ico").headers["content-type"].startswith("image/")
