from __future__ import annotations

import pytest

from grading.cache.check import RULES, THRESHOLD, best, certainty, leftover, objection, refusal
from grading.cache.reading import read


def reason(a: str, b: str) -> str | None:
    found = refusal(read(a), read(b))
    assert found == refusal(read(b), read(a)), "the check is symmetric"
    return found


@pytest.mark.parametrize(
    ("a", "b", "rule"),
    [
        ("What does 字 mean?", "字是什么意思？", "language"),
        ("为什么呢？", "为什么要分段？", "empty"),
        ("How do I write 300 words?", "How do I write 500 words?", "numbers"),
        ("How do I get from 3 to 5?", "How do I get from 5 to 3?", "numbers"),
        ("Are three paragraphs enough?", "Are five paragraphs enough?", "numbers"),
        ("要写三百字吗", "要写五百字吗", "numbers"),
        ("31除以七", "31除以二", "numbers"),
        ("为什么扣了2分", "为什么扣了两百分", "numbers"),
        ("Why is my essay good?", "Why is my essay not good?", "negation"),
        ("Can I use dialogue?", "Can't I use dialogue?", "negation"),
        ("可以写诗歌吗", "不可以写诗歌吗", "negation"),
        ("作文为什么有分", "作文为什么没有分", "negation"),
        ("Who is Lu Xun in the text?", "Who is Lao She in the text?", "names"),
        ("文中的tom是谁", "文中的jack是谁", "names"),
        ("Why do I need a thesis?", "How do I need a thesis?", "asks"),
        ("Should I cite the source?", "Will I cite the source?", "asks"),
        ("Where is the conclusion?", "What is the conclusion?", "asks"),
        ("Who was the author?", "Who is the author?", "asks"),
        ("为什么要写提纲", "如何写提纲", "asks"),
        ("什么时候交作文", "在哪里交作文", "asks"),
        ("这篇作文要写提纲", "这篇作文要写提纲吗", "asks"),
        ("Does the dog bite the man?", "Does the man bite the dog?", "roles"),
        ("How does speech change thought?", "How does thought change speech?", "roles"),
        ("Is Rome loved by Paris?", "Does Rome love Paris?", "roles"),
        ("How do I change from past to present?", "How do I change past to present?", "roles"),
        ("老师为什么表扬学生", "学生为什么表扬老师", "roles"),
        ("你为什么批评我", "我为什么批评你", "roles"),
        ("他比我写得好吗", "我比他写得好吗", "roles"),
        ("What is the function of TV?", "What is the function of money?", "words"),
        ("What are types of caching?", "What are types of server caching?", "words"),
        ("How do I raise my mark?", "How do I lower my mark?", "words"),
        ("怎么写开头", "怎么写结尾", "words"),
        ("作文的优点是什么", "作文的缺点是什么", "words"),
    ],
)
def test_each_rule_refuses_what_vectors_overlook(a: str, b: str, rule: str) -> None:
    assert reason(a, b) in ({rule} | ({"names"} if rule in ("words", "roles") else set()))


def test_every_rule_is_shown_above() -> None:
    marks = test_each_rule_refuses_what_vectors_overlook.pytestmark  # type: ignore[attr-defined]
    assert {case[2] for case in marks[0].args[1]} == {*RULES}


@pytest.mark.parametrize(
    ("a", "b"),
    [
        ("How can I write a good essay?", "How do I write a good essay?"),
        ("How do you set up a thesis?", "What is a good way to set up a thesis?"),
        ("What's the difference between a thesis and a topic?", "What is the difference between a thesis and a topic?"),
        ("Why is my essay's mark low?", "Why is my essays mark low?"),
        ("Are five paragraphs enough?", "Are 5 paragraphs enough?"),
        ("What is the favourite colour of the author?", "What is the favorite color of the author?"),
        ("How long should the essay be?", "How long should an essay be?"),
        ("What are the best apps for education?", "What are the best educational apps?"),
        ("怎么写好开头", "如何写好开头呢？"),
        ("请问作文要写多少字", "作文要写多少字啊"),
        ("可不可以写诗歌", "可以写诗歌吗"),
        ("要写三百字吗", "要写300字吗"),
        ("为什么扣分了", "为啥扣分了"),
        ("妈妈的作文在哪里", "妈妈的作文在哪儿"),
    ],
)
def test_what_is_put_in_other_small_words_is_the_same_question(a: str, b: str) -> None:
    assert reason(a, b) is None


def test_forms_of_one_word_are_one_and_words_that_only_begin_alike_are_two() -> None:
    assert leftover(read("What is education?"), read("What is educational?")) == ([], [])
    assert any(leftover(read("What is a comma?"), read("What is a command?")))


def test_a_pair_is_the_surer_the_closer_its_vectors_lie_and_sure_when_they_are_the_same() -> None:
    for language, even in (("en", 0.992), ("zh", 0.98)):
        assert certainty(language, 1.0) == 1.0  # type: ignore[arg-type]
        assert certainty(language, even) == pytest.approx(THRESHOLD)  # type: ignore[arg-type]
        assert certainty(language, even - 0.01) < THRESHOLD  # type: ignore[arg-type]


def test_the_same_text_wins_whatever_lies_closer() -> None:
    found = best("How long?", [("How long is it?", 0.999), ("How  long?", 0.99)])
    assert found is not None
    assert (found.place, found.certainty) == (1, 1.0)


def test_of_several_that_will_do_the_closest_does_and_one_too_far_never() -> None:
    asked = "How do I write a thesis?"
    found = best(
        asked, [("Why write a thesis?", 0.999), ("How can I write a thesis?", 0.998), ("How to write a thesis?", 0.97)]
    )
    assert found is not None
    assert found.place == 1
    assert best(asked, [("How can I write a thesis?", 0.94)]) is None


def test_beside_its_own_reversal_a_question_is_answered_by_its_very_text_alone() -> None:
    asked = "Why does the dog bite the man?"
    reversal, same = ("Why does the man bite the dog?", 0.999), ("Why did the dog bite a man?", 0.998)
    near = ("Why does a dog bite the man?", 0.998)
    assert best(asked, [near]) is not None
    assert best(asked, [reversal, near, same]) is None
    assert best(asked, [reversal, (asked, 1.0)]) is not None


def test_of_two_that_would_both_do_neither_is_served() -> None:
    asked, one, other = (
        "How do I write a thesis?",
        ("How can I write a thesis?", 0.998),
        ("How to write a thesis?", 0.997),
    )
    assert best(asked, [one]) is not None
    assert best(asked, [one, other]) is None
    assert best(asked, [one, one]) is not None  # the same entry of two askers


def test_in_a_crowd_of_close_questions_only_the_same_words_will_do() -> None:
    asked, other_words, same_words = "花呗怎么还款", ("花呗怎么还款呢", 0.99), ("花呗，如何还款？", 0.985)
    crowd, room = [("花呗怎么开通", 0.94)] * 7, [("花呗怎么开通", 0.90)] * 7
    assert best(asked, [other_words, *room]) is not None
    assert best(asked, [other_words, *crowd]) is None
    assert best(asked, [other_words, *crowd[1:]]) is not None  # seven in all are no crowd yet
    assert best(asked, [same_words, *crowd]) is not None


def test_an_essay_is_only_ever_answered_by_itself() -> None:
    essay = "How do I write? " * 50
    assert best(essay, [(essay.replace("do", "can"), 0.9999)]) is None
    assert best(essay, [(essay, 1.0)]) is not None


def test_odd_text_is_compared_without_fault() -> None:
    for odd in ("", "?", "！！", "\ud800", "9" * 400, "²½Ⅻ", "点", "亿", "a" * 599, "一点五", "🙂"):
        best(odd, [("How do I write?", 0.99), (odd + "?", 0.99)])


@pytest.mark.parametrize(
    ("near", "why"),
    [
        ([("Is one page enough?", 0.94)], None),
        ([("Are five pages enough?", 0.97), ("Is one page enough?", 0.96)], "numbers"),
        ([("Is a page enough? " * 60, 0.97)], "long"),
        ([("Are two pages plenty?", 0.96)], "words"),
        ([("Are the two pages enough?", 0.951)], "doubt"),
    ],
)
def test_what_speaks_against_the_nearest_is_said(near: list[tuple[str, float]], why: str | None) -> None:
    asked = "Are two pages enough?"
    found = best(asked, near)
    assert found is None or found.certainty < THRESHOLD
    assert objection(asked, near) == why
