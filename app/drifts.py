"""Where models mark otherwise than before: the drifts of anchors that are neither over nor accepted."""

from __future__ import annotations

from sqlalchemy.orm import Session
from typing_extensions import TypedDict

from grading.drifts import open_drifts


class ChangeView(TypedDict):
    """Something that grades are made from, such as `engine_version`, with what it was before."""

    name: str
    before: str | None
    after: str | None


class DriftView(TypedDict):
    """Since `day` the marks of an assignment's `anchors` are so many `levels` (of six) higher; below nought, lower:
    their median. `changed` is empty where all that grades come from is as it was."""

    assignment_id: str
    assignment: str
    day: str
    levels: float
    p_value: float
    anchors: int
    changed: list[ChangeView]


def drifts(db: Session) -> list[DriftView]:
    """The latest first."""
    return [
        DriftView(
            assignment_id=str(drift.assignment_id),
            assignment=drift.assignment.title,
            day=drift.day.isoformat(),
            levels=drift.shift,
            p_value=drift.p_value,
            anchors=drift.anchors,
            changed=[ChangeView(name=name, before=_words(old), after=_words(new)) for name, old, new in drift.changed],
        )
        for drift in open_drifts(db)
    ]


def _words(value: object) -> str | None:
    return None if value is None else str(value)
