"""A month of essays through the platform's own routing: who is asked, in which order, and when it answers.

Each essay is routed by `grading.routing.route` as it comes, with queues and budgets as they stand at that moment; each
grade is followed by `next_route`. As both are pure and look at few things, their answers are kept by what they
look at. What waits only for money goes on when there is some, as `workers.put_off` has it; and the very text that came
before has its grade at once, but only if that was there by then, as `grading.resubmission` has it.
"""

from __future__ import annotations

import heapq
import math
from collections import defaultdict, deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import numpy as np
from numpy.typing import NDArray

from grading.checker import Finding
from grading.complexity import Complexity
from grading.costs.prices import BATCH_SHARE
from grading.routing import BATCH_WINDOW, Facts, Route, Thresholds, next_route, route
from grading.simulation.purse import Purse
from grading.simulation.queueing import DAY, Queue
from grading.text import Language
from settings import Tier

_LATE = 2 * DAY
"""Seconds until the grade of an essay is wanted that may ride in a batch: once, for it may take a day."""

NEW = -1
ONE = Decimal(1)
_MISTAKE = Finding(0, 1, "spelling", "")
_KINDS: tuple[dict[str, Any], ...] = (
    {"diversity": 0.60, "sentence_words": 8.0, "findings": ()},
    {"diversity": 0.75, "sentence_words": 17.5, "findings": (_MISTAKE,) * 3},
    {"diversity": 0.97, "sentence_words": 60.0, "findings": (_MISTAKE,) * 12},
)
"""What a simple, a usual and a complex essay are made of; the usual one is the median of 400 real ones."""
SIMPLE, USUAL, COMPLEX = range(3)


def complexity_of(kind: int, characters: int, language: Language) -> Complexity:
    """What an essay of that kind and length would be measured as."""
    return Complexity(language, characters, **_KINDS[kind])


@dataclass(frozen=True)
class Essays:
    """A month's essays in the order they come in; one row each."""

    times: NDArray[np.floating[Any]]
    """Seconds from the beginning of the month."""
    characters: NDArray[np.int64]
    chinese: NDArray[np.bool_]
    kind: NDArray[np.int8]
    late: NDArray[np.bool_]
    """Wanted so late that a batch will do."""
    repeats: NDArray[np.int64]
    """The row whose very text comes once more, from a double click or handed in again; `NEW` where it is new."""
    retried: NDArray[np.bool_]
    """The first reply of a model is no grade, and it is asked again."""
    assignment: NDArray[np.int64]
    student: NDArray[np.int64]
    """Who handed it in."""
    luck: Mapping[str, NDArray[np.float64]]
    """By tier, a number from 0 to 1 that decides how sure it is of this essay; the same in everything compared."""


@dataclass(frozen=True)
class Platform:
    """Who may be asked and how long each takes."""

    tiers: tuple[Tier, ...]
    thresholds: Thresholds
    accepted: Mapping[str, float]
    """By tier, the share of its grades that are sure enough to stand although a better tier could be asked."""
    queues: Mapping[str, Queue]
    """By name, `local` and `openai`: empty ones, which the replay fills."""
    closed: Mapping[str, str] = field(default_factory=dict)
    cache: bool = True
    batches: bool = False
    purse: Purse = field(default_factory=lambda: Purse({}, {}, {}))


@dataclass
class Replayed:
    """What became of the essays. `calls` has the rows that each tier was asked about, live and in batches."""

    platform: Platform
    calls: dict[tuple[str, bool], list[int]] = field(default_factory=lambda: defaultdict(list))
    began: NDArray[np.float64] = field(default_factory=lambda: np.empty(0))
    """When the first tier began with each; NaN where none did, or in a batch."""
    ended: NDArray[np.float64] = field(default_factory=lambda: np.empty(0))
    """When each had its last grade; NaN where none gave one, or in a batch."""
    cached: int = 0
    reviewed: int = 0
    """Essays that went to a teacher, since no tier was sure enough, or there was no money for one until the end."""
    put_off: int = 0
    """Essays that waited with a teacher for a new day's or month's budget, those that are still waiting included."""

    @property
    def queues(self) -> Mapping[str, Queue]:
        return self.platform.queues


def replay(essays: Essays, platform: Platform) -> Replayed:
    """Each essay asked about as it comes, and again as its grades come and are not sure enough."""
    purse = platform.purse
    deciding: dict[str | None, Decisions] = {}  # by why there is no money
    times, late = essays.times.tolist(), (essays.late & platform.batches).tolist()
    began, ended = [math.nan] * len(times), [math.nan] * len(times)
    stood = [math.inf] * len(times)  # since when each has a grade
    waiting: deque[tuple[int, tuple[str, ...]]] = deque()
    done = Replayed(platform)
    graded: list[tuple[float, int, Route]] = []  # a heap: when, which essay, and as it was routed

    def decisions(at: float, i: int) -> Decisions:
        why = purse.why_spent(at, i)
        if why not in deciding:
            deciding[why] = Decisions(essays, platform, why)
        return deciding[why]

    def ask(i: int, at: float, to: Route, known: Decisions) -> None:
        if to.put_off:
            done.put_off += 1
            waiting.append((i, to.tried))
        if to.queue is None:
            done.reviewed += 1
            return
        batch = to.queue == "batches"
        done.calls[to.tier, batch].append(i)
        if to.queue != "local":
            purse.pay(to.tier, i, at, BATCH_SHARE if batch else ONE)
        if batch:
            ends = at + DAY
        else:
            begins, ends = platform.queues[to.queue].join(at)
            ended[i] = ends
            if not to.tried:
                began[i] = begins
        if known.stands[to.tier][i]:
            stood[i] = ends
        else:
            heapq.heappush(graded, (ends, i, to))

    def pass_on(until: float) -> None:
        while graded and graded[0][0] <= until:
            at, i, route = heapq.heappop(graded)
            left = _LATE - (at - times[i]) if late[i] else None
            known = decisions(at, i)
            following = known.after(i, route, left)
            if following is None:
                stood[i] = at
            else:
                ask(i, at, following, known)

    def take_up(at: float) -> None:
        for _ in range(len(waiting)):
            i, tried = waiting.popleft()
            if purse.why_spent(at, i) is None:
                done.reviewed -= 1
                ask(i, at, decisions(at, i).start(i, at, tried), decisions(at, i))
            else:
                waiting.append((i, tried))

    repeats = essays.repeats.tolist() if platform.cache else [NEW] * len(times)
    today = 0.0
    for i, at in enumerate(times):
        if graded:
            pass_on(at)
        if waiting and at // DAY > today:  # no budget opens again within a day
            take_up(at)
        today = at // DAY
        if repeats[i] != NEW and stood[repeats[i]] <= at:
            done.cached += 1
            stood[i] = at
        else:
            known = decisions(at, i)
            ask(i, at, known.start(i, at), known)
    pass_on(math.inf)
    done.began, done.ended = np.array(began), np.array(ended)
    return done


class Decisions:
    """What routing says of these essays; it is asked once for those that are alike to it."""

    def __init__(self, essays: Essays, platform: Platform, spent: str | None = None) -> None:
        """`spent` is why there is no money for what is paid by the token; None while there is."""
        self._platform = platform
        self._dear = {tier.name: spent for tier in platform.tiers if spent and tier.engine == "openai"}
        limits = platform.thresholds
        late = essays.late & platform.batches
        self._alike = (((essays.characters * len(_KINDS) + essays.kind) * 2 + essays.chinese) * 2 + late).tolist()
        self._starts: dict[tuple[int, int, tuple[str, ...]], Route] = {}
        self._follow: dict[tuple[object, ...], Route | None] = {}
        self._cleared: dict[str, list[int]] = {}
        self._sure: dict[str, NDArray[np.float64]] = {}
        self.stands: dict[str, list[bool]] = {}
        """By tier, for each essay, whether nothing would follow its grade if it were the first to be asked."""
        for tier in platform.tiers:
            bars = np.array([limits.accept.get(tier.name, limits.review_below), limits.review_below])
            self._sure[tier.name] = _confidence(platform, tier.name, essays.luck[tier.name])
            cleared = (self._sure[tier.name][:, None] >= bars).sum(axis=1)
            self._cleared[tier.name] = cleared.tolist()
            first = Route(None, tier.name, "")
            rows = {int(one): int(np.argmax(cleared == one)) for one in np.unique(cleared)}
            last = {one: self.after(row, first, None) is None for one, row in rows.items()}
            self.stands[tier.name] = [last[one] for one in self._cleared[tier.name]]

    def start(self, i: int, at: float, tried: tuple[str, ...] = ()) -> Route:
        """Where an essay starts that comes at that moment, or comes back after those tiers were unsure.

        All that `route` wants to know of a wait is whether it is too long, and of the time that is left whether it is
        enough for a batch.
        """
        platform = self._platform
        behind = 0
        for bit, queue in enumerate(platform.queues.values()):
            if queue.wait(at) > platform.thresholds.longest_wait:
                behind |= 1 << bit
        key = self._alike[i], behind, tried
        if key not in self._starts:
            alike, late = divmod(self._alike[i], 2)
            alike, chinese = divmod(alike, 2)
            characters, kind = divmod(alike, len(_KINDS))
            complexity = complexity_of(kind, characters, "zh" if chinese else "en")
            waits = {name: queue.wait(at) for name, queue in platform.queues.items()}
            due_s, opinion = _LATE if late else None, 0.0 if tried else None
            self._starts[key] = route(
                self._facts(characters, complexity, wait_s=waits, due_s=due_s, tried=tried, opinion=opinion)
            )
        return self._starts[key]

    def after(self, i: int, given: Route, due_s: float | None) -> Route | None:
        """What follows the grade that was given as routed: all that `next_route` wants to know of it is which bars it
        clears."""
        tier = given.tier
        key = (tier, given.tried, due_s is not None and due_s >= BATCH_WINDOW, self._cleared[tier][i])
        if key not in self._follow:
            facts = self._facts(0, None, tried=given.tried, due_s=due_s)
            self._follow[key] = next_route(facts, tier, self.confidence(tier, i))
        return self._follow[key]

    def confidence(self, tier: str, i: int) -> float:
        return float(self._sure[tier][i])

    def _facts(self, characters: int, complexity: Complexity | None, **known: Any) -> Facts:
        platform = self._platform
        closed = {**platform.closed, **self._dear}
        dear = frozenset(self._dear)
        return Facts(characters, platform.tiers, platform.thresholds, complexity, closed, dear=dear, **known)


def _confidence(platform: Platform, tier: str, luck: NDArray[np.float64]) -> NDArray[np.float64]:
    """Confidences of which the stated share clears the tier's bar, spread evenly below it and above."""
    bar = platform.thresholds.accept.get(tier, platform.thresholds.review_below)
    share = platform.accepted.get(tier, 1.0)
    with np.errstate(divide="ignore", invalid="ignore"):
        above = bar + (1 - bar) * (luck - (1 - share)) / share
        below = bar * luck / (1 - share)
    return np.where(luck >= 1 - share, above, below)
