"""tests/contract beside the full tables that it was taken from, where they are at hand."""

from __future__ import annotations

import pytest

from kit import contract


@pytest.mark.parametrize("name", contract.NAMES)
def test_tables_are_those_of_the_full_ones(name: str) -> None:
    if not contract.FULL.exists():
        pytest.skip(f"no full tables in {contract.FULL}: nothing to compare with")
    assert contract.table(name) == contract.reduced(name), "python tests/kit/contract.py makes them anew"
