from __future__ import annotations

import pytest

from grading.injection import hidden


@pytest.mark.parametrize(
    ("character", "name"),
    [
        ("\u200b", "ZERO WIDTH SPACE"),
        ("\u202e", "RIGHT-TO-LEFT OVERRIDE"),
        ("\U000e0041", "TAG A"),
        ("\U000e0001", "LANGUAGE TAG"),
        ("\u2064", "INVISIBLE PLUS"),
    ],
)
def test_hidden_characters_have_names(character: str, name: str) -> None:
    assert hidden.HIDDEN.fullmatch(character)
    assert hidden.name(character) == name


@pytest.mark.parametrize("text", ["👩‍🚀", "❤️", "1️⃣", "🏴󠁧󠁢󠁳󠁣󠁴󠁿", "می‌خواهم", "क्‍ष", "\ufeffA", "葛\U000e0100城"])
def test_what_belongs_to_emoji_and_scripts_is_not_hidden(text: str) -> None:
    assert hidden.places(text) == []


def test_what_was_left_by_copying_is_hidden_but_not_suspicious() -> None:
    text = "One\u200b word,\u00ad and an\u00adother."
    assert hidden.places(text) == [3, 10, 18]
    assert hidden.smuggled(text) == []


@pytest.mark.parametrize(
    ("text", "places"),
    [
        ("fu\u200bll", [2]),
        ("a\u200b\u200b\u200b b", [1, 2, 3]),
        ("a \u202eb", [2]),
        ("a \U000e0041", [2]),
        ("a\u200b b\u200b c\u200b d\u200b", [1, 4, 7, 10]),
    ],
)
def test_what_looks_put_there_is_suspicious(text: str, places: list[int]) -> None:
    assert hidden.smuggled(text) == places


def test_direction_may_be_turned_in_hebrew() -> None:
    assert hidden.smuggled("שלום \u202aabc\u202c") == []
