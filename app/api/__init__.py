"""The HTTP API, under /api/v1. Views are thin: a rule, what they take and answer, and one call."""

from __future__ import annotations

from flask import Blueprint

blueprint = Blueprint("api", __name__, url_prefix="/api/v1")

from app.api import ask, assignments, classes, essays, openapi, people, queues, review  # noqa: E402, F401 -- they add their routes
