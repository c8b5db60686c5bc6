from __future__ import annotations

import pytest

from grading.checker import style
from grading.checker.finding import Finding
from grading.segmentation import sentences
from grading.text import Language, language_of


def repeated(text: str) -> list[tuple[str, str | None]]:
    found = style.repeated(text, sentences(text), language_of(text))
    return [(text[one.start : one.end], one.suggestion) for one in found]


def overlong(text: str, language: Language) -> list[Finding]:
    return style.overlong(sentences(text), language)


@pytest.mark.parametrize(
    "text",
    ["I know that that is true.", "It was very very good.", "It is his, his own.", "慢慢看看，高兴高兴。"],
)
def test_what_a_language_doubles_is_no_slip(text: str) -> None:
    assert repeated(text) == []


@pytest.mark.parametrize(("text", "twice"), [("He saw The the dog.", "The the"), ("他的的书。", "的的")])
def test_a_word_that_no_grammar_doubles_is_a_slip(text: str, twice: str) -> None:
    assert repeated(text) == [(twice, twice[: len(twice) // 2].strip())]


def test_a_sentence_that_comes_again_is_told_at_its_second_place() -> None:
    text = "I like my school a lot. It is big. I like my school a lot."
    assert repeated(text) == [("I like my school a lot.", None)]
    assert style.repeated(text, sentences(text), "en")[0].start == text.rindex("I like")


def test_a_refrain_of_few_words_may_come_again() -> None:
    assert repeated("Thank you all! I was glad. Thank you all!") == []


@pytest.mark.parametrize(("language", "word"), [("en", "word "), ("zh", "学校")])
def test_a_sentence_of_too_many_words_is_told(language: Language, word: str) -> None:
    longest = style.LONGEST[language]
    assert overlong(word * longest + ".", language) == []
    (found,) = overlong(word * (longest + 1) + ".", language)
    assert (found.start, found.kind) == (0, "sentence")
    assert str(longest + 1) in found.message
