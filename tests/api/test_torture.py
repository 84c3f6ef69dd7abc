"""A slice of `make torture`: memory or the database fails somewhere on the way of some operations. The whole takes hours."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Iterator
from uuid import uuid4

import pytest

from kit.mariadb import MariaDB
from torture.setting import Setting, setting
from torture.tour import Visit, tour
from torture.trial import refusal
from torture.worker import DATABASE, MEMORY, PROGRAM, Fault, Request


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


@pytest.fixture(name="visits", scope="module")
def all_visits(made: Setting, directory: Path) -> list[Visit]:
    return tour(made.audited, directory)


def test_a_request_that_is_still_sent(made: Setting) -> None:
    """A worker that lacks memory before it has read the body says so to whoever is still sending that."""
    request = Request("POST", f"/api/v1/webhooks/{uuid4()}", (("content-type", "application/json"),), b"{}")
    made.worker.ask(request)
    answer = made.worker.ask(request, Fault(MEMORY, 1), late=True)
    assert "memory" in (refusal(answer) or ""), answer
    assert made.worker.ended() == 1


def test_a_sign_in(made: Setting, visits: list[Visit]) -> None:
    """What it notes with the API key is saved with its entry in the audit log, whichever call of the database fails."""
    trials = made.trials(each=0, seed=0)
    visit, = [found for found in visits if found.about == "with an API key"]
    usual = trials.undisturbed(visit)
    assert usual.delta == {"api_key": 0}
    for call in range(1, usual.calls + 1):  # fewer once the statements are prepared
        if not trials.tally.outcomes["not reached"]:
            trials.one(visit, usual, Fault(DATABASE, call, 2008))
    assert not trials.tally.wrong, "\n".join(trials.tally.wrong)
    assert trials.tally.outcomes["refused"] > 5


def test_some_operations(made: Setting, visits: list[Visit]) -> None:
    """Refused or done, never half; nothing is left behind; the next request is answered right."""
    trials = made.trials(each=2, seed=5)
    trials.first_requests()
    for visit in visits[::11]:
        trials.visit(visit)
    tally = trials.tally
    assert not tally.wrong, "\n".join(tally.wrong[:10])
    assert tally.operations > 15 and tally.outcomes["refused"] > 15 and tally.outcomes["right answer"] > 5
