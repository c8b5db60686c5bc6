"""The essays that are graded again every day, for people: which they are, and the hand that keeps or dismisses one."""

from __future__ import annotations

from sqlalchemy.orm import Session
from typing_extensions import TypedDict  # pydantic describes the one of `typing` from Python 3.12 on

from app.extensions import db
from app.problems import Problem
from grading import anchors
from grading.lifecycle import NotAllowed
from models import Assignment, Essay


class AnchorView(TypedDict):
    """An essay whose marks are compared from the day `since` on; `kept`: by a person, not chosen automatically."""

    essay_id: str
    kept: bool
    since: str


def anchors_json(session: Session, assignment: Assignment) -> list[AnchorView]:
    """The assignment's, oldest first."""
    return [
        AnchorView(essay_id=str(anchor.essay_id), kept=anchor.by_person, since=anchor.since.isoformat())
        for anchor in anchors.anchors_of(session, assignment.id)
    ]


def keep(essay: Essay) -> None:
    """Have the essay graded again every day, until somebody says otherwise. Raises `Problem` where it cannot be."""
    try:
        anchors.keep(db(), essay)
    except NotAllowed as error:
        raise Problem(409, "No anchor", str(error)) from None
    db().commit()


def dismiss(essay: Essay) -> None:
    """Have the essay graded again no more, and not chosen again."""
    anchors.dismiss(db(), essay)
    db().commit()
