"""The essays that wait for a teacher: found by the database, a bounded number at a time, and put in order by
`grading.review`."""

from __future__ import annotations

import uuid
from collections import defaultdict
from typing import Any, Literal

from sqlalchemy import ColumnElement, Select, String, cast, exists, func, literal, select
from sqlalchemy.orm import Session, joinedload
from typing_extensions import TypedDict  # pydantic describes the one of `typing` from Python 3.12 on

from app.bodies import ReviewFilter
from app.views import AppealView, EssayRow, PersonView, appeal_json, essay_row_json, moment, person_json
from grading import second_looks
from grading.review import SURE, Candidate, Why, order
from grading.rubric import number
from models import Appeal, Assignment, Essay, EssayState, Grading, Membership, SecondLook, Source, User

LOOK_AHEAD = 200
"""How many essays of each kind are put in order; more than anybody marks before looking again."""

_UNGRADED = (EssayState.needs_review, EssayState.failed)
_IS_OPEN = Appeal.answered_at.is_(None)
_APPEALED = exists().where(Appeal.essay_id == Essay.id, _IS_OPEN)
_TOUCHED = exists().where(SecondLook.essay_id == Essay.id, second_looks.is_open())
_ENDED = func.coalesce(Essay.finished_at, Essay.created_at)
_COLUMNS = (Essay.id, Essay.assignment_id, Essay.current_grading_id)


class CorrectionView(TypedDict):
    """A teacher's correction of another essay, by so many points above the model's total (below nought: under it)."""

    essay_id: str
    student: PersonView
    points: float


class ReviewRow(EssayRow):
    """An essay before a teacher. `uncertainty` and `disagreement` lie between 0 and 1; `correction` is the one that
    touches it most, where any does."""

    why: Literal["appeal", "needs_review", "failed", "suspicious", "second_look", "unsure"]
    since: str
    uncertainty: float
    disagreement: float
    appeal: AppealView | None
    correction: CorrectionView | None


def queue(db: Session, teacher: User, wanted: ReviewFilter) -> list[ReviewRow]:
    """What waits for this teacher, the most informative first."""
    candidates = _candidates(db, _in_classes_of(teacher, wanted), wanted.limit)
    chosen = order(candidates, _marks(db, {each.assignment_id for each in candidates}))[: wanted.limit]
    ids = [each.essay_id for each in chosen]
    loaded = [joinedload(Essay.student), joinedload(Essay.assignment), joinedload(Essay.current_grading)]
    essays = {essay.id: essay for essay in db.scalars(select(Essay).where(Essay.id.in_(ids)).options(*loaded))}
    open_appeals = select(Appeal).where(Appeal.essay_id.in_(ids), _IS_OPEN).options(joinedload(Appeal.answered_by))
    appeals = {appeal.essay_id: appeal for appeal in db.scalars(open_appeals)}
    corrections = _corrections(db, ids)
    return [
        {
            **essay_row_json(essays[each.essay_id], teacher),
            "why": each.why.value,
            "since": moment(each.since),
            "uncertainty": round(each.uncertainty, 4),
            "disagreement": round(each.disagreement, 4),
            "appeal": appeal_json(appeals[each.essay_id]) if each.essay_id in appeals else None,
            "correction": corrections.get(each.essay_id),
        }
        for each in chosen
    ]


def waiting(db: Session, teacher: User) -> int:
    """How many students wait for this teacher's word: appeals, and essays that no model graded."""
    mine = [Membership.user_id == teacher.id]
    appealed = _essays(Essay.id).join(Appeal, Appeal.essay_id == Essay.id).where(*mine, _IS_OPEN)
    ungraded = _essays(Essay.id).where(*mine, Essay.state.in_(_UNGRADED))
    counts = [select(func.count()).select_from(each.subquery()).scalar_subquery() for each in (appealed, ungraded)]
    return db.scalar(select(counts[0] + counts[1])) or 0


def _in_classes_of(teacher: User, wanted: ReviewFilter) -> list[ColumnElement[bool]]:
    conditions = [Membership.user_id == teacher.id]
    if wanted.class_id is not None:
        conditions.append(Assignment.class_id == wanted.class_id)
    if wanted.assignment_id is not None:
        conditions.append(Assignment.id == wanted.assignment_id)
    if wanted.touched_by is not None:
        conditions.append(Essay.id.in_(second_looks.touched_by(wanted.touched_by)))
    return conditions


def _essays(*columns: Any) -> Select[Any]:
    """A query of essays that can be narrowed down to the classes of a teacher."""
    return (
        select(*columns)
        .select_from(Essay)
        .join(Assignment, Assignment.id == Essay.assignment_id)
        .join(Membership, Membership.class_id == Assignment.class_id)
    )


def _candidates(db: Session, mine: list[ColumnElement[bool]], limit: int) -> list[Candidate]:
    """At most `LOOK_AHEAD` of each kind; grades that are merely unsure only where the rest leaves room."""
    rows = [*db.execute(_ungraded(mine)), *db.execute(_appealed(mine)), *db.execute(_suspicious(mine))]
    if len(rows) < limit:
        rows += db.execute(_touched(mine))
    if len(rows) < limit:
        rows += db.execute(_unsure(mine))
    opinions = _opinions(db, [row.id for row in rows])
    candidates = []
    for row in rows:
        said = opinions[row.id]
        current = [each for each in said if each.id == row.current_grading_id]
        known = [each.confidence for each in current or said if each.confidence is not None]
        candidates.append(
            Candidate(
                essay_id=row.id,
                assignment_id=row.assignment_id,
                why=Why(row.why),
                since=row.since,
                confidence=max(known, default=None),
                shares=[float(each.total / each.max) for each in said if each.max],
            )
        )
    return candidates


def _ungraded(mine: list[ColumnElement[bool]]) -> Select[Any]:
    why = cast(Essay.state, String).label("why")
    ungraded = _essays(*_COLUMNS, why, _ENDED.label("since")).where(*mine, Essay.state.in_(_UNGRADED))
    return ungraded.order_by(_ENDED, Essay.id).limit(LOOK_AHEAD)


def _appealed(mine: list[ColumnElement[bool]]) -> Select[Any]:
    appealed = _essays(*_COLUMNS, literal(Why.appeal.value).label("why"), Appeal.created_at.label("since"))
    appealed = appealed.join(Appeal, Appeal.essay_id == Essay.id).where(*mine, _IS_OPEN)
    return appealed.order_by(Appeal.created_at, Essay.id).limit(LOOK_AHEAD)


def _suspicious(mine: list[ColumnElement[bool]]) -> Select[Any]:
    """Grades of essays that seem to speak to their grader, and that no teacher has looked at."""
    columns = (*_COLUMNS, literal(Why.suspicious.value).label("why"), _ENDED.label("since"))
    suspicious = _essays(*columns).join(Grading, Grading.id == Essay.current_grading_id)
    conditions = (Essay.state == EssayState.graded, Grading.suspicions.is_not(None), ~_APPEALED)
    return suspicious.where(*mine, *conditions).order_by(_ENDED, Essay.id).limit(LOOK_AHEAD)


def _touched(mine: list[ColumnElement[bool]]) -> Select[Any]:
    """Grades that stand, of essays which the correction of another one touches."""
    columns = (*_COLUMNS, literal(Why.second_look.value).label("why"), func.min(SecondLook.created_at).label("since"))
    touched = _essays(*columns).join(Grading, Grading.id == Essay.current_grading_id)
    touched = touched.join(SecondLook, SecondLook.essay_id == Essay.id)
    touched = touched.where(*mine, second_looks.is_open(), Grading.suspicions.is_(None), ~_APPEALED).group_by(Essay.id)
    return touched.order_by(func.min(SecondLook.created_at), Essay.id).limit(LOOK_AHEAD)


def _unsure(mine: list[ColumnElement[bool]]) -> Select[Any]:
    """Grades of little confidence that no teacher has looked at, the least sure of each assignment in turn."""
    confidence = func.coalesce(Grading.confidence, 0.0)
    place = func.row_number().over(partition_by=Essay.assignment_id, order_by=(confidence, Essay.id))
    unsure = (
        _essays(*_COLUMNS, _ENDED.label("since"), confidence.label("confidence"), place.label("place"))
        .join(Grading, Grading.id == Essay.current_grading_id)
        .where(*mine, Essay.state == EssayState.graded, Grading.source != Source.teacher, confidence < SURE)
        .where(Grading.teacher_id.is_(None))  # not what repeats a teacher's grade either
        .where(Grading.suspicions.is_(None), ~_APPEALED, ~_TOUCHED)
        .subquery()
    )
    columns = (unsure.c.id, unsure.c.assignment_id, unsure.c.current_grading_id, unsure.c.since)
    why = literal(Why.unsure.value).label("why")
    return select(*columns, why).order_by(unsure.c.place, unsure.c.confidence).limit(LOOK_AHEAD)


def _corrections(db: Session, essay_ids: list[uuid.UUID]) -> dict[uuid.UUID, CorrectionView]:
    """Of those that touch each essay, the correction of the one most like it."""
    looks = (
        select(SecondLook)
        .join(Essay, Essay.id == SecondLook.essay_id)
        .where(Essay.id.in_(essay_ids), second_looks.is_open())
        .options(joinedload(SecondLook.correction).joinedload(Grading.essay).joinedload(Essay.student))
        .order_by(SecondLook.distance.desc())
    )
    return {look.essay_id: _correction_json(look) for look in db.scalars(looks)}


def _correction_json(look: SecondLook) -> CorrectionView:
    corrected = look.correction.essay
    return {
        "essay_id": str(corrected.id),
        "student": person_json(corrected.student),
        "points": number(look.points),
    }


def _opinions(db: Session, essay_ids: list[uuid.UUID]) -> dict[uuid.UUID, list[Any]]:
    """What models have said of these essays, trusted or not."""
    said: dict[uuid.UUID, list[Any]] = defaultdict(list)
    columns = (Grading.essay_id, Grading.id, Grading.total, Grading.max, Grading.confidence)
    for row in db.execute(select(*columns).where(Grading.essay_id.in_(essay_ids), Grading.source != Source.teacher)):
        said[row.essay_id].append(row)
    return said


def _marks(db: Session, assignment_ids: set[uuid.UUID]) -> dict[uuid.UUID, int]:
    """How many essays of these assignments a teacher has marked."""
    rows = db.execute(
        select(Essay.assignment_id, func.count())
        .join(Grading, Grading.id == Essay.current_grading_id)
        .where(Essay.assignment_id.in_(assignment_ids), Grading.source == Source.teacher)
        .group_by(Essay.assignment_id)
    )
    return {assignment_id: count for assignment_id, count in rows}  # noqa: C416 -- not rows
