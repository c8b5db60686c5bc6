"""What a teacher is told of the essays that a correction touches."""

from __future__ import annotations

from flask import flash, url_for
from flask_babel import ngettext
from markupsafe import Markup

from app.extensions import db
from grading import second_looks
from models import Essay


def flash_touched(essay: Essay) -> None:
    """Say on the next page how many others the grade that was just given asks for a look at, and where they are."""
    if count := second_looks.touched(db(), essay.id):
        words = ngettext("Your correction touches %(num)s other.", "Your correction touches %(num)s others.", count)
        flash(Markup('<a href="{}">{}</a>').format(url_for("pages.review", touched_by=essay.id), words))
