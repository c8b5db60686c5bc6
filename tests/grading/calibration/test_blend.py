import numpy as np

from grading.calibration.blend import Blend


def essays(count, seed=0):
    """Forty figures of which one tells the mark, and a prior that tells it well."""
    random = np.random.default_rng(seed)
    x = random.normal(size=(count, 40))
    prior = x[:, :1] + random.normal(0, 0.4, (count, 1))
    return x, prior, 10 + 2 * x[:, 0] + random.normal(0, 1, count)


def error(blend, x, prior, y):
    return float(np.abs(blend.predict(x, prior) - y).mean())


def test_with_few_marks_the_prior_is_worth_more_than_forty_figures():
    x, prior, y = essays(25)
    other = essays(500, seed=1)
    nothing = np.empty((25, 0))

    with_prior, without = Blend.fit(x, prior, y, 0), Blend.fit(x, nothing, y, 0)

    assert error(with_prior, *other) < error(without, other[0], np.empty((500, 0)), other[2])


def test_points_are_spread_as_the_teachers_marks_are():
    x, prior, y = essays(60)
    blend = Blend.fit(x, prior, y, 0)

    assert 0.9 < blend.predict(*essays(500, seed=1)[:2]).std() / y.std() < 1.2
    assert abs(blend.out_of_fold.std() / y.std() - 1) < 0.05


def test_points_of_its_own_essays_did_not_see_their_marks():
    x, prior, y = essays(60)
    noise = np.random.default_rng(2).permutation(y)

    assert abs(np.corrcoef(Blend.fit(x, prior, noise, 0).out_of_fold, noise)[0, 1]) < 0.5


def test_marks_that_are_all_the_same_are_foretold_as_they_are():
    x, prior, _ = essays(30)
    blend = Blend.fit(x, prior, np.full(30, 7.0), 0)

    assert np.allclose(blend.predict(x, prior), 7)
