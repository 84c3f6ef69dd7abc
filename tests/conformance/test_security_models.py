"""The security models against the official implementation: flyteidl and, if installed, flytekit.

The C library is called in-process, so that ten thousand contexts take seconds.
"""

from __future__ import annotations

import base64
import ctypes
import json
import random
import string
import textwrap
from pathlib import Path
from typing import Any, Iterator

import pytest

pb = pytest.importorskip("flyteidl.core.security_pb2")
from google.protobuf import json_format  # noqa: E402
from google.protobuf.message import DecodeError, Message  # noqa: E402

from kit.process import BUILD  # noqa: E402

LIBRARY = BUILD / "lib" / "libkanso.so"
COUNT = 10_000
AS_MODEL, AS_WRITTEN = 0, 1
MODELS = ["Secret", "OAuth2Client", "Identity", "OAuth2TokenRequest", "SecurityContext"]


class Refused(Exception):
    """What the library says of input that it does not take."""


class Arena(ctypes.Structure):
    _fields_ = [("block", ctypes.c_void_p), ("cleanups", ctypes.c_void_p)]


class Buf(ctypes.Structure):
    _fields_ = [("data", ctypes.c_void_p), ("len", ctypes.c_size_t), ("cap", ctypes.c_size_t)]


class Span(ctypes.Structure):
    _fields_ = [("s", ctypes.c_char_p), ("len", ctypes.c_size_t)]


class Kanso:
    """The functions of src/security/security.h. Objects live until reset()."""

    def __init__(self, path: Path) -> None:
        self.lib = ctypes.CDLL(str(path))
        self.arena, self.why = Arena(), ctypes.c_char_p()
        self.held: list[bytes] = []
        for name in ("sec_from_wire", "sec_from_json", "sec_from_base64", "sec_model_named"):
            getattr(self.lib, name).restype = ctypes.c_void_p
        for name in ("sec_to_wire", "sec_equal"):
            getattr(self.lib, name).restype = ctypes.c_bool

    def reset(self) -> None:
        self.lib.arena_reset(ctypes.byref(self.arena))
        self.held.clear()

    def model(self, name: str) -> ctypes.c_void_p:
        return ctypes.c_void_p(self.lib.sec_model_named(name.encode()))

    def _read(self, function: str, model: str, data: bytes, *more: int) -> ctypes.c_void_p:
        self.held.append(data)
        found = getattr(self.lib, function)(ctypes.byref(self.arena), self.model(model),
                                            Span(data, len(data)), *more, ctypes.byref(self.why))
        if not found:
            raise Refused((self.why.value or b"").decode())
        return ctypes.c_void_p(found)

    def from_wire(self, model: str, data: bytes, form: int = AS_WRITTEN) -> ctypes.c_void_p:
        return self._read("sec_from_wire", model, data, form)

    def from_base64(self, model: str, data: bytes, form: int = AS_WRITTEN) -> ctypes.c_void_p:
        return self._read("sec_from_base64", model, data, form)

    def from_json(self, model: str, value: Any) -> ctypes.c_void_p:
        return self._read("sec_from_json", model, json.dumps(value).encode())

    def _write(self, function: str, *arguments: Any) -> bytes | None:
        out = Buf()
        wrote = getattr(self.lib, function)(*arguments, ctypes.byref(out))
        data = ctypes.string_at(out.data, out.len) if out.len else b""
        self.lib.buf_free(ctypes.byref(out))
        return None if function == "sec_to_wire" and not wrote else data

    def to_wire(self, model: str, value: ctypes.c_void_p) -> bytes | None:
        return self._write("sec_to_wire", self.model(model), value)

    def to_json(self, model: str, value: ctypes.c_void_p) -> str:
        return self._write("sec_to_json", self.model(model), value).decode()

    def short_string(self, model: str, value: ctypes.c_void_p) -> str:
        arena = ctypes.byref(self.arena)
        return self._write("sec_short_string", arena, self.model(model), value).decode()

    def is_empty(self, model: str, value: ctypes.c_void_p) -> int:
        return self.lib.sec_is_empty(self.model(model), value)

    def equal(self, model: str, x: ctypes.c_void_p, y: ctypes.c_void_p) -> bool:
        return self.lib.sec_equal(self.model(model), x, y)


@pytest.fixture(scope="module")
def kanso() -> Kanso:
    return Kanso(LIBRARY)


class Dice:
    """Random messages that the models' rules allow: the same for the same seed.

    Characters beyond ASCII are letters or blanks: others do not break lines as they do in Python.
    """

    WORDS = ["g", "my-group", "team/prod", "a_b", "x" * 30, "arn:aws:iam::123456789012:role/r",
             "https://idp/token", "well-known--dash", "é", "Größe-ñandú", "日本語", "-", "--",
             "don't", 'say "x"', "back\\slash", "1-2-3", "z" * 90, "long-" * 20, "e.g.,",
             "\U00010000"]
    BLANKS = [" ", " ", " ", "\n", "\t\t", "\r\n", "\u00a0", "\u2003 ", "\x0b", ""]
    ODD = ["\x00", "\x01\x7f", "'\"\\", "\x1c", "\u2028", "{}", "%s%n"]

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)

    def chance(self, share: float) -> bool:
        return self.random.random() < share

    def text(self) -> str:
        r = self.random
        if self.chance(0.15):
            return ""
        parts = []
        for _ in range(r.choice([1, 1, 1, 2, 3, 8, 25])):
            parts.append(r.choice(self.ODD) if self.chance(0.03) else r.choice(self.WORDS))
            parts.append(r.choice(self.BLANKS))
        if self.chance(0.2):
            letters = string.ascii_letters + string.digits + "- -_.,!"
            parts.append("".join(r.choice(letters) for _ in range(r.randrange(120))))
        return "".join(parts)

    def variable(self) -> str:
        if self.chance(0.4):
            return ""
        first = string.ascii_uppercase + "_"
        rest = self.random.choices(first + string.digits, k=self.random.randrange(20))
        name = self.random.choice(first) + "".join(rest)
        return name + ("\n" if self.chance(0.05) else "")

    def secret(self, bare: bool = False) -> Message:
        """A Secret; `bare` is the message inside a client, for which no rule holds."""
        numbers = [0, 1, 2, 7, -1, 2**31 - 1, -2**31] if bare else [0, 1, 2]
        return pb.Secret(group=self.text(), group_version=self.text(), key=self.text(),
                         mount_requirement=self.random.choice(numbers),
                         env_var=self.text() if bare else self.variable())

    def oauth2client(self) -> Message:
        return pb.OAuth2Client(client_id=self.text(),
                               client_secret=self.secret(True) if self.chance(0.6) else None)

    def identity(self) -> Message:
        return pb.Identity(iam_role=self.text() if self.chance(0.5) else "",
                           k8s_service_account=self.text() if self.chance(0.5) else "",
                           oauth2_client=self.oauth2client() if self.chance(0.4) else None,
                           execution_identity=self.text() if self.chance(0.5) else "")

    def oauth2tokenrequest(self) -> Message:
        return pb.OAuth2TokenRequest(
            name=self.text(), type=self.random.choice([0, 0, 0, 1, -1, 300]),
            client=self.oauth2client() if self.chance(0.7) else None,
            idp_discovery_endpoint=self.text(), token_endpoint=self.text())

    def securitycontext(self) -> Message:
        secrets, tokens = self.random.choice([0, 1, 1, 2, 5]), self.random.choice([0, 0, 1, 3])
        return pb.SecurityContext(run_as=self.identity() if self.chance(0.6) else None,
                                  secrets=[self.secret() for _ in range(secrets)],
                                  tokens=[self.oauth2tokenrequest() for _ in range(tokens)])

    def message(self, model: str) -> Message:
        return getattr(self, model.lower())()


def constructor_json(message: Message) -> dict[str, Any]:
    """Protobuf's JSON of a message, with the groups that a Secret's constructor insists on."""
    value = json_format.MessageToDict(message)
    if isinstance(message, pb.Secret):
        value.setdefault("group", "")
    for secret in value.get("secrets", []):
        secret.setdefault("group", "")
    return value


def readable(message: Message, indent: int = 2) -> Iterator[str]:
    """The lines of a message's readable form, as docs/contract/security-models.md#readable-form describes them."""
    for field, value in message.ListFields():
        if isinstance(value, Message):
            lines = list(readable(value, indent + 2))
            if value.ListFields():
                yield from [" " * indent + field.name + ":", *lines]
        elif shortened := textwrap.shorten(str(value), 80):
            yield " " * indent + field.name + ": " + shortened


def short_string(model: str, message: Message) -> str:
    if model == "SecurityContext" and not message.ListFields():
        body = "None"
    else:
        body = "\n".join(readable(message))
    return f"Flyte Serialized object ({model}):\n{body}"


def test_random_messages_both_ways(kanso: Kanso) -> None:
    dice = Dice(660)
    for i in range(COUNT):
        model = "SecurityContext" if i % 2 else MODELS[i // 2 % 5]
        theirs = dice.message(model)
        data = theirs.SerializeToString(deterministic=True)

        ours = kanso.from_wire(model, data)
        text = kanso.to_json(model, ours)
        assert json.loads(text) == constructor_json(theirs)
        assert json_format.Parse(text, type(theirs)()) == theirs
        assert kanso.short_string(model, ours) == short_string(model, theirs)
        again = kanso.from_json(model, constructor_json(theirs))
        for made in (ours, again, kanso.from_base64(model, base64.b64encode(data))):
            written = kanso.to_wire(model, made)
            assert (written or b"") == data
            assert type(theirs).FromString(written or b"") == theirs
            assert kanso.is_empty(model, made) == (-1 if written is None else not data)
        assert kanso.equal(model, ours, kanso.from_wire(model, data))
        kanso.reset()


UNKNOWN = [b"\x30\x05", b"\x33\x34", b"\x3a\x02ab", b"\x35abcd", b"\x31abcdefgh"]


def damage(data: bytes, chance: random.Random) -> bytes:
    out = bytearray(data)
    for _ in range(chance.choice([1, 1, 2, 4])):
        at = chance.randrange(len(out) + 1)
        match chance.randrange(5):
            case 0:
                del out[at:at + chance.randrange(1, 9)]
            case 1:
                out[at:at] = chance.randbytes(chance.randrange(1, 5))
            case 2 if at < len(out):
                out[at] = chance.randrange(256)
            case 3:
                out[at:at] = chance.choice(UNKNOWN)
            case _:
                del out[at:]
    return bytes(out)


def test_damaged_messages(kanso: Kanso) -> None:
    """What flyteidl does not read Kanso does not read; what it reads means the same to both."""
    dice, accepted = Dice(66), 0
    for _ in range(COUNT):
        data = damage(dice.securitycontext().SerializeToString(), dice.random)
        try:
            ours = kanso.to_wire("SecurityContext", kanso.from_wire("SecurityContext", data))
        except Refused as refusal:
            assert str(refusal)
            continue
        finally:
            kanso.reset()
        try:
            theirs = pb.SecurityContext.FromString(data)
        except DecodeError:
            pytest.fail(f"read, though flyteidl does not: {data.hex()}")
        theirs.DiscardUnknownFields()
        assert (ours or b"") == theirs.SerializeToString(deterministic=True)
        accepted += 1
    assert COUNT / 100 < accepted < COUNT


def test_as_flytekit_makes_models(kanso: Kanso) -> None:
    """from_flyte_idl() and back, short strings and refusals, against flytekit itself."""
    theirs = pytest.importorskip("flytekit.models.security")
    dice = Dice(1)
    for i in range(COUNT // 5):
        name = MODELS[i % 5]
        message = dice.message(name)
        if isinstance(message, pb.Secret) and dice.chance(0.2):
            message.mount_requirement = dice.random.choice([3, -1])
        if isinstance(message, pb.Secret) and dice.chance(0.2):
            message.env_var = dice.random.choice(["a", "1A", "A B", "\n", "A\n\n"])
        data = message.SerializeToString()
        try:
            expected = getattr(theirs, name).from_flyte_idl(message)
        except ValueError as error:
            with pytest.raises(Refused) as refusal:
                kanso.from_wire(name, data, AS_MODEL)
            assert str(refusal.value) == str(error)
            continue
        made = kanso.from_wire(name, data, AS_MODEL)
        text = kanso.short_string(name, made)
        assert text == expected.short_string() == expected.verbose_string() == str(expected)
        idl = expected.to_flyte_idl()
        assert kanso.to_wire(name, made) == (None if idl is None else idl.SerializeToString())
        assert kanso.is_empty(name, made) == (-1 if idl is None else expected.is_empty)
        kanso.reset()
