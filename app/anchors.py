"""The essays that are graded again every day, for people: which they are, and the hand that keeps or dismisses one."""

from __future__ import annotations

from sqlalchemy.orm import Session
from typing_extensions import TypedDict  # pydantic describes the one of `typing` from Python 3.12 on

from app.extensions import db
from app.problems import Problem
from app.views import moment
from grading import anchors
from grading.lifecycle import NotAllowed
from models import Assignment, Essay, User


class AnchorView(TypedDict):
    """An essay whose marks are compared from the day `since` on; `kept`: by a person, not chosen automatically.

    `kept_by` is an e-mail or `name (command line)`; None for what was kept before that was recorded.
    """

    essay_id: str
    kept: bool
    since: str
    kept_by: str | None
    kept_at: str | None


class SaidView(TypedDict):
    """What a person has said of an essay: that it is to be an anchor (`keep`), or is none any more."""

    keep: bool
    by: str | None
    at: str


def anchors_json(session: Session, assignment: Assignment) -> list[AnchorView]:
    """The assignment's, oldest first."""
    return [
        AnchorView(
            essay_id=str(anchor.essay_id),
            kept=anchor.kept_at is not None,
            since=anchor.since.isoformat(),
            kept_by=anchor.kept_by,
            kept_at=moment(anchor.kept_at),
        )
        for anchor in anchors.anchors_of(session, assignment.id)
    ]


def said_json(session: Session, essay: Essay) -> list[SaidView]:
    """Of the essay, the latest first."""
    found = []
    for anchor in reversed(anchors.said_of(session, essay.id)):
        if anchor.dismissed_at:
            found.append(SaidView(keep=False, by=anchor.dismissed_by, at=moment(anchor.dismissed_at)))
        if anchor.kept_at:
            found.append(SaidView(keep=True, by=anchor.kept_by, at=moment(anchor.kept_at)))
    return found


def keep(essay: Essay, actor: User) -> None:
    """Have the essay graded again every day, until somebody says otherwise. Raises `Problem` where it cannot be."""
    try:
        anchors.keep(db(), essay, actor)
    except NotAllowed as error:
        raise Problem(409, "No anchor", str(error)) from None
    db().commit()


def dismiss(essay: Essay, actor: User) -> None:
    """Have the essay graded again no more, and not chosen again."""
    anchors.dismiss(db(), essay, actor)
    db().commit()
