from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from grading.review import Candidate, Why, order

A, B = uuid.UUID(int=1), uuid.UUID(int=2)
DAY = datetime(2026, 11, 24, tzinfo=UTC)
_number = count(1)


def one(why: Why = Why.unsure, **fields: Any) -> Candidate:
    values = {"assignment_id": A, "since": DAY, "confidence": 0.5} | fields
    return Candidate(essay_id=uuid.UUID(int=next(_number)), why=why, **values)


def test_appeals_come_first_then_what_has_no_grade_then_what_is_unsure() -> None:
    unsure, failed, appeal = one(Why.unsure, confidence=0.0), one(Why.failed), one(Why.appeal, confidence=0.9)
    ungraded = one(Why.needs_review, confidence=0.4)
    assert order([unsure, failed, ungraded, appeal], {}) == [appeal, ungraded, failed, unsure]


def test_the_less_sure_the_sooner_and_nothing_known_is_least_sure() -> None:
    sure, unsure, unknown = one(confidence=0.7), one(confidence=0.2), one(confidence=None)
    assert order([sure, unsure, unknown], {}) == [unknown, unsure, sure]


def test_of_equally_sure_grades_the_one_that_models_disagree_on_comes_first() -> None:
    agreed, disputed = one(shares=[0.6, 0.65]), one(shares=[0.3, 0.8, 0.6])
    assert disputed.disagreement == 0.5
    assert order([agreed, disputed], {}) == [disputed, agreed]


def test_a_single_opinion_disagrees_with_nobody() -> None:
    assert one(shares=[0.4]).disagreement == one().disagreement == 0.0


def test_of_equals_the_one_that_waits_longest_comes_first() -> None:
    late, early = one(since=DAY + timedelta(hours=1)), one(since=DAY)
    assert order([late, early], {}) == [early, late]


def test_a_mark_is_worth_more_where_few_exist() -> None:
    known, new = one(assignment_id=A, confidence=0.3), one(assignment_id=B, confidence=0.6)
    assert order([known, new], {}) == [known, new]
    assert order([known, new], {A: 20}) == [new, known]


def test_the_queue_spreads_over_assignments_because_what_comes_before_counts() -> None:
    many = [one(assignment_id=A, confidence=0.40 + number / 1000) for number in range(4)]
    few = [one(assignment_id=B, confidence=0.5 + number / 1000) for number in range(2)]
    assert [each.assignment_id for each in order(many + few, {})] == [A, B, A, B, A, A]


def test_an_appeal_before_it_counts_as_a_mark_too() -> None:
    appeal = one(Why.appeal, assignment_id=A)
    same, other = one(assignment_id=A, confidence=0.4), one(assignment_id=B, confidence=0.5)
    assert order([same, other], {}) == [same, other]
    assert order([appeal, same, other], {}) == [appeal, other, same]


candidates = st.lists(
    st.builds(
        one,
        why=st.sampled_from(Why),
        assignment_id=st.sampled_from([A, B]),
        confidence=st.none() | st.floats(0, 1),
        shares=st.lists(st.floats(0, 1), max_size=3),
    ),
    max_size=12,
)


@given(candidates, st.dictionaries(st.sampled_from([A, B]), st.integers(0, 50)))
def test_nobody_is_lost_and_no_kind_overtakes_another(given: list[Candidate], marks: dict[uuid.UUID, int]) -> None:
    ordered = order(given, marks)
    assert {each.essay_id for each in ordered} == {each.essay_id for each in given}
    assert len(ordered) == len(given)
    ranks = {Why.appeal: 0, Why.needs_review: 1, Why.failed: 1, Why.suspicious: 2, Why.second_look: 3, Why.unsure: 4}
    assert [ranks[each.why] for each in ordered] == sorted(ranks[each.why] for each in given)
