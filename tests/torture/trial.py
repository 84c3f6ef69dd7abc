"""Requests at whose n-th allocation or database call something fails, and what has to hold afterwards.

Each has either the answer that it has undisturbed, and then done all that it does undisturbed; or 503 that says why, and then
changed nothing (or all, where it says so). A worker that lacks memory ends with status 1 and the next one goes on; one whose
database fails stays, keeps nothing, and answers the next request right.
"""

from __future__ import annotations

import json
import random
import re
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import Iterator

from .state import Database, State, changes
from .tour import Visit
from .worker import ANSWER_LOST, DATABASE, LASTING, MEMORY, ONCE, Answer, Fault, Request, Worker

# Numbers of the database and what becomes of the connection, one by one for each call (src/db/errors.c).
DATABASE_FAULTS = [(2006, ONCE), (2013, ANSWER_LOST), (2008, ONCE), (1205, ONCE), (1213, ONCE), (1213, LASTING), (1040, LASTING),
                   (1037, LASTING)]
# What has been reached is noted beside whatever is asked for, the first time; it is what two operations are about.
NOTED, ABOUT_IT = "server_settings", ("/api/v1/settings", "/api/v1/activate")
SAVED = ("the change itself was saved", "check whether it took effect")
OF_THE_MOMENT = re.compile(rb"eyJ|expire")  # tokens, which are others each second
SLOW = 0.5  # seconds that make trials few: bcrypt


@dataclass
class Undisturbed:
    answer: Answer
    delta: dict[str, int]
    allocations: int
    calls: int
    steady: bool  # the body is the same each time
    seconds: float


@dataclass
class Tally:
    """What has come of all trials."""

    outcomes: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)
    operations: int = 0

    def note(self, outcome: str) -> None:
        self.outcomes[outcome] += 1

    def trials(self) -> int:
        return sum(self.outcomes.values())


def refusal(answer: Answer) -> str | None:
    """The message of a 503 of the right shape."""
    try:
        body = json.loads(answer.body)
    except ValueError:
        return None
    good = (answer.status == 503 and answer.content_type == "application/json" and list(body) == ["detail"]
            and len(body["detail"]) == 2 and body["detail"][0] == "RuntimeError" and body["detail"][1])
    return body["detail"][1] if good else None


class Trials:
    """Trials of a tour with one worker."""

    def __init__(self, worker: Worker, database: Database, token: str, each: int, seed: int, memory: bool = True) -> None:
        """With `each` places at which memory is missing, and twice as many failures of the database, for each operation."""
        self.worker, self.database, self.each, self.memory = worker, database, each, memory
        self.control = Request("GET", "/api/v1/current-user", (("authorization", "Bearer " + token),))
        self.random, self.tally = random.Random(seed), Tally()
        self.expected = self.warm()
        self.request, self.before = self.control, State()

    def warm(self) -> Answer:
        """The worker, connected, with its statements prepared; what it answers to a plain request."""
        self.worker.ask(self.control)
        return self.worker.ask(self.control)

    def undisturbed(self, visit: Visit) -> Undisturbed:
        """What it is like when nothing fails; and what the first trial needs."""
        request = visit.make()
        self.warm()
        before, begin = self.database.state(), time.monotonic()
        answer = self.worker.ask(request)
        seconds, after, report = time.monotonic() - begin, self.database.state(), self.worker.control.report()
        delta = self.delta(visit, before, after)
        steady = not delta and self.worker.ask(request).body == answer.body and not OF_THE_MOMENT.search(answer.body)
        self.remember(visit.make() if delta else request, None)
        return Undisturbed(answer, delta, report.allocations, report.calls, steady, seconds)

    @staticmethod
    def delta(visit: Visit, before: State, after: State) -> dict[str, int]:
        found = changes(before, after)
        if visit.route[0] == "GET" or visit.route[1] not in ABOUT_IT:
            found.pop(NOTED, None)
        return found

    def one(self, visit: Visit, usual: Undisturbed, fault: Fault) -> None:
        """One trial, and what the next one needs."""
        answer = self.worker.ask(self.request, fault)
        after = self.database.state()
        delta = self.delta(visit, self.before, after)
        struck, places = self.worker.control.report().struck, self.worker.control.places()
        problems = [*self.of_answer(usual, answer, delta), *self.of_worker(fault, bool(struck))]
        for problem in problems:
            self.tally.wrong.append(f"{visit}, {fault}: {problem}; {self.worker.control.where(self.worker.program, places)}")
        self.tally.note("not reached" if not struck else "right answer" if answer.status == usual.answer.status
                        else "refused, and saved" if delta else "refused")
        self.remember(*((visit.make(), None) if delta else (self.request, after)))

    def remember(self, request: Request, state: State | None) -> None:
        """The request for the next trial, and what is in the database before it."""
        self.request, self.before = request, state or self.database.state()

    def of_answer(self, usual: Undisturbed, answer: Answer, delta: dict[str, int]) -> Iterator[str]:
        said = f"{answer.status} {answer.body[:200]!r}"
        if delta and delta != usual.delta:
            yield f"half-written: {delta} instead of {usual.delta}, answered {said}"
        if answer.status == usual.answer.status:
            if delta != usual.delta:
                yield f"answered as if it had been done: {delta} instead of {usual.delta}"
            if usual.steady and answer.body != usual.answer.body:
                yield f"another answer: {said}"
            return
        message = refusal(answer)
        if message is None:
            yield f"answered {said}"
        elif delta and not any(words in message for words in SAVED) and "memory" not in message:
            yield f"saved, and answered {said}"

    def of_worker(self, fault: Fault, struck: bool) -> Iterator[str]:
        if fault.what == MEMORY and struck:
            status = self.worker.ended()
            if status != 1:
                yield f"the worker ended with {status}"
        elif not self.worker.alive():
            yield f"the worker ended with {self.worker.ended()}"
        after = self.worker.ask(self.control)
        if after != self.expected:
            yield f"the next request was answered {after.status} {after.body[:200]!r}"

    def most(self, usual: Undisturbed) -> int:
        return max(2, self.each // 10) if usual.seconds > SLOW else self.each

    def without_memory(self, visit: Visit, usual: Undisturbed) -> None:
        """At places all along the way; the first and the last ones always, as what happens there is not like the rest."""
        places = set(range(1, usual.allocations + 1))
        most = self.most(usual)
        if len(places) > most:
            places = {1, usual.allocations} | set(self.random.sample(sorted(places), max(0, most - 2)))
        for place in sorted(places):
            self.one(visit, usual, Fault(MEMORY, place))

    def without_database(self, visit: Visit, usual: Undisturbed) -> None:
        faults = [Fault(DATABASE, call, number, how) for call in range(1, usual.calls + 1) for number, how in DATABASE_FAULTS]
        faults = self.random.sample(faults, min(len(faults), self.most(usual) * 2))
        kept = self.blocks()
        for fault in faults:
            self.one(visit, usual, fault)
        grown = self.blocks() - kept
        if grown > 0:
            self.tally.wrong.append(f"{visit}: {grown} blocks of memory left behind by {len(faults)} failures of the database")

    def first_requests(self) -> None:
        """A worker's first request has more to do: room for requests, a connection, statements."""
        visit = Visit(("GET", "/api/v1/current-user"), lambda: self.control, "of a new worker")
        self.worker.end()
        usual = Undisturbed(self.worker.ask(self.control), {}, self.worker.control.report().allocations, 0, True, 0)
        self.remember(self.control, None)
        for place in sorted({1, 2, 3} | set(self.random.sample(range(1, usual.allocations + 1), self.each))):
            self.worker.end()
            self.one(visit, usual, Fault(MEMORY, place))

    def blocks(self) -> int:
        """What the worker keeps when it has just connected anew."""
        self.worker.ask(self.control, Fault(DATABASE, 1, 2006, LASTING))
        self.warm()
        return self.worker.control.report().blocks

    def visit(self, visit: Visit) -> None:
        usual = self.undisturbed(visit)
        self.tally.operations += 1
        if usual.answer.status >= 500 and usual.answer.status != 501:
            self.tally.wrong.append(f"{visit}: undisturbed {usual.answer}")
            return
        self.without_database(visit, usual)
        if self.memory:
            self.without_memory(visit, usual)
