"""Run by a stock client's Python: what its commands show of flavors and connector types, and `zenml stack deploy`, for
which this script plays the cloud's part.

    clouds.py URL OUT.json
"""

import json
import re
import sys
import time
import webbrowser
from typing import Any
from unittest import mock

import requests
from zenml.client import Client
from zenml.enums import StackComponentType

from scenario import connect, zenml

DEPLOYMENTS = {"aws": "cloud-formation", "gcp": "deployment-manager", "azure": "azure-cloud-shell"}


def register(server: str, token: str, name: str, provider: str) -> None:
    """What the template of the cloud does when its resources are there: connector, components and stack in one call."""
    registry = {"flavor": "default", "service_connector_index": 0, "configuration": {"uri": "localhost:1"}}
    store = {"flavor": "s3", "service_connector_index": 1, "service_connector_resource_id": "s3://bucket",
             "configuration": {"path": "s3://bucket"}}
    body = {
        "name": name, "labels": {"zenml:provider": provider, "zenml:deployment": DEPLOYMENTS[provider]},
        "service_connectors": [
            {"type": "docker", "auth_method": "password", "configuration": {"username": "u", "password": "p"}},
            {"type": "aws", "auth_method": "secret-key", "configuration": {
                "region": "eu-central-1", "aws_access_key_id": "id", "aws_secret_access_key": "key"}}],
        "components": {"orchestrator": [{"flavor": "local", "configuration": {}}], "artifact_store": [store],
                       "container_registry": [registry]}}
    answer = requests.post(f"{server}/api/v1/workspaces/default/stacks", json=body, timeout=30,
                           headers={"Authorization": "Bearer " + token})
    assert answer.status_code == 200, answer.text


def deploy(url: str, provider: str) -> dict[str, Any]:
    """`zenml stack deploy`, with a browser that is the cloud."""
    seen: dict[str, Any] = {}
    store = Client().zen_store
    ask = type(store).get_stack_deployment_config

    def config(self: Any, *arguments: Any, **options: Any) -> Any:
        seen["config"] = ask(self, *arguments, **options)
        return seen["config"]

    def browse(address: str) -> None:
        text = address + (seen["config"].configuration or "")
        found = re.search(r"https://(127\.0\.0\.1:\d+)", text)
        token = re.search(r"eyJ[\w-]+\.[\w-]+\.[\w-]+", text)
        assert found and token and url.endswith(found.group(1))
        time.sleep(1.5)  # times are compared by the second
        register(url, token.group(), f"cloud-{provider}", provider)

    with mock.patch.object(type(store), "get_stack_deployment_config", config), \
            mock.patch.object(webbrowser, "open", browse), \
            mock.patch("zenml.cli.utils.confirmation", lambda *_: True):
        output = zenml("stack", "deploy", "--provider", provider, "--name", f"cloud-{provider}", "--set")
    return {"output": output, "active": Client().active_stack_model.name,
            "connector": [str(item.type if isinstance(item.type, str) else item.type) for item in
                          Client().list_service_connectors(name=f"cloud-{provider}")]}


def describe() -> dict[str, str]:
    shown = {}
    for kind in StackComponentType:
        command = kind.value.replace("_", "-")
        for flavor in Client().get_flavors_by_type(kind):
            line = f"{command} flavor describe {flavor.name}"
            shown[line] = zenml(*line.split(), check=False)
    types = [item.connector_type for item in Client().list_service_connector_types()]
    for line in ["service-connector list-types", *(f"service-connector describe-type {name}" for name in types),
                 "service-connector describe-type aws --auth-method iam-role",
                 "service-connector describe-type gcp --resource-type gcs-bucket"]:
        shown[line] = zenml(*line.split(), check=False)
    return shown


if __name__ == "__main__":
    address, out = sys.argv[1:]
    connect(address)
    result = {"described": describe(), "deployed": {name: deploy(address, name) for name in DEPLOYMENTS}}
    with open(out, "w") as file:
        json.dump(result, file, indent=1)
