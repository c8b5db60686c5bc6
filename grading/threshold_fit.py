"""Thresholds of routing, learned from what became of essays: what they would have cost, and how far off the marks.

A threshold divides essays by a signal: from it on the cheaper grade is kept, below it a dearer tier is asked. `curve`
says what every threshold would have cost and how good it would have been; `cheapest`, `best_for` and `for_share` choose
one; `held_out` tells what such a choice is worth on essays it was not made on. Beside each stands the control that a
rule has to beat: *as many essays passed on, drawn at random*. A rule that does not know which essays to pass on is
as good as the control, whatever its curve looks like, and the fit says so.

What is learned holds for the assignment and the models it was learned on. An essay's error is its mark's distance from
the reference as a share of full marks, 0 to 1; that of many is the root of their mean square, since squares are what
quadratic weighted kappa counts, and they add up, so that what the control is expected to make needs no drawing. Costs
are US dollars an essay.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

Array: TypeAlias = NDArray[np.float64]

FOLDS = 5
"""Parts that essays are divided into, each decided on by what the others taught."""
POINTS = 41
"""Thresholds on a curve at most, at even steps of the share that is kept."""
DRAWS = 1000
"""Draws of the control."""
BEATEN = 0.95
"""Share of the draws that a rule must be better than, to be said to beat the control."""


@dataclass(frozen=True)
class Choice:
    """The same decision on many essays: keep a grade, or pass the essay on. One element an essay.

    The more `signal`, the more reason to keep; costs are of the whole way, what was paid before included.
    """

    signal: Array
    keep_cost: Array
    keep_error: Array
    pass_cost: Array
    pass_error: Array

    def __len__(self) -> int:
        return len(self.signal)

    def of(self, chosen: NDArray[Any]) -> Choice:
        """The decision on some of the essays."""
        return Choice(**{name: values[chosen] for name, values in vars(self).items()})

    def point(self, threshold: float) -> Point:
        """What that threshold makes of these essays."""
        return self.made(self.signal >= threshold, threshold)

    def squares(self, kept: NDArray[np.bool_]) -> Array:
        """Each essay's squared error when these are kept."""
        squares: Array = np.where(kept, self.keep_error, self.pass_error) ** 2
        return squares

    def made(self, kept: NDArray[np.bool_], threshold: float = math.nan) -> Point:
        """What comes of keeping these."""
        share = float(kept.mean())
        by_chance = share * (self.keep_error**2).mean() + (1 - share) * (self.pass_error**2).mean()
        return Point(
            threshold=float(threshold),
            kept=share,
            cost=float(np.where(kept, self.keep_cost, self.pass_cost).mean()),
            error=math.sqrt(self.squares(kept).mean()),
            random=math.sqrt(by_chance),
        )


@dataclass(frozen=True)
class Point:
    """One threshold: the share kept, the mean cost, and the error."""

    threshold: float
    kept: float
    cost: float
    error: float
    random: float
    """The error to be expected when as many essays are kept, drawn at random."""
    noise: float = 0.0
    """Standard error of how far its mean square is above the least on its curve; nought where it stands alone."""

    def to_json(self) -> dict[str, float]:
        shown = {name: value for name, value in asdict(self).items() if name != "noise"}
        return {name: round(value, 8 if name == "cost" else 4) for name, value in shown.items()}


Choose: TypeAlias = Callable[[Sequence[Point]], Point]


@dataclass(frozen=True)
class HeldOut:
    """What a way to choose is worth on essays that it did not see, beside the control on the same essays."""

    kept: float
    cost: float
    error: float
    random: float
    beaten: float
    """Share of random draws of as many essays with a larger error; one half is what chance makes."""

    @property
    def beats_random(self) -> bool:
        return self.beaten >= BEATEN

    def to_json(self) -> dict[str, float | bool]:
        numbers = {name: round(value, 8 if name == "cost" else 4) for name, value in asdict(self).items()}
        return numbers | {"beats_random": self.beats_random}


def curve(choice: Choice, *, nothing_kept: float = math.inf) -> list[Point]:
    """From everything kept to nothing kept, by thresholds at which the kept share falls in even steps.

    `nothing_kept` is the threshold of the last point: the highest that can be set.
    """
    if not len(choice):
        return []
    steps = np.quantile(choice.signal, np.linspace(0, 1, POINTS), method="inverted_cdf")
    thresholds = np.unique([*steps, nothing_kept])
    points = [choice.point(threshold) for threshold in thresholds]
    squares = np.array([choice.squares(choice.signal >= threshold) for threshold in thresholds])
    more = squares - squares[squares.mean(axis=1).argmin()]
    noise = more.std(axis=1) / math.sqrt(len(choice))
    return [replace(point, noise=float(around)) for point, around in zip(points, noise, strict=True)]


def cheapest(tolerance: float) -> Choose:
    """The least cost at which the error is not more than so much above the least on the curve, as far as can be told.

    A difference within one standard error is none: the lowest point of a curve of few essays is low by luck as well
    (the one-standard-error rule of Breiman and others, “Classification and Regression Trees”, 1984).
    """

    def choose(points: Sequence[Point]) -> Point:
        bound = min(point.error for point in points) + tolerance
        good = [point for point in points if point.error**2 - point.noise <= bound**2]
        return min(good, key=lambda point: (point.cost, point.error))

    return choose


def best_for(cost: float) -> Choose:
    """The smallest error at no more than that cost; the cheapest point where all cost more."""

    def choose(points: Sequence[Point]) -> Point:
        paid = [point for point in points if point.cost <= cost]
        return min(paid, key=lambda point: (point.error, point.cost)) if paid else min(points, key=lambda p: p.cost)

    return choose


def for_share(signal: Array, share: float) -> float:
    """The highest threshold from which on at least that share of the essays is kept."""
    at_least = math.ceil(share * len(signal) - 1e-9)
    return float(np.sort(signal)[::-1][at_least - 1]) if at_least else math.inf


def held_out(choice: Choice, choose: Choose, *, nothing_kept: float = math.inf, seed: int = 0) -> HeldOut:
    """Choose on four fifths of the essays, decide on the last fifth, five times; then the same without looking."""
    random = np.random.default_rng(seed)
    fold = random.permutation(len(choice)) % FOLDS
    kept = np.zeros(len(choice), dtype=bool)
    for number in range(FOLDS):
        chosen = choose(curve(choice.of(fold != number), nothing_kept=nothing_kept))
        kept[fold == number] = choice.signal[fold == number] >= chosen.threshold
    found = choice.made(kept)
    return HeldOut(found.kept, found.cost, found.error, found.random, beaten(choice, kept, random))


def beaten(choice: Choice, kept: NDArray[np.bool_], random: np.random.Generator) -> float:
    """Share of random draws of as many essays whose error is larger than with these kept; a tie counts half."""
    gain = choice.pass_error**2 - choice.keep_error**2
    drawn = np.array([gain[random.permutation(kept)].sum() for _ in range(DRAWS)])
    ours = gain[kept].sum()
    return float(np.mean(drawn < ours - 1e-12) + np.mean(np.abs(drawn - ours) <= 1e-12) / 2)
