"""benchmarks/routing.py: that its figures are fair, on essays that are made up."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from benchmarks.routing import figures, kappas, policies_of
from benchmarks.routing_rules import RULES, decide, part, split
from benchmarks.stored_answers import Answers, Set
from grading.agreement import qwk

COUNT, MARKED = 120, 60


def answers(scores: np.ndarray, cost: float) -> Answers:
    count = len(scores)
    return Answers(
        scores=np.array([scores, scores + np.arange(count) % 2]),
        costs=np.full((2, count), cost),
        hedged=np.arange(count) % 7 == 0,
        spread=np.full(count, np.nan),
    )


@pytest.fixture
def one() -> Set:
    """The large model is a step nearer to the marks; the small one gives no score to the first essays."""
    random = np.random.default_rng(2)
    marks = random.integers(1, 7, COUNT).astype(float)
    small = marks + random.integers(-2, 3, COUNT)
    small[:5] = np.nan
    return Set(
        number=1,
        low=1,
        high=6,
        marks=marks,
        features=random.random((COUNT, 5)) + 1,
        complexity=random.random(COUNT),
        small=answers(small, 0.001),
        large=answers(marks + random.integers(-1, 2, COUNT), 0.01),
    )


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_no_rule_sees_the_marks_that_it_is_measured_by(one: Set, rule: object) -> None:
    order = np.arange(COUNT)
    train, test = order[:MARKED], order[MARKED:]
    other = replace(one, marks=np.where(order < MARKED, one.marks, 7 - one.marks))
    decisions = [decide(rule, part(each, train, train), part(each, test, train)) for each in (one, other)]  # type: ignore[arg-type]
    assert (decisions[0] == decisions[1]).all()
    kept = [part(each, test, train).kept for each in (one, other)]
    assert (kept[0] == kept[1]).all(), "calibration sees the marked essays only"


def test_marked_and_tested_essays_are_different_ones(one: Set) -> None:
    train, test = split([one], MARKED, seed=3)
    assert (len(train[0].marks), len(test[0].marks)) == (MARKED, COUNT - MARKED)
    rows = {tuple(row) for row in train[0].features}
    assert not rows & {tuple(row) for row in test[0].features}


def test_a_reply_without_a_score_goes_on_and_is_paid_for(one: Set) -> None:
    everything = part(one, np.arange(COUNT), np.arange(COUNT))
    assert (everything.kept[:5] == everything.passed[:5]).all()
    assert everything.kept_cost[:6] == pytest.approx([0.011] * 5 + [0.001])


def test_what_was_asked_before_is_paid_and_what_was_not_is_not(one: Set) -> None:
    everything = part(one, np.arange(5, COUNT), np.arange(COUNT))
    gone = [np.ones(COUNT - 5, dtype=bool)]
    costs = {rule.name: figures([everything], gone, rule)["usd_per_1000"] for rule in RULES}
    assert costs["learned_router"] == pytest.approx(10)
    assert costs["learned_cascade"] == pytest.approx(11)
    assert costs["cascade_two_prompts"] == pytest.approx(12)


def test_the_kappa_of_many_draws_is_the_kappa_of_each(one: Set) -> None:
    everything = part(one, np.arange(COUNT), np.arange(COUNT))
    gone = np.random.default_rng(1).random((3, COUNT)) < 0.5
    each = [qwk(everything.marks, np.where(row, everything.passed, everything.kept)) for row in gone]
    assert kappas([everything], [gone]) == pytest.approx(each)


def test_where_a_set_is_passed_on_as_a_whole_chance_does_the_same(one: Set) -> None:
    found = policies_of(*split([one], MARKED, seed=1), seed=1)
    assert found["all_small"]["qwk"] < found["learned_assignment"]["qwk"] == found["all_large"]["qwk"]
    control = found["learned_assignment"]["same_shares"]
    assert control["beaten"] == 0.5
    assert control["qwk"] == pytest.approx(found["learned_assignment"]["qwk"])
