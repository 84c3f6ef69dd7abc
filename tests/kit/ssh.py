"""Keys, and an OpenSSH server on loopback that lets some of them in."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path
from typing import Iterator

import pytest

from .process import free_port, stop, wait_until

KINDS = {"rsa-key": ["rsa", "-b", "2048"], "ecdsa-key": ["ecdsa"], "ed25519-key": ["ed25519"]}


def make_key(path: Path, kind: list[str], passphrase: str = "") -> Path:
    subprocess.run(["ssh-keygen", "-q", "-t", *kind, "-N", passphrase, "-f", str(path)], check=True, capture_output=True)
    return path


def make_keys(directory: Path) -> dict[str, Path]:
    """One of each kind; one that is locked with "open sesame"; that of the host; one that nobody knows."""
    directory.mkdir(mode=0o700)
    made = {method: make_key(directory / method, kind) for method, kind in KINDS.items()}
    return made | {"locked": make_key(directory / "locked", ["ed25519"], "open sesame"),
                   "stranger": make_key(directory / "stranger", ["ed25519"]),
                   "host": make_key(directory / "host", ["ed25519"])}


def server(keys: dict[str, Path]) -> Iterator[int]:
    """The port of an OpenSSH server that knows all of them but the stranger's."""
    program = shutil.which("sshd") or shutil.which("sshd", path="/usr/sbin")
    if not program:
        pytest.skip("there is no sshd")
    directory, port = keys["host"].parent, free_port()
    authorized = directory / "authorized"
    authorized.write_text("".join(path.with_name(path.name + ".pub").read_text() for name, path in keys.items()
                                  if name not in ("stranger", "host")))
    (directory / "config").write_text(
        f"ListenAddress 127.0.0.1\nPort {port}\nHostKey {keys['host']}\nAuthorizedKeysFile {authorized}\nUsePAM no\n"
        f"StrictModes no\nPidFile none\nPasswordAuthentication no\nPermitRootLogin yes\nMaxStartups 100\n")
    if os.geteuid() == 0:
        Path("/run/sshd").mkdir(exist_ok=True)  # it insists on that as root
    process = subprocess.Popen([program, "-D", "-e", "-f", str(directory / "config")], stdin=subprocess.DEVNULL,
                               stdout=subprocess.DEVNULL, stderr=(directory / "log").open("wb"))
    wait_until(lambda: "Server listening" in (directory / "log").read_text(), 20, "sshd")
    yield port
    stop(process)
