"""What an assignment's own essays teach about routing them: the confidence each tier needs, and what goes to the best
tier at once.

From the outcomes of essays to choices (`grading.threshold_fit`), one for each threshold of `grading.routing`. The bars
of the cascade are chosen from its end backwards, so that what a tier passes on is judged by what then becomes of it.

Marks are measured against teachers' where there are enough of those, else against the best tier's as well. Where a
better tier was not asked, because the grade of the cheaper one stood, nobody knows what it would have said: it is taken
to cost and to be off as much as on the essays that it did grade. `Fit.supposed` says how often that was so.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from grading.routing import Thresholds
from grading.threshold_fit import Array, Choice, Choose, HeldOut, Point, curve, for_share, held_out

MIN_ESSAYS = 40
"""Essays that a threshold is learned from at least; what fewer say is mostly noise."""
COMPLEX_FROM = "complex_from"
STEP = 1e-4
"""The last decimal of a complexity. What is kept lies below `complex_from`, so its signal, which is the negative
complexity, is kept from a step above the negative threshold on."""


@dataclass(frozen=True)
class Attempt:
    """What one tier said of an essay: its confidence, 0 to 1, what it cost in US dollars, and how far its mark is from
    the reference as a share of full marks; None where nothing tells."""

    confidence: float
    cost: float
    error: float | None


@dataclass(frozen=True)
class Outcome:
    """One essay, with the attempts of the tiers that were asked, by name."""

    attempts: Mapping[str, Attempt]
    complexity: float | None = None
    taught: bool = True
    """Whether the reference is a teacher's mark; else it is that of the best tier, which says less."""


@dataclass(frozen=True)
class Fit:
    """What was learned of one threshold. Without `chosen` it stays as it is, and `words` say why."""

    rule: str
    """`accept.<tier>` or `complex_from`."""
    value: float | None
    """The threshold as routing takes it; None: it stays."""
    words: str
    essays: int = 0
    """With a known error."""
    untaught: int = 0
    """Of these without a teacher's mark."""
    supposed: int = 0
    """Of these with no grade of the better tier."""
    now: Point | None = None
    points: tuple[Point, ...] = ()
    chosen: Point | None = None
    held_out: HeldOut | None = None

    def to_json(self) -> dict[str, Any]:
        return {
            **vars(self),
            "now": self.now and self.now.to_json(),
            "points": [point.to_json() for point in self.points],
            "chosen": self.chosen and self.chosen.to_json(),
            "held_out": self.held_out and self.held_out.to_json(),
        }


def fit(
    outcomes: Sequence[Outcome],
    tiers: Sequence[str],
    thresholds: Thresholds,
    choose: Choose,
    shares: Mapping[str, float] | None = None,
) -> list[Fit]:
    """What to set, in the order of the tiers, cheapest first.

    A tier in `shares` is set so that it accepts that share of what it grades. Then nothing else is learned.
    """
    asked = [tier for tier in tiers if any(tier in outcome.attempts for outcome in outcomes)]
    if shares:
        return [_fit_share(outcomes, asked, thresholds, tier, share) for tier, share in shares.items()]
    fits: list[Fit] = []
    for tier in reversed(asked[:-1]):
        fits.insert(0, found := _fit_accept(outcomes, asked, thresholds, tier, choose))
        if found.value is not None:
            thresholds = replace(thresholds, accept={**thresholds.accept, tier: found.value})
    if len(asked) > 1:
        fits.append(_fit_complex_from(outcomes, asked, thresholds, choose))
    return fits


def changes(fits: Sequence[Fit]) -> dict[str, Any]:
    """The fits as an assignment keeps them, for `Thresholds.of`; empty when nothing changes."""
    values: dict[str, Any] = {}
    for found in fits:
        if found.value is None:
            continue
        rule, _, tier = found.rule.partition(".")
        if tier:
            values.setdefault(rule, {})[tier] = found.value
        else:
            values[rule] = found.value
    return values


def merged(own: Mapping[str, Any] | None, new: dict[str, Any]) -> dict[str, Any]:
    """An assignment's thresholds with new ones among them; those of other tiers stay."""
    before = dict(own or {})
    return before | new | {"accept": {**before.get("accept", {}), **new.get("accept", {})}}


def _fit_accept(
    outcomes: Sequence[Outcome], asked: Sequence[str], thresholds: Thresholds, tier: str, choose: Choose
) -> Fit:
    rule = f"accept.{tier}"
    known = _measured(outcomes, tier)
    if few := _too_few(rule, f"a grade of {tier} and a mark to measure it by", known):
        return few
    better = asked[asked.index(tier) + 1]
    choice, supposed = _acceptance(known, asked, thresholds, tier)
    points = curve(choice, nothing_kept=1.0)
    chosen = choose(points)
    tested = held_out(choice, choose, nothing_kept=1.0)
    return Fit(
        rule=rule,
        value=round(chosen.threshold, 4),
        words=_verdict(
            chosen,
            tested,
            tier,
            better,
            all_kept=f"Everything that {tier} grades is kept: asking {better} would not be worth what it costs.",
            none_kept=f"Nothing of {tier} is kept: {better} is worth what it costs for every essay.",
        ),
        essays=len(known),
        untaught=sum(not each.taught for each in known),
        supposed=supposed,
        now=choice.point(_bar(thresholds, tier)),
        points=tuple(points),
        chosen=chosen,
        held_out=tested,
    )


def _fit_share(
    outcomes: Sequence[Outcome], asked: Sequence[str], thresholds: Thresholds, tier: str, share: float
) -> Fit:
    rule = f"accept.{tier}"
    graded = [each for each in outcomes if tier in each.attempts]
    if few := _too_few(rule, f"a grade of {tier}", graded):
        return few
    signal = np.array([each.attempts[tier].confidence for each in graded])
    value = round(min(1.0, for_share(signal, share)), 4)
    kept = float((signal >= value).mean())
    words = f"From a confidence of {value:.3f} on, {tier} keeps {kept:.0%} of the {len(graded)} essays it has graded."
    known = _measured(graded, tier)
    if len(known) < MIN_ESSAYS or tier == asked[-1]:
        return Fit(rule, value, f"{words} What that does to the marks is not known.", essays=len(known))
    choice, supposed = _acceptance(known, asked, thresholds, tier)
    chosen = choice.point(value)
    return Fit(
        rule=rule,
        value=value,
        words=f"{words} The error of the marks is {chosen.error:.1%} of full marks, and {chosen.random:.1%} if as many "
        "are kept at random.",
        essays=len(known),
        untaught=sum(not each.taught for each in known),
        supposed=supposed,
        now=choice.point(_bar(thresholds, tier)),
        points=tuple(curve(choice, nothing_kept=1.0)),
        chosen=chosen,
    )


def _fit_complex_from(outcomes: Sequence[Outcome], asked: Sequence[str], thresholds: Thresholds, choose: Choose) -> Fit:
    """Whether complex essays should go to the best tier at once: where complexity beats chance, or all should."""
    first, best = asked[0], asked[-1]
    known = _measured([each for each in outcomes if each.complexity is not None], first)
    if few := _too_few(COMPLEX_FROM, f"a complexity, a grade of {first} and a mark to measure it by", known):
        return few
    keep_cost, keep_error = _way(known, asked, thresholds, first)
    pass_cost, pass_error = _attempted(known, best)
    supposed = int(np.isnan(pass_cost).sum())
    signal = -np.array([each.complexity for each in known], dtype=float)
    choice = Choice(signal, _filled(keep_cost), _filled(keep_error), _filled(pass_cost), _filled(pass_error))
    points = curve(choice, nothing_kept=STEP)
    chosen = choose(points)
    tested = held_out(choice, choose, nothing_kept=STEP)
    told = tested.beats_random or chosen.kept == 0
    words = _verdict(
        chosen,
        tested,
        first,
        best,
        all_kept=f"No essay is so complex that it should go to {best} at once.",
        none_kept=f"Every essay should go to {best} at once.",
    )
    return Fit(
        rule=COMPLEX_FROM,
        value=_complexity(chosen).threshold if told else None,
        words=words if told else f"{words} It stays at {thresholds.complex_from:g}.",
        essays=len(known),
        untaught=sum(not each.taught for each in known),
        supposed=supposed,
        now=_complexity(choice.point(STEP - thresholds.complex_from)),
        points=tuple(map(_complexity, points)),
        chosen=_complexity(chosen),
        held_out=tested,
    )


def _complexity(point: Point) -> Point:
    """The point with its threshold as `complex_from` has it."""
    return replace(point, threshold=min(1.0, max(0.0, round(STEP - point.threshold, 4))))


def _measured(outcomes: Sequence[Outcome], tier: str) -> list[Outcome]:
    """Those with a known error of that tier; only those that a teacher has marked, where they are enough."""
    known = [each for each in outcomes if _error(each, tier) is not None]
    taught = [each for each in known if each.taught]
    return taught if len(taught) >= MIN_ESSAYS else known


def _acceptance(
    known: Sequence[Outcome], asked: Sequence[str], thresholds: Thresholds, tier: str
) -> tuple[Choice, int]:
    """The choice that a tier's bar makes, and for how many essays the other way is supposed."""
    cost, error = _attempted(known, tier)
    more_cost, pass_error = _way(known, asked, thresholds, asked[asked.index(tier) + 1])
    signal = np.array([each.attempts[tier].confidence for each in known])
    choice = Choice(signal, cost, error, cost + _filled(more_cost), _filled(pass_error))
    return choice, int(np.isnan(more_cost).sum())


def _way(outcomes: Sequence[Outcome], asked: Sequence[str], thresholds: Thresholds, tier: str) -> tuple[Array, Array]:
    """Cost and error of the cascade from that tier on; not a number where it has not graded the essay."""
    cost, error = _attempted(outcomes, tier)
    if tier == asked[-1]:
        return cost, error
    more_cost, other_error = _way(outcomes, asked, thresholds, asked[asked.index(tier) + 1])
    bar = _bar(thresholds, tier)
    confidence = np.array([each.attempts[tier].confidence if tier in each.attempts else np.nan for each in outcomes])
    passed = confidence < bar
    return np.where(passed, cost + _filled(more_cost), cost), np.where(passed, _filled(other_error), error)


def _attempted(outcomes: Sequence[Outcome], tier: str) -> tuple[Array, Array]:
    cost = [each.attempts[tier].cost if tier in each.attempts else np.nan for each in outcomes]
    error = [_error(each, tier) for each in outcomes]
    return np.array(cost, dtype=float), np.array(error, dtype=float)


def _error(outcome: Outcome, tier: str) -> float | None:
    attempt = outcome.attempts.get(tier)
    return attempt.error if attempt else None


def _filled(values: Array) -> Array:
    """With the mean of the known in place of the unknown; nought where nothing is known."""
    known = values[~np.isnan(values)]
    return np.where(np.isnan(values), known.mean() if len(known) else 0.0, values)


def _bar(thresholds: Thresholds, tier: str) -> float:
    return thresholds.accept.get(tier, thresholds.review_below)


def _too_few(rule: str, what: str, known: Sequence[Outcome]) -> Fit | None:
    if len(known) >= MIN_ESSAYS:
        return None
    words = f"{len(known)} essays have {what}; {MIN_ESSAYS} are needed, or it would be noise. Nothing is changed."
    return Fit(rule, None, words, essays=len(known))


def _verdict(chosen: Point, tested: HeldOut, tier: str, better: str, *, all_kept: str, none_kept: str) -> str:
    """What is to be said of a choice, and whether it beats the control."""
    if chosen.kept == 1:
        return all_kept
    measured = (
        f"On essays it was not learned on, the error is {tested.error:.1%} of full marks; "
        f"with as many kept at random {tested.random:.1%}."
    )
    if chosen.kept == 0:
        return f"{none_kept} {measured}"
    if tested.beats_random:
        return f"{measured} That beats {tested.beaten:.0%} of random draws."
    return (
        f"{measured} That beats {tested.beaten:.0%} of random draws and so is no better than chance: "
        f"this threshold says how many essays go from {tier} to {better}, but not which."
    )
