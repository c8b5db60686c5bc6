from __future__ import annotations

import json
from collections import defaultdict
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grading.reply import schema
from grading.streaming import StreamingReply
from tests.grading.examples import RUBRIC, as_text, reply
from tests.grading.test_reply import admitted


def streamed(chunks: list[str]) -> dict[str, str]:
    """The joined text of every field."""
    stream = StreamingReply()
    texts: dict[str, str] = defaultdict(str)
    for chunk in chunks:
        for field, text in stream.feed(chunk):
            assert text
            texts[field] += text
    return dict(texts)


def readable(obj: dict[str, Any]) -> dict[str, str]:
    fields = {f"comments.{key}": text for key, text in obj["comments"].items()}
    for name in ("strengths", "suggestions"):
        fields |= {f"{name}.{index}": text for index, text in enumerate(obj[name])}
    return fields


def cut(text: str, places: list[int]) -> list[str]:
    edges = [0, *sorted(place % (len(text) + 1) for place in places), len(text)]
    return [text[start:end] for start, end in pairwise(edges)]


@given(
    obj=admitted(schema(RUBRIC, "en")),
    escaped=st.booleans(),
    indent=st.sampled_from([None, 1]),
    places=st.lists(st.integers(0, 10_000), max_size=30),
)
def test_the_same_text_comes_out_however_the_reply_is_cut(
    obj: dict[str, Any], escaped: bool, indent: int | None, places: list[int]
) -> None:
    text = json.dumps(obj, ensure_ascii=escaped, indent=indent)
    assert streamed(cut(text, places)) == readable(obj)


@given(obj=admitted(schema(RUBRIC, "en")), escaped=st.booleans())
def test_one_character_at_a_time_is_as_good_as_all_at_once(obj: dict[str, Any], escaped: bool) -> None:
    text = json.dumps(obj, ensure_ascii=escaped)
    assert streamed(list(text)) == streamed([text]) == readable(obj)


def test_words_come_out_as_soon_as_they_are_there() -> None:
    stream = StreamingReply()
    stream.feed('{"levels": {"ideas": 4, "language": 2}, "comments": {"ideas": "You na')
    assert stream.feed("me a bus") == [("comments.ideas", "me a bus")]


def test_one_delta_may_end_a_field_and_begin_the_next() -> None:
    stream = StreamingReply()
    stream.feed('{"comments": {"ideas": "Go')
    assert stream.feed('od.", "language": "Pl') == [("comments.ideas", "od."), ("comments.language", "Pl")]


@pytest.mark.parametrize("at", range(1, 12))
def test_an_escaped_emoji_may_be_cut_anywhere(at: int) -> None:
    emoji = r"\ud83d\ude00"
    head, tail = '{"strengths": ["', '!"]}'
    assert streamed([head, emoji[:at], emoji[at:], tail]) == {"strengths.0": "😀!"}


def test_levels_and_quotes_are_not_shown_before_they_are_checked() -> None:
    fields = streamed([as_text(reply())])
    assert not any(field.startswith(("levels", "annotations")) for field in fields)


@given(st.lists(st.text(st.sampled_from('{}[]",:\\u0dDabce89 x\n'), max_size=30), max_size=10))
def test_nonsense_never_raises(chunks: list[str]) -> None:
    streamed(chunks)


@pytest.mark.parametrize("escape", [r"\ud83d and so on and on", r"\uZZZZ and so on and on", r"\x41 and so on"])
def test_where_a_reply_goes_wrong_it_ends(escape: str) -> None:
    assert streamed(['{"strengths": ["Good', escape, '", "more"]}']) == {"strengths.0": "Good"}
