"""grading/checker: what holds of every finding, in either language."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from grading.checker import Finding, check
from grading.text import Language
from tests.corpus import chinese_essays, english_essays

WORDS = ["teh ", "I has a dog. ", "我门", "在也不", "因为因为", "the the ", "שלום ", "…"]
MARKS = ["😀", "👩\u200d👧", "\u202e", "\r\n", "e\u0301", "𠀀"]
texts = st.text() | st.lists(st.sampled_from(WORDS + MARKS) | st.text(max_size=5)).map("".join)


def holds(text: str, findings: list[Finding]) -> None:
    apart = [finding for finding in findings if finding.kind != "sentence"]
    for finding in findings:
        assert 0 <= finding.start < finding.end <= len(text)
        assert text[finding.start : finding.end].strip()
        assert finding.message
        assert finding.suggestion != text[finding.start : finding.end]
    assert all(one.end <= next_.start for one, next_ in pairwise(apart))


@settings(deadline=None)
@given(texts, st.sampled_from(["zh", "en", None]))
def test_any_text_can_be_checked_and_every_place_is_exact(text: str, language: Language | None) -> None:
    holds(text, check(text, language))


@pytest.mark.parametrize("piece", ["a", "我", "I ", "我门", "the the ", "😀", " ", "x\n", "真的吗？！", "'"])
def test_a_text_of_20_000_characters_can_be_checked(piece: str) -> None:
    text = (piece * 20_000)[:20_000]
    holds(text, check(text))


def test_real_essays_are_mostly_right() -> None:
    for text in english_essays(10) + chinese_essays(10):
        found = check(text)
        holds(text, found)
        assert len(found) < len(text) / 20


def test_threads_may_check_at_once() -> None:
    essays = english_essays(8) + chinese_essays(8)
    alone = [check(text) for text in essays]
    with ThreadPoolExecutor(8) as threads:
        assert list(threads.map(check, essays)) == alone


def test_each_language_is_told_in_itself() -> None:
    (english,) = check("She likes the the dog.")
    (chinese,) = check("我们我们去学校。")
    assert (english.kind, english.message) == ("repetition", "“the” stands here twice.")
    assert (chinese.kind, chinese.message) == ("repetition", "“我们”重复了。")


def test_a_finding_is_kept_as_json() -> None:
    assert Finding(1, 4, "spelling", "Why.", "the").to_json() == {
        "start": 1,
        "end": 4,
        "kind": "spelling",
        "message": "Why.",
        "suggestion": "the",
        "sure": True,
    }
