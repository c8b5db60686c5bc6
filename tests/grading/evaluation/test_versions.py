from __future__ import annotations

import numpy as np
import pytest

from grading.calibration.sample import Scale
from grading.engines.engine import Usage
from grading.evaluation.assignments import Assignment
from grading.evaluation.labelled import Essay
from grading.evaluation.opinions import Opinion
from grading.evaluation.versions import compare, difference
from grading.prompts.library import find

V1, COMPACT = find("grade/en/v1"), find("grade/en/compact")
TRUTH = np.array([1.0, 2, 3, 4, 5] * 12)
NOISE = np.random.default_rng(0).integers(-2, 3, len(TRUTH))


def an_assignment(name: str = "a", count: int = 60) -> Assignment:
    essays = tuple(Essay(line, f"{line}", "Text.", TRUTH[line]) for line in range(count))
    return Assignment(name, "en", "", Scale(0, 6), essays, TRUTH[:count])


def said(marks: np.ndarray, prompt_tokens: int, model: str = "m") -> dict[str, Opinion]:
    return {
        str(place): Opinion((mark,), float(mark), False, None, 0.002, Usage(prompt_tokens, 0, 50), model)
        for place, mark in enumerate(marks)
    }


def test_tokens_cost_and_quality_stand_side_by_side() -> None:
    found = compare(
        [an_assignment()],
        [V1, COMPACT],
        {V1.id: {"a": said(TRUTH, 900)}, COMPACT.id: {"a": said(np.clip(TRUTH + NOISE, 0, 6), 500)}},
    )
    first, second = found.versions
    assert (found.task, found.language, found.models, found.asked, found.essays) == ("grade", "en", ("m",), 60, 60)
    assert (first.id, first.hash, first.tokens, first.qwk, first.difference) == (V1.id, V1.hash, V1.tokens, 1, None)
    assert (first.prompt_tokens, second.prompt_tokens, second.completion_tokens) == (900, 500, 50)
    assert second.cost_1000_usd == pytest.approx(2)
    assert second.difference is not None
    assert second.qwk == pytest.approx(1 + second.difference.qwk, abs=1e-3)
    assert second.difference.low < second.difference.qwk < second.difference.high < 0


def test_only_essays_that_every_version_has_graded_are_compared() -> None:
    some = {name: opinion for name, opinion in said(TRUTH, 900).items() if int(name) < 40}
    found = compare([an_assignment()], [V1, COMPACT], {V1.id: {"a": said(TRUTH, 900)}, COMPACT.id: {"a": some}})
    assert (found.essays, found.versions[0].failed, found.versions[1].failed) == (40, 0, 20)


def test_with_several_assignments_the_kappa_is_the_mean_of_theirs() -> None:
    noisy = np.clip(TRUTH + NOISE, 0, 6)
    parts = [an_assignment("a"), an_assignment("b")]
    (one,) = compare(parts, [V1], {V1.id: {"a": said(TRUTH, 1), "b": said(noisy, 1)}}).versions
    (alone,) = compare(parts[1:], [V1], {V1.id: {"b": said(noisy, 1)}}).versions
    assert alone.qwk is not None
    assert one.qwk == pytest.approx((1 + alone.qwk) / 2, abs=1e-4)


def test_nothing_graded_is_nothing_known() -> None:
    found = compare([an_assignment()], [V1, COMPACT], {V1.id: {"a": said(TRUTH, 1)}, COMPACT.id: {"a": {}}})
    assert (found.essays, found.versions[1].qwk, found.versions[1].difference) == (0, None, None)


def test_the_same_marks_differ_by_nothing_and_chance_is_within_the_interval() -> None:
    one = difference([(TRUTH, TRUTH + NOISE, TRUTH + NOISE)])
    assert one is not None
    assert (one.low, one.qwk, one.high) == (0, 0, 0)
    other = difference([(TRUTH, TRUTH + NOISE, TRUTH + np.random.default_rng(5).permutation(NOISE))])
    assert other is not None
    assert other.low < 0 < other.high


def test_the_interval_of_paired_essays_holds_the_truth_as_often_as_it_says() -> None:
    """Two equally noisy graders: nought should lie inside in about 95 of 100 samples."""
    random = np.random.default_rng(1)
    inside = 0
    for _ in range(100):
        truth = random.integers(0, 7, 60).astype(float)
        marks = [np.clip(truth + random.integers(-1, 2, 60), 0, 6) for _ in range(2)]
        found = difference([(truth, *marks)])
        inside += found is not None and found.low <= 0 <= found.high
    assert 0.88 <= inside / 100 <= 1


def test_without_a_kappa_there_is_no_difference() -> None:
    same = np.full(10, 3.0)
    assert difference([(same, same, same)]) is None
    assert difference([]) is None
