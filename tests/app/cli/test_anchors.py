"""app/cli/anchors.py and what the doctor says of it."""

from __future__ import annotations

import uuid
from datetime import date

import pytest
from click.testing import CliRunner, Result

from app.cli import checks
from app.cli.anchors import anchors
from models import Anchor, Drift, EssayState
from models.session import session
from settings import settings
from tests.factories import School, make_essay, make_school


@pytest.fixture
def school(database: None) -> School:
    made = make_school()
    essay = make_essay(made.student, made.assignment, state=EssayState.graded)
    with session() as db:
        values = {"grading_id": essay.current_grading_id, "essay_id": essay.id, "since": date(2026, 11, 1)}
        db.add(Anchor(assignment_id=made.assignment.id, **values))
        db.commit()
    return made


def moved(school: School) -> None:
    values = {"day": date(2026, 11, 24), "shift": 0.5, "p_value": 1e-6, "anchors": 6, "changed": []}
    with session() as db:
        db.add(Drift(assignment_id=school.assignment.id, **values))
        db.commit()


def run(*arguments: object) -> Result:
    return CliRunner(env={"COLUMNS": "160"}).invoke(anchors, [str(argument) for argument in arguments])


def test_nothing_is_watched_at_first(database: None) -> None:
    assert "from a dozen graded essays on" in run().output


def test_what_is_watched_and_what_has_moved(school: School) -> None:
    assert "not graded yet" in run().output
    assert checks.check_drift(settings()).ok
    moved(school)
    assert "+0.50 levels since 2026-11-24" in run().output
    found = checks.check_drift(settings())
    assert (found.ok, found.what) == (False, f"marks have moved: {school.assignment.title}")


def test_new_marks_are_accepted(school: School) -> None:
    moved(school)
    assert "from today on" in run("--accept", school.assignment.id).output
    assert "levels since" not in run().output
    assert run("--accept", uuid.uuid4()).exit_code == 1
