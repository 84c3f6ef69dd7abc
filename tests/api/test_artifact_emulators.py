"""Files of artifact stores on what others wrote: moto, fake-gcs-server, Azurite. Those that are not installed are left out."""

from __future__ import annotations

import base64
import contextlib
from pathlib import Path
from typing import Any, Callable, Iterator

import pytest

from kit.api import Api, fails, ok
from kit.emulators import ACCOUNT, AZURITE_ACCOUNT, AZURITE_KEY, azurite, fake_gcs, make_bucket, moto
from kit.factory import World, step_spec

EMULATORS = {"s3": moto, "gcp": fake_gcs, "azure": azurite}
SCHEMES = {"s3": "s3", "gcp": "gs", "azure": "az"}
ODD = "a b+ü&=%(1)'~.html"
FILES = {"pre/page.html": b"<b>x</b>", f"pre/{ODD}": b"odd", "pre/empty": b"", "pre/image.png": bytes(range(256)),
         "pre/log/1.log": b"one\n", "pre/log/2.log": b"two\n", "pre/log/3.log": b"three\n", "above.html": b"above"}
KEY = {"aws_access_key_id": "AKIAEXAMPLE", "aws_secret_access_key": "shh"}


@pytest.fixture(scope="module")
def places(workspace_directory: Path) -> Iterator[dict[str, str]]:
    """The URLs of the emulators that are installed."""
    urls: dict[str, str] = {}
    running = [(flavor, start(workspace_directory / f"{flavor}.log")) for flavor, start in EMULATORS.items()]
    for flavor, emulator in running:
        with contextlib.suppress(pytest.skip.Exception):
            urls[flavor] = next(emulator)
            make_bucket(urls[flavor], flavor, "bucket", FILES)
    yield urls
    for _, emulator in running:
        emulator.close()


@pytest.fixture(scope="module")
def world(launch: Callable[..., Any], places: dict[str, str]) -> Iterator[World]:
    hosts = {"s3": "sts.eu-west-1.amazonaws.com", "gcp": "storage.googleapis.com",
             "azure": f"{AZURITE_ACCOUNT}.blob.core.windows.net"}
    if not places:
        pytest.skip("there is no emulator: make check-stores")
    kanso = launch(KANSO_CONNECTOR_ENDPOINTS=",".join(f"{hosts[flavor]}={url}" for flavor, url in places.items()), KANSO_JOBS="0")
    yield World(Api(kanso.url))
    kanso.stop()


@pytest.fixture(params=EMULATORS)
def place(request: pytest.FixtureRequest, places: dict[str, str]) -> tuple[str, str]:
    if request.param not in places:
        pytest.skip("its emulator is not installed: make check-stores")
    return request.param, places[request.param]


def configurations(world: World, flavor: str, url: str) -> list[dict[str, Any]]:
    """Ways to the same files."""
    def secret(**values: str) -> dict[str, str]:
        name = world.name("secret")
        world.api.make(world.ws + "/secrets", world.owned | {"name": name, "values": values, "scope": "workspace"})
        return {"authentication_secret": name}

    def connector(kind: str, method: str, **configuration: str) -> str:
        return world.api.make(world.ws + "/service_connectors", world.owned | {
            "name": world.name("connector"), "connector_type": kind, "auth_method": method, "configuration": configuration})["id"]

    if flavor == "gcp":
        return [{}, {"connector": connector("gcp", "oauth2-token", token="any", project_id="p")}]
    if flavor == "azure":
        whole = f"AccountName={AZURITE_ACCOUNT};AccountKey={AZURITE_KEY};BlobEndpoint={url};"
        return [{"configuration": secret(connection_string=whole)},
                {"configuration": secret(account_name=AZURITE_ACCOUNT, account_key=AZURITE_KEY)}]
    place = {"client_kwargs": {"endpoint_url": url}}
    role = {"role_arn": f"arn:aws:iam::{ACCOUNT}:role/worker", "region": "eu-west-1"}
    return [{"configuration": place | {"key": "AKIAEXAMPLE", "secret": "shh"}}, {"configuration": place | secret(**KEY)},
            {"configuration": place, "connector": connector("aws", "iam-role", **(KEY | role))}]


def test_files(world: World, place: tuple[str, str]) -> None:
    """Whole ones, parts, directories, odd names, in whatever way the store is opened."""
    flavor, url = place
    for more in configurations(world, flavor, url):
        root = f"{SCHEMES[flavor]}://bucket/pre"
        store = world.component(type="artifact_store", flavor=flavor,
                                **(more | {"configuration": {"path": root} | more.get("configuration", {})}))["id"]
        shown = [("page.html", "html", "<b>x</b>"), (ODD, "html", "odd"), ("empty", "html", ""),
                 ("image.png", "image", base64.b64encode(bytes(range(256))).decode())]
        version = world.artifact_version(artifact_store_id=store, visualizations=[
            {"type": kind, "uri": f"{root}/{name}"} for name, kind, _ in shown] + [
            {"type": "html", "uri": uri} for uri in (f"{root}/nothing", f"{SCHEMES[flavor]}://bucket/above.html")])["id"]
        for index, (_, kind, value) in enumerate(shown):
            assert ok(world.api.get(f"/artifact_versions/{version}/visualize", index=index)) == {"type": kind, "value": value}
        for index in (4, 5):
            fails(world.api.get(f"/artifact_versions/{version}/visualize", index=index), 404, "DoesNotExistException")
        run = world.run({name: step_spec(name) for name in ("page.html", "log", "empty")})
        for name, text in (("page.html", "<b>x</b>"), ("log", "one\ntwo\nthree\n"), ("empty", "")):
            step = world.step(run, name, logs={"uri": f"{root}/{name}", "artifact_store_id": store})["id"]
            for offset, length in ((0, 2**24), (2, 4), (100, 5), (-5, 3), (-100, 2**24)):
                start = min(offset, len(text)) if offset >= 0 else max(0, len(text) + offset)
                assert ok(world.api.get(f"/steps/{step}/logs", offset=offset, length=length)) == text[start:start + length]


def test_wrong_credentials(world: World, places: dict[str, str]) -> None:
    """Azurite, which looks at them, refuses."""
    if "azure" not in places:
        pytest.skip("there is no Azurite: make build/azurite")
    secret = world.name("secret")
    values = {"account_name": AZURITE_ACCOUNT, "account_key": base64.b64encode(b"another key").decode()}
    world.api.make(world.ws + "/secrets", world.owned | {"name": secret, "values": values, "scope": "workspace"})
    store = world.component(type="artifact_store", flavor="azure",
                            configuration={"path": "az://bucket/pre", "authentication_secret": secret})["id"]
    version = world.artifact_version(artifact_store_id=store, visualizations=[{"type": "html", "uri": "az://bucket/pre/page.html"}])
    said = fails(world.api.get(f"/artifact_versions/{version['id']}/visualize"), 500, "RuntimeError")
    assert "403" in said and values["account_key"] not in said
