#!/usr/bin/env python3
"""Writes sql/flavors.json from an installed reference: VENV/bin/python scripts/flavors-from-reference.py > FILE

The rows are facts that clients depend on: names, types, sources, addresses, configuration schemas. What
only explains or labels (descriptions and titles in the schemas) stays behind. One row per line, so that a
difference between two versions can be read.
"""

import json
import sys

# Keywords of JSON Schema whose members are names that somebody chose, not keywords.
MAPS_OF_SCHEMAS = {"properties", "patternProperties", "$defs", "definitions", "dependentSchemas"}
# Keywords whose value is data, not a schema.
VALUES = {"default", "const", "enum", "examples", "required", "discriminator"}
ANNOTATIONS = {"title", "description"}


def bare(schema):
    """The schema without its annotations."""
    if isinstance(schema, list):
        return [bare(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    kept = {}
    for key, value in schema.items():
        if key in ANNOTATIONS:
            continue
        if key in MAPS_OF_SCHEMAS:
            kept[key] = {name: bare(part) for name, part in value.items()}
        elif key in VALUES:
            kept[key] = value
        else:
            kept[key] = bare(value)
    return kept


def rows():
    """All flavors a fresh database holds, in the order in which the reference registers them."""
    from zenml.integrations.registry import integration_registry
    from zenml.stack.flavor_registry import FlavorRegistry

    for flavor in FlavorRegistry().builtin_flavors:
        yield flavor().to_model(integration="built-in", is_custom=False)
    for name, integration in integration_registry.integrations.items():
        for flavor in integration.flavors():
            yield flavor().to_model(integration=name, is_custom=False)


def main():
    fields = [
        "name", "type", "source", "integration", "connector_type", "connector_resource_type",
        "connector_resource_id_attr", "logo_url", "docs_url", "sdk_docs_url",
    ]
    lines = []
    for model in rows():
        row = {field: getattr(model, field) for field in fields}
        row["type"] = str(getattr(row["type"], "value", row["type"]))
        row["config_schema"] = bare(model.config_schema)
        lines.append(json.dumps(row, ensure_ascii=False, separators=(",", ":")))
    sys.stdout.write("[\n" + ",\n".join(lines) + "\n]\n")


if __name__ == "__main__":
    main()
