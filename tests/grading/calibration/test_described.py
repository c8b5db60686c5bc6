"""grading/calibration/described.py: essays as rows that a line may be drawn through."""

from __future__ import annotations

import numpy as np

from grading.calibration.described import UNUSUAL, Described, names
from grading.calibration.sample import Sample


def essay(number: int) -> Sample:
    subject = ("river", "garden", "market", "winter", "teacher")[number % 5]
    sentences = [f"The {subject} number {place} was new to us." for place in range(6 + number % 4)]
    return Sample(str(number), " ".join(sentences))


CLASS = [essay(number) for number in range(20)]


def test_a_class_lies_around_nought_at_a_distance_of_one() -> None:
    figures = Described.learn(CLASS, "en", "").figures(CLASS)
    varied = figures.std(axis=0) > 1e-6
    assert np.allclose(figures.mean(axis=0), 0, atol=1e-6)
    assert np.allclose(figures.std(axis=0)[varied], 1)


def test_what_is_far_outside_is_not_farther_than_the_unusual() -> None:
    described = Described.learn(CLASS, "en", "")
    absurd = Sample("absurd", "!" * 500 + " ".join(["extraordinarily"] * 4000))
    figures = described.figures([absurd])
    assert np.abs(figures).max() == UNUSUAL


def test_nothing_is_learned_from_what_is_nought_in_nearly_every_essay() -> None:
    assert not {"repeated", "copied"} & set(names("en"))
