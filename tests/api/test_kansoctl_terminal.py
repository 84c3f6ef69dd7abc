"""What kansoctl asks on a terminal: a password twice and without echo; what setup needs, with what is there as the answer."""

from __future__ import annotations

import os
import pty
import select
import subprocess
import time
from pathlib import Path

import pytest

from kit.ctl import KANSOCTL, results
from kit.mariadb import MariaDB
from kit.servers import Kanso, base_environment


def converse(arguments: list[str], answers: list[tuple[str, str]], **environment: str) -> tuple[int, str]:
    """Runs a command on a terminal of its own and answers its questions; its status, and all that was on the terminal."""
    master, slave = pty.openpty()
    process = subprocess.Popen([KANSOCTL, *arguments], stdin=slave, stdout=slave, stderr=slave, start_new_session=True,
                               env=base_environment() | environment)
    os.close(slave)
    shown, waiting = "", list(answers)
    deadline = time.monotonic() + 60
    seen = 0
    try:
        while time.monotonic() < deadline:
            if not select.select([master], [], [], 1)[0]:
                continue
            try:
                shown += os.read(master, 65536).decode()
            except OSError:  # the other side is closed
                break
            if waiting and waiting[0][0] in shown[seen:]:
                seen = len(shown)
                os.write(master, (waiting.pop(0)[1] + "\n").encode())
        assert time.monotonic() < deadline, shown
        return process.wait(10), shown
    finally:
        process.kill()
        os.close(master)


@pytest.fixture(scope="module")
def settings(server: Kanso) -> dict[str, str]:
    if not isinstance(server, Kanso):
        pytest.skip("needs the database of a Kanso")
    name = f"t{os.getpid()}"
    results("user", "add", name, stdin="first\n", **server.environment)
    return server.environment | {"NAME": name}


def test_password_is_asked_twice_and_not_shown(settings: dict[str, str]) -> None:
    name = settings["NAME"]
    status, shown = converse(["user", "reset-password", name], [
        (f"Password of {name}: ", "hidden word"), (f"Again, the password of {name}: ", "hidden word")], **settings)
    assert status == 0 and "hidden word" not in shown and name in shown.splitlines()[-1] + shown
    status, shown = converse(["user", "reset-password", name], [
        (f"Password of {name}: ", "one"), (f"Again, the password of {name}: ", "another")], **settings)
    assert status == 2 and "two different passwords" in shown


def test_setup_shows_no_password(mariadb: MariaDB, tmp_path: Path) -> None:
    """What is there already is the answer, but the terminal does not show its password."""
    conf, url = tmp_path / "kanso.conf", mariadb.tcp_url(mariadb.new_database())
    secret = url.split("@")[0].rsplit(":", 1)[1]
    assert len(secret) > 1 and "//" not in secret, url
    conf.write_text(f"ZENML_STORE_URL={url}\n")
    status, shown = converse(["setup"], [
        ("or private [mysql://", ""), (") [127.0.0.1]: ", ""), ("Port [8080]: ", ""), ("if another one: ", ""), ("[default]: ", "ada"),
        ("Password of ada: ", "hidden word"), ("Again, the password of ada: ", "hidden word")],
        KANSO_CONF=str(conf), KANSO_HOME=str(tmp_path))
    assert status == 0 and ":********@" in shown and secret not in shown, shown
    assert f"ZENML_STORE_URL={url}\n" in conf.read_text()


def test_setup_asks(mariadb: MariaDB, tmp_path: Path) -> None:
    conf, url = tmp_path / "kanso.conf", mariadb.socket_url(mariadb.new_database())
    conf.write_text("KANSO_PORT=8123\n")
    status, shown = converse(["setup"], [
        ("or private [private]: ", url), ("listen at (0.0.0.0: all) [127.0.0.1]: ", ""), ("Port [8123]: ", ""),
        ("if another one: ", "https://k.example"), ("first user [default]: ", "ada"),
        ("Password of ada: ", "hidden word"), ("Again, the password of ada: ", "hidden word")],
        KANSO_CONF=str(conf), KANSO_HOME=str(tmp_path))
    assert status == 0 and "hidden word" not in shown and "next" in shown, shown
    text = conf.read_text()
    assert text.startswith("KANSO_PORT=8123\n") and f"ZENML_STORE_URL={url}\n" in text and "https://k.example" in text
    assert [user["name"] for user in results("user", "list", KANSO_CONF=str(conf))] == ["ada"]
