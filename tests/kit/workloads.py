"""A workload manager of the tests' own for kanso.command: a program that notes what it is asked and does as it is told.

It lives in a directory: `calls` has one request a line, `plan.json` says how to answer ({operation: {"status": n, "answer":
any, "text": "...", "sleep": seconds, "kill": true, "times": n, "becomes": the state of what was started}}), `state-<id>`
holds what it says about a workload.
"""

from __future__ import annotations

import json
import textwrap
from pathlib import Path
from typing import Any

PROGRAM = '''\
#!/usr/bin/env -S -u LD_PRELOAD python3
import json, os, signal, sys, time
from pathlib import Path

home = Path({home!r})
request = json.load(sys.stdin)
operation, workload = request["operation"], request["workload_id"]
with (home / "calls").open("a") as calls:
    calls.write(json.dumps(request) + chr(10))
(home / "environment").write_text(json.dumps(dict(os.environ)))
state = home / ("state-" + workload)
plan = json.loads((home / "plan.json").read_text()).get(operation, {{}})
left = home / ("left-" + operation)
if "times" in plan:
    times = int(left.read_text()) if left.exists() else plan["times"]
    left.write_text(str(times - 1))
    plan = plan if times > 0 else {{}}
if operation == "run" and not plan.get("unstarted"):
    state.write_text(plan.get("becomes", "running"))
    (home / ("log-" + workload)).write_text("a line of the workload" + chr(10))
answers = {{
    "build": lambda: {{"image": "registry.test/" + request["image_name"]}},
    "run": lambda: {{}},
    "state": lambda: {{"state": state.read_text() if state.exists() else "unknown", "reason": "it fell over"}},
    "logs": lambda: {{"logs": (home / ("log-" + workload)).read_text() if (home / ("log-" + workload)).exists() else ""}},
    "delete": lambda: state.unlink(missing_ok=True) or {{}},
}}
if plan.get("children"):
    os.spawnlp(os.P_NOWAIT, "sleep", "sleep", "600")
time.sleep(plan.get("sleep", 0))
if plan.get("kill_parent"):
    os.kill(os.getppid(), signal.SIGKILL)
    time.sleep(60)
sys.stderr.write(plan.get("stderr", "").replace("TOKEN", request.get("environment", {{}}).get("ZENML_STORE_API_TOKEN", "")))
sys.stdout.write(plan["text"] if "text" in plan else json.dumps(plan.get("answer", answers[operation]())))
sys.stdout.flush()
sys.exit(plan.get("status", 0))
'''


class Workloads:
    """The program, and what it has been asked."""

    def __init__(self, home: Path) -> None:
        self.home = home
        home.mkdir(parents=True, exist_ok=True)
        home.chmod(0o777)  # as root, tests run servers as another user
        self.program = home / "manager"
        self.program.write_text(textwrap.dedent(PROGRAM).format(home=str(home)))
        self.program.chmod(0o755)
        self.plan()

    def plan(self, **operations: dict[str, Any]) -> None:
        """How operations are answered from now on; those that are not named do what they should."""
        for left in self.home.glob("left-*"):
            left.unlink()
        (self.home / "plan.new").write_text(json.dumps(operations))
        (self.home / "plan.new").rename(self.home / "plan.json")

    def calls(self, operation: str = "", workload: str = "") -> list[dict[str, Any]]:
        """The requests so far, in order."""
        file = self.home / "calls"
        requests = [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []
        return [r for r in requests if operation in ("", r["operation"]) and workload in ("", r["workload_id"])]

    def set_state(self, workload: str, state: str) -> None:
        (self.home / f"state-{workload}").write_text(state)
