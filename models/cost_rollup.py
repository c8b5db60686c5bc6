"""The ledger, added up: what views of any period are read from.

Only `grading.costs.rollup` writes here, and all of it can be made anew from `llm_calls` and `essay_savings`.
"""

from __future__ import annotations

import uuid
from datetime import datetime
from decimal import Decimal

from sqlalchemy import BigInteger, Enum, Numeric, String
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base
from models.llm_call import CallOutcome

SUM = Numeric(24, 12)
"""US dollars, of millions of calls."""


class Costed:
    """Sums of calls: how many, and their money."""

    calls: Mapped[int] = mapped_column(BigInteger)
    cost: Mapped[Decimal] = mapped_column(SUM)
    baseline_cost: Mapped[Decimal] = mapped_column(SUM)


class Counted(Costed):
    """And their tokens."""

    prompt_tokens: Mapped[int] = mapped_column(BigInteger)
    cached_tokens: Mapped[int] = mapped_column(BigInteger)
    completion_tokens: Mapped[int] = mapped_column(BigInteger)


class CostHour(Counted, Base):
    """All calls that began in one hour (UTC); none without any."""

    __tablename__ = "cost_hours"

    hour: Mapped[datetime] = mapped_column(primary_key=True)


class CostTotal(Counted, Base):
    """Running totals (`grading.costs.running`) for each hour, by what was asked and what came of it."""

    __tablename__ = "cost_totals"

    until: Mapped[datetime] = mapped_column(primary_key=True)
    model: Mapped[str] = mapped_column(String(200), primary_key=True)
    feature: Mapped[str] = mapped_column(String(32), primary_key=True)
    prompt_version: Mapped[str] = mapped_column(String(80), primary_key=True)
    outcome: Mapped[CallOutcome] = mapped_column(
        Enum(CallOutcome, name="call_outcome", create_type=False), primary_key=True
    )
    prompt_cost: Mapped[Decimal] = mapped_column(SUM)
    """The part of `cost` that is for prompt tokens which no prefix cache held."""
    cacheable_cost: Mapped[Decimal] = mapped_column(SUM)
    """By how much that would be less if a cache had held them all."""


class OwnerTotal(Costed, Base):
    """Running totals for each day, by whose calls they were: a user's, and a class's."""

    __tablename__ = "owner_totals"

    until: Mapped[datetime] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(String(8), primary_key=True)
    """`user` or `class`."""
    owner_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    """Also of one who is gone; nobody's name is kept here."""


class SavingHour(Base):
    """What was saved on essays whose grade came in one hour (UTC), of a class and of everybody."""

    __tablename__ = "saving_hours"

    class_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    """Zero: of everybody."""
    hour: Mapped[datetime] = mapped_column(primary_key=True)
    baseline_usd: Mapped[Decimal] = mapped_column(SUM)
    cost_usd: Mapped[Decimal] = mapped_column(SUM)
    prompt_usd: Mapped[Decimal] = mapped_column(SUM)
    cache_usd: Mapped[Decimal] = mapped_column(SUM)
    routing_usd: Mapped[Decimal] = mapped_column(SUM)
    local_usd: Mapped[Decimal] = mapped_column(SUM)
    batch_usd: Mapped[Decimal] = mapped_column(SUM)


class CostRollup(Base):
    """How far the sums go: one row. What began before `until` is in them, as it was at `seen`."""

    __tablename__ = "cost_rollup"

    id: Mapped[int] = mapped_column(primary_key=True)
    until: Mapped[datetime]
    seen: Mapped[datetime]
