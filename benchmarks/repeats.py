"""How soon is a loop found by the shape of its request ids, and how often is bad luck taken for one? One line of JSON.

    python -m benchmarks.repeats

`loops`: one worker asks for the same reply again and again, each time as soon as the last is there, or takes the same
essay up again and again (a claim a sweep, one call each). From a random moment on, the rule looks at the calls every
`WATCH_INTERVAL`; seconds until it is found, the median and the worst, by the seconds of a reply.

`alarms`: the two real exam evenings (`../shared/data/cases/submissions_exam_*.tsv`), each submission an essay that one
hosted model grades, which breaks off a share of its replies, each of which is charged. Attempts, pauses, the circuit
breaker and the half hour after which a teacher gets the essay are those of Pizhu; so is an invalid reply in twenty. How
many incidents begin that evening, by that share; there is no loop in any.
"""

from __future__ import annotations

import heapq
import itertools
import json
import random
import uuid
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from dataclasses import dataclass, field
from math import inf
from statistics import median

from benchmarks.anomaly import real
from grading.costs.anomaly import COUNTED
from grading.costs.repeats import MOST, most
from grading.engines.circuit import State
from grading.engines.engine import Unavailable
from grading.engines.hosted import ATTEMPTS, pause
from settings import settings
from workers.queue import WATCH_INTERVAL

REPLIES = (5, 10, 20, 30, 60)
"""Seconds."""
BROKEN = (0.05, 0.2, 0.5, 0.8)
INVALID = 0.05
REPLY, CUT = 20.0, 5.0
"""Seconds of a whole reply, and of one that is broken off."""
DRAWS = 200
WINDOW = COUNTED * 60

Call = tuple[float, str, float]
"""When it began, in seconds, its request id, and when it failed, after which it does not count (`inf`: it did not)."""


def main() -> None:
    evenings = {name: real(f"submissions_exam_{name}.tsv", times=1) for name in ("mid", "final")}
    print(
        json.dumps(
            {
                "benchmark": "repeats",
                "watch_interval_s": WATCH_INTERVAL,
                "loops": {kind: {s: delays(kind, s) for s in REPLIES} for kind in ("attempts", "claims")},
                "alarms": {
                    name: {
                        "essays": len(evening),
                        "incidents": {
                            share: incidents(played([at * 60 for at, _ in evening], share)) for share in BROKEN
                        },
                    }
                    for name, evening in evenings.items()
                },
            }
        )
    )


def delays(kind: str, reply: int) -> list[float]:
    """Seconds until such a loop is found: the median and the worst."""
    draw = random.Random(f"{kind} {reply}")  # noqa: S311 -- no secret
    found = []
    for _ in range(DRAWS):
        at, calls = 0.0, []
        for number in range(10 * MOST):
            calls.append((at, named(0, 0, "", number) if kind == "attempts" else named(0, number, "", 1), inf))
            at += reply if kind == "attempts" else reply + draw.uniform(0, settings().sweep_interval)
        found.append(next(look for look, loops in looks(calls, draw.uniform(0, WATCH_INTERVAL)) if loops))
    return [round(median(found)), round(max(found))]


def incidents(calls: list[Call]) -> int:
    """How often something would have begun that is taken for a loop."""
    count, was = 0, False
    for _, loops in looks(calls, 0.0):
        count += loops and not was
        was = loops
    return count


def looks(calls: Iterable[Call], first: float) -> Iterator[tuple[float, bool]]:
    """Each moment at which the rule looks at the calls, and whether it sees a loop."""
    coming, window = deque(calls), deque[Call]()
    for number in itertools.count():
        at = first + number * WATCH_INTERVAL
        while coming and coming[0][0] <= at:
            window.append(coming.popleft())
        while window and window[0][0] <= at - WINDOW:
            window.popleft()
        if not window and not coming:
            return
        repeat = most((request_id, "large") for _, request_id, failed in window if failed > at)
        yield at, repeat is not None and repeat.times > MOST


def named(essay: int, claim: int, reply: str, attempt: int) -> str:
    """A request id."""
    return f"{uuid.UUID(int=essay)}.{uuid.UUID(int=claim).hex}{reply}.a{attempt}"


# --- an evening at a provider that breaks off replies ----------------------------------------------------------------


@dataclass
class Evening:
    share: float
    draw: random.Random
    now: float = 0.0
    circuit: State = field(default_factory=State)
    calls: list[Call] = field(default_factory=list)

    def grading(self, essay: int) -> Iterator[float]:
        """The way of an essay; yields seconds that pass."""
        arrived = self.now
        for claim in itertools.count():
            attempts = itertools.count(1)
            for reply in ("", ".2"):
                if not (yield from self.asking(lambda r=reply, c=claim, a=attempts: named(essay, c, r, next(a)))):
                    break
                if self.draw.random() >= INVALID:
                    return
            else:
                return  # twice no grade: a teacher gets it
            if self.now - arrived > settings().longest_wait:
                return
            yield self.draw.uniform(0, settings().sweep_interval)

    def asking(self, name: Callable[[], str]) -> Generator[float, None, bool]:
        """The attempts at a reply; whether a whole one came."""
        for failures in range(1, ATTEMPTS + 1):
            phase = self.circuit.phase(self.now)
            if phase == "open":
                return False
            self.circuit = self.circuit.entered(self.now)
            broken = self.draw.random() < self.share
            self.calls.append((self.now, name(), self.now + CUT if broken else inf))
            yield CUT if broken else REPLY
            error = Unavailable("it broke off") if broken else None
            self.circuit = self.circuit.left(error, self.now, probing=phase == "half-open")
            if not broken:
                return True
            if self.circuit.phase(self.now) == "open":
                return False
            yield pause(None, failures, self.draw.random())
        return False


def played(arrivals: list[float], share: float) -> list[Call]:
    """All calls of that evening, in their order."""
    evening = Evening(share, random.Random(share))  # noqa: S311 -- no secret
    due = [(at, number, evening.grading(number)) for number, at in enumerate(arrivals)]
    heapq.heapify(due)
    while due:
        evening.now, number, way = heapq.heappop(due)
        if (seconds := next(way, None)) is not None:
            heapq.heappush(due, (evening.now + seconds, number, way))
    return evening.calls


if __name__ == "__main__":
    main()
