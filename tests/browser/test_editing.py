"""What the API lets one change: names, texts, tags, components by the schema of their flavor, stacks."""

from __future__ import annotations

import json

import pytest
from test_live import module


def saved(browser):
    browser.click("Save")
    browser.until(lambda: not browser.all("dialog"), "the dialog stays")
    browser.settled()


def tags_of(thing):
    return sorted(t["name"] for t in (thing["body"].get("tags") or thing["resources"]["tags"]))


def test_a_pipeline(browser, client, world):
    pipeline = world.pipeline(description="Before.", tags=["old", "kept"])
    browser.open(f"/pipelines/{pipeline['id']}")
    browser.click(f"Edit pipeline {pipeline['name']}")
    assert browser.control("Tags").get_attribute("value") in ("old, kept", "kept, old")
    browser.enter("Description", "After.\nTwo lines.")
    browser.enter("Tags", "kept, new one")
    browser.everywhere("pipeline-edit")
    saved(browser)
    browser.until_text("After.")
    now = client.read(f"/pipelines/{pipeline['id']}")
    assert now["metadata"]["description"] == "After.\nTwo lines." and tags_of(now) == ["kept", "new one"]
    browser.clean()


def test_a_model_and_its_version(browser, client, world):
    model = world.model(license="MIT")
    browser.open(f"/models/{model['id']}")
    browser.click(f"Edit model {model['name']}")
    browser.enter("License", "Apache-2.0")
    browser.enter("Limitations", "Many.")
    browser.enter("Name", model["name"] + "-new")
    saved(browser)
    browser.until(lambda: browser.find("h1").text == model["name"] + "-new")
    more = client.read(f"/models/{model['id']}")["metadata"]
    assert (more["license"], more["limitations"], more["ethics"]) == ("Apache-2.0", "Many.", None)

    version = world.model_version(model["id"])
    browser.open(f"/model-versions/{version['id']}")
    browser.click(f"Edit version {model['name']}-new 1")
    browser.enter("Name", "first")
    browser.enter("Description", "The first.")
    browser.enter("Tags", "good")
    saved(browser)
    now = client.read(f"/model_versions/{version['id']}")
    assert now["name"] == "first" and now["metadata"]["description"] == "The first." and tags_of(now) == ["good"]
    browser.clean()


def test_runs_and_artifacts_get_tags(browser, client, world):
    run = world.run(status="completed")
    artifact = world.artifact()
    version = world.artifact_version(artifact["id"])
    label = f"{version['body']['artifact']['name']}, version 1"
    for page, path, what in ((f"/runs/{run['id']}", f"/runs/{run['id']}", f"run {run['name']}"),
                             (f"/artifacts/{artifact['id']}", f"/artifacts/{artifact['id']}", f"artifact {artifact['name']}"),
                             (f"/artifact-versions/{version['id']}", f"/artifact_versions/{version['id']}", f"version {label}")):
        browser.open(page)
        browser.click(f"Edit {what}")
        browser.enter("Tags", "one, two , one")
        saved(browser)
        browser.until_text("two")
        assert tags_of(client.read(path)) == ["one", "two"]
    browser.clean()


def test_nothing_changed_is_nothing_sent(browser, client, world):
    pipeline = world.pipeline()
    browser.open(f"/pipelines/{pipeline['id']}")
    browser.forget()
    browser.click(f"Edit pipeline {pipeline['name']}")
    saved(browser)
    assert client.read(f"/pipelines/{pipeline['id']}")["body"]["updated"] == pipeline["body"]["updated"]
    browser.clean()


def test_a_component_from_its_flavor(browser, client, world):
    name = world.name("store")
    browser.open("/components")
    browser.click("New component")
    browser.find("dialog[open]")
    browser.enter("Flavor", "Artifact store: s3")
    browser.click("Next")
    browser.until(lambda: browser.find("dialog h2").text == "New artifact store: s3")
    assert browser.control("Key").get_attribute("type") == "password"
    browser.enter("Name", name)
    browser.enter("Path", "s3://bucket")
    browser.enter("Client Kwargs", "{no json")
    browser.click("Create")
    browser.until_text("“Client Kwargs” is not JSON.")
    browser.enter("Client Kwargs", '{"region": "eu"}')
    browser.accessible()
    browser.shot("component-new")
    browser.click("Create")
    browser.until(lambda: browser.find("h1").text == name)
    browser.settled()
    made = client.items("/components", name=name)[0]["id"]
    assert client.read(f"/components/{made}")["metadata"]["configuration"] == {"path": "s3://bucket", "client_kwargs": {"region": "eu"}}

    browser.click(f"Edit component {name}")
    browser.find("dialog[open]")
    browser.enter("Path", "s3://other")
    browser.enter("Client Kwargs", "")
    saved(browser)
    assert client.read(f"/components/{made}")["metadata"]["configuration"]["path"] == "s3://other"
    browser.clean()


def test_a_stack_is_put_together_anew(browser, client, world):
    part = world.component(type="image_builder", flavor="local")
    stack = world.stack()
    browser.open(f"/stacks/{stack['id']}")
    browser.click(f"Edit stack {stack['name']}")
    browser.find("dialog[open]")
    browser.enter("Name", stack["name"] + "-new")
    browser.enter("Image builder", f"{part['name']} (local)")
    saved(browser)
    browser.until(lambda: browser.find("h1").text == stack["name"] + "-new")
    now = client.read(f"/stacks/{stack['id']}")["metadata"]["components"]
    assert now["image_builder"][0]["id"] == part["id"] and set(now) == {"orchestrator", "artifact_store", "image_builder"}
    browser.clean()


def test_tags_and_code_repositories(browser, client, world):
    word = world.name("label")
    browser.open(f"/tags?name={word}")
    browser.click("New tag")
    browser.enter("Name", word)
    browser.enter("Colour", "Teal")
    browser.click("Create")
    browser.until(lambda: [n.text for n in browser.all("tbody th")] == [word])
    browser.click(f"Edit tag {word}")
    browser.enter("Colour", "Red")
    browser.click("Save")
    browser.until(lambda: browser.all("tbody .tag-red"))
    browser.click(f"Delete tag {word}")
    browser.click("Delete", "dialog button")
    browser.until(lambda: not client.items("/tags", name=word))

    repository = world.code_repository(config={"owner": "o", "repository": "r", "token": "t0p"})
    browser.open(f"/code-repositories/{repository['id']}")
    assert "t0p" not in browser.driver.page_source
    browser.click(f"Edit code repository {repository['name']}")
    browser.enter("Description", "Ours.")
    saved(browser)
    browser.until_text("Ours.")
    browser.clean()


@pytest.mark.parametrize("schema, now, entered, read", [
    ({"properties": {"a": {"type": "string"}}, "required": ["a"]}, {}, {"a": "x"}, {"a": "x"}),
    ({"properties": {"a": {"type": "string", "default": "d"}}}, {}, {"a": "d"}, {}),
    ({"properties": {"a": {"anyOf": [{"type": "string"}, {"type": "null"}], "default": None}}}, {"a": "x"}, {"a": ""}, {"a": None}),
    ({"properties": {"a": {"type": "integer", "default": 3}, "b": {"type": "number"}}}, {}, {"a": 4, "b": 0.5}, {"a": 4, "b": 0.5}),
    ({"properties": {"a": {"type": "boolean", "default": True}}}, {}, {"a": False}, {"a": False}),
    ({"properties": {"a": {"anyOf": [{"type": "boolean"}, {"type": "null"}], "default": None}}}, {}, {"a": "false"}, {"a": False}),
    ({"properties": {"a": {"enum": ["x", "y"], "default": "x"}}}, {}, {"a": '"y"'}, {"a": "y"}),
    ({"$defs": {"E": {"type": "string", "enum": ["p", "q"]}}, "properties": {"a": {"allOf": [{"$ref": "#/$defs/E"}], "default": "p"}}}, {}, {"a": '"q"'}, {"a": "q"}),
    ({"properties": {"a": {"title": "A"}, "b": {}}}, {"a": 1, "b": "x"}, {"a": 2, "b": "1"}, {"a": 2, "b": "1"}),
    ({"properties": {"a": {"type": "array", "items": {"type": "string"}, "default": []}}}, {}, {"a": '["x"]'}, {"a": ["x"]}),
    ({"properties": {"a": {"anyOf": [{"type": "object"}, {"type": "string"}, {"type": "null"}], "default": None}}}, {}, {"a": '{"k": 1}'}, {"a": {"k": 1}}),
], ids=lambda x: None)
def test_forms_of_schemas(visitor, schema, now, entered, read):
    visitor.open("/")
    found = module(visitor, "parts/schema_form.js",
                   f"return m.schemaForm({json.dumps(schema)}, {json.dumps(now)}, '').read({json.dumps(entered)})")
    assert found == {"x": read}
