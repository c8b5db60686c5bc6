"""What a teacher is told of an assignment's calibration: how many marks it has, what they taught, what to mark next."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, cast

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session, undefer
from typing_extensions import TypedDict

from app.views import moment
from grading import recalibration
from grading.stages import STAGES
from models import Assignment, Calibration, Essay, EssayState, Grading, Source, User

if TYPE_CHECKING:
    from grading.calibrated import Tally


@dataclass(frozen=True)
class CalibrationView:
    """By the present rubric. `versions` are all there are, the newest first; `in_use` is one of them or None."""

    marks: int
    wanted: int
    """Marks that are missing before anything is learned."""
    rubric_only: bool
    in_use: Calibration | None
    versions: Sequence[Calibration]
    tally: Tally | None
    """What the tolerance that was asked about would mean; None where none was, or nothing is in use."""
    to_mark: Sequence[tuple[uuid.UUID, str]]
    """Essays whose marks would teach most, with their students' names; those that have no mark yet."""
    earlier: int
    """Grades of models from before the version in use."""
    recalibrating: bool
    """Whether these are about to get its points."""


def calibration_of(session: Session, assignment: Assignment, tolerance: Decimal | None = None) -> CalibrationView:
    """How things stand now, and what that tolerance would mean; nothing is trained, and no program is read back."""
    versions = session.scalars(
        select(Calibration)
        .filter_by(assignment_id=assignment.id, rubric_id=assignment.rubric_id)
        .order_by(Calibration.created_at.desc())
    ).all()
    marked = _marked(assignment)
    count = session.scalar(select(func.count()).select_from(marked.subquery())) or 0
    in_use = next((one for one in versions if one.id == assignment.calibration_in_use), None)
    chosen = [uuid.UUID(one) for one in (assignment.to_mark or {}).get("essays", [])]
    names = dict(
        session.execute(
            select(Essay.id, User.name)
            .join(User, User.id == Essay.student_id)
            .where(
                Essay.id.in_(chosen),
                Essay.assignment_id == assignment.id,
                Essay.state != EssayState.cancelled,
                Essay.id.not_in(marked),
            )
        ).all()
    )
    return CalibrationView(
        marks=count,
        wanted=max(0, STAGES[0] - count),
        rubric_only=assignment.rubric_only,
        in_use=in_use,
        versions=versions,
        tally=None if tolerance is None or in_use is None else _tally(session, in_use, float(tolerance)),
        to_mark=[(one, names[one]) for one in chosen if one in names],
        earlier=recalibration.count_earlier(session, assignment),
        recalibrating=assignment.recalibrate,
    )


def _tally(session: Session, in_use: Calibration, tolerance: float) -> Tally:
    from grading.calibrated import Yardstick  # with it comes scipy, which most pages do without

    wanted = [undefer(Calibration.evidence), undefer(Calibration.predictions)]
    row = session.get_one(Calibration, in_use.id, options=wanted, populate_existing=True)
    return Yardstick.of(row).tally(tolerance)


def _marked(assignment: Assignment) -> Select[uuid.UUID]:
    return (
        select(Grading.essay_id)
        .join(Essay, Essay.id == Grading.essay_id)
        .where(
            Essay.assignment_id == assignment.id,
            Essay.state != EssayState.cancelled,
            Grading.source == Source.teacher,
            Grading.rubric_id == assignment.rubric_id,
        )
        .distinct()
    )


class QualityJSON(TypedDict):
    """Agreement with the teacher's marks, each by what had not seen it; `mean_error` in points."""

    qwk: float
    mean_error: float


class VersionJSON(TypedDict):
    """`graders` are the models that spoke, with the QWK of their levels; null where they are not listened to."""

    version: str
    created_at: str
    marks: int
    quality: QualityJSON | None
    graders: dict[str, float | None]
    used: bool


class TallyJSON(TypedDict):
    """Of `essays` without a mark, `outside` would be escalated; `random_share` of them all would have to be, were they
    chosen at random, for as many to be right."""

    tolerance: float
    essays: int
    outside: int
    random_share: float | None


class CalibrationJSON(TypedDict):
    """`wanted` marks are missing before anything is learned; the marks of `to_mark` would teach most. `earlier` grades
    were given before the version in use, and are `recalibrating` where the teacher wants them to have its points."""

    marks: int
    wanted: int
    rubric_only: bool
    in_use: str | None
    versions: list[VersionJSON]
    to_mark: list[str]
    earlier: int
    recalibrating: bool
    tally: TallyJSON | None


def calibration_json(view: CalibrationView) -> CalibrationJSON:
    return {
        "marks": view.marks,
        "wanted": view.wanted,
        "rubric_only": view.rubric_only,
        "in_use": view.in_use.version if view.in_use else None,
        "versions": [
            {
                "version": one.version,
                "created_at": moment(one.created_at),
                "marks": one.marks,
                "quality": cast(QualityJSON | None, one.quality),
                "graders": one.graders,
                "used": one.comparison["used"],
            }
            for one in view.versions
        ],
        "to_mark": [str(one) for one, _ in view.to_mark],
        "earlier": view.earlier,
        "recalibrating": view.recalibrating,
        "tally": cast(TallyJSON, asdict(view.tally)) if view.tally else None,
    }
