"""Essays as rows of figures, counted once a process however often a calibrator is trained."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import numpy as np

from grading.calibration.sample import Array, Sample
from grading.features import features
from grading.text import Language


@lru_cache(maxsize=20_000)
def counted(text: str, language: Language, prompt: str) -> dict[str, float]:
    """The features of a text; some hundredths of a second the first time."""
    return features(text, language, prompt=prompt)


def rows(samples: Sequence[Sample], language: Language, prompt: str) -> Array:
    """The features of essays, one row each, in the order of `names`."""
    return np.array([list(counted(one.text, language, prompt).values()) for one in samples], dtype=float)


def names(language: Language) -> list[str]:
    """What the columns of `rows` are."""
    return list(counted("", language, ""))
