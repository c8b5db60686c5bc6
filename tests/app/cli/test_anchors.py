"""app/cli/anchors.py and what the doctor says of it."""

from __future__ import annotations

import getpass
import uuid
from datetime import date

import pytest
from click.testing import CliRunner, Result
from sqlalchemy import select, update

from app.cli import checks
from app.cli.anchors import anchors
from models import Anchor, Drift, Essay, EssayState, Grading
from models.base import now
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


def run(*arguments: object, columns: int = 160) -> Result:
    return CliRunner(env={"COLUMNS": str(columns)}).invoke(anchors, [str(argument) for argument in arguments])


def test_nothing_is_watched_at_first(database: None) -> None:
    assert "from a dozen graded essays on" in run("list").output


def test_what_is_watched_and_what_has_moved(school: School) -> None:
    assert "not graded yet" in run("list").output
    assert checks.check_drift(settings()).ok
    moved(school)
    assert "+0.50 levels since 2026-11-24" in run("list").output
    found = checks.check_drift(settings())
    assert (found.ok, found.what) == (False, f"marks have moved: {school.assignment.title}")


def test_new_marks_are_accepted(school: School) -> None:
    moved(school)
    assert "from today on" in run("accept", school.assignment.id).output
    assert "levels since" not in run("list").output
    assert run("accept", uuid.uuid4()).exit_code == 1


def test_an_essay_is_kept_and_dismissed_and_the_list_says_by_whom(school: School) -> None:
    essay = only_essay()
    assert "automatic" in run("list", school.assignment.id).output
    assert "graded again every day" in run("keep", essay.id).output
    assert "kept already" in run("keep", essay.id).output
    told = run("list", school.assignment.id, columns=80).output
    assert str(essay.id) in told, "an id is whole on a narrow terminal too"
    assert f"kept {getpass.getuser()} (command line) {now():%Y-%m-%d}" in words(run("list", school.assignment.id))
    assert "not graded again every day" in run("dismiss", essay.id).output
    assert "It was no anchor." in run("dismiss", essay.id).output
    assert f"dismissed {getpass.getuser()} (command line)" in words(run("list", school.assignment.id))


def test_one_that_is_kept_again_is_listed_once(school: School) -> None:
    essay = only_essay()
    for what in ("dismiss", "keep", "dismiss", "keep"):
        assert run(what, essay.id).exit_code == 0
    told = run("list", school.assignment.id).output
    assert (told.count(str(essay.id)), "dismissed" in told) == (1, False)


def test_what_cannot_be_is_said_in_a_sentence(school: School) -> None:
    ungraded = make_essay(school.student, school.assignment)
    refused = run("keep", ungraded.id)
    assert (refused.exit_code, refused.output) == (
        1,
        "Error: No model has given this essay a whole grade by the rubric in use.\n",
    )
    for what, kind in (("keep", "essay"), ("dismiss", "essay"), ("list", "assignment")):
        unknown = uuid.uuid4()
        found = run(what, unknown)
        assert (found.exit_code, found.output) == (1, f"Error: There is no {kind} {unknown}.\n")
    assert "'x' is not a valid UUID" in run("keep", "x").output


def test_an_assignment_without_any_says_how_to_make_one(database: None) -> None:
    assert "pizhu anchors keep ESSAY_ID" in run("list", make_school().assignment.id).output


def only_essay() -> Essay:
    with session() as db:
        essay = db.scalars(select(Essay)).one()
        db.execute(update(Grading).values(tier="local"))
        db.commit()
    return essay


def words(found: Result) -> str:
    """Without the lines of the table."""
    return " ".join(found.output.replace("│", " ").split())
