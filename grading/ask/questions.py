"""Questions as rows: asked, claimed like an essay by one conditional UPDATE with a token and a lease, and over.

    ask → claim ⇄ renew → finish | fail | release | move

Nobody waits for an answer longer than until `due_at`; what is open then has failed. The caller commits.
"""

from __future__ import annotations

import uuid
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import ColumnElement, exists, or_, select, update
from sqlalchemy.orm import Session, joinedload

from grading import leases, queues
from grading.routing import Route
from models import Assignment, Essay, Question, Switch, User
from models.base import now

MOST_ATTEMPTS = 2
"""Workers that one question may lose."""
TOO_LATE = "No answer came in time. Please ask again in a few minutes."
WORKER_LOST = "The answer was interrupted twice. Please ask again, perhaps in other words."
WITHDRAWN = "withdrawn"


@dataclass(frozen=True)
class QuestionClaim:
    """The right to answer one question until the lease runs out."""

    question_id: uuid.UUID
    token: uuid.UUID

    @property
    def subject_id(self) -> uuid.UUID:
        return self.question_id


def new(user: User, assignment: Assignment, essay: Essay | None, text: str, patience: float) -> Question:
    """A question that its asker waits for so many seconds; not stored yet."""
    asked = now()
    return Question(
        id=uuid.uuid4(),
        created_at=asked,
        user=user,
        user_id=user.id,
        assignment=assignment,
        assignment_id=assignment.id,
        essay=essay,
        essay_id=essay.id if essay else None,
        text=text,
        due_at=asked + timedelta(seconds=patience),
    )


def route(question: Question, route: Route) -> None:
    """Send a new question to a tier; its queue is told after the commit."""
    question.route, question.queue, question.tier = route.to_json(), route.queue, route.tier
    question.rung_at = now()


def with_all(session: Session, question_id: uuid.UUID) -> Question | None:
    """The question with all that an answer may know."""
    loaded = (
        select(Question)
        .where(Question.id == question_id)
        .options(
            joinedload(Question.user),
            joinedload(Question.assignment).joinedload(Assignment.rubric),
            joinedload(Question.essay).joinedload(Essay.current_grading),
        )
    )
    return session.scalars(loaded).one_or_none()


def claim(session: Session, question_id: uuid.UUID, queue: str, lease: float) -> QuestionClaim | None:
    """Claim it for `lease` seconds; None when it is over, somebody else's, lost too often, or the queue is paused."""
    paused = exists().where(Switch.name == queues.pause_switch(queue))
    token = uuid.uuid4()
    claimed = session.scalar(
        update(Question)
        .where(
            Question.id == question_id,
            Question.queue == queue,
            _is_free(),
            Question.attempts < MOST_ATTEMPTS,
            Question.due_at > now(),
            ~paused,
        )
        .values(claim_token=token, lease_until=now() + timedelta(seconds=lease), attempts=Question.attempts + 1)
        .returning(Question.id)
        .execution_options(synchronize_session=False)
    )
    return QuestionClaim(question_id, token) if claimed else None


def renew(session: Session, claims: Collection[QuestionClaim], lease: float) -> set[QuestionClaim]:
    """As `lifecycle.renew`: extend these leases; returns those that still stand."""
    return leases.renew(session, Question, Question.finished_at.is_(None), claims, lease)


def finish(session: Session, claim: QuestionClaim, answered: dict[str, Any]) -> bool:
    """Keep the answer (columns of `Question`); False when the claim no longer stands."""
    return _end(session, claim, finished_at=now(), **answered)


def fail(session: Session, claim: QuestionClaim, why: str) -> bool:
    """There is no answer; the reason is for its asker."""
    return _end(session, claim, finished_at=now(), error=why)


def release(session: Session, claim: QuestionClaim) -> bool:
    """Let another worker answer it; the try does not count, and the queue is to be told."""
    return _end(session, claim, attempts=Question.attempts - 1, rung_at=None)


def move(session: Session, claim: QuestionClaim, route: Route) -> bool:
    """Have another tier answer it, whose queue is told after the commit."""
    values = {"route": route.to_json(), "queue": route.queue, "tier": route.tier, "attempts": 0, "rung_at": now()}
    return _end(session, claim, **values)


def withdraw(session: Session, question_id: uuid.UUID, why: str = WITHDRAWN) -> bool:
    """Nobody waits for it any more; False when it is over."""
    ended = session.scalar(
        update(Question)
        .where(Question.id == question_id, Question.finished_at.is_(None))
        .values(finished_at=now(), error=why, claim_token=None, lease_until=None)
        .returning(Question.id)
        .execution_options(synchronize_session=False)
    )
    return ended is not None


def mark_untold(session: Session, question_id: uuid.UUID) -> None:
    """The broker could not be told; the sweeper does it later."""
    session.execute(update(Question).where(Question.id == question_id).values(rung_at=None))


def overdue(session: Session) -> list[uuid.UUID]:
    """Fail what nobody waits for any more and what has lost its workers; returns which."""
    ended: list[uuid.UUID] = []
    for over, why in ((Question.attempts >= MOST_ATTEMPTS, WORKER_LOST), (Question.due_at < now(), TOO_LATE)):
        ended += session.scalars(
            update(Question)
            .where(_is_free(), over)
            .values(finished_at=now(), error=why, claim_token=None)
            .returning(Question.id)
            .execution_options(synchronize_session=False)
        ).all()
    return ended


def untold(session: Session, *, older_than: float, lost_queues: Sequence[str]) -> list[tuple[uuid.UUID, str]]:
    """Questions that wait although no message about them is on its way, with their queues; told of from now on."""
    lost = (Question.rung_at < now() - timedelta(seconds=older_than)) & Question.queue.in_(lost_queues)
    orphaned = Question.claim_token.is_not(None)  # and free, so its lease has run out
    rows = session.execute(
        update(Question)
        .where(_is_free(), or_(Question.rung_at.is_(None), lost, orphaned))
        .values(rung_at=now(), claim_token=None, lease_until=None)
        .returning(Question.id, Question.queue)
        .execution_options(synchronize_session=False)
    )
    return [(question_id, queue) for question_id, queue in rows if queue]


def reject(session: Session, question: Question) -> bool:
    """Its asker says that this is no answer; False when that has been said before."""
    changed = session.scalar(
        update(Question)
        .where(Question.id == question.id, Question.answer.is_not(None), Question.rejected_at.is_(None))
        .values(rejected_at=now())
        .returning(Question.id)
        .execution_options(synchronize_session=False)
    )
    return changed is not None


def _is_free() -> ColumnElement[bool]:
    free = or_(Question.claim_token.is_(None), Question.lease_until < now())
    return Question.finished_at.is_(None) & free


def _end(session: Session, claim: QuestionClaim, **values: Any) -> bool:
    ended = session.scalar(
        update(Question)
        .where(Question.id == claim.question_id, Question.claim_token == claim.token, Question.finished_at.is_(None))
        .values(**values, claim_token=None, lease_until=None)
        .returning(Question.id)
        .execution_options(synchronize_session=False)
    )
    return ended is not None
