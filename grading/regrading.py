"""A grade and another of the same essay, compared: the same, or what differs. Pure functions on plain JSON."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from decimal import Decimal
from typing import Any

from grading.rubric import number

_WORDS = ("annotations", "strengths", "suggestions")
_RESULT = ("total", "max", "criteria", "confidence", *_WORDS)
_ORIGIN = ("model", "engine_version", "prompt_version", "calibration_id")
_DRAWN = ("attempt", "temperature")
"""Of `made_with`: the second attempt is drawn at another temperature; neither is an input."""
KEPT = (*_RESULT, *_ORIGIN, "rubric_id", "rubric_total", "hashes", "made_with")
"""Columns of a `Grading` that two grades are compared by."""


@dataclass(frozen=True)
class Change:
    """Something that a grade was made from and that is another one now."""

    name: str
    before: Any
    after: Any


@dataclass(frozen=True)
class Scored:
    """A criterion in both grades; None where one has it not."""

    name: str
    level: tuple[float | None, float | None]
    points: tuple[float | None, float | None]

    @property
    def same(self) -> bool:
        return self.level[0] == self.level[1] and self.points[0] == self.points[1]


@dataclass(frozen=True)
class Comparison:
    inputs: list[Change]
    criteria: list[Scored]
    total: tuple[float, float]
    confidence: tuple[float | None, float | None]
    same_words: bool
    """Comments, margin notes and advice."""
    sampled: bool
    """One of the two is a second attempt, which is drawn at random."""

    @property
    def same_result(self) -> bool:
        return self.total[0] == self.total[1] and all(each.same for each in self.criteria)

    @property
    def same(self) -> bool:
        return not self.inputs and self.same_result and self.same_words

    def to_json(self) -> dict[str, Any]:
        return asdict(self) | {"same_result": self.same_result, "same": self.same, "verdict": self.verdict}

    @property
    def verdict(self) -> str:
        """One sentence for a person."""
        if self.same:
            return "The same: every level, every point, every word, and all that it came from."
        if self.same_result and not self.inputs:
            return "The same levels and points from the same inputs, in other words."
        if self.same_result:
            return "The same levels and points, although it comes from something else now."
        if self.inputs:
            return "Another grade, and it comes from something else now."
        if self.sampled:
            return "Another grade from the same inputs: a first reply was no grade, and the second is drawn at random."
        return "Another grade from the same inputs: the model does not always say the same."


def comparable(columns: Mapping[str, Any]) -> dict[str, Any]:
    """What two grades are compared by, as plain JSON, of the columns of a `Grading`."""
    return {name: _plain(columns.get(name)) for name in KEPT}


def compare(before: Mapping[str, Any], after: Mapping[str, Any]) -> Comparison:
    """Two grades of one essay, as `comparable`. What an older one does not say of itself is not compared."""
    old = {criterion["key"]: criterion for criterion in before["criteria"]}
    new = {criterion["key"]: criterion for criterion in after["criteria"]}
    criteria = [_scored(old.get(key, {}), new.get(key, {})) for key in dict.fromkeys([*old, *new])]
    comments = [[criterion.get("comment") for criterion in each["criteria"]] for each in (before, after)]
    return Comparison(
        inputs=[*changes(before, after)],
        criteria=criteria,
        total=(before["total"], after["total"]),
        confidence=(before["confidence"], after["confidence"]),
        same_words=comments[0] == comments[1] and all(before[name] == after[name] for name in _WORDS),
        sampled=any((each["made_with"] or {}).get("attempt", 1) != 1 for each in (before, after)),
    )


def changes(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[Change]:
    """Of what two grades were made from, whatever differs: names as in docs/reproducibility.md."""
    old, new = _inputs(before), _inputs(after)
    return [Change(name, old[name], new[name]) for name in old if name in new and old[name] != new[name]]


def _inputs(grade: Mapping[str, Any]) -> dict[str, Any]:
    hashes = {f"hashes.{name}": value for name, value in (grade["hashes"] or {}).items()}
    made_with = {f"made_with.{name}": value for name, value in (grade["made_with"] or {}).items() if name not in _DRAWN}
    return {name: grade[name] for name in _ORIGIN} | hashes | made_with


def _scored(old: Mapping[str, Any], new: Mapping[str, Any]) -> Scored:
    return Scored(
        name=(new or old)["name"],
        level=(old.get("level"), new.get("level")),
        points=(old.get("points"), new.get("points")),
    )


def _plain(value: Any) -> Any:
    if isinstance(value, Decimal):
        return number(value)
    return str(value) if isinstance(value, uuid.UUID) else value
