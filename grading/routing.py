"""Which model grades an essay, and what comes after it: pure functions from what is known to a route with a reason.

The tiers are a list, cheapest first. `route` says where an essay starts, `next_route` what follows from a grade,
`fallback` what to do when a tier could give none. A tier that is closed (no key, circuit open, budget spent, saving
mode) is passed over, and the reason says so.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Set
from dataclasses import asdict, dataclass, field
from typing import Any, Protocol, Self

from settings import Settings, Tier

BATCH_WINDOW = 26 * 3600.0
"""Seconds in which a batch is surely back or given up: a provider's day, and time to grade at once what it missed."""
TEACHER = "teacher"
"""Stands for a tier where no model grades."""


@dataclass(frozen=True)
class Thresholds:
    """What sends an essay to one tier or another. `accept` holds the confidence, by tier, from which a grade stands."""

    simple_length: int = 500
    simple_below: float = 0.3
    complex_from: float = 0.7
    longest_wait: float = 1800.0
    review_below: float = 0.5
    accept: Mapping[str, float] = field(default_factory=dict)

    @classmethod
    def of(cls, settings: Settings, own: Mapping[str, Any] | None = None) -> Self:
        """Those of the settings, where an assignment has none of its own."""
        values = {name: getattr(settings, name) for name in cls.__dataclass_fields__ if name != "accept"}
        if settings.is_demo_model:
            values["review_below"] = 0.0  # its confidence means as little as its judgement, and all would go to review
        accept = {tier.name: tier.accept_confidence for tier in settings.tiers if tier.accept_confidence is not None}
        given = dict(own or {})
        return cls(**values | given | {"accept": accept | given.get("accept", {})})


@dataclass(frozen=True)
class Tolerance:
    """So many points may a grade be off; it stands from the probability `bar` of being no farther off."""

    points: float
    bar: float


class Measured(Protocol):
    """How much is asked of a model, from 0 to 1, and the parts that make it up: `grading.complexity.Complexity` of an
    essay, `grading.ask.difficulty.Difficulty` of a question."""

    @property
    def score(self) -> float: ...

    @property
    def rounded_parts(self) -> dict[str, float]: ...


@dataclass(frozen=True)
class Facts:
    """What routing looks at."""

    characters: int
    tiers: tuple[Tier, ...]
    thresholds: Thresholds = Thresholds()
    complexity: Measured | None = None
    """None where it could not be measured."""
    closed: Mapping[str, str] = field(default_factory=dict)
    """Why a tier may not be asked now, by its name."""
    resting: frozenset[str] = frozenset()
    """The closed tiers that will be open again by themselves in a minute or so."""
    dear: frozenset[str] = frozenset()
    """The closed tiers that may be asked again once there is money for them: saving mode is on, or a budget spent."""
    wait_s: Mapping[str, float] = field(default_factory=dict)
    """How far behind a queue is, in seconds."""
    due_s: float | None = None
    """Seconds until the grade is wanted; None: at once."""
    tried: tuple[str, ...] = ()
    """Tiers that have been asked for a grade of this essay before."""
    tolerance: Tolerance | None = None
    """What the teacher allows; then confidence is the probability that the teacher's mark is within it."""
    opinion: float | None = None
    """Confidence of the last grade that was not trusted; None where there is none."""


@dataclass(frozen=True)
class Route:
    """Where an essay goes and why. `queue` is None when no model may grade it and a teacher must."""

    queue: str | None
    tier: str
    reason: str
    complexity: float | None = None
    """From 0 to 1, as `grading.complexity` has it."""
    parts: dict[str, float] | None = None
    """What the complexity was made of, each from 0 to 1."""
    tried: tuple[str, ...] = ()
    """Tiers that were asked before this one, the first first."""
    put_off: bool = False
    """A teacher gets it only because there is no money for a model now: one grades it once there is, if the teacher has
    not."""

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


def route(facts: Facts) -> Route:
    """Where an essay starts: simple ones at the cheapest tier, complex ones at the best, others at the cheapest that
    is not far behind; and one that comes back with a grade that was not trusted goes on where it had stopped."""
    if facts.opinion is not None and facts.tried and (better := next(_better(facts, facts.tried[-1]), None)):
        return _to(facts, better, f"{facts.tried[-1]} was unsure before")
    names = [tier.name for tier in facts.tiers]
    open_ = [tier for tier in facts.tiers if tier.name not in facts.closed]
    # What will be back soon is waited for where there is nothing else.
    open_ = open_ or [tier for tier in facts.tiers if tier.name in facts.resting]
    if not open_:
        return _to(facts, None, _nothing_open(facts), put_off=bool(facts.dear))
    score = facts.complexity.score if facts.complexity else None
    limits = facts.thresholds
    if score is not None and score >= limits.complex_from:
        chosen = open_[-1]
        wanted = facts.tiers[-1]
        reason = f"complexity {score:.2f}: the best model at once"
    elif score is not None and score < limits.simple_below and facts.characters < limits.simple_length:
        chosen, wanted = open_[0], facts.tiers[0]
        reason = f"{facts.characters} characters, complexity {score:.2f}: simple enough for the cheapest model"
    else:
        behind = [tier for tier in open_ if facts.wait_s.get(queue_of(tier), 0) > limits.longest_wait]
        chosen = next((tier for tier in open_ if tier not in behind), open_[0])
        wanted = facts.tiers[0]
        known = "complexity unknown" if score is None else f"complexity {score:.2f}"
        reason = f"{known}: the cheapest model first, a better one if it is unsure"
        if chosen in open_[1:]:
            reason += f"; the queue {queue_of(open_[0])} is too far behind"
    passed = [
        tier
        for tier in facts.tiers
        if tier.name in facts.closed and tier is not chosen and _between(names, wanted, tier, chosen)
    ]
    return _to(facts, chosen, "; ".join([reason, *(_closed(facts, tier) for tier in passed)]))


def next_route(facts: Facts, tier: str, confidence: float) -> Route | None:
    """What follows a grade of that confidence by that tier: None when it stands, else a better tier or a teacher.

    Where no better tier can be asked, the cascade ends here, and the grade stands from `review_below` on.
    """
    better = list(_better(facts, tier))
    bar = _accepts(facts, tier) if better else None
    if bar is None:
        bar = _stands_from(facts)
    if confidence >= bar:
        return None
    if facts.tolerance:
        points = f"{facts.tolerance.points:g}"
        reason = f"{tier}: the teacher's mark is within {points} of its points only {confidence:.0%} likely"
    else:
        reason = f"{tier} was unsure (confidence {confidence:.2f} of {bar:.2f})"
    tried = (*facts.tried, tier)
    if better:
        return _to(facts, better[0], reason, tried)
    dear = [*_above(facts, tier, facts.dear)]
    closed = "".join(f"; {_closed(facts, each)}" for each in dear)
    return _to(facts, None, f"{reason}, and none is better{closed}", tried, put_off=bool(dear))


def swayed(facts: Facts, tier: str, points: float | None) -> Route:
    """To a teacher, because some words of the essay swayed that tier; the student is not told which."""
    if points is None:
        why = f"{tier} found too little in it that it could grade"
    else:
        why = f"{tier} read it twice, and its marks differ by {points:g} points"
    return _to(facts, None, f"{why}; a teacher should look at it", (*facts.tried, tier))


def odd(facts: Facts, tier: str, why: str) -> Route:
    """To a teacher, because the essay is like none of its class: what was learned from them says nothing of it."""
    return _to(facts, None, f"{why}; a teacher should look at it", (*facts.tried, tier))


def gives_up_below(facts: Facts, tier: str) -> float | None:
    """The confidence below which that tier's grade will not stand and a better one is there to ask.

    None when none is: then the whole reply is wanted, for a teacher to see.
    """
    return _accepts(facts, tier) if any(_better(facts, tier)) else None


def fallback(facts: Facts, tier: str, why: str) -> Route | None:
    """Who is asked when that tier gave no grade: the next better one, else the best of those not tried yet, else a
    teacher. None when a former grade is to stand instead, which was not trusted while there was a better tier to ask.
    """
    better = next(_better(facts, tier), None)
    untried = [other for other in facts.tiers if other.name not in (*facts.tried, tier, *facts.closed)]
    if better is None and facts.opinion is not None:
        if facts.opinion >= _stands_from(facts):
            return None
        untried = []  # what is left is weaker than who was unsure
    chosen = better or (untried[-1] if untried else None)
    reason = f"{tier} gave no grade: {why}" if chosen else why
    tried = facts.tried if tier in facts.dear else (*facts.tried, tier)
    put_off = chosen is None and not facts.dear.issubset(facts.tried)
    return _to(facts, chosen, reason, tried, put_off=put_off)


def queue_of(tier: Tier) -> str:
    """The queue whose workers have that tier's engine."""
    return tier.engine


def _accepts(facts: Facts, tier: str) -> float | None:
    """The confidence from which that tier's grade stands although a better one could be asked; None: as at the end.

    A tolerance knows no tiers: within it is within it, whoever said so.
    """
    return None if facts.tolerance else facts.thresholds.accept.get(tier)


def _stands_from(facts: Facts) -> float:
    """The confidence from which a grade stands at the end of the cascade."""
    return facts.tolerance.bar if facts.tolerance else facts.thresholds.review_below


def _better(facts: Facts, tier: str) -> Iterator[Tier]:
    """Open tiers above that one which have not been asked yet."""
    return _above(facts, tier, {each.name for each in facts.tiers} - facts.closed.keys())


def _above(facts: Facts, tier: str, among: Set[str]) -> Iterator[Tier]:
    """Those of these tiers above that one which have not been asked yet."""
    names = [each.name for each in facts.tiers]
    above = facts.tiers[names.index(tier) + 1 :] if tier in names else ()
    return (each for each in above if each.name in among and each.name not in facts.tried)


def _between(names: list[str], wanted: Tier, tier: Tier, chosen: Tier) -> bool:
    """Whether a tier lies on the way from the one wanted to the one that was taken."""
    low, high = sorted((names.index(wanted.name), names.index(chosen.name)))
    return low <= names.index(tier.name) <= high


def _nothing_open(facts: Facts) -> str:
    if not facts.tiers:
        return "no model is configured on this installation"
    return "; ".join(["no model may grade now", *(_closed(facts, tier) for tier in facts.tiers)])


def _closed(facts: Facts, tier: Tier) -> str:
    return f"{tier.name} is closed: {facts.closed[tier.name]}"


def _to(
    facts: Facts, tier: Tier | None, reason: str, tried: tuple[str, ...] | None = None, *, put_off: bool = False
) -> Route:
    queue = None if tier is None else queue_of(tier)
    if queue == "openai" and facts.due_s is not None and facts.due_s >= BATCH_WINDOW:
        queue = "batches"
        reason += "; wanted late enough for a batch at half the price"
    return Route(
        queue=queue,
        tier=tier.name if tier else TEACHER,
        reason=reason,
        complexity=round(facts.complexity.score, 4) if facts.complexity else None,
        parts=facts.complexity.rounded_parts if facts.complexity else None,
        tried=facts.tried if tried is None else tried,
        put_off=put_off,
    )
