"""A question about an assignment, or about an essay and its feedback, and the answer to it."""

from __future__ import annotations

import uuid
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import ForeignKey, Index, String, Text, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column, relationship

from models.base import Base, Identified, Money, now
from models.coursework import Assignment
from models.essay import Essay
from models.people import User


class Question(Identified, Base):
    """Asked, claimed by a worker, and over: with an `answer` or with an `error`. See `grading.ask.questions`."""

    __tablename__ = "questions"
    __table_args__ = (Index("ix_questions_open", "created_at", postgresql_where=text("finished_at IS NULL")),)

    user_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    assignment_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("assignments.id", ondelete="CASCADE"), index=True)
    essay_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("essays.id", ondelete="CASCADE"), index=True)
    """The essay it is about; None for one about the assignment alone."""
    text: Mapped[str] = mapped_column(Text)
    route: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    """As `grading.routing.Route`; None where no model was needed."""
    queue: Mapped[str | None] = mapped_column(String(32))
    tier: Mapped[str | None] = mapped_column(String(16))

    rung_at: Mapped[datetime | None]
    """When the broker was last told; None: it could not be reached, or the question came back."""
    claim_token: Mapped[uuid.UUID | None]
    lease_until: Mapped[datetime | None]
    attempts: Mapped[int] = mapped_column(default=0)
    due_at: Mapped[datetime]
    """When nobody waits for an answer any more."""
    finished_at: Mapped[datetime | None]
    error: Mapped[str | None] = mapped_column(Text)
    """Why there is no answer, for a person."""

    answer: Mapped[str | None] = mapped_column(Text)
    source: Mapped[str | None] = mapped_column(String(16))
    """Who answered: `cache`, `rule` (which refused to write an essay), or the engine of the tier."""
    level: Mapped[str | None] = mapped_column(String(16))
    """The cache's level that had it: `memory`, `shared` or `semantic`; None where a model was asked."""
    entry_id: Mapped[str | None] = mapped_column(String(120))
    """What the cache calls the entry that answered."""
    key_digest: Mapped[str | None] = mapped_column(String(64))
    """`grading.cache.key.Key.digest` of the question as it was asked."""
    cached_tokens: Mapped[int] = mapped_column(default=0)
    cost: Mapped[Decimal] = mapped_column(Money(), default=Decimal(0))
    rejected_at: Mapped[datetime | None]
    """When its asker said that this is no answer to the question."""

    user: Mapped[User] = relationship()
    assignment: Mapped[Assignment] = relationship()
    essay: Mapped[Essay | None] = relationship()

    @property
    def is_overdue(self) -> bool:
        return self.due_at < now()
