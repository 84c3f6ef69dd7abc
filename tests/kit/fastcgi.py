"""A small FastCGI client (FastCGI 1.0, responder role), to talk to a worker without nginx."""

from __future__ import annotations

import fcntl
import select
import socket
import struct
import termios
import time
from pathlib import Path
from typing import Callable

from .process import wait_until

BEGIN, PARAMS, STDIN, STDOUT, END = 1, 4, 5, 6, 3


def environment(method: str, path: str, query: str = "", body: bytes = b"",
                **headers: str) -> dict[str, str]:
    """The variables of a request (RFC 3875) as a web server sets them."""
    return {
        "GATEWAY_INTERFACE": "CGI/1.1", "SERVER_PROTOCOL": "HTTP/1.1", "REQUEST_METHOD": method,
        "REQUEST_URI": path + ("?" + query if query else ""), "SCRIPT_NAME": path,
        "DOCUMENT_URI": path, "QUERY_STRING": query, "REMOTE_ADDR": "127.0.0.1",
        "SERVER_NAME": "localhost", "SERVER_PORT": "80",
        "CONTENT_LENGTH": str(len(body)) if body else "",
        "CONTENT_TYPE": "application/json" if body else "",
    } | {"HTTP_" + name.upper().replace("-", "_"): value for name, value in headers.items()}


def parse(output: bytes) -> tuple[int, dict[str, str], bytes]:
    """Status, headers and body of a CGI answer."""
    head, _, body = output.partition(b"\r\n\r\n")
    headers = {}
    for line in head.decode().split("\r\n"):
        name, _, value = line.partition(":")
        headers[name.lower()] = value.strip()
    return int(headers.get("status", "200").split()[0]), headers, body


def record(kind: int, content: bytes) -> bytes:
    return struct.pack(">BBHHBB", 1, kind, 1, len(content), 0, 0) + content


def head(variables: dict[str, str]) -> bytes:
    """The records of a request up to its body."""
    def length(number: int) -> bytes:
        return bytes([number]) if number < 128 else struct.pack(">I", number | 1 << 31)

    pairs = b"".join(length(len(name)) + length(len(value)) + name + value for name, value in
                     ((name.encode(), value.encode()) for name, value in variables.items()))
    return record(BEGIN, struct.pack(">HBxxxxx", 1, 0)) + record(PARAMS, pairs) + record(PARAMS, b"")


def content(body: bytes) -> bytes:
    """The records of (a part of) a body."""
    return b"".join(record(STDIN, body[at:at + 60000]) for at in range(0, len(body), 60000))


def abandon(path: Path, variables: dict[str, str], body: bytes = b"") -> None:
    """One whole request to that worker, whose sender does not wait for an answer."""
    with socket.socket(socket.AF_UNIX) as line:
        line.settimeout(60)
        line.connect(str(path))
        line.sendall(head(variables) + content(body) + record(STDIN, b""))


def unread(line: socket.socket) -> int:
    """What the other end of a Unix socket has not read yet, in bytes of memory."""
    return int(struct.unpack("i", fcntl.ioctl(line, termios.TIOCOUTQ, struct.pack("i", 0)))[0])


def call(path: Path, variables: dict[str, str], body: bytes = b"",
         halfway: Callable[[], None] | None = None, late: bool = False) -> bytes:
    """One request to the worker that listens on a Unix socket; what it wrote.

    `halfway` is called when one half of the body has been sent, and read. `late`: the body is sent when the answer is there.
    """
    with socket.socket(socket.AF_UNIX) as line:
        line.settimeout(60)
        line.connect(str(path))
        line.sendall(head(variables))
        if late:
            select.select([line], [], [], 60)
            time.sleep(0.1)  # for the worker to close the connection, if that is what it does
        middle = len(body) // 2
        for number, half in enumerate((body[:middle], body[middle:])):
            if number and halfway:
                wait_until(lambda: unread(line) == 0, 60, "a worker that reads")
                halfway()
            line.sendall(content(half))
        line.sendall(record(STDIN, b""))
        stream, output = line.makefile("rb"), b""
        while True:
            header = stream.read(8)
            if len(header) < 8:
                return output
            _, kind, _, size, padding, _ = struct.unpack(">BBHHBB", header)
            data = stream.read(size + padding)[:size]
            if kind == STDOUT:
                output += data
            elif kind == END:
                return output
