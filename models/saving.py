"""What each graded essay would have cost, what it cost, and which lever saved how much of the difference."""

from __future__ import annotations

import uuid
from datetime import datetime
from decimal import Decimal

from sqlalchemy import ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base, Identified, Money, now


class EssaySaving(Identified, Base):
    """Of one accepted grade by a model, or of tries that led to none; amounts in US dollars at the prices of its day.

    The five levers add up to what was saved: `baseline_usd - cost_usd`. Rows outlive what they belong to.
    """

    __tablename__ = "essay_savings"
    __table_args__ = (
        Index("ix_essay_savings_time", "at"),
        Index("ix_essay_savings_class", "class_id", "at"),
    )

    essay_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("essays.id", ondelete="SET NULL"), index=True)
    grading_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("gradings.id", ondelete="SET NULL"), index=True)
    """None: a teacher got the essay."""
    class_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("classes.id", ondelete="SET NULL"))
    at: Mapped[datetime] = mapped_column(default=now)
    baseline_usd: Mapped[Decimal] = mapped_column(Money())
    cost_usd: Mapped[Decimal] = mapped_column(Money())
    prompt_usd: Mapped[Decimal] = mapped_column(Money())
    cache_usd: Mapped[Decimal] = mapped_column(Money())
    routing_usd: Mapped[Decimal] = mapped_column(Money())
    local_usd: Mapped[Decimal] = mapped_column(Money())
    batch_usd: Mapped[Decimal] = mapped_column(Money())
