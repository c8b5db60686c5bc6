from __future__ import annotations

import random

import pytest

from grading.cache import bound
from grading.cache.bound import Estimate, estimates, moved, observe, threshold_of
from tests.conftest import use_environment


@pytest.mark.parametrize(
    ("checked", "wrong", "low", "high"),
    # Clopper and Pearson's at 95 %, from tables; with none wrong the upper end is 1 - 0.025^(1/n).
    [(10, 0, 0.0, 0.3085), (10, 1, 0.0025, 0.4450), (100, 5, 0.0164, 0.1128), (5, 5, 0.4782, 1.0)],
)
def test_the_interval_of_a_share(checked: int, wrong: int, low: float, high: float) -> None:
    found = Estimate.of(checked, wrong)
    assert (found.low, found.high) == pytest.approx((low, high), abs=1e-4)
    assert found.share == wrong / checked


def test_before_any_check_nothing_is_known() -> None:
    assert Estimate.of(0, 0) == Estimate(0, 0, None, 0.0, 1.0)


def test_a_threshold_rises_when_the_evidence_is_that_the_bound_is_broken_and_not_before() -> None:
    assert moved(0.5, 0.5, checked=40, wrong=1, bound=0.01) == 0.5
    assert moved(0.5, 0.5, checked=40, wrong=3, bound=0.01) == 0.75


def test_it_comes_back_on_evidence_that_the_bound_is_kept_and_never_below_its_start() -> None:
    assert moved(0.9, 0.5, checked=100, wrong=0, bound=0.01) == 0.9
    assert moved(0.9, 0.5, checked=400, wrong=0, bound=0.01) == pytest.approx(0.8)
    assert moved(0.5, 0.5, checked=4000, wrong=0, bound=0.01) == 0.5


def test_wrong_hits_of_one_kind_make_that_kind_surer_and_no_other(database: None) -> None:
    for _ in range(3):
        observe("ask", right=False, start=0.5)
    assert threshold_of("ask", 0.5) > 0.5
    assert threshold_of("static", 0.5) == 0.5


def test_counting_starts_anew_with_each_threshold_but_the_estimate_forgets_nothing(database: None) -> None:
    observe("ask", right=False, start=0.5)
    observe("ask", right=False, start=0.5)
    after = threshold_of("ask", 0.5)
    observe("ask", right=True, start=0.5)
    assert threshold_of("ask", 0.5) == after
    assert (estimates()["ask"].checked, estimates()["ask"].wrong) == (3, 2)


def test_a_stream_of_hits_is_brought_under_its_bound() -> None:
    """Hits are wrong as often as one less their certainty: the threshold must climb to where a tenth of them is."""
    rng = random.Random(1)  # noqa: S311
    threshold, checked, wrong = 0.5, 0, 0
    for _ in range(3000):
        checked, wrong = checked + 1, wrong + (rng.random() > rng.uniform(threshold, 1))
        if (wanted := moved(threshold, 0.5, checked, wrong, bound=0.1)) != threshold:
            threshold, checked, wrong = wanted, 0, 0
    assert 1 - (threshold + 1) / 2 <= 0.12


def test_a_sample_of_hits_is_checked(monkeypatch: pytest.MonkeyPatch) -> None:
    with use_environment({"PIZHU_SHADOW_CHECKS": "0.25"}):
        share = sum(bound.worth_checking() for _ in range(4000)) / 4000
    assert 0.2 < share < 0.3
