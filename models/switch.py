"""Switches that ops throw at run time, seen by every process because they are rows."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import String
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base, now


class Switch(Base):
    """A thrown switch; the row's absence is the normal state. `pause:<queue>` stops a queue from being worked on."""

    __tablename__ = "switches"

    name: Mapped[str] = mapped_column(String(80), primary_key=True)
    actor: Mapped[str] = mapped_column(String(254))
    at: Mapped[datetime] = mapped_column(default=now)
