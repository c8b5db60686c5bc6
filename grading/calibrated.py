"""A grade by a calibration: its points, its interval, and whether it is near enough to what the teacher would give.

The calibration foretells the total. It becomes the nearest mark on the teacher's scale, and the criteria share the
difference so that they still add up: where points are taken away, each keeps the same part of what the rubric gave it,
and where points are added, each is given the same part of what it lacked. So none leaves its bounds, none rises while
another falls, and nothing changes where the rubric's total was right. Levels are what the model said, and stay.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_FLOOR, Decimal
from functools import cached_property
from typing import Any

import numpy as np

from grading.calibration.interval import Conformal
from grading.calibration.oddity import Oddity
from grading.calibration.sample import Scale
from grading.calibration.tolerance import outside
from grading.rubric import number
from models import Calibration

COVERAGE = 0.9
"""Of the intervals so many hold the teacher's mark; of the grades that stand by a tolerance so many are within it."""
_CENT = Decimal("0.01")


@dataclass(frozen=True)
class Calibrated:
    """What a calibration makes of a model's grade."""

    total: Decimal
    criteria: list[dict[str, Any]]
    interval: tuple[float, float]
    """Between these points the teacher's mark lies in `COVERAGE` of such cases."""
    within: float | None
    """The probability that the teacher's mark is within the tolerance; None where none is set."""
    rubric_total: Decimal
    calibration_id: uuid.UUID
    oddity: Oddity | None = None
    """Why the essay is like none that the calibration was learned from, so that a teacher must see it."""

    def columns(self) -> dict[str, Any]:
        """As columns of `Grading`."""
        columns = {name: getattr(self, name) for name in ("total", "criteria", "rubric_total", "calibration_id")}
        confidence = {} if self.within is None else {"confidence": round(self.within, 3)}
        return columns | confidence | {"interval": [number(Decimal(str(bound))) for bound in self.interval]}


@dataclass(frozen=True)
class Tally:
    """What a tolerance would mean for the essays that no teacher has marked."""

    tolerance: float
    essays: int
    outside: int
    """So many would not stand: a better model is asked, and at last a teacher."""
    random_share: float | None
    """The share of all essays, chosen at random, that teachers would have to mark for as many marks within the
    tolerance; None where the probabilities do not differ."""


@dataclass(frozen=True)
class Yardstick:
    """How far the marks of an assignment's teacher lie from the points that a calibration foretells."""

    calibration_id: uuid.UUID
    scale: Scale
    conformal: Conformal
    seen: tuple[float, ...]
    """Points of the marked essays, by models that had not seen their marks."""
    predictions: Mapping[str, float]
    """Points of the others that there were, by the essay's id."""

    @classmethod
    def of(cls, row: Calibration) -> Yardstick:
        """Of a version as it is stored."""
        scale = Scale(**row.scale)
        seen = np.array([item["predicted"] for item in row.evidence], dtype=float)
        conformal = Conformal.fit(seen, np.array([item["mark"] for item in row.evidence], dtype=float), scale)
        return cls(row.id, scale, conformal, tuple(seen.tolist()), row.predictions)

    def grade(
        self, points: float, criteria: Sequence[Mapping[str, Any]], rubric_total: Decimal, tolerance: float | None
    ) -> Calibrated:
        """The grade of an essay that those points were foretold for, from what the rubric made of it."""
        total = self.mark(points)
        return Calibrated(
            total=total,
            criteria=shared_out(criteria, total),
            interval=self.conformal.interval(points, COVERAGE),
            within=None if tolerance is None else self.conformal.within(points, tolerance),
            rubric_total=rubric_total,
            calibration_id=self.calibration_id,
        )

    def mark(self, points: float) -> Decimal:
        """The nearest mark on the teacher's scale."""
        return Decimal(str(round(float(self.scale.round(points)), 2))).quantize(_CENT)

    def bar(self, tolerance: float) -> float:
        """The probability of being within the tolerance from which on a grade stands, so that `COVERAGE` of those that
        stand are within it; infinite where none can."""
        return outside(np.array(self._all), self.conformal, tolerance, COVERAGE).threshold

    def tally(self, tolerance: float) -> Tally:
        """What it would mean for the essays that no teacher has marked."""
        within = self.conformal.all_within(np.array(list(self.predictions.values()), dtype=float), tolerance)
        stands = within >= self.bar(tolerance)
        right = float(np.where(stands, within, 1.0).mean()) if len(within) else 1.0
        by_chance = float(within.mean()) if len(within) else 1.0
        return Tally(
            tolerance=tolerance,
            essays=len(within),
            outside=int((~stands).sum()),
            random_share=None if by_chance > 1 - 1e-9 else (right - by_chance) / (1 - by_chance),
        )

    @cached_property
    def _all(self) -> list[float]:
        return [*self.seen, *self.predictions.values()]


def shared_out(criteria: Sequence[Mapping[str, Any]], total: Decimal) -> list[dict[str, Any]]:
    """The criteria with points that add up to that total, which lies between nought and full marks."""
    points = [Decimal(str(criterion["points"])) for criterion in criteria]
    maxima = [Decimal(str(criterion["max"])) for criterion in criteria]
    given, full = sum(points, Decimal(0)), sum(maxima, Decimal(0))
    if total <= given:
        exact = [each * total / given if given else each for each in points]
    else:
        exact = [top - (top - each) * (full - total) / (full - given) for each, top in zip(points, maxima, strict=True)]
    rounded = [each.quantize(_CENT, ROUND_FLOOR) for each in exact]
    # What rounding down left over goes, a cent each, to those that lost most by it.
    left = int((total - sum(rounded, Decimal(0))) / _CENT)
    for place in sorted(range(len(exact)), key=lambda place: rounded[place] - exact[place])[:left]:
        rounded[place] += _CENT
    return [{**criterion, "points": number(each)} for criterion, each in zip(criteria, rounded, strict=True)]
