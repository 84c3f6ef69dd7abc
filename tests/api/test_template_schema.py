"""The schema that helps to fill in a run template."""

from __future__ import annotations

from typing import Any

from kit.factory import World


def bare(part: dict[str, Any]) -> bool:
    """Whether a member is nothing but another schema, or null."""
    others = [item for item in part.get("anyOf", []) if item != {"type": "null"}]
    return "$ref" in part or "allOf" in part or (len(others) == 1 and "$ref" in others[0])


def test_everything_has_a_title(world: World) -> None:
    made = world.template()
    schema = world.api.read("/run_templates/" + made["id"])["metadata"]["config_schema"]
    assert schema["title"] == "Result"
    for name, definition in schema["$defs"].items():
        assert definition["title"] == name
    for definition in [schema, *schema["$defs"].values()]:
        for name, part in definition.get("properties", {}).items():
            assert part.get("title") == (None if bare(part) else name.replace("_", " ").title()), (name, part)
    assert schema["$defs"]["Model"]["properties"]["version"]["title"] == "Version"
