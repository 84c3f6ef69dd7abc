"""One operation of a workload manager, by build/unit/workload_tool."""

from __future__ import annotations

import json
import subprocess
import uuid
from typing import Any

from .process import BUILD
from .servers import COMPLAINT, base_environment


class Manager:
    """A manager with its settings."""

    def __init__(self, manager: str, **settings: str) -> None:
        self.command = [str(BUILD / "unit" / "workload_tool"), manager]
        self.settings = settings

    def __call__(self, operation: str, *arguments: str, env: dict[str, str] | None = None, **settings: str) -> dict[str, Any]:
        """What it says: rc, error, and what the operation tells."""
        lines = "\n".join(f"{name}={value}" for name, value in (env or {}).items())
        done = subprocess.run([*self.command, operation, *arguments], capture_output=True, text=True, timeout=300, check=True,
                              env=base_environment() | self.settings | settings | {"TOOL_ENV": lines})
        assert not COMPLAINT.search(done.stderr), done.stderr
        return json.loads(done.stdout)

    def why(self, operation: str, *arguments: str, **options: Any) -> tuple[str, str]:
        """How an operation that fails has failed, and its message."""
        said = self(operation, *arguments, **options)
        kind, message = said["error"]["detail"]
        assert kind == "RuntimeError"
        return said["rc"], message


def new_id() -> str:
    return str(uuid.uuid4())
