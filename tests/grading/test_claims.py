from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grading.claims import Claim, checked, find
from grading.reply import Note, Reply

ENGLISH = 'Dear mayor,\nWe need a bus. It is far to the pool.\n\nMy friend asked: "Why not walk?" I said no!\n'
"""Two paragraphs after the greeting, five sentences, 20 words, a question, an exclamation, a quotation."""
CHINESE = "外婆家\n那年夏天，我住在外婆家。天气很热！\n外婆问：“你要吃西瓜吗？”我点点头。"
"""Two paragraphs under a title; 3 + 16 + 14 Han characters."""


def answer(comment: str = "Good.", **others: Any) -> Reply:
    return Reply(levels={}, comments={"ideas": comment}, notes=(), strengths=(), suggestions=(), **others)


def kept(remark: str, essay: str = ENGLISH) -> str:
    return checked(answer(remark), essay)[0].comments["ideas"]


@pytest.mark.parametrize(
    "remark",
    [
        "You have two paragraphs.",
        "Your essay has only 2 paragraphs, and they are short.",
        "Your three-paragraph essay is clear.",  # with the greeting
        "You wrote about 18 words.",
        "Your essay of 20 words is short.",
        "It is less than two hundred words long.",
        "There are five sentences in your essay.",
        "You have one question.",
        "There is one quotation in it.",
        "You have two sentences that could be joined.",
    ],
)
def test_what_is_counted_rightly_stays(remark: str) -> None:
    assert find(remark)
    assert kept(remark) == remark


@pytest.mark.parametrize(
    "remark",
    [
        "You have five paragraphs.",
        "Your essay is a single paragraph.",
        "Your 5-paragraph essay is clear.",
        "Your essay of 250 words is short.",
        "You wrote more than three hundred and fifty words.",
        "There are three questions in your essay.",
        "Your essay consists of twelve sentences.",
        "You have nine sentences that could be joined.",
        "You have less than ten words.",
    ],
)
def test_what_is_counted_wrongly_goes(remark: str) -> None:
    assert checked(answer(remark), ENGLISH) == (answer(""), 1)


@pytest.mark.parametrize(
    ("remark", "stays"),
    [
        ("你写了两段。", True),
        ("全文共分为三个自然段，结构清晰。", True),  # with the title
        ("全文不足100字，略短。", True),
        ("字数约三十字。", True),
        ("文章有一个问句。", True),
        ("文章由五段组成。", False),
        ("全文只有一段。", False),
        ("作文字数约八百字。", False),
        ("文章达到了六百字以上。", False),
        ("全文有三处引用。", False),
    ],
)
def test_chinese_counts_are_checked_too(remark: str, stays: bool) -> None:
    assert find(remark)
    assert kept(remark, CHINESE) == (remark if stays else "")


@pytest.mark.parametrize(
    "remark",
    [
        "Try to write two more paragraphs.",
        "You should have five paragraphs.",
        "If you have nine paragraphs, join some.",
        "Your first nine sentences are good.",
        "You give three examples.",
        "In one sentence you say it all.",
        "You have a strong first paragraph.",
        "建议全文写到800字以上。",
        "第五段写得好。",
        "你可以再写九段。",
        "你举了三个例子。",
    ],
)
def test_advice_parts_and_what_no_rule_can_count_are_left_alone(remark: str) -> None:
    assert find(remark) == []
    assert kept(remark) == remark


def test_only_the_sentence_with_the_false_count_goes() -> None:
    assert kept("It is clear. You have nine paragraphs, which is much. Go on!") == "It is clear. Go on!"
    assert kept("条理清楚。全文共九段，太多。继续努力！", CHINESE) == "条理清楚。继续努力！"


def test_a_note_or_advice_of_which_nothing_is_left_goes_and_all_is_counted() -> None:
    false = "You have nine paragraphs."
    good, bad = Note("far", "idea", "Yes."), Note("a bus", "idea", false)
    given = Reply({}, {"ideas": "Good."}, (bad, good), (false,), ("Why?", false))
    expected = Reply({}, {"ideas": "Good."}, (good,), (), ("Why?",))
    assert checked(given, ENGLISH) == (expected, 3)


@pytest.mark.parametrize(
    ("words", "number"),
    [("twelve", 12), ("twenty-five", 25), ("a hundred", 100), ("three hundred and fifty", 350), ("1,200", 1200)],
)
def test_number_words_are_read(words: str, number: int) -> None:
    assert find(f"Your essay has {words} words.") == [Claim("word", number)]


@pytest.mark.parametrize(
    ("words", "number"), [("两", 2), ("十二", 12), ("三百五十", 350), ("一千二百", 1200), ("80", 80)]
)
def test_chinese_numbers_are_read(words: str, number: int) -> None:
    assert find(f"全文共{words}字。") == [Claim("character", number)]


@given(st.text(max_size=80), st.text(max_size=80))
def test_what_holds_no_claim_is_never_touched(remark: str, essay: str) -> None:
    if not find(remark):
        assert kept(remark, essay) == remark


@given(st.integers(1, 12))
def test_the_number_of_paragraphs_is_always_true(count: int) -> None:
    essay = "\n\n".join(["This is a paragraph that ends with a stop."] * count)
    for number in range(1, 15):
        remark = f"You have {number} paragraphs."
        assert kept(remark, essay) == (remark if number == count else "")
