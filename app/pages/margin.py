"""An essay cut where its margin notes begin and end, so that each piece can be marked and none of it changes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any


@dataclass(frozen=True)
class Segment:
    """A piece of an essay. Notes are known by their place in the list of notes, from 1 on.

    `notes` stand on all of it; those in `begins` start with it and those in `ends` end with it.
    """

    text: str
    notes: tuple[int, ...] = ()
    begins: tuple[int, ...] = ()
    ends: tuple[int, ...] = ()


def segments(text: str, annotations: Sequence[Mapping[str, Any]]) -> list[Segment]:
    """The text in order and complete, cut wherever a note begins or ends; notes may overlap.

    `start` and `end` of an annotation count code points. A note that stands on nothing marks nothing.
    """
    spans = {
        number: (note["start"], note["end"])
        for number, note in enumerate(annotations, start=1)
        if 0 <= note["start"] < note["end"] <= len(text)
    }
    cuts = sorted({0, len(text)}.union(*spans.values()))
    return [
        Segment(
            text=text[left:right],
            notes=tuple(number for number, (start, end) in spans.items() if start <= left and right <= end),
            begins=tuple(number for number, (start, _) in spans.items() if start == left),
            ends=tuple(number for number, (_, end) in spans.items() if end == right),
        )
        for left, right in pairwise(cuts)
    ]
