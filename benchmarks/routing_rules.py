"""The rules that `benchmarks.routing` compares, and the essays as they see them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from benchmarks.stored_answers import Set
from grading.agreement import steps
from grading.threshold_fit import Choice, cheapest, curve

Array: TypeAlias = NDArray[np.float64]

TOLERANCE = 0.005
"""Share of full marks that a fit gives away for a lower cost; the default of `pizhu route --fit`."""
RIDGE = 10.0


@dataclass(frozen=True)
class Part:
    """Essays of one set, with both models' marks calibrated on the marked part.

    A reply of the small model that has no score goes on to the large one whatever the rule, as it does in service.
    """

    scale: float
    marks: Array
    kept: Array
    passed: Array
    averaged: Array
    kept_cost: Array
    small_cost: Array
    second_cost: Array
    large_cost: Array
    complexity: Array
    features: Array
    said: Array
    """What the small model's answer tells: a row for each essay."""
    boundary: Array
    """How near the calibrated mark lies to a whole step: 1 on it, 0 half-way between two."""
    variants: Array
    """How near two prompt variants come to one another; as `boundary` where there is one variant."""
    hedged: NDArray[np.bool_]

    def choice(self, signal: Array, rule: Rule) -> Choice:
        extra = self.second_cost if rule.second else 0.0
        pass_cost = self.large_cost if rule.straight else self.small_cost + extra + self.large_cost
        kept, passed = (np.abs(steps(marks) - self.marks) / self.scale for marks in (self.kept, self.passed))
        return Choice(signal, self.kept_cost + extra, kept, pass_cost, passed)


@dataclass(frozen=True)
class Rule:
    """How to decide which essays go on to the large model: those whose `signal` is below a threshold.

    `straight` rules need no answer of the small model, which then is not paid for; `second` ones need two. Without a
    `threshold` of its own one is learned on the marked essays of each set.
    """

    name: str
    signal: Callable[[Part, Part], tuple[Array, Array]]
    straight: bool = False
    second: bool = False
    threshold: float | None = None


def split(sets: Sequence[Set], marks: int, seed: int) -> tuple[list[Part], list[Part]]:
    """Marked essays of each set and the others."""
    random = np.random.default_rng(seed)
    train, test = [], []
    for one in sets:
        order = random.permutation(len(one.marks))
        train.append(part(one, order[:marks], order[:marks]))
        test.append(part(one, order[marks:], order[:marks]))
    return train, test


def part(one: Set, chosen: NDArray[np.intp], train: NDArray[np.intp]) -> Part:
    def calibrated(scores: Array) -> Array:
        """To the teacher's mean and spread, by the marked essays that have a score."""
        known = scores[train][~np.isnan(scores[train])]
        spread = known.std() or 1.0
        matched = one.marks[train].mean() + (scores - known.mean()) * one.marks[train].std() / spread
        return np.clip(matched, one.low, one.high)

    small, large = calibrated(one.small.scores[0]), calibrated(one.large.scores[0])
    missing = np.isnan(small)
    second = one.small.scores[1] if len(one.small.scores) > 1 else None
    boundary = np.where(missing, -1.0, 1 - 2 * np.abs(np.nan_to_num(small) - steps(np.nan_to_num(small))))
    near = boundary if second is None else np.nan_to_num(-np.abs(small - calibrated(second)), nan=-99.0)
    kept = np.where(missing, large, small)
    said = np.column_stack([kept, kept**2, missing, np.nan_to_num(one.small.spread), boundary])
    small_cost, large_cost = one.small.costs[0], one.large.costs[0]
    return Part(
        scale=one.high - one.low,
        marks=one.marks[chosen],
        kept=kept[chosen],
        passed=large[chosen],
        averaged=calibrated(np.where(missing, large, (small + large) / 2))[chosen],
        kept_cost=(small_cost + missing * large_cost)[chosen],
        small_cost=small_cost[chosen],
        second_cost=(np.zeros_like(small_cost) if second is None else one.small.costs[1])[chosen],
        large_cost=large_cost[chosen],
        complexity=one.complexity[chosen],
        features=np.column_stack([one.features, np.log(one.features[:, 0])])[chosen],
        said=said[chosen],
        boundary=boundary[chosen],
        variants=near[chosen],
        hedged=one.small.hedged[chosen],
    )


def decide(rule: Rule, train: Part, test: Part) -> NDArray[np.bool_]:
    """Which of the tested essays are passed on."""
    seen, unseen = rule.signal(train, test)
    threshold = rule.threshold
    if threshold is None:
        threshold = cheapest(TOLERANCE)(curve(train.choice(seen, rule))).threshold
    return unseen < threshold


def learned(columns: Callable[[Part], Array]) -> Callable[[Part, Part], tuple[Array, Array]]:
    """A ridge regression of what passing an essay on gains; the signal is its negative. On the marked essays, where the
    threshold is chosen, each is predicted by a regression that has not seen it."""

    def signal(train: Part, test: Part) -> tuple[Array, Array]:
        kept, passed = (((steps(marks) - train.marks) / train.scale) ** 2 for marks in (train.kept, train.passed))
        gain = kept - passed
        given, asked = columns(train), columns(test)
        fold = np.arange(len(gain)) % 5
        inner = np.empty(len(gain))
        for number in range(5):
            inner[fold == number] = ridge(given[fold != number], gain[fold != number], given[fold == number])
        return -inner, -ridge(given, gain, asked)

    return signal


def ridge(given: Array, target: Array, asked: Array) -> Array:
    centre, spread = given.mean(axis=0), given.std(axis=0)
    spread[spread == 0] = 1
    x = (given - centre) / spread
    weights = np.linalg.solve(x.T @ x + RIDGE * np.eye(x.shape[1]), x.T @ (target - target.mean()))
    return target.mean() + (asked - centre) / spread @ weights


RULES = (
    Rule("guide_formula", lambda *parts: tuple(-p.complexity for p in parts), straight=True, threshold=-0.69999),
    Rule("guide_keywords", lambda *parts: tuple(1.0 - p.hedged for p in parts), threshold=1.0),
    Rule("cascade_boundary", lambda *parts: tuple(p.boundary for p in parts)),
    Rule("cascade_two_prompts", lambda *parts: tuple(p.variants for p in parts), second=True),
    Rule("learned_assignment", lambda *parts: tuple(0.0 * p.marks for p in parts), straight=True),
    Rule("learned_router", learned(lambda p: p.features), straight=True),
    Rule("learned_cascade", learned(lambda p: np.column_stack([p.features, p.said]))),
)
