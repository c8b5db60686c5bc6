"""What calibration is given: essays with what graders said of them, and the marks of a teacher."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from grading.text import Language

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Scale:
    """The marks that teachers give, in points: from `low` to `high` by `step`."""

    low: float
    high: float
    step: float = 1.0

    def clip(self, points: Array) -> Array:
        return np.clip(points, self.low, self.high)

    def round(self, points: Array | float) -> Array:
        """The nearest marks of the scale, a half upwards."""
        steps = np.floor(self.steps(points) + 0.5 + 1e-9)
        return self.clip(self.low + self.step * steps)

    def steps(self, points: Array | float) -> Array:
        """How many steps above the lowest mark, for measures that count in whole numbers."""
        return (np.asarray(points, dtype=float) - self.low) / self.step


@dataclass(frozen=True)
class Sample:
    """One essay."""

    id: str
    text: str
    opinions: Mapping[str, tuple[float, ...]] = field(default_factory=dict)
    """By grader: its expected levels in the rubric's order, or its one total. Who has not spoken is missing."""


@dataclass(frozen=True)
class Labelled:
    """An assignment of which essays have been marked by a person."""

    name: str
    language: Language
    prompt: str
    scale: Scale
    samples: Sequence[Sample]
    marks: Sequence[float]
    """Points, one for each sample."""
    unmarked: Sequence[Sample] = ()
    """The other essays of the class: they show what is usual in it."""

    def __post_init__(self) -> None:
        if len(self.samples) != len(self.marks):
            raise ValueError(f"{self.name}: {len(self.samples)} essays and {len(self.marks)} marks")
        if not np.isfinite(np.asarray(self.marks, dtype=float)).all():
            raise ValueError(f"{self.name}: a mark is no number")

    def digest(self) -> bytes:
        """SHA-256 of all that can be learned from it."""
        what = hashlib.sha256(f"{self.language} {self.scale} {self.prompt}".encode())
        for sample, mark in [*zip(self.samples, self.marks, strict=True), *((one, None) for one in self.unmarked)]:
            opinions = sorted((name, tuple(levels)) for name, levels in sample.opinions.items())
            what.update(f"\n{sample.id} {mark} {opinions}\n{sample.text}".encode())
        return what.digest()
