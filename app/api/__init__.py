"""The HTTP API, under /api/v1. Views are thin: a rule, what they take and answer, and one call."""

from __future__ import annotations

from flask import Blueprint

blueprint = Blueprint("api", __name__, url_prefix="/api/v1")

from app.api import (  # noqa: E402 -- they add their routes
    advice,  # noqa: F401
    anchors,  # noqa: F401
    ask,  # noqa: F401
    assignments,  # noqa: F401
    budgets,  # noqa: F401
    cache,  # noqa: F401
    classes,  # noqa: F401
    costs,  # noqa: F401
    essays,  # noqa: F401
    openapi,  # noqa: F401
    people,  # noqa: F401
    queues,  # noqa: F401
    review,  # noqa: F401
    saving,  # noqa: F401
)
