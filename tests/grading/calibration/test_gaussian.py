import numpy as np
import pytest

from grading.calibration.gaussian import GRADER, NOISE, Gaussian


def essays(count, seed=0):
    """Forty figures of which one tells the mark, and a prior that tells it well."""
    random = np.random.default_rng(seed)
    x = random.normal(size=(count, 40))
    prior = x[:, :1] + random.normal(0, 0.4, (count, 1))
    return {"features": x, "prior": prior}, 10 + 2 * x[:, 0] + random.normal(0, 1, count)


def error(views, marks, others, truth):
    return float(np.abs(Gaussian.fit(views, marks).predict(others) - truth).mean())


def only(name, views):
    return {name: views[name]}


def test_with_few_marks_the_prior_is_worth_more_than_forty_figures():
    (views, marks), (others, truth) = essays(25), essays(500, seed=1)

    assert error(views, marks, others, truth) < 0.8 * error(
        only("features", views), marks, only("features", others), truth
    )


def test_a_view_that_tells_nothing_is_hardly_listened_to():
    views, marks = essays(60)
    views["grader"] = np.random.default_rng(5).normal(size=(60, 1))
    fitted = Gaussian.fit(views, marks)

    assert fitted.variances["grader"] < fitted.variances["prior"] / 5


def test_many_graders_that_tell_nothing_do_little_harm_while_marks_are_few():
    (views, marks), (others, truth) = essays(25), essays(500, seed=1)
    random = np.random.default_rng(7)
    noisy = {f"{GRADER}{i}": random.normal(size=(25, 1)) for i in range(8)}
    heard = {name: random.normal(size=(500, 1)) for name in noisy}

    assert error(views | noisy, marks, others | heard, truth) < 1.15 * error(views, marks, others, truth)


def test_points_are_spread_as_the_teachers_marks_are():
    views, marks = essays(60)
    fitted = Gaussian.fit(views, marks)

    assert fitted.predict(essays(500, seed=1)[0]).std() / marks.std() == pytest.approx(1, abs=0.2)
    assert fitted.unseen.std() / marks.std() == pytest.approx(1, abs=0.05)


def test_points_of_its_own_essays_did_not_see_their_marks():
    views, marks = essays(60)
    noise = np.random.default_rng(2).permutation(marks)

    assert abs(np.corrcoef(Gaussian.fit(views, noise).unseen, noise)[0, 1]) < 0.5


def test_leaving_one_out_is_what_fitting_without_it_gives():
    """The same but for the variances and the spread, which one essay hardly moves."""
    views, marks = essays(40)
    whole = Gaussian.fit(views, marks)
    for place in (0, 7, 23):
        rest = np.arange(40) != place
        without = Gaussian.fit({name: x[rest] for name, x in views.items()}, marks[rest])
        alone = {name: x[[place]] for name, x in views.items()}
        assert without.predict(alone)[0] == pytest.approx(whole.unseen[place], abs=0.25 * marks.std())


def test_marks_that_are_all_the_same_are_foretold_as_they_are():
    views, _ = essays(30)

    assert Gaussian.fit(views, np.full(30, 7.0)).predict(views) == pytest.approx(7)


def test_what_cannot_be_told_apart_is_called_noise():
    views, marks = essays(80)
    told, untold = Gaussian.fit(views, marks), Gaussian.fit(views, np.random.default_rng(3).permutation(marks))

    assert untold.variances[NOISE] > 2 * told.variances[NOISE]
