"""kansoctl deploy, with a configuration directory of its own."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

from .process import BUILD
from .servers import base_environment


class Deploy:
    """One user's client directory, and what is deployed beside it."""

    def __init__(self, directory: Path, **environment: str) -> None:
        self.config = directory / "cfg"
        self.home = self._home()
        self.environment = base_environment() | {
            "KANSO_BUILD": str(BUILD), "ZENML_CONFIG_PATH": str(self.config), "ZENML_ANALYTICS_OPT_IN": "false",
            "AUTO_OPEN_DASHBOARD": "false", "NO_COLOR": "1", "COLUMNS": "600"} | environment

    def _home(self) -> Path:
        """Where the server keeps its data: beside the client's, or for root a directory named after that."""
        own = self.config / "local_stores" / "kanso"
        if os.geteuid() != 0:
            return own
        number = 2166136261
        for byte in str(own).encode():
            number = (number ^ byte) * 16777619 % 2**32
        return Path(f"/var/lib/kanso-{number:08x}")

    def begin(self, *arguments: str) -> subprocess.Popen:
        return subprocess.Popen([str(BUILD / "bin" / "kansoctl"), "deploy", *arguments], env=self.environment, text=True,
                                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)

    def run(self, *arguments: str, text: str = "") -> subprocess.CompletedProcess:
        return subprocess.run([str(BUILD / "bin" / "kansoctl"), "deploy", *arguments], env=self.environment, text=True,
                              input=text, capture_output=True, timeout=180)

    def json(self, *arguments: str) -> Any:
        done = self.run(*arguments, "--json")
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    def files(self, provider: str = "local") -> list[str]:
        directory = self.config / "zen_server" / provider
        return sorted(path.name for path in directory.iterdir()) if directory.exists() else []

    def pid(self) -> int:
        return int((self.config / "zen_server" / "local" / "service.pid").read_text())

    def store(self) -> str | None:
        """The URL of the server that the client is connected to."""
        file = self.config / "config.yaml"
        text = file.read_text() if file.exists() else ""
        found = re.search(r'url: "?(http[^",\s]*)', text)
        return found.group(1) if found else None

    def remove(self) -> None:
        self.run("down")
        if os.geteuid() == 0 and re.fullmatch(r"/var/lib/kanso-[0-9a-f]{8}", str(self.home)):
            shutil.rmtree(self.home, ignore_errors=True)
