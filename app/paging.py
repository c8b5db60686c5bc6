"""Long lists, a page at a time: newest first, and steady while new things come in."""

from __future__ import annotations

import base64
import binascii
import uuid
from collections.abc import Callable
from datetime import datetime
from typing import Any, Generic, TypeVar

from sqlalchemy import Select, tuple_
from sqlalchemy.orm import Session
from typing_extensions import TypedDict

from app.bodies import Page
from app.problems import wrong

Item = TypeVar("Item")
Row = TypeVar("Row")


class Listing(TypedDict, Generic[Item]):
    """One page. `next` is the `cursor` of the page after it, None on the last."""

    items: list[Item]
    next: str | None


def paged(db: Session, query: Select[Row], table: Any, wanted: Page, view: Callable[[Row], Item]) -> Listing[Item]:
    """The page of `query` that is wanted; `table` has `created_at` and `id`, and `view` shows one row."""
    if wanted.cursor is not None:
        query = query.where(tuple_(table.created_at, table.id) < _decode(wanted.cursor))
    rows: list[Any] = list(db.scalars(query.order_by(table.created_at.desc(), table.id.desc()).limit(wanted.limit + 1)))
    more = len(rows) > wanted.limit
    rows = rows[: wanted.limit]
    return {"items": [view(row) for row in rows], "next": _encode(rows[-1]) if more else None}


def _encode(row: Any) -> str:
    return base64.urlsafe_b64encode(f"{row.created_at.isoformat()} {row.id}".encode()).decode().rstrip("=")


def _decode(cursor: str) -> tuple[datetime, uuid.UUID]:
    try:
        at, _, key = base64.urlsafe_b64decode(cursor + "==").decode().partition(" ")
        moment, row_id = datetime.fromisoformat(at), uuid.UUID(key)
        if moment.tzinfo is None:
            raise ValueError
    except (ValueError, binascii.Error):
        raise wrong("cursor", "Not a cursor; take `next` of the page before as it is.") from None
    return moment, row_id
