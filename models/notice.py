"""What a person is to be told; a row, so that who was away finds it on return."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, String, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from models.base import Base, Identified
from models.people import User


class Notice(Identified, Base):
    __tablename__ = "notices"
    __table_args__ = (
        Index("ix_notices_user", "user_id", "created_at"),
        Index("ix_notices_unsent", "created_at", postgresql_where=text("emailed_at IS NULL AND email_attempts < 5")),
    )

    user_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    essay_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("essays.id", ondelete="CASCADE"), index=True)
    kind: Mapped[str] = mapped_column(String(32))
    """`graded`, `regraded`, `appeal_answered`, `needs_review`, `failed`, `appeal` or `copy`; about no essay are
    `drift`, `spending`, `saving`, `saving_over`, `budget` and `budget_spent`."""
    details: Mapped[dict[str, Any]]
    """What the sentence needs: the assignment's title (and id, where no essay leads to it), never a mark. Nothing of
    saving mode, which is about all."""
    seen_at: Mapped[datetime | None]
    emailed_at: Mapped[datetime | None]
    email_attempts: Mapped[int] = mapped_column(default=0)

    user: Mapped[User] = relationship()
