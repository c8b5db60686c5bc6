"""app/pages/margin.py: cutting an essay where its notes begin and end changes nothing of it."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from app.pages.margin import Segment, segments


def note(start: int, end: int) -> dict[str, Any]:
    return {"start": start, "end": end}


@st.composite
def essays_with_notes(draw: st.DrawFn) -> tuple[str, list[dict[str, Any]]]:
    text = draw(st.text(max_size=60))
    places = st.integers(-2, len(text) + 2)
    return text, draw(st.lists(st.builds(note, places, places), max_size=8))


@given(essays_with_notes())
def test_the_pieces_are_the_text(given: tuple[str, list[dict[str, Any]]]) -> None:
    text, notes = given
    assert "".join(piece.text for piece in segments(text, notes)) == text


@given(essays_with_notes())
def test_each_note_stands_on_exactly_its_words(given: tuple[str, list[dict[str, Any]]]) -> None:
    text, notes = given
    pieces = segments(text, notes)
    for number, one in enumerate(notes, start=1):
        valid = 0 <= one["start"] < one["end"] <= len(text)
        marked = [piece for piece in pieces if number in piece.notes]
        assert "".join(piece.text for piece in marked) == (text[one["start"] : one["end"]] if valid else "")
        assert sum(number in piece.begins for piece in pieces) == sum(number in piece.ends for piece in pieces) == valid
        if valid:
            assert number in marked[0].begins
            assert number in marked[-1].ends


@given(essays_with_notes())
def test_no_piece_is_empty(given: tuple[str, list[dict[str, Any]]]) -> None:
    assert all(piece.text for piece in segments(*given))


def test_notes_that_overlap_share_the_middle() -> None:
    assert segments("abcdef", [note(0, 4), note(2, 6)]) == [
        Segment("ab", (1,), begins=(1,)),
        Segment("cd", (1, 2), begins=(2,), ends=(1,)),
        Segment("ef", (2,), ends=(2,)),
    ]


def test_offsets_count_code_points() -> None:
    assert [piece.text for piece in segments("😀路👩‍👧ab", [note(1, 2)])] == ["😀", "路", "👩‍👧ab"]


def test_an_essay_without_notes_is_one_piece() -> None:
    assert segments("一段 text\r\n", []) == [Segment("一段 text\r\n")]
