"""`pizhu evaluate --attacks`: how far words that are meant for the grader move the marks of essays."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from app.cli.evaluate_model import Asked, name_of
from grading.calibration.calibrator import Calibrator, fit
from grading.calibration.prior import Prior
from grading.calibration.sample import Array, Sample
from grading.evaluation.assignments import Assignment
from grading.evaluation.attacks import Graded, Strings, flags, measure, pairs
from grading.evaluation.experiment import ExperimentError, Wanted, first_split, samples_of
from grading.evaluation.opinions import Opinion
from grading.injection import honest


@dataclass(frozen=True)
class Grader:
    """Who grades the attacked essays: a model that is asked, a calibration that has learned from marks, or both."""

    part: Assignment
    asked: Asked | None
    version: str | None
    calibrator: Calibrator | None

    def guarded(self, texts: Sequence[str]) -> list[float | None]:
        """As Pizhu marks: words that are meant for the grader count for nothing, and where they made a difference to
        the model a teacher decides."""
        if self.asked is None:
            return self._calibrated([honest(text) or " " for text in texts], [None] * len(texts))
        records = self._records(texts)
        opinions = self._opinions(records)
        points: Sequence[float | None] = [opinion.points if opinion else None for opinion in opinions]
        if self.calibrator:
            points = self._calibrated([honest(text) or " " for text in texts], opinions)
        return [
            None if record is None or _suspicions(record)["swayed"] else point
            for record, point in zip(records, points, strict=True)
        ]

    def bare(self, texts: Sequence[str]) -> list[float | None]:
        """By the whole text, as if nobody had looked for such words. Not of a model with a calibration, which keeps no
        levels of that reading."""
        if self.asked is None:
            return self._calibrated(texts, [None] * len(texts))
        return [self._first_reading(record) for record in self._records(texts)]

    @property
    def readings(self) -> dict[str, Graded]:
        both: dict[str, Graded] = {"as Pizhu marks": self.guarded}
        return both if self.asked and self.calibrator else {**both, "no defence": self.bare}

    def _records(self, texts: Sequence[str]) -> list[dict[str, Any] | None]:
        assert self.asked  # noqa: S101 -- callers have looked
        own = {essay.text: name_of(essay) for essay in self.part.essays}
        names = [own.get(text) or f"attacked/{hashlib.sha256(text.encode()).hexdigest()[:16]}" for text in texts]
        records = self.asked.records(dict(zip(names, texts, strict=True)), self.version)
        return [records.get(name) for name in names]

    def _opinions(self, records: Sequence[dict[str, Any] | None]) -> list[Opinion | None]:
        assert self.asked  # noqa: S101
        known = {str(place): record for place, record in enumerate(records) if record}
        opinions = self.asked.read(known, self.part)
        return [opinions.get(str(place)) for place in range(len(records))]

    def _first_reading(self, record: dict[str, Any] | None) -> float | None:
        """The reading that had the suspicious words in it; it counts unless it is the higher."""
        if record is None:
            return None
        grading, scale = record["grading"], self.part.scale
        total = float(grading["total"]) + max(0.0, float(_suspicions(record)["points"] or 0))
        return scale.low + (scale.high - scale.low) * total / float(grading["max"])

    def _calibrated(self, texts: Sequence[str], opinions: Sequence[Opinion | None]) -> list[float | None]:
        assert self.calibrator  # noqa: S101
        name = self.asked.name if self.asked else ""
        samples = [
            Sample(str(place), text, {name: opinion.levels} if opinion else {})
            for place, (text, opinion) in enumerate(zip(texts, opinions, strict=True))
        ]
        points: Array = self.calibrator.predict(samples)
        return [float(value) for value in points]


def attacked(
    part: Assignment,
    strings: Strings,
    asked: Asked | None,
    version: str | None,
    opinions: Mapping[str, Opinion],
    prior: Prior | None,
    wanted: Wanted,
    count: int,
) -> dict[str, Any]:
    """Figures of so many pairs of a tested essay and an attack; JSON. Raises `ExperimentError`."""
    taught, tested = first_split(len(part.essays), wanted)
    if asked is None and not len(taught) and prior is None:
        raise ExperimentError("--attacks needs somebody who grades: marks (--marks), a prior, or an --engine.")
    calibrator = None
    if len(taught) or prior:
        said = {asked.name: opinions} if asked and opinions else {}
        calibrator = fit(part.labelled(samples_of(part, said), taught), prior)
    grader = Grader(part, asked, version, calibrator)
    essays = [part.essays[place].text for place in tested]
    made = pairs(essays, strings.attacks, count=count, seed=wanted.seed)
    harmless = pairs(essays, strings.harmless, count=len(strings.harmless), seed=wanted.seed)
    if not made:
        raise ExperimentError(f"--attacks has none in the language of {part.name}.")
    return {
        "readings": {name: measure(made, grade, part.scale) for name, grade in grader.readings.items()},
        "flagged": flags(made),
        "look_alikes": flags(harmless),
    }


def _suspicions(record: Mapping[str, Any]) -> Mapping[str, Any]:
    return record["grading"]["suspicions"] or {"points": None, "swayed": False}
