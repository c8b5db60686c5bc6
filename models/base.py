"""What every table shares: the declarative base, UUID keys, UTC times."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import DateTime, Dialect, MetaData, Numeric, TypeDecorator, func
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column


def now() -> datetime:
    """The present, in UTC and saying so."""
    return datetime.now(UTC)


class Money(TypeDecorator[Decimal]):
    """An amount of US dollars. A floating-point number is refused: nobody could account for what it is off by.

    Twelve decimals hold the price of a single token of the cheapest model exactly.
    """

    impl = Numeric
    cache_ok = True

    def __init__(self, precision: int = 18, scale: int = 12) -> None:
        super().__init__(precision, scale)

    def process_bind_param(self, value: Decimal | None, dialect: Dialect) -> Decimal | None:
        if isinstance(value, float):
            raise TypeError(f"{value!r} is a floating-point number; money is Decimal")
        return value


class Base(DeclarativeBase):
    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map = {  # noqa: RUF012 -- SQLAlchemy reads it from the class
        datetime: DateTime(timezone=True),
        dict[str, Any]: JSONB,
        list[Any]: JSONB,
    }


class Identified:
    """A row known by a random UUID, so that a key tells nothing and can be made before the row."""

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=uuid.uuid4)
    created_at: Mapped[datetime] = mapped_column(default=now, server_default=func.now())
