"""kansoctl, as an operator calls it."""

from __future__ import annotations

import json
import subprocess
from typing import Any

from .process import BUILD
from .servers import base_environment

KANSOCTL = str(BUILD / "bin" / "kansoctl")


def kansoctl(*arguments: str, stdin: str | None = "", **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([KANSOCTL, *arguments], env=base_environment() | environment, input=stdin, capture_output=True,
                          text=True, timeout=120)


def results(*arguments: str, stdin: str = "", **environment: str) -> Any:
    """What a command that is done prints with --json."""
    done = kansoctl(*arguments, "--json", stdin=stdin, **environment)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)
