"""app/feedback.py: what was false in the models' feedback, by prompt version."""

from __future__ import annotations

from datetime import timedelta

from app.feedback import DAYS, feedback
from models import EssayState, Source
from models.base import now
from models.session import session
from tests.app.conftest import Clients
from tests.factories import School, make_essay, make_grading

NOTE = {"start": 0, "end": 3, "quote": "The", "kind": "idea", "comment": "x"}


def test_what_was_left_out_is_counted_by_prompt_and_model(school: School, client: Clients) -> None:
    essay = make_essay(school.student, school.assignment, state=EssayState.graded)
    for version, quotes, claims in (("grade/en/v1", 1, 0), ("grade/en/v1", 2, 1), ("grade/en/v2", 0, 0)):
        make_grading(
            essay,
            school.assignment,
            prompt_version=version,
            annotations=[NOTE, NOTE | {"found_by": "model"}, NOTE | {"found_by": "rule"}],
            usage={"dropped_quotes": quotes, "dropped_claims": claims},
        )
    make_grading(essay, school.assignment, usage={"dropped_quotes": 9}, created_at=now() - timedelta(days=DAYS + 1))
    make_grading(essay, school.assignment, usage={"dropped_quotes": 9}, source=Source.teacher)
    with session() as db:
        first, second = feedback(db)
    assert first == {
        "prompt_version": "grade/en/v1",
        "model": "a-model",
        "gradings": 2,
        "quotes": 4,
        "dropped_quotes": 3,
        "dropped_share": 0.4286,
        "dropped_claims": 1,
    }
    assert (second["prompt_version"], second["quotes"], second["dropped_share"]) == ("grade/en/v2", 2, 0.0)
    shown = client(school.ops).get("/api/v1/feedback").json
    assert shown == {"items": [first, second], "next": None}
