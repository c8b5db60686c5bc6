"""The ledger: one row for each attempt to have a model say something, whatever came of it."""

from __future__ import annotations

import enum
import uuid
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import Enum, ForeignKey, Index, String, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base, Identified, Money, now


class CallOutcome(enum.Enum):
    """How a call to a model ended."""

    started = "started"
    """It has not ended, or nobody has said so yet."""
    ok = "ok"
    """Its reply was used."""
    retried = "retried"
    """The provider failed; the same was asked once more, in a row of its own."""
    invalid = "invalid"
    """A complete reply came and was no grade."""
    escalated = "escalated"
    """The reply was read, and a better model asked because of it."""
    abandoned = "abandoned"
    """Whoever waited for it did so no longer: cancelled, or the worker was stopped."""
    failed = "failed"
    """Refused, too slow, or an error; nothing came of it."""
    shadow = "shadow"
    """Made to compare; nobody was shown what it said."""
    lost = "lost"
    """Whoever made it died; what it cost is the estimate."""


class LlmCall(Identified, Base):
    """One attempt. Written `started` before the call, settled once after it, and never changed again but for its
    outcome: a reply that was `ok` may turn out `invalid` or `escalated`, and what `failed` may be `retried`.

    Rows outlive what they belong to: a deleted essay still cost what it cost.
    """

    __tablename__ = "llm_calls"
    __table_args__ = (
        Index("ix_llm_calls_time", "started_at"),
        Index("ix_llm_calls_user", "user_id", "started_at"),
        Index("ix_llm_calls_class", "class_id", "started_at"),
        Index("ix_llm_calls_model", "model", "started_at"),
        Index("ix_llm_calls_finished", "finished_at", postgresql_where=text("finished_at IS NOT NULL")),
        Index("ix_llm_calls_changed", "changed_at"),
        Index("ix_llm_calls_started", "started_at", postgresql_where=text("outcome = 'started'")),
    )

    request_id: Mapped[str] = mapped_column(String(120), unique=True)
    """Names the attempt; the same attempt can be opened twice and is one row."""

    essay_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("essays.id", ondelete="SET NULL"), index=True)
    assignment_id: Mapped[uuid.UUID | None] = mapped_column(
        ForeignKey("assignments.id", ondelete="SET NULL"), index=True
    )
    class_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("classes.id", ondelete="SET NULL"))
    user_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"))
    """For whom: the student, of an essay."""
    feature: Mapped[str] = mapped_column(String(32))
    """What it was for: `grade`, `ask`, `embed`, `regrade`, `sentinel`, `evaluate`, `offline` …"""

    tier: Mapped[str] = mapped_column(String(16))
    model: Mapped[str] = mapped_column(String(200))
    engine_version: Mapped[str] = mapped_column(String(80))
    prompt_version: Mapped[str] = mapped_column(String(80))

    prompt_tokens: Mapped[int | None]
    cached_tokens: Mapped[int | None]
    """The part of `prompt_tokens` that a prefix cache already held."""
    completion_tokens: Mapped[int | None]
    prompt_estimated: Mapped[bool] = mapped_column(default=False)
    """Whether `prompt_tokens` is an estimate, since the provider broke off before it told."""
    machine_s: Mapped[float | None]
    """Its share of the seconds for which our own machine was busy."""

    estimated_cost: Mapped[Decimal] = mapped_column(Money())
    cost: Mapped[Decimal | None] = mapped_column(Money())
    """None while it is `started`; until then the estimate counts."""
    baseline_cost: Mapped[Decimal | None] = mapped_column(Money())
    """What the baseline model would have cost for the same work; None while that is not known."""
    price: Mapped[dict[str, Any]]
    """The price it was made at and where that comes from; amounts are decimal strings."""

    outcome: Mapped[CallOutcome] = mapped_column(Enum(CallOutcome, name="call_outcome"), default=CallOutcome.started)
    error: Mapped[str | None] = mapped_column(Text)
    started_at: Mapped[datetime] = mapped_column(default=now)
    changed_at: Mapped[datetime] = mapped_column(default=now, onupdate=now)
    """When this row was last written; sums that hold it are made anew."""
    finished_at: Mapped[datetime | None]
    latency_s: Mapped[float | None]
    first_token_s: Mapped[float | None]
