from __future__ import annotations

from math import exp

from grading.checker.bigrams import bigrams


def likelihood(first: str, second: str) -> tuple[float, bool]:
    model = bigrams()
    return model.after(model.numbers[first], model.numbers[second])


def test_what_people_say_is_likelier_than_what_they_do_not() -> None:
    assert likelihood("坐", "飞机") > likelihood("做", "飞机")
    assert likelihood("我", "在") > likelihood("我", "再")


def test_a_pair_that_was_never_seen_is_as_likely_as_its_second_word_after_this_first() -> None:
    model = bigrams()
    chance, seen = likelihood("跳", "无")
    assert not seen
    assert chance < model.alone[model.numbers["无"]]


def test_nothing_was_seen_before_a_text_begins() -> None:
    model = bigrams()
    number = model.numbers["我们"]
    assert model.after(model.begin, number) == (model.alone[number], False)


def test_probabilities_after_a_word_sum_to_no_more_than_one() -> None:
    model = bigrams()
    first = model.numbers["飞机"]
    total = sum(exp(model.after(first, second)[0]) for second in range(len(model.numbers)))
    assert 0.7 < total < 1.05
