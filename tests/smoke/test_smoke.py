"""A whole server, once and quickly: it starts, nginx passes on what clients ask, it stops and leaves nobody behind."""

from __future__ import annotations

import requests

from kit.api import Api
from kit.servers import Kanso


def test_start_use_stop(fresh: Kanso) -> None:
    health = requests.get(fresh.url + "/health", timeout=10)
    assert (health.status_code, health.headers["Server"]) == (200, "nginx"), health.text
    refused = requests.get(fresh.url + "/api/v1/tags", timeout=10)
    assert refused.status_code == 401, refused.text

    api = Api(fresh.url)
    made = api.make("/tags", {"name": "smoke", "color": "red"})
    assert made["body"]["color"] == "red"
    assert [tag["id"] for tag in api.read("/tags", name="smoke")["items"]] == [made["id"]]
    api.remove("/tags/smoke")
    assert api.read("/tags", name="smoke")["total"] == 0

    fresh.stop()
    assert not fresh.processes() and not fresh.healthy()
