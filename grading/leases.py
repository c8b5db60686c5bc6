"""Leases in the database: whoever works on a row holds it by a token, until a time that is put off while they live."""

from __future__ import annotations

import uuid
from collections.abc import Collection
from datetime import timedelta
from typing import Protocol, TypeVar

from sqlalchemy import ColumnElement, update
from sqlalchemy.orm import Session

from models import Essay, Question, Regrade
from models.base import now


class HasToken(Protocol):
    @property
    def token(self) -> uuid.UUID: ...


AClaim = TypeVar("AClaim", bound=HasToken)


def renew(
    session: Session,
    table: type[Essay] | type[Question] | type[Regrade],
    unfinished: ColumnElement[bool],
    claims: Collection[AClaim],
    lease: float,
) -> set[AClaim]:
    """Extend the leases of these claims on unfinished rows, to so many seconds from now; returns those that still
    stand. The others must be let go."""
    statement = (
        update(table)
        .where(table.claim_token.in_([claim.token for claim in claims]), unfinished)
        .values(lease_until=now() + timedelta(seconds=lease))
        .returning(table.claim_token)
        .execution_options(synchronize_session=False)
    )
    standing = set(session.scalars(statement))
    return {claim for claim in claims if claim.token in standing}
