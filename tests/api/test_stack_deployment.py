"""Stacks that a user's cloud makes by itself: what is shown before, what is started, and whether the stack has come."""

from __future__ import annotations

import base64
import json
import re
import time
from typing import Any

import pytest

from kit.api import Api, fails, ok, unfit
from kit.factory import World

pytestmark = pytest.mark.sanitize

BASE = "/stack-deployment"
DEPLOYMENTS = {"aws": "cloud-formation", "gcp": "deployment-manager", "azure": "azure-cloud-shell"}
# Providers: integrations, number of locations, of those for rented machines, one of those and one that is none.
FACTS = {"aws": (["aws", "s3"], 29, 29, "US East (Ohio)", ""),
         "gcp": (["gcp"], 40, 9, "US West (Oregon)", "Europe (Berlin)"),
         "azure": (["azure"], 64, 9, "(US) West US 2", "(US) East US STG")}
PERMISSIONS = {
    "aws": {"S3 Bucket": 4, "ECR Repository": 12, "SageMaker (Client)": 4, "SageMaker (Jobs)": 1},
    "gcp": {"GCS Bucket": 1, "GCP Artifact Registry": 1, "Vertex AI (Client)": 1, "Vertex AI (Jobs)": 1,
            "Cloud Build (Client)": 1},
    "azure": {"Storage Account": 1, "Container Registry": 3, "AzureML Workspace": 2}}


@pytest.mark.parametrize("provider", FACTS)
def test_info(world: World, provider: str) -> None:
    integrations, places, machines, rented, other = FACTS[provider]
    info = world.api.read(BASE + "/info", provider=provider)
    assert list(info) == ["provider", "description", "instructions", "post_deploy_instructions", "integrations",
                          "permissions", "locations", "skypilot_default_regions"]
    assert info["provider"] == provider and info["integrations"] == integrations
    assert {name: len(what) for name, what in info["permissions"].items()} == PERMISSIONS[provider]
    assert (len(info["locations"]), len(info["skypilot_default_regions"])) == (places, machines)
    assert info["skypilot_default_regions"][rented] == info["locations"][rented]
    assert other not in info["skypilot_default_regions"] and (not other or other in info["locations"])
    for text in ("description", "instructions", "post_deploy_instructions"):
        assert info[text].startswith("\n") and info[text].endswith("\n") and len(info[text]) > 80


@pytest.mark.parametrize("path", ["/info", "/config", "/stack"])
def test_only_known_providers(world: World, path: str) -> None:
    found = unfit(world.api.get(BASE + path, provider="oracle", stack_name="s"), "enum", "query", "provider")
    assert found["msg"].endswith("Input should be 'aws', 'gcp' or 'azure'")
    unfit(world.api.get(BASE + path, stack_name="s"), "missing", "query", "provider")
    if path != "/info":
        unfit(world.api.get(BASE + path, provider="aws"), "missing", "query", "stack_name")


def config(world: World, provider: str, **query: Any) -> dict[str, Any]:
    got = world.api.read(BASE + "/config", provider=provider, stack_name="my stack", **query)
    assert list(got) == ["deployment_url", "deployment_url_text", "configuration", "instructions"]
    return got


def token_of(text: str) -> str:
    found = re.search(r"eyJ[\w-]+\.[\w-]+\.[\w-]+", text)
    assert found
    return found.group()


def server_of(world: World) -> str:
    return "https://" + world.api.url.split("://")[1].split("/")[0]


def test_config_of_aws(world: World) -> None:
    got = config(world, "aws", location="eu-west-1")
    head, tail = got["deployment_url"].split("#")
    assert head == "https://console.aws.amazon.com/cloudformation/home?region=eu-west-1"
    token = token_of(tail)
    assert re.fullmatch(
        "/stacks/create/review\\?stackName=my stack&templateURL=https://zenml-cf-templates.s3.eu-central-1.amazonaws"
        f".com/aws-ecr-s3-sagemaker.yaml&param_ResourceName=zenml-[a-z]{{6}}&param_ZenMLServerURL={server_of(world)}"
        f"&param_ZenMLServerAPIToken={token}", tail)
    assert got["deployment_url_text"] == "AWS CloudFormation Console"
    assert got["configuration"] is None and got["instructions"] is None
    assert "/home?#/stacks" in config(world, "aws")["deployment_url"]


def test_config_of_gcp(world: World) -> None:
    got = config(world, "gcp")
    assert got["deployment_url"].startswith("https://shell.cloud.google.com/cloudshell/editor?cloudshell_git_repo=")
    assert got["deployment_url_text"] == "GCP Cloud Shell Console" and got["instructions"]
    token = token_of(got["configuration"])
    assert got["configuration"] == (
        "\n### BEGIN CONFIGURATION ###\nZENML_STACK_NAME=my stack\nZENML_STACK_REGION=europe-west3\n"
        f"ZENML_SERVER_URL={server_of(world)}\nZENML_SERVER_API_TOKEN={token}\n### END CONFIGURATION ###")
    assert "ZENML_STACK_REGION=us-west1\n" in config(world, "gcp", location="us-west1")["configuration"]


MODULES = {"aws": '    region = "eu-central-1"\n',
           "gcp": '    project_id = "my-gcp-project"\n    region = "europe-west3"\n',
           "azure": '    location = "eastus"\n    orchestrator = "azureml"\n'}


@pytest.mark.parametrize("provider", MODULES)
def test_terraform(world: World, provider: str) -> None:
    got = config(world, provider, terraform="true")
    token = token_of(got["configuration"])
    expected = (
        f'module "zenml_stack" {{\n    source  = "zenml-io/zenml-stack/{provider}"\n\n{MODULES[provider]}'
        f'    zenml_server_url = "{server_of(world)}"\n    zenml_api_key = ""\n    zenml_api_token = "{token}"\n'
        '    zenml_stack_name = "my stack"\n    zenml_stack_deployment = "terraform"\n}\n'
        'output "zenml_stack_id" {\n    value = module.zenml_stack.zenml_stack_id\n}\n'
        'output "zenml_stack_name" {\n    value = module.zenml_stack.zenml_stack_name\n}')
    assert got["configuration"] == expected
    if provider == "azure":
        assert got["deployment_url"] == "https://shell.azure.com"
        assert [line[:2] for line in got["instructions"].splitlines()] == ["1.", "2.", "3.", "4."]
        assert "azure-cloud-shell" in config(world, "azure")["configuration"]


def test_the_token_is_the_callers_for_six_hours(world: World) -> None:
    token = token_of(config(world, "gcp")["configuration"])
    claims = json.loads(base64.urlsafe_b64decode(token.split(".")[1] + "=="))
    assert abs(claims["exp"] - time.time() - 6 * 3600) < 120
    caller = Api(world.api.url, None)
    caller.session.headers["Authorization"] = "Bearer " + token
    assert caller.read("/current-user")["id"] == world.owned["user"]


def deployed(world: World, provider: str, deployment: str, connector: bool = True) -> dict[str, Any]:
    """A stack as the templates of the clouds make it, with everything in one request."""
    part = {"flavor": "local", "configuration": {}}
    info = {"type": "docker", "auth_method": "password", "configuration": {"username": "u", "password": "p"}}
    labels = {"zenml:provider": provider, "zenml:deployment": deployment}
    made = world.stack(labels=labels, service_connectors=[info], components={
        "orchestrator": [part], "artifact_store": [part],
        "container_registry": [{"flavor": "default", "service_connector_index": 0, "configuration": {"uri": "docker.io"}}]})
    store = made["metadata"]["components"]["artifact_store"][0]
    registry = made["metadata"]["components"]["container_registry"][0]
    of = world.api.read("/components/" + registry["id"])["metadata"]["connector"]["id"]
    if connector:
        world.api.change("/components/" + store["id"], {"connector": of})
    return made


@pytest.mark.parametrize("provider", DEPLOYMENTS)
@pytest.mark.parametrize("terraform", [False, True])
def test_the_stack_comes(world: World, provider: str, terraform: bool) -> None:
    def ask(**query: Any) -> Any:
        return world.api.read(BASE + "/stack", provider=provider, stack_name="whatever",
                              terraform=str(terraform).lower(), **query)

    time.sleep(1.1)  # times are whole seconds
    begin = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(time.time() - 1)) + ".5"
    assert ask(date_start=begin) is None
    word = "terraform" if terraform else DEPLOYMENTS[provider]
    deployed(world, provider, "another")
    deployed(world, provider, word, connector=False)
    assert ask(date_start=begin) is None
    made = deployed(world, provider, word)
    found = ask(date_start=begin)
    assert list(found) == ["stack", "service_connector"]
    assert found["stack"]["id"] == made["id"] and found["stack"]["metadata"]["components"]
    assert found["service_connector"]["metadata"] is None
    assert found["service_connector"]["body"]["connector_type"] == "docker"
    assert ask(date_start="2099-01-01T00:00:00") is None
    assert ask()["stack"]["id"] == made["id"]


@pytest.mark.parametrize("when", ["2024-01-01T00:00:00Z", "2024-01-01T00:00:00+00:00", "1700000000"])
def test_times_have_no_zone(world: World, when: str) -> None:
    answer = world.api.get(BASE + "/stack", provider="aws", stack_name="s", date_start=when)
    fails(answer, 422, "ValueError")


def test_what_is_no_time(world: World) -> None:
    answer = world.api.get(BASE + "/stack", provider="aws", stack_name="s", date_start="soon")
    assert answer.status_code == 422 and isinstance(answer.json(), list)
    ok(world.api.get(BASE + "/stack", provider="aws", stack_name="s", date_start="2024-01-01"))
