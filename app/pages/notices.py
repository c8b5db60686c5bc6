"""What happened to somebody's essays while they were away."""

from __future__ import annotations

import uuid

from flask import redirect, render_template, url_for
from sqlalchemy import select, update
from werkzeug.wrappers import Response

from app.auth import me, rule, signed_in
from app.bodies import Page, validated
from app.extensions import db
from app.pages import blueprint
from app.pages.forms import query
from app.paging import paged
from app.views import notice_json
from models import Notice
from models.base import now


@blueprint.get("/notices")
@rule(signed_in)
def notices() -> str:
    mine = select(Notice).where(Notice.user_id == me().id)
    return render_template("notices.html", notices=paged(db(), mine, Notice, validated(Page, query()), notice_json))


@blueprint.post("/notices/seen")
@rule(signed_in)
def see_notices() -> Response:
    mark_seen()
    return redirect(url_for("pages.home"), 303)


def mark_seen(essay_id: uuid.UUID | None = None) -> None:
    """Mark the user's notices as seen: those about one essay, or all."""
    mine = update(Notice).where(Notice.user_id == me().id, Notice.seen_at.is_(None)).values(seen_at=now())
    if essay_id is not None:
        mine = mine.where(Notice.essay_id == essay_id)
    db().execute(mine)
    db().commit()
