"""kansoctl setup: one command, then a start, and the first user signs in."""

from __future__ import annotations

import uuid
from pathlib import Path

import pytest

from kit.ctl import kansoctl, results
from kit.mariadb import MariaDB


def lines(conf: Path) -> dict[str, str]:
    return dict(line.split("=", 1) for line in conf.read_text().splitlines() if "=" in line and not line.startswith("#"))


@pytest.mark.engine
def test_database_elsewhere(mariadb: MariaDB, tmp_path: Path) -> None:
    url, conf = mariadb.socket_url(f"setup_{uuid.uuid4().hex[:8]}"), tmp_path / "conf" / "kanso.conf"
    place = {"KANSO_CONF": str(conf), "KANSO_HOME": str(tmp_path / "home")}
    done = results("setup", "--database", url, "--user", "ada", "--url", "https://k.example", "--password-stdin",
                   stdin="first\n", **place)
    assert (done["settings"], done["database"], done["user"], done["password"]) == (str(conf), "ready", "ada", None)
    assert conf.stat().st_mode & 0o777 == 0o600
    written = lines(conf)
    assert (written["ZENML_STORE_URL"], written["KANSO_PORT"], written["ZENML_SERVER_SERVER_URL"]) == (url, "8080", "https://k.example")
    assert len(written["ZENML_SECRETS_STORE_ENCRYPTION_KEY"]) == 64 and "first" not in conf.read_text()
    users = results("user", "list", **place)
    assert [(user["name"], user["active"], user["is_admin"]) for user in users] == [("ada", True, True)]
    before = conf.read_bytes()
    again = results("setup", **place)
    assert conf.read_bytes() == before and (again["database"], again["user"], again["password"]) == ("ready", None, None)
    conf.write_text("# mine\nKANSO_JOBS=0\n" + conf.read_text())
    results("setup", "--port", "8099", **place)
    assert conf.read_text() == "# mine\nKANSO_JOBS=0\n" + before.decode().replace("KANSO_PORT=8080", "KANSO_PORT=8099")
    assert len(results("user", "list", **place)) == 1


def test_database_with_users(mariadb: MariaDB, tmp_path: Path) -> None:
    """Nobody is added, and no key is made: secrets there have been written with another one, or none."""
    database = mariadb.new_database()
    first = {"ZENML_STORE_URL": mariadb.socket_url(database), "KANSO_CONF": "/dev/null"}
    kansoctl("migrate", ZENML_SERVER_AUTO_ACTIVATE="1", ZENML_DEFAULT_USER_PASSWORD="pw", **first)
    conf = tmp_path / "kanso.conf"
    done = results("setup", "--user", "ada", KANSO_CONF=str(conf), ZENML_STORE_URL=first["ZENML_STORE_URL"])
    assert (done["database"], done["user"], done["password"]) == ("ready", None, None)
    assert [user["name"] for user in results("user", "list", KANSO_CONF=str(conf))] == ["default"]
    assert lines(conf)["ZENML_STORE_URL"] == first["ZENML_STORE_URL"], "what the environment says is kept"
    assert "ZENML_SECRETS_STORE_ENCRYPTION_KEY" not in lines(conf)


def test_private_database(tmp_path: Path) -> None:
    """The first user's password waits for the first start (which test_operations_pages.py makes)."""
    home = tmp_path / "home"
    place = {"KANSO_CONF": str(home / "kanso.conf"), "KANSO_HOME": str(home)}
    done = results("setup", "--port", "8099", **place)
    assert done["database"] == f"a private one in {home}" and len(done["password"]) == 24 and "start" in done["next"]
    waiting = home / "etc" / "default-password"
    assert waiting.read_text() == done["password"] and waiting.stat().st_mode & 0o777 == 0o600
    assert lines(home / "kanso.conf")["KANSO_PORT"] == "8099" and done["password"] not in (home / "kanso.conf").read_text()
    again = results("setup", **place)
    assert (again["user"], again["password"]) == (None, None) and waiting.read_text() == done["password"]


@pytest.mark.parametrize("arguments, status, said", [
    (["--port", "eighty"], 2, "the port is 'eighty'"), (["--url", "k.example"], 2, "http://"), (["--user", "a\nb"], 2, "one line"),
    (["--database", "mysql://a:b@127.0.0.1:1/zenml"], 1, "cannot reach the database"),
    (["--database", "postgres://a/b"], 1, "mysql://"), (["--password-stdin"], 1, "a password is needed")])
def test_nothing_is_written_when_something_is_wrong(tmp_path: Path, arguments: list[str], status: int, said: str) -> None:
    done = kansoctl("setup", *arguments, KANSO_CONF=str(tmp_path / "kanso.conf"), KANSO_HOME=str(tmp_path / "home"))
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (status, "", 1) and said in done.stderr, done.stderr
    assert not list(tmp_path.iterdir())
