"""A short bad day: nothing acknowledged is lost, nothing is there twice, no status is wrong (`make chaos`: a long one with all kinds of faults)."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from chaos.day import bad_day
from chaos.faults import FAULTS
from chaos.instance import private_instance

pytestmark = pytest.mark.race


def test_a_bad_day(workspace_directory: Path, server_url: str | None) -> None:
    """Some kinds of faults, others each time; the seed in a failure's message repeats it."""
    if server_url:
        pytest.skip("needs a Kanso of its own")
    directory = workspace_directory / "chaos"
    directory.mkdir()
    seed = random.randrange(1000000)
    names = [name for name in FAULTS if name != "kill_database_often"]  # which looks at what is gone in seconds
    with private_instance(directory, pause=1) as target:
        report = bad_day(target, seed, faults=8, writers=4, names=names)
    assert not report.wrong, f"seed {seed}: {report.wrong[:10]}"
    assert report.acknowledged > 100
