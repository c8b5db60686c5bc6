from __future__ import annotations

from string import ascii_lowercase

import pytest

from grading.checker import english, english_words, proofread


def faults(text: str) -> list[tuple[str, str, str | None]]:
    return [(text[one.start : one.end], one.kind, one.suggestion) for one in proofread(text, "en")]


@pytest.mark.parametrize(
    ("text", "fault", "suggestion"),
    [
        ("It is a difficult scool.", "scool", "school"),
        ("The goverment helps.", "goverment", "government"),
        ("I realy like it.", "realy", "really"),
        ("We beleive you.", "beleive", "believe"),
        ("I allways walk.", "allways", "always"),
        ("A beautifull view.", "beautifull", "beautiful"),
    ],
)
def test_a_word_that_is_none_is_told_with_what_was_meant(text: str, fault: str, suggestion: str) -> None:
    assert faults(text) == [(fault, "spelling", suggestion)]


@pytest.mark.parametrize("text", ["She ate an banana.", "He will went home.", "This is more better."])
def test_grammar_is_told(text: str) -> None:
    assert [kind for _, kind, _ in faults(text)] == ["grammar"]


def test_words_within_a_note_stand_in_quotation_marks() -> None:
    (found,) = proofread("It cant be.", "en")
    assert "“can't”" in found.message
    assert "`" not in found.message


@pytest.mark.parametrize(
    "text",
    [
        "My friend Zhang Wei lives in Hangzhou.",
        "The colour of the theatre was recognised by travellers.",
        "Her neighbour analysed the licence in two dialogues and cancelled the programme.",
        "I'm sure it's John's and the students’ homework.",
        "Visit www.example.org or write to me@example.org about @CAPS1 and #hashtagz.",
        "My smartphone has an app for podcasts.",
        "",
    ],
)
def test_names_british_spelling_and_addresses_are_no_faults(text: str) -> None:
    assert faults(text) == []


def test_a_word_without_end_is_a_fault_without_suggestion() -> None:
    assert faults("a" * 20_000)[0][1:] == ("spelling", None)


def test_noise_is_told_but_not_corrected_word_by_word(monkeypatch: pytest.MonkeyPatch) -> None:
    looked_for: list[str] = []
    monkeypatch.setattr(english_words, "nearest", looked_for.append)
    noise = " ".join(f"qx{first}{second}zz" for first in ascii_lowercase for second in ascii_lowercase)
    assert len(english_words.check(noise)) == 26 * 26
    assert len(looked_for) == english_words.CORRECTED


def test_a_panic_of_harper_is_an_error_that_can_be_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    class PanicException(BaseException):
        pass

    class Panics:
        def lint(self, text: str, language: str) -> None:
            raise PanicException("index out of bounds")

    monkeypatch.setattr(english, "_linter", Panics)
    with pytest.raises(RuntimeError, match="index out of bounds"):
        english.check("A text.")


def test_every_rule_is_one_that_harper_has() -> None:
    from harper import get_default_lint_config

    assert set(get_default_lint_config()) >= english.RULES
