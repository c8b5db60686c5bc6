"""Essays that a teacher's correction of another one touches: they are to be looked at once more."""

from __future__ import annotations

import uuid
from decimal import Decimal

from sqlalchemy import ForeignKey, Numeric, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from models.base import Base, Identified
from models.essay import Grading


class SecondLook(Identified, Base):
    """Open while the essay has a model's grade and the correction still counts; see `grading.second_looks.is_open`.

    So nothing has to close it: a teacher's grade of the one essay settles it, and one of the other replaces it.
    """

    __tablename__ = "second_looks"
    __table_args__ = (UniqueConstraint("grading_id", "essay_id"),)

    grading_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("gradings.id", ondelete="CASCADE"))
    """The teacher's grade that corrected a model's."""
    essay_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("essays.id", ondelete="CASCADE"), index=True)
    """Of the same assignment, graded alike by the same model."""
    points: Mapped[Decimal] = mapped_column(Numeric(8, 2))
    """By how much the teacher's total was above the model's; below nought: under it."""
    distance: Mapped[float]
    """How unlike the corrected essay it is; see `grading.likeness`."""

    correction: Mapped[Grading] = relationship()
