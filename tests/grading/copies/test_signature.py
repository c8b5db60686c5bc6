from __future__ import annotations

import uuid

import pytest

from grading.copies.signature import AGREE, FUNCTIONS, signature
from tests.grading.copies.examples import CHINESE, ENGLISH, OTHER, OTHER_CHINESE, taking

CLASS = uuid.UUID(int=7)


def agreeing(one: str, other: str, *, other_class: uuid.UUID = CLASS, task: str = "") -> int:
    return len(set(signature(one, CLASS, task)) & set(signature(other, other_class, task)))


@pytest.mark.parametrize("text", [ENGLISH, CHINESE])
def test_the_same_words_agree_in_everything(text: str) -> None:
    assert agreeing(text, text) == FUNCTIONS
    assert agreeing(text, text.upper().replace("，", " ")) == FUNCTIONS


@pytest.mark.parametrize(("text", "source"), [(OTHER, ENGLISH), (OTHER_CHINESE, CHINESE)])
def test_a_part_that_was_taken_over_makes_a_candidate_and_nothing_else_does(text: str, source: str) -> None:
    assert agreeing(taking(text, source, 0, len(source) // 3), source) >= AGREE
    assert agreeing(text, source) < AGREE


def test_essays_of_two_classes_agree_in_nothing() -> None:
    assert agreeing(ENGLISH, ENGLISH, other_class=uuid.UUID(int=8)) == 0


def test_quoting_the_task_is_no_likeness() -> None:
    quote = "write about a person whom you have known for many years and what you learned from them"
    assert agreeing(f"{OTHER} {quote}", f"{ENGLISH} {quote}") >= AGREE
    assert agreeing(f"{OTHER} {quote}", f"{ENGLISH} {quote}", task=f"Please {quote}.") < AGREE


def test_an_essay_too_short_for_a_shingle_has_no_numbers() -> None:
    assert signature("Too short.", CLASS, "") == signature("太短", CLASS, "") == []


def test_numbers_fit_in_a_column_of_integers() -> None:
    assert all(-(2**31) <= number < 2**31 for number in signature(ENGLISH, CLASS, ""))
