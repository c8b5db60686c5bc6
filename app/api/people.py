"""Oneself, and what one is to be told."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select, update

from app.api import blueprint
from app.api.operation import Operation, operation
from app.auth import me, rule, signed_in
from app.bodies import NoticeFilter, SeenNotices
from app.extensions import db
from app.paging import Listing, paged
from app.views import NoticeView, UserView, notice_json, user_json
from models import Notice
from models.base import now


@blueprint.get("/me")
@rule(signed_in)
@operation(Operation(200, UserView))
def get_me() -> Any:
    """Whose token or session this is."""
    return user_json(me())


@blueprint.get("/notices")
@rule(signed_in)
@operation(Operation(200, Listing[NoticeView], query=NoticeFilter))
def list_notices(query: NoticeFilter) -> Any:
    """What happened to one's essays, newest first."""
    mine = select(Notice).where(Notice.user_id == me().id)
    if query.unseen:
        mine = mine.where(Notice.seen_at.is_(None))
    return paged(db(), mine, Notice, query, notice_json)


@blueprint.post("/notices/seen")
@rule(signed_in)
@operation(Operation(204, None, body=SeenNotices))
def see_notices(body: SeenNotices) -> Any:
    """Mark notices as seen."""
    mine = update(Notice).where(Notice.user_id == me().id, Notice.seen_at.is_(None)).values(seen_at=now())
    if body.ids is not None:
        mine = mine.where(Notice.id.in_(body.ids))
    db().execute(mine)
    db().commit()
    return "", 204
