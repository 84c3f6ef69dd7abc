"""An instance that is all Kanso's own: its database too is kept running by kanso-supervise."""

from __future__ import annotations

from contextlib import contextmanager
from pathlib import Path
from typing import Any, Iterator

from kit.servers import Kanso


class NoDatabase:
    """Stands where an instance of the tests has the tests' database."""

    password = ""

    def new_database(self) -> str:
        return ""

    def socket_url(self, database: str) -> str:
        return ""


@contextmanager
def private_instance(directory: Path, **settings: Any) -> Iterator[Kanso]:
    """Started; stopped at the end, when its logs must be free of complaints."""
    directory.chmod(0o755)
    kanso = Kanso(directory / "home", NoDatabase(), KANSO_LOGIN_RATE="0", **settings)  # type: ignore[arg-type]
    del kanso.environment["ZENML_STORE_URL"]
    kanso.start()
    kanso.mariadb.password = (kanso.home / "etc" / "database-password").read_text().strip()  # no log may hold it
    try:
        yield kanso
    finally:
        kanso.stop()
    assert not kanso.processes()
    assert not (said := kanso.complaints()), said
