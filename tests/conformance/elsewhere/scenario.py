"""A stock client with a remote stack; each command writes one JSON value to a file.

    scenario.py register URL OUT.json          a stack, a build for it, a first run, a template of that
    scenario.py trigger TEMPLATE OUT.json      a run of the template, with another parameter
    scenario.py result RUN OUT.json            what has become of a run
"""

import json
import platform
import sys
from typing import Annotated, Any
from uuid import UUID

from click.testing import CliRunner
from zenml import pipeline, step
from zenml.cli.cli import cli
from zenml.client import Client
from zenml.config.pipeline_run_configuration import PipelineRunConfiguration
from zenml.enums import StackComponentType
from zenml.models import PipelineBuildRequest
from zenml.new.pipelines.build_utils import compute_stack_checksum


@step
def double(number: int) -> Annotated[int, "number"]:
    return 2 * number


@step
def tell(value: int) -> Annotated[str, "text"]:
    return f"it is {value}"


@pipeline(enable_cache=False)
def elsewhere() -> None:
    tell(double(number=1))


def register(url: str) -> Any:
    for line in (["connect", "--url", url, "--username", "default", "--password", "pw"], ["init"]):
        done = CliRunner().invoke(cli, line)
        assert done.exit_code == 0, done.output
    client = Client()
    parts = {StackComponentType.ORCHESTRATOR: ("kubernetes", {"kubernetes_context": "c"}),
             StackComponentType.ARTIFACT_STORE: ("s3", {"path": "s3://bucket"})}
    for kind, (flavor, configuration) in parts.items():
        client.create_stack_component(name="elsewhere", flavor=flavor, component_type=kind, configuration=configuration)
    stack = client.create_stack("elsewhere", {kind: "elsewhere" for kind in parts})
    client.activate_stack(stack.id)
    build = client.zen_store.create_build(PipelineBuildRequest(
        user=client.active_user.id, workspace=client.active_workspace.id, stack=stack.id, is_local=False,
        contains_code=True, images={}, zenml_version="0.66.0", python_version=platform.python_version(),
        stack_checksum=compute_stack_checksum(stack)))
    first = client.get_pipeline_run(elsewhere.with_options(build=build.id)().id)
    template = client.create_run_template("elsewhere", deployment_id=first.deployment_id)
    return {"run": str(first.id), "template": str(template.id)}


def trigger(template: str) -> Any:
    run = Client().trigger_pipeline(template_id=UUID(template), run_configuration=PipelineRunConfiguration(
        run_name="from-a-template", steps={"double": {"parameters": {"number": 21}}}))
    return {"run": str(run.id), "status": run.status.value, "deployment": str(run.deployment_id)}


def result(run: str) -> Any:
    found = Client().get_pipeline_run(UUID(run))
    return {"name": found.name, "status": found.status.value, "user": found.user.name,
            "template": str(found.template_id or ""),
            "steps": {name: step_run.status.value for name, step_run in found.steps.items()},
            "text": found.steps["tell"].outputs["text"].load() if "tell" in found.steps else None}


if __name__ == "__main__":
    with open(sys.argv[3], "w", encoding="utf-8") as out:
        json.dump({"register": register, "trigger": trigger, "result": result}[sys.argv[1]](sys.argv[2]), out)
