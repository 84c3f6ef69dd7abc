"""The stock zenml client, run in a process and a configuration directory of its own."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

from .servers import base_environment

SCENARIO = Path(__file__).resolve().parent.parent / "conformance"

COLOURS = "grey|purple|red|green|yellow|orange|lime|teal|turquoise|magenta|blue"
VARYING = [
    (re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"), "<id>"),
    (re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d+)?"), "<time>"),
    (re.compile(r"http://127\.0\.0\.1:\d+"), "<url>"),
    (re.compile(r"/[\w/.-]*/local_stores/[\w/.-]*"), "<file>"),
    (re.compile(rf"\b({COLOURS})\b"), "<colour>"),
    (re.compile(r"\b[0-9a-f]{64}\b|\b[0-9a-f]{8}\b"), "<hash>"),
]


def client_environment(config: Path) -> dict[str, str]:
    return base_environment() | {
        "ZENML_CONFIG_PATH": str(config), "ZENML_ANALYTICS_OPT_IN": "false", "AUTO_OPEN_DASHBOARD": "false",
        "ZENML_LOGGING_VERBOSITY": "WARN", "COLUMNS": "600", "NO_COLOR": "1"}


class StockClient:
    """One user's configuration and repository, usable against several servers in turn."""

    def __init__(self, venv: Path, directory: Path) -> None:
        self.python = venv / "bin" / "python"
        self.config = directory / "config"
        self.work = directory / "work"
        self.work.mkdir(parents=True)
        for name in ("scenario.py", "pipelines.py"):
            shutil.copy(SCENARIO / name, self.work)

    def begin(self, command: str, url: str) -> subprocess.Popen:
        """Start scenario.py in the background; its result is for `end`."""
        return subprocess.Popen(
            [str(self.python), "scenario.py", command, url, str(self.work / "out.json")],
            cwd=self.work, env=client_environment(self.config), stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            text=True, stdin=subprocess.DEVNULL)

    def end(self, process: subprocess.Popen) -> dict[str, Any]:
        """What the scenario wrote down."""
        output, _ = process.communicate(timeout=900)
        if process.returncode != 0:
            raise RuntimeError(f"the stock client failed:\n{output[-6000:]}")
        return json.loads((self.work / "out.json").read_text())

    def run(self, command: str, url: str) -> dict[str, Any]:
        return self.end(self.begin(command, url))


def comparable(shown: Any) -> Any:
    """What two servers must agree on: no ids, times, random colours, nor orders left open."""
    if isinstance(shown, dict):
        return {key: comparable(value) for key, value in shown.items()}
    if isinstance(shown, list):
        return [comparable(value) for value in shown]
    if not isinstance(shown, str):
        return shown
    for pattern, word in VARYING:
        shown = pattern.sub(word, shown)
    return shown


def comparable_table(text: str) -> list[str]:
    """The lines of a command's output, without frames and widths, and without their order and
    that of their columns, both of which the client leaves to chance."""
    lines = []
    for line in comparable(re.sub(r"(?m)^Using configuration from:.*$|^Local store files.*$|"
                                  r"^Active repository root:.*$", "", text)).splitlines():
        words = " ".join(re.sub(r"[┃│┠┨┏┓┗┛━─┯┷┼]", " ", line).split())
        words = re.sub(r"\[('[^\]]*')\]",
                       lambda found: str(sorted(found.group(1).split(", "))), words)
        if words:
            lines.append(" ".join(sorted(words.split())))
    return sorted(lines)
