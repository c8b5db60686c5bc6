from dataclasses import replace

import numpy as np
import pytest

from grading.calibration.calibrator import Calibrator, OutdatedCalibrator, fit
from grading.calibration.marking import to_mark
from grading.calibration.prior import Prior
from grading.calibration.sample import Labelled, Sample, Scale

WORDS = [
    "school",
    "computers",
    "children",
    "friends",
    "because",
    "reading",
    "teachers",
    "often",
    "learning",
    "important",
    "libraries",
    "although",
]


SIX = Scale(1, 6)


def assignment(count: int, *, seed: int = 0, scale: Scale = SIX) -> Labelled:
    """Essays whose marks grow with their length, and a grader whose word is worth something."""
    random = np.random.default_rng(seed)
    sizes = random.integers(2, 40, count)
    samples = [
        Sample(
            str(i),
            " ".join(" ".join(random.choice(WORDS, 8)).capitalize() + "." for _ in range(size)),
            {"local": (float(size) / 8 + random.normal(),)},
        )
        for i, size in enumerate(sizes)
    ]
    marks = scale.round(scale.low + (scale.high - scale.low) * (sizes / 40 + random.normal(0, 0.05, count)))
    return Labelled("essay", "en", "", scale, samples, list(marks))


@pytest.fixture(scope="module")
def trained() -> Calibrator:
    return fit(assignment(30), Prior.learn([assignment(40, seed=1, scale=Scale(0, 100))]))


def test_points_are_on_the_scale_and_follow_the_teacher(trained):
    others = assignment(30, seed=2)
    points = trained.predict(others.samples)

    assert ((points >= 1) & (points <= 6)).all()
    assert np.corrcoef(points, others.marks)[0, 1] > 0.8
    assert trained.quality is not None
    assert trained.quality.qwk > 0.6
    assert trained.marks == len(trained.out_of_fold) == 30
    assert trained.graders["local"] > 0


def test_with_no_marks_the_prior_alone_orders_the_essays():
    others = assignment(30, seed=2)
    points = fit(replace(others, samples=[], marks=[]), Prior.learn([assignment(40, seed=1)])).predict(others.samples)

    assert np.corrcoef(points, others.marks)[0, 1] > 0.8


def test_with_no_marks_points_of_a_short_scale_lie_well_apart():
    """Of a scale of four marks, the former class's tenth of a scale would give all essays the same two."""
    others = assignment(60, seed=2, scale=Scale(0, 3))
    former = assignment(40, seed=1, scale=Scale(0, 100))
    narrow = replace(former, marks=[50 + (mark - 50) / 3 for mark in former.marks])
    points = fit(replace(others, samples=[], marks=[]), Prior.learn([narrow])).predict(others.samples)

    assert points.std() > 0.4


def test_with_neither_marks_nor_prior_there_is_nothing_to_say():
    with pytest.raises(ValueError, match="without a prior"):
        fit(assignment(5))


def test_the_same_marks_make_the_same_calibrator_and_it_survives_storage(trained):
    again = fit(assignment(30), Prior.learn([assignment(40, seed=1, scale=Scale(0, 100))]))
    stored = Calibrator.load(trained.dump())
    asked = assignment(5, seed=3).samples

    assert again.version == stored.version == trained.version
    assert (stored.predict(asked) == trained.predict(asked)).all()
    assert (again.predict(asked) == trained.predict(asked)).all()


def test_what_another_scikit_learn_made_is_refused_before_it_is_read(trained):
    with pytest.raises(OutdatedCalibrator, match="train it again"):
        Calibrator.load(b'{"format": 1, "sklearn": "0.1"}\n' + b"no pickle")


def test_the_essays_to_mark_are_not_marked_yet_and_cover_short_and_long():
    essays = assignment(40).samples
    chosen = to_mark(essays, {"0", "1"}, 6, "en")

    assert len(set(chosen)) == 6
    assert not {"0", "1"} & set(chosen)
    lengths = sorted(len(one.text) for one in essays if one.id in chosen)
    assert lengths[-1] > 3 * lengths[0]
