"""A student's appeal against a grade, and the teacher's answer."""

from __future__ import annotations

import uuid
from datetime import datetime

from sqlalchemy import ForeignKey, Index, Text, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from models.base import Base, Identified
from models.essay import Essay
from models.people import User


class Appeal(Identified, Base):
    """An appeal is open until it is answered; the answer is a teacher's grade, the same or another."""

    __tablename__ = "appeals"
    __table_args__ = (
        Index("ix_appeals_essay", "essay_id", "created_at"),
        Index("uq_appeals_open", "essay_id", unique=True, postgresql_where=text("answered_at IS NULL")),
    )

    essay_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("essays.id", ondelete="CASCADE"))
    student_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    grading_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("gradings.id", ondelete="CASCADE"))
    """The grade that is appealed against."""
    reason: Mapped[str] = mapped_column(Text)

    answered_at: Mapped[datetime | None]
    answered_by_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"))
    answer: Mapped[str | None] = mapped_column(Text)
    """The teacher's words; None when the grade speaks for itself."""
    grading_id_after: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("gradings.id", ondelete="CASCADE"))
    """The grade that the answer gave."""

    essay: Mapped[Essay] = relationship(back_populates="appeals")
    answered_by: Mapped[User | None] = relationship(foreign_keys=[answered_by_id])

    @property
    def is_open(self) -> bool:
        return self.answered_at is None
