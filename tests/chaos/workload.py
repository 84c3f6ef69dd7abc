"""Writers that behave as clients do (and as GitHub does), and remember what the server has promised them.

What was acknowledged must be there; what was refused must not. A request whose answer never came may have been carried
out or not: its effects are allowed, not expected.
"""

from __future__ import annotations

import random
import threading
import time
import uuid
from dataclasses import dataclass, field
from typing import Any, Callable

import requests

from kit.api import Api
from kit.events import deliver, github_push
from kit.factory import World, step_spec
from kit.load import Pace

STEPS = ("load", "train", "test")
COLORS = ("blue", "red", "green", "teal", "yellow")


@dataclass
class Promise:
    """What may be in the database about one thing, and whether it must or must not be there (None: either)."""

    there: bool | None
    allowed: set[str]  # its colour, or its status
    id: str = ""


@dataclass
class Run:
    promise: Promise
    steps: dict[str, Promise] = field(default_factory=dict)


class Journal:
    """What one writer was promised. Only it writes here."""

    def __init__(self) -> None:
        self.tags: dict[str, Promise] = {}
        self.runs: dict[str, Run] = {}
        self.deliveries: dict[str, bool] = {}  # whether they were acknowledged, by what their events lead to
        self.versions: dict[str, int] = {}     # the numbers of model versions, by their ids
        self.secrets: dict[str, Promise] = {}  # what is allowed are their values
        self.acknowledged = 0
        self.unanswered = 0
        self.wrong: list[str] = []


class Contest:
    """Names that all writers want at once."""

    def __init__(self) -> None:
        self.winners: dict[str, list[str]] = {}
        self._lock = threading.Lock()

    def won(self, name: str, identifier: str) -> None:
        with self._lock:
            self.winners.setdefault(name, []).append(identifier)


@dataclass
class Goods:
    """What all writers use."""

    deployment: str
    event_source: dict[str, Any]
    model: str


@dataclass
class Load:
    """What the day asks of its writers."""

    writers: int = 6
    rate: float | None = None   # requests a second of all of them together, at most
    most_unfinished: int = 100  # jobs that deliveries have led to: with more of them, nothing is delivered
    unfinished: int = 0         # as the day has counted them last


class Writer(threading.Thread):
    """One client with a session of its own, until `ended` is set."""

    def __init__(self, api: Api, goods: Goods, contest: Contest, load: Load, seed: int, ended: threading.Event) -> None:
        super().__init__(daemon=True)
        self.api, self.world, self.goods, self.load, self.pace = api, World(api), goods, load, Pace(load.writers, load.rate)
        self.contest, self.random, self.ended = contest, random.Random(seed), ended
        self.journal = Journal()

    def run(self) -> None:
        actions: list[Callable[[], None]] = [
            *3 * [self.create_tag], *3 * [self.change_tag], *2 * [self.read_tag], self.delete_tag, *2 * [self.contend],
            *2 * [self.carry_out_run], self.deliver, self.create_version, self.create_secret, self.change_secret]
        while not self.ended.is_set():
            try:
                self.random.choice(actions)()
            except Exception as error:  # a fault of the test is a finding, not a writer less
                self.journal.wrong.append(f"{type(error).__name__}: {error}")
                return

    def ask(self, method: str, path: str, body: Any = None) -> requests.Response | None:
        return self.answer(lambda: self.api.call(method, path, body, timeout=30))

    def answer(self, request: Callable[[], requests.Response]) -> requests.Response | None:
        """The answer; None when there is none or it is that the server cannot now, and whether something has happened
        is open."""
        self.pace.keep()
        try:
            answer = request()
        except requests.RequestException:
            answer = None
        if answer is not None and answer.status_code < 500:
            self.journal.acknowledged += answer.ok
            return answer
        self.journal.unanswered += 1
        time.sleep(0.02)
        return None

    def expect(self, answer: requests.Response, *refusals: int) -> bool:
        """Whether it is a success; refusals other than these are noted as wrong."""
        if not answer.ok and answer.status_code not in refusals:
            self.journal.wrong.append(f"{answer.request.method} {answer.request.path_url}: {answer.status_code} "
                                      f"{answer.text[:200]}")
        return answer.ok

    # Tags ------------------------------------------------------------------------------------------------------------

    def create_tag(self) -> None:
        name, color = f"c-{uuid.uuid4().hex}", self.random.choice(COLORS)
        answer = self.ask("POST", "/tags", {"name": name, "color": color})
        if answer is None:
            self.journal.tags[name] = Promise(None, {color})
        elif self.expect(answer):
            self.journal.tags[name] = Promise(True, {color}, answer.json()["id"])

    def some_tag(self) -> tuple[str, Promise] | None:
        known = [(name, tag) for name, tag in list(self.journal.tags.items())[-50:] if tag.there and tag.id]
        return self.random.choice(known) if known else None

    def change_tag(self) -> None:
        if not (chosen := self.some_tag()):
            return
        tag, color = chosen[1], self.random.choice(COLORS)
        answer = self.ask("PUT", f"/tags/{tag.id}", {"color": color})
        if answer is None:
            tag.allowed.add(color)
        elif self.expect(answer):
            tag.allowed = {color}

    def read_tag(self) -> None:
        """What a reader sees is what was promised."""
        if not (chosen := self.some_tag()):
            return
        name, tag = chosen
        answer = self.ask("GET", f"/tags/{tag.id}")
        if answer is None or not self.expect(answer):
            return
        if answer.json()["body"]["color"] not in tag.allowed:
            self.journal.wrong.append(f"read: tag {name} is {answer.json()['body']['color']}, promised was {tag.allowed}")

    def delete_tag(self) -> None:
        if not (chosen := self.some_tag()):
            return
        tag = chosen[1]
        answer = self.ask("DELETE", f"/tags/{tag.id}")
        if answer is None:
            tag.there = None
        elif self.expect(answer):
            tag.there = False

    def contend(self) -> None:
        """All writers come up with the same name within the same tenth of a second."""
        name = f"r-{int(time.time() * 10)}"
        answer = self.ask("POST", "/tags", {"name": name, "color": "blue"})
        if answer is not None and self.expect(answer, 409):
            self.contest.won(name, answer.json()["id"])

    def deliver(self) -> None:
        """A push, told apart from all others by its commit; as GitHub does, it is delivered once. Nothing
        is while there is much to do for those of before: what comes faster than it is worked off is left at the end."""
        if self.load.unfinished > self.load.most_unfinished:
            return
        commit = uuid.uuid4().hex
        answer = self.answer(lambda: deliver(self.api.url, self.goods.event_source, github_push(after=commit)))
        self.journal.deliveries[commit] = answer is not None and self.expect(answer)

    # Numbers and values -----------------------------------------------------------------------------------------------

    def create_version(self) -> None:
        """Of the one model of all writers: it gets the next number."""
        answer = self.ask("POST", f"{self.world.ws}/models/{self.goods.model}/model_versions",
                          self.world.owned | {"model": self.goods.model})
        if answer is not None and self.expect(answer):
            self.journal.versions[answer.json()["id"]] = answer.json()["body"]["number"]

    def create_secret(self) -> None:
        name, value = f"c-{uuid.uuid4().hex}", uuid.uuid4().hex
        answer = self.ask("POST", self.world.ws + "/secrets",
                          self.world.owned | {"name": name, "scope": "workspace", "values": {"v": value}})
        if answer is None:
            self.journal.secrets[name] = Promise(None, {value})
        elif self.expect(answer):
            self.journal.secrets[name] = Promise(True, {value}, answer.json()["id"])

    def change_secret(self) -> None:
        known = [secret for secret in list(self.journal.secrets.values())[-20:] if secret.there and secret.id]
        if not known:
            return
        secret, value = self.random.choice(known), uuid.uuid4().hex
        answer = self.ask("PUT", f"/secrets/{secret.id}", {"values": {"v": value}})
        if answer is None:
            secret.allowed.add(value)
        elif self.expect(answer):
            secret.allowed = {value}

    # Runs ------------------------------------------------------------------------------------------------------------

    def carry_out_run(self) -> None:
        body = self.world.run_body(self.goods.deployment, name=f"c-{uuid.uuid4().hex}")
        answer = self.ask("POST", self.world.ws + "/runs", body)
        run = Run(Promise(None, set()))
        self.journal.runs[body["name"]] = run
        if answer is None or not self.expect(answer):
            return
        run.promise.there, run.promise.id = True, answer.json()["id"]
        created = answer.json()
        for name in STEPS:
            if not self.carry_out_step(created, run, name):
                return

    def carry_out_step(self, created: dict[str, Any], run: Run, name: str) -> bool:
        """Whether the run goes on: as far as its client knows, the step has completed."""
        step = run.steps[name] = Promise(None, {"running"})
        answer = self.ask("POST", "/steps", self.world.step_body(created, name))
        if answer is None or not self.expect(answer):
            return False
        step.there, step.id = True, answer.json()["id"]
        status = self.random.choice(("completed", "completed", "completed", "failed"))
        answer = self.ask("PUT", f"/steps/{step.id}", {"status": status, "end_time": "2024-05-06T07:08:11"})
        if answer is None:
            step.allowed.add(status)
        elif self.expect(answer):
            step.allowed = {status}
        return answer is not None and status == "completed"


def start(urls: list[str], seed: int, load: Load, ended: threading.Event) -> tuple[list[Writer], Contest]:
    """Writers at work, in turn at each of the hosts."""
    apis = [Api(urls[number % len(urls)]) for number in range(load.writers)]
    world, contest = World(apis[0]), Contest()
    deployment = world.deployment({name: step_spec(name) for name in STEPS}, pipeline=world.pipeline()["id"])["id"]
    goods = Goods(deployment, world.event_source(), world.model()["id"])
    world.trigger(event_source_id=goods.event_source["id"])
    writers = [Writer(api, goods, contest, load, seed * 1000 + number, ended) for number, api in enumerate(apis)]
    for writer in writers:
        writer.start()
    return writers, contest
