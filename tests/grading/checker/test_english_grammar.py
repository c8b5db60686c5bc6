from __future__ import annotations

import pytest

from grading.checker import Finding, check, english, english_grammar, proofread
from grading.segmentation import sentences


def faults(text: str) -> list[str]:
    return [text[one.start : one.end] for one in english_grammar.check(text, sentences(text))]


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("He will went home.", "will went"),
        ("This is more better.", "more better"),
        ("She ate an banana.", "an banana"),
        ("It rained, and he want to go.", "he want"),
        ("He has many friend.", "many friend"),
        ("And i agree.", "i"),
        ("the sun shines.", "the"),
    ],
)
def test_slips_of_learners_are_told(text: str, fault: str) -> None:
    assert faults(text) == [fault]


@pytest.mark.parametrize(
    "text",
    [
        "Let it go, and see him do it.",
        "We waited an hour in a one-way street.",
        "Did he want to go?",
        "Many a friend came.",
    ],
)
def test_good_english_is_left_alone(text: str) -> None:
    assert faults(text) == []


def test_harper_is_asked_for_margin_notes_only(monkeypatch: pytest.MonkeyPatch) -> None:
    from_harper = Finding(0, 1, "grammar", "Why.")
    monkeypatch.setattr(english, "check", lambda text: [from_harper])
    assert check("A text.", "en") == []
    assert proofread("A text.", "en") == [from_harper]
