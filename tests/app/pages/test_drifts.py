"""app/templates/drifts.html and the notice that leads there: what people read when a model marks differently."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from models import Anchor, Drift, Essay, EssayState, Notice
from models.base import now
from models.session import session
from tests.app.pages.conftest import Visit
from tests.factories import School, make_drift, make_essay


@pytest.fixture
def drift(school: School, redis: Any) -> Drift:
    essay = make_essay(school.student, school.assignment, state=EssayState.graded)
    details = {"assignment": school.assignment.title, "assignment_id": str(school.assignment.id)}
    with session() as db:
        values = {"assignment_id": school.assignment.id, "since": date(2026, 11, 1)}
        db.add(Anchor(grading_id=db.get_one(Essay, essay.id).current_grading_id, essay_id=essay.id, **values))
        db.add_all(Notice(user_id=who.id, kind="drift", details=details) for who in (school.teacher, school.ops))
        db.commit()
    return make_drift(school.assignment, before="vllm 1")


WORDS = (
    "The model marks differently than before. Computers 电脑: since 24 Nov 2026 its marks are 0.42 levels lower "
    "(median of 6 essays that are graded again every day). Something else than before: engine_version vllm 1 → vllm 2"
)


def test_the_notice_leads_the_teacher_to_the_assignment_where_it_is_explained(
    visit: Visit, school: School, drift: Drift
) -> None:
    teacher = visit(school.teacher)
    page = teacher.get("/notices")
    address = f"/assignments/{school.assignment.id}"
    assert [one for _, one in page.elements if one.get("href") == address]
    assert WORDS in " ".join(teacher.get(address).text.split())
    assert "低了 0.42 个等级" in visit(school.teacher, "zh").get(address).text
    assert "differently" not in visit(school.student).get(address).text


def test_ops_read_it_with_the_queues_and_cannot_accept_it_there(visit: Visit, school: School, drift: Drift) -> None:
    ops = visit(school.ops)
    assert [one for _, one in ops.get("/notices").elements if one.get("href") == "/queues"]
    page = ops.get("/queues")
    assert WORDS in " ".join(page.text.split())
    assert "They are right" not in page.text


def test_the_teacher_accepts_the_new_marks(visit: Visit, school: School, drift: Drift) -> None:
    teacher = visit(school.teacher)
    page = teacher.send(teacher.get(f"/assignments/{school.assignment.id}"), "/marks")
    assert "From now on marks are compared with those of today." in page.text
    assert "differently" not in page.text
    with session() as db:
        assert db.get_one(Drift, drift.id).ended_at
        assert [anchor.since for anchor in db.query(Anchor)] == [now().date()]
