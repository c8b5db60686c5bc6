from __future__ import annotations

import pytest

from grading.ask.difficulty import WEIGHTS, measure
from settings import Settings

SIMPLE_BELOW, COMPLEX_FROM = (Settings.model_fields[name].default for name in ("simple_below", "complex_from"))


@pytest.mark.parametrize(
    "question",
    [
        "When is the deadline?",
        "How many words?",
        "What does “ideas” mean in the rubric?",
        "要写多少字？",
        "题目是什么意思？",
    ],
)
def test_what_only_looks_something_up_is_simple(question: str) -> None:
    assert measure(question, essay=False).score < SIMPLE_BELOW


@pytest.mark.parametrize(
    "question",
    [
        "Why did my language get fewer points than my ideas, and how could I improve the second paragraph?",
        "Can you explain why the ending is weak, and how should I revise it so that it fits the beginning better?",
        "为什么我的语言得分比立意低？怎样修改第二段，才能让它和开头更好地衔接起来？",
    ],
)
def test_what_wants_reasons_for_marks_and_ways_out_is_hard(question: str) -> None:
    assert measure(question, essay=True).score >= COMPLEX_FROM


def test_the_score_stays_between_0_and_1_and_grows_with_every_part() -> None:
    assert sum(WEIGHTS.values()) == pytest.approx(1)
    least, most = measure("", essay=False), measure("Why? How can I improve? Compare, explain! " * 50, essay=True)
    assert 0 <= least.score < 0.1
    assert most.score == pytest.approx(1)
    assert measure("Why?", essay=True).score > measure("Why?", essay=False).score
