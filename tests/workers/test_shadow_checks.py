"""workers/shadow_checks.py: what a model says of the semantic level's answers, which nobody is shown."""

from __future__ import annotations

import uuid

import pytest
from sqlalchemy import select, update

from grading.cache import bound
from grading.engines.engine import Unavailable
from grading.engines.loading import DEMO_MODEL
from models import CallOutcome, LlmCall, Question
from models.session import session
from tests.conftest import use_environment
from tests.doubles.talker import TalkingEngine
from tests.factories import School, make_answer
from workers import asking, local
from workers.queue import messages_waiting


@pytest.fixture
def talker(monkeypatch: pytest.MonkeyPatch) -> TalkingEngine:
    engine = TalkingEngine(words='{"answers": "yes"}')
    monkeypatch.setattr(local, "engine", engine, raising=False)
    return engine


@pytest.fixture
def answered(school: School) -> uuid.UUID:
    """A question that the semantic level had an answer for."""
    question_id = make_answer(school.student, school.assignment).id
    with session() as db:
        values = {"source": "cache", "level": "semantic", "entry_id": str(uuid.uuid4())}
        db.execute(update(Question).where(Question.id == question_id).values(**values))
        db.commit()
    return question_id


def checks() -> tuple[int, int]:
    """How many hits were checked and how many were wrong."""
    found = bound.estimates().get("ask")
    return (found.checked, found.wrong) if found else (0, 0)


def test_a_right_answer_is_counted_and_the_call_is_on_no_students_account(
    school: School, talker: TalkingEngine, answered: uuid.UUID
) -> None:
    local.check_answer(str(answered), "local")
    assert checks() == (1, 0)
    with session() as db:
        [call] = db.scalars(select(LlmCall))
    assert (call.feature, call.outcome) == ("shadow", CallOutcome.shadow)
    assert (call.user_id, call.class_id) == (None, school.school_class.id)
    assert call.prompt_version == "check_answer/en/compact"


def test_a_wrong_answer_is_forgotten(
    talker: TalkingEngine, answered: uuid.UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    evicted: list[str] = []
    monkeypatch.setattr("grading.cache.chain.Chain.evict", lambda chain, entry_id: evicted.append(entry_id))
    talker.words = '{"answers": "no"}'
    local.check_answer(str(answered), "local")
    with session() as db:
        assert evicted == [db.get_one(Question, answered).entry_id]


def test_no_verdict_counts_for_nothing(talker: TalkingEngine, answered: uuid.UUID) -> None:
    talker.words = "I am not sure."
    local.check_answer(str(answered), "local")
    talker.error = Unavailable("It is away.")
    local.check_answer(str(answered), "local")
    assert checks() == (0, 0)


def test_the_demonstration_model_is_not_asked(talker: TalkingEngine, answered: uuid.UUID) -> None:
    talker.model = DEMO_MODEL
    local.check_answer(str(answered), "local")
    assert talker.requests == []


def test_a_sample_of_the_hits_is_checked(school: School, answered: uuid.UUID, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bound, "worth_checking", lambda: False)
    asking.sample(answered)
    assert messages_waiting("local") == 0
    monkeypatch.setattr(bound, "worth_checking", lambda: True)
    asking.sample(answered)
    assert messages_waiting("local") == 1
    with use_environment({"PIZHU_LOCAL_MODEL": "none"}):
        asking.sample(answered)  # nobody is open
    assert messages_waiting("local") == 1
