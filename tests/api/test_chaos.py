"""A short bad day: nothing acknowledged is lost, nothing is there twice, no status is wrong (`make chaos`: a long one with all kinds of faults)."""

from __future__ import annotations

from pathlib import Path

import pytest

from chaos.day import bad_day
from chaos.faults import FAULTS
from chaos.instance import private_instance
from chaos.workload import Load

pytestmark = pytest.mark.race


def test_a_bad_day(workspace_directory: Path, server_url: str | None, request: pytest.FixtureRequest) -> None:
    """Some kinds of faults, others with another --seed."""
    if server_url:
        pytest.skip("needs a Kanso of its own")
    directory = workspace_directory / "chaos"
    directory.mkdir()
    seed = request.config.getoption("--seed")
    names = [name for name in FAULTS if name != "kill_database_often"]  # which looks at what is gone in seconds
    with private_instance(directory, pause=1) as target:
        report = bad_day(target, seed, faults=8, load=Load(writers=4), names=names)
    assert not report.wrong, f"seed {seed}: {report.wrong[:10]}"
    assert report.acknowledged > 100
