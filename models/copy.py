"""Words that essays share: the signature by which they are found, and the pairs that were."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, Integer, SmallInteger, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column, relationship

from models.base import Base, Identified
from models.essay import Essay
from models.people import User


class Signature(Base):
    """An essay's MinHash signature, as `grading.copies.signature` makes it."""

    __tablename__ = "signatures"
    __table_args__ = (
        Index("ix_signatures_numbers", "numbers", postgresql_using="gin"),
        Index("ix_signatures_uncompared", "essay_id", postgresql_where=text("compared_at IS NULL")),
    )

    essay_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("essays.id", ondelete="CASCADE"), primary_key=True)
    version: Mapped[int] = mapped_column(SmallInteger)
    numbers: Mapped[list[int]] = mapped_column(ARRAY(Integer))
    compared_at: Mapped[datetime | None]
    """When it was compared with all that were signed by then."""


class Overlap(Identified, Base):
    """Two essays of a class, by two students, that share words. `essay` was handed in after `other`."""

    __tablename__ = "overlaps"
    __table_args__ = (
        UniqueConstraint("essay_id", "other_id"),
        Index("ix_overlaps_dismissed", "essay_id", postgresql_where=text("dismissed_at IS NOT NULL")),
    )

    essay_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("essays.id", ondelete="CASCADE"))
    other_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("essays.id", ondelete="CASCADE"), index=True)
    tokens: Mapped[int]
    """Words (of Chinese: characters) that both have."""
    share: Mapped[float]
    """Of those of `essay`; `other_share` of the other's."""
    other_share: Mapped[float]
    passages: Mapped[list[Any]]
    """As `grading.copies.passages.Passage`, in the order of `essay`."""
    dismissed_at: Mapped[datetime | None]
    """When a teacher said that it is no copy; None while it is shown."""
    dismissed_by_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"))

    essay: Mapped[Essay] = relationship(foreign_keys=[essay_id])
    other: Mapped[Essay] = relationship(foreign_keys=[other_id])
    dismissed_by: Mapped[User | None] = relationship(foreign_keys=[dismissed_by_id])
