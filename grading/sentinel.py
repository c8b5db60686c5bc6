"""Does the model still mark as it did? Which essays are asked of it daily, and when their marks have moved.

An anchor's mark on a day is the mean of its expected levels, weighted by what the criteria are worth; levels and not
points, so that what a calibration learns is not taken for drift. Against its baseline (the mean of its first `LONGEST`
days, today's not among them) each of n anchors has moved by dᵢ today. They have drifted when

    |median dᵢ| ≥ `LEVEL`  and  p < `P`,   t = mean(d) / ( s · √( Σ (1 + 1/rᵢ) ) / n )

with rᵢ the baseline days of anchor i, s² the variance within anchors pooled over the baselines, and the two-sided p of
Student's t at Σ(rᵢ - 1) degrees of freedom: the contrast of today's marks with the earlier ones in a one-way layout
whose groups are the anchors (Montgomery, *Design and Analysis of Experiments*, on contrasts). The first condition says
that it matters, the second that it is not the model's own unsteadiness. A model at temperature 0 hardly has any, so
s is at least `UNSTEADY`: levels are stored with two decimals, and what else is in a batch changes the last digits.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import pairwise
from math import sqrt
from statistics import fmean, median
from typing import Any

ANCHORS = 6
"""Of one assignment."""
FROM = 12
"""Graded essays that an assignment must have for anchors."""
LEAST, LONGEST = 3, 14
"""Days of a baseline."""
LEAST_ANCHORS = 3
"""Anchors that must have been marked today for a word on all."""
LEVEL = 0.25
"""Levels of six by which marks may move."""
P = 0.001
UNSTEADY = 0.02
"""Levels."""


@dataclass(frozen=True)
class Candidate:
    """An essay that may become an anchor: its mark as a share of full marks, and whether that is a teacher's. It is not
    `free` where it is one already, or a person wants it for none."""

    key: Any
    share: float
    by_teacher: bool = False
    free: bool = True


@dataclass(frozen=True)
class Shift:
    """Today against the baseline. `levels` is the median of what `anchors` have risen; below nought, fallen."""

    levels: float
    p_value: float
    anchors: int

    @property
    def drifted(self) -> bool:
        return abs(self.levels) >= LEVEL and self.p_value < P


def choose(candidates: Sequence[Candidate], count: int = ANCHORS) -> list[Candidate]:
    """So many of those that are free, spread over the range: one of each slice of them in the order of their marks, one
    that a teacher has marked where there is any, else the middle one. None where all are fewer than `FROM`."""
    ordered = sorted((each for each in candidates if each.free), key=lambda each: each.share)
    count = min(count, len(ordered))
    if len(candidates) < FROM or not count:
        return []
    edges = [round(number * len(ordered) / count) for number in range(count + 1)]
    slices = [ordered[begin:end] for begin, end in pairwise(edges)]
    return [_middle([each for each in part if each.by_teacher] or part) for part in slices]


def _middle(part: Sequence[Candidate]) -> Candidate:
    return part[len(part) // 2]


def mark(criteria: Sequence[Mapping[str, Any]]) -> float:
    """The mean level of a grade, from 1 to 6."""
    worth = sum(criterion["max"] for criterion in criteria)
    return float(sum(criterion["level"] * criterion["max"] for criterion in criteria) / worth)


def shift(
    runs: Mapping[Any, Mapping[date, float]], today: date, left_out: Collection[date] = frozenset()
) -> Shift | None:
    """How far the anchors' marks have moved today; None while too little is known.

    `runs` holds the marks of each anchor by day; days `left_out` (those of an earlier drift) are in no baseline.
    """
    baselines, risen = [], []
    for marks in runs.values():
        days = sorted(day for day in marks if day < today and day not in left_out)[:LONGEST]
        if today in marks and len(days) >= LEAST:
            baseline = [marks[day] for day in days]
            baselines.append(baseline)
            risen.append(marks[today] - fmean(baseline))
    if len(risen) < LEAST_ANCHORS:
        return None
    return Shift(median(risen), _p_value(risen, baselines), len(risen))


def _p_value(risen: Sequence[float], baselines: Sequence[Sequence[float]]) -> float:
    from scipy import stats  # takes long to import, and is wanted once a day

    freedom = sum(len(baseline) - 1 for baseline in baselines)
    squares = sum((one - fmean(baseline)) ** 2 for baseline in baselines for one in baseline)
    unsteady = max(sqrt(squares / freedom), UNSTEADY)
    error = unsteady * sqrt(sum(1 + 1 / len(baseline) for baseline in baselines)) / len(risen)
    return float(2 * stats.t.sf(abs(fmean(risen)) / error, freedom))
