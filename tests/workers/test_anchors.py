"""grading/anchors.py, grading/drifts.py and workers/anchors.py: the sentinel, day after day, on the live way."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import func, select, text, update
from sqlalchemy.orm import Session

from grading import anchors, drifts
from grading.engines.engine import Request
from grading.sentinel import ANCHORS, FROM, LEAST
from models import Anchor, Assignment, CallOutcome, Drift, Essay, EssayState, Grading, LlmCall, Notice, Regrade, Source
from models.base import now
from models.session import session
from settings import settings
from tests.doubles.engine import InstantEngine
from tests.factories import TEXT, School, make_assignment, make_essay, make_grading
from tests.workers.lab import Lab, assert_graded_once, eventually
from workers import local
from workers.anchors import watch
from workers.local import regrade_essay
from workers.notify import compose
from workers.queue import celery_app, messages_waiting


class MovingEngine(InstantEngine):
    """Gives `by` levels more than it used to."""

    by = 0

    def reply(self, request: Request, essay: str) -> str:
        said = json.loads(super().reply(request, essay))
        said["levels"] = {key: min(6, max(1, level + self.by)) for key, level in said["levels"].items()}
        return json.dumps(said, ensure_ascii=False)


@pytest.fixture
def moving(school: School, monkeypatch: pytest.MonkeyPatch) -> MovingEngine:
    """The local model, of which there are `FROM` grades."""
    made = MovingEngine()
    monkeypatch.setattr(local, "engine", made, raising=False)
    for number in range(FROM):
        make_essay(school.student, school.assignment, f"{TEXT} {number}", state=EssayState.graded)
    with session() as db:
        db.execute(update(Grading).values(tier="local"))
        db.commit()
    return made


def rows(model: Any) -> list[Any]:
    with session() as db:
        return list(db.scalars(select(model).order_by(model.created_at)))


def tomorrow() -> None:
    """All that happened so far was a day earlier."""
    with session() as db:
        db.execute(text("UPDATE regrades SET day = day - 1000"))  # at no moment have two of an anchor the same day
        db.execute(text("UPDATE regrades SET day = day + 999"))
        db.execute(text("UPDATE anchors SET since = since - 1"))
        db.execute(text("UPDATE drifts SET day = day - 1, ended_at = ended_at - interval '1 day'"))
        db.commit()


def work() -> None:
    """The day's regrades are done, and the sentinel looks again."""
    watch()
    for row in rows(Regrade):
        if row.finished_at is None:
            regrade_essay(str(row.id))
    watch()


COPIED = """
    INSERT INTO regrades SELECT copy.* FROM regrades one, generate_series(1, :days) number,
    jsonb_populate_record(one, jsonb_build_object('id', gen_random_uuid(), 'day', one.day - number)) copy
"""


def have_lived(days: int = LEAST) -> None:
    """So many days lie behind, all like today."""
    work()
    with session() as db:
        db.execute(text(COPIED), {"days": days - 1})
        db.execute(text("UPDATE anchors SET since = since - :days"), {"days": days})
        db.commit()


def live(days: int) -> None:
    for _ in range(days):
        tomorrow()
        work()


def test_anchors_are_asked_for_once_a_day_and_are_nobodys_grade(moving: MovingEngine) -> None:
    work()
    work()
    assert len(rows(Anchor)) == len(rows(Regrade)) == ANCHORS
    assert messages_waiting("local") == ANCHORS
    assert all(row.grade for row in rows(Regrade))
    assert all(len(essay.gradings) == 1 for essay in loaded_essays())
    with session() as db:
        shadows = db.scalars(select(LlmCall).filter_by(outcome=CallOutcome.shadow)).all()
    assert {call.feature for call in shadows} == {"sentinel"}
    live(1)
    assert len(rows(Regrade)) == 2 * ANCHORS


def loaded_essays() -> list[Essay]:
    with session() as db:
        essays = list(db.scalars(select(Essay)))
        for essay in essays:
            assert essay.gradings
        return essays


def test_a_model_that_marks_as_ever_alerts_nobody(moving: MovingEngine) -> None:
    have_lived(LEAST + 2)
    live(1)
    assert rows(Drift) == []


def test_a_drift_is_told_once_to_teachers_and_ops_and_says_what_is_new(school: School, moving: MovingEngine) -> None:
    have_lived()
    moving.by, moving.version = 1, "instant 2"
    live(3)
    [drift] = rows(Drift)
    assert drift.assignment_id == school.assignment.id
    assert 0.25 < drift.shift <= 1
    assert drift.changed == [["engine_version", "instant 1", "instant 2"]]
    told = [notice for notice in rows(Notice) if notice.kind == "drift"]
    assert {notice.user_id for notice in told} == {school.teacher.id, school.ops.id}
    assert len(told) == 2


def test_it_is_over_when_the_marks_are_back_and_the_next_one_is_told_again(moving: MovingEngine) -> None:
    have_lived()
    moving.by = -1
    live(2)
    assert rows(Drift)[0].shift < 0
    moving.by = 0
    live(1)
    assert rows(Drift)[0].ended_at
    moving.by = -1
    live(1)
    assert [drift.ended_at is None for drift in rows(Drift)] == [False, True]
    assert len([notice for notice in rows(Notice) if notice.kind == "drift"]) == 4


def test_who_accepts_the_new_marks_has_them_compared_from_then_on(school: School, moving: MovingEngine) -> None:
    have_lived()
    moving.by = 1
    live(1)
    with session() as db:
        drifts.accept(db, school.assignment.id)
        db.commit()
    live(LEAST)
    assert [drift.ended_at is None for drift in rows(Drift)] == [False]
    moving.by = 0
    live(1)
    assert [drift.ended_at is None for drift in rows(Drift)] == [False, True]


def test_a_day_that_is_not_over_is_not_judged(moving: MovingEngine) -> None:
    have_lived()
    moving.by = 1
    tomorrow()
    watch()
    *done, waiting = [row for row in rows(Regrade) if row.finished_at is None]
    for row in done:
        regrade_essay(str(row.id))
    watch()
    assert rows(Drift) == []
    regrade_essay(str(waiting.id))
    watch()
    assert len(rows(Drift)) == 1


def test_another_rubric_has_anchors_of_its_own(school: School, moving: MovingEngine) -> None:
    work()
    with session() as db:
        other = make_assignment(school.school_class)
        db.execute(update(Assignment).where(Assignment.id == school.assignment.id).values(rubric_id=other.rubric_id))
        db.commit()
    watch()
    assert all(anchor.retired_at for anchor in rows(Anchor))
    with session() as db:
        db.execute(update(Grading).values(rubric_id=other.rubric_id))
        db.commit()
    watch()
    assert len([anchor for anchor in rows(Anchor) if anchor.retired_at is None]) == ANCHORS


def test_a_teachers_marks_make_the_first_anchors(school: School, moving: MovingEngine) -> None:
    marked = loaded_essays()[::2]
    with session() as db:
        for essay in marked:
            make_grading(essay, school.assignment, source=Source.teacher, tier=None, model=None, accepted=True)
        db.commit()
    watch()
    assert {anchor.essay_id for anchor in rows(Anchor)} <= {essay.id for essay in marked}


def live_anchors() -> dict[uuid.UUID, bool]:
    """Essays, and whether people keep them."""
    return {anchor.essay_id: anchor.kept_at is not None for anchor in rows(Anchor) if anchor.retired_at is None}


def say(essay: Essay, what: Callable[[Session, Essay, str], bool]) -> None:
    with session() as db:
        what(db, db.get_one(Essay, essay.id), "somebody")
        db.commit()


def test_what_people_keep_comes_first_and_the_automatic_ones_fill_what_is_left(moving: MovingEngine) -> None:
    essays = loaded_essays()
    for essay in essays[:2]:
        say(essay, anchors.keep)
    work()
    found = live_anchors()
    assert len(found) == ANCHORS
    assert {essay for essay, kept in found.items() if kept} == {essay.id for essay in essays[:2]}
    regraded = [row for row in rows(Regrade) if row.grade]
    assert {row.essay_id for row in regraded} == set(found), "the kept ones are graded again too"


def test_one_that_is_kept_later_takes_the_place_of_an_automatic_one(moving: MovingEngine) -> None:
    work()
    before = live_anchors()
    other = next(essay for essay in loaded_essays() if essay.id not in before)
    say(other, anchors.keep)
    live(1)
    after = live_anchors()
    assert len(after) == ANCHORS
    assert after[other.id]
    assert len(before.keys() & after.keys()) == ANCHORS - 1
    assert {row.essay_id for row in rows(Regrade) if row.day == now().date()} == set(after)


def test_an_automatic_one_that_is_kept_keeps_its_baseline(moving: MovingEngine) -> None:
    work()
    before = rows(Anchor)
    say(next(essay for essay in loaded_essays() if essay.id == before[0].essay_id), anchors.keep)
    watch()
    assert [anchor.id for anchor in rows(Anchor)] == [anchor.id for anchor in before]


def test_one_that_is_dismissed_is_never_chosen_again_and_another_takes_its_place(moving: MovingEngine) -> None:
    work()
    dismissed = list(live_anchors())[:2]
    for essay in loaded_essays():
        if essay.id in dismissed:
            say(essay, anchors.dismiss)
    live(2)
    assert len(live_anchors()) == ANCHORS
    assert not live_anchors().keys() & set(dismissed)


def test_where_all_are_dismissed_none_is_watched(moving: MovingEngine) -> None:
    for essay in loaded_essays():
        say(essay, anchors.keep)
        say(essay, anchors.dismiss)
    work()
    assert live_anchors() == {}


def test_a_kept_one_is_graded_again_where_there_are_few_essays(school: School, moving: MovingEngine) -> None:
    small = make_assignment(school.school_class)
    essay = make_essay(school.student, small, state=EssayState.graded)
    with session() as db:
        db.execute(update(Grading).where(Grading.essay_id == essay.id).values(tier="local"))
        db.commit()
    say(essay, anchors.keep)
    work()
    assert [row.essay_id for row in rows(Regrade) if row.grade].count(essay.id) == 1


def test_few_essays_and_old_assignments_are_not_watched(school: School, moving: MovingEngine) -> None:
    with session() as db:
        db.execute(text("UPDATE essays SET created_at = created_at - interval '31 days'"))
        db.commit()
    small = make_assignment(school.school_class)
    make_essay(school.student, small, state=EssayState.graded)
    watch()
    assert rows(Anchor) == []


def test_the_mail_leads_the_teacher_to_the_assignment_and_ops_to_the_queues(
    school: School, moving: MovingEngine
) -> None:
    have_lived()
    moving.by = 1
    live(1)
    with session() as db:
        notices = db.scalars(select(Notice).filter_by(kind="drift")).all()
        mails = {notice.user.role.value: compose(notice).get_content() for notice in notices}
    assert f"{settings().public_url}/assignments/{school.assignment.id}" in mails["teacher"]
    assert f"{settings().public_url}/queues" in mails["ops"]


def test_two_at_once_alert_once(moving: MovingEngine) -> None:
    have_lived()
    moving.by = 1
    live(1)
    with session() as db:
        assignment = db.scalars(select(Assignment)).first()
        assert assignment
        assert drifts.judge(db, assignment) is None
        assert db.scalar(select(func.count()).select_from(Drift)) == 1


@pytest.mark.slow
def test_real_workers_grade_the_anchors_of_a_day(lab: Lab) -> None:
    essays = lab.submit(FROM)
    eventually(lambda: lab.count(essays, EssayState.graded) == FROM, "all are graded", timeout=180)
    celery_app.send_task("upkeep.anchors", queue="upkeep")
    eventually(lambda: len([row for row in rows(Regrade) if row.grade]) == ANCHORS, "all anchors are graded again")
    assert {(row.grade or {})["model"] for row in rows(Regrade)} == {"dying"}
    assert_graded_once(essays)
