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


def _serve(command: list[str], url: str, path: str, log: Path) -> Iterator[str]:
    """Runs an emulator as long as the iterator is used; its URL, once it answers at `path`."""
    def answers() -> bool:
        try:
            return requests.get(url + path, timeout=5).status_code < 500
        except requests.RequestException:
            return False

    with log.open("wb") as out:
        process = subprocess.Popen(command, stdout=out, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL)
    try:
        wait_until(answers, 60, Path(command[0]).name)
        yield url
    finally:
        stop(process)


def _program(variable: str, target: str, name: str) -> str:
    """The program of an emulator, which a target of the Makefile installs; the test is skipped where that is not done."""
    program = Path(os.environ.get(variable) or REPOSITORY / "build" / target) / name
    if not program.exists():
        pytest.skip(f"there is no {Path(name).name}: make build/{target}")
    return str(program)


def moto(log: Path) -> Iterator[str]:
    """The URL of a moto server, which plays AWS. `make build/moto-venv` installs it."""
    program, port = _program("KANSO_MOTO_VENV", "moto-venv", "bin/moto_server"), free_port()
    yield from _serve([program, "-H", "127.0.0.1", "-p", str(port)], f"http://127.0.0.1:{port}", "/moto-api/", log)


def fake_gcs(log: Path) -> Iterator[str]:
    """The URL of a fake-gcs-server, which plays Google Cloud Storage and takes any token. `make build/fake-gcs` installs it."""
    program, port = _program("KANSO_FAKE_GCS", "fake-gcs", "fake-gcs-server"), free_port()
    yield from _serve([program, "-backend", "memory", "-scheme", "http", "-host", "127.0.0.1", "-port", str(port),
                       "-public-host", f"127.0.0.1:{port}"], f"http://127.0.0.1:{port}", "/storage/v1/b", log)


# The account that Azurite has, with its key, which is public.
AZURITE_ACCOUNT = "devstoreaccount1"
AZURITE_KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="


def azurite(log: Path, *options: str) -> Iterator[str]:
    """The URL of the account of an Azurite, which plays the blobs of Azure and checks signatures. `make build/azurite`
    installs it."""
    program, port = _program("KANSO_AZURITE", "azurite", "node_modules/.bin/azurite-blob"), free_port()
    for url in _serve([program, "--blobHost", "127.0.0.1", "--blobPort", str(port), "--inMemoryPersistence", "--silent",
                       "--disableTelemetry", "--skipApiVersionCheck", *options], f"http://127.0.0.1:{port}", "/", log):
        yield f"{url}/{AZURITE_ACCOUNT}"


def seed(url: str, service: str, method: str, path: str, body: str = "", **headers: str) -> Any:
    """A request to moto as the SDKs send it. The signature says which service is meant, and is not looked at."""
    scope = f"Credential=AKIAEXAMPLE/20260101/eu-west-1/{service}/aws4_request"
    answer = requests.request(method, url + path, data=body, timeout=30, headers=headers | {
        "Authorization": f"AWS4-HMAC-SHA256 {scope}, SignedHeaders=host, Signature=00",
        "Host": f"{service}.eu-west-1.amazonaws.com"} if service != "s3" else headers)
    assert answer.status_code < 300, answer.text
    return answer
