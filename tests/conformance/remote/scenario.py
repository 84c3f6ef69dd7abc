"""What the stock client does with a remote stack; each command prints one JSON value at its end.

    register              a stack of remote components, a build for it, the pipeline's first run, a template of that
    trigger ID NUMBER     run the template with another parameter
    result ID             what a run has come to
"""

import json
import os
import platform
import sys
from uuid import UUID

import boto3
from zenml.client import Client
from zenml.config.pipeline_run_configuration import PipelineRunConfiguration
from zenml.enums import StackComponentType
from zenml.models import PipelineBuildRequest
from zenml.models.v2.misc.build_item import BuildItem
from zenml.new.pipelines.build_utils import compute_stack_checksum

from pipeline import remote

IMAGE = "docker.io/zenmldocker/zenml:0.66.0-py" + ".".join(platform.python_version_tuple()[:2])


def register_stack(client):
    url = os.environ["S3_URL"]
    boto3.client("s3", endpoint_url=url, aws_access_key_id="k", aws_secret_access_key="s",
                 region_name="us-east-1").create_bucket(Bucket="pipelines")
    parts = {
        StackComponentType.ORCHESTRATOR: ("kubernetes", {"kubernetes_context": "tests", "kubernetes_namespace": "pipelines"}),
        StackComponentType.ARTIFACT_STORE: ("s3", {"path": "s3://pipelines", "key": "k", "secret": "s",
                                                   "client_kwargs": {"endpoint_url": url, "region_name": "us-east-1"}}),
        StackComponentType.CONTAINER_REGISTRY: ("default", {"uri": "registry.example.com"}),
        StackComponentType.IMAGE_BUILDER: ("local", {}),
    }
    for kind, (flavor, configuration) in parts.items():
        client.create_stack_component(name="remote", flavor=flavor, component_type=kind, configuration=configuration)
    stack = client.create_stack("remote", {kind: "remote" for kind in parts})
    client.activate_stack(stack.id)
    return stack


def register():
    client = Client()
    stack = register_stack(client)
    build = client.zen_store.create_build(PipelineBuildRequest(
        user=client.active_user.id, workspace=client.active_workspace.id, stack=stack.id, is_local=False, contains_code=False,
        images={"orchestrator": BuildItem(image=IMAGE, requires_code_download=True, contains_code=False)},
        zenml_version="0.66.0", python_version=platform.python_version(), stack_checksum=compute_stack_checksum(stack)))
    run = remote.with_options(build=build.id, settings={"orchestrator.kubernetes": {"synchronous": True}})()
    run = client.get_pipeline_run(run.id)
    template = client.create_run_template("remote", deployment_id=run.deployment_id)
    return {"run": str(run.id), "status": run.status.value, "template": str(template.id)}


def trigger(template, number):
    run = Client().trigger_pipeline(
        template_id=UUID(template), run_configuration=PipelineRunConfiguration(steps={"first": {"parameters": {"number": int(number)}},
                                                                                     "second": {"parameters": {}}}))
    return {"run": str(run.id), "status": run.status.value, "deployment": str(run.deployment_id)}


def result(run):
    found = Client().get_pipeline_run(UUID(run))
    steps = found.steps
    return {"status": found.status.value, "steps": {name: step.status.value for name, step in steps.items()},
            "value": steps["second"].outputs["output"].load() if found.status.value == "completed" else None,
            "user": found.user.name, "template": str(found.template_id) if found.template_id else None}


if __name__ == "__main__":
    command = {"register": register, "trigger": trigger, "result": result}[sys.argv[1]]
    print(json.dumps(command(*sys.argv[2:])))
