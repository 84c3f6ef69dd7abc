"""Clients that read and write while something happens to the server."""

from __future__ import annotations

import threading
import uuid
from types import TracebackType

import requests

from .api import Api


class Load:
    """Three writers and a reader for the length of a `with` block. Behind it: what was made, by name, and what went wrong."""

    def __init__(self, url: str, threads: int = 4) -> None:
        self.url = url
        self.made: list[str] = []
        self.wrong: list[str] = []
        self.over = threading.Event()
        self.threads = [threading.Thread(target=self._go, args=(number,)) for number in range(threads)]

    def _go(self, number: int) -> None:
        api = Api(self.url)
        while not self.over.is_set():
            name = f"load-{uuid.uuid4().hex[:12]}"
            try:
                answer = api.post("/tags", {"name": name}) if number else api.get("/current-user")
            except requests.RequestException as why:
                self.wrong.append(repr(why))
                return
            if answer.status_code != 200:
                self.wrong.append(f"{answer.status_code} {answer.text}")
            elif number:
                self.made.append(name)

    def __enter__(self) -> "Load":
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.over.set()
        for thread in self.threads:
            thread.join()

    def check(self) -> None:
        """Nothing went wrong, and all that was acknowledged is there."""
        assert not self.wrong, self.wrong[:3]
        assert self.made, "the load has done nothing"
        api = Api(self.url)
        missing = [name for name in self.made if api.get(f"/tags/{name}").status_code != 200]
        assert not missing, missing[:3]
