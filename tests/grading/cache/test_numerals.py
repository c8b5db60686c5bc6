from __future__ import annotations

import pytest

from grading.cache.numerals import han_number, numbers


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("about 12,500 words, or 3.5 pages", ("12500", "3.5")),
        ("20k and 1.5 million", ("20000", "1500000")),
        ("three of twenty", ("3", "20")),
        ("1.2万字和三百字", ("12000", "300")),
        ("第二段写了两百零五个字", ("2", "205")),
        ("一万二千和二〇二六年", ("12000", "2026")),
        ("三点五分", ("3.5",)),
        ("一下子写了一个", ()),
        ("one might say", ()),
        ("十分好，万一不好", ()),
    ],
)
def test_numbers_of_both_languages_are_read_as_figures(text: str, expected: tuple[str, ...]) -> None:
    assert numbers(text) == expected


@pytest.mark.parametrize(
    ("text", "value"),
    [("十", 10), ("十五", 15), ("三百二十", 320), ("一亿两千万", 120_000_000), ("零点五", 0.5), ("〇", 0)],
)
def test_han_numbers(text: str, value: float) -> None:
    assert han_number(text) == value
