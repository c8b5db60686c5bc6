"""An essay on its way, and what was said of it. Gradings and transitions are only ever added."""

from __future__ import annotations

import enum
import uuid
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from sqlalchemy import Enum, ForeignKey, Index, Numeric, String, Text, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column, relationship

from models.base import Base, Identified, Money, now
from models.coursework import Assignment, RubricVersion
from models.people import User

if TYPE_CHECKING:
    from models.appeal import Appeal
    from models.saving import EssaySaving


class EssayState(enum.Enum):
    submitted = "submitted"
    queued = "queued"
    grading = "grading"
    graded = "graded"
    needs_review = "needs_review"
    failed = "failed"
    cancelled = "cancelled"

    @property
    def is_final(self) -> bool:
        """No machine will touch it any more (a teacher still may)."""
        return self in (self.graded, self.needs_review, self.failed, self.cancelled)


class Source(enum.Enum):
    """Who gave a grade."""

    local = "local"
    openai = "openai"
    cache = "cache"
    teacher = "teacher"


class Essay(Identified, Base):
    __tablename__ = "essays"
    __table_args__ = (
        UniqueConstraint("student_id", "idempotency_key"),
        Index("ix_essays_waiting", "queue", "queued_at", postgresql_where=text("state = 'queued'")),
        Index("ix_essays_leased", "lease_until", postgresql_where=text("state = 'grading'")),
        Index("ix_essays_submitted", "created_at", postgresql_where=text("state = 'submitted'")),
        Index("ix_essays_review", "assignment_id", postgresql_where=text("state IN ('needs_review', 'failed')")),
        Index("ix_essays_assignment", "assignment_id", "created_at", "id"),
        Index("ix_essays_student", "student_id", "created_at", "id"),
        Index("ix_essays_finished", "finished_at"),
    )

    assignment_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("assignments.id", ondelete="CASCADE"))
    student_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    text: Mapped[str] = mapped_column(Text)
    """Byte for byte as submitted."""
    text_sha256: Mapped[str] = mapped_column(String(64), index=True)
    idempotency_key: Mapped[str | None] = mapped_column(String(255))

    state: Mapped[EssayState] = mapped_column(Enum(EssayState, name="essay_state"), default=EssayState.submitted)
    reason: Mapped[str | None] = mapped_column(Text)
    """Why it is in this state, for a person."""
    route: Mapped[dict[str, Any] | None]
    """As `grading.routing.Route`: queue, tier, reason, complexity and its parts, tiers tried before."""
    queue: Mapped[str | None] = mapped_column(String(32))
    queued_at: Mapped[datetime | None]
    enqueued_at: Mapped[datetime | None]
    """When the broker was last told, or was about to be; None: it could not be reached, or the essay came back."""

    claim_token: Mapped[uuid.UUID | None]
    lease_until: Mapped[datetime | None]
    attempts: Mapped[int] = mapped_column(default=0)
    finished_at: Mapped[datetime | None]

    current_grading_id: Mapped[uuid.UUID | None] = mapped_column(
        ForeignKey("gradings.id", use_alter=True, deferrable=True, initially="DEFERRED")
    )

    assignment: Mapped[Assignment] = relationship()
    student: Mapped[User] = relationship()
    current_grading: Mapped[Grading | None] = relationship(foreign_keys=[current_grading_id], post_update=True)
    gradings: Mapped[list[Grading]] = relationship(
        foreign_keys="Grading.essay_id", order_by="Grading.created_at", back_populates="essay"
    )
    transitions: Mapped[list[EssayTransition]] = relationship(order_by="EssayTransition.id")
    appeals: Mapped[list[Appeal]] = relationship(order_by="Appeal.created_at", back_populates="essay")


class Grading(Identified, Base):
    """One opinion on one essay. The essay's current one is `Essay.current_grading_id`."""

    __tablename__ = "gradings"
    __table_args__ = (
        Index("ix_gradings_suspicious", "essay_id", postgresql_where=text("suspicions IS NOT NULL")),
        Index("ix_gradings_teacher", "rubric_id", "essay_id", postgresql_where=text("source = 'teacher'")),
    )

    essay_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("essays.id", ondelete="CASCADE"), index=True)
    rubric_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("rubric_versions.id"))
    source: Mapped[Source] = mapped_column(Enum(Source, name="grading_source"))
    tier: Mapped[str | None] = mapped_column(String(16))
    """Name of the tier whose model gave it; None for a teacher's."""
    accepted: Mapped[bool] = mapped_column(default=True)
    """False: what a tier said that was not trusted. It was never the current grade, and only teachers see it."""
    teacher_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"))

    total: Mapped[Decimal] = mapped_column(Numeric(8, 2))
    max: Mapped[Decimal] = mapped_column(Numeric(8, 2))
    criteria: Mapped[list[Any]]
    annotations: Mapped[list[Any]]
    strengths: Mapped[list[Any]]
    suggestions: Mapped[list[Any]]
    comment: Mapped[str | None] = mapped_column(Text)
    """A teacher's own words on the whole."""
    confidence: Mapped[float | None]
    interval: Mapped[list[Any] | None]
    calibration_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("calibrations.id"))
    """What made the points; None: the rubric alone, or a teacher."""
    rubric_total: Mapped[Decimal | None] = mapped_column(Numeric(8, 2))
    """What the rubric alone had made of the levels, where a calibration made the points."""
    cost_usd: Mapped[Decimal | None] = mapped_column(Money(14, 8))

    model: Mapped[str | None] = mapped_column(String(200))
    engine_version: Mapped[str | None] = mapped_column(String(80))
    prompt_version: Mapped[str | None] = mapped_column(String(80))
    hashes: Mapped[dict[str, Any] | None]
    """SHA-256 of prompt, prompt file, task, rubric, essay and schema: what a grade must be reproduced from."""
    made_with: Mapped[dict[str, Any] | None]
    """How the reply was drawn (temperature, seed, attempt), and the settings of the tier that matter to it."""
    usage: Mapped[dict[str, Any] | None]
    """Tokens (prompt, cached, completion), seconds to the first token, model calls, dropped quotes and claims."""
    repeats_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("gradings.id", ondelete="SET NULL"))
    """With `source` cache: the grading of the same words that it repeats."""
    former_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("gradings.id", ondelete="SET NULL"))
    """The grading of an earlier version that its model was shown; None where it was shown none."""
    improved: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    """As `grading.revision.Former.improved`: what has become of each criterion since the earlier version."""
    suspicions: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    """As `grading.grader.Suspicions`: words that speak to the grader; None where nothing was found. For teachers."""

    essay: Mapped[Essay] = relationship(foreign_keys=[essay_id], back_populates="gradings")
    saving: Mapped[EssaySaving | None] = relationship(viewonly=True)
    rubric: Mapped[RubricVersion] = relationship()
    teacher: Mapped[User | None] = relationship()


class EssayTransition(Base):
    """One change of an essay's state: when, from what to what, by whom and why."""

    __tablename__ = "essay_transitions"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=True)
    essay_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("essays.id", ondelete="CASCADE"), index=True)
    at: Mapped[datetime] = mapped_column(default=now)
    before: Mapped[EssayState | None] = mapped_column(Enum(EssayState, name="essay_state"))
    after: Mapped[EssayState] = mapped_column(Enum(EssayState, name="essay_state"))
    actor: Mapped[str] = mapped_column(String(254))
    """A user's e-mail, or the part of Pizhu that did it."""
    reason: Mapped[str | None] = mapped_column(Text)
