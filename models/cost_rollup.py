"""The ledger, added up: what views of a year are read from.

Only `grading.costs.rollup` writes here, and all of it can be made anew from `llm_calls`.
"""

from __future__ import annotations

import uuid
from datetime import date, datetime
from decimal import Decimal

from sqlalchemy import BigInteger, Enum, Index, Numeric, String
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base
from models.llm_call import CallOutcome

SUM = Numeric(24, 12)
"""US dollars, of millions of calls."""


class CostHour(Base):
    """Calls that began in one hour (UTC), by what was asked and what came of it."""

    __tablename__ = "cost_hours"

    hour: Mapped[datetime] = mapped_column(primary_key=True)
    model: Mapped[str] = mapped_column(String(200), primary_key=True)
    tier: Mapped[str] = mapped_column(String(16), primary_key=True)
    feature: Mapped[str] = mapped_column(String(32), primary_key=True)
    prompt_version: Mapped[str] = mapped_column(String(80), primary_key=True)
    outcome: Mapped[CallOutcome] = mapped_column(
        Enum(CallOutcome, name="call_outcome", create_type=False), primary_key=True
    )
    calls: Mapped[int] = mapped_column(BigInteger)
    prompt_tokens: Mapped[int] = mapped_column(BigInteger)
    cached_tokens: Mapped[int] = mapped_column(BigInteger)
    completion_tokens: Mapped[int] = mapped_column(BigInteger)
    cost: Mapped[Decimal] = mapped_column(SUM)
    baseline_cost: Mapped[Decimal] = mapped_column(SUM)
    prompt_cost: Mapped[Decimal] = mapped_column(SUM)
    """The part of `cost` that is for prompt tokens which no prefix cache held."""
    cacheable_cost: Mapped[Decimal] = mapped_column(SUM)
    """By how much that would be less if a cache had held them all."""


class CostDay(Base):
    """Calls that began on one day (UTC), by whose they were."""

    __tablename__ = "cost_days"
    __table_args__ = (Index("ix_cost_days_day", "day"), Index("ix_cost_days_class", "class_id", "day"))

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=True)
    day: Mapped[date]
    user_id: Mapped[uuid.UUID | None]
    """Also of a user who is gone; nobody's name is kept here."""
    class_id: Mapped[uuid.UUID | None]
    calls: Mapped[int] = mapped_column(BigInteger)
    cost: Mapped[Decimal] = mapped_column(SUM)
    baseline_cost: Mapped[Decimal] = mapped_column(SUM)


class CostWindow(Base):
    """The `CostDay`s of the last whole days in one: what "the last 30 days" are read from."""

    __tablename__ = "cost_window"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=True)
    user_id: Mapped[uuid.UUID | None]
    class_id: Mapped[uuid.UUID | None]
    calls: Mapped[int] = mapped_column(BigInteger)
    cost: Mapped[Decimal] = mapped_column(SUM)
    baseline_cost: Mapped[Decimal] = mapped_column(SUM)


class CostRollup(Base):
    """How far the sums go: one row. What began before `until` is in them, as it was at `seen`."""

    __tablename__ = "cost_rollup"

    id: Mapped[int] = mapped_column(primary_key=True)
    until: Mapped[datetime]
    seen: Mapped[datetime]
    window_until: Mapped[date | None]
    """The day before which the window ends."""
