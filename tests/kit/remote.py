"""A remote stack on this machine: the stock client and its integrations in an image, an S3 server, a cluster whose pods are
containers, and the container engine that all of them run in.

The stock image zenmldocker/zenml is made on the spot from a virtual environment (build/runner-venv, `make build/runner-venv`)
and this machine's Python, so that nothing is fetched. Everything that runs in it is ZenML's own.
"""

from __future__ import annotations

import json
import os
import platform
import re
import shutil
import subprocess
import sysconfig
import time
from pathlib import Path
from typing import Any

from .cluster import Cluster
from .podman import Podman, root_filesystem, unavailable
from .process import REPOSITORY
from .servers import PASSWORD, USER, base_environment

SCENARIO = REPOSITORY / "tests" / "conformance" / "remote"
VENV = Path(os.environ.get("KANSO_RUNNER_VENV") or REPOSITORY / "build" / "runner-venv")
ACCOUNT = "/var/run/secrets/kubernetes.io/serviceaccount"
# Of the environment, what no container needs.
LEFT_OUT = re.compile(r"/moto/|/lib/python3\.\d+/(test|idlelib|lib2to3|ensurepip|tkinter|turtledemo|config-3[^/]*)(/|$)|\.a$")
# Packages that the image has already are found there; pip looks anew for argparse, which came into Python's own library.
PIP = "#!/bin/sh\nexport PIP_NO_INDEX=1 PIP_FIND_LINKS=/opt/wheels\nexec /opt/venv/bin/python -m pip \"$@\"\n"


def missing() -> str:
    """Why there can be no such stack, or ''."""
    if not (VENV / "bin" / "python").exists():
        return f"no {VENV}: make build/runner-venv"
    return unavailable()


class RemoteStack:
    """All of it. The parts are started by the constructor."""

    def __init__(self, directory: Path, s3_url: str) -> None:
        self.directory, self.s3_url = directory, s3_url
        directory.mkdir(parents=True)
        self.cluster = Cluster(directory / "cluster", runner=self.run_pod)
        self.account = directory / "account"
        self.account.mkdir()
        (self.account / "token").write_text("a-token")
        (self.account / "namespace").write_text("pipelines")
        shutil.copy(self.cluster.authority.ca, self.account / "ca.crt")
        self.podman = Podman(directory / "podman")
        self.podman.start()
        self.import_base()
        self.work = directory / "work"
        shutil.copytree(SCENARIO, self.work)

    def import_base(self) -> None:
        """The stock image: /opt/venv and the Python that it is made from."""
        python = (VENV / "bin" / "python").resolve()
        version = ".".join(platform.python_version_tuple()[:2])
        stdlib = Path(sysconfig.get_path("stdlib"))
        trees = {str(stdlib): stdlib, "/opt/venv/lib": VENV / "lib", "/opt/wheels": VENV / "wheels"}
        config = (VENV / "pyvenv.cfg").read_text()
        root_filesystem(
            self.directory / "base.tar", ["sh", "cat", "env", "sleep", str(python)], trees,
            {"opt/venv/pyvenv.cfg": config, "opt/venv/bin/pip": PIP,
             "root/.kube/config": self.cluster.kubeconfig().read_text()},
            re.compile(f"{re.escape(str(stdlib))}/site-packages/|{LEFT_OUT.pattern}"),
            {"opt/venv/bin/python": str(python), str(python): f"/bin/{python.name}"})
        self.podman.import_image(f"docker.io/zenmldocker/zenml:0.66.0-py{version}", self.directory / "base.tar",
                                 "ENV PATH=/opt/venv/bin:/bin", "WORKDIR /root")
        (self.directory / "base.tar").unlink()

    def run_pod(self, cluster: Cluster, pod: dict[str, Any]) -> None:
        """What the kubelet does: the container, its log, its end."""
        name, container = pod["metadata"]["name"], pod["spec"]["containers"][0]
        values = (cluster.environment(pod) or {}) | {"KUBERNETES_SERVICE_HOST": "127.0.0.1",
                                                     "KUBERNETES_SERVICE_PORT": str(cluster.port)}
        self.podman.run("run", "-d", "--name", name, "--hostname", name[:63], "-v", f"{self.account}:{ACCOUNT}:ro",
                        *(each for key, value in values.items() for each in ("-e", f"{key}={value}")),
                        "--entrypoint", json.dumps(container["command"]), container["image"], *container.get("args", []))
        cluster.set_state(pod, running={})
        while True:
            running = self.podman.run("inspect", "--format", "{{.State.Running}} {{.State.ExitCode}}", name).split()
            logs = subprocess.run(self.podman.command("logs", name), env=self.podman.environment, stdout=subprocess.PIPE,
                                  stderr=subprocess.STDOUT, check=False)
            cluster.logs[name] = logs.stdout
            if running[0] == "false":
                cluster.set_state(pod, terminated={"exitCode": int(running[1])})
                return
            time.sleep(1)

    def client(self, command: str, url: str, *arguments: str) -> Any:
        """One command of the scenario, by the stock client on this machine; what it prints last, as JSON."""
        done = subprocess.run(
            [str(VENV / "bin" / "python"), "scenario.py", command, *arguments], cwd=self.work, text=True,
            capture_output=True, timeout=600, env=base_environment() | {
                "ZENML_CONFIG_PATH": str(self.directory / "config"), "ZENML_ANALYTICS_OPT_IN": "false",
                "ZENML_STORE_URL": url, "ZENML_STORE_USERNAME": USER, "ZENML_STORE_PASSWORD": PASSWORD,
                "ZENML_LOGGING_VERBOSITY": "INFO", "AUTO_OPEN_DASHBOARD": "false",
                "KUBECONFIG": str(self.cluster.kubeconfig()), "S3_URL": self.s3_url, "NO_COLOR": "1"})
        if done.returncode != 0:
            raise RuntimeError(f"the stock client failed:\n{done.stdout[-3000:]}\n{done.stderr[-6000:]}")
        return json.loads(done.stdout.strip().splitlines()[-1])

    def pods(self) -> str:
        """What pods have written, for a failure report."""
        return "\n".join(f"--- {name}\n{log.decode(errors='replace')[-3000:]}" for name, log in self.cluster.logs.items())

    def stop(self) -> None:
        self.podman.remove()
        self.cluster.stop()
        shutil.rmtree(self.directory, ignore_errors=True)
