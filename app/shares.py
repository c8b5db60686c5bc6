"""Who gives the grades: the share of each tier, of teachers, and what was passed on, lately."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from sqlalchemy import Select, String, case, cast, false, func, select, true, union_all
from sqlalchemy.orm import Session
from typing_extensions import TypedDict  # pydantic describes the one of `typing` from Python 3.12 on

from models import Essay, EssayState, Grading, Source
from models.base import now
from settings import settings

TEACHER = Source.teacher.value
WINDOWS = (24, 7 * 24)
"""Hours that are looked back."""
REVIEW = "review"
"""Stands for a tier where a teacher has yet to grade."""


class TierShare(TypedDict):
    """`share` is of all essays that were graded; null where none was."""

    name: str
    graded: int
    share: float | None
    passed_on: int


class SharesView(TypedDict):
    """Essays whose way ended in the last `hours`, by who gave the grade that stands: a tier, `cache` or `teacher`.

    `passed_on` counts grades of a tier that were not trusted, so that another was asked; `waiting` essays that a
    teacher has yet to grade.
    """

    hours: int
    graded: int
    passed_on: int
    waiting: int
    tiers: list[TierShare]


def shares(db: Session) -> list[SharesView]:
    """One view for each of `WINDOWS`, by one look at the essays that ended within the longest."""
    rows = db.execute(_counts()).all()
    present = [tier.name for tier in settings().tiers]
    others = sorted({who for who, *_ in rows} - {*present, REVIEW, TEACHER})
    return [
        _view(hours, [*present, *others, TEACHER], {(who, passed): ends[index] for who, passed, *ends in rows})
        for index, hours in enumerate(WINDOWS)
    ]


def _view(hours: int, names: Sequence[str], counted: Mapping[tuple[str, bool], int]) -> SharesView:
    total = sum(counted.get((name, False), 0) for name in names)
    tiers = [
        TierShare(
            name=name,
            graded=(graded := counted.get((name, False), 0)),
            share=round(graded / total, 4) if total else None,
            passed_on=counted.get((name, True), 0),
        )
        for name in names
    ]
    return SharesView(
        hours=hours,
        graded=total,
        passed_on=sum(tier["passed_on"] for tier in tiers),
        waiting=counted.get((REVIEW, False), 0),
        tiers=tiers,
    )


def _counts() -> Select[Any]:
    """By who spoke and whether it was passed on: how many essays ended within each window."""
    longest = Essay.finished_at >= now() - timedelta(hours=max(WINDOWS))
    who = func.coalesce(Grading.tier, cast(Grading.source, String))
    stand = (
        select(
            case((Essay.state == EssayState.needs_review, REVIEW), else_=who).label("who"),
            false().label("passed"),
            Essay.finished_at,
        )
        .outerjoin(Grading, Grading.id == Essay.current_grading_id)
        .where(longest, Essay.state.in_([EssayState.graded, EssayState.needs_review]))
    )
    passed = (
        select(who, true(), Essay.finished_at)
        .join(Grading, Grading.essay_id == Essay.id)
        .where(longest, Grading.accepted.is_(False))
    )
    ended = union_all(stand, passed).subquery()
    within = [func.count().filter(ended.c.finished_at >= now() - timedelta(hours=hours)) for hours in WINDOWS]
    return select(ended.c.who, ended.c.passed, *within).group_by(ended.c.who, ended.c.passed)
