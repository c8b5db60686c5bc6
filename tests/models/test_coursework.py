from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy.exc import IntegrityError

from models import Assignment, Release, RubricVersion
from models.base import now
from models.session import session
from tests.factories import make_assignment, make_class


class TestWhenGradesAreVisible:
    def test_at_once(self) -> None:
        assert Assignment(release=Release.at_once).grades_visible()

    def test_on_release(self) -> None:
        assignment = Assignment(release=Release.on_release)
        assert not assignment.grades_visible()
        assignment.release_at = now()
        assert assignment.grades_visible()

    def test_from_a_date(self) -> None:
        day = now() + timedelta(days=1)
        assignment = Assignment(release=Release.from_date, release_at=day)
        assert not assignment.grades_visible()
        assert assignment.grades_visible(at=day)


class TestGradesOpenToAppeal:
    def test_as_long_as_students_like(self) -> None:
        assert Assignment(release=Release.at_once).grades_open_to_appeal()

    def test_until_a_stated_moment(self) -> None:
        assignment = Assignment(release=Release.at_once, appeal_until=(until := now()))
        assert assignment.grades_open_to_appeal(at=until - timedelta(seconds=1))
        assert not assignment.grades_open_to_appeal(at=until)

    def test_never_before_they_are_seen(self) -> None:
        assert not Assignment(release=Release.on_release).grades_open_to_appeal()


def test_a_version_of_a_rubric_is_there_once(database: None) -> None:
    assignment = make_assignment(make_class())
    with session() as db:
        db.add(RubricVersion(assignment_id=assignment.id, version=1, criteria=[], content_hash="x"))
        with pytest.raises(IntegrityError, match="uq_rubric_versions"):
            db.commit()


def test_an_assignment_is_in_a_language_there_are_prompts_for(database: None) -> None:
    with session() as db:
        db.add(Assignment(class_id=make_class().id, title="T", prompt="P", language="fr"))
        with pytest.raises(IntegrityError, match="ck_assignments_language"):
            db.commit()
