"""The stock client's commands about flavors, connector types and the deployment of stacks."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any, Callable

import pytest

from kit.servers import Kanso
from kit.stock import SCENARIO, StockClient, client_environment


@pytest.fixture(scope="module")
def shown(zenml_venv: Path, workspace_directory: Path, launch: Callable[..., Kanso], server_url: str | None) -> dict[str, Any]:
    if server_url:
        pytest.skip("needs a Kanso of its own")
    client = StockClient(zenml_venv, workspace_directory / "clouds")
    shutil.copy(SCENARIO / "clouds.py", client.work)
    done = subprocess.run([str(client.python), "clouds.py", launch().url, "out.json"], cwd=client.work, text=True,
                          env=client_environment(client.config), capture_output=True, stdin=subprocess.DEVNULL, timeout=600,
                          check=False)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-6000:]
    return json.loads((client.work / "out.json").read_text())


def test_flavors_are_described(shown: dict[str, Any]) -> None:
    flavors = {line: text for line, text in shown["described"].items() if " flavor describe " in line}
    assert len(flavors) == 55
    assert all("Configuration class: " in text for text in flavors.values())
    # The command cannot show attributes that may be null or of a kind defined elsewhere, on any server.
    failed = [text for text in flavors.values() if text.startswith("FAILED")]
    assert len(failed) < 10 and all(text.endswith("KeyError('type')") for text in failed)
    local = flavors["artifact-store flavor describe local"]
    assert "Configuration class: LocalArtifactStoreConfig" in local and "path, string" in local


@pytest.mark.parametrize("name", ["aws", "gcp", "azure", "kubernetes", "docker", "hyperai"])
def test_connector_types_are_described(shown: dict[str, Any], name: str) -> None:
    assert name in shown["described"]["service-connector list-types"]
    text = shown["described"][f"service-connector describe-type {name}"]
    assert not text.startswith("FAILED") and "Service Connector" in text


def test_parts_of_connector_types_are_described(shown: dict[str, Any]) -> None:
    assert "role_arn" in shown["described"]["service-connector describe-type aws --auth-method iam-role"]
    assert "gcs-bucket" in shown["described"]["service-connector describe-type gcp --resource-type gcs-bucket"]


@pytest.mark.parametrize("provider", ["aws", "gcp", "azure"])
def test_stacks_are_deployed(shown: dict[str, Any], provider: str) -> None:
    got = shown["deployed"][provider]
    assert "Stack successfully registered!" in got["output"] and f"cloud-{provider}" in got["output"]
    assert "Service Connector: cloud-" in got["output"] and got["active"] == f"cloud-{provider}"
    assert got["connector"] == ["docker"]
