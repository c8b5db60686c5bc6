"""A revised version on its way through a worker: what its model is shown, and what is kept."""

from __future__ import annotations

from grading import regrades
from models import Essay, EssayState, Source
from models.session import session
from tests.doubles.engine import InstantEngine
from tests.factories import School, make_essay
from tests.grading.copies.examples import ENGLISH
from tests.workers.test_resubmission import grade_by_hand, hand_in, kept
from workers.local import grade_essay, regrade_essay

REVISED = ENGLISH + " I have never forgotten that night."


def test_the_model_of_a_revised_version_sees_the_former_grade_and_says_what_has_changed(
    school: School, engine: InstantEngine
) -> None:
    first = hand_in(school.student, school.assignment, ENGLISH)
    second = hand_in(school.student, school.assignment, REVISED)
    before, now = first.current_grading, second.current_grading
    assert before
    assert now
    assert (now.source, now.former_id) == (Source.local, first.current_grading_id)
    assert now.improved
    assert now.improved["essay_id"] == str(first.id)
    assert [(one["before"], one["now"]) for one in now.improved["criteria"]] == [
        (old["level"], new["level"]) for old, new in zip(before.criteria, now.criteria, strict=True)
    ]
    assert {one["comment"] for one in now.improved["criteria"]} == {"You have given one more example than before."}
    plain, revised = engine.requests
    assert plain.messages[0] == revised.messages[0], "the static part of the prompt"
    assert before.criteria[0]["comment"] in revised.messages[-1]["content"]
    assert before.improved is None
    assert (now.hashes or {}).keys() - (before.hashes or {}).keys() == {"revision"}


def test_a_teachers_grade_is_what_the_model_is_shown(school: School, engine: InstantEngine) -> None:
    first = hand_in(school.student, school.assignment, ENGLISH)
    given = grade_by_hand(first, school)
    second = hand_in(school.student, school.assignment, REVISED)
    assert second.current_grading
    assert second.current_grading.former_id == given.id


def test_a_revised_version_handed_in_again_word_for_word_has_its_grade(school: School, engine: InstantEngine) -> None:
    hand_in(school.student, school.assignment, ENGLISH)
    second = hand_in(school.student, school.assignment, REVISED)
    third = hand_in(school.student, school.assignment, REVISED)
    assert third.current_grading
    assert second.current_grading
    assert third.current_grading.source is Source.cache
    assert third.current_grading.improved == second.current_grading.improved
    assert len(engine.requests) == 2


def test_graded_again_to_compare_its_model_is_asked_the_same(school: School, engine: InstantEngine) -> None:
    hand_in(school.student, school.assignment, ENGLISH)
    second = hand_in(school.student, school.assignment, REVISED)
    hand_in(school.student, school.assignment, REVISED + " Never.")
    with session() as db:
        regrade_id = regrades.ask(db, kept(second.id).current_grading, "local")  # type: ignore[arg-type]
        db.commit()
    regrade_essay(str(regrade_id))
    assert engine.requests[-1].messages == engine.requests[1].messages


def test_another_essay_of_the_student_is_graded_as_a_first_one(school: School, engine: InstantEngine) -> None:
    hand_in(school.student, school.assignment, ENGLISH)
    other = hand_in(school.student, school.assignment, "Something else altogether, and much shorter than it was.")
    assert other.current_grading
    assert (other.current_grading.improved, other.current_grading.former_id) == (None, None)


def test_a_version_that_has_no_grade_is_no_former(school: School, engine: InstantEngine) -> None:
    make_essay(school.student, school.assignment, ENGLISH, EssayState.needs_review)
    second = hand_in(school.student, school.assignment, REVISED)
    with session() as db:
        assert db.get_one(Essay, second.id).current_grading.improved is None  # type: ignore[union-attr]
    grade_essay(str(second.id))  # over already: nothing happens
