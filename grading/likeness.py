"""Which essays a teacher's correction of one of them touches: those a model probably misjudged in the same way.

An error of a model is rarely alone. Of the essays of the assignment that the same model graded,

1. those are alike that it gave like levels and that read alike: the distance is

       √( mean over criteria of (difference in levels)²  +  mean over parts of (difference in standard deviations)² )

   where the parts are the four of `grading.complexity` (length, vocabulary, sentences, errors) over the assignment;
2. and only those count that are in doubt in the same direction. A line through all essays (least squares) foretells a
   model's total from the parts; where the teacher went below the model, essays stay whose total is above that line, and
   where the teacher went above, those below it. With fewer than `LINE_FROM` essays there is no such line.

`benchmarks/second_looks.py` measures how often essays found so are wrong in that direction, beside chance.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

MOST = 15
"""Essays that one correction touches: no more than a teacher looks at in one go."""
RADIUS = 1.25
"""Distance up to which essays are alike: about a level in each criterion and half a standard deviation in each part."""
LINE_FROM = 12
"""Essays from which a line through four parts says something."""


@dataclass(frozen=True)
class Judged:
    """An essay as a model judged it: its total as a share of full marks, the expected levels of the criteria, and the
    four parts of its complexity, which an essay that was never measured does not have."""

    essay_id: uuid.UUID
    total: float
    levels: tuple[float, ...]
    parts: tuple[float, ...] = ()


def alike(corrected: Judged, by: float, others: Sequence[Judged]) -> list[tuple[uuid.UUID, float]]:
    """The others that the correction of one essay by so much (any unit, above or below nought) touches, and their
    distances, the nearest first. Those are left out of which not the same is known as of the corrected one."""
    known = [each for each in others if _shape(each) == _shape(corrected)]
    if not known or not by:
        return []
    everyone = [corrected, *known]
    levels, parts = np.array([each.levels for each in everyone]), np.array([each.parts for each in everyone])
    spread = parts.std(axis=0)
    parts = (parts - parts.mean(axis=0)) / np.where(spread > 0, spread, 1.0)
    distances = np.sqrt(_squared(levels) + _squared(parts))
    near = distances <= RADIUS
    if len(everyone) >= LINE_FROM and parts.shape[1]:
        near &= _above_line(np.array([each.total for each in everyone]), parts) * by < 0
    found = [place for place in np.argsort(distances, kind="stable") if place and near[place]]
    return [(everyone[place].essay_id, float(distances[place])) for place in found[:MOST]]


def _shape(judged: Judged) -> tuple[int, int]:
    return len(judged.levels), len(judged.parts)


def _squared(figures: np.ndarray) -> np.ndarray:
    """Mean squared difference of each row from the first; nought where there are no columns."""
    if not figures.shape[1]:
        return np.zeros(len(figures))
    squared: np.ndarray = ((figures - figures[0]) ** 2).mean(axis=1)
    return squared


def _above_line(totals: np.ndarray, parts: np.ndarray) -> np.ndarray:
    """By how much each total is above what its parts foretell."""
    known = np.column_stack([np.ones(len(parts)), parts])
    line, *_ = np.linalg.lstsq(known, totals, rcond=None)
    above: np.ndarray = totals - known @ line
    return above
