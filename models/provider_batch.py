"""Batches at a provider, and which essays ride in them: what was sent, and what is still owed for it."""

from __future__ import annotations

import enum
import uuid
from datetime import datetime
from typing import Any

from sqlalchemy import Enum, ForeignKey, Index, String, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base, Identified, now


class BatchState(enum.Enum):
    """How far a batch has come. Each is committed before what it announces is begun."""

    prepared = "prepared"
    """Its essays are claimed and their calls are in the ledger; nothing has been sent."""
    uploaded = "uploaded"
    """Its file is at the provider; nothing has been asked."""
    submitting = "submitting"
    """The provider was asked to begin, or is about to be; whether it did is known by its list alone."""
    submitted = "submitted"
    """The provider works on it, under `remote_id`."""
    cancelling = "cancelling"
    """The provider was asked to stop it; what it has done by then will come."""
    finished = "finished"
    """It ended at the provider, whole or in part, and all that came has been read."""
    failed = "failed"
    """The provider never worked on it, or knows nothing of it any more."""
    no_room = "no_room"
    """The provider had too much to do already and did not begin: its essays wait for another, smaller one."""
    dropped = "dropped"
    """Nobody waited for it any more before it was sent."""

    @property
    def is_over(self) -> bool:
        return self in (self.finished, self.failed, self.no_room, self.dropped)


class ItemOutcome(enum.Enum):
    """What became of one essay's request in a batch."""

    answered = "answered"
    """A reply came; the ledger says whether it was of use."""
    failed = "failed"
    """It was not answered, and cost nothing."""
    missing = "missing"
    """The provider says that the batch is complete and has no readable line for it; it may have cost something."""
    withdrawn = "withdrawn"
    """It was not sent, because its essay did not wait for it any more."""


class ProviderBatch(Identified, Base):
    """One batch at a provider, in which one tier's model grades many essays within a day at half the price."""

    __tablename__ = "provider_batches"
    __table_args__ = (
        Index(
            "ix_provider_batches_open",
            "next_look_at",
            postgresql_where=text("state IN ('prepared', 'uploaded', 'submitting', 'submitted', 'cancelling')"),
        ),
        Index("ix_provider_batches_model", "provider", "model", "created_at"),
    )

    tier: Mapped[str] = mapped_column(String(16))
    model: Mapped[str] = mapped_column(String(200))
    provider: Mapped[str] = mapped_column(String(200))
    """Who answers, as `host` or `host:port`."""
    left_out: Mapped[list[Any]] = mapped_column(default=list)
    """Optional parts of a request that this provider does not take for this model, as far as is known."""

    state: Mapped[BatchState] = mapped_column(Enum(BatchState, name="batch_state"), default=BatchState.prepared)
    input_file_id: Mapped[str | None] = mapped_column(String(200))
    remote_id: Mapped[str | None] = mapped_column(String(200))
    remote_status: Mapped[str | None] = mapped_column(String(40))
    """In the provider's word, when it was last seen."""
    error: Mapped[str | None] = mapped_column(Text)
    """What went wrong last, for a person."""

    size: Mapped[int]
    """Essays in it."""
    answered: Mapped[int] = mapped_column(default=0)
    """Essays that a reply came for."""

    next_look_at: Mapped[datetime] = mapped_column(default=now)
    """When it is looked at again."""
    failures: Mapped[int] = mapped_column(default=0)
    """Tries of its present step that failed in a row."""
    asked_at: Mapped[datetime | None]
    """When the provider was last asked to begin."""
    submitted_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]


class BatchItem(Base):
    """One essay in one batch. It is held by the claim named here for as long as nobody takes it away."""

    __tablename__ = "provider_batch_items"
    __table_args__ = (
        UniqueConstraint("batch_id", "custom_id"),
        Index("ix_provider_batch_items_owed", "call_id", postgresql_where=text("outcome IS NULL")),
    )

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=uuid.uuid4)
    batch_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("provider_batches.id", ondelete="CASCADE"))
    custom_id: Mapped[str] = mapped_column(String(64))
    """Names its line in the files: the essay and its try."""
    essay_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("essays.id", ondelete="SET NULL"), index=True)
    claim_token: Mapped[uuid.UUID]
    attempts: Mapped[int]
    call_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("llm_calls.id"))
    asked: Mapped[str | None] = mapped_column(String(64))
    """SHA-256 of the request as it was sent: a reply is a reply to that and nothing else."""
    outcome: Mapped[ItemOutcome | None] = mapped_column(Enum(ItemOutcome, name="batch_item_outcome"))
    """None while it is owed."""
