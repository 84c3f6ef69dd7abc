"""A Galera cluster of the tests' own: MariaDB servers on loopback that share what is written to any of them."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

from .mariadb import INSTALLED, MariaDB, Unavailable, engine_root
from .process import free_port

# What the servers call when a node joins. All nodes begin as copies of one, so a joiner only ever needs what was written
# since then, which the provider sends by itself: what is left for the script is to say so in both places.
TRANSFER = """#!/bin/sh
note=$KANSO_TEST_TRANSFERS/
while [ $# -gt 0 ]; do
    case $1 in
    --role) role=$2 ;; --address) address=$2 ;; --gtid) gtid=$2 ;; --bypass) bypass=yes ;;
    esac
    shift
done
case $role in
joiner)
    note=$note$(echo "$address" | tr -c 'a-zA-Z0-9.\\n' _)
    rm -f "$note"
    echo "ready $address"
    until [ -s "$note" ]; do sleep 0.05; done
    cat "$note" ;;
donor)
    [ -n "$bypass" ] || exit 1
    note=$note$(echo "${address%/*}" | tr -c 'a-zA-Z0-9.\\n' _)
    echo continue
    echo "$gtid" >"$note.new" && mv "$note.new" "$note"
    echo "done $gtid" ;;
esac
"""


class Node(MariaDB):
    """One server of a cluster."""

    cluster: str = ""

    def __init__(self, directory: Path, provider: Path) -> None:
        super().__init__(directory, engine=INSTALLED)
        self.provider = provider
        # The transfer of state listens on the second one of two ports.
        self.address = f"127.0.0.1:{free_port()}"

    def join(self, addresses: list[str], first: bool = False) -> None:
        """Start as a node of the cluster of those addresses; as its first one, nobody else is looked for."""
        port = int(self.address.rpartition(":")[2])
        self.options = (
            "--binlog-format=ROW", "--innodb-autoinc-lock-mode=2", "--wsrep-on=ON", f"--wsrep-provider={self.provider}",
            "--wsrep-cluster-name=tests", f"--wsrep-node-name={self.directory.name}", "--wsrep-sst-method=test",
            f"--wsrep-node-address={self.address}", f"--wsrep-sst-receive-address={self.address}",
            f"--wsrep-provider-options=base_port={port};gmcast.listen_addr=tcp://{self.address};gcache.size=128M;"
            f"ist.recv_addr=127.0.0.1:{free_port()}",
            *(["--wsrep-new-cluster", "--wsrep-cluster-address=gcomm://"] if first
              else [f"--wsrep-cluster-address=gcomm://{','.join(addresses)}"]))
        self.start()

    def rejoin(self, addresses: list[str]) -> None:
        """Start again after a kill: from what the tables hold, so that only what was written since has to be sent."""
        self.options = tuple(each for each in self.options if not each.startswith(("--wsrep-new-cluster", "--wsrep-cluster-address",
                                                                                   "--wsrep-start-position")))
        self.options += (f"--wsrep-cluster-address=gcomm://{','.join(addresses)}",)
        done = subprocess.run([*self.programs.server, "--no-defaults", *self._as_user(), f"--datadir={self.directory / 'data'}",
                               *self.options, "--wsrep-recover", f"--socket={self.socket}.recovery", "--skip-networking"],
                              capture_output=True, text=True, env=self._environment(), timeout=120)
        position = re.findall(r"Recovered position:? ?(\S+:\d+)", done.stdout + done.stderr)
        if not position:
            raise RuntimeError(f"no position was recovered: {done.stderr[-1000:]}")
        self.options += (f"--wsrep-start-position={position[-1]}",)
        self.start()

    def state(self) -> str:
        """What it says of itself: Synced when it takes part. Empty when it cannot be asked."""
        try:
            return self.sql("SHOW STATUS LIKE 'wsrep_local_state_comment'")[0][1]
        except (RuntimeError, IndexError):
            return ""

    def _environment(self) -> dict[str, str]:
        scripts = self.directory.parent / "bin"
        return super()._environment() | {"PATH": f"{scripts}:{os.environ['PATH']}", "KANSO_TEST_TRANSFERS": str(scripts)}


class Galera:
    """A cluster; its nodes are servers like any other."""

    def __init__(self, directory: Path, count: int = 3) -> None:
        provider = engine_root("galera") / "usr" / "lib" / "galera" / "libgalera_smm.so"
        if not shutil.which("mariadbd"):
            raise Unavailable("there is no mariadbd here")
        scripts = directory / "bin"
        scripts.mkdir(parents=True)
        (scripts / "wsrep_sst_test").write_text(TRANSFER)
        (scripts / "wsrep_sst_test").chmod(0o755)
        self.nodes = [Node(directory / f"node{number}", provider) for number in range(count)]

    def create(self) -> None:
        first, *others = self.nodes
        first.create()
        first.stop()
        first.join([], first=True)  # gives the data the identity that its copies share
        first.stop()
        for node in others:
            shutil.copytree(first.directory / "data", node.directory / "data", ignore=shutil.ignore_patterns("galera.cache"))
            state = node.directory / "data" / "grastate.dat"
            state.write_text(state.read_text().replace("safe_to_bootstrap: 1", "safe_to_bootstrap: 0"))
            node.password = first.password
        first.join([], first=True)
        for node in others:
            node.join([each.address for each in self.nodes])

    @property
    def addresses(self) -> list[str]:
        return [node.address for node in self.nodes]

    def stop(self) -> None:
        for node in reversed(self.nodes):
            node.stop()
