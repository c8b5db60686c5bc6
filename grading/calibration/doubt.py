"""What may tell a doubtful mark from a sure one, before anybody looks: a row of signals for each essay.

Where they foretell how far marks are off, `Spread` makes the interval of such an essay wider and its probability lower;
where they do not, it does without them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from grading.calibration.sample import Array, Sample, Scale

NAMES = ("middle", "length", "disagreement", "uncertainty")


@dataclass(frozen=True)
class Doubt:
    """Learned from the essays a calibrator was trained on: how long they are, and how each grader's totals lie."""

    scale: Scale
    log_length: tuple[float, float]
    """Mean and standard deviation."""
    points: tuple[float, float]
    """The same of the predictions, in points."""
    graders: Mapping[str, tuple[float, float]]
    """The same of each grader's mean level."""

    @classmethod
    def learn(cls, samples: Sequence[Sample], predictions: Array, scale: Scale) -> Doubt:
        said: dict[str, list[float]] = {}
        for sample in samples:
            for name, levels in sample.opinions.items():
                said.setdefault(name, []).append(float(np.mean(levels)))
        return cls(
            scale=scale,
            log_length=_place(np.log([max(len(sample.text), 1) for sample in samples])),
            points=_place(predictions),
            graders={name: _place(np.array(levels)) for name, levels in sorted(said.items()) if len(levels) > 1},
        )

    def signals(
        self, samples: Sequence[Sample], predictions: Array, certainty: Mapping[str, float] | None = None
    ) -> Array:
        """A row an essay, columns as `NAMES`; NaN for what is not known.

        In order: how far the points are from the middle of the scale (half its width is one); by how many standard
        deviations the length is unusual; how far the graders' totals, moved to the points' mean and spread, lie from
        the points, in points (root mean square); one minus `certainty`, which is by essay's id and is what
        `grading.confidence` makes of a model's levels and quotes.
        """
        middle, half = (self.scale.low + self.scale.high) / 2, (self.scale.high - self.scale.low) / 2
        lengths = np.log([max(len(sample.text), 1) for sample in samples])
        known = certainty or {}
        return np.column_stack(
            [
                np.abs(np.asarray(predictions) - middle) / half,
                np.abs(lengths - self.log_length[0]) / self.log_length[1],
                [self._disagreement(*pair) for pair in zip(samples, predictions, strict=True)],
                [1 - known.get(sample.id, np.nan) for sample in samples],
            ]
        )

    def _disagreement(self, sample: Sample, prediction: float) -> float:
        away = []
        for name, levels in sample.opinions.items():
            if name in self.graders:
                mean, spread = self.graders[name]
                away.append(self.points[0] + (float(np.mean(levels)) - mean) / spread * self.points[1] - prediction)
        return float(np.sqrt(np.mean(np.square(away)))) if away else float("nan")


def _place(values: Array) -> tuple[float, float]:
    spread = float(np.std(values))
    return float(np.mean(values)), spread if spread > 1e-9 else 1.0
