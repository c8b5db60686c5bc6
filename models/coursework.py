"""What a class writes: assignments, and the immutable versions of their rubrics."""

from __future__ import annotations

import enum
import uuid
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import CheckConstraint, Enum, ForeignKey, Numeric, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from models.base import Base, Identified, now
from models.people import Class


class Release(enum.Enum):
    """When a student may see a grade."""

    at_once = "at_once"
    on_release = "on_release"
    from_date = "from_date"


class RubricVersion(Identified, Base):
    """A rubric as it was saved; never changed, so that a grade always points at the words it was made with."""

    __tablename__ = "rubric_versions"
    __table_args__ = (UniqueConstraint("assignment_id", "version"),)

    assignment_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("assignments.id", ondelete="CASCADE"))
    version: Mapped[int]
    criteria: Mapped[list[Any]]
    """As `grading.rubric.Rubric.to_json()["criteria"]`."""
    content_hash: Mapped[str] = mapped_column(String(64))


class Assignment(Identified, Base):
    __tablename__ = "assignments"
    __table_args__ = (CheckConstraint("language IN ('zh', 'en')", name="language"),)

    class_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("classes.id", ondelete="CASCADE"), index=True)
    title: Mapped[str] = mapped_column(String(200))
    prompt: Mapped[str] = mapped_column(Text)
    language: Mapped[str] = mapped_column(String(2))
    rubric_id: Mapped[uuid.UUID | None] = mapped_column(
        ForeignKey("rubric_versions.id", use_alter=True, deferrable=True, initially="DEFERRED")
    )
    deadline: Mapped[datetime | None]
    tolerance: Mapped[Decimal | None] = mapped_column(Numeric(8, 2))
    routing: Mapped[dict[str, Any] | None]
    """Thresholds in which this assignment differs from the settings; read by `grading.routing.Thresholds.of`."""
    calibration_id: Mapped[uuid.UUID | None] = mapped_column(
        ForeignKey("calibrations.id", use_alter=True, deferrable=True, initially="DEFERRED")
    )
    """What was learned from the teacher's marks by the present rubric, and is better than the rubric's points alone."""
    rubric_only: Mapped[bool] = mapped_column(default=False)
    """The teacher wants the rubric's points alone, whatever was learned."""
    recalibrate: Mapped[bool] = mapped_column(default=False)
    """The teacher wants grades that were given before it to have the points of the calibration in use."""
    to_mark: Mapped[dict[str, Any] | None]
    """`essays` whose marks would teach most, the best first, as they were found among `of` essays."""
    release: Mapped[Release] = mapped_column(Enum(Release, name="release"), default=Release.at_once)
    release_at: Mapped[datetime | None]
    """With `from_date`: the day; with `on_release`: when the teacher released."""
    appeal_until: Mapped[datetime | None]
    """Until when students may appeal against a grade that they see; None: as long as they like."""

    school_class: Mapped[Class] = relationship()
    rubric: Mapped[RubricVersion] = relationship(foreign_keys=[rubric_id], post_update=True)

    @property
    def calibration_in_use(self) -> uuid.UUID | None:
        return None if self.rubric_only else self.calibration_id

    def grades_visible(self, at: datetime | None = None) -> bool:
        """Whether students may see grades at that moment (default: now)."""
        if self.release is Release.at_once:
            return True
        return self.release_at is not None and self.release_at <= (at or now())

    def grades_open_to_appeal(self, at: datetime | None = None) -> bool:
        """Whether students may appeal against grades at that moment (default: now)."""
        at = at or now()
        return self.grades_visible(at) and (self.appeal_until is None or at < self.appeal_until)
