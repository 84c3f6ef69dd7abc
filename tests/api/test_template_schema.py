"""The schema that helps to fill in a run template."""

from __future__ import annotations

from typing import Any

from kit.factory import World, step_spec


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


def test_a_page_shows_each_template_as_alone(world: World) -> None:
    """Flavors that several templates use, a stack that two have, names that need escapes."""
    store = world.component(type="artifact_store", flavor="s3", configuration={"path": "s3://b"})["id"]
    tracker = world.component(type="experiment_tracker", flavor="wandb",
                              configuration={"entity": "e", "project_name": "p", "api_key": "k"})
    operator = world.component(type="step_operator", flavor="sagemaker", configuration={"role": "r"})
    parts = [{}, {"experiment_tracker": [tracker["id"]]}, {"step_operator": [operator["id"]]}]
    stacks = [world.stack(components={"orchestrator": [world.component(flavor="kubernetes")["id"]], "artifact_store": [store]}
                          | others)["id"] for others in parts]
    parameters = {"größe": 1, 'quo"te\\': None, "max_rows": {"a": "é"}}
    steps = {'st"ep é': step_spec("a", parameters=parameters), "Model": step_spec("b"), "last": step_spec("c", parameters={})}
    made = [world.template(steps=steps, stack=stack) for stack in [*stacks, stacks[1]]]
    schemas = [world.api.read("/run_templates/" + each["id"])["metadata"]["config_schema"] for each in made]
    listed = {item["id"]: item for item in world.api.items("/run_templates", size=10, hydrate="true", sort_by="desc:created")}
    assert [listed[each["id"]]["metadata"]["config_schema"] for each in made] == schemas
    assert schemas[1] == schemas[3]

    keys = ["orchestrator.kubernetes", "experiment_tracker.wandb", "step_operator.sagemaker"]
    settings = [set(schema["$defs"]["Settings"]["properties"]) - {"resources"} for schema in schemas]
    assert settings == [{keys[0]}, {keys[0], keys[1]}, {keys[0], keys[2]}, {keys[0], keys[1]}]
    definitions = schemas[1]["$defs"]
    assert definitions["ExperimentTrackers"] == {"type": "string", "enum": [tracker["name"]], "const": tracker["name"],
                                                 "title": "ExperimentTrackers"}
    assert schemas[2]["$defs"]["StepOperators"]["enum"] == [operator["name"]]
    assert list(definitions["Steps"]["properties"]) == list(steps) and definitions["Steps"]["required"] == ['st"ep é']
    refs = [definitions["Steps"]["properties"][name] for name in steps]
    assert refs[0] == {"$ref": "#/$defs/st_ep__"} and refs[1]["anyOf"][0] == {"$ref": "#/$defs/Model_step"}
    given = definitions["st_ep___parameters"]
    assert given["required"] == list(parameters)
    assert list(given["properties"]) == list(parameters)
    assert given["properties"]["max_rows"] == {"title": "Max Rows"}


def test_steps_of_any_name_have_definitions_of_their_own(world: World) -> None:
    """Names that come to the same, and those of other definitions."""
    names = ["a b", "a_b", "a/b", "a_b_step", "Steps", "Settings", "x_parameters", "x", "été"]
    made = world.template(steps={name: step_spec(name, parameters={"p": 1}) for name in names})
    schema = world.api.read("/run_templates/" + made["id"])["metadata"]["config_schema"]
    definitions, steps = schema["$defs"], schema["$defs"]["Steps"]
    assert list(steps["properties"]) == steps["required"] == names
    own = [steps["properties"][name]["$ref"].removeprefix("#/$defs/") for name in names]
    parameters = [definitions[name]["properties"]["parameters"]["$ref"].removeprefix("#/$defs/") for name in own]
    assert len({*own, *parameters, "Steps", "Settings"}) == 2 * len(names) + 2
    assert all(definitions[name]["required"] == ["p"] for name in parameters)
    assert own[0] == "a_b" and own[1] == "a_b_step" and own[-1] == "_t_"
