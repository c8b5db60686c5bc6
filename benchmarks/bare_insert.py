"""The web application with one route more: the least that storing an essay can cost, for `benchmarks.submit`."""

from __future__ import annotations

import hashlib
from typing import Any

from flask import Flask, request
from sqlalchemy import insert

import app
from app.auth import me, rule, student
from app.extensions import db
from models import Essay, EssayState

PATH = "/api/v1/bare-insert"


def create_app() -> Flask:
    """`app.create_app` with `POST /api/v1/bare-insert`: the same sign-in, one INSERT of the same row, one commit."""
    application = app.create_app()
    application.add_url_rule(PATH, "bare_insert", _insert, methods=["POST"])
    return application


@rule(student)
def _insert() -> Any:
    body = request.get_json()
    essay = {
        "assignment_id": body["assignment_id"],
        "student_id": me().id,
        "text": body["text"],
        "text_sha256": hashlib.sha256(body["text"].encode()).hexdigest(),
        "state": EssayState.submitted,
        "attempts": 0,
    }
    essay_id = db().execute(insert(Essay).values(essay).returning(Essay.id)).scalar_one()
    db().commit()
    return {"id": str(essay_id)}, 202
