from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grading.copies.passages import overlap
from tests.grading.copies.examples import CHINESE, ENGLISH, OTHER, OTHER_CHINESE, taking

COPIED = "She said that a letter which takes three days to arrive is read three times"


def test_a_sentence_taken_over_is_found_to_the_character_in_both() -> None:
    start = ENGLISH.index(COPIED)
    copy = taking(OTHER, ENGLISH, start, start + len(COPIED))
    found = overlap(copy, ENGLISH)
    (passage,) = found.passages
    assert copy[passage.start : passage.end] == ENGLISH[passage.other_start : passage.other_end] == COPIED
    assert passage.tokens == found.tokens == 15
    assert found.is_flagged


def test_a_chinese_sentence_likewise() -> None:
    sentence = "她常说，走得慢的人看得见花开，跑得快的人只记得终点"
    start = CHINESE.index(sentence)
    copy = taking(OTHER_CHINESE, CHINESE, start, start + len(sentence))
    (passage,) = overlap(copy, CHINESE).passages
    assert copy[passage.start : passage.end] == CHINESE[passage.other_start : passage.other_end] == sentence


@pytest.mark.parametrize(("one", "other"), [(ENGLISH, OTHER), (CHINESE, OTHER_CHINESE), (ENGLISH, CHINESE)])
def test_essays_of_their_own_share_nothing(one: str, other: str) -> None:
    assert not overlap(one, other).is_flagged


def test_a_word_here_and_there_may_differ_and_so_may_case_and_punctuation() -> None:
    copy = f"{OTHER} she said that ONE letter which takes FOUR days to arrive - is read three times!"
    (passage,) = overlap(copy, ENGLISH).passages
    assert copy[passage.start : passage.end].startswith("she said that ONE letter")
    assert passage.tokens == 13


def test_sentences_that_were_moved_about_are_all_found() -> None:
    sentences = ENGLISH.split(". ")
    moved = ". ".join(reversed(sentences))
    found = overlap(moved, ENGLISH)
    assert len(found.passages) == len(sentences)
    assert found.share == pytest.approx(1)


def test_the_shares_are_of_each_of_the_two() -> None:
    found = overlap(ENGLISH, f"{ENGLISH} {OTHER}")
    assert found.share == pytest.approx(1)
    assert found.other_share < 0.7


def test_what_stands_in_the_task_is_no_copy() -> None:
    copy = f"{OTHER} {COPIED}."
    assert overlap(copy, ENGLISH).is_flagged
    assert not overlap(copy, ENGLISH, task=f"Discuss: “{COPIED}.”").is_flagged


def test_a_turn_of_phrase_that_everybody_uses_is_no_copy() -> None:
    assert not overlap(f"{OTHER} In my opinion I think that", f"{ENGLISH} In my opinion I think that").passages


def test_an_essay_that_says_the_same_over_and_over_does_not_take_for_ever() -> None:
    began = time.monotonic()
    overlap("the cat sat on the mat " * 900, "the cat sat on the mat " * 900)
    assert time.monotonic() - began < 20


texts = st.text(st.sampled_from("ab 人民.。\n"), max_size=60)


@given(one=texts, other=texts)
def test_passages_lie_in_both_texts_in_order_and_do_not_overlap(one: str, other: str) -> None:
    place = 0
    for passage in overlap(one, other).passages:
        assert place <= passage.start < passage.end <= len(one)
        assert 0 <= passage.other_start < passage.other_end <= len(other)
        place = passage.end
