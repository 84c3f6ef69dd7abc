"""A slice of `make torture`: memory or the database fails somewhere on the way of some operations. The whole takes hours."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from kit.mariadb import MariaDB
from torture.setting import setting
from torture.tour import tour
from torture.worker import PROGRAM


def test_some_operations(workspace_directory: Path, mariadb: MariaDB, server_url: str | None) -> None:
    """Refused or done, never half; nothing is left behind; the next request is answered right."""
    if server_url or not PROGRAM.exists() or os.environ.get("ASAN_OPTIONS") or mariadb.is_mysql:
        pytest.skip("needs a torture build beside a Kanso of its own, on MariaDB")
    directory = workspace_directory / "torture"
    directory.mkdir()
    directory.chmod(0o755)
    with setting(directory, mariadb) as made:
        trials = made.trials(each=2, seed=5)
        trials.first_requests()
        for visit in tour(made.audited, directory)[::11]:
            trials.visit(visit)
    tally = trials.tally
    assert not tally.wrong, "\n".join(tally.wrong[:10])
    assert tally.operations > 15 and tally.outcomes["refused"] > 15 and tally.outcomes["right answer"] > 5
