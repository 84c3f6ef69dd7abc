"""From ZenML 0.66.0 to Kanso and back, as docs/operations/backup.md has it. Takes minutes: `make check-way-back`."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import Callable

import pytest

from kit.api import Api
from kit.mariadb import MariaDB
from kit.process import BUILD
from kit.servers import Kanso, Reference

pytestmark = pytest.mark.skipif(not os.environ.get("KANSO_WAY_BACK"), reason="make check-way-back")


def test_way_back(stopped: Kanso, mariadb: MariaDB, workspace_directory: Path, zenml_venv: Path, tmp_path: Path) -> None:
    reference = Reference(zenml_venv, workspace_directory / "reference", mariadb)
    settings = stopped.environment | {"ZENML_STORE_URL": mariadb.socket_url(reference.database)}
    stopped.environment, stopped.database = settings, reference.database
    of_zenml, of_kanso = str(tmp_path / "zenml.backup"), str(tmp_path / "kanso.backup")

    def kansoctl(*arguments: str) -> None:
        done = subprocess.run([str(BUILD / "bin" / "kansoctl"), *arguments], env=settings, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr

    def using(server: Kanso | Reference, use: Callable[[Api], str]) -> str:
        server.start()
        try:
            return use(Api(server.url))
        finally:
            server.stop()

    def has(*names: str) -> Callable[[Api], str]:
        def look(api: Api) -> str:
            assert {tag["name"] for tag in api.read("/tags")["items"]} == set(names)
            return ""
        return look

    using(reference, lambda api: api.make("/tags", {"name": "before", "color": "blue"})["id"])
    kansoctl("backup", of_zenml)
    using(stopped, has("before"))
    using(stopped, lambda api: api.make("/tags", {"name": "meanwhile", "color": "red"})["id"])
    using(reference, has("before", "meanwhile"))  # the same database, still one of ZenML
    kansoctl("backup", of_kanso)
    kansoctl("restore", of_zenml, "--force")
    using(reference, has("before"))
    kansoctl("restore", of_kanso, "--force")
    using(reference, has("before", "meanwhile"))
