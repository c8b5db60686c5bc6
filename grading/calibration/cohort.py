"""What is known of a class before any of it is marked: how its essays are described, and what is usual in it.

All of it depends on the essays alone, so that many calibrators of one class, each of other marks, can share it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from grading.calibration.described import Described
from grading.calibration.oddity import Oddity, Usual
from grading.calibration.sample import Array, Sample
from grading.text import Language


@dataclass(frozen=True)
class Seen:
    """Essays as their class shows them, a row each."""

    figures: Array
    """What a prior is asked with."""
    views: Mapping[str, Array]

    def at(self, places: NDArray[np.intp]) -> Seen:
        """Some of them."""
        return Seen(self.figures[places], {name: view[places] for name, view in self.views.items()})


class Cohort:
    """Learned from all essays of a class. What it saw in those it remembers, but not when it is stored."""

    def __init__(
        self, samples: Sequence[Sample], language: Language, prompt: str, former: tuple[Array, Array] | None = None
    ) -> None:
        """`former` are mean and spread of classes before; ValueError where there is neither an essay nor those."""
        self._described = Described.learn(samples, language, prompt, former)
        self._usual = Usual.learn([one.text for one in samples], language, prompt)
        self._places = {one.text: place for place, one in enumerate(samples)}
        self._seen = self._look(samples)
        self._odd: dict[str, Oddity | None] = {}

    def look(self, samples: Sequence[Sample]) -> Seen:
        """These essays, of the class or not."""
        places = [self._places.get(one.text, -1) for one in samples]
        return self._look(samples) if -1 in places else self._seen.at(np.array(places, dtype=np.intp))

    def oddity(self, text: str) -> Oddity | None:
        """Why what is learned from the class says nothing of this text; None where it does, or the class is small."""
        if text not in self._places:
            return self._usual.oddity(text) if self._usual else None
        if text not in self._odd:
            self._odd[text] = self._usual.oddity(text) if self._usual else None
        return self._odd[text]

    def _look(self, samples: Sequence[Sample]) -> Seen:
        figures = self._described.figures(samples)
        return Seen(figures, self._described.views(samples, figures))

    def __getstate__(self) -> dict[str, Any]:
        none = self._seen.at(np.empty(0, dtype=np.intp))
        return vars(self) | {"_places": {}, "_seen": none, "_odd": {}}
