"""Anchors: essays that are graded again every day, so that a model which marks differently is noticed."""

from __future__ import annotations

import uuid
from datetime import date, datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, Text, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from models.base import Base, Identified
from models.coursework import Assignment
from models.essay import Essay, Grading


class Anchor(Identified, Base):
    """An essay while it is one; what it was given on each day are its `Regrade`s. See `grading.sentinel`."""

    __tablename__ = "anchors"
    __table_args__ = (
        Index("ix_anchors_assignment", "assignment_id"),
        Index("uq_anchors_essay", "essay_id", unique=True, postgresql_where=text("retired_at IS NULL")),
    )

    assignment_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("assignments.id", ondelete="CASCADE"))
    grading_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("gradings.id", ondelete="CASCADE"))
    """The model's grade that made it one: says whose tier is asked again, and by which rubric."""
    essay_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("essays.id", ondelete="CASCADE"))
    since: Mapped[date]
    """Regrades count from this day on; a later one where a person has said that the new marks are the right ones."""
    retired_at: Mapped[datetime | None]
    kept_at: Mapped[datetime | None]
    """A person has said then that it is one; None where it was chosen automatically."""
    kept_by: Mapped[str | None] = mapped_column(Text)
    """Who: an e-mail or `name (command line)`; None before that was recorded."""
    dismissed_at: Mapped[datetime | None]
    """A person has said then that it is none any more; `retired_at` is the same moment."""
    dismissed_by: Mapped[str | None] = mapped_column(Text)

    grading: Mapped[Grading] = relationship()
    essay: Mapped[Essay] = relationship()


class Drift(Identified, Base):
    """The marks of an assignment's anchors have moved: found on that day, open until they are back or accepted."""

    __tablename__ = "drifts"
    __table_args__ = (
        Index("ix_drifts_assignment", "assignment_id", "day"),
        Index("uq_drifts_open", "assignment_id", unique=True, postgresql_where=text("ended_at IS NULL")),
    )

    assignment_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("assignments.id", ondelete="CASCADE"))
    day: Mapped[date]
    shift: Mapped[float]
    """In levels of six: the median of what the anchors have risen; below nought, fallen."""
    p_value: Mapped[float]
    anchors: Mapped[int]
    """How many were compared."""
    changed: Mapped[list[Any]]
    """What of model, engine, prompt and settings is another than before: `[name, before, after]` each."""
    ended_at: Mapped[datetime | None]

    assignment: Mapped[Assignment] = relationship()
