"""From a teacher's first marks to points for every other essay of the assignment."""

from __future__ import annotations

import hashlib
import json
import pickle
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import sklearn

from grading.agreement import qwk
from grading.calibration import described
from grading.calibration.blend import Blend
from grading.calibration.prior import Prior
from grading.calibration.sample import Array, Labelled, Sample
from grading.text import Language

FORMAT = 1
FEWEST = 10
"""Marks from which on anything is learned of them; with fewer the prior is only moved to their mean."""


class OutdatedCalibrator(ValueError):
    """The bytes are of another version of Pizhu or scikit-learn: train again from the marks."""


@dataclass(frozen=True)
class Quality:
    """By cross-validation on the calibrator's own marks; the ridge chooses its penalty inside each fold."""

    qwk: float
    mean_error: float
    """In points, without rounding."""


class Calibrator:
    marks: int
    version: str
    quality: Quality | None
    graders: Mapping[str, float | None]
    out_of_fold: Array

    def __init__(self, labelled: Labelled, prior: Prior | None, seed: int) -> None:
        self.language: Language = labelled.language
        self.prompt, self.scale = labelled.prompt, labelled.scale
        self.marks = len(labelled.marks)
        self._prior = prior
        y = np.asarray(labelled.marks, dtype=float)
        names = sorted({name for one in labelled.samples for name in one.opinions})
        self.graders = {name: self._agreement(name, labelled.samples, y) for name in names}
        self._columns = self._learn_columns(labelled.samples)
        self._mean, self._spread = self._place(y)
        self._blend: Blend | None = None
        self.quality = None
        self.out_of_fold = np.full(len(y), self._mean)
        if len(y) >= FEWEST:
            x, prior_scores = self._inputs(labelled.samples), self._prior_scores(labelled.samples)
            self._blend = Blend.fit(x, prior_scores, y, seed)
            self.out_of_fold = self._blend.out_of_fold
            rounded = self.scale.steps(self.scale.round(self.out_of_fold))
            self.quality = Quality(
                qwk=qwk(self.scale.steps(y), rounded) or 0.0, mean_error=float(np.abs(self.out_of_fold - y).mean())
            )
        self.version = _version(labelled, prior, seed)

    def predict(self, samples: Sequence[Sample]) -> Array:
        """Points on the scale, not rounded, one for each essay."""
        if not samples:
            return np.empty(0)
        if self._blend is not None:
            return self.scale.clip(self._blend.predict(self._inputs(samples), self._prior_scores(samples)))
        return self.scale.clip(self._mean + self._spread * self._prior_scores(samples)[:, 0])

    def dump(self) -> bytes:
        """For `load`, in a process with the same scikit-learn."""
        header = json.dumps({"format": FORMAT, "sklearn": sklearn.__version__}).encode()
        return header + b"\n" + pickle.dumps(self)

    @staticmethod
    def load(data: bytes) -> Calibrator:
        """What `dump` gave; raises OutdatedCalibrator. It unpickles, so give it only what Pizhu itself has stored."""
        header, _, body = data.partition(b"\n")
        if json.loads(header) != {"format": FORMAT, "sklearn": sklearn.__version__}:
            raise OutdatedCalibrator("the calibrator was trained by another version; train it again")
        calibrator: Calibrator = pickle.loads(body)  # noqa: S301
        return calibrator

    def _place(self, y: Array) -> tuple[float, float]:
        """Where on the scale marks lie, and how far apart; of few marks, partly the prior's word."""
        low, width = self.scale.low, self.scale.high - self.scale.low
        share, spread = self._prior.on_scale if self._prior else (0.5, 0.2)
        weight = len(y) / (len(y) + 5)
        mean = weight * (y.mean() if len(y) else 0.0) + (1 - weight) * (low + share * width)
        return float(mean), float(weight * (y.std() if len(y) else 0.0) + (1 - weight) * spread * width)

    def _learn_columns(self, samples: Sequence[Sample]) -> dict[str, float]:
        """The mean levels of each grader that agrees with the marks, for essays of which it has not spoken."""
        spoken: dict[str, list[float]] = {}
        for one in samples:
            for name, levels in one.opinions.items():
                if self.graders[name] is not None:
                    spoken.setdefault(name, []).append(float(np.mean(levels)))
        return {name: float(np.mean(levels)) for name, levels in sorted(spoken.items())}

    def _inputs(self, samples: Sequence[Sample]) -> Array:
        columns = [described.rows(samples, self.language, self.prompt)]
        for name, mean in self._columns.items():
            said = [float(np.mean(one.opinions[name])) if name in one.opinions else mean for one in samples]
            columns.append(np.array(said)[:, None])
        return np.hstack(columns)

    def _prior_scores(self, samples: Sequence[Sample]) -> Array:
        """What the prior makes of the essays, as a column; none without a prior."""
        if self._prior is None:
            return np.empty((len(samples), 0))
        return self._prior.score(samples, self.prompt, self._prior.centre, self._prior.spread)[:, None]

    def _agreement(self, name: str, samples: Sequence[Sample], y: Array) -> float | None:
        """A grader's levels moved to the marks' mean and spread, beside the marks."""
        spoken = [i for i, one in enumerate(samples) if name in one.opinions]
        levels = np.array([float(np.mean(samples[i].opinions[name])) for i in spoken])
        if len(spoken) < FEWEST or levels.std() == 0:
            return None
        there = y[spoken]
        moved = there.mean() + (levels - levels.mean()) / levels.std() * there.std()
        agreed = qwk(self.scale.steps(there), self.scale.steps(self.scale.round(moved)))
        return agreed if agreed is not None and agreed > 0 else None


def fit(labelled: Labelled, prior: Prior | None = None, *, seed: int = 0) -> Calibrator:
    """A calibrator of any number of marks; with none, of the prior alone. ValueError with neither."""
    if prior is None and len(labelled.marks) < FEWEST:
        raise ValueError(f"without a prior, {FEWEST} marks are needed; there are {len(labelled.marks)}")
    if prior is not None and prior.language != labelled.language:
        raise ValueError("the prior was learned from essays in another language")
    return Calibrator(labelled, prior, seed)


def _version(labelled: Labelled, prior: Prior | None, seed: int) -> str:
    what = hashlib.sha256(f"{FORMAT} {sklearn.__version__} {seed} {labelled.scale} {labelled.prompt}".encode())
    for sample, mark in zip(labelled.samples, labelled.marks, strict=True):
        opinions = sorted((name, tuple(levels)) for name, levels in sample.opinions.items())
        what.update(f"\n{sample.id} {mark} {opinions}\n{sample.text}".encode())
    if prior is not None:
        what.update(pickle.dumps(prior))
    return what.hexdigest()
