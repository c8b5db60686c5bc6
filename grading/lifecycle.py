"""The one place that changes an essay's state.

    submitted → queued → grading → graded | needs_review | failed | cancelled

Every change is conditional: it names the state (and, for a worker, the claim) that it starts from, so that of two who
try, one wins and the other learns that it lost. Each function changes rows and adds the audit entry and the notices
inside the caller's transaction; the caller commits, and only then tells anybody (`grading.progress`) or rings the
broker. A crash between the two is mended by the sweeper (`expire_leases`, `untold`).
"""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Select, bindparam, exists, insert, select, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.orm import Session, aliased, make_transient_to_detached

from grading import leases, notices, queues
from grading import text as essay_text
from grading.routing import Route
from models import (
    Appeal,
    Assignment,
    Essay,
    EssayState,
    EssayTransition,
    Grading,
    Notice,
    Source,
    Switch,
    User,
)
from models.base import now

BROKEN_OFF = "broken_off"
"""In the `usage` of a grading: the model was so unsure of the levels that its comments were not awaited."""
_AGAIN: dict[str, Any] = {"queue": None, "queued_at": None, "finished_at": None, "attempts": 0}
"""Columns of an essay that begins its way once more."""


@dataclass(frozen=True)
class Claim:
    """The right to grade one essay until the lease runs out. `attempts` counts this try."""

    essay_id: uuid.UUID
    token: uuid.UUID
    attempts: int

    @property
    def subject_id(self) -> uuid.UUID:
        return self.essay_id


@dataclass(frozen=True)
class PutOff:
    """An essay that waits for money, and whose it is."""

    essay_id: uuid.UUID
    class_id: uuid.UUID
    student_id: uuid.UUID


@dataclass(frozen=True)
class Seen:
    """What a teacher had before them: the ids of the current grade and the latest appeal; None where there is none."""

    grading_id: uuid.UUID | None
    appeal_id: uuid.UUID | None


class NotAllowed(Exception):
    """The essay's state does not admit what was asked; the message says why."""


class Outdated(NotAllowed):
    """Somebody was quicker: what was decided on is not there any more."""


def submit(
    session: Session, *, student: User, assignment: Assignment, text: str, key: str | None
) -> tuple[Essay, bool]:
    """Store an essay as `submitted`; returns it and whether it is new.

    The same idempotency key from the same student returns the essay it made the first time, whoever of two
    simultaneous requests comes second. Raises `grading.text.TextError`, and `NotAllowed` when the key was used for
    another essay. The caller commits.
    """
    essay_text.check(text)
    digest = hashlib.sha256(text.encode()).hexdigest()
    at = now()
    values = {
        "id": uuid.uuid4(),
        "student_id": student.id,
        "assignment_id": assignment.id,
        "text": text,
        "text_sha256": digest,
        "idempotency_key": key,
        "state": EssayState.submitted,
        "attempts": 0,
        "enqueued_at": at,
        "created_at": at,
    }
    added = session.scalar(_SUBMIT, values | {"actor": student.email})
    if added is None:
        essay = session.scalars(select(Essay).filter_by(student_id=student.id, idempotency_key=key)).one()
        if (essay.text_sha256, essay.assignment_id) != (digest, assignment.id):
            raise NotAllowed("This Idempotency-Key was already used for another essay; use a new key for a new essay.")
        return essay, False
    essay = Essay(**values)
    make_transient_to_detached(essay)  # it is in the database as it stands here, so nothing is read back
    session.add(essay)
    return essay, True


def _submission() -> Select[uuid.UUID]:
    """Essay and audit entry in one statement, made once: a class hands in at the same minute."""
    essays, transitions = Essay.__table__, EssayTransition.__table__
    names = ("id", "student_id", "assignment_id", "text", "text_sha256", "idempotency_key", "state", "attempts")
    given = {name: bindparam(name, type_=essays.c[name].type) for name in (*names, "enqueued_at", "created_at")}
    added = (
        upsert(essays)  # type: ignore[arg-type]
        .values(given)
        .on_conflict_do_nothing(index_elements=["student_id", "idempotency_key"])
        .returning(essays.c.id, essays.c.created_at, essays.c.state)
        .cte("added")
    )
    actor = bindparam("actor", type_=transitions.c.actor.type)
    recorded = insert(transitions).from_select(  # type: ignore[arg-type]
        ["essay_id", "at", "after", "actor"], select(added.c.id, added.c.created_at, added.c.state, actor)
    )
    return select(added.c.id).add_cte(recorded.cte("recorded"))


_SUBMIT = _submission()


def put_in_queue(session: Session, essay_id: uuid.UUID, route: Route) -> bool:
    """`submitted` → `queued`, as the route says; False when somebody else already did it."""
    return _change(
        session,
        essay_id,
        [EssayState.submitted],
        EssayState.queued,
        actor="triage",
        reason=route.reason,
        **_waiting_in(route.queue),
        route=route.to_json(),
    )


def claim(
    session: Session, essay_id: uuid.UUID, queue: str, lease: float | None, *, tries: int | None = None
) -> Claim | None:
    """`queued` → `grading` for `lease` seconds; None when it does not wait in that queue, or the queue is paused.

    Without a lease the sweeper never takes it back: it rides in a batch, whose own row says when that is over.
    With `tries`, also None when it has been tried so many times before, and its worker lost each time.
    """
    paused = exists().where(Switch.name == queues.pause_switch(queue))
    token = uuid.uuid4()
    statement = (
        update(Essay)
        .where(Essay.id == essay_id, Essay.state == EssayState.queued, Essay.queue == queue, ~paused)
        .values(
            state=EssayState.grading,
            claim_token=token,
            lease_until=None if lease is None else now() + timedelta(seconds=lease),
            attempts=Essay.attempts + 1,
            reason=None,
        )
        .returning(Essay.attempts)
        .execution_options(synchronize_session=False)
    )
    if tries is not None:
        statement = statement.where(Essay.attempts < tries)
    attempts = session.scalar(statement)
    if attempts is None:
        return None
    _record(session, [essay_id], EssayState.queued, EssayState.grading, f"worker:{queue}", f"attempt {attempts}")
    return Claim(essay_id, token, attempts)


def renew(session: Session, claims: Sequence[Claim], lease: float) -> set[Claim]:
    """Extend the leases of these claims; returns those that still stand. The others must be let go."""
    return leases.renew(session, Essay, Essay.state == EssayState.grading, claims, lease)


def complete(session: Session, claim: Claim, grading: Grading) -> Grading | None:
    """`grading` → `graded` with this grading as the current one; None when the claim no longer stands."""
    grading.id = grading.id or uuid.uuid4()
    grading.essay_id = claim.essay_id
    changed = _change(
        session,
        claim.essay_id,
        [EssayState.grading],
        EssayState.graded,
        actor=f"model:{grading.model}",
        token=claim.token,
        current_grading_id=grading.id,
        finished_at=now(),
    )
    if not changed:
        return None
    session.add(grading)
    notices.leave(session, claim.essay_id, "graded")
    return grading


def repeat(session: Session, essay_id: uuid.UUID, grading: Grading) -> Grading | None:
    """`submitted` → `graded` with a grade that the same words had before; None when somebody was quicker."""
    grading.essay_id = essay_id
    changed = _change(
        session,
        essay_id,
        [EssayState.submitted],
        EssayState.graded,
        actor="cache",
        reason="handed in and graded before, word for word",
        current_grading_id=grading.id,
        finished_at=now(),
    )
    if not changed:
        return None
    session.add(grading)
    notices.leave(session, essay_id, "graded")
    return grading


def give_to_teacher(
    session: Session,
    essay_id: uuid.UUID,
    reason: str,
    claim: Claim | None = None,
    *,
    route: Route | None = None,
    opinion: Grading | None = None,
) -> bool:
    """→ `needs_review`: from `grading` with a claim, or straight from `submitted` when nothing may grade it.

    `opinion` is what the last tier said and was not trusted with; see `escalate`. What is put off time and again is
    told of once.
    """
    changed = _change(
        session,
        essay_id,
        [EssayState.grading] if claim else [EssayState.submitted],
        EssayState.needs_review,
        actor="grader" if claim else "triage",
        reason=reason,
        token=claim.token if claim else None,
        finished_at=now(),
        **({"route": _rerouted(session, essay_id, route)} if route else {}),
    )
    if changed:
        _keep(session, essay_id, opinion)
        told = exists().where(Notice.essay_id == essay_id, Notice.kind == "needs_review")
        if not (route and route.put_off and session.scalar(select(told))):
            notices.leave(session, essay_id, "needs_review")
    return changed


def put_off(session: Session) -> list[PutOff]:
    """Essays that wait for a teacher only because there was no money for a model, and that no teacher has graded yet,
    oldest first."""
    graded = exists().where(Grading.essay_id == Essay.id, Grading.source == Source.teacher)
    rows = session.execute(
        select(Essay.id, Assignment.class_id, Essay.student_id)
        .join(Assignment, Assignment.id == Essay.assignment_id)
        .where(Essay.state == EssayState.needs_review, Essay.route["put_off"].as_boolean(), ~graded)
        .order_by(Essay.finished_at)
    )
    return [PutOff(*row) for row in rows]


def take_up(session: Session, essay_id: uuid.UUID) -> bool:
    """`needs_review` → `submitted`, as there is money again; False when a teacher was quicker, or another sweeper."""
    return _change(
        session,
        essay_id,
        [EssayState.needs_review],
        EssayState.submitted,
        actor="sweeper",
        reason="there is money for a model again",
        **_AGAIN,
        enqueued_at=now(),
    )


def _waiting_in(queue: str | None) -> dict[str, Any]:
    """Columns of an essay that comes into a queue, which is told of it after the commit."""
    at = now()
    return {"queue": queue, "queued_at": at, "enqueued_at": at}


def _rerouted(session: Session, essay_id: uuid.UUID, route: Route) -> dict[str, Any]:
    """The essay's route as it is from now on; what was measured at triage stays."""
    before = session.scalar(select(Essay.route).where(Essay.id == essay_id)) or route.to_json()
    changed = {name: getattr(route, name) for name in ("queue", "tier", "reason", "put_off")}
    return before | changed | {"tried": list(route.tried)}


def _keep(session: Session, essay_id: uuid.UUID, opinion: Grading | None) -> None:
    if opinion is not None:
        opinion.essay_id, opinion.accepted = essay_id, False
        session.add(opinion)


def escalate(session: Session, claim: Claim, route: Route, opinion: Grading | None = None) -> bool:
    """`grading` → `queued` for another tier, with all attempts before it again; False when the claim no longer stands.

    `opinion` is what the tier said, which is kept as a grading that is not accepted.
    """
    changed = _change(
        session,
        claim.essay_id,
        [EssayState.grading],
        EssayState.queued,
        actor="grader",
        reason=route.reason,
        token=claim.token,
        **_waiting_in(route.queue),
        attempts=0,
        route=_rerouted(session, claim.essay_id, route),
    )
    if changed:
        _keep(session, claim.essay_id, opinion)
    return changed


def reroute(session: Session, essay_id: uuid.UUID, route: Route) -> bool:
    """`queued` → `queued` in another queue, because it waited in vain; False when it does not wait any more."""
    return _change(
        session,
        essay_id,
        [EssayState.queued],
        EssayState.queued,
        actor="batches",
        reason=route.reason,
        **_waiting_in(route.queue),
        route=_rerouted(session, essay_id, route),
    )


def settle_for(session: Session, claim: Claim, reason: str) -> Grading | None:
    """`grading` → `graded` with the last grade that was not trusted, since no better one is to be had.

    None when there is none, or the claim no longer stands.
    """
    opinion = session.scalars(untrusted(claim.essay_id)).first()
    if opinion is None or not _change(
        session,
        claim.essay_id,
        [EssayState.grading],
        EssayState.graded,
        actor=f"model:{opinion.model}",
        reason=reason,
        token=claim.token,
        current_grading_id=opinion.id,
        finished_at=now(),
    ):
        return None
    opinion.accepted = True
    notices.leave(session, claim.essay_id, "graded")
    return opinion


def untrusted(essay_id: uuid.UUID) -> Select[Grading]:
    """Whole gradings that no tier's confidence let stand and that came after the last that did, latest first.

    Those that were swayed by what speaks to the grader are none: they never stand.
    """
    other = aliased(Grading)
    later = exists().where(other.essay_id == essay_id, other.accepted, other.created_at > Grading.created_at)
    return (
        select(Grading)
        .where(Grading.essay_id == essay_id, ~Grading.accepted, ~Grading.usage.has_key(BROKEN_OFF), ~later)
        .where(Grading.suspicions["swayed"].as_boolean().is_not(True))
        .order_by(Grading.created_at.desc())
    )


def release(session: Session, claim: Claim, reason: str) -> bool:
    """`grading` → `queued` again, because the worker stops before it could finish; the try does not count."""
    return _change(
        session,
        claim.essay_id,
        [EssayState.grading],
        EssayState.queued,
        actor="worker",
        reason=reason,
        token=claim.token,
        enqueued_at=None,
        attempts=Essay.attempts - 1,
    )


def cancel(session: Session, essay_id: uuid.UUID, actor: User) -> bool:
    """→ `cancelled` from any state a machine still works on; False when it was too late.

    A worker that is at it loses its claim; `progress.cancel` makes it stop at once.
    """
    return _change(
        session,
        essay_id,
        [EssayState.submitted, EssayState.queued, EssayState.grading],
        EssayState.cancelled,
        actor=actor.email,
        finished_at=now(),
    )


def retry(session: Session, essay_id: uuid.UUID, actor: User) -> bool:
    """`failed` or `needs_review` → `submitted`, with all its attempts before it again."""
    return _change(
        session,
        essay_id,
        [EssayState.failed, EssayState.needs_review],
        EssayState.submitted,
        actor=actor.email,
        reason="tried again",
        **_AGAIN,
        enqueued_at=now(),
    )


def override(
    session: Session, essay_id: uuid.UUID, teacher: User, grading: Grading, seen: Seen | None = None
) -> Grading:
    """A teacher's own grade becomes the current one, whatever the essay's state, and answers the appeal that is open.

    A machine that is still grading loses its claim. Former gradings stay. Raises `NotAllowed` for a cancelled essay,
    and `Outdated` when the essay has another grade or another appeal by now than the teacher has `seen`.
    """
    before, current_id = session.execute(
        select(Essay.state, Essay.current_grading_id).filter_by(id=essay_id).with_for_update()
    ).one()
    if before is EssayState.cancelled:
        raise NotAllowed("The student has withdrawn this essay; it cannot be graded.")
    appeal = _latest_appeal(session, essay_id)
    if seen not in (None, Seen(current_id, appeal.id if appeal else None)):
        raise Outdated("Somebody has graded or appealed in the meantime; this is how the essay stands now.")
    grading.id = grading.id or uuid.uuid4()
    grading.essay_id, grading.source, grading.teacher_id = essay_id, Source.teacher, teacher.id
    _change(
        session,
        essay_id,
        [before],
        EssayState.graded,
        actor=teacher.email,
        reason=grading.comment,
        current_grading_id=grading.id,
        finished_at=now(),
    )
    session.add(grading)
    if appeal and appeal.is_open:
        session.flush()  # the answer refers to the grade
        appeal.answered_at, appeal.answered_by_id = now(), teacher.id
        appeal.answer, appeal.grading_id_after = grading.comment, grading.id
        notices.leave(session, essay_id, "appeal_answered")
    else:
        notices.leave(session, essay_id, "regraded" if before is EssayState.graded else "graded")
    return grading


def replace_points(session: Session, former: Grading, grading: Grading, reason: str) -> bool:
    """`graded` → `graded` with this grading in the place of the former; False when that is not current any more.

    One that is not accepted is only kept beside it. The student is told where the total is another.
    """
    grading.id = grading.id or uuid.uuid4()
    current = select(Essay.current_grading_id).filter_by(id=former.essay_id, state=EssayState.graded)
    if session.scalar(current.with_for_update()) != former.id:
        return False
    session.add(grading)
    if not grading.accepted:
        return True
    _change(
        session,
        former.essay_id,
        [EssayState.graded],
        EssayState.graded,
        actor="calibration",
        reason=reason,
        current_grading_id=grading.id,
    )
    if grading.total != former.total:
        notices.leave(session, former.essay_id, "regraded")
    return True


def appeal(session: Session, essay_id: uuid.UUID, student: User, reason: str) -> Appeal:
    """A student asks the teachers to look again at the current grade, which stands until one of them answers.

    The essay stays `graded`. Raises `NotAllowed` when there is no grade that the student sees, the time for appeals is
    over, or an appeal is open already.
    """
    state, grading_id, assignment = session.execute(
        select(Essay.state, Essay.current_grading_id, Assignment)
        .join(Assignment, Assignment.id == Essay.assignment_id)
        .where(Essay.id == essay_id)
        .with_for_update(of=Essay)  # of two appeals at the same moment, and of an appeal and a new grade, one waits
    ).one()
    if state is not EssayState.graded or not assignment.grades_visible():
        raise NotAllowed("There is no grade yet that you could appeal against.")
    if not assignment.grades_open_to_appeal():
        raise NotAllowed("The time for appeals against this grade is over.")
    latest = _latest_appeal(session, essay_id)
    if latest and latest.is_open:
        raise NotAllowed("You have appealed against this grade already; your teacher will answer.")
    made = Appeal(id=uuid.uuid4(), essay_id=essay_id, student_id=student.id, grading_id=grading_id, reason=reason)
    session.add(made)
    _record(session, [essay_id], EssayState.graded, EssayState.graded, student.email, "the student appeals")
    notices.leave(session, essay_id, "appeal")
    return made


def _latest_appeal(session: Session, essay_id: uuid.UUID) -> Appeal | None:
    return session.scalars(
        select(Appeal)
        .filter_by(essay_id=essay_id)
        .order_by(Appeal.created_at.desc())
        .limit(1)
        .execution_options(populate_existing=True)
    ).one_or_none()


# --- the sweeper -----------------------------------------------------------------------------------------------------


def expire_leases(session: Session, max_attempts: int, limit: int = 500) -> list[uuid.UUID]:
    """Take essays back from workers whose lease has run out: to their queue again, or `failed` after `max_attempts`.

    Returns the essays that changed state.
    """
    expired = session.execute(
        select(Essay.id, Essay.attempts)
        .where(Essay.state == EssayState.grading, Essay.lease_until < now())
        .order_by(Essay.lease_until)
        .limit(limit)
        .with_for_update(skip_locked=True)
    ).all()
    lost = [essay_id for essay_id, attempts in expired if attempts >= max_attempts]
    again = [essay_id for essay_id, attempts in expired if attempts < max_attempts]
    for essays, after, reason in (
        (again, EssayState.queued, "the worker was lost; graded again from the start"),
        (lost, EssayState.failed, f"the worker was lost {max_attempts} times while grading this essay"),
    ):
        if not essays:
            continue
        final = {"finished_at": now()} if after.is_final else {"enqueued_at": None}
        session.execute(
            update(Essay)
            .where(Essay.id.in_(essays))
            .values(state=after, reason=reason, claim_token=None, lease_until=None, **final)
            .execution_options(synchronize_session=False)
        )
        _record(session, essays, EssayState.grading, after, "sweeper", reason)
    for essay_id in lost:
        notices.leave(session, essay_id, "failed")
    return again + lost


# --- the one UPDATE --------------------------------------------------------------------------------------------------


def _change(
    session: Session,
    essay_id: uuid.UUID,
    before: Sequence[EssayState],
    after: EssayState,
    *,
    actor: str,
    reason: str | None = None,
    token: uuid.UUID | None = None,
    **values: Any,
) -> bool:
    """Move one essay, if it is in one of the states `before` (and claimed by `token`, when given)."""
    current = select(Essay.id, Essay.state).where(Essay.id == essay_id, Essay.state.in_(before)).with_for_update()
    if token is not None:
        current = current.where(Essay.claim_token == token)
    locked = current.cte("locked")  # UPDATE alone could not tell the state it found
    state = session.scalar(
        update(Essay)
        .where(Essay.id == locked.c.id)
        .values(state=after, reason=reason, claim_token=None, lease_until=None, **values)
        .returning(locked.c.state)
        .execution_options(synchronize_session="fetch")
    )
    if state is None:
        return False
    _record(session, [essay_id], state, after, actor, reason)
    return True


def _record(
    session: Session,
    essay_ids: Sequence[uuid.UUID],
    before: EssayState | None,
    after: EssayState,
    actor: str,
    reason: str | None,
) -> None:
    at: datetime = now()
    session.execute(
        insert(EssayTransition),
        [
            {"essay_id": essay_id, "at": at, "before": before, "after": after, "actor": actor, "reason": reason}
            for essay_id in essay_ids
        ],
    )
