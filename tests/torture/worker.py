"""A worker of the torture build (torture.c) on a socket of its own, what is to fail in it, and what it reports."""

from __future__ import annotations

import mmap
import re
import socket
import struct
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from kit import fastcgi
from kit.process import BUILD, stop, wait_until
from kit.servers import Kanso

PROGRAM = BUILD / "torture" / "worker"

NOTHING, MEMORY, DATABASE = range(3)
ONCE, LASTING, ANSWER_LOST = range(3)


@dataclass(frozen=True)
class Fault:
    """The `at`-th allocation or database call of a request, counted from 1, fails."""

    what: int = NOTHING
    at: int = 0
    number: int = 0
    how: int = ONCE

    def __str__(self) -> str:
        if self.what == MEMORY:
            return f"allocation {self.at}"
        how = {ONCE: "once", LASTING: "from then on", ANSWER_LOST: "answer lost"}[self.how]
        return f"database call {self.at}: {self.number} {how}"


@dataclass(frozen=True)
class Request:
    method: str
    target: str  # path and query
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""

    def variables(self) -> dict[str, str]:
        parts, headers = urlsplit(self.target), dict(self.headers)
        found = fastcgi.environment(self.method, parts.path, parts.query, self.body,
                                    **{name.replace("-", "_"): value for name, value in headers.items()})
        return found | {"CONTENT_TYPE": headers.get("content-type", "")}


@dataclass(frozen=True)
class Answer:
    """What came of a request; status 0: nothing came."""

    status: int
    body: bytes
    content_type: str


@dataclass(frozen=True)
class Report:
    allocations: int
    calls: int
    struck: int
    served: int
    blocks: int


class Control:
    """The file that this process and the worker share: struct control of torture.c."""

    ORDERS, REPORT, FRAMES = struct.Struct("=4I"), struct.Struct("=4Iq"), 24

    def __init__(self, path: Path) -> None:
        self.path = path
        size = 48 + 8 * self.FRAMES
        path.write_bytes(bytes(size))
        with open(path, "r+b") as file:
            self.memory = mmap.mmap(file.fileno(), size)

    def order(self, fault: Fault) -> None:
        self.ORDERS.pack_into(self.memory, 0, fault.what, fault.at, fault.number, fault.how)

    def report(self) -> Report:
        return Report(*self.REPORT.unpack_from(self.memory, self.ORDERS.size))

    def places(self) -> list[str]:
        """Who led to the fault, as addresses in the program, innermost first."""
        count, = struct.unpack_from("=I", self.memory, 40)
        return [hex(place - 1) for place in struct.unpack_from(f"={count}Q", self.memory, 48) if place]

    @staticmethod
    def where(program: Path, places: list[str]) -> str:
        """The same as functions and lines."""
        done = subprocess.run(["addr2line", "-sfCe", str(program), *places], capture_output=True, text=True)
        lines = done.stdout.splitlines()
        called = [f"{name} ({place.split(' ')[0]})" for name, place in zip(lines[::2], lines[1::2])
                  if "torture.c" not in place and "allocate.c" not in place]
        return " < ".join(called[:7])


class Worker:
    """One worker process; started anew when it has ended."""

    def __init__(self, kanso: Kanso, directory: Path, *wrapper: str, program: Path = PROGRAM) -> None:
        self.kanso, self.wrapper, self.program = kanso, wrapper, program
        self.path, self.log = directory / "torture.sock", directory / "torture.log"
        self.control = Control(directory / "torture.control")
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(str(self.path))
        self.listener.listen(16)
        self.process: subprocess.Popen | None = None
        self.starts = 0
        self.read = 0  # of the log

    def start(self) -> None:
        self.starts += 1
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(
                [*self.wrapper, str(self.program), "--groups", "all"], stdin=self.listener, stdout=log, stderr=log,
                env=self.kanso.environment | {"TORTURE_CONTROL": str(self.control.path), "KANSO_JOBS": "0"})

    def alive(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def end(self) -> int:
        """Let it end; its exit status."""
        if not self.process:
            return 0
        stop(self.process, 120)
        return self.process.returncode

    def ended(self, seconds: float = 10) -> int:
        """The exit status of a worker that is about to end."""
        assert self.process
        return self.process.wait(seconds)

    def faults_found(self) -> list[str]:
        """What valgrind or a sanitizer has written since this was asked last, one of each kind by its first lines."""
        with open(self.log, errors="replace") as log:
            log.seek(self.read)
            written = log.read()
            self.read = log.tell()
        return [found[0] for found in re.finditer(r"(==\d+== \S.*\n(==\d+==  .*\n)*)+|.*runtime error.*(\n +#.*)*", written)]

    def ask(self, request: Request, fault: Fault = Fault(), late: bool = False) -> Answer:
        """One request, of which `fault` comes true; when it is answered and done with, or the worker has ended. `late`: the
        body is sent when the answer is there."""
        if not self.alive():
            self.start()
        before = self.control.report().served
        self.control.order(fault)
        try:
            written = fastcgi.call(self.path, request.variables(), request.body, late=late)
        except ConnectionError:
            written = b""
        deadline = time.monotonic() + 120
        while self.control.report().served == before and self.alive():
            if time.monotonic() > deadline:
                raise TimeoutError(f"{request.method} {request.target}: the worker is not done with it")
            time.sleep(0.0002)
        self.control.order(Fault())
        if not written:
            return Answer(0, b"", "")
        status, headers, body = fastcgi.parse(written)
        return Answer(status, body, headers.get("content-type", ""))

    def close(self) -> None:
        self.end()
        self.listener.close()
        self.path.unlink(missing_ok=True)


def wait_for_end(worker: Worker) -> None:
    wait_until(lambda: not worker.alive(), 10, "the end of the worker")
