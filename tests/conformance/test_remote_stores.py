"""Remote artifact stores: what the stock client leaves in them is shown, and Kanso answers for a file as the reference does that
has the packages for its store."""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any, Callable, Iterator

import pytest
import requests

from kit.api import Api, ok
from kit.emulators import AZURITE_ACCOUNT, AZURITE_KEY, azurite, fake_gcs, make_bucket, moto
from kit.factory import World, step_spec
from kit.process import REPOSITORY, free_port, stop, wait_until
from kit.servers import JWT_KEY, PASSWORD, SECRETS_KEY, USER, Kanso, base_environment
from kit.stock import SCENARIO, StockClient, client_environment

VENV = Path(os.environ.get("KANSO_STORES_VENV") or REPOSITORY / "build" / "stores-venv")
EMULATORS = {"s3": moto, "gcp": fake_gcs, "azure": azurite}
SCHEMES = {"s3": "s3", "gcp": "gs", "azure": "az"}
FILES = {"pre/page.html": b"<b>x</b>", "pre/a b+=&%.html": b"odd", "pre/empty": b"", "pre/log/1.log": b"one\n",
         "pre/log/2.log": b"two\n", "pre/log/3.log": b"three\n"}
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def places(workspace_directory: Path) -> Iterator[dict[str, str]]:
    if not (VENV / "bin" / "python").exists():
        pytest.skip("there is no stock client with the packages of remote stores: make build/stores-venv")
    with contextlib.ExitStack() as stack:
        urls = {}
        for flavor, start in EMULATORS.items():
            urls[flavor] = stack.enter_context(contextlib.contextmanager(start)(workspace_directory / f"played-{flavor}.log"))
            make_bucket(urls[flavor], flavor, "bucket", FILES)
            make_bucket(urls[flavor], flavor, "pipelines", {})
        yield urls


@pytest.fixture(scope="module")
def kanso(launch: Callable[..., Kanso], places: dict[str, str]) -> Kanso:
    return launch(KANSO_CONNECTOR_ENDPOINTS=f"storage.googleapis.com={places['gcp']}", KANSO_LOGIN_RATE="0")


@pytest.fixture(scope="module")
def reference(places: dict[str, str], workspace_directory: Path) -> Iterator[str]:
    """The reference on a file of SQLite, with the packages for the stores."""
    home, port = workspace_directory / "stock", free_port()
    home.mkdir()
    url = f"http://127.0.0.1:{port}"
    environment = base_environment() | {
        "ZENML_STORE_URL": f"sqlite:///{home}/zenml.db", "ZENML_CONFIG_PATH": str(home), "ZENML_SERVER": "1",
        "ZENML_SERVER_AUTO_ACTIVATE": "1", "ZENML_DEFAULT_USER_NAME": USER, "ZENML_DEFAULT_USER_PASSWORD": PASSWORD,
        "ZENML_SERVER_DEPLOYMENT_TYPE": "docker", "ZENML_SERVER_JWT_SECRET_KEY": JWT_KEY, "ZENML_ANALYTICS_OPT_IN": "false",
        "ZENML_SECRETS_STORE_TYPE": "sql", "ZENML_SECRETS_STORE_ENCRYPTION_KEY": SECRETS_KEY, "AUTO_OPEN_DASHBOARD": "false",
        "STORAGE_EMULATOR_HOST": places["gcp"]}
    with (home / "log").open("wb") as log:
        process = subprocess.Popen([str(VENV / "bin" / "python"), "-m", "uvicorn", "zenml.zen_server.zen_server_api:app", "--host",
                                    "127.0.0.1", "--port", str(port), "--log-level", "warning"], env=environment, cwd=home,
                                   stdout=log, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL)

    def healthy() -> bool:
        with contextlib.suppress(requests.RequestException):
            return requests.get(url + "/health", timeout=5).ok
        return False

    try:
        wait_until(healthy, 180, "the reference")
        yield url
    finally:
        stop(process)


def opened_by(flavor: str, places: dict[str, str], bucket: str = "bucket/pre") -> tuple[dict[str, Any], dict[str, str]]:
    """A component's configuration, and the values of its secret, if it has one."""
    path = {"path": f"{SCHEMES[flavor]}://{bucket}"}
    if flavor == "s3":
        return path | {"key": "key", "secret": "shh", "client_kwargs": {"endpoint_url": places["s3"], "region_name": "us-east-1"}}, {}
    if flavor == "gcp":
        return path, {}
    text = f"DefaultEndpointsProtocol=http;AccountName={AZURITE_ACCOUNT};AccountKey={AZURITE_KEY};BlobEndpoint={places['azure']};"
    return path | {"authentication_secret": "azure-store"}, {"connection_string": text}


# Whole files, parts, directories --------------------------------------------------------------------------------------------

NAMES = ("page.html", "a b+=&%.html", "empty", "log", "nothing")
QUERIES: tuple[dict[str, int], ...] = ({}, {"offset": 2, "length": 3}, {"offset": 5}, {"length": 0}, {"offset": -3},
                                       {"offset": -6, "length": 2}, {"offset": 99}, {"offset": -99})


def answers(url: str, flavor: str, places: dict[str, str]) -> dict[str, Any]:
    """What a server says of each file: the body, or the kind of error."""
    api = Api(url)
    world, found = World(api), {}
    configuration, values = opened_by(flavor, places)
    if values:
        name = configuration["authentication_secret"] = world.name("secret")
        api.make(world.ws + "/secrets", world.owned | {"name": name, "values": values, "scope": "workspace"})
    store = world.component(type="artifact_store", flavor=flavor, configuration=configuration)["id"]
    run = world.run({name: step_spec(name) for name in NAMES})

    def note(what: str, answer: requests.Response) -> None:
        found[what] = answer.json() if answer.status_code == 200 else (answer.status_code, answer.json()["detail"][0])

    for name in NAMES:
        uri = f"{configuration['path']}/{name}"
        version = world.artifact_version(artifact_store_id=store, visualizations=[{"type": "html", "uri": uri},
                                                                                  {"type": "image", "uri": uri}])["id"]
        for index in (0, 1):
            note(f"{name} {index}", api.get(f"/artifact_versions/{version}/visualize", index=index))
        step = world.step(run, name, logs={"uri": uri, "artifact_store_id": store})["id"]
        for query in QUERIES:
            note(f"{name} {query}", api.get(f"/steps/{step}/logs", **query))
    return found


# docs/compatibility.md: what the reference says there, and what Kanso does.
FAILED = (501, "NotImplementedError")
ALL = "one\ntwo\nthree\n"
DIFFERENCES: dict[str, tuple[Any, Any]] = {
    "log 0": ({"type": "html", "value": ""}, (404, "DoesNotExistException")),
    "log 1": ({"type": "image", "value": ""}, (404, "DoesNotExistException")),
    "log {'offset': 99}": ("two\nthree\n", ""),
    "log {'offset': -99}": (FAILED, ALL),
    "page.html {'offset': -99}": (FAILED, "<b>x</b>"),
    "a b+=&%.html {'offset': -3}": ("odd", "odd"),
    "a b+=&%.html {'offset': -6, 'length': 2}": (FAILED, "od"),
    "a b+=&%.html {'offset': -99}": (FAILED, "odd"),
    **{f"empty {query}": (FAILED, "") for query in QUERIES if query.get("offset", 0) < 0},
}


@pytest.mark.parametrize("flavor", EMULATORS)
def test_answers_are_those_of_the_reference(kanso: Kanso, reference: str, places: dict[str, str], flavor: str) -> None:
    theirs, ours = answers(reference, flavor, places), answers(kanso.url, flavor, places)
    listed = dict(DIFFERENCES)
    if flavor == "azure":  # its library knows directories
        listed |= {f"log {index}": (FAILED, (404, "DoesNotExistException")) for index in (0, 1)}
    assert not {what: (theirs[what], own) for what, own in ours.items() if (theirs[what], own) != listed.get(what, (own, own))}


# A pipeline -------------------------------------------------------------------------------------------------------------------

@pytest.fixture(scope="module")
def client(workspace_directory: Path, places: dict[str, str]) -> Callable[[str, str], dict[str, str]]:
    """Runs the pipeline on a server with a store; the ids of what it has left."""
    def run(url: str, flavor: str) -> dict[str, str]:
        stock = StockClient(VENV, workspace_directory / f"client-{flavor}-{url.rpartition(':')[2]}")
        shutil.copy(SCENARIO / "stores.py", stock.work)
        configuration, secret = opened_by(flavor, places, "pipelines")
        given = {"configuration": configuration, "secret": secret} if secret else configuration
        done = subprocess.run([str(stock.python), "stores.py", url, flavor, json.dumps(given), "out.json"], cwd=stock.work,
                              env=client_environment(stock.config) | {"STORAGE_EMULATOR_HOST": places["gcp"]}, text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, timeout=600, check=False)
        assert done.returncode == 0, done.stdout[-6000:]
        return json.loads((stock.work / "out.json").read_text())
    return run


def shown(url: str, made: dict[str, str]) -> tuple[str, Any]:
    api = Api(url)
    log = ok(api.get(f"/steps/{made['step']}/logs"))
    return re.sub(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d|\d+\.\d+s", "TIME", log), ok(api.get(f"/artifact_versions/{made['version']}/visualize"))


@pytest.mark.parametrize("flavor", EMULATORS)
def test_what_a_pipeline_leaves_is_shown(kanso: Kanso, client: Callable[[str, str], dict[str, str]], flavor: str) -> None:
    log, page = shown(kanso.url, client(kanso.url, flavor))
    assert "what the step has to say: é" in log
    assert page == {"type": "html", "value": "<h1>made by a step</h1>"}


def test_the_reference_shows_the_same(kanso: Kanso, reference: str, client: Callable[[str, str], dict[str, str]]) -> None:
    """Of a pipeline of its own, by the same client."""
    first = World(Api(kanso.url)).api.ids("/steps", name="speaking")[0]
    step = ok(Api(kanso.url).get(f"/steps/{first}"))
    ours = {"step": first, "version": step["body"]["outputs"]["page"]["id"]}
    assert shown(reference, client(reference, "s3")) == shown(kanso.url, ours)
