"""Clients that read and write while something happens to the server."""

from __future__ import annotations

import random
import threading
import time
import uuid
from types import TracebackType

import requests

from .api import Api
from .process import wait_until


class Pace:
    """Keeps one of `clients` to its share of `rate` requests a second of them all, at most; None: as many as it can."""

    def __init__(self, clients: int, rate: float | None) -> None:
        self.interval = clients / rate if rate else 0.0
        self.due = time.monotonic() - self.interval * random.random()  # they do not all begin at once

    def keep(self) -> None:
        """Waits until the next request is due. What was missed while there was no answer is not made up for."""
        self.due = max(time.monotonic(), self.due + self.interval)
        time.sleep(max(0.0, self.due - time.monotonic()))


class Load:
    """Three writers and a reader for the length of a `with` block, and as long as it takes to make something before and after
    what happens in it. Behind it: what was made, by name, and what went wrong.

    nginx closes idle connections when it ends, and a request may just be on its way, which nobody has read (RFC 9112, 9.3.1).
    These ask once more then, and would be told if the name were there already, so that an answer had been lost."""

    def __init__(self, url: str, threads: int = 4) -> None:
        self.url = url
        self.made: list[str] = []
        self.wrong: list[str] = []
        self.over = threading.Event()
        self.threads = [threading.Thread(target=self._go, args=(number,)) for number in range(threads)]

    @staticmethod
    def _ask(api: Api, name: str | None, again: bool = True) -> requests.Response:
        try:
            return api.post("/tags", {"name": name}) if name else api.get("/current-user")
        except requests.ConnectionError as why:
            if "RemoteDisconnected" not in repr(why) or not again:
                raise
            return Load._ask(api, name, again=False)

    def _go(self, number: int) -> None:
        api = Api(self.url)
        while not self.over.is_set():
            name = f"load-{uuid.uuid4().hex[:12]}"
            try:
                answer = self._ask(api, name if number else None)
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
        self._goes_on()
        return self

    def _goes_on(self) -> None:
        """Something more is made, by requests that began now."""
        enough = len(self.made) + 2 * len(self.threads)
        wait_until(lambda: bool(self.wrong) or len(self.made) >= enough, 60, "what the load makes")

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        try:
            if not error:
                self._goes_on()
        finally:
            self.over.set()
        for thread in self.threads:
            thread.join()

    def check(self) -> None:
        """Nothing went wrong, and all that was acknowledged is there."""
        assert not self.wrong, self.wrong[:3]
        api = Api(self.url)
        missing = [name for name in self.made if api.get(f"/tags/{name}").status_code != 200]
        assert not missing, missing[:3]
