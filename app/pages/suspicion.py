"""What a teacher is shown of words that speak to the grader, and of characters that nobody can see."""

from __future__ import annotations

from typing import Any

from markupsafe import Markup

from app.pages import blueprint
from app.pages.display import verbatim
from app.pages.messages import translated
from app.views import GradingView
from grading import injection
from grading.injection import hidden

SHOWN = 20
"""Notes of this kind beside one essay; an essay with more needs no proof."""


def suspicion_notes(text: str, grading: GradingView | None) -> list[dict[str, Any]]:
    """Margin notes on what was suspicious when it was graded, or is where no model has graded it."""
    kept = grading and grading["suspicions"]
    spans: list[Any] = kept["spans"] if kept else [each.to_json() for each in injection.find(text)]
    return [
        {
            "start": span["start"],
            "end": span["end"],
            "quote": _readable(text[span["start"] : span["end"]]),
            "kind": "suspicious",
            "comment": translated(injection.REASONS[span["kind"]]),
            "found_by": "guard",
        }
        for span in spans[:SHOWN]
    ]


def with_suspicions(text: str, notes: Any, grading: GradingView | None) -> list[Any]:
    """A teacher's margin notes, in the order of the text."""
    return sorted([*suspicion_notes(text, grading), *notes], key=lambda note: (note["start"], note["end"]))


@blueprint.app_template_filter()
def revealed(text: str) -> Markup:
    """A text as it is, with the names of its hidden characters; these are drawn by the style and are no part of it."""
    pieces, place = [], 0
    for found in hidden.places(text):
        pieces.append(verbatim(text[place:found]))
        named = Markup('<span class="hidden-character" data-name="{}">{}</span>')
        pieces.append(named.format(hidden.name(text[found]), text[found]))
        place = found + 1
    return Markup("").join((*pieces, verbatim(text[place:])))


def _readable(quote: str) -> str:
    """The quote, with names for what cannot be seen in it."""
    unseen = set(hidden.places(quote))
    return "".join(f"[{hidden.name(letter)}]" if place in unseen else letter for place, letter in enumerate(quote))
