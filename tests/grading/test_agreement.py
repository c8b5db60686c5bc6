"""grading/agreement.py: measured against tables worked out by hand."""

from __future__ import annotations

import gzip
import json
from itertools import product

import numpy as np
import pytest

from grading.agreement import agreement, qwk
from tests.corpus import SHARED


def by_tables(reference: list[int], marks: list[int]) -> float:
    """Cohen's definition word by word, with its tables."""
    scale = range(min(reference + marks), max(reference + marks) + 1)
    observed = expected = 0.0
    for i, j in product(scale, scale):
        weight = (i - j) ** 2 / (len(scale) - 1) ** 2
        observed += weight * sum((a, b) == (i, j) for a, b in zip(reference, marks, strict=True))
        expected += weight * reference.count(i) * marks.count(j) / len(marks)
    return 1 - observed / expected


def test_kappa_of_four_essays_worked_out_by_hand() -> None:
    # Reference 1 2 3 4, marks 1 2 3 3. Σ w·O = 1/9. Counts 1 1 1 1 and 1 1 2 0, so Σ w·E = (1/9) · (1/4) ·
    # [row 1: 0+1+8, row 2: 1+0+2, row 3: 4+1+0, row 4: 9+4+2] = 32/36.
    assert qwk([1, 2, 3, 4], [1, 2, 3, 3]) == pytest.approx(1 - (1 / 9) / (32 / 36))  # 0.875


def test_full_agreement_is_one_chance_nought_and_the_reverse_minus_one() -> None:
    assert qwk([1, 2, 3], [1, 2, 3]) == 1
    assert qwk([1, 1, 2, 2], [1, 2, 1, 2]) == 0
    assert qwk([1, 2, 3], [3, 2, 1]) == -1


def test_the_short_way_is_cohens_definition() -> None:
    random = np.random.default_rng(1)
    for _ in range(20):
        reference = random.integers(0, 6, 40).tolist()
        marks = random.integers(1, 9, 40).tolist()
        assert qwk(reference, marks) == pytest.approx(by_tables(reference, marks))


def test_a_generous_rater_agrees_less_though_the_order_is_the_same() -> None:
    assert qwk([1, 2, 3, 4], [3, 4, 5, 6]) == pytest.approx(1 - 4 / (1.25 + 1.25 + 4))
    assert agreement([1, 2, 3, 4], [3, 4, 5, 6]).bias == 2


def test_exact_adjacent_and_mean_error() -> None:
    found = agreement([1, 2, 3, 4], [1, 3, 3, 2])
    assert (found.essays, found.exact, found.adjacent, found.mean_error) == (4, 0.5, 0.75, 0.75)
    assert found.bias == -0.25
    assert found.to_json()["exact"] == 0.5


def test_a_half_is_rounded_upwards_whether_the_step_below_is_even_or_odd() -> None:
    found = agreement([2, 3], [1.5, 2.5])
    assert (found.exact, found.mean_error) == (1, 0.5)


def test_where_nothing_varies_there_is_no_kappa() -> None:
    assert qwk([3, 3], [3, 3]) is None
    assert qwk([3, 3], [4, 4]) == 0  # they disagree, and always as chance would have it
    assert agreement([3, 3], [3, 3]).to_json()["qwk"] is None


@pytest.mark.parametrize(
    ("reference", "marks", "words"),
    [([], [], "no marks"), ([1, 2], [1], "2 marks"), ([1, 2], [1, float("nan")], "no number")],
)
def test_what_cannot_be_compared_is_refused(reference: list[float], marks: list[float], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        agreement(reference, marks)


@pytest.mark.skipif(not (SHARED / "asap_dev.jsonl.gz").exists(), reason="no shared data")
@pytest.mark.parametrize(("prompt", "published"), [(1, 0.721), (2, 0.814), (4, 0.851), (7, 0.721)])
def test_the_two_raters_of_asap_agree_as_published(prompt: int, published: float) -> None:
    with gzip.open(SHARED / "asap_dev.jsonl.gz", "rt", encoding="utf-8") as lines:
        essays = [essay for essay in map(json.loads, lines) if essay["prompt_id"] == prompt]
    first, second = ([essay[rater] for essay in essays] for rater in ("rater1", "rater2"))
    assert qwk(first, second) == pytest.approx(published, abs=0.0006)
