"""How much may be spent, and how much has been: by everybody, by a class, by a user; in a day, in a month."""

from __future__ import annotations

import enum
import uuid
from datetime import date, datetime
from decimal import Decimal

from sqlalchemy import CheckConstraint, Enum, ForeignKey, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base, Identified, Money


class Period(enum.Enum):
    """Of the school's calendar: in its time zone."""

    day = "day"
    month = "month"


class Budget(Identified, Base):
    """A limit in US dollars. One for a class or a user that names none is for each that has none of its own."""

    __tablename__ = "budgets"
    __table_args__ = (
        UniqueConstraint(
            "scope", "class_id", "user_id", "period", name="uq_budgets_whose", postgresql_nulls_not_distinct=True
        ),
        CheckConstraint("scope IN ('platform', 'class', 'user')", name="scope"),
        CheckConstraint(
            "(class_id IS NULL OR scope = 'class') AND (user_id IS NULL OR scope = 'user')", name="whose_scope"
        ),
    )

    scope: Mapped[str] = mapped_column(String(16))
    """`platform`, `class` or `user`."""
    class_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("classes.id", ondelete="CASCADE"))
    user_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    period: Mapped[Period] = mapped_column(Enum(Period, name="budget_period"))
    soft_usd: Mapped[Decimal | None] = mapped_column(Money())
    """From here on people are warned."""
    hard_usd: Mapped[Decimal | None] = mapped_column(Money())
    """From here on nothing is asked that costs something."""


class BudgetSpending(Base):
    """What the ledger has in one period for one subject of a budget: each call's cost, or else its estimate.

    Kept in the transactions that write the ledger, by `grading.costs.budget` alone.
    """

    __tablename__ = "budget_spending"

    budget_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("budgets.id", ondelete="CASCADE"), primary_key=True)
    subject: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    """The class or the user; for the platform, zero."""
    starts_on: Mapped[date] = mapped_column(primary_key=True)
    """First day of the period."""
    spent_usd: Mapped[Decimal] = mapped_column(Money())
    warned_at: Mapped[datetime | None]
    """When people were told that the soft limit is reached, and below, that the hard one is."""
    refused_at: Mapped[datetime | None]
