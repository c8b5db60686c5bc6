"""How well marks agree with a person's: quadratic weighted kappa, exact and adjacent agreement, mean error.

    κ = 1 − Σᵢⱼ wᵢⱼ Oᵢⱼ / Σᵢⱼ wᵢⱼ Eᵢⱼ        wᵢⱼ = (i − j)² / (N − 1)²

O counts how often one rater gave i where the other gave j, E is what two raters with these same habits would make of
it by chance. One is full agreement, nought is chance, less is worse than chance. Jacob Cohen, “Weighted kappa: Nominal
scale agreement provision for scaled disagreement or partial credit”, Psychological Bulletin 70, 1968; with these
weights it is the measure of the Automated Student Assessment Prize (ASAP), and (N − 1)² cancels out. Marks are steps of
the scale, whole numbers; what is no whole number is rounded, a half upwards, and nothing is clipped.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Marks: TypeAlias = Sequence[float] | NDArray[np.floating] | NDArray[np.integer]


@dataclass(frozen=True)
class Agreement:
    """How two raters of the same essays agree."""

    essays: int
    qwk: float | None
    """None where it is not defined: both gave one and the same mark to every essay."""
    exact: float
    """Share of essays with the same mark."""
    adjacent: float
    """Share with the same mark or a neighbouring one."""
    mean_error: float
    """Mean distance of the marks, in steps of the scale and without rounding."""
    bias: float
    """Mean of the marks minus mean of the reference: above nought for a generous rater."""

    def to_json(self) -> dict[str, float | int | None]:
        return {name: value if value is None else round(value, 4) for name, value in asdict(self).items()}


def agreement(reference: Marks, marks: Marks) -> Agreement:
    """All of it for marks beside those they are measured against. Raises ValueError where there are none, one is no
    number, or their numbers differ."""
    left, right = _pair(reference, marks)
    apart = np.abs(steps(left) - steps(right))
    return Agreement(
        essays=len(left),
        qwk=qwk(left, right),
        exact=float(np.mean(apart == 0)),
        adjacent=float(np.mean(apart <= 1)),
        mean_error=float(np.mean(np.abs(left - right))),
        bias=float(np.mean(right) - np.mean(left)),
    )


def qwk(reference: Marks, marks: Marks) -> float | None:
    """Quadratic weighted kappa, from −1 to 1; None where both gave one and the same mark to every essay.

    With quadratic weights the tables need not be made: Σ w·O is the mean squared difference, and Σ w·E the mean over
    all pairs, which is both variances and the squared distance of the means. Raises ValueError as `agreement` does.
    """
    left, right = map(steps, _pair(reference, marks))
    by_chance = left.var() + right.var() + (left.mean() - right.mean()) ** 2
    if by_chance == 0:
        return None
    return float(1 - np.mean((left - right) ** 2) / by_chance)


def steps(marks: Marks) -> NDArray[np.float64]:
    """Marks as whole steps of the scale, a half upwards as teachers round, not to the even number as Python does."""
    return np.floor(np.asarray(marks, dtype=float) + 0.5)


def _pair(reference: Marks, marks: Marks) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    left, right = np.asarray(reference, dtype=float), np.asarray(marks, dtype=float)
    if left.shape != right.shape or left.ndim != 1:
        raise ValueError(f"there are {left.size} marks to be measured against, and {right.size} marks")
    if not left.size:
        raise ValueError("there are no marks to compare")
    if not (np.isfinite(left).all() and np.isfinite(right).all()):
        raise ValueError("a mark is no number")
    return left, right
