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
from grading.calibration.cohort import Cohort
from grading.calibration.gaussian import GRADER, Gaussian
from grading.calibration.oddity import Oddity
from grading.calibration.prior import Prior
from grading.calibration.sample import Array, Labelled, Sample
from grading.text import Language

FORMAT = 5
FEWEST = 10
"""Marks from which on anything is learned of them; with fewer the prior is only moved to their mean."""
WEAK = 0.1
"""Quantile of the class's points that an odd essay does not get above without a teacher."""
NARROWEST = 0.75
"""Steps of the scale that marks are taken to lie apart (standard deviation) where few are known: a teacher uses the
whole of a short scale."""


class OutdatedCalibrator(ValueError):
    """The bytes are of another version of Pizhu or scikit-learn: train again from the marks."""


@dataclass(frozen=True)
class Quality:
    """Of the calibrator's own essays, the mark of each left out of what foretold it."""

    qwk: float
    mean_error: float
    """In points, without rounding."""


class Calibrator:
    marks: int
    version: str
    quality: Quality | None
    graders: Mapping[str, float | None]
    out_of_fold: Array

    def __init__(self, labelled: Labelled, prior: Prior | None, cohort: Cohort | None = None) -> None:
        self.language: Language = labelled.language
        self.scale = labelled.scale
        self.marks = len(labelled.marks)
        self._prior = prior
        y = np.asarray(labelled.marks, dtype=float)
        everybody = [*labelled.samples, *labelled.unmarked]
        former = prior.former if prior else None
        self._cohort = cohort or Cohort(everybody, labelled.language, labelled.prompt, former)
        names = sorted({name for one in labelled.samples for name in one.opinions})
        self.graders = {name: self._agreement(name, labelled.samples, y) for name in names}
        self._levels = {
            name: _usual([one.opinions[name] for one in everybody if name in one.opinions])
            for name, agreed in self.graders.items()
            if agreed is not None
        }
        self._mean, self._spread = self._place(y)
        self._process: Gaussian | None = None
        self.quality = None
        self.out_of_fold = np.full(len(y), self._mean)
        if len(y) >= FEWEST:
            self._process = Gaussian.fit(self._views(labelled.samples), y)
            self.out_of_fold = self.scale.clip(self._process.unseen)
            rounded = self.scale.steps(self.scale.round(self.out_of_fold))
            self.quality = Quality(
                qwk=qwk(self.scale.steps(y), rounded) or 0.0, mean_error=float(np.abs(self.out_of_fold - y).mean())
            )
        self._weak = float(np.quantile(self._points(everybody), WEAK)) if everybody else self.scale.low
        self.version = _version(labelled, prior)

    def predict(self, samples: Sequence[Sample]) -> Array:
        """Points on the scale, not rounded, one for each essay; of an odd one no more than of the weakest tenth."""
        return self.judge(samples)[0]

    def judge(self, samples: Sequence[Sample]) -> tuple[Array, list[Oddity | None]]:
        """The points that `predict` gives, and what is odd about each essay."""
        odd = [self.oddity(one.text) for one in samples]
        most = [self._weak if one else self.scale.high for one in odd]
        return np.minimum(self._points(samples), most), odd

    def oddity(self, text: str) -> Oddity | None:
        """Why what was learned from the class says nothing of this text; None where it does, or the class is small."""
        return self._cohort.oddity(text)

    def _points(self, samples: Sequence[Sample]) -> Array:
        if not samples:
            return np.empty(0)
        if self._process is not None:
            return self.scale.clip(self._process.predict(self._views(samples)))
        above = self._prior.score(self._cohort.look(samples).figures) if self._prior else np.zeros(len(samples))
        return self.scale.clip(self._mean + self._spread * above)

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
        apart = max(spread * width, NARROWEST * self.scale.step)
        weight = len(y) / (len(y) + 5)
        mean = weight * (y.mean() if len(y) else 0.0) + (1 - weight) * (low + share * width)
        return float(mean), float(weight * (y.std() if len(y) else 0.0) + (1 - weight) * apart)

    def _views(self, samples: Sequence[Sample]) -> dict[str, Array]:
        """What is known of the essays: the prior's word, what is counted and written, and what each grader said."""
        seen = self._cohort.look(samples)
        views = dict(seen.views)
        if self._prior is not None:
            views["prior"] = self._prior.score(seen.figures)[:, None]
        for name, (mean, spread) in self._levels.items():
            silent = np.zeros_like(mean)
            views[GRADER + name] = np.array(
                [(one.opinions[name] - mean) / spread if name in one.opinions else silent for one in samples]
            )
        return views

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


def fit(labelled: Labelled, prior: Prior | None = None, cohort: Cohort | None = None) -> Calibrator:
    """A calibrator of any number of marks; with none, of the prior alone. ValueError with neither.

    `cohort` is what was learned before from the same essays with the same prior; without it, it is learned now.
    """
    if prior is None and len(labelled.marks) < FEWEST:
        raise ValueError(f"without a prior, {FEWEST} marks are needed; there are {len(labelled.marks)}")
    if prior is not None and prior.language != labelled.language:
        raise ValueError("the prior was learned from essays in another language")
    return Calibrator(labelled, prior, cohort)


def _usual(said: Sequence[tuple[float, ...]]) -> tuple[Array, Array]:
    """Mean and spread of each of a grader's levels."""
    spread = np.std(said, axis=0)
    return np.mean(said, axis=0), np.where(spread > 0, spread, 1.0)


def _version(labelled: Labelled, prior: Prior | None) -> str:
    made_of = f"{FORMAT} {sklearn.__version__} {labelled.digest().hex()} {prior and prior.version}"
    return hashlib.sha256(made_of.encode()).hexdigest()
