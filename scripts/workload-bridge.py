"""Serves one operation of a workload manager that is a Python class with ZenML's WorkloadManagerInterface.

    python3 -c "$(cat workload-bridge.py)" package.module.Class <request.json >answer.json

The request is a JSON object with "operation" and what belongs to it, the answer one as well: docs/automation.md. What the
class prints goes to standard error, so that it cannot spoil the answer.
"""

import importlib
import json
import os
import sys
import traceback
from uuid import UUID


def find(path):
    module, _, name = path.rpartition(".")
    if not module:
        raise ImportError(f"{path} is not the dotted path of a class")
    return getattr(importlib.import_module(module), name)


def build(manager, request):
    image = manager.build_and_push_image(
        workload_id=UUID(request["workload_id"]),
        dockerfile=request["dockerfile"],
        image_name=request["image_name"],
        sync=True,
    )
    return {"image": image}


def run(manager, request):
    manager.run(
        workload_id=UUID(request["workload_id"]),
        image=request["image"],
        command=request["command"],
        arguments=request["arguments"],
        environment=request["environment"],
        sync=True,
        timeout_in_seconds=request["timeout_in_seconds"],
    )
    return {}


def logs(manager, request):
    return {"logs": manager.get_logs(workload_id=UUID(request["workload_id"]))}


def delete(manager, request):
    manager.delete_workload(workload_id=UUID(request["workload_id"]))
    return {}


def check(_manager, _request):
    return {}


OPERATIONS = {f.__name__: f for f in (build, run, logs, delete, check)}


def main():
    answer = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    places = os.environ.get("KANSO_WORKLOAD_PYTHONPATH", "").split(":")
    sys.path[:] = [place for place in places + sys.path if place]  # not the directory that Kanso happens to be in
    status = 0
    try:
        request = json.load(sys.stdin)
        said = OPERATIONS[request["operation"]](find(sys.argv[1])(), request)
    except Exception as error:  # whatever a class of somebody else's raises is its answer
        traceback.print_exc()
        said, status = {"error": f"{type(error).__name__}: {error}"}, 1
    json.dump(said, answer)
    answer.close()
    return status


sys.exit(main())
