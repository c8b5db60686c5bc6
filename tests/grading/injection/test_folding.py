from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from grading.injection.folding import disguised, fold


def test_letters_are_what_they_look_like() -> None:
    assert fold("ＩＧＮＯＲＥ  the_rules").text == "ignore the rules"
    assert fold("ign\u043ere").text == "ignore"
    assert fold("ig\u200bnore").text == "ignore"
    assert fold("".join(chr(0xE0000 + ord(letter)) for letter in "Hi you")).text == "hi you"


def test_russian_and_greek_words_stay_what_they_are() -> None:
    assert fold("Хорошо и λόγος").text == "хорошо и λόγοσ"
    assert disguised("Хорошо и λόγος, 中文 and English") == []
    assert disguised("a p\u0430ss word") == [(2, 6)]


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_every_letter_knows_where_it_came_from(text: str) -> None:
    folded = fold(text)
    assert len(folded.origin) == len(folded.text)
    assert list(folded.origin) == sorted(folded.origin)
    assert all(0 <= place < len(text) for place in folded.origin)
