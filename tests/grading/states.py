"""Essays in a state, and what their students and teachers were told: for tests of the state machine and around it."""

from __future__ import annotations

import uuid

from sqlalchemy import select
from sqlalchemy.orm import Session

from grading import lifecycle
from grading.lifecycle import Claim
from grading.routing import Route
from models import EssayState, Notice
from tests.factories import School, make_essay


def new(school: School, state: EssayState = EssayState.submitted) -> uuid.UUID:
    return make_essay(school.student, school.assignment, state=state).id


def waiting_for_a_batch(db: Session, school: School) -> uuid.UUID:
    essay_id = new(school)
    assert lifecycle.put_in_queue(db, essay_id, Route("batches", "small", "wanted late"))
    return essay_id


def claim(db: Session, essay_id: uuid.UUID, lease: float = 60) -> Claim:
    claimed = lifecycle.claim(db, essay_id, "local", lease)
    assert claimed is not None
    return claimed


def told(db: Session, essay_id: uuid.UUID) -> set[tuple[uuid.UUID, str]]:
    return {(notice.user_id, notice.kind) for notice in db.scalars(select(Notice).filter_by(essay_id=essay_id))}
