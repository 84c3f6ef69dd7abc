"""Step logs and visualizations in buckets: what is asked of a store, with which credentials, and what goes wrong there."""

from __future__ import annotations

import base64
import json
import subprocess
import threading
import time
from pathlib import Path
from typing import Any, Callable, Iterator

import pytest

from kit import objects
from kit.api import Api, fails, ok
from kit.factory import World, step_spec
from kit.objects import AZURE_ACCOUNT, AZURE_KEY, AZURE_SAS, AZURE_TOKEN, GCS_TOKEN, S3_ID, S3_SECRET, S3_TOKEN, Objects
from kit.provider import Provider
from kit.provider import started as provider_started
from kit.servers import Kanso

TENANT, CLIENT = "3fa85f64-5717-4562-b3fc-2c963f66afa6", "3fa85f64-5717-4562-b3fc-2c963f66afa7"
SCHEMES = {"s3": "s3", "gcp": "gs", "azure": "az"}
ODD = "a b+ü&=%/(1)'~.html"


@pytest.fixture(scope="module")
def far() -> Iterator[Objects]:
    for store in objects.started():
        for name, content in {"page.html": b"<b>x</b>", ODD: b"odd", "empty": b"", "image.png": bytes(range(256)),
                              "log/1.log": b"one\n", "log/2.log": b"two\n", "log/3.log": b"three\n", "log/sub/4.log": b"no",
                              "more/x": b"x" * 3_000_000}.items():
            store.objects[f"bucket/pre/{name}"] = content
        store.objects |= {"bucket/prefix/a.html": b"beside", "bucket/a.html": b"above", "public/pre/a": b"for everybody",
                          "other/a.html": b"another bucket's"}
        yield store


@pytest.fixture(scope="module")
def tokens() -> Iterator[Provider]:
    """Who gives tokens for credentials."""
    for provider in provider_started():
        def token(call: Any, _: Any) -> Any:
            if "client_credentials" in call.body:
                assert f"client_id={CLIENT}" in call.body and "storage.azure.com" in call.body
                return {"access_token": AZURE_TOKEN}
            return {"access_token": GCS_TOKEN, "expires_in": 3600}

        provider.routes = {f"POST /{TENANT}/oauth2/v2.0/token": token, "POST /token": token}
        yield provider


@pytest.fixture(scope="module")
def kanso(launch: Callable[..., Kanso], far: Objects, tokens: Provider) -> Kanso:
    return launch(KANSO_CONNECTOR_ENDPOINTS=",".join(f"{host}={url}" for host, url in {
        "storage.googleapis.com": far.url, f"{AZURE_ACCOUNT}.blob.core.windows.net": far.url + "/azure",
        "login.microsoftonline.com": tokens.url, "oauth2.googleapis.com": tokens.url,
        "s3.eu-west-1.amazonaws.com": far.url, "*.s3.eu-west-3.amazonaws.com": far.url + "/*",
        "*.s3.us-east-1.amazonaws.com": far.url + "/redirect-*"}.items()))


@pytest.fixture(scope="module")
def world(kanso: Kanso) -> World:
    return World(Api(kanso.url))


@pytest.fixture(scope="module")
def key_file(workspace_directory: Path) -> str:
    key = workspace_directory / "gcs.pem"
    subprocess.run(["openssl", "genrsa", "-out", str(key), "2048"], check=True, capture_output=True)
    return json.dumps({"type": "service_account", "project_id": "p", "client_email": "a@b.c", "private_key_id": "k",
                       "client_id": "1", "auth_uri": "https://accounts.google.com/o/oauth2/auth",
                       "auth_provider_x509_cert_url": "https://x", "client_x509_cert_url": "https://x", "private_key": key.read_text(), "token_uri": "https://oauth2.googleapis.com/token"})


class Store:
    """A component that describes a store, and what refers to files in it."""

    def __init__(self, world: World, flavor: str, path: str = "bucket/pre", **more: Any) -> None:
        configuration = {"path": f"{SCHEMES[flavor]}://{path}"} | more.pop("configuration", {})
        self.world, self.root = world, configuration["path"]
        self.id = world.component(type="artifact_store", flavor=flavor, configuration=configuration, **more)["id"]

    def uri(self, name: str) -> str:
        return name if "://" in name or name.startswith("/") else f"{self.root}/{name}"

    def visualize(self, name: str, kind: str = "html") -> Any:
        version = self.world.artifact_version(artifact_store_id=self.id, visualizations=[{"type": kind, "uri": self.uri(name)}])
        return self.world.api.get(f"/artifact_versions/{version['id']}/visualize")

    def step(self, name: str) -> str:
        run = self.world.run({"load": step_spec("load")})
        return self.world.step(run, "load", logs={"uri": self.uri(name), "artifact_store_id": self.id})["id"]

    def logs(self, name: str, **query: Any) -> Any:
        return self.world.api.get(f"/steps/{self.step(name)}/logs", **query)


def secret(world: World, values: dict[str, str], scope: str = "workspace") -> str:
    name = world.name("secret")
    world.api.make(world.ws + "/secrets", world.owned | {"name": name, "values": values, "scope": scope})
    return name


def s3(url: str) -> dict[str, Any]:
    return {"key": S3_ID, "secret": S3_SECRET, "client_kwargs": {"endpoint_url": url}}


def connector(world: World, kind: str, method: str, configuration: dict[str, Any], **more: Any) -> str:
    return world.api.make(world.ws + "/service_connectors", world.owned | {
        "name": world.name("connector"), "connector_type": kind, "auth_method": method, "configuration": configuration} | more)["id"]


# Credentials ------------------------------------------------------------------------------------------------------------------

SECRETS: dict[str, tuple[str, dict[str, str]]] = {
    "s3": ("s3", {"aws_access_key_id": S3_ID, "aws_secret_access_key": S3_SECRET}),
    "s3 session": ("s3", {"aws_access_key_id": S3_ID, "aws_secret_access_key": S3_SECRET, "aws_session_token": S3_TOKEN}),
    "azure key": ("azure", {"account_name": AZURE_ACCOUNT, "account_key": AZURE_KEY}),
    "azure signature": ("azure", {"account_name": AZURE_ACCOUNT, "sas_token": "?" + AZURE_SAS}),
    "azure principal": ("azure", {"account_name": AZURE_ACCOUNT, "client_id": CLIENT, "client_secret": "shh", "tenant_id": TENANT}),
    "azure string": ("azure", {"connection_string": f"DefaultEndpointsProtocol=https;AccountName={AZURE_ACCOUNT};"
                               f"AccountKey={AZURE_KEY};BlobEndpoint=FAR/azure/"}),
    "azure string with a signature": ("azure", {"connection_string": f"BlobEndpoint=FAR/azure;SharedAccessSignature={AZURE_SAS}"}),
    "google service account": ("gcp", {"token": "KEY FILE"}),
    "google user": ("gcp", {"token": json.dumps({"type": "authorized_user", "client_id": "c", "client_secret": "s",
                                                 "refresh_token": "r"})}),
}


@pytest.fixture(scope="module")
def by_secret(world: World, far: Objects, key_file: str) -> Callable[[str], Store]:
    def make(name: str, scope: str = "workspace") -> Store:
        flavor, values = SECRETS[name]
        filled = {k: key_file if v == "KEY FILE" else v.replace("FAR", far.url) for k, v in values.items()}
        more = {"client_kwargs": {"endpoint_url": far.url}} if flavor == "s3" else {}
        return Store(world, flavor, configuration=more | {"authentication_secret": secret(world, filled, scope)})
    return make


@pytest.mark.parametrize("name", SECRETS)
def test_authentication_secrets(by_secret: Callable[[str], Store], far: Objects, name: str) -> None:
    """Each request is signed: of a file, of a page of a list, with odd characters in names."""
    store = by_secret(name)
    far.wrong.clear()
    assert ok(store.visualize("page.html")) == {"type": "html", "value": "<b>x</b>"}
    assert ok(store.visualize(ODD))["value"] == "odd"
    assert ok(store.logs("log")) == "one\ntwo\nthree\n"
    assert not far.wrong


CONNECTORS: dict[str, tuple[str, str, str, dict[str, Any]]] = {
    "aws key": ("s3", "aws", "secret-key", {"aws_access_key_id": S3_ID, "aws_secret_access_key": S3_SECRET, "region": "eu-west-3"}),
    "aws token": ("s3", "aws", "sts-token", {"aws_access_key_id": S3_ID, "aws_secret_access_key": S3_SECRET,
                                            "aws_session_token": S3_TOKEN, "region": "eu-west-3"}),
    "google token": ("gcp", "gcp", "oauth2-token", {"token": GCS_TOKEN, "project_id": "p"}),
    "google service account": ("gcp", "gcp", "service-account", {"service_account_json": "KEY FILE"}),
    "azure principal": ("azure", "azure", "service-principal", {"client_id": CLIENT, "client_secret": "shh", "tenant_id": TENANT,
                                                               "storage_account": AZURE_ACCOUNT}),
}


@pytest.mark.parametrize("name", CONNECTORS)
def test_service_connectors(world: World, far: Objects, key_file: str, name: str) -> None:
    """They open the store that they may reach, with what they make of their credentials, and no other."""
    flavor, kind, method, configuration = CONNECTORS[name]
    configuration = {k: key_file if v == "KEY FILE" else v for k, v in configuration.items()}
    far.wrong.clear()
    store = Store(world, flavor, connector=connector(world, kind, method, configuration))
    assert ok(store.visualize("page.html"))["value"] == "<b>x</b>"
    assert ok(store.logs("log", offset=-6)) == "three\n"
    assert not far.wrong
    resource = {"s3": "s3-bucket", "gcp": "gcs-bucket", "azure": "blob-container"}[flavor]
    only = connector(world, kind, method, configuration, resource_types=[resource],
                     resource_id=f"{SCHEMES[flavor]}://other")
    calls = far.calls
    assert "other" in fails(Store(world, flavor, connector=only).logs("page.html"), 501, "NotImplementedError")
    assert far.calls == calls


def test_an_expired_connector(world: World) -> None:
    old = connector(world, "aws", "sts-token", CONNECTORS["aws token"][3], expires_at="2020-01-01T00:00:00")
    assert "expired" in fails(Store(world, "s3", connector=old).logs("page.html"), 501, "NotImplementedError")


def test_configurations(world: World, far: Objects) -> None:
    """Keys in the configuration, in plain and as references to secrets; objects as JSON text; the bucket in the path or the host."""
    keys = secret(world, {"id": S3_ID, "key": S3_SECRET, "token": S3_TOKEN})
    kwargs = {"endpoint_url": far.url + "/"}
    for more in ({"key": S3_ID, "secret": S3_SECRET, "client_kwargs": kwargs},
                 {"key": S3_ID, "secret": S3_SECRET, "token": S3_TOKEN, "client_kwargs": json.dumps(kwargs)},
                 {"key": "{{%s.id}}" % keys, "secret": "{{ %s.key }}" % keys, "token": "{{%s.token }}" % keys,
                  "client_kwargs": kwargs | {"region_name": "mars-1"}},
                 {"key": S3_ID, "secret": S3_SECRET, "client_kwargs": {"region_name": "eu-west-1"},
                  "config_kwargs": {"s3": {"addressing_style": "path"}}},
                 {"key": S3_ID, "secret": S3_SECRET, "config_kwargs": {"region_name": "eu-west-3"}}):
        assert ok(Store(world, "s3", configuration=more).logs("page.html")) == "<b>x</b>", more
    hosted = s3(f"http://127.0.0.1:{far.url.rpartition(':')[2]}") | {"config_kwargs": {"s3": {"addressing_style": "virtual"}}}
    fails(Store(world, "s3", configuration=hosted).logs("page.html"), 501, "NotImplementedError")  # bucket.127.0.0.1


def test_what_everybody_may_read(world: World, far: Objects) -> None:
    """Google's buckets need no credentials for that."""
    assert ok(Store(world, "gcp", "public/pre").logs("a")) == "for everybody"
    fails(Store(world, "gcp").logs("page.html"), 500, "RuntimeError")


def test_credentials_of_the_machine(launch: Callable[..., Kanso], far: Objects, tokens: Provider) -> None:
    """They open what has none of its own, where an administrator allows that."""
    tokens.routes["GET /computeMetadata/v1/instance/service-accounts/default/token"] = {"access_token": GCS_TOKEN, "expires_in": 60}
    tokens.routes["GET /metadata/identity/oauth2/token"] = {"access_token": AZURE_TOKEN}
    own = launch(ZENML_ENABLE_IMPLICIT_AUTH_METHODS="true", AWS_ACCESS_KEY_ID=S3_ID, AWS_SECRET_ACCESS_KEY=S3_SECRET,
                 AWS_SESSION_TOKEN=S3_TOKEN, KANSO_JOBS="0", KANSO_CONNECTOR_ENDPOINTS=f"storage.googleapis.com={far.url},"
                 f"metadata.google.internal={tokens.url},169.254.169.254={tokens.url},"
                 f"{AZURE_ACCOUNT}.blob.core.windows.net={far.url}/azure")
    world = World(Api(own.url))
    assert ok(Store(world, "s3", configuration={"client_kwargs": {"endpoint_url": far.url}}).logs("page.html")) == "<b>x</b>"
    assert ok(Store(world, "gcp").logs("page.html")) == "<b>x</b>"
    fails(Store(world, "azure").logs("page.html"), 501, "NotImplementedError")
    account = {"authentication_secret": secret(world, {"account_name": AZURE_ACCOUNT})}
    assert ok(Store(world, "azure", configuration=account).logs("page.html")) == "<b>x</b>"
    for elsewhere in (f"AccountName={AZURE_ACCOUNT};BlobEndpoint={far.url}/azure", f"AccountName={AZURE_ACCOUNT};EndpointSuffix=evil.org"):
        account, calls = {"authentication_secret": secret(world, {"connection_string": elsewhere})}, far.calls
        assert "AccountKey" in fails(Store(world, "azure", configuration=account).logs("page.html"), 501, "NotImplementedError")
        assert far.calls == calls
    own.stop()


WITHOUT: dict[str, tuple[str, dict[str, Any], str]] = {
    "s3 nothing": ("s3", {}, "no credentials"),
    "s3 half": ("s3", {"key": "x"}, "no credentials"),
    "azure nothing": ("azure", {}, "no credentials"),
    "s3 secret": ("s3", {"authentication_secret": "SECRET"}, "lacks aws_access_key_id"),
    "azure secret": ("azure", {"authentication_secret": "SECRET"}, "neither connection_string"),
    "google secret": ("gcp", {"authentication_secret": "SECRET"}, "no token"),
    "none such": ("s3", {"authentication_secret": "nowhere"}, "'nowhere' that it refers to is not there"),
    "reference": ("s3", {"key": "{{SECRET.nothing}}", "secret": "x"}, "has no value 'nothing', to which its attribute 'key' refers"),
    "reference to none": ("s3", {"key": "{{nowhere.x}}", "secret": "x"}, "'nowhere' that it refers to is not there"),
    "region": ("s3", {"key": "x", "secret": "x", "client_kwargs": {"region_name": "a.evil.org/"}}, "region"),
    "endpoint": ("s3", {"key": "x", "secret": "x", "client_kwargs": '{"endpoint_url": "file:///etc/passwd"}'}, "no URL"),
    "bucket": ("s3", {"key": "x", "secret": "x", "path": "s3://evil.org:80?/x"}, "path"),
}


@pytest.mark.parametrize("name", WITHOUT)
def test_stores_that_cannot_be_opened(world: World, name: str) -> None:
    flavor, configuration, why = WITHOUT[name]
    keys = secret(world, {"x": "plain-secret-value"})
    filled = {k: v.replace("SECRET", keys) if isinstance(v, str) else v for k, v in configuration.items()}
    store = Store(world, flavor, configuration=filled)
    for answer in (store.visualize("page.html"), store.logs("page.html")):
        said = fails(answer, 501, "NotImplementedError")
        assert why.replace("SECRET", keys) in said and "plain-secret-value" not in said


def test_secrets_of_other_users(world: World, kanso: Kanso, far: Objects, by_secret: Callable[..., Store]) -> None:
    """One's own secret opens the store for oneself; for others it is not there, and a workspace's of that name is."""
    store = by_secret("s3", "user")
    step = store.step("page.html")
    assert ok(world.api.get(f"/steps/{step}/logs")) == "<b>x</b>"
    name = world.name("reader")
    world.api.make("/users", {"name": name, "password": "pw-of-the-reader", "active": True, "is_admin": False})
    reader = Api(kanso.url, name, "pw-of-the-reader")
    assert "is not there" in fails(reader.get(f"/steps/{step}/logs"), 501, "NotImplementedError")


# Ranges -------------------------------------------------------------------------------------------------------------------------

@pytest.fixture(scope="module", params=["s3", "gcp", "azure"])
def store(request: pytest.FixtureRequest, world: World, far: Objects) -> Store:
    if request.param == "s3":
        return Store(world, "s3", configuration=s3(far.url))
    if request.param == "gcp":
        return Store(world, "gcp", connector=connector(world, "gcp", "oauth2-token", {"token": GCS_TOKEN, "project_id": "p"}))
    return Store(world, "azure", configuration={"authentication_secret": secret(world, SECRETS["azure key"][1])})


def test_visualizations(store: Store) -> None:
    assert ok(store.visualize("image.png", "image"))["value"] == base64.b64encode(bytes(range(256))).decode()
    assert ok(store.visualize("empty"))["value"] == ""
    assert len(ok(store.visualize("more/x"))["value"]) == 3_000_000
    fails(store.visualize("log"), 404, "DoesNotExistException")


PARTS: tuple[tuple[int, int | None], ...] = (
    (0, None), (0, 0), (2, 4), (3, 100), (100, 10), (-1, None), (-100, None), (-5, 3), (-7, 100), (5, -1), (2**62, 2**62),
    (-2**62, 2**62))


def test_logs(store: Store) -> None:
    """Files and directories, whole and in parts."""
    for name, text, parts in (("page.html", "<b>x</b>", PARTS), ("log", "one\ntwo\nthree\n", PARTS), ("empty", "", PARTS[:6:2])):
        step = store.step(name)
        for offset, length in parts:
            query = {"offset": offset} | ({} if length is None else {"length": length})
            start = min(offset, len(text)) if offset >= 0 else max(0, len(text) + offset)
            end = len(text) if length is None or length < 0 else min(len(text), start + length)
            assert ok(store.world.api.get(f"/steps/{step}/logs", **query)) == text[start:end], query


def test_no_more_is_fetched_than_is_shown(store: Store, far: Objects) -> None:
    far.ranges.clear()
    assert ok(store.logs("more/x", offset=1_000_000, length=10)) == "x" * 10
    assert far.ranges == ["bytes=1000000-1000009"]
    far.ranges.clear()
    assert ok(store.logs("more/x", offset=-10)) == "x" * 10
    assert far.ranges == ["bytes=0-0", "bytes=2999990-2999999"]
    far.ranges.clear()
    assert ok(store.logs("log", offset=6, length=5)) == "o\nthr"
    assert far.ranges == ["bytes=2-3", "bytes=0-2"]


OUTSIDE = ("", "/", "../a.html", "../prefix/a.html", "log/../page.html", "./page.html", "log/./1.log", "SCHEME://bucket/a.html",
           "SCHEME://bucket/prefix/a.html", "SCHEME://other/a.html", "SCHEME://bucket/pre", "SCHEME://bucket", "/etc/hostname",
           "file:///etc/hostname", "http://127.0.0.1/a")


def test_what_is_not_there(store: Store, far: Objects) -> None:
    """Nor is what is not inside: the store is not even asked."""
    names = ["nothing", *(name.replace("SCHEME", store.root.partition(":")[0]) for name in OUTSIDE)]
    world = store.world
    version = world.artifact_version(artifact_store_id=store.id, visualizations=[
        {"type": "html", "uri": store.uri(name)} for name in names])["id"]
    run = world.run({f"s{number}": step_spec(f"s{number}") for number in range(len(names))})
    for number, name in enumerate(names):
        step = world.step(run, f"s{number}", logs={"uri": store.uri(name), "artifact_store_id": store.id})["id"]
        calls = far.calls
        for answer in (world.api.get(f"/artifact_versions/{version}/visualize", index=number), world.api.get(f"/steps/{step}/logs")):
            assert "There is no file" in fails(answer, 404, "DoesNotExistException"), name
        assert far.calls - calls == (3 if name == "nothing" else 0), name


# Faults -------------------------------------------------------------------------------------------------------------------------

def test_a_huge_object(world: World, far: Objects) -> None:
    """Ten gigabytes: neither its end nor its beginning fetches more than is shown, and as a picture it is refused at once."""
    store = Store(world, "s3", "huge", configuration=s3(far.url))
    far.sent = 0
    assert ok(store.logs("x", offset=-5)) == "bcdef"
    assert ok(store.logs("x", offset=objects.HUGE - 3)) == "def"
    assert ok(store.logs("x", offset=5 * 2**30, length=4)) == "0123"
    assert far.sent < 100
    assert f"{objects.HUGE} bytes" in fails(store.visualize("x"), 400, "ValueError")
    assert far.sent < 4 * 2**20


def test_a_store_that_knows_no_ranges(world: World, far: Objects) -> None:
    store = Store(world, "s3", "whole", configuration=s3(far.url))
    far.sent = 0
    assert ok(store.logs("x", length=20)) == "0123456789abcdef0123"
    assert "parts of objects" in fails(store.logs("x", offset=5, length=20), 500, "RuntimeError")
    assert "parts of objects" in fails(store.logs("x", offset=-5), 500, "RuntimeError")
    assert f"{objects.HUGE} bytes" in fails(store.visualize("x"), 400, "ValueError")
    assert far.sent < 64 * 2**20


@pytest.mark.parametrize("fault, status, why", [
    ("cut", 501, "partial file"), ("denied", 500, "status 403 (AccessDenied)"), ("redirect", 500, "status 307"),
    ("endless", 501, ""), ("echo", 500, "status 400"), ("garbage", 404, "There is no file")])
def test_what_stores_do_wrong(world: World, kanso: Kanso, far: Objects, fault: str, status: int, why: str) -> None:
    """The answer says what it was, in words of the server's own and without what it has sent."""
    kinds = {500: "RuntimeError", 501: "NotImplementedError", 404: "DoesNotExistException"}
    calls = far.calls
    for more in (s3(far.url) | {"token": S3_TOKEN}, {"authentication_secret": secret(world, SECRETS["azure signature"][1])}):
        store = Store(world, "s3" if "key" in more else "azure", fault, configuration=more)
        for answer in (store.visualize("x"), store.logs("x")):
            said = fails(answer, status, kinds[status])
            assert why.lower() in said.lower()
            assert not [word for word in (S3_SECRET, S3_TOKEN, AZURE_SAS, "Signature", "sig=") if word in said]
    assert far.calls - calls == (6 if fault == "garbage" else 4), "redirects are not followed"
    log = "".join(path.read_text(errors="replace") for path in (kanso.home / "log").glob("*") if path.is_file())
    assert not [word for word in (S3_SECRET, S3_TOKEN, AZURE_SAS) if word in log]


def test_a_store_that_is_down_or_somebody_else(world: World, tls: Objects, far: Objects) -> None:
    for url, more in (("http://127.0.0.1:9", {}), (tls.url, {}), ("http://169.254.169.254", {})):
        store = Store(world, "s3", configuration=s3(url) | more)
        for answer in (store.visualize("a.html"), store.logs("a.html")):
            said = fails(answer, 501, "NotImplementedError")
            assert ("KANSO_EGRESS" in said) == (url == "http://169.254.169.254")
    assert not tls.calls
    trusting = s3(tls.url) | {"client_kwargs": {"endpoint_url": tls.url, "verify": False}}
    fails(Store(world, "s3", configuration=trusting).logs("a.html"), 404, "DoesNotExistException")
    assert tls.calls and not tls.wrong


@pytest.fixture(scope="module")
def tls(workspace_directory: Path) -> Iterator[Objects]:
    """A store with a certificate of nobody's."""
    key, certificate = workspace_directory / "store.key", workspace_directory / "store.pem"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=elsewhere", "-days", "1",
                    "-keyout", str(key), "-out", str(certificate)], check=True, capture_output=True)
    yield from objects.started(certificate=certificate, key=key)


def test_a_bucket_of_another_region(world: World, far: Objects) -> None:
    """Amazon says where it is, and is asked there."""
    def redirected(h: Any) -> None:
        far.send(h, 301, b"<Error><Code>PermanentRedirect</Code></Error>", x_amz_bucket_region="eu-west-3")

    far.FAULTS = (*Objects.FAULTS, "redirect-bucket")
    setattr(far, "redirect-bucket", redirected)
    store = Store(world, "s3", configuration={"key": S3_ID, "secret": S3_SECRET})
    assert ok(store.logs("page.html")) == "<b>x</b>"


@pytest.mark.race
def test_slow_stores_hold_up_nobody_else(world: World, kanso: Kanso, far: Objects) -> None:
    """While a file comes byte by byte, other requests are answered as ever, those for other files too; it is given up in time."""
    step = Store(world, "s3", "drip", configuration=s3(far.url)).step("x")
    quick = Store(world, "s3", configuration=s3(far.url)).step("log")
    answers: list[tuple[Any, float]] = []

    def wait() -> None:
        begun = time.monotonic()
        answers.append((world.api.get(f"/steps/{step}/logs", timeout=100), time.monotonic() - begun))

    calls = far.calls
    thread = threading.Thread(target=wait)
    thread.start()
    while far.calls == calls:
        time.sleep(0.01)
    other, took = Api(kanso.url), []
    for path in ("/steps", "/artifact_versions", "/current-user", "/service_connectors", f"/steps/{quick}/logs"):
        begun = time.monotonic()
        ok(other.get(path, timeout=60))
        took.append(time.monotonic() - begun)
    assert thread.is_alive(), "the store has not been given up yet"
    thread.join()
    answer, waited = answers[0]
    assert 9 < waited < 60 and max(took) < waited / 2
    fails(answer, 501, "NotImplementedError")
