"""Visualizations and step logs: files of a local artifact store, and only those."""

from __future__ import annotations

import base64
import ctypes
import os
import tempfile
import threading
import time
from pathlib import Path
from typing import Any, Iterator

import pytest

from kit import api as kit_api
from kit.api import NOBODY, Api, fails, missing, ok
from kit.factory import World, step_spec
from kit.servers import Kanso


class Store:
    """An artifact store of the flavor local, and what refers to files in it."""

    def __init__(self, world: World, root: Path) -> None:
        self.world, self.root = world, root
        root.mkdir()
        root.chmod(0o755)
        self.id = world.component(type="artifact_store", configuration={"path": str(root)})["id"]

    def write(self, name: str, content: bytes) -> str:
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        return str(path)

    def visualize(self, uri: str, kind: str = "html", **query: Any) -> Any:
        version = self.world.artifact_version(artifact_store_id=self.id,
                                              visualizations=[{"type": kind, "uri": uri}])
        return self.world.api.get(f"/artifact_versions/{version['id']}/visualize", **query)

    def step(self, uri: str) -> str:
        run = self.world.run({"load": step_spec("load")})
        return self.world.step(run, "load", logs={"uri": uri, "artifact_store_id": self.id})["id"]

    def logs(self, step: str, **query: Any) -> Any:
        return self.world.api.get(f"/steps/{step}/logs", **query)


@pytest.fixture
def store(world: World, workspace_directory: Path) -> Iterator[Store]:
    umask = os.umask(0o022)
    yield Store(world, workspace_directory / world.name("store"))
    os.umask(umask)


def test_visualization_by_type(store: Store) -> None:
    page = store.write("a.html", "<b>é</b>".encode())
    assert ok(store.visualize(page)) == {"type": "html", "value": "<b>é</b>"}
    table = store.write("sub/a.csv", b"a,b\r\n1,2\r3\n")
    assert ok(store.visualize(table, "csv")) == {"type": "csv", "value": "a,b\n1,2\n3\n"}
    image = bytes(range(256))
    assert ok(store.visualize(store.write("a.png", image), "image")) == {
        "type": "image", "value": base64.b64encode(image).decode()}
    assert ok(store.visualize(store.write("none.md", b""), "markdown"))["value"] == ""


def test_visualization_that_is_not_there(store: Store) -> None:
    page = store.write("a.html", b"x")
    for answer in (store.visualize(page + "x"), store.visualize(page, index=1),
                   store.visualize(page, index=-1), store.visualize("s3://bucket/a.html")):
        fails(answer, 404, "DoesNotExistException")
    missing(store.world.api.get(f"/artifact_versions/{NOBODY}/visualize"))


def test_nothing_outside_the_root(store: Store) -> None:
    if kit_api.REFERENCE:
        pytest.skip("the reference reads what it can reach")
    inside = store.write("a.html", b"inside")
    beside = store.root.with_name(store.root.name + "2")
    beside.mkdir()
    (beside / "a.html").write_bytes(b"beside")
    for name, target in (("file", inside), ("out", "/etc/hostname"), ("dir", "/etc"),
                         ("beside", str(beside))):
        (store.root / name).symlink_to(target)
    assert ok(store.visualize(str(store.root / "file")))["value"] == "inside"
    assert ok(store.visualize(f"{store.root}/../{store.root.name}/a.html"))["value"] == "inside"
    for uri in ("/etc/hostname", "/proc/self/environ", str(beside / "a.html"), f"{store.root}/out",
                f"{store.root}/dir/hostname", f"{store.root}/beside/a.html", str(store.root),
                f"{store.root}/../{beside.name}/a.html", "a.html", ""):
        fails(store.visualize(uri), 404, "DoesNotExistException")
        fails(store.logs(store.step(uri)), 404, "DoesNotExistException")


@pytest.fixture
def elsewhere() -> Iterator[Path]:
    """A directory that everybody may read and where stores may not lie."""
    with tempfile.TemporaryDirectory(prefix="kanso-elsewhere-") as name:
        os.chmod(name, 0o755)
        yield Path(name)


@pytest.mark.race
def test_names_exchanged_for_links(store: Store, elsewhere: Path) -> None:
    """Somebody exchanges a directory above the root, the root and a directory below it for links to where the same names
    lead to something else, all the time."""
    if kit_api.REFERENCE:
        pytest.skip("the reference reads what it can reach")
    world, base, secret = store.world, store.root, elsewhere
    for place in (base / "above", secret):
        (place / "root" / "below").mkdir(parents=True)
    (base / "above/root/below/a.html").write_bytes(b"mine")
    (secret / "root/below/a.html").write_bytes(b"somebody else's")
    for name, target in (("above", secret), ("above/root", secret / "root"), ("above/root/below", secret / "root/below")):
        (base / (name.replace("/", "-") + "-link")).symlink_to(target)
    store.id = world.component(type="artifact_store", configuration={"path": str(base / "above/root")})["id"]
    uri = str(base / "above/root/below/a.html")
    version = world.artifact_version(artifact_store_id=store.id, visualizations=[{"type": "html", "uri": uri}])["id"]
    step = store.step(uri)
    libc, over = ctypes.CDLL(None), threading.Event()

    def exchange() -> None:
        names = ["above", "above/root", "above/root/below"]
        while not over.is_set():
            for name in names:
                pair = [os.fsencode(base / name), os.fsencode(base / (name.replace("/", "-") + "-link"))]
                libc.renameat2(-100, pair[0], -100, pair[1], 2)
                libc.renameat2(-100, pair[0], -100, pair[1], 2)

    thread = threading.Thread(target=exchange)
    thread.start()
    seen, end = {}, time.monotonic() + 4
    try:
        while time.monotonic() < end:
            for path in (f"/artifact_versions/{version}/visualize", f"/steps/{step}/logs"):
                answer = world.api.get(path)
                seen[answer.status_code] = seen.get(answer.status_code, 0) + 1
                assert "somebody" not in answer.text, seen
    finally:
        over.set()
        thread.join()
    assert set(seen) <= {200, 404} and seen, seen
    assert ok(world.api.get(f"/artifact_versions/{version}/visualize"))["value"] == "mine"


@pytest.fixture
def picky(server, launch, workspace_directory: Path) -> Iterator[Kanso]:
    """A server that says itself where stores may lie."""
    if not server.mariadb:
        pytest.skip("needs a Kanso of its own")
    stores = workspace_directory / "local"
    stores.mkdir(exist_ok=True)
    stores.chmod(0o755)
    instance = launch(KANSO_STORE_ROOTS="", ZENML_LOCAL_STORES_PATH=str(stores))
    yield instance
    instance.stop()


def test_where_stores_may_lie(picky: Kanso, workspace_directory: Path) -> None:
    """By default where clients keep theirs and nowhere else, whatever is there."""
    world = World(Api(picky.url))
    os.umask(0o022)
    mine = Store(world, workspace_directory / "local" / world.name("store"))
    assert ok(mine.visualize(mine.write("a.html", b"x")))["value"] == "x"
    plain = world.component(type="artifact_store", configuration={})["id"]
    mine.id, mine.root = plain, workspace_directory / "local" / plain
    assert ok(mine.visualize(mine.write("a.html", b"y")))["value"] == "y"
    answers = set()
    for root in ("/etc", "/proc", "/proc/self", "/sys", "/dev/shm", "/nowhere", "/root/nowhere", str(picky.home),
                 str(picky.home / "etc"), "/", f"{workspace_directory}/local/../{picky.home.name}"):
        mine.id = world.component(type="artifact_store", configuration={"path": root})["id"]
        for uri in (root + "/hostname", root + "/nothing", root):
            said = fails(mine.visualize(uri), 404, "DoesNotExistException")
            assert "KANSO_STORE_ROOTS" in said
            answers.add(said.replace(f"'{root}'", ""))
    assert len(answers) == 1, "what is there and what is not look alike"


def test_never_the_kernels_nor_the_servers_own(server, launch) -> None:
    """Even when everything is allowed."""
    if not server.mariadb:
        pytest.skip("needs a Kanso of its own")
    kanso = launch(KANSO_STORE_ROOTS="/")
    world = World(Api(kanso.url))
    step = world.step(world.run({"load": step_spec("load")}), "load", logs={
        "uri": "/etc/hostname", "artifact_store_id": world.component(
            type="artifact_store", configuration={"path": "/etc"})["id"]})["id"]
    assert ok(world.api.get(f"/steps/{step}/logs"))
    for root in ("/", "/proc", "/sys", "/dev", str(kanso.home)):
        store = world.component(type="artifact_store", configuration={"path": root})["id"]
        for uri in ("/proc/self/environ", "/proc/1/status", "/sys/kernel/fscaps", "/dev/null",
                    f"{kanso.home}/etc/nginx.conf", f"{kanso.home}/log"):
            version = world.artifact_version(artifact_store_id=store, visualizations=[{"type": "html", "uri": uri}])["id"]
            fails(world.api.get(f"/artifact_versions/{version}/visualize"), 404, "DoesNotExistException")
    kanso.stop()


def test_reading_files_wears_no_worker_out(picky: Kanso, workspace_directory: Path) -> None:
    """What is opened for an answer is closed behind it, that and nothing else."""
    world = World(Api(picky.url))
    os.umask(0o022)
    store = Store(world, workspace_directory / "local" / world.name("store"))
    step = store.step(store.write("logs/1.log", b"x"))
    for _ in range(5):  # what workers open once
        ok(store.logs(step))

    def open_files() -> dict[int, int]:
        return {pid: len(os.listdir(f"/proc/{pid}/fd")) for pid in picky.workers()}

    before = open_files()
    for _ in range(40):
        assert ok(store.logs(step)) == "x"
        fails(store.visualize(f"{store.root}/nothing"), 404, "DoesNotExistException")
    assert open_files().keys() == before.keys(), "no worker has ended"
    assert sum(open_files().values()) <= sum(before.values()) + len(before)


@pytest.mark.skipif(os.getuid() != 0, reason="only root can own what the server may not read")
def test_the_way_up_tells_nothing(picky: Kanso, workspace_directory: Path) -> None:
    """Whether there is something above the root, in directories that the server may not enter, is not said."""
    world = World(Api(picky.url))
    os.umask(0o022)
    store = Store(world, workspace_directory / "local" / world.name("store"))
    closed = workspace_directory / world.name("closed")
    closed.mkdir(mode=0o700)
    above = f"{store.root}/../../{closed.name}"
    there, none = (fails(store.visualize(uri), 404, "DoesNotExistException").replace(uri, "")
                   for uri in (above + "/a", above + "x/a"))
    assert there == none


@pytest.mark.skipif(os.getuid() != 0, reason="only root can own what the server may not read")
def test_a_store_that_the_server_may_not_read(picky: Kanso, workspace_directory: Path) -> None:
    """The answer says who may not read what, and what to do; and so does the next start, of the directory."""
    world = World(Api(picky.url))
    store = Store(world, workspace_directory / "local" / world.name("store"))
    page = store.write("a.html", b"x")
    for closed in (Path(page), store.root):
        closed.chmod(0)
        said = fails(store.visualize(page), 404, "DoesNotExistException")
        assert "setfacl" in said and "ZENML_LOCAL_STORES_PATH" in said
    local = workspace_directory / "local"
    picky.stop()
    local.chmod(0o700)
    try:
        assert f"may not read the artifact stores in {local}" in picky.run("start").stderr
    finally:
        local.chmod(0o755)


def test_store_of_another_flavor(store: Store) -> None:
    world = store.world
    flavor = world.flavor(type="artifact_store")["name"]
    store.id = world.component(type="artifact_store", flavor=flavor)["id"]
    if not kit_api.REFERENCE:
        fails(store.visualize(store.write("a.html", b"x")), 501, "NotImplementedError")


def test_deleted_store(store: Store) -> None:
    version = store.world.artifact_version(
        artifact_store_id=store.id,
        visualizations=[{"type": "html", "uri": store.write("a.html", b"x")}])["id"]
    store.world.api.remove("/components/" + store.id)
    fails(store.world.api.get(f"/artifact_versions/{version}/visualize"), 404,
          "DoesNotExistException")


@pytest.mark.parametrize("files", [["log.txt"], ["logs/1.log"], ["logs/1.log", "logs/2.log",
                                                                 "logs/3.log"]])
def test_logs(store: Store, files: list[str]) -> None:
    text = "".join(f"line {number} of the output\n" for number in range(30))
    share = len(text) // len(files) + 1
    for number, name in enumerate(files):
        store.write(name, text[number * share:(number + 1) * share].encode())
    step = store.step(str(store.root / files[0].split("/")[0]))
    assert ok(store.logs(step)) == text
    for offset, length in ((0, 5), (7, 10), (share - 2, 5), (share + 3, share), (100, 10 ** 9)):
        assert ok(store.logs(step, offset=offset, length=length)) == text[offset:offset + length]
    for offset in (-1, -50, -share - 5, -len(text)):
        assert ok(store.logs(step, offset=offset)) == text[offset:]
    assert ok(store.logs(step, offset=-20, length=4)) == text[-20:-16]
    assert ok(store.logs(step, length=0)) == ""
    assert store.logs(step, offset="x").status_code == 422


def test_logs_that_are_not_there(store: Store) -> None:
    world = store.world
    fails(store.logs(store.step(str(store.root / "gone"))), 404, "DoesNotExistException")
    without = world.step(world.run({"load": step_spec("load")}), "load")["id"]
    answer = store.logs(without)
    assert answer.status_code == 404 and isinstance(answer.json()["detail"], str)
    missing(store.logs(NOBODY))


def test_logs_that_are_not_utf8(store: Store) -> None:
    if kit_api.REFERENCE:
        pytest.skip("the reference refuses them")
    step = store.step(store.write("log.txt", "né".encode()[:-1] + b"\xffx"))
    assert ok(store.logs(step)) == "n\ufffd\ufffdx"
    split = store.step(store.write("split.txt", "éa".encode()))
    assert ok(store.logs(split, offset=1)) == "\ufffda"
