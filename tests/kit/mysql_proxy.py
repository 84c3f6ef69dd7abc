"""A proxy between a server under test and its database that can make things go wrong.

It speaks enough of the MySQL protocol to know which statement is under way (prepared ones by their
text) and where an answer ends. So a fault can be laid on the n-th run of a chosen statement: an
error number instead of the answer, an answer that comes late, a connection that is cut before the
statement reaches the database, or behind it. Statements are taken one at a time, also from a client
that sends several at once. Connections can be refused, and new ones led to another database.

    with MySQLProxy(mariadb.port) as proxy:
        proxy.fail(1290, "INSERT INTO `tag`", times=None)   # as a primary that has become a replica
        proxy.cut("COMMIT", when="after")                   # took effect, but nobody hears of it
        proxy.delay(2, "SELECT", skip=3)                    # the fourth
        proxy.refuse(1040)                                  # new connections
"""

from __future__ import annotations

import re
import socket
import struct
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .process import free_port

QUIT, INIT_DB, QUERY, PING = 0x01, 0x02, 0x03, 0x0E
PREPARE, EXECUTE, LONG_DATA, CLOSE, RESET = 0x16, 0x17, 0x18, 0x19, 0x1A

OK, EOF, ERR = 0x00, 0xFE, 0xFF

# Capabilities that are withheld from the client: with them, answers end in other ways.
COMPRESS, SSL, DEPRECATE_EOF = 1 << 5, 1 << 11, 1 << 24


# When a connection ends: before the statement reaches the database, within it, after it took effect, amid its answer.
CUTS = ("before", "within", "after", "amid")


@dataclass
class Fault:
    """What happens to statements that fit. `hits` counts how often it did."""
    pattern: re.Pattern[str]
    kind: str                  # of the moment: "execute" (statements without preparation too) or "prepare"
    skip: int                  # so many that fit are left alone first
    times: int | None          # then so many are struck; None: all
    number: int = 0            # error instead of an answer
    message: str = ""
    cut: str = ""              # the connection ends: see CUTS
    seconds: float = 0         # the answer comes later
    hits: int = 0
    seen: int = 0

    def strikes(self, kind: str, text: str) -> bool:
        if kind != self.kind or not self.pattern.search(text):
            return False
        self.seen += 1
        if self.seen <= self.skip or (self.times is not None and self.hits >= self.times):
            return False
        self.hits += 1
        return True


class Ended(Exception):
    """One of the two ends has gone, or is to go."""


@dataclass
class Packet:
    """A logical packet: its payload, and its bytes as they came."""
    sequence: int
    payload: bytes
    raw: bytes


def receive(line: Any) -> Packet:
    """One packet from a stream; long ones come in parts of 16 MiB - 1."""
    payload, raw = b"", b""
    while True:
        head = line.read(4)
        if len(head) < 4:
            raise Ended
        size = int.from_bytes(head[:3], "little")
        part = line.read(size)
        if len(part) < size:
            raise Ended
        payload, raw = payload + part, raw + head + part
        if size < 0xFFFFFF:
            return Packet(head[3], payload, raw)


def frame(sequence: int, payload: bytes) -> bytes:
    return len(payload).to_bytes(3, "little") + bytes([sequence]) + payload


def error(sequence: int, number: int, message: str) -> bytes:
    """An ERR packet. One that comes instead of the greeting has no SQLSTATE, but all clients bear with it."""
    return frame(sequence, bytes([ERR]) + struct.pack("<H", number) + b"#HY000" + message.encode())


def plain_greeting(packet: Packet) -> bytes:
    """The server's greeting without the capabilities that this proxy does not understand."""
    text = bytearray(packet.payload)
    if text[0] == ERR:
        return packet.raw
    at = text.index(0, 1) + 1 + 4 + 8 + 1  # version, thread, salt, filler
    lower, upper = struct.unpack_from("<H", text, at)[0], struct.unpack_from("<H", text, at + 5)[0]
    flags = (upper << 16 | lower) & ~(COMPRESS | SSL | DEPRECATE_EOF)
    struct.pack_into("<H", text, at, flags & 0xFFFF)
    struct.pack_into("<H", text, at + 5, flags >> 16)
    if not flags & 1:  # MariaDB keeps more of them in the reserved bytes
        struct.pack_into("<I", text, at + 14, 0)
    return frame(packet.sequence, bytes(text))


@dataclass
class Connection:
    """One client and its connection to the database."""
    proxy: MySQLProxy
    client: socket.socket
    server: socket.socket
    prepared: dict[int, str] = field(default_factory=dict)

    def run(self) -> None:
        self.from_client, self.from_server = self.client.makefile("rb"), self.server.makefile("rb")
        try:
            self.sign_in()
            while True:
                self.command(receive(self.from_client))
        except (Ended, OSError, ValueError):
            pass
        finally:
            self.close()
            for line in (self.from_client, self.from_server):  # each holds its socket's descriptor
                line.close()
            self.proxy.forget(self)

    def close(self) -> None:
        for end in (self.client, self.server):
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            end.close()

    def sign_in(self) -> None:
        """Everything until the server says whether it lets the client in."""
        self.client.sendall(plain_greeting(receive(self.from_server)))
        while True:
            self.server.sendall(receive(self.from_client).raw)
            answer = receive(self.from_server)
            self.client.sendall(answer.raw)
            if answer.payload[0] == 0x01:  # more about the method: another one follows unless the client is asked
                answer = receive(self.from_server) if answer.payload[1:] == b"\x03" else answer
                self.client.sendall(answer.raw if answer.payload[0] != 0x01 else b"")
            if answer.payload[0] == ERR:
                raise Ended
            if answer.payload[0] == OK:
                return

    def command(self, packet: Packet) -> None:
        code = packet.payload[0]
        if code in (QUIT, CLOSE, LONG_DATA):  # without an answer
            if code == CLOSE:
                self.prepared.pop(struct.unpack_from("<I", packet.payload, 1)[0], None)
            self.server.sendall(packet.raw)
            return
        kind = "prepare" if code == PREPARE else "execute"
        text = self.text_of(code, packet.payload)
        fault = self.proxy.strike(kind, text)
        if fault and fault.seconds:
            time.sleep(fault.seconds)
        if fault and fault.cut == "before":
            raise Ended
        if fault and fault.cut == "within":
            self.server.sendall(packet.raw[:len(packet.raw) // 2])
            raise Ended
        if fault and fault.number:
            self.client.sendall(error(1, fault.number, fault.message))
            return
        self.server.sendall(packet.raw)
        answer = self.answer(code, text)
        if fault and fault.cut == "after":
            raise Ended
        if fault and fault.cut == "amid":
            self.client.sendall(answer[:len(answer) // 2])
            raise Ended
        self.client.sendall(answer)

    def text_of(self, code: int, payload: bytes) -> str:
        if code in (QUERY, PREPARE):
            return payload[1:].decode(errors="replace")
        if code == EXECUTE:
            return self.prepared.get(struct.unpack_from("<I", payload, 1)[0], "")
        return ""

    def answer(self, code: int, text: str) -> bytes:
        """The whole answer of the server to a command."""
        first = receive(self.from_server)
        raw = first.raw
        if first.payload[0] in (ERR, EOF):
            return raw
        if code == PREPARE:
            statement, columns, parameters = struct.unpack_from("<IHH", first.payload, 1)
            self.prepared[statement] = text
            for count in (parameters, columns):
                raw += self.until_eof() if count else b""
            return raw
        if first.payload[0] == OK or code not in (QUERY, EXECUTE):
            return raw
        return raw + self.until_eof() + self.until_eof()  # columns, rows

    def until_eof(self) -> bytes:
        raw = []
        while True:
            packet = receive(self.from_server)
            raw.append(packet.raw)
            if packet.payload[0] == ERR or (packet.payload[0] == EOF and len(packet.payload) < 9):
                return b"".join(raw)


class MySQLProxy:
    """Listens on a port of 127.0.0.1 for a database on another one, which may be changed at any time, or at a socket."""

    def __init__(self, database_port: int = 0, database_socket: Path | None = None) -> None:
        self.database_port = database_port
        self.database_socket = database_socket
        self.statements: list[str] = []  # as they were run
        self.connections: list[Connection] = []
        self.faults: list[Fault] = []
        self.refusals: list[list[int]] = []  # number, how often still
        self.refused = 0
        self.lock = threading.Lock()
        self.listener = socket.create_server(("127.0.0.1", free_port()), backlog=64)
        self.port = int(self.listener.getsockname()[1])
        threading.Thread(target=self._accept, daemon=True).start()

    def __enter__(self) -> MySQLProxy:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self) -> None:
        """Nobody listens any more, and all connections are cut."""
        try:
            self.listener.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self.listener.close()
        self.cut_all()

    def url(self, store_url: str) -> str:
        """A store URL by TCP, led through here."""
        return re.sub(r"@127\.0\.0\.1:\d+/", f"@127.0.0.1:{self.port}/", store_url)

    def fail(self, number: int, on: str = "", kind: str = "execute", skip: int = 0, times: int | None = 1,
             message: str = "a fault of the test") -> Fault:
        """Statements in which `on` (a regular expression) is found get this error and do not reach the database."""
        return self._add(Fault(re.compile(on), kind, skip, times, number=number, message=message))

    def cut(self, on: str = "", when: str = "before", kind: str = "execute", skip: int = 0,
            times: int | None = 1) -> Fault:
        """The connection ends at the statement; `when` is one of CUTS."""
        return self._add(Fault(re.compile(on), kind, skip, times, cut=when))

    def delay(self, seconds: float, on: str = "", kind: str = "execute", skip: int = 0,
              times: int | None = 1) -> Fault:
        """The statement reaches the database later."""
        return self._add(Fault(re.compile(on), kind, skip, times, seconds=seconds))

    def refuse(self, number: int, times: int = 1 << 30) -> None:
        """New connections get this error instead of a greeting."""
        with self.lock:
            self.refusals.append([number, times])

    def heal(self) -> None:
        """No more faults."""
        with self.lock:
            self.faults.clear()
            self.refusals.clear()

    def cut_all(self) -> None:
        """End every connection, as a network or a server that goes down would."""
        with self.lock:
            connections, self.connections = self.connections, []
        for connection in connections:
            connection.close()

    def forget(self, connection: Connection) -> None:
        with self.lock:
            if any(each is connection for each in self.connections):
                self.connections = [each for each in self.connections if each is not connection]

    def strike(self, kind: str, text: str) -> Fault | None:
        """Note a statement; the fault that it meets."""
        with self.lock:
            if kind == "execute":
                self.statements.append(text)
            return next((fault for fault in self.faults if fault.strikes(kind, text)), None)

    def _add(self, fault: Fault) -> Fault:
        with self.lock:
            self.faults.append(fault)
        return fault

    def _refusal(self) -> int:
        with self.lock:
            for refusal in self.refusals:
                if refusal[1]:
                    refusal[1] -= 1
                    self.refused += 1
                    return refusal[0]
        return 0

    def _reach(self) -> socket.socket:
        """A connection to the database."""
        if not self.database_socket:
            server = socket.create_connection(("127.0.0.1", self.database_port), timeout=10)
            server.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        else:
            server = socket.socket(socket.AF_UNIX)
            server.settimeout(10)
            server.connect(str(self.database_socket))
        server.settimeout(None)
        return server

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if number := self._refusal():
                client.sendall(error(0, number, "a fault of the test"))
                client.close()
                continue
            try:
                server = self._reach()
            except OSError:
                client.close()
                continue
            connection = Connection(self, client, server)
            with self.lock:
                self.connections.append(connection)
            threading.Thread(target=connection.run, daemon=True).start()
