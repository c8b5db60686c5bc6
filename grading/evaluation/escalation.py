"""Which essays a teacher should see, measured: every rule beside essays drawn at random.

The essays that a rule names first get the teacher's mark, the others keep theirs; the curve is the quality of all
together against the share that was passed on. Random essays improve it as well, since a teacher's mark is right
by definition: only what lies above that control is the rule's merit. `gain` is the area between both, and `of_best` the
same as a share of what a rule would gain that knew the errors.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from grading.agreement import qwk
from grading.calibration.sample import Array, Scale
from grading.evaluation.metrics import rounded

SHARES = np.linspace(0, 1, 21)
ORDERS = 100
"""Random orders that make the control."""
SURE = 0.95
"""Share of the control's orders that a rule must beat, to be said to be better than random."""


@dataclass(frozen=True)
class Curve:
    """QWK of all essays at each of `SHARES`; `gain` is the mean of it above random essays at the same share."""

    quality: Array
    gain: float
    of_best: float | None
    """None where no rule could gain anything."""
    beaten: float
    """Share of random orders with a smaller area; a tie counts half."""

    def to_json(self) -> dict[str, Any]:
        return {
            "gain": rounded(self.gain),
            "of_best": rounded(self.of_best),
            "beaten": rounded(self.beaten),
            "quality": [rounded(value) for value in self.quality],
        }


@dataclass(frozen=True)
class Escalation:
    """What each rule is worth on the same essays."""

    random: Array
    best: Array
    curves: dict[str, Curve]


def escalation(scale: Scale, truth: Array, points: Array, doubts: Mapping[str, Array], *, seed: int = 0) -> Escalation:
    """`doubts` has for each rule a figure an essay: the higher, the sooner it goes to a teacher."""
    random = np.random.default_rng(seed)
    given, right = scale.steps(scale.round(points)), scale.steps(scale.round(truth))
    control = np.array([_quality(right, given, random.permutation(len(given))) for _ in range(ORDERS)])
    level, areas = control.mean(axis=0), control.mean(axis=1)
    best = _quality(right, given, _first(np.abs(right - given), random))
    reach = float((best - level).mean())
    curves = {}
    for name, doubt in doubts.items():
        quality = _quality(right, given, _first(doubt, random))
        gain = float((quality - level).mean())
        beaten = np.mean(areas < quality.mean() - 1e-12) + np.mean(np.abs(areas - quality.mean()) <= 1e-12) / 2
        curves[name] = Curve(quality, gain, gain / reach if reach > 1e-9 else None, float(beaten))
    return Escalation(level, best, curves)


def _first(doubt: Array, random: np.random.Generator) -> NDArray[np.intp]:
    """The most doubtful first, equals in random order."""
    shuffled = random.permutation(len(doubt))
    return shuffled[np.argsort(-doubt[shuffled], kind="stable")]


def _quality(right: Array, given: Array, order: NDArray[np.intp]) -> Array:
    """At each share of `SHARES`, from the first of the order on. One and the same mark for all is full agreement."""
    found = []
    for share in SHARES:
        mixed = given.copy()
        passed = order[: round(share * len(order))]
        mixed[passed] = right[passed]
        value = qwk(right, mixed)
        found.append(1.0 if value is None and np.array_equal(right, mixed) else value or 0.0)
    return np.array(found)
