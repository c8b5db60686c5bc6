"""An essay graded once more, to compare: what a model says then is kept here and is nobody's grade."""

from __future__ import annotations

import uuid
from datetime import date, datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, String, Text, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column, relationship

from models.base import Base, Identified
from models.essay import Essay, Grading


class Regrade(Identified, Base):
    """Asked for, claimed by a worker, and over: with a `grade` or with an `error`. See `grading.regrades`."""

    __tablename__ = "regrades"
    __table_args__ = (
        UniqueConstraint("anchor_id", "day"),
        Index("ix_regrades_open", "created_at", postgresql_where=text("finished_at IS NULL")),
    )

    essay_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("essays.id", ondelete="CASCADE"), index=True)
    against_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("gradings.id", ondelete="CASCADE"))
    """The grading that it is compared with."""
    tier: Mapped[str] = mapped_column(String(16))
    queue: Mapped[str] = mapped_column(String(32))
    anchor_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("anchors.id", ondelete="CASCADE"))
    """The anchor that is graded on `day`; None where a person asked."""
    day: Mapped[date | None]

    rung_at: Mapped[datetime | None]
    """When the broker was last told; None: it could not be reached, or the regrade came back."""
    claim_token: Mapped[uuid.UUID | None]
    lease_until: Mapped[datetime | None]
    attempts: Mapped[int] = mapped_column(default=0)
    finished_at: Mapped[datetime | None]
    error: Mapped[str | None] = mapped_column(Text)
    """Why there is no grade, for a person."""
    grade: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    """As `grading.regrading.comparable`."""

    essay: Mapped[Essay] = relationship()
    against: Mapped[Grading] = relationship()
