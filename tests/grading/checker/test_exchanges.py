from __future__ import annotations

import pytest

from grading.checker.exchanges import Exchange, exchanges


def best(text: str) -> Exchange:
    return max(exchanges(text), key=lambda one: one.gain)


@pytest.mark.parametrize(
    ("text", "start", "end", "place", "meant", "far"),
    [
        ("我以前想要高诉你", 5, 7, 5, "告", False),
        ("我们坐功课", 2, 3, 2, "做", False),
        ("他的生体很好", 2, 4, 2, "身", False),
    ],
)
def test_the_best_exchange_is_what_was_meant(
    text: str, start: int, end: int, place: int, meant: str, far: bool
) -> None:
    one = best(text)
    assert (one.start, one.end, one.place, one.meant, one.far) == (start, end, place, meant, far)
    assert one.gain > 0


def test_whom_a_pronoun_means_is_not_asked() -> None:
    assert not [one for one in exchanges("她是我的爸爸，他是我的妈妈。") if one.meant in "他她它"]


def test_far_is_what_sounds_alike_in_a_word_only() -> None:
    assert best("我们非常害爸").far


def test_a_text_with_more_than_it_has_characters_has_them_all() -> None:
    text = "坐在再作做" * 40
    assert len(exchanges(text)) > 0
    assert exchanges(text + "。")[: len(exchanges(text))] == exchanges(text)


def test_what_has_no_slip_and_no_chinese_has_none() -> None:
    assert exchanges("") == exchanges("Only English here.") == []
