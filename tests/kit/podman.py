"""A container engine of the tests' own: Podman's Docker-compatible API on a Unix socket, with a storage of its own.

Images are made on the spot from files of this machine, so nothing is fetched.
"""

from __future__ import annotations

import io
import os
import re
import shutil
import signal
import subprocess
import tarfile
import time
from pathlib import Path
from typing import Iterable

import pytest
import requests

from .process import stop, wait_until

# What containers have here: the host's network, so that they reach servers on 127.0.0.1; limits that any machine grants.
CONTAINERS_CONF = """[containers]
default_ulimits = ["nofile=1024:1024", "nproc=1024:1024"]
{netns}
[engine]
cgroup_manager = "cgroupfs"
runtime = "runc"
events_logger = "file"
"""
# With networks of their own, where containers find each other by name: needs netavark and aardvark-dns.
NETWORKS_CONF = CONTAINERS_CONF.format(netns="") + """[network]
network_backend = "netavark"
"""


def unavailable() -> str:
    """Why there can be no engine, or ''."""
    if os.geteuid() != 0:
        return "containers need root here"
    return "".join(f"no {program} " for program in ("podman", "runc", "conmon") if not shutil.which(program))


class Podman:
    """The engine; `host` is its DOCKER_HOST. Containers are on the host's network, or with `networks` on some of their own."""

    def __init__(self, directory: Path, networks: bool = False) -> None:
        self.directory = directory
        directory.mkdir(parents=True, exist_ok=True)
        (directory / "containers.conf").write_text(
            NETWORKS_CONF if networks else CONTAINERS_CONF.format(netns='netns = "host"'))
        self.socket = directory / "engine.sock"
        self.host = f"unix://{self.socket}"
        self.environment = os.environ | {"CONTAINERS_CONF": str(directory / "containers.conf"),
                                         "BUILDAH_ISOLATION": "chroot", "TMPDIR": str(directory)}
        self.process: subprocess.Popen | None = None

    def command(self, *arguments: str) -> list[str]:
        return ["podman", "--root", str(self.directory / "root"), "--runroot", str(self.directory / "run"),
                "--tmpdir", str(self.directory / "tmp"), "--cgroup-manager", "cgroupfs", "--runtime", "runc", *arguments]

    def run(self, *arguments: str, check: bool = True, text: str | None = None) -> str:
        """A podman command; its output."""
        done = subprocess.run(self.command(*arguments), env=self.environment, capture_output=True, text=True,
                              input=text, timeout=300)
        if check and done.returncode != 0:
            raise RuntimeError(f"podman {' '.join(arguments)}: {done.stderr}")
        return done.stdout

    def start(self) -> None:
        with open(self.directory / "engine.log", "ab") as log:
            self.process = subprocess.Popen(self.command("system", "service", "--time=0", self.host), env=self.environment,
                                            stdout=log, stderr=log, stdin=subprocess.DEVNULL, cwd=self.directory)
        wait_until(self.socket.exists, 60, "podman's socket")
        self.socket.chmod(0o666)  # as root, tests run servers as another user

    def stop(self) -> None:
        """The engine is down; containers go on."""
        if self.process:
            stop(self.process)
        self.socket.unlink(missing_ok=True)

    def remove(self) -> None:
        """Nothing is left."""
        self.stop()
        self.run("rm", "-fa", "-t", "0", check=False)
        self.run("rmi", "-fa", check=False)
        for mounted in reversed(re.findall(rf" ({re.escape(str(self.directory))}/\S+) ", Path("/proc/self/mounts").read_text())):
            subprocess.run(["umount", "-l", mounted], check=False, capture_output=True)
        shutil.rmtree(self.directory, ignore_errors=True)

    def import_or_skip(self, name: str, archive: Path) -> None:
        """For fixtures: where storage cannot be used, as within other containers, there is no engine."""
        try:
            self.import_image(name, archive)
        except RuntimeError as why:
            self.remove()
            pytest.skip(str(why)[:300])

    def import_image(self, name: str, archive: Path, *changes: str) -> None:
        self.run("import", "-q", *(each for change in changes for each in ("--change", change)), str(archive), name)

    def refuses(self, image: str) -> str:
        """Why containers do not run on this machine, or ''. There has to be a shell in the image."""
        tried = subprocess.run(self.command("run", "--rm", image, "/bin/sh", "-c", "exit 0"), env=self.environment, check=False,
                               capture_output=True, text=True, timeout=120)
        return "" if tried.returncode == 0 else f"containers do not run here: {tried.stderr.strip()[-300:]}"

    def containers(self) -> list[str]:
        """The names of all, whether they run or not."""
        return self.run("ps", "-a", "--format", "{{.Names}}").split()


def libraries(files: Iterable[Path]) -> set[Path]:
    """The shared libraries that programs or libraries need."""
    listed = subprocess.run(["ldd", *map(str, files)], capture_output=True, text=True).stdout
    return {Path(found) for found in re.findall(r"(/\S+) \(0x", listed)}


def root_filesystem(archive: Path, programs: Iterable[str], trees: dict[str, Path] | None = None,
                    texts: dict[str, str] | None = None, left_out: re.Pattern[str] = re.compile("$^"),
                    links: dict[str, str] | None = None) -> None:
    """A tar file for import: programs of this machine with the libraries they need (as /bin/NAME); whole trees, texts and
    symbolic links by the paths that they get."""
    trees, found = trees or {}, [Path(shutil.which(name) or name) for name in programs]
    binaries = [*found, *(path for tree in trees.values() for path in tree.rglob("*")
                          if re.search(r"\.so(\.|$)", path.name) and path.is_file())]
    with tarfile.open(archive, "w") as tar:
        for directory in ("tmp", "root", "etc", "bin", "proc", "sys", "dev", "var/tmp"):
            entry = tarfile.TarInfo(directory)
            entry.type, entry.mode = tarfile.DIRTYPE, 0o1777 if directory.endswith("tmp") else 0o755
            tar.add("/", entry.name, recursive=False, filter=lambda _, e=entry: e)
        for program in found:
            tar.add(program.resolve(), f"bin/{program.name}")
        for library in sorted(libraries(binaries)):
            if any(str(library).startswith(name) for name in trees):
                continue
            tar.add(library.resolve(), str(library).lstrip("/"))
        for name, tree in trees.items():
            tar.add(tree, name.lstrip("/"), filter=lambda e: None if left_out.search("/" + e.name) else e)
        for name, text in {"etc/passwd": "root:x:0:0:root:/root:/bin/sh\n", "etc/group": "root:x:0:\n",
                           **(texts or {})}.items():
            entry = tarfile.TarInfo(name.lstrip("/"))
            entry.size, entry.mode = len(text.encode()), 0o755
            tar.addfile(entry, io.BytesIO(text.encode()))
        for name, target in (links or {}).items():
            entry = tarfile.TarInfo(name.lstrip("/"))
            entry.type, entry.linkname = tarfile.SYMTYPE, target
            tar.addfile(entry)
