"""Anchors in the database: appointed by themselves or kept by a person, and asked for once a day.

Doing any of it twice changes nothing, and the caller commits: whoever runs it again after a crash goes on.
"""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Callable, Collection, Sequence
from datetime import date, timedelta
from typing import Any

from sqlalchemy import Select, exists, select, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.orm import Session, joinedload

from grading import lifecycle, regrades, sentinel
from grading.lifecycle import NotAllowed
from grading.sentinel import ANCHORS, Candidate
from models import Anchor, Assignment, Essay, EssayState, Grading, Source, User
from models.base import now

ACTIVE = timedelta(days=30)
"""An assignment is watched for so long after its last essay was handed in."""


def watched(session: Session) -> list[Assignment]:
    """The assignments whose students still wait for grades, or did lately."""
    lately = exists().where(Essay.assignment_id == Assignment.id, Essay.created_at > now() - ACTIVE)
    return list(session.scalars(select(Assignment).where(lately).order_by(Assignment.created_at)))


def appoint(session: Session, assignment: Assignment) -> list[Anchor]:
    """The anchors of the assignment for its present rubric: those that people keep, and of the others as many as there
    is room for. Nothing changes where nobody has kept or dismissed any since."""
    _lock(session, assignment)
    session.execute(
        update(Anchor)
        .where(Anchor.assignment_id == assignment.id, Anchor.retired_at.is_(None))
        .where(Anchor.grading_id.not_in(_by_rubric(assignment)))
        .values(retired_at=now())
        .execution_options(synchronize_session=False)
    )
    found = anchors_of(session, assignment.id)
    for anchor in _displaced(found):
        anchor.retired_at = now()
    if len(found) < ANCHORS:
        taken = {anchor.essay_id for anchor in found} | set(session.scalars(_dismissed(assignment)))
        for candidate in sentinel.choose(_candidates(session, assignment, taken), ANCHORS - len(found)):
            _add(session, assignment, candidate.key)
    return anchors_of(session, assignment.id)


def keep(session: Session, essay: Essay, actor: User | str) -> bool:
    """A person has the essay for an anchor until they say otherwise; an automatic one makes room for it. Raises
    `NotAllowed` for one that cannot be compared, and where `ANCHORS` are kept already.

    Returns whether that is new.
    """
    assignment = essay.assignment
    _lock(session, assignment)
    found = anchors_of(session, assignment.id)
    mine = next((anchor for anchor in found if anchor.essay_id == essay.id), None)
    if mine and mine.kept_at:
        return False
    if sum(anchor.kept_at is not None for anchor in found) >= ANCHORS:
        raise NotAllowed(f"People keep {ANCHORS} anchors of this assignment already; take one of them back first.")
    if mine:
        mine.kept_at, mine.kept_by = now(), _name(actor)
        return True
    grading = comparable(session, essay)
    if grading is None:
        raise NotAllowed("No model has given this essay a whole grade by the rubric in use.")
    _add(session, assignment, grading, kept_at=now(), kept_by=_name(actor))
    return True


def dismiss(session: Session, essay: Essay, actor: User | str) -> bool:
    """A person has the essay for no anchor any more; it becomes none by itself either. Returns whether it was one."""
    _lock(session, essay.assignment)
    live = update(Anchor).where(Anchor.essay_id == essay.id, Anchor.retired_at.is_(None)).returning(Anchor.id)
    at = now()
    said = live.values(retired_at=at, dismissed_at=at, dismissed_by=_name(actor))
    return session.scalar(said) is not None


def said_of(session: Session, essay_id: uuid.UUID) -> list[Anchor]:
    """What people have said of an essay as an anchor: each time that it was one and they kept or dismissed it, the
    oldest first."""
    of_essay = select(Anchor).filter_by(essay_id=essay_id).order_by(Anchor.created_at, Anchor.id)
    return list(session.scalars(of_essay.where(Anchor.kept_at.is_not(None) | Anchor.dismissed_at.is_not(None))))


def comparable(session: Session, essay: Essay) -> Grading | None:
    """The grade that would be asked for again daily; None where the essay cannot be an anchor."""
    found = regrades.original(session, essay) if essay.state is not EssayState.cancelled else None
    return found if found and found.rubric_id == essay.assignment.rubric_id else None


def anchors_of(session: Session, assignment_id: uuid.UUID) -> list[Anchor]:
    found = (
        select(Anchor)
        .filter_by(assignment_id=assignment_id, retired_at=None)
        .options(joinedload(Anchor.grading), joinedload(Anchor.essay).joinedload(Essay.student))
    )
    return list(session.scalars(found.order_by(Anchor.created_at, Anchor.id)))


def dismissed_of(session: Session, assignment: Assignment) -> list[Anchor]:
    """Those that people have dismissed and that are none since, by the present rubric: the last time of each essay."""
    live = select(Anchor.essay_id).filter_by(assignment_id=assignment.id, retired_at=None)
    found = (
        select(Anchor)
        .where(Anchor.essay_id.in_(_dismissed(assignment)), Anchor.essay_id.not_in(live))
        .where(Anchor.dismissed_at.is_not(None))
        .options(joinedload(Anchor.grading))
        .order_by(Anchor.dismissed_at)
    )
    return list({anchor.essay_id: anchor for anchor in session.scalars(found)}.values())


def ask(
    session: Session, anchors: list[Anchor], today: date, queue_of: Callable[[str | None], str | None]
) -> list[tuple[uuid.UUID, str]]:
    """Have the anchors graded that were not asked for today; returns regrades and their queues, to be rung for."""
    asked = []
    for anchor in anchors:
        queue = queue_of(anchor.grading.tier)
        if queue and (regrade_id := regrades.ask_daily(session, anchor.grading, queue, anchor.id, today)):
            asked.append((regrade_id, queue))
    return asked


def _lock(session: Session, assignment: Assignment) -> None:
    """One at a time changes its anchors; essays are handed in meanwhile."""
    session.refresh(assignment, with_for_update={"key_share": True})


def _name(actor: User | str) -> str:
    return actor if isinstance(actor, str) else actor.email


def _add(session: Session, assignment: Assignment, grading: Grading, **kept: Any) -> None:
    values = {"id": uuid.uuid4(), "assignment_id": assignment.id, "since": now().date()} | kept
    values |= {"grading_id": grading.id, "essay_id": grading.essay_id}
    session.execute(upsert(Anchor).values(values).on_conflict_do_nothing())


def _displaced(found: Sequence[Anchor]) -> list[Anchor]:
    """The automatic ones that are too many: those whose marks are the nearest to one that is kept."""
    kept = [_share(anchor) for anchor in found if anchor.kept_at]
    automatic = [anchor for anchor in found if not anchor.kept_at]
    automatic.sort(key=lambda anchor: min((abs(_share(anchor) - share) for share in kept), default=0))
    return automatic[: max(0, len(found) - ANCHORS)]


def _share(anchor: Anchor) -> float:
    return float(anchor.grading.total / anchor.grading.max)


def _by_rubric(assignment: Assignment) -> Select[uuid.UUID]:
    return select(Grading.id).where(Grading.rubric_id == assignment.rubric_id)


def _dismissed(assignment: Assignment) -> Select[uuid.UUID]:
    """Essays of which a person has said that they are none; by the present rubric."""
    over = Anchor.dismissed_at.is_not(None) & Anchor.grading_id.in_(_by_rubric(assignment))
    return select(Anchor.essay_id).where(Anchor.assignment_id == assignment.id, over)


def _candidates(session: Session, assignment: Assignment, taken: Collection[uuid.UUID]) -> list[Candidate]:
    """Essays with a whole grade of the tier that grades most of them, nothing in which speaks to the grader."""
    gradings = session.scalars(
        select(Grading)
        .join(Essay, Essay.id == Grading.essay_id)
        .where(Essay.assignment_id == assignment.id, Essay.state != EssayState.cancelled)
        .where(Grading.rubric_id == assignment.rubric_id)
        .order_by(Grading.created_at)
    )
    marks: dict[uuid.UUID, float] = {}
    by_tier: dict[str, dict[uuid.UUID, Grading]] = defaultdict(dict)
    for grading in gradings:
        if grading.source is Source.teacher:
            marks[grading.essay_id] = float(grading.total / grading.max)
        elif grading.tier and not (grading.usage or {}).get(lifecycle.BROKEN_OFF) and not grading.suspicions:
            by_tier[grading.tier][grading.essay_id] = grading
    most = max(by_tier.values(), key=len, default={})
    return [
        Candidate(grading, marks.get(essay, float(grading.total / grading.max)), essay in marks, essay not in taken)
        for essay, grading in most.items()
    ]
