"""Essays as rows of figures that are comparable from class to class: standard deviations from the class's mean."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from grading.calibration.sample import Array, Sample
from grading.calibration.topics import SHARED, Topics
from grading.character_features import NAMES as CHARACTERS
from grading.features import features
from grading.segmentation import sentences
from grading.substance import own_sentences, own_text
from grading.text import Language

BORROWED = 10
"""Essays that the former classes' mean and spread count as, beside those of a class's own."""
UNUSUAL = 4.0
"""Standard deviations from the class's mean beyond which a figure tells no more: what is learned from a class is a
line, and drawn on far outside it would promise anything."""
FOR_ODDITY = {"repeated", "copied"}
"""Figures that are nought in nearly every essay: no line can be drawn through them, `oddity` looks at them."""


@lru_cache(maxsize=20_000)
def counted(text: str, language: Language, prompt: str) -> dict[str, float]:
    """The features of a text; some hundredths of a second the first time."""
    return features(text, language, prompt=prompt)


@lru_cache(maxsize=20_000)
def own(text: str, prompt: str) -> str:
    """The text without what it says again or copies from the task."""
    return own_text(text, own_sentences(sentences(text), prompt)[0])


def rows(samples: Sequence[Sample], language: Language, prompt: str) -> Array:
    """The features of essays, one row each, in the order of `names`."""
    columns = names(language)
    counts = (counted(one.text, language, prompt) for one in samples)
    return np.array([[figures[name] for name in columns] for figures in counts], dtype=float)


def names(language: Language) -> list[str]:
    """What the columns of `rows` are."""
    return [name for name in counted("", language, "") if name not in FOR_ODDITY]


@dataclass(frozen=True)
class Described:
    """How the essays of one class are described; learned from all of them, marked or not."""

    language: Language
    prompt: str
    topics: Topics | None
    centre: Array
    spread: Array
    """Of `rows` and what is shared with the class, side by side."""

    @classmethod
    def learn(
        cls, samples: Sequence[Sample], language: Language, prompt: str, former: tuple[Array, Array] | None = None
    ) -> Described:
        """`former` are mean and spread of classes before; ValueError where there is neither an essay nor those."""
        if not samples and former is None:
            raise ValueError("there is no essay to learn from")
        topics = Topics.learn([own(one.text, prompt) for one in samples], language)
        raw = _raw(samples, language, prompt, topics)
        centre, variance = (raw.mean(axis=0), raw.var(axis=0)) if len(raw) else (np.zeros(1), np.zeros(1))
        if former:
            share = len(raw) / (len(raw) + BORROWED)
            centre = share * centre + (1 - share) * former[0]
            variance = share * variance + (1 - share) * former[1] ** 2
        if topics is None:  # what is shared with the class is not known: nought for all, and so is its mean
            centre[-len(SHARED) :] = 0.0
        return cls(language, prompt, topics, centre, _positive(np.sqrt(variance)))

    def figures(self, samples: Sequence[Sample]) -> Array:
        """A standardised row for each essay; what is not known of this class is nought in all."""
        away = (_raw(samples, self.language, self.prompt, self.topics) - self.centre) / self.spread
        return np.clip(away, -UNUSUAL, UNUSUAL)

    def views(self, samples: Sequence[Sample], figures: Array) -> dict[str, Array]:
        """The essays of these `figures` seen in several ways, a row each: their features, characters and topics."""
        columns = names(self.language)
        of_characters = np.array([name in CHARACTERS for name in columns] + [False] * len(SHARED))
        seen = {"features": figures[:, ~of_characters]}
        if of_characters.any():
            seen["characters"] = figures[:, of_characters]
        if self.topics is not None:
            seen["topics"] = self.topics.place([own(one.text, self.prompt) for one in samples])
        return seen


def _raw(samples: Sequence[Sample], language: Language, prompt: str, topics: Topics | None) -> Array:
    if not samples:
        return np.zeros((0, len(names(language)) + len(SHARED)))
    shared = np.zeros((len(samples), len(SHARED)))
    if topics is not None:
        shared = topics.shared([own(one.text, prompt) for one in samples])
    return np.hstack([rows(samples, language, prompt), shared])


def _positive(spread: Array) -> Array:
    return np.where(spread > 1e-9, spread, 1.0)  # less is what rounding leaves of figures that are all the same
