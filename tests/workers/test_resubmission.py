from __future__ import annotations

import threading
import uuid
from collections.abc import Callable
from decimal import Decimal

import pytest
from sqlalchemy import func, select, text, update

from grading import lifecycle, progress
from grading.costs.saving import Lever
from grading.rubric import Rubric
from models import (
    Assignment,
    Calibration,
    Essay,
    EssaySaving,
    EssayState,
    Grading,
    LlmCall,
    RubricVersion,
    Source,
    User,
)
from models.session import session
from tests.conftest import use_environment
from tests.doubles.engine import InstantEngine
from tests.factories import RUBRIC, TEXT, School, a_grading, make_assignment, make_essay
from workers.local import grade_essay
from workers.triage import triage

pytestmark = pytest.mark.usefixtures("engine")


def hand_in(student: User, assignment: Assignment, text: str = TEXT) -> Essay:
    """Handed in, and as it is after triage and a turn of the local worker."""
    essay = make_essay(student, assignment, text)
    triage(str(essay.id))
    grade_essay(str(essay.id))
    return kept(essay.id)


def kept(essay_id: uuid.UUID) -> Essay:
    with session() as db:
        essay = db.get_one(Essay, essay_id)
        assert essay.current_grading
        assert essay.transitions
        assert essay.gradings
        return essay


def grade_by_hand(essay: Essay, school: School, total: int = 3) -> Grading:
    with session() as db:
        grading = a_grading(school.assignment, essay.text)
        grading.model = grading.prompt_version = grading.hashes = grading.confidence = None
        grading.total = Decimal(total)
        lifecycle.override(db, essay.id, school.teacher, grading)
        db.commit()
        return grading


def source(essay: Essay) -> Source:
    assert essay.current_grading
    return essay.current_grading.source


def test_the_same_words_get_their_grade_at_once_and_for_nothing(school: School, engine: InstantEngine) -> None:
    first = hand_in(school.student, school.assignment)
    again = hand_in(school.student, school.assignment)
    one, other = first.current_grading, again.current_grading
    assert one
    assert other
    assert (other.source, other.cost_usd, other.repeats_id) == (Source.cache, 0, one.id)
    assert (other.total, other.criteria, other.annotations) == (one.total, one.criteria, one.annotations)
    assert (other.model, other.prompt_version) == (one.model, one.prompt_version)
    assert len(engine.requests) == 1
    with session() as db:
        assert db.scalar(select(func.count()).select_from(LlmCall)) == 1


def test_all_that_it_would_have_cost_is_saved_by_the_cache(school: School) -> None:
    first = hand_in(school.student, school.assignment)
    again = hand_in(school.student, school.assignment)
    with session() as db:
        rows = db.scalars(select(EssaySaving).order_by(EssaySaving.at)).all()
    assert [row.essay_id for row in rows] == [first.id, again.id]
    asked, repeated = rows
    assert (repeated.cost_usd, repeated.baseline_usd) == (0, asked.baseline_usd)
    assert repeated.cache_usd > asked.cache_usd
    parts = sum(getattr(repeated, f"{lever.value}_usd") for lever in Lever)
    assert parts == repeated.baseline_usd


def test_history_and_notices_show_how_the_grade_came(school: School) -> None:
    hand_in(school.student, school.assignment)
    again = hand_in(school.student, school.assignment)
    last = again.transitions[-1]
    assert (last.before, last.after, last.actor) == (EssayState.submitted, EssayState.graded, "cache")
    assert last.reason == "handed in and graded before, word for word"
    event = next(progress.follow(again.id))
    assert event
    assert (event.type, event.data["status"]) == ("graded", "graded")


def test_a_third_time_names_the_grading_that_a_model_gave(school: School) -> None:
    first, _, third = (hand_in(school.student, school.assignment) for _ in range(3))
    assert third.current_grading
    assert third.current_grading.repeats_id == first.current_grading_id


def test_doing_it_twice_leaves_one_grading(school: School) -> None:
    hand_in(school.student, school.assignment)
    again = hand_in(school.student, school.assignment)
    triage(str(again.id))
    assert len(kept(again.id).gradings) == 1


def test_the_words_of_another_student_are_graded_on_their_own(school: School) -> None:
    hand_in(school.student, school.assignment)
    assert source(hand_in(school.classmate, school.assignment)) is Source.local


def test_another_assignment_is_another_matter(school: School) -> None:
    hand_in(school.student, school.assignment)
    assert source(hand_in(school.student, make_assignment(school.school_class))) is Source.local


def test_a_single_blank_more_is_another_essay(school: School) -> None:
    hand_in(school.student, school.assignment)
    assert source(hand_in(school.student, school.assignment, TEXT + " ")) is Source.local


def _new_rubric(assignment: Assignment) -> None:
    changed = Rubric.parse({"criteria": [{**RUBRIC["criteria"][0], "max": 20}, RUBRIC["criteria"][1]]})
    with session() as db:
        version = RubricVersion(
            assignment_id=assignment.id,
            version=2,
            criteria=changed.to_json()["criteria"],
            content_hash=changed.content_hash,
        )
        db.add(version)
        db.flush()
        db.get_one(Assignment, assignment.id).rubric_id = version.id
        db.commit()


def _new_task(assignment: Assignment) -> None:
    _change(assignment, prompt="What do people do to computers?")


def _new_calibration(assignment: Assignment) -> None:
    with session() as db:
        made = Calibration(
            assignment_id=assignment.id,
            rubric_id=assignment.rubric_id,
            version="",
            marks=0,
            dump=b"",
            digest="",
            signature="",
            library="",
            scale={},
            graders={},
            evidence=[],
            predictions={},
            comparison={},
        )
        db.add(made)
        db.flush()
        db.get_one(Assignment, assignment.id).calibration_id = made.id
        db.commit()


def _new_bars(assignment: Assignment) -> None:
    _change(assignment, routing={"accept": {"local": 0.1}})


def _change(assignment: Assignment, **columns: object) -> None:
    with session() as db:
        db.execute(update(Assignment).where(Assignment.id == assignment.id).values(**columns))
        db.commit()


@pytest.mark.parametrize("change", [_new_rubric, _new_task, _new_bars, _new_calibration])
def test_what_was_changed_in_between_is_graded_anew(school: School, change: Callable[[Assignment], None]) -> None:
    hand_in(school.student, school.assignment)
    change(school.assignment)
    again = hand_in(school.student, school.assignment)
    assert source(again) is Source.local


@pytest.mark.parametrize(
    "environment", [{"PIZHU_GRADE_PROMPT": "compact"}, {"PIZHU_LOCAL_MODEL": "another/model"}], ids=["prompt", "model"]
)
def test_another_prompt_or_model_grades_anew(school: School, environment: dict[str, str]) -> None:
    hand_in(school.student, school.assignment)
    with use_environment(environment):
        assert source(hand_in(school.student, school.assignment)) is Source.local


def test_a_teachers_grade_is_not_got_rid_of_by_handing_in_again(school: School) -> None:
    first = hand_in(school.student, school.assignment)
    given = grade_by_hand(first, school)
    again = hand_in(school.student, school.assignment)
    assert again.current_grading
    assert (again.current_grading.source, again.current_grading.total) == (Source.cache, 3)
    assert again.current_grading.repeats_id == given.id
    assert again.current_grading.teacher_id == school.teacher.id


def test_a_teachers_grade_counts_also_where_the_models_was_repeated_before(school: School) -> None:
    first = hand_in(school.student, school.assignment)
    hand_in(school.student, school.assignment)
    grade_by_hand(first, school)
    third = hand_in(school.student, school.assignment)
    assert third.current_grading
    assert third.current_grading.total == 3


@pytest.mark.parametrize("change", [_new_rubric, _new_task])
def test_a_teachers_grade_by_another_rubric_or_for_another_task_is_not_repeated(
    school: School, change: Callable[[Assignment], None]
) -> None:
    grade_by_hand(hand_in(school.student, school.assignment), school)
    change(school.assignment)
    assert source(hand_in(school.student, school.assignment)) is Source.local


def test_a_change_that_is_being_saved_is_waited_for(school: School) -> None:
    """Whoever holds the assignment to change it has the last word on what an essay after it is graded by."""
    hand_in(school.student, school.assignment)
    again = make_essay(school.student, school.assignment)
    with session() as db:
        db.get_one(Assignment, school.assignment.id, with_for_update=True)
        other = threading.Thread(target=triage, args=[str(again.id)])
        other.start()
        with session() as watcher:
            while not watcher.scalar(text("SELECT count(*) FROM pg_locks WHERE NOT granted")):
                watcher.rollback()
                assert other.is_alive()
        db.execute(update(Assignment).where(Assignment.id == school.assignment.id).values(prompt="Another one."))
        db.commit()
        other.join(30)
    with session() as db:
        assert db.get_one(Essay, again.id).state is EssayState.queued
