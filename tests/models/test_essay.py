from __future__ import annotations

import pytest
from sqlalchemy import delete, select
from sqlalchemy.exc import IntegrityError

from grading import lifecycle
from models import Essay, EssayState, Grading
from models.session import session
from tests.factories import a_grading, make_essay, make_school


def test_final_states_are_those_no_machine_leaves() -> None:
    assert {state.value for state in EssayState if state.is_final} == {"graded", "needs_review", "failed", "cancelled"}


@pytest.mark.parametrize(
    "text",
    [
        "é e\u0301",
        "a\r\nb\rc\u2028d",
        "👩‍👩‍👧‍👦 𝒳",
        "\u202eשלום\u202c عربى",
        "\ufeff行而知之\u3000",
        "'; DROP TABLE essays; --",
    ],
)
def test_the_database_keeps_a_text_byte_for_byte(text: str, database: None) -> None:
    school = make_school()
    essay = make_essay(school.student, school.assignment, text)
    with session() as db:
        assert db.scalar(select(Essay.text).filter_by(id=essay.id)).encode() == text.encode()  # type: ignore[union-attr]


def test_gradings_are_kept_in_the_order_they_were_given(database: None) -> None:
    school = make_school()
    essay = make_essay(school.student, school.assignment, state=EssayState.graded)
    with session() as db:
        newest = lifecycle.override(db, essay.id, school.teacher, a_grading(school.assignment)).id
        db.commit()
        kept = db.get_one(Essay, essay.id)
        assert [grading.id for grading in kept.gradings] == [essay.current_grading_id, newest]
        assert kept.current_grading is kept.gradings[-1]


def test_the_current_grading_is_one_that_exists(database: None) -> None:
    school = make_school()
    essay = make_essay(school.student, school.assignment)
    with session() as db:
        db.get_one(Essay, essay.id).current_grading_id = essay.id
        with pytest.raises(IntegrityError):
            db.commit()


def test_an_essay_takes_its_gradings_with_it(database: None) -> None:
    school = make_school()
    essay = make_essay(school.student, school.assignment, state=EssayState.graded)
    with session() as db:
        db.execute(delete(Essay).where(Essay.id == essay.id))
        db.commit()
        assert db.scalars(select(Grading)).all() == []
