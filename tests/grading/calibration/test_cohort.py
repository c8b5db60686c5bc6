"""grading/calibration/cohort.py: what is known of a class before it is marked."""

from __future__ import annotations

import pickle
from dataclasses import replace

import numpy as np
import pytest

from grading.calibration.calibrator import fit
from grading.calibration.cohort import Cohort
from grading.calibration.sample import Labelled, Sample
from tests.grading.calibration.test_calibrator import assignment

CLASS = assignment(60)


@pytest.fixture(scope="module")
def cohort() -> Cohort:
    return Cohort(CLASS.samples, "en", "")


def teacher_of(places: range) -> Labelled:
    """The class with the marks of some of its essays."""
    samples, marks = CLASS.samples, CLASS.marks
    others = [one for place, one in enumerate(samples) if place not in places]
    return replace(CLASS, samples=[samples[i] for i in places], marks=[marks[i] for i in places], unmarked=others)


def test_what_it_remembers_is_what_it_sees(cohort: Cohort) -> None:
    some = [CLASS.samples[place] for place in (7, 3, 3)]
    stranger = Sample("stranger", "Nobody of the class has written this. It has two sentences.")
    remembered, looked_at = cohort.look(some), cohort.look([*some, stranger])

    assert np.allclose(remembered.figures, looked_at.figures[:3])
    assert remembered.views.keys() == looked_at.views.keys()
    assert all(np.allclose(view, looked_at.views[name][:3]) for name, view in remembered.views.items())


def test_teachers_of_one_class_learn_as_if_each_had_read_it_alone(cohort: Cohort) -> None:
    for places in (range(20), range(30, 60)):
        lesson = teacher_of(places)
        shared, alone = fit(lesson, None, cohort), fit(lesson)
        assert shared.predict(CLASS.samples) == pytest.approx(alone.predict(CLASS.samples), abs=0.2)
        assert shared.version == alone.version


def test_an_odd_essay_of_the_class_and_a_stranger_are_both_told(cohort: Cohort) -> None:
    essay = max((one.text for one in CLASS.samples), key=len)
    twice = f"{essay}\n{essay}"
    spoiled = Cohort([*CLASS.samples, Sample("twice", twice)], "en", "")

    assert cohort.oddity(twice) is not None
    assert spoiled.oddity(twice) == spoiled.oddity(twice) == cohort.oddity(twice)
    assert cohort.oddity(essay) is None


def test_what_is_stored_holds_no_essay_and_sees_the_same(cohort: Cohort) -> None:
    stored = pickle.dumps(cohort)
    again = pickle.loads(stored)  # noqa: S301 -- made a line above

    assert not any(one.text.encode() in stored for one in CLASS.samples)
    assert np.allclose(again.look(CLASS.samples).figures, cohort.look(CLASS.samples).figures)
