"""Generated requests, by schemathesis, from Kanso's own OpenAPI document and from ZenML's.

No answer may be a server's failure, have a status that is not documented, or a body that is not as
documented. --requests says how many are generated from each document, roughly; --seed makes them
again.

Four things are said otherwise than the documents say them: times have no zone; a 422 may be a list
as well as an object; bytes in a query string are text, since schemathesis fails over bytes that it
generated itself; and ZenML's document names only some of the refusals of an operation, so those
that Kanso's names are added.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import requests

from kit import contract as zenml
from kit.api import Api
from kit.servers import Kanso

CHECKS = "status_code_conformance,content_type_conformance,response_schema_conformance"
# Would lock the caller out.
LEFT_OUT = r"logout|/activate$|deactivate|/current-user|/users/\{"
TIME = r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?$"
METHODS = ("get", "post", "put", "patch", "delete")


def exact_times(schema: Any) -> Any:
    if isinstance(schema, list):
        return [exact_times(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    if schema.get("format") == "date-time":
        return {"type": "string", "pattern": TIME}
    return {key: exact_times(value) for key, value in schema.items()}


def textual(schema: Any) -> Any:
    if isinstance(schema, list):
        return [textual(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    return {key: textual(value) for key, value in schema.items()
            if (key, value) != ("format", "binary")}


def own(document: dict[str, Any]) -> dict[str, Any]:
    schemas = document["components"]["schemas"]
    for name in schemas:
        if not name.endswith(("Request", "Update")):
            schemas[name] = exact_times(schemas[name])
    for methods in document["paths"].values():
        for said in methods.values():
            for parameter in said.get("parameters", []) if isinstance(said, dict) else []:
                parameter["schema"] = textual(parameter["schema"])
    return document


def contract(document: dict[str, Any]) -> dict[str, Any]:
    """ZenML's document, without what this build does not serve."""
    theirs = zenml.table("openapi")
    theirs["info"]["title"] = "ZenML"
    for path, methods in list(theirs["paths"].items()):
        for method in [name for name in METHODS if name in methods]:
            served = document["paths"].get(path, {}).get(method)
            if not served:
                del methods[method]
                continue
            refusals = {code: said for code, said in served["responses"].items() if code != "200"}
            methods[method]["responses"] |= refusals
            for said in methods[method]["responses"].values():
                said.setdefault("description", "")
        if not methods:
            del theirs["paths"][path]
    return own(theirs)


def statuses(kanso: Kanso) -> Counter[tuple[str, str]]:
    """Method and status of every request that nginx answered."""
    log = (kanso.home / "log" / "access.log").read_text(errors="replace")
    return Counter((method, status) for method, status
                   in re.findall(r"^\S+ \S+ (\w+) .* (\d{3}) \d+ bytes [\d.]+ s [0-9a-f]{32}$", log, re.M))


@pytest.mark.parametrize("source", [own, contract])
def test_answers_are_as_documented(source, launch, server_url, tmp_path: Path,
                                   request: pytest.FixtureRequest) -> None:
    pytest.importorskip("schemathesis", reason="schemathesis is not installed")
    if server_url:
        pytest.skip("needs a Kanso of its own")
    kanso = launch(KANSO_ACCESS_LOG="true")
    token = Api(kanso.url).token
    document = source(requests.get(kanso.url + "/openapi.json", timeout=30).json())
    count = sum(method in METHODS for path in document["paths"].values() for method in path)
    wanted = max(2, request.config.getoption("--requests") // count)
    (tmp_path / "openapi.json").write_text(json.dumps(document))
    done = subprocess.run(
        [sys.executable, "-c", "import sys; from schemathesis.cli import schemathesis; "
         "sys.argv[0] = 'schemathesis'; sys.exit(schemathesis())", "run",
         str(tmp_path / "openapi.json"), "--url", kanso.url,
         "-H", f"Authorization: Bearer {token}", "--checks", CHECKS, "-n", str(wanted),
         "--seed", str(request.config.getoption("--seed")), "--phases", "fuzzing", "-w", "1",
         "--continue-on-failure", "--no-shrink", "--suppress-health-check", "all",
         "--warnings", "off", "--request-timeout", "60", "--exclude-path-regex", LEFT_OUT],
        cwd=tmp_path, capture_output=True, text=True, check=False)
    kanso.stop()
    seen = statuses(kanso)
    print(f"{seen.total()} requests: {dict(seen)}")
    assert seen.total() > wanted * count // 2, done.stdout[-3000:] + done.stderr[-3000:]
    failed = {key: number for key, number in seen.items() if key[1] >= "500" and key[1] != "501"}
    assert not failed, f"{failed}\n{kanso.logs()}"
    assert done.returncode == 0, done.stdout[:12000] + done.stderr[-2000:]
