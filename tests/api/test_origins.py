"""Writes that a browser sends on behalf of somebody else's page, with what it adds to requests by itself."""

from __future__ import annotations

import uuid
from typing import Iterator

import pytest
import requests

from kit.api import Api, fails
from kit.servers import PASSWORD, USER, Kanso

HOST = "zenml.example:8443"
DASHBOARD = "https://dash.example"
FOREIGN = [{"Origin": "https://evil.example"}, {"Origin": "null"}, {"Origin": "http://zenml.example"},
           {"Origin": "https://zenml.example.evil.example:8443"}, {"Origin": "https://evil.example/zenml.example:8443"},
           {"Origin": "https://dash.example.evil.example"}, {"Origin": "http://dash.example"},
           {"Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site"},
           {"Origin": "http://other.zenml.example:8443", "Sec-Fetch-Site": "same-site"},
           {"Sec-Fetch-Site": "cross-site"}, {"Origin": "https://"}, {"Origin": "*"},
           {"Origin": "https://zenml.example:8443@evil.example"}, {"Origin": "https://evil.example#@zenml.example:8443"}]
OWN = [{}, {"Origin": "https://" + HOST}, {"Origin": "http://" + HOST.upper()}, {"Sec-Fetch-Site": "same-origin"},
       {"Origin": "https://behind.a.proxy", "Sec-Fetch-Site": "same-origin"}, {"Sec-Fetch-Site": "none"},
       {"Origin": DASHBOARD, "Sec-Fetch-Site": "cross-site"}, {"Origin": "https://zenml.public.example"},
       {"Origin": "https://front.public.example"}]


@pytest.fixture(scope="module")
def kanso(server, launch) -> Iterator[Kanso]:
    if not server.mariadb:
        pytest.skip("needs a Kanso of its own")
    instance = launch(ZENML_SERVER_CORS_ALLOW_ORIGINS=f"https://other.example, {DASHBOARD}",
                      ZENML_SERVER_SERVER_URL="https://zenml.public.example:443/",
                      ZENML_SERVER_DASHBOARD_URL="https://front.public.example/x")
    yield instance
    instance.stop()


@pytest.fixture(scope="module")
def browser(kanso: Kanso) -> requests.Session:
    """A browser with the session of somebody who signed in."""
    session = requests.Session()
    assert session.post(kanso.url + "/api/v1/login", data={"username": USER, "password": PASSWORD}).ok
    (cookie,) = session.cookies
    session.cookies.clear()  # or it would be for the host of the URL only
    session.headers["Cookie"] = f"{cookie.name}={cookie.value}"
    return session


def tag(session: requests.Session, kanso: Kanso, headers: dict[str, str], method: str = "POST") -> requests.Response:
    return session.request(method, kanso.url + "/api/v1/tags", headers={"Host": HOST} | headers,
                           json={"name": "t-" + uuid.uuid4().hex})


@pytest.mark.parametrize("headers", FOREIGN, ids=str)
def test_a_foreign_page_changes_nothing(kanso: Kanso, browser: requests.Session, headers: dict[str, str]) -> None:
    before = kanso.sql("SELECT COUNT(*) FROM tag")
    fails(tag(browser, kanso, headers), 403, "IllegalOperationError")
    for method, path in (("PUT", "/current-user"), ("DELETE", f"/tags/{uuid.uuid4()}"), ("PUT", "/settings")):
        answer = browser.request(method, kanso.url + "/api/v1" + path, headers={"Host": HOST} | headers, json={})
        assert answer.status_code == 403, answer.text
    assert kanso.sql("SELECT COUNT(*) FROM tag") == before
    assert tag(browser, kanso, headers, "GET").status_code == 200  # who may read is what CORS is for


@pytest.mark.parametrize("headers", OWN, ids=str)
def test_ones_own_pages_and_allowed_ones_work(kanso: Kanso, browser: requests.Session, headers: dict[str, str]) -> None:
    answer = tag(browser, kanso, headers)
    assert answer.status_code == 200, answer.text
    if headers.get("Origin") == DASHBOARD:
        assert answer.headers["access-control-allow-origin"] == DASHBOARD
        assert answer.headers["access-control-allow-credentials"] == "true"


@pytest.mark.parametrize("headers", FOREIGN + OWN, ids=str)
def test_a_bearer_token_is_nobody_elses(kanso: Kanso, headers: dict[str, str]) -> None:
    """No browser adds it by itself."""
    assert tag(Api(kanso.url).session, kanso, headers).status_code == 200


def test_a_foreign_page_signs_nobody_in(kanso: Kanso) -> None:
    """The token is given, for those who asked; the cookie, which the browser would use from then on, is not."""
    form = {"username": USER, "password": PASSWORD}
    for headers in FOREIGN + OWN:
        answer = requests.post(kanso.url + "/api/v1/login", data=form, headers={"Host": HOST} | headers)
        assert answer.status_code == 200 and ("set-cookie" in answer.headers) == (headers in OWN), headers


@pytest.mark.parametrize("scheme", ["HTTP_BASIC", "NO_AUTH"])
def test_what_else_a_browser_adds(kanso: Kanso, launch, scheme: str) -> None:
    """A password that it remembers; or nothing, where everybody may come in who reaches the server."""
    other = launch(database=kanso.database, ZENML_SERVER_AUTH_SCHEME=scheme)
    session = requests.Session()
    session.auth = (USER, PASSWORD) if scheme == "HTTP_BASIC" else None
    fails(tag(session, other, {"Origin": "https://evil.example"}), 403, "IllegalOperationError")
    fails(tag(session, other, {"Sec-Fetch-Site": "cross-site"}), 403, "IllegalOperationError")
    assert tag(session, other, {}).status_code == tag(session, other, {"Origin": "https://" + HOST}).status_code == 200
    other.stop()
