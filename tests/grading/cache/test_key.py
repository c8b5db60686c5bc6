from __future__ import annotations

from dataclasses import replace

import pytest

from grading.cache.key import Key

KEY = Key("ask", "class:1", {"task": "ask", "model": "small"}, "作文要写多少字？", frozenset({"assignment:1"}), True)


def test_the_same_question_has_the_same_key_whatever_the_order_of_its_parts() -> None:
    again = replace(KEY, parts={"model": "small", "task": "ask"})
    assert (again.digest, again.bucket) == (KEY.digest, KEY.bucket)


@pytest.mark.parametrize(
    "other",
    [
        {"scope": "class:2"},
        {"kind": "static"},
        {"parts": {"task": "ask", "model": "large"}},
        {"parts": {"task": "ask", "model": "small", "rubric": "2"}},
    ],
    ids=["scope", "kind", "model", "rubric"],
)
def test_another_scope_kind_or_part_is_another_key_and_another_bucket(other: dict[str, object]) -> None:
    different = replace(KEY, **other)  # type: ignore[arg-type]
    assert different.digest != KEY.digest
    assert different.bucket != KEY.bucket


def test_another_text_is_another_key_in_the_same_bucket() -> None:
    different = replace(KEY, text="作文要写多少字? ")
    assert different.digest != KEY.digest
    assert different.bucket == KEY.bucket


def test_no_text_passes_for_a_part() -> None:
    one = Key("ask", "user:1", {"a": "b"}, 'c"], "d')
    other = Key("ask", "user:1", {"a": 'b"]], "c'}, "d")
    assert one.digest != other.digest
