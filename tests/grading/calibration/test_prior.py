from dataclasses import replace

import numpy as np
import pytest

from grading.calibration.calibrator import fit
from grading.calibration.described import Described
from grading.calibration.prior import Prior
from grading.calibration.sample import Scale
from tests.grading.calibration.test_calibrator import assignment


def test_a_prior_knows_no_scale():
    essays = assignment(40, seed=1)
    narrow = Prior.learn([essays])
    wide = Prior.learn([replace(essays, scale=Scale(10, 60), marks=[10 * mark for mark in essays.marks])])
    asked = assignment(30, seed=2).samples
    described = Described.learn(asked, "en", "", narrow.former)

    assert wide.score(described.figures(asked)) == pytest.approx(narrow.score(described.figures(asked)))


def test_scores_are_deviations_from_the_mean_of_the_essays_own_class():
    prior = Prior.learn([assignment(40, seed=1)])
    asked = assignment(200, seed=2).samples

    figures = Described.learn(asked, "en", "", prior.former).figures(asked)
    assert prior.score(figures).mean() == pytest.approx(0, abs=0.15)


def test_of_a_single_essay_the_former_classes_are_the_measure():
    prior = Prior.learn([assignment(40, seed=1)])
    short, long = sorted(assignment(30, seed=2).samples, key=lambda one: len(one.text))[::29]
    alone = [prior.score(Described.learn([one], "en", "", prior.former).figures([one]))[0] for one in (short, long)]

    assert alone[0] < 0 < alone[1]


def test_the_essays_without_a_mark_show_what_is_usual():
    marked, rest = assignment(12, seed=3), assignment(60, seed=4)
    with_rest = fit(replace(marked, unmarked=rest.samples))

    assert with_rest.version != fit(marked).version
    assert np.corrcoef(with_rest.predict(rest.samples), rest.marks)[0, 1] > 0.8


def test_a_prior_needs_marks_that_differ():
    with pytest.raises(ValueError, match="another assignment with marks"):
        Prior.learn([replace(assignment(40), marks=[3.0] * 40)])
