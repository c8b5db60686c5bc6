"""Whether some pupils are marked otherwise than others: agreement and bias by class or by any group.

A difference of the bias is not yet unfairness: the interval says what chance alone makes of so few essays. A group that
is too small to judge has its size and no figures.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from grading.agreement import Agreement
from grading.calibration.sample import Array, Scale
from grading.evaluation.metrics import measured, rounded

SMALLEST = 20
"""Essays of a group from which on it can be judged."""
Z = 1.96
"""Standard errors on either side of a bias within which it lies in 95 %."""


@dataclass(frozen=True)
class Group:
    """The essays of a group; `agreement` is None where they are fewer than `SMALLEST`."""

    name: str
    essays: int
    agreement: Agreement | None
    apart: float | None = None
    """The bias of this group minus that of all others, in points: above nought where it is marked more generously."""
    around: float | None = None
    """Half the width of the 95 % interval of `apart`; None as well where the others are too few."""

    @property
    def stands_out(self) -> bool:
        """Whether `apart` is more than chance would make of it; of twenty groups without any difference one does."""
        return self.apart is not None and self.around is not None and abs(self.apart) > self.around

    def to_json(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "essays": self.essays,
            **(self.agreement.to_json() if self.agreement else {}),
            "apart": rounded(self.apart),
            "around": rounded(self.around),
            "stands_out": self.stands_out,
        }


def by_group(
    groups: Sequence[str], scale: Scale, truth: Array, points: Array, *, weights: Array | None = None
) -> list[Group]:
    """Agreement of points with people's marks in each group, the largest first; one element an essay.

    An essay that stands there several times, once for each draw, has that much less of a `weight` (an essay's weights
    sum to one), so that sizes and intervals are those of essays. An essay without a group has the name "".
    """
    names, weight = np.asarray(groups), np.ones(len(groups)) if weights is None else weights
    away = np.clip(points, scale.low, scale.high) - truth
    found = []
    for name in np.unique(names):
        inside = names == name
        essays = round(float(weight[inside].sum()))
        if essays < SMALLEST:
            found.append(Group(str(name), essays, None))
            continue
        others = float(weight[~inside].sum())
        apart = around = None
        if others >= SMALLEST:
            apart = float(_mean(away, weight, inside) - _mean(away, weight, ~inside))
            around = Z * math.sqrt(_variance(away, weight, inside) / essays + _variance(away, weight, ~inside) / others)
        found.append(Group(str(name), essays, measured(scale, truth[inside], points[inside]), apart, around))
    return sorted(found, key=lambda group: (-group.essays, group.name))


def _mean(values: Array, weight: Array, inside: Any) -> float:
    return float(np.average(values[inside], weights=weight[inside]))


def _variance(values: Array, weight: Array, inside: Any) -> float:
    return float(np.average((values[inside] - _mean(values, weight, inside)) ** 2, weights=weight[inside]))
