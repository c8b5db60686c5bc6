"""Figures of marks and of the confidence in them, beside the marks of people."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import roc_auc_score

from grading.agreement import Agreement, agreement
from grading.calibration.sample import Array, Scale

BINS = 10
"""Bins of a reliability curve, each with as many essays as the others; where no more values than that were said, each
has the essays of one value."""
BANDS = 4
"""Parts that essays are divided into by length and by mark."""


def measured(scale: Scale, truth: Array, points: Array) -> Agreement:
    """Agreement of points, as the nearest marks, with people's; mean error and bias are in points.

    The mean error and the bias are those of the points before they became marks.
    """
    found = agreement(scale.steps(scale.round(truth)), scale.steps(scale.round(points)))
    away = np.clip(points, scale.low, scale.high) - truth
    return Agreement(**{**vars(found), "mean_error": float(np.abs(away).mean()), "bias": float(away.mean())})


@dataclass(frozen=True)
class Bin:
    """Essays of like confidence: what was said, what came true."""

    said: float
    true: float
    essays: int


@dataclass(frozen=True)
class Reliability:
    """Whether “so likely within the tolerance” comes true so often, and whether it tells the good marks from the bad.

    `ece` is the expected calibration error, Σ nᵢ/n · |saidᵢ − trueᵢ| over the bins (Naeini and others, AAAI 2015).
    `auroc` is the probability that of two essays, one off by more than the tolerance and one not, the first is the less
    sure: 0.5 for a signal that knows nothing, None where all marks are within the tolerance or none is.
    """

    bins: tuple[Bin, ...]
    ece: float
    auroc: float | None
    off: float
    """Share of the marks that are off by more than the tolerance."""

    def to_json(self) -> dict[str, Any]:
        return {
            "auroc": rounded(self.auroc),
            "ece": rounded(self.ece),
            "off": rounded(self.off),
            "curve": [{"said": rounded(b.said), "true": rounded(b.true), "essays": b.essays} for b in self.bins],
        }


def reliability(confidence: Array, off: NDArray[np.bool_]) -> Reliability:
    """Of a confidence in each mark, 0 to 1, and whether that was off by more than the tolerance; of one at least."""
    values = np.unique(confidence)
    if len(values) <= BINS:
        parts = [np.flatnonzero(confidence == value) for value in values]
    else:
        parts = np.array_split(np.argsort(confidence, kind="stable"), BINS)
    bins = tuple(Bin(float(confidence[part].mean()), float(1 - off[part].mean()), len(part)) for part in parts)
    return Reliability(
        bins=bins,
        ece=sum(each.essays * abs(each.said - each.true) for each in bins) / len(confidence),
        auroc=auroc(-confidence, off),
        off=float(off.mean()),
    )


def auroc(signal: Array, event: NDArray[np.bool_]) -> float | None:
    """Area under the ROC curve: how well a high signal foretells the event; None where it always or never happens."""
    if event.all() or not event.any():
        return None
    return float(roc_auc_score(event, signal))


@dataclass(frozen=True)
class Part:
    """Some of the essays, and how their marks agree with people's; None where they are too few to say."""

    name: str
    essays: int
    agreement: Agreement | None

    def to_json(self) -> dict[str, Any]:
        return {"name": self.name, "essays": self.essays, **(self.agreement.to_json() if self.agreement else {})}


def by_length(scale: Scale, truth: Array, points: Array, lengths: Sequence[int]) -> list[Part]:
    """Agreement in each quarter of the essays, the shortest first; lengths are in characters."""
    size = np.asarray(lengths)
    edges = np.quantile(size, np.linspace(0, 1, BANDS + 1))
    quarter = np.clip(np.searchsorted(edges[1:-1], size, side="left"), 0, BANDS - 1)
    return [
        Part(
            f"{size[inside].min():,}–{size[inside].max():,} characters",
            int(inside.sum()),
            measured_in(scale, truth, points, inside),
        )
        for number in range(BANDS)
        if (inside := quarter == number).any()
    ]


def by_band(scale: Scale, truth: Array, points: Array) -> list[Part]:
    """Agreement in each quarter of the scale of people's marks, the lowest first.

    In a band the bias is above nought at the bottom and below it at the top for every grader that is not perfect; how
    steeply it falls says how far marks are drawn to the middle.
    """
    width = (scale.high - scale.low) / BANDS
    if scale.high - scale.low <= BANDS * scale.step:
        names = np.unique(scale.round(truth))
        return [
            Part(f"{mark:g}", int(inside.sum()), measured_in(scale, truth, points, inside))
            for mark in names
            if (inside := scale.round(truth) == mark).any()
        ]
    quarter = np.clip(np.floor((truth - scale.low) / width), 0, BANDS - 1)
    return [
        Part(
            f"{scale.low + number * width:g}–{scale.low + (number + 1) * width:g}",
            int(inside.sum()),
            measured_in(scale, truth, points, inside),
        )
        for number in range(BANDS)
        if (inside := quarter == number).any()
    ]


def measured_in(scale: Scale, truth: Array, points: Array, inside: NDArray[np.bool_]) -> Agreement:
    """`measured` of some of the essays."""
    return measured(scale, truth[inside], points[inside])


def rounded(value: float | None) -> float | None:
    """For JSON."""
    return None if value is None else round(float(value), 4)
