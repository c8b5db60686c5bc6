"""The pages that people use: server-rendered, and their forms work without JavaScript."""

from __future__ import annotations

from flask import Blueprint

blueprint = Blueprint("pages", __name__)

from app.pages import (  # noqa: E402 -- they add their routes
    assignments,  # noqa: F401
    classes,  # noqa: F401
    copies,  # noqa: F401
    costs,  # noqa: F401
    essays,  # noqa: F401
    frame,  # noqa: F401
    home,  # noqa: F401
    notices,  # noqa: F401
    ops,  # noqa: F401
    review,  # noqa: F401
    sign_in,  # noqa: F401
    student,  # noqa: F401
)
