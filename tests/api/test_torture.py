"""A slice of `make torture`: memory or the database fails somewhere on the way of some operations. The whole takes hours."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Iterator
from uuid import uuid4

import pytest

from kit.mariadb import MariaDB
from torture.setting import Setting, setting
from torture.tour import tour
from torture.trial import refusal
from torture.worker import MEMORY, PROGRAM, Fault, Request


@pytest.fixture(name="directory", scope="module")
def new_directory(workspace_directory: Path) -> Path:
    directory = workspace_directory / "torture"
    directory.mkdir()
    directory.chmod(0o755)
    return directory


@pytest.fixture(name="made", scope="module")
def new_setting(directory: Path, mariadb: MariaDB, server_url: str | None) -> Iterator[Setting]:
    if server_url or not PROGRAM.exists() or os.environ.get("ASAN_OPTIONS") or mariadb.is_mysql:
        pytest.skip("needs a torture build beside a Kanso of its own, on MariaDB")
    with setting(directory, mariadb) as made:
        yield made


def test_a_request_that_is_still_sent(made: Setting) -> None:
    """A worker that lacks memory before it has read the body says so to whoever is still sending that."""
    request = Request("POST", f"/api/v1/webhooks/{uuid4()}", (("content-type", "application/json"),), b"{}")
    made.worker.ask(request)
    answer = made.worker.ask(request, Fault(MEMORY, 1), late=True)
    assert "memory" in (refusal(answer) or ""), answer
    assert made.worker.ended() == 1


def test_some_operations(made: Setting, directory: Path) -> None:
    """Refused or done, never half; nothing is left behind; the next request is answered right."""
    trials = made.trials(each=2, seed=5)
    trials.first_requests()
    for visit in tour(made.audited, directory)[::11]:
        trials.visit(visit)
    tally = trials.tally
    assert not tally.wrong, "\n".join(tally.wrong[:10])
    assert tally.operations > 15 and tally.outcomes["refused"] > 15 and tally.outcomes["right answer"] > 5
