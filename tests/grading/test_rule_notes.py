from __future__ import annotations

import logging
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from grading import checker
from grading.rule_notes import MOST, rule_notes
from tests.corpus import chinese_essays, english_essays


def quotes(text: str, *beside: dict[str, Any]) -> list[str]:
    return [note["quote"] for note in rule_notes(text, beside)]


def models_note(text: str, quote: str, kind: str) -> dict[str, Any]:
    start = text.index(quote)
    return {"start": start, "end": start + len(quote), "quote": quote, "kind": kind, "comment": "", "found_by": "model"}


def test_a_finding_becomes_a_note_with_what_to_write_instead() -> None:
    (note,) = rule_notes("We recieved a letter.")
    assert note == {
        "start": 3,
        "end": 11,
        "quote": "recieved",
        "kind": "spelling",
        "comment": "“recieved” is in no dictionary. Did you mean “received”?",
        "found_by": "rule",
    }


@pytest.mark.parametrize(
    ("text", "comment"),
    [
        ("It was an test.", "Incorrect indefinite article. Better: “a”."),
        ("我们我们去学校。", "“我们”重复了。"),
        ("他晃然大悟。", "“晃然大悟”可能是“恍然大悟”的笔误。"),
    ],
)
def test_a_note_is_in_the_language_of_the_text_and_says_its_suggestion_once(text: str, comment: str) -> None:
    (note,) = rule_notes(text)
    assert note["comment"] == comment


@settings(deadline=None)
@given(st.lists(st.sampled_from(["teh ", "I has a dog. ", "我门", "因为因为", "the the ", "😀", "\r\n"])).map("".join))
def test_every_quote_is_what_stands_at_its_place(text: str) -> None:
    notes = rule_notes(text)
    assert all(text[note["start"] : note["end"]] == note["quote"] != "" for note in notes)
    assert notes == sorted(notes, key=lambda note: (note["start"], note["end"]))


def test_what_is_not_sure_is_not_told() -> None:
    assert [finding.kind for finding in checker.check("我们坐功课。")] == ["spelling"]
    assert rule_notes("我们坐功课。") == []


def test_the_same_slip_is_noted_once() -> None:
    assert quotes("Teh dog saw teh cat and teh recieved bird.") == ["Teh", "recieved"]


def test_a_page_is_not_swamped_and_keeps_what_helps_most() -> None:
    long = "We " + "walked and " * 40 + "rested. "
    slips = " ".join(f"The dog reciev{first}{second}d it." for first in "abcdef" for second in "ghijkl")
    notes = rule_notes(long + slips)
    assert len(notes) == MOST
    assert {note["kind"] for note in notes} == {"spelling"}
    assert [note["kind"] for note in rule_notes(long)] == ["sentence"]


def test_what_the_model_has_put_right_is_not_said_again() -> None:
    text = "We recieved a letter, and teh dog barked."
    assert quotes(text, models_note(text, "recieved", "spelling")) == ["teh"]
    assert quotes(text, models_note(text, "We recieved", "language")) == ["teh"]


def test_a_note_of_the_model_on_something_else_hides_nothing() -> None:
    text = "We recieved a letter, and teh dog barked."
    assert quotes(text, models_note(text, "recieved", "praise")) == ["recieved", "teh"]
    assert quotes(text, models_note(text, text, "language")) == ["recieved", "teh"]


def test_a_checker_that_fails_is_logged_and_costs_nothing_else(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fails(*arguments: Any, **options: Any) -> None:
        raise RuntimeError("Harper gave up")

    monkeypatch.setattr(checker, "check", fails)
    with caplog.at_level(logging.ERROR):
        assert rule_notes("We recieved a letter.") == []
    assert "Harper gave up" in caplog.text


def test_real_essays_get_a_handful_of_notes() -> None:
    for essays in (english_essays(20), chinese_essays(20)):
        assert all(len(rule_notes(text)) <= MOST for text in essays)
