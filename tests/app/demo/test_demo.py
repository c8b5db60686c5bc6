from __future__ import annotations

from pathlib import Path

import pytest
from redis import Redis
from sqlalchemy import func, select

from app.demo import create_demo, passwords_file
from grading import text
from grading.rubric import Rubric
from models import Assignment, Class, Essay, EssayState, Role, User
from models.people import password_matches
from models.session import session
from settings import settings
from workers.queue import messages_waiting


@pytest.fixture(autouse=True)
def demo(database: None, redis: Redis) -> None:
    passwords_file().unlink(missing_ok=True)
    create_demo()


def passwords() -> dict[str, str]:
    return dict(line.split() for line in passwords_file().read_text().splitlines())


def test_three_people_can_sign_in_with_the_passwords_in_the_file() -> None:
    assert list(passwords()) == ["student@demo.test", "teacher@demo.test", "ops@demo.test"]
    with session() as db:
        for email, password in passwords().items():
            user = db.scalars(select(User).filter_by(email=email)).one()
            assert user.role is Role(email.partition("@")[0])
            assert password_matches(user, password)


def test_the_passwords_are_for_the_owners_eyes_and_of_this_installation_only() -> None:
    assert passwords_file() == settings().home / "demo-passwords.txt"
    assert passwords_file().stat().st_mode & 0o777 == 0o600
    assert len(set(passwords().values())) == 3


def test_the_class_has_an_assignment_in_each_language_that_can_be_graded() -> None:
    with session() as db:
        assignments = db.scalars(select(Assignment)).all()
        assert sorted(assignment.language for assignment in assignments) == ["en", "zh"]
        for assignment in assignments:
            assert assignment.school_class.name == "Demo class 示范班"
            assert Rubric.parse({"criteria": assignment.rubric.criteria}).content_hash == assignment.rubric.content_hash


def test_its_essays_wait_for_a_grade_as_anybodys_do() -> None:
    with session() as db:
        essays = db.scalars(select(Essay)).all()
        assert [essay.state for essay in essays] == [EssayState.submitted] * 4
        assert all(essay.assignment.language == text.language_of(essay.text) for essay in essays)
        assert all(300 <= len(essay.text) <= 1000 for essay in essays)
    assert messages_waiting("triage") == 1, "one message tells of them all"


def test_it_is_created_once(tmp_path: Path) -> None:
    before = passwords_file().read_text()

    create_demo()

    assert passwords_file().read_text() == before
    with session() as db:
        assert db.scalar(select(func.count()).select_from(Class)) == 1


def test_a_school_that_has_users_gets_none() -> None:
    with session() as db:
        db.query(Essay).delete()
        db.query(Class).delete()
        db.commit()

    create_demo()

    with session() as db:
        assert db.scalar(select(func.count()).select_from(Class)) == 0
