"""Small helpers around processes, ports and /proc."""

from __future__ import annotations

import collections
import functools
import os
import random
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Callable

REPOSITORY = Path(__file__).resolve().parents[2]
BUILD = Path(os.environ.get("KANSO_BUILD") or REPOSITORY / "build")  # the programs under test
SHARED = REPOSITORY.parent / "shared"


PORTS = range(10240, 32768)  # below those that the kernel gives to outgoing connections
SLICES = 16


@functools.cache
def own_ports() -> tuple[collections.deque[int], socket.socket | None]:
    """Ports that no other process of tests takes, the one used longest ago first, and what keeps them for this one: a port is free
    between its choice and the start of the server that gets it. With more processes than slices, all."""
    for part in random.sample(range(SLICES), SLICES):
        mark = socket.socket(socket.AF_UNIX)
        try:
            mark.bind(f"\0kanso-tests-ports-{part}")
        except OSError:
            mark.close()
            continue
        own = PORTS[part::SLICES]
        return collections.deque(random.sample(own, len(own))), mark
    return collections.deque(random.sample(PORTS, len(PORTS))), None


def bind_free(listener: socket.socket, host: str = "127.0.0.1") -> int:
    """Binds to a port that nobody has; the port."""
    ports, _ = own_ports()
    for _ in range(len(ports)):
        ports.rotate(-1)
        try:
            listener.bind((host, ports[-1]))
        except OSError:
            continue
        return ports[-1]
    raise OSError(f"no free port on {host}")


def free_port() -> int:
    """A TCP port on 127.0.0.1 that nobody listens on."""
    with socket.socket() as probe:
        return bind_free(probe)


def end_orderly() -> None:
    """From now on signals that end this process raise SystemExit: what it has started is stopped by `finally` and `with`.
    SIGINT and SIGHUP may have been ignored by a shell or nohup."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda number, _: sys.exit(128 + number))


def wait_until(condition: Callable[[], bool], seconds: float, what: str) -> None:
    """Poll `condition`; a TimeoutError that names `what` when it stays false."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError(f"{what}: nothing after {seconds:g} s")
        time.sleep(0.02)


def state_of(pid: int) -> str:
    """The letter for what it does (proc(5): R runs, S waits, ...); "" when there is none."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return ""


def alive(pid: int) -> bool:
    """Whether the process exists and is more than a zombie."""
    return state_of(pid) not in ("", "Z")


def stop(process: subprocess.Popen, seconds: float = 10) -> None:
    """End a process that a test has started: politely first."""
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(seconds)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def descendants(pid: int) -> list[int]:
    """The children of a process, theirs, and so on."""
    try:
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except OSError:
        return []
    return [each for child in children for each in (int(child), *descendants(int(child)))]


def executable_of(pid: int) -> str:
    """The file that a process runs, or '' when it is gone. Workers show theirs to root alone: then by their command."""
    try:
        return os.readlink(f"/proc/{pid}/exe")
    except PermissionError:
        return Path(f"/proc/{pid}/cmdline").read_text().partition("\0")[0]
    except OSError:
        return ""


def memory_of(pid: int, field: str = "Pss") -> int:
    """Proportional (or `field`) memory of a process in bytes, 0 when it is gone. Workers show that to root alone: to others,
    what is theirs without what they share."""
    for file, name in (("smaps_rollup", field), ("status", "RssAnon")):
        try:
            for line in Path(f"/proc/{pid}/{file}").read_text().splitlines():
                if line.startswith(name + ":"):
                    return int(line.split()[1]) * 1024
        except PermissionError:
            continue
        except OSError:
            break
    return 0


def reset_peak(pid: int) -> None:
    """Let peak_of() begin anew."""
    Path(f"/proc/{pid}/clear_refs").write_text("5")


def peak_of(pid: int) -> int:
    """The most memory that a process has held since reset_peak(), in bytes."""
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0]) * 1024


def kill_hard(pids: list[int]) -> None:
    """SIGKILL to processes that belong to a server under test."""
    for pid in pids:
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
