"""Run by a stock client's Python with the packages of remote artifact stores: a pipeline whose step prints and makes a page.

    stores.py URL FLAVOR CONFIGURATION OUT.json

What the step has left there is written down: its id, and the id of the version of its artifact.
"""

import json
import sys
from typing import Annotated

from zenml import pipeline, step
from zenml.client import Client
from zenml.enums import StackComponentType
from zenml.types import HTMLString

from scenario import connect


@step(enable_cache=False)
def speaking() -> Annotated[HTMLString, "page"]:
    print("what the step has to say: é")
    return HTMLString("<h1>made by a step</h1>")


@pipeline(enable_cache=False)
def one_step() -> None:
    speaking()


def main(url: str, flavor: str, configuration: str, out: str) -> None:
    connect(url)
    client = Client()
    name = f"remote-{flavor}"
    if flavor == "azure":
        client.create_secret("azure-store", json.loads(configuration)["secret"])
        configuration = json.dumps(json.loads(configuration)["configuration"])
    client.create_stack_component(name=name, flavor=flavor, component_type=StackComponentType.ARTIFACT_STORE,
                                  configuration=json.loads(configuration))
    client.create_stack(name, {StackComponentType.ARTIFACT_STORE: name, StackComponentType.ORCHESTRATOR: "default"})
    client.activate_stack(name)
    one_step()
    made = client.get_pipeline("one_step").last_run.steps["speaking"]
    with open(out, "w", encoding="utf-8") as file:
        json.dump({"step": str(made.id), "version": str(made.outputs["page"].id)}, file)


if __name__ == "__main__":
    main(*sys.argv[1:])
