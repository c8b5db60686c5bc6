"""What surrounds every page: who is signed in, the languages, what is new."""

from __future__ import annotations

from typing import Any

from flask import g, request
from flask.blueprints import BlueprintSetupState
from sqlalchemy import func, select

from app.auth import visitor
from app.bodies import MAX_QUESTION
from app.extensions import db
from app.language import LANGUAGES, TAGS, current_language
from app.pages import blueprint, labels
from app.pages.forms import text_field
from app.pages.messages import translated
from app.review import waiting
from app.saving import concerning
from grading.engines.loading import DEMO_MODEL
from grading.text import MAX_CHARACTERS
from models import Notice, User
from settings import settings


@blueprint.record_once
def _constants(setup: BlueprintSetupState) -> None:
    """What macros want as well, which know nothing of the request."""
    setup.app.jinja_env.globals.update(
        labels=labels,
        languages=LANGUAGES,
        translated=translated,
        DEMO_MODEL=DEMO_MODEL,
        MAX_CHARACTERS=MAX_CHARACTERS,
        MAX_QUESTION=MAX_QUESTION,
        asking_errors=labels.asking_errors,
    )


@blueprint.app_context_processor
def _surroundings() -> dict[str, Any]:
    return {
        "visitor": visitor(),
        "language": current_language(),
        "language_tag": TAGS[current_language()],
        "here": request.full_path.rstrip("?") if request.method == "GET" else "",
        "unseen_notices": unseen_notices,
        "waiting_for": lambda user: waiting(db(), user),
        "saving_mode": lambda user: concerning(db(), user),
        "demonstration": settings().is_demo_model,
        "time_zone": settings().time_zone,
        "typed": _typed,
    }


def unseen_notices(user: User) -> int:
    """How many notices the user has not seen yet."""
    if "unseen_notices" not in g:
        g.unseen_notices = db().scalar(
            select(func.count()).select_from(Notice).where(Notice.user_id == user.id, Notice.seen_at.is_(None))
        )
    count: int = g.unseen_notices
    return count


def _typed() -> list[str]:
    """What somebody wrote into the form that was refused, so that an error page can give it back."""
    return [text for name in ("text", "prompt", "comment") if (text := text_field(name).strip())]
