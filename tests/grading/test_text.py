from __future__ import annotations

import pytest

from grading.text import MAX_CHARACTERS, TextError, check, language_of


def refusal(text: str) -> TextError:
    with pytest.raises(TextError) as caught:
        check(text)
    return caught.value


@pytest.mark.parametrize(
    "text", ["a", "作文", "שלום עולם", "👩‍👩‍👧 e\u0301", "\ufeffBOM", "tab\t\r\nline", "a" * MAX_CHARACTERS]
)
def test_any_text_that_says_something_is_accepted(text: str) -> None:
    check(text)


@pytest.mark.parametrize("text", ["", "   ", "\n\t\u3000"])
def test_a_blank_text_is_refused(text: str) -> None:
    assert refusal(text).code == "empty"


def test_one_character_too_many_is_refused_with_both_figures() -> None:
    error = refusal("字" * (MAX_CHARACTERS + 1))
    assert error.code == "too_long"
    assert "20,001" in error.message
    assert "20,000" in error.message


def test_the_limit_counts_code_points_not_bytes() -> None:
    check("😀" * MAX_CHARACTERS)


def test_a_nul_character_is_refused_with_its_place() -> None:
    error = refusal("ab\0c")
    assert error.code == "nul"
    assert "Character 3" in error.message


def test_a_lone_surrogate_is_refused_with_its_place() -> None:
    error = refusal("a\ud800b")
    assert error.code == "surrogate"
    assert "Character 2" in error.message


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("行而知之，有行才有知。", "zh"),
        ("我喜欢看NBA和打basketball。", "zh"),
        ("My grandmother says 加油 when I am tired.", "en"),
        ("To be or not to be", "en"),
        ("12345", "en"),
    ],
)
def test_the_language_is_that_of_most_of_the_words(text: str, language: str) -> None:
    assert language_of(text) == language
