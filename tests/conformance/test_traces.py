"""Recorded traffic of real clients, replayed on a fresh Kanso for each recording.

What this build does not serve is listed, not judged; nor is what comes after a change that only
an endpoint which is not served could have made, since from there on the two servers differ.
"""

from __future__ import annotations

import gzip
import json
import re
import subprocess
import sys
from collections import Counter
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any, Callable, Iterator

import pytest

from kit.process import SHARED
from kit.servers import PASSWORD, USER, Kanso

# Titles and descriptions in schemas of flavors and connector types are Kanso's own words, or none.
OWN_WORDS = re.compile(r".*config_schema.*\.(title|description)|"
                       r".*(?:connector_type|resource_types\[\d+\]|auth_methods\[\d+\]|\$|"
                       r"\$\[\d+\])\.description")

# Exchanges that say nothing about a server, with the reason.
NO_VERDICT = {
    ("artifacts.jsonl.gz", 143): "its addresses were changed after the recording; the reference differs as well",
    ("stacks.jsonl.gz", 123): "two flavors of the same second come in either order; the tool pairs them only when "
                              "their schemas' descriptions are equal too",
}

REPLAY = SHARED / "tools" / "replay.py"
TRACES = sorted((SHARED / "traces").glob("*.jsonl.gz"))


def test_recordings_are_there() -> None:
    if not REPLAY.exists() or not TRACES:
        pytest.skip(f"no recordings beside the repository ({REPLAY}): replay left out")


def pattern_of(path: str) -> re.Pattern[str]:
    return re.compile(re.sub(r"\{[^}]*\}", "[^/]+", path) + "$")


class Routes:
    """Which requests a build of Kanso serves."""

    def __init__(self, kanso: Kanso) -> None:
        self.known = [(method, pattern_of(path)) for _, method, path in kanso.routes()]

    def serve(self, method: str, path: str) -> bool:
        return any(known == method and pattern.match(path) for known, pattern in self.known)


def judged_until(trace: Path, routes: Routes) -> float:
    """The number of the first exchange that changed something Kanso does not serve."""
    with gzip.open(trace, "rt", encoding="utf-8") as lines:
        for line in lines:
            entry = json.loads(line)
            if "method" in entry and entry["method"] != "GET" \
                    and entry["response"]["status"] == 200 \
                    and not routes.serve(entry["method"], entry["path"]):
                return float(entry["seq"])
    return float("inf")


@pytest.fixture(scope="module")
def replays(request: pytest.FixtureRequest, launch: Callable[..., Kanso], server_url: str | None,
            tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[Path, Future[Any]]]:
    """All recordings that are asked for at once, each against a Kanso of its own: they mostly wait for the clock."""
    if server_url:
        pytest.skip("needs fresh Kansos")
    reports = tmp_path_factory.mktemp("replay")

    def replay(trace: Path) -> tuple[Routes, list[dict[str, Any]]]:
        # The recorded servers had no packages of clouds: they knew one type of service connectors.
        kanso = launch(ZENML_SERVER_AUTO_ACTIVATE="0" if "inactive" in trace.name else "1", KANSO_CONNECTOR_TYPES="docker")
        report = reports / (trace.name + ".json")
        done = subprocess.run(
            [sys.executable, str(REPLAY), str(trace), "--url", kanso.url, "--username", USER,
             "--password", PASSWORD, "--report", str(report), "--show", "0"],
            capture_output=True, text=True, check=False)
        routes = Routes(kanso)
        kanso.stop()
        assert report.exists(), done.stderr[-3000:]
        return routes, json.loads(report.read_text())["failures"]

    asked_for = {item.callspec.params.get("trace") for item in request.session.items if hasattr(item, "callspec")}
    with ThreadPoolExecutor(4) as pool:
        yield {trace: pool.submit(replay, trace) for trace in TRACES if trace in asked_for}


@pytest.mark.parametrize("trace", [
    pytest.param(trace, marks=[pytest.mark.engine] if trace.name.startswith("pipeline_run") else [])
    for trace in TRACES], ids=lambda trace: trace.name.split(".")[0])
def test_replay(trace: Path, replays: dict[Path, Future[Any]]) -> None:
    routes, failures = replays[trace].result()
    end, wrong, left_out = judged_until(trace, routes), [], Counter()
    for failure in failures:
        failure["diffs"] = [diff for diff in failure["diffs"]
                            if not OWN_WORDS.fullmatch(diff["path"])]
        if not failure["diffs"] or (failure["trace"], failure["seq"]) in NO_VERDICT:
            continue
        method, path = failure["operation"].split()[0], failure["request"].split("?")[0]
        if not routes.serve(method, path):
            left_out[failure["operation"]] += 1
        elif failure["seq"] < end:
            wrong.append(failure)
    print(f"{trace.name}: judged up to exchange {end:g}; not served: {dict(left_out)}")
    assert not wrong, f"{len(wrong)} mismatches\n{json.dumps(wrong[:8], indent=1)[:5000]}"
