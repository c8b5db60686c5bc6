"""The front door: each role comes to what it works with."""

from __future__ import annotations

from flask import redirect, url_for
from werkzeug.wrappers import Response

from app.auth import me, rule, signed_in
from app.pages import blueprint
from models import Role

HOMES = {
    Role.student: "pages.my_assignments",
    Role.teacher: "pages.my_classes",
    Role.ops: "pages.queues",
}


@blueprint.get("/")
@rule(signed_in)
def home() -> Response:
    return redirect(url_for(HOMES[me().role]))
