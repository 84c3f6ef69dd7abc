"""Programs that others wrote and that play a provider, each on a port of loopback."""

from __future__ import annotations

import base64
import hmac
import json
import os
import subprocess
from email.utils import formatdate
from pathlib import Path
from typing import Any, Iterator
from urllib.parse import parse_qsl, quote, urlsplit

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


def vault(log: Path) -> Iterator[tuple[str, str]]:
    """The URL of a HashiCorp Vault with a KV engine of version 2 at `secret`, and its root token. `make build/vault` builds it."""
    program, port = _program("KANSO_VAULT", "vault", "vault"), free_port()
    for url in _serve([program, f"127.0.0.1:{port}"], f"http://127.0.0.1:{port}", "/v1/sys/seal-status", log):
        keys = requests.put(url + "/v1/sys/init", json={"secret_shares": 1, "secret_threshold": 1}, timeout=30).json()
        requests.put(url + "/v1/sys/unseal", json={"key": keys["keys"][0]}, timeout=30).raise_for_status()
        headers = {"X-Vault-Token": keys["root_token"]}

        def mounted() -> bool:
            return requests.post(url + "/v1/sys/mounts/secret", headers=headers, timeout=30,
                                 json={"type": "kv", "options": {"version": "2"}}).status_code in (200, 204)

        wait_until(mounted, 30, "the vault")
        yield url, keys["root_token"]


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


def make_bucket(url: str, flavor: str, bucket: str, files: dict[str, bytes]) -> None:
    """A bucket of moto ("s3"), fake-gcs-server ("gcp") or Azurite ("azure"), with what is to be in it."""
    if flavor == "s3":
        seed(url, "s3", "PUT", f"/{bucket}")
        for name, content in files.items():
            assert requests.put(f"{url}/{bucket}/{quote(name)}", data=content, timeout=30).status_code == 200
    elif flavor == "gcp":
        assert requests.post(f"{url}/storage/v1/b?project=p", json={"name": bucket}, timeout=30).status_code == 200
        for name, content in files.items():
            assert requests.post(f"{url}/upload/storage/v1/b/{bucket}/o", params={"uploadType": "media", "name": name},
                                 data=content, timeout=30).status_code == 200
    else:
        _azure_put(f"{url}/{bucket}?restype=container", b"")
        for name, content in files.items():
            _azure_put(f"{url}/{bucket}/{quote(name)}", content, **{"x-ms-blob-type": "BlockBlob"})


def _azure_put(url: str, content: bytes, **headers: str) -> None:
    sent = headers | {"x-ms-date": formatdate(usegmt=True), "x-ms-version": "2021-08-06"}
    canonical = "".join(f"{name}:{sent[name]}\n" for name in sorted(sent))
    parts = urlsplit(url)
    resource = f"/{AZURITE_ACCOUNT}{parts.path}" + "".join(f"\n{k}:{v}" for k, v in sorted(parse_qsl(parts.query)))
    text = f"PUT\n\n\n{len(content) or ''}\n\n{'application/octet-stream'}\n\n\n\n\n\n\n{canonical}{resource}"
    sum_of = base64.b64encode(hmac.digest(base64.b64decode(AZURITE_KEY), text.encode(), "sha256")).decode()
    answer = requests.put(url, data=content, timeout=30, headers=sent | {
        "Content-Type": "application/octet-stream", "Authorization": f"SharedKey {AZURITE_ACCOUNT}:{sum_of}"})
    assert answer.status_code == 201, answer.text


def seed_account(url: str) -> None:
    """Two buckets, two clusters and a repository."""
    for bucket in ("alpha", "beta.bucket"):
        seed(url, "s3", "PUT", "/" + bucket, "<CreateBucketConfiguration><LocationConstraint>eu-west-1"
                                             "</LocationConstraint></CreateBucketConfiguration>")
    seed(url, "ecr", "POST", "/", json.dumps({"repositoryName": "images"}), **{
        "X-Amz-Target": "AmazonEC2ContainerRegistry_V20150921.CreateRepository", "Content-Type": "application/x-amz-json-1.1"})
    for name in ("one", "two"):
        seed(url, "eks", "POST", "/clusters", json.dumps({
            "name": name, "roleArn": f"arn:aws:iam::{ACCOUNT}:role/worker", "resourcesVpcConfig": {}}))
