"""What is written down of ZenML: docs/contract, which comments cite, and tests/contract, which tests read."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Iterator

import pytest

from kit import contract
from kit.process import REPOSITORY

ROOMS = ("cgi-bin", "docker", "docs", "nginx", "scripts", "sql", "src", "tests")
# A file with perhaps sections, of which further ones may follow: docs/contract/auth.md#cookie, #sign-in
CITED = re.compile(r"(?<![\w/])(?<!\]\()(?:[\w.-]+/)*contract/[\w.-]*\w(?:#[\w-]+(?:,\s+(?:\*\s+)?#[\w-]+)*)?")
LINKED = re.compile(r"\]\((?!https?:)([^)\s]*)\)")


def texts() -> Iterator[tuple[Path, str]]:
    """All that was written by hand, but for this file, whose tests have bad examples."""
    files = [REPOSITORY / "Makefile", *REPOSITORY.glob("*.md")]
    files += [path for room in ROOMS for path in (REPOSITORY / room).rglob("*")]
    for path in files:
        if path.is_file() and path != Path(__file__) and path.suffix not in (".json", ".gz", ".pyc") \
                and "corpus" not in path.parts:
            yield path, path.read_text(encoding="utf-8", errors="replace")


def sections(path: Path) -> set[str]:
    """Anchors of the headings of a Markdown file, as GitHub makes them."""
    headings = re.findall(r"^#+ (.+)$", path.read_text(encoding="utf-8"), re.M)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


def wrong(place: str, base: Path) -> str | None:
    """What does not exist of FILE#section[, #section...]."""
    name, *anchors = re.findall(r"^[^#]+|(?<=#)[\w-]+", place)
    path = base / name
    if not path.exists():
        return f"no file {name}"
    lacking = set(anchors) - sections(path) if anchors else set()
    return f"no section {lacking} in {name}" if lacking else None


def test_what_is_cited_exists() -> None:
    cited = [(path, place) for path, text in texts() for place in CITED.findall(text)]
    assert len([place for _, place in cited if place.startswith("docs/contract/")]) > 50
    bad = [f"{path.relative_to(REPOSITORY)}: {fault}" for path, place in cited
           if not place.startswith("../shared/") and (fault := wrong(place, REPOSITORY))]
    assert not bad, "\n".join(bad)
    vague = {place for _, place in cited if re.fullmatch(r"docs/contract/(?!README)\w[\w-]*\.md", place)}
    assert vague <= {"docs/contract/resources.md"}, f"without a section: {vague}"


def test_links_in_documents_lead_somewhere() -> None:
    links = [(path, link) for path, text in texts() if path.suffix == ".md" for link in LINKED.findall(text)]
    assert len(links) > 30
    bad = [f"{path.relative_to(REPOSITORY)}: {fault}" for path, link in links
           if (fault := wrong(path.name + link if link.startswith("#") else link, path.parent))]
    assert not bad, "\n".join(bad)


def test_what_is_wrong_is_found(tmp_path: Path) -> None:
    (tmp_path / "docs" / "contract").mkdir(parents=True)
    (tmp_path / "docs" / "contract" / "a.md").write_text("# One\n\n## Look-up, and more\n")
    found = CITED.findall(" * Ways (docs/contract/a.md#one,\n * #look-up-and-more), docs/contract/a.md#none, (contract/a.md, one).")
    assert [wrong(place, tmp_path) for place in found] == [
        None, "no section {'none'} in docs/contract/a.md", "no file contract/a.md"]


def test_tables_are_those_of_the_full_ones() -> None:
    if not contract.FULL.exists():
        pytest.skip(f"no full tables in {contract.FULL}: nothing to compare with")
    for name in contract.NAMES:
        assert contract.table(name) == contract.reduced(name), f"{name}: python tests/kit/contract.py makes it anew"
