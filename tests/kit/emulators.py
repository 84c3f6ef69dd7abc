"""Programs that others wrote and that play a provider, each on a port of loopback."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import Any, Iterator

import pytest
import requests

from .process import REPOSITORY, free_port, stop, wait_until

# moto takes any account for this one.
ACCOUNT = "123456789012"


def moto(log: Path) -> Iterator[str]:
    """The URL of a moto server, which plays AWS. `make build/moto-venv` installs it."""
    venv = Path(os.environ.get("KANSO_MOTO_VENV") or REPOSITORY / "build" / "moto-venv")
    if not (venv / "bin" / "moto_server").exists():
        pytest.skip("there is no moto server: make build/moto-venv")
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    with log.open("wb") as out:
        process = subprocess.Popen([str(venv / "bin" / "moto_server"), "-H", "127.0.0.1", "-p", str(port)],
                                   stdout=out, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL)
    try:
        wait_until(lambda: _answers(url), 60, "moto")
        yield url
    finally:
        stop(process)


def _answers(url: str) -> bool:
    try:
        return requests.get(url + "/moto-api/", timeout=5).status_code == 200
    except requests.RequestException:
        return False


def seed(url: str, service: str, method: str, path: str, body: str = "", **headers: str) -> Any:
    """A request to moto as the SDKs send it. The signature says which service is meant, and is not looked at."""
    scope = f"Credential=AKIAEXAMPLE/20260101/eu-west-1/{service}/aws4_request"
    answer = requests.request(method, url + path, data=body, timeout=30, headers=headers | {
        "Authorization": f"AWS4-HMAC-SHA256 {scope}, SignedHeaders=host, Signature=00",
        "Host": f"{service}.eu-west-1.amazonaws.com"} if service != "s3" else headers)
    assert answer.status_code < 300, answer.text
    return answer
