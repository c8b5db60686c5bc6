"""Alerts: what ops must know of at once, one row an incident."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Index, String, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base, Identified


class Alert(Identified, Base):
    """An incident, open until `ended_at`. While one of a kind is open there is no second."""

    __tablename__ = "alerts"
    __table_args__ = (
        Index("uq_alerts_open", "kind", unique=True, postgresql_where=text("ended_at IS NULL")),
        Index("ix_alerts_time", "created_at"),
    )

    kind: Mapped[str] = mapped_column(String(32))
    """`spending`: money ran away, and saving mode began by itself; `saving`: somebody threw it by hand."""
    actor: Mapped[str] = mapped_column(String(254))
    """Who says so: an e-mail address, or `pizhu`."""
    reason: Mapped[str] = mapped_column(Text)
    details: Mapped[dict[str, Any]]
    """The figures it was judged by."""
    ended_at: Mapped[datetime | None]
    saving_ended_at: Mapped[datetime | None]
    """When paid models were opened again, which may be before the incident is over; None while they are closed."""
    saving_ended_by: Mapped[str | None] = mapped_column(String(254))

    opened_told_at: Mapped[datetime | None]
    closed_told_at: Mapped[datetime | None]
    """When the webhook took its beginning and its end."""
    webhook_attempts: Mapped[int] = mapped_column(default=0)
    """Refusals since it last took something."""
    webhook_next_at: Mapped[datetime | None]
    """Not tried again before."""
