"""Run by a stock client's Python: records pipelines on a server and reads everything back.

    scenario.py record URL OUT.json     connect, run the pipelines, write down what is shown
    scenario.py read URL OUT.json       connect, write down what is shown
    scenario.py chain URL OUT.json      connect, run a 20-step pipeline, write down its times

What is shown: by Client() and by the `zenml` command. ZENML_CONFIG_PATH is a directory of its own.
"""

import json
import sys
import time
from typing import Any

from click.testing import CliRunner
from zenml.cli.cli import cli
from zenml.client import Client
from zenml.enums import ModelStages
from zenml.models import TagFilter, TagRequest

COMMANDS = [
    "status", "pipeline list", "pipeline runs list", "pipeline builds list", "stack list",
    "stack describe default", "stack get", "artifact-store list", "orchestrator list",
    "orchestrator describe default", "artifact list", "artifact version list", "model list",
    "model version list -n squares", "model runs squares -v 1",
    "model data_artifacts squares -v 1", "model model_artifacts squares -v 1",
    "model deployment_artifacts squares -v 1", "tag list", "secret list",
    "secret get credentials", "code-repository list", "user describe default", "workspace list",
]


def zenml(*arguments: str, check: bool = True) -> str:
    """The output of a `zenml` command."""
    result = CliRunner().invoke(cli, list(arguments))
    if result.exit_code == 0:
        return result.output
    failure = f"zenml {' '.join(arguments)}: {result.output}{result.exception!r}"
    if check:
        raise RuntimeError(failure)
    return "FAILED " + failure


def connect(url: str) -> None:
    zenml("connect", "--url", url, "--username", "default", "--password", "pw")
    zenml("init")


def record() -> None:
    """Everything that a stock client needs from the first slice of the API."""
    import pipelines
    client = Client()
    pipelines.three_steps.with_options(run_name="first")()
    pipelines.three_steps.with_options(run_name="second")()
    try:
        pipelines.failing.with_options(run_name="broken")()
    except ValueError:
        pass
    pipelines.fan_out.with_options(run_name="fan")()
    pipelines.fan_out.with_options(run_name="fan again")(width=2)
    client.create_tag(TagRequest(name="manual", color="lime"))
    client.update_artifact("numbers", add_tags=["data"])
    client.update_model_version("squares", "1", stage=ModelStages.PRODUCTION, add_tags=["live"])
    client.create_secret("credentials", values={"user": "u", "password": "pä\"ss"})
    client.update_secret("credentials", add_or_update_values={"host": "h"},
                         remove_values=["user"])
    zenml("image-builder", "register", "builder", "--flavor", "local", "-l", "team=blue")
    zenml("stack", "register", "with-builder", "-o", "default", "-a", "default", "-i", "builder")
    zenml("secret", "create", "from-cli", "--key=value")


def chain(output: str) -> None:
    """Time the 20-step pipeline, and how much of it was waiting for the server."""
    import pipelines
    waited, calls = 0.0, 0
    session = Client().zen_store.session
    send = session.send

    def timed(*arguments: Any, **options: Any) -> Any:
        nonlocal waited, calls
        begin = time.perf_counter()
        try:
            return send(*arguments, **options)
        finally:
            waited += time.perf_counter() - begin
            calls += 1

    session.send = timed
    begin = time.perf_counter()
    pipelines.chain.with_options(run_name=f"chain {time.time()}")()
    with open(output, "w") as file:
        json.dump({"seconds": time.perf_counter() - begin, "waiting": waited,
                   "calls": calls}, file)


def read() -> dict[str, Any]:
    """What Client() shows, with what the server computes and without what it makes up."""
    client = Client()
    return {
        "user": client.active_user.name,
        "workspace": client.active_workspace.name,
        "stack": client.active_stack_model.name,
        "info": {"version": client.zen_store.get_store_info().version,
                 "database": str(client.zen_store.get_store_info().database_type)},
        "stacks": {stack.name: {str(kind): [item.name for item in items]
                                for kind, items in sorted(stack.components.items())}
                   for stack in client.list_stacks(hydrate=True)},
        "components": sorted(
            [str(item.type), item.name, item.flavor, str(item.configuration), str(item.labels)]
            for item in client.list_stack_components(hydrate=True)),
        "flavors": sorted([str(flavor.type), flavor.name, flavor.integration or "",
                           flavor.logo_url or "", flavor.source,
                           # the site depends on whether ZenML's server could ask for the latest version
                           (flavor.docs_url or "").rpartition("/stack-components/")[2],
                           sorted(flavor.config_schema.get("properties", {}))]
                          for flavor in client.list_flavors(hydrate=True, size=1000)),
        "pipelines": {item.name: {
            "tags": sorted(tag.name for tag in item.tags),
            "status": str(item.latest_run_status),
            "runs": sorted(run.name for run in item.runs)}
            for item in client.list_pipelines(hydrate=True)},
        "runs": {run.name: show_run(run)
                 for run in client.list_pipeline_runs(hydrate=True, size=100)},
        "artifacts": {item.name: {
            "tags": sorted(tag.name for tag in item.tags), "custom": item.has_custom_name,
            # which of several versions of one second is the latest, the reference leaves to chance
            "latest": item.latest_version_name in item.versions,
            "versions": sorted(item.versions)} for item in client.list_artifacts(hydrate=True)},
        "artifact_versions": {f"{item.artifact.name}:{item.version}": show_artifact(item)
                              for item in client.list_artifact_versions(hydrate=True, size=100)},
        "models": {item.name: {
            "tags": sorted(tag.name for tag in item.tags), "license": item.license,
            "description": item.description, "latest": item.latest_version_name}
            for item in client.list_models(hydrate=True)},
        "model_versions": {item.name: show_model_version(item)
                           for item in client.list_model_versions("squares", hydrate=True)},
        "production": client.get_model_version("squares", ModelStages.PRODUCTION).number
        if client.list_models(name="squares").total else None,
        "tags": {tag.name: tag.tagged_count for tag in client.list_tags(TagFilter(size=100))},
        "secrets": {secret.name: client.get_secret(secret.id).secret_values
                    for secret in client.list_secrets()},
        "builds": client.list_builds().total,
        "deployments": client.list_deployments().total,
        "filtered": {
            "failed": [run.name for run in client.list_pipeline_runs(status="failed")],
            "by pipeline": sorted(run.name for run in client.list_pipeline_runs(
                pipeline_name="three_steps")),
            "sorted": [run.name for run in client.list_pipeline_runs(sort_by="desc:name")],
            "steps": sorted(item.name for item in client.list_run_steps(
                name="startswith:part", size=100)),
            "tagged": sorted(f"{item.artifact.name}:{item.version}"
                             for item in client.list_artifact_versions(tag="page")),
        },
    }


def show_run(run: Any) -> dict[str, Any]:
    return {
        "status": str(run.status), "pipeline": run.pipeline.name, "stack": run.stack.name,
        "user": run.user.name, "tags": sorted(tag.name for tag in run.tags),
        "config": json.loads(run.config.model_dump_json()),
        "started": run.start_time is not None, "ended": run.end_time is not None,
        "model": run.model_version.name if run.model_version else None,
        "metadata": values(run.run_metadata),
        "steps": {name: show_step(run_step) for name, run_step in run.steps.items()},
    }


def show_step(run_step: Any) -> dict[str, Any]:
    return {
        "status": str(run_step.status), "ended": run_step.end_time is not None,
        "inputs": {key: f"{item.artifact.name}:{item.version}"
                   for key, item in run_step.inputs.items()},
        "outputs": {key: f"{item.artifact.name}:{item.version}"
                    for key, item in run_step.outputs.items()},
        "parents": len(run_step.parent_step_ids), "docstring": run_step.docstring,
        "source": run_step.source_code, "cached": run_step.original_step_run_id is not None,
        "config": json.loads(run_step.config.model_dump_json()),
        "spec": json.loads(run_step.spec.model_dump_json()),
        "metadata": values(run_step.run_metadata), "logged": run_step.logs is not None,
    }


def show_artifact(version: Any) -> dict[str, Any]:
    return {
        "type": str(version.type), "data_type": version.data_type.import_path,
        "materializer": version.materializer.import_path, "value": str(version.load()),
        "tags": sorted(tag.name for tag in version.tags),
        "metadata": values(version.run_metadata),
        "visualizations": sorted(str(item.type) for item in version.visualizations or []),
        "produced": version.producer_step_run_id is not None,
        "run": version.run.name if version.producer_pipeline_run_id else None,
    }


def show_model_version(version: Any) -> dict[str, Any]:
    return {
        "number": version.number, "stage": version.stage,
        "tags": sorted(tag.name for tag in version.tags),
        "models": sorted(version.model_artifact_ids), "data": sorted(version.data_artifact_ids),
        "deployments": sorted(version.deployment_artifact_ids),
        "runs": sorted(version.pipeline_run_ids), "metadata": values(version.run_metadata),
    }


def values(metadata: dict[str, Any]) -> dict[str, Any]:
    return {key: [item.value if isinstance(item.value, (int, float, bool, list, dict))
                  else str(item.value), str(item.type)] for key, item in metadata.items()}


if __name__ == "__main__":
    command, url, output = sys.argv[1:]
    connect(url)
    if command == "chain":
        chain(output)
        sys.exit()
    if command == "record":
        record()
    shown = {"client": read(), "cli": {
        line: zenml(*line.split(), check=False) for line in COMMANDS}}
    with open(output, "w") as file:
        json.dump(shown, file, indent=1, sort_keys=True, default=str)
