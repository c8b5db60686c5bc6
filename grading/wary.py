"""A grade that an essay cannot talk its grader into.

An essay in which something speaks to the grader (`grading.injection`) is read twice by the same model: as it stands,
and without those words. The lower of the two grades counts, so that the words gain nothing; and where they raised a
criterion by a level, or the total by more than a sixth of all points, neither counts, and a teacher decides. Neither
reading changes the essay, and notes stand on its own words whichever counts.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from grading import grader, injection
from grading.engines.engine import Engine, Usage
from grading.grader import Grade, OnProgress, Suspicions
from grading.injection import Suspicion
from grading.rubric import number
from grading.task import Task

LEVEL = 1.0
"""Levels by which a criterion may not rise on account of suspicious words."""
SHARE = 1 / 6
"""Share of all points by which the total may not."""


def grade(text: str, task: Task, engine: Engine, *, request_id: str, on_progress: OnProgress, **options: Any) -> Grade:
    """As `grader.grade`, whose other options it takes; its `suspicions` say what was found, if anything was."""
    found = injection.find(text)
    said = grader.grade(text, task, engine, request_id=request_id, on_progress=on_progress, **options)
    if not found:
        return said
    rest = injection.without(text, found)
    if not rest.strip():
        return replace(said, suspicions=Suspicions(_spans(found), points=None, swayed=True))
    again = grader.grade(
        rest,
        task,
        engine,
        request_id=f"{request_id}.rest",
        on_progress=lambda field, piece: None,  # who watches has seen one reply already
        **(options | {"give_up_below": None}),
    )
    return weighed(said, replace(again, annotations=_put_back(again.annotations, found, text)), found)


def weighed(said: Grade, rest: Grade, found: Sequence[Suspicion]) -> Grade:
    """What counts of the grade of the essay as it stands and that of the rest without what was found."""
    points = said.total - rest.total
    rises = [one["level"] - other["level"] for one, other in zip(said.criteria, rest.criteria, strict=True)]
    swayed = max(rises) >= LEVEL or float(points) > SHARE * float(said.max)
    return replace(
        rest if points > 0 else said,
        suspicions=Suspicions(_spans(found), number(points), swayed),
        hashes=said.hashes,  # of the essay as it was handed in: from that the same grade comes again
        usage=_both(said.usage, rest.usage),
        first_token_s=said.first_token_s,
        attempts=said.attempts + rest.attempts,
    )


def _spans(found: Sequence[Suspicion]) -> list[dict[str, Any]]:
    return [each.to_json() for each in found]


def _both(one: Usage, other: Usage) -> Usage:
    return Usage(one.prompt + other.prompt, one.cached + other.cached, one.completion + other.completion)


def _put_back(annotations: Sequence[dict[str, Any]], found: Sequence[Suspicion], text: str) -> list[dict[str, Any]]:
    """Notes on the text without what was found, at their places in the essay; one that would span it is left out."""
    places, removed = [], 0  # where in the shorter text something is missing, and how much until then
    shifts = [0]
    for each in found:
        places.append(each.start - removed)
        removed += each.end - each.start
        shifts.append(removed)
    moved = []
    for note in annotations:
        first, last = bisect_right(places, note["start"]), bisect_right(places, note["end"] - 1)
        if first == last:
            start, end = note["start"] + shifts[first], note["end"] + shifts[first]
            moved.append(note | {"start": start, "end": end, "quote": text[start:end]})
    return moved
