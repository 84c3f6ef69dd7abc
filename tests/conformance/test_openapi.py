"""The OpenAPI document beside that of ZenML 0.66.0: operations, parameters, bodies, answers, fields.

Both documents are taken apart into facts (a place in the document, and what is said there). What
differs must stand in the table of docs/compatibility.md that begins with the column `Place`; and
what stands in the table must differ.
"""

from __future__ import annotations

import json
import re
import subprocess
from typing import Any, Iterator

import pytest
import requests

from kit import contract as zenml
from kit.process import BUILD, REPOSITORY
from kit.servers import base_environment

TABLE = REPOSITORY / "docs" / "compatibility.md"

METHODS = ("get", "post", "put", "patch", "delete")


def shape(schema: dict[str, Any]) -> str:
    """A schema in one line, defaults included, prose left out."""
    if "$ref" in schema:
        text = schema["$ref"].rsplit("/", 1)[1]
    elif "allOf" in schema:
        text = shape(schema["allOf"][0])
    elif "anyOf" in schema:
        text = "|".join(sorted({shape(choice) for choice in schema["anyOf"]}))
    elif schema.get("type") == "array":
        parts = {shape(part) for part in schema.get("prefixItems", [])} or \
            {shape(schema.get("items", {}))}
        text = f"[{'|'.join(sorted(parts))}]"
    elif schema.get("additionalProperties") not in (None, True, False):
        text = f"{{{shape(schema['additionalProperties'])}}}"
    elif "enum" in schema:
        text = "/".join(map(str, sorted(schema["enum"])))
    else:
        text = schema.get("format") or schema.get("type") or "any"
    for limit in ("maxLength", "minimum", "maximum", "exclusiveMinimum"):
        if limit in schema:
            text += f" {limit}={schema[limit]:g}"
    if "default" in schema:
        text += f" ={json.dumps(schema['default'])}"
    return text


def content(part: dict[str, Any]) -> str:
    return ", ".join(f"{kind}: {shape(value.get('schema', {}))}"
                     for kind, value in part.get("content", {}).items())


def operations(document: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for path, methods in document["paths"].items():
        for method in METHODS:
            if method in methods:
                yield f"{method.upper()} {path}", methods[method]


def facts(document: dict[str, Any]) -> dict[str, str]:
    found = {}
    for name, operation in operations(document):
        found[name] = "secured" if operation.get("security") else "open"
        for parameter in operation.get("parameters", []):
            found[f"{name} {parameter['in']} {parameter['name']}"] = \
                ("required " if parameter["required"] else "") + shape(parameter["schema"])
        if "requestBody" in operation:
            body = operation["requestBody"]
            found[f"{name} body"] = ("required " if body.get("required") else "") + content(body)
        found[f"{name} answer"] = content(operation["responses"]["200"])
    for name, schema in document["components"]["schemas"].items():
        if "properties" in schema:
            found[name] = f"object, others {schema.get('additionalProperties', 'ignored')}"
            for field, value in schema["properties"].items():
                required = "required " if field in schema.get("required", []) else ""
                found[f"{name}.{field}"] = required + shape(value)
        else:
            found[name] = shape(schema)
    return found


def reachable(document: dict[str, Any]) -> set[str]:
    """Components that operations refer to."""
    schemas, waiting, found = document["components"]["schemas"], ["ErrorModel"], set()
    for _, operation in operations(document):
        said = [operation.get("parameters"), operation.get("requestBody"), operation["responses"]["200"]]
        waiting += re.findall(r"schemas/([^\"]+)\"", json.dumps(said))
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting += re.findall(r"schemas/([^\"]+)\"", json.dumps(schemas[name]))
    return found


def same(theirs: str | None, ours: str | None) -> bool:
    """Equal but for a default that their document keeps to itself."""
    return theirs == ours or (bool(theirs and ours) and " =" not in str(theirs)
                              and re.sub(r" =.*$", "", str(ours)) == theirs)


def listed() -> dict[str, str]:
    """Place and reason of each row of the table."""
    rows, inside = {}, False
    for line in TABLE.read_text(encoding="utf-8").splitlines() if TABLE.exists() else []:
        cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
        if inside and line.startswith("|") and set(cells[0]) - set("-: "):
            rows[cells[0].strip("`")] = cells[-1]
        inside = line.startswith("|") and (inside or cells[0] == "Place")
    return rows


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    printed = subprocess.run([str(BUILD / "bin" / "kansoctl"), "openapi"], check=True,
                             env=base_environment(),
                             capture_output=True, text=True).stdout
    return json.loads(printed)


@pytest.fixture(scope="module")
def contract() -> dict[str, Any]:
    return zenml.table("openapi")


def test_references_lead_somewhere(document: dict[str, Any]) -> None:
    named = set(re.findall(r"#/components/schemas/([^\"]+)\"", json.dumps(document)))
    schemas = document["components"]["schemas"]
    assert named and not named - schemas.keys()
    assert not schemas.keys() - named, "components that nothing refers to"
    assert not [name for name, schema in schemas.items() if not schema.get("type")]


def test_operations_are_named_apart(document: dict[str, Any]) -> None:
    names = [operation["operationId"] for _, operation in operations(document)]
    assert len(names) > 100 and len(names) == len(set(names))


def test_equals_the_contract(document: dict[str, Any], contract: dict[str, Any]) -> None:
    wanted = reachable(contract)
    theirs = {place: what for place, what in facts(contract).items()
              if "/" in place or place.split(".")[0] in wanted}
    ours = facts(document)
    known = listed()
    differences = {place: (theirs.get(place), ours.get(place))
                   for place in sorted(theirs.keys() | ours.keys())
                   if not same(theirs.get(place), ours.get(place))}
    assert len(theirs) > 1500
    new = [f"{place}: ZenML {was!r}, Kanso {now!r}" for place, (was, now) in differences.items()
           if place not in known]
    assert not new, f"{len(new)} differences without a reason:\n" + "\n".join(new)
    gone = [place for place in known if place not in differences]
    assert not gone, f"these do not differ any more: {gone}"


def test_statuses_of_the_contract_are_there(document: dict[str, Any],
                                            contract: dict[str, Any]) -> None:
    ours = dict(operations(document))
    lacking = {name: set(operation["responses"]) - set(ours[name]["responses"])
               for name, operation in operations(contract) if name in ours}
    assert not {name: codes for name, codes in lacking.items() if codes}


def test_is_served(server) -> None:
    answer = requests.get(server.url + "/openapi.json", timeout=20)
    assert answer.status_code == 200
    assert answer.headers["Content-Type"].startswith("application/json")
    served = {name for name, _ in operations(answer.json())}
    routes = {f"{method} {path}" for _, method, path in server.routes()}
    assert served <= routes
    for route in routes - served - {"GET /openapi.json", "GET /ready", "GET /metrics", "GET /api/v1/kanso/audit"}:  # of another configuration
        method, path = route.split()
        there = requests.request(method, server.url + re.sub(r"{.*?}", "x", path), timeout=20)
        assert there.status_code in (404, 405), route


def test_page_needs_nobody_else(server) -> None:
    """The page is there, and all that it loads comes from this server."""
    for path in ("/docs", "/docs/"):
        answer = requests.get(server.url + path, timeout=20)
        assert answer.status_code == 200, path
        assert answer.headers["Content-Type"].startswith("text/html")
        assert not re.search(r"(?:src|href)=[\"']?(?:https?:)?//", answer.text)
        for asset in re.findall(r"(?:src|href)=[\"']([^\"'#]+)[\"']", answer.text):
            url = requests.compat.urljoin(answer.url, asset)
            assert requests.get(url, timeout=20).status_code == 200, url
