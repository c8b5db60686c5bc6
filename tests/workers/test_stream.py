from __future__ import annotations

import uuid
from typing import Any

import pytest

from grading import progress
from workers import stream
from workers.stream import Stream


@pytest.fixture
def published(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    monkeypatch.setattr(progress, "publish", lambda essay_id, kind, data: found.append(data))
    return found


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    now = [100.0]
    monkeypatch.setattr(stream.time, "monotonic", lambda: now[0])
    return now


def test_the_first_words_go_out_at_once(published: list[Any]) -> None:
    Stream(uuid.uuid4()).write("comments.ideas", "It")
    assert published == [{"field": "comments.ideas", "text": "It"}]


def test_later_words_are_merged_into_ten_events_a_second(published: list[Any], clock: list[float]) -> None:
    writing = Stream(uuid.uuid4())
    for _ in range(1000):  # ten seconds of a fast model
        writing.write("comments.ideas", "字")
        clock[0] += 0.01
    writing.flush()
    assert 90 <= len(published) <= 101
    assert "".join(event["text"] for event in published) == "字" * 1000


def test_words_of_two_fields_never_share_an_event(published: list[Any], clock: list[float]) -> None:
    writing = Stream(uuid.uuid4())
    for field, text in [("a", "1"), ("a", "2"), ("b", "3"), ("b", "4"), ("a", "5")]:
        writing.write(field, text)
    writing.flush()
    texts: dict[str, str] = {}
    for event in published:
        texts[event["field"]] = texts.get(event["field"], "") + event["text"]
    assert texts == {"a": "125", "b": "34"}


def test_a_reply_that_begins_anew_says_so_and_drops_what_was_not_sent(published: list[Any], clock: list[float]) -> None:
    writing = Stream(uuid.uuid4())
    for field, text in [("a", "old"), ("a", " words"), ("", ""), ("a", "new")]:
        writing.write(field, text)
    writing.flush()
    assert published == [
        {"field": "a", "text": "old"},
        {"field": "", "text": "", "restart": True},
        {"field": "a", "text": "new"},
    ]


def test_nothing_left_is_nothing_sent(published: list[Any]) -> None:
    Stream(uuid.uuid4()).flush()
    assert published == []
