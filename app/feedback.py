"""How true feedback is, by the prompt it was asked with: what models quoted that is not there, and counted wrongly."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import cast, func, select
from sqlalchemy.dialects.postgresql import JSONPATH
from sqlalchemy.orm import Session
from typing_extensions import TypedDict

from models import Grading, Source
from models.base import now

DAYS = 30
_OF_MODEL = '$[*] ? (!(@.found_by == "rule"))'


class FeedbackView(TypedDict):
    """Of the gradings of the last 30 days by one model with one version of a prompt. `quotes` are those that stand in
    the essay; `dropped_share` is that of all quotes that does not, None where nothing was quoted."""

    prompt_version: str
    model: str
    gradings: int
    quotes: int
    dropped_quotes: int
    dropped_share: float | None
    dropped_claims: int


def feedback(db: Session) -> list[FeedbackView]:
    """A row for each prompt version and model, whether or not its grades stood."""
    kept = func.jsonb_array_length(func.jsonb_path_query_array(Grading.annotations, cast(_OF_MODEL, JSONPATH)))
    rows = db.execute(
        select(
            Grading.prompt_version,
            Grading.model,
            func.count(),
            func.sum(kept),
            func.coalesce(func.sum(Grading.usage["dropped_quotes"].as_integer()), 0),
            func.coalesce(func.sum(Grading.usage["dropped_claims"].as_integer()), 0),
        )
        .where(
            Grading.source != Source.teacher,
            Grading.usage.has_key("dropped_quotes"),
            Grading.created_at > now() - timedelta(days=DAYS),
        )
        .group_by(Grading.prompt_version, Grading.model)
        .order_by(Grading.prompt_version, Grading.model)
    )
    return [
        {
            "prompt_version": version,
            "model": model,
            "gradings": gradings,
            "quotes": quotes,
            "dropped_quotes": dropped,
            "dropped_share": round(dropped / (quotes + dropped), 4) if quotes + dropped else None,
            "dropped_claims": claims,
        }
        for version, model, gradings, quotes, dropped, claims in rows
    ]
