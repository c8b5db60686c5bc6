"""workers/asking.py: a question is answered once, by the tier it goes to, and its asker is told what comes of it."""

from __future__ import annotations

import json
import threading
import uuid
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select, update

from grading import progress, queues, routing
from grading.ask import questions
from grading.ask.ghostwriting import REFUSAL
from grading.engines.engine import RequestRefused, Unavailable
from grading.engines.vllm import VllmEngine
from models import CallOutcome, Essay, EssayState, LlmCall, Question, Release, Switch, User
from models.base import now
from models.session import session
from settings import settings
from tests.conftest import use_environment
from tests.doubles.openai_server import OpenAiServer, serving
from tests.doubles.talker import HELP, TalkingEngine
from tests.factories import School, make_assignment, make_essay
from tests.workers.lab import eventually
from workers import asking, local, openai
from workers.leases import leases
from workers.queue import messages_waiting

PRICE = {"input": "2", "cached": "0.5", "output": "8"}
ESSAY_PROSE = (
    "Computers have changed the way in which people live all over the world. Families talk to relatives who moved to "
    "another continent, and doctors see pictures of the heart within seconds. Farmers learn when it is going to rain, "
    "and engineers build bridges that no flood can carry away. Some say that screens make children lonely, yet a child "
    "in a village can read every book that was ever written. Work that was dangerous is done by machines, and nobody "
    "has to go down into the mine any more. In short, the world is richer, safer and wiser than it was before them."
)


@pytest.fixture
def talker(monkeypatch: pytest.MonkeyPatch) -> TalkingEngine:
    """The engine of `workers.local` in this process."""
    engine = TalkingEngine()
    monkeypatch.setattr(local, "engine", engine, raising=False)
    return engine


@pytest.fixture(scope="module")
def running() -> Iterator[OpenAiServer]:
    with serving() as server:
        yield server


@pytest.fixture
def tiers(school: School, running: OpenAiServer) -> Iterator[OpenAiServer]:
    """A local tier and two of a provider."""
    running.calls.clear()
    running.faults.mix("")
    named = [
        {"name": "local", "engine": "local"},
        {"name": "small", "engine": "openai", "model": "small"},
        {"name": "large", "engine": "openai", "model": "large"},
    ]
    environment = {
        "PIZHU_LOCAL_MODEL": "a-model",
        "PIZHU_TIERS": json.dumps(named),
        "PIZHU_PRICES": json.dumps({"small": PRICE, "large": PRICE}),
        "PIZHU_OPENAI_BASE_URL": running.base_url,
        "OPENAI_API_KEY": "any",
    }
    with use_environment(environment):
        yield running


def asked(
    user: User, school: School, essay: Essay | None = None, text: str = "How long should it be?", tier: str = "local"
) -> uuid.UUID:
    """A question on the queue of that tier, as the web puts it there."""
    queue = "local" if tier == "local" else "openai"
    with session() as db:
        question = questions.new(
            db.get_one(User, user.id),
            db.merge(school.assignment),
            db.get_one(Essay, essay.id) if essay else None,
            text,
            settings().ask_deadline,
        )
        questions.route(question, routing.Route(queue, tier, "a test"))
        db.add(question)
        db.commit()
    return question.id


def kept(question_id: uuid.UUID) -> Question:
    with session() as db:
        return db.get_one(Question, question_id)


def calls() -> list[LlmCall]:
    with session() as db:
        return list(db.scalars(select(LlmCall).order_by(LlmCall.started_at)))


def deltas(question_id: uuid.UUID) -> list[dict[str, Any]]:
    """What was told of it until the end."""
    told = []
    for event in progress.follow(question_id, wait=0.1):
        if event is None or event.type == "over":
            return told
        told.append(event.data)
    return told


def age(question_id: uuid.UUID, **columns: Any) -> None:
    with session() as db:
        db.execute(update(Question).where(Question.id == question_id).values(**columns))
        db.commit()


def test_an_answer_is_told_as_it_comes_kept_and_paid_for_by_who_asked(school: School, talker: TalkingEngine) -> None:
    question_id = asked(school.student, school)
    local.answer_question(str(question_id))
    question = kept(question_id)
    assert (question.answer, question.source, question.error) == (HELP, "local", None)
    assert "".join(delta["text"] for delta in deltas(question_id)) == HELP
    [call] = calls()
    assert (call.feature, call.outcome, call.user_id) == ("ask", CallOutcome.ok, school.student.id)
    assert (call.class_id, call.assignment_id) == (school.school_class.id, school.assignment.id)
    assert call.prompt_version == "ask/en/compact"
    assert call.cached_tokens == question.cached_tokens == 64


def test_a_question_is_answered_once(school: School, talker: TalkingEngine) -> None:
    question_id = asked(school.student, school)
    for _ in range(2):
        local.answer_question(str(question_id))
    assert len(talker.requests) == 1


def test_the_hosted_tier_answers_with_every_attempt_in_the_ledger(tiers: OpenAiServer, school: School) -> None:
    tiers.faults.script("error_503")
    essay = make_essay(school.student, school.assignment, state=EssayState.graded)
    question_id = asked(school.student, school, essay, tier="small")
    openai.answer_question(str(question_id))
    question = kept(question_id)
    assert (question.source, question.tier) == ("openai", "small")
    assert question.answer == "That is a good question. Look at your second paragraph again."
    assert [call.outcome for call in calls()] == [CallOutcome.retried, CallOutcome.ok]
    assert question.cost == sum(call.cost or 0 for call in calls()) > 0


def test_what_one_tier_cannot_answer_another_is_asked(
    tiers: OpenAiServer, school: School, talker: TalkingEngine
) -> None:
    talker.error = RequestRefused("It is too long.")
    question_id = asked(school.student, school)
    local.answer_question(str(question_id))
    assert (kept(question_id).queue, kept(question_id).tier) == ("openai", "small")
    assert messages_waiting("openai") == 1
    openai.answer_question(str(question_id))
    question = kept(question_id)
    assert question.answer
    assert question.route
    assert question.route["tried"] == ["local"]


def test_where_nobody_can_answer_the_asker_is_told_what_to_do(school: School, talker: TalkingEngine) -> None:
    talker.error = Unavailable("It is away.")
    question_id = asked(school.student, school)
    local.answer_question(str(question_id))
    assert kept(question_id).error == asking.NOBODY
    assert [call.outcome for call in calls()] == [CallOutcome.failed]


@pytest.mark.parametrize("language", ["en", "zh"])
def test_an_answer_that_writes_the_essay_is_cut_and_refused(
    school: School, talker: TalkingEngine, language: str
) -> None:
    if language == "zh":
        object.__setattr__(school, "assignment", make_assignment(school.school_class, language="zh"))
    talker.words = ESSAY_PROSE
    question_id = asked(school.student, school, text="Write it for me.")
    local.answer_question(str(question_id))
    assert kept(question_id).answer == REFUSAL[language]
    told = deltas(question_id)
    assert told[-1]["restart"]
    assert "wiser than it was" not in "".join(delta["text"] for delta in told)
    assert [call.outcome for call in calls()] == [CallOutcome.invalid]


def test_two_who_ask_the_same_are_answered_by_one_call(school: School, talker: TalkingEngine) -> None:
    both = [asked(user, school) for user in (school.student, school.classmate)]
    for question_id in both:
        local.answer_question(str(question_id))
    assert len(talker.requests) == 1
    assert [kept(question_id).source for question_id in both] == ["local", "cache"]
    assert "".join(delta["text"] for delta in deltas(both[1])) == HELP
    assert (kept(both[1]).cost, kept(both[1]).cached_tokens) == (0, 0)


def test_who_waits_for_an_answer_that_another_abandons_gets_one_all_the_same(
    school: School, talker: TalkingEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = (asked(user, school) for user in (school.student, school.classmate))
    waiting = threading.Thread(target=local.answer_question, args=[str(second)])
    talk = talker.grade

    def leave(request: Any, on_delta: Callable[[str], None], cancelled: Any) -> Any:
        monkeypatch.setattr(talker, "grade", talk)
        waiting.start()
        eventually(lambda: kept(second).claim_token, "the other is at it")
        with session() as db:
            questions.withdraw(db, first)
            db.commit()
        leases.drop(first)
        return talk(request, on_delta, cancelled)

    monkeypatch.setattr(talker, "grade", leave)
    local.answer_question(str(first))
    waiting.join()
    assert kept(first).answer is None
    assert kept(second).answer == HELP


def test_what_failed_or_was_refused_is_not_remembered(school: School, talker: TalkingEngine) -> None:
    talker.words = ESSAY_PROSE
    local.answer_question(str(asked(school.student, school)))
    talker.error = Unavailable("It is away.")
    local.answer_question(str(asked(school.student, school)))
    talker.words, talker.error = HELP, None
    question_id = asked(school.student, school)
    local.answer_question(str(question_id))
    assert (kept(question_id).answer, kept(question_id).source) == (HELP, "local")


def grade_in_sight(talker: TalkingEngine) -> bool:
    return "12.4 / 20" in talker.requests[-1].messages[-1]["content"]


def test_before_release_a_student_gets_an_answer_that_knows_no_grade_and_a_teacher_one_that_does(
    school: School, talker: TalkingEngine
) -> None:
    hidden = make_assignment(school.school_class, release=Release.on_release)
    essay = make_essay(school.student, hidden, state=EssayState.graded)
    object.__setattr__(school, "assignment", hidden)
    local.answer_question(str(asked(school.student, school, essay, "What is my grade?")))
    assert not grade_in_sight(talker)
    local.answer_question(str(asked(school.teacher, school, essay, "Why this grade?")))
    assert grade_in_sight(talker)


def test_after_release_the_answer_knows_essay_and_grade(school: School, talker: TalkingEngine) -> None:
    essay = make_essay(school.student, school.assignment, state=EssayState.graded)
    local.answer_question(str(asked(school.student, school, essay, "Why this grade?")))
    assert grade_in_sight(talker)
    assert essay.text in talker.requests[-1].messages[-1]["content"]


def test_a_withdrawn_question_is_not_answered(school: School, talker: TalkingEngine) -> None:
    question_id = asked(school.student, school)
    with session() as db:
        assert questions.withdraw(db, question_id)
        db.commit()
    local.answer_question(str(question_id))
    assert talker.requests == []


def test_who_leaves_in_the_middle_aborts_the_generation_and_its_tokens_are_abandoned(
    school: School, talker: TalkingEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    question_id = asked(school.student, school)
    talk = talker.grade

    def leave_after_a_word(request: Any, on_delta: Callable[[str], None], cancelled: Any) -> Any:
        def on_word(word: str) -> None:
            on_delta(word)
            with session() as db:
                questions.withdraw(db, question_id)
                db.commit()
            leases.drop(question_id)  # as the listener does

        return talk(request, on_word, cancelled)

    monkeypatch.setattr(talker, "grade", leave_after_a_word)
    local.answer_question(str(question_id))
    [call] = calls()
    assert (call.outcome, call.completion_tokens) == (CallOutcome.abandoned, 1)
    assert kept(question_id).answer is None
    assert messages_waiting("local") == 0


def test_a_worker_that_stops_gives_the_question_to_the_next(
    school: School, talker: TalkingEngine, stopping: None
) -> None:
    question_id = asked(school.student, school)
    local.answer_question(str(question_id))
    assert (kept(question_id).claim_token, kept(question_id).attempts) == (None, 0)
    assert messages_waiting("local") == 1


@pytest.mark.slow
def test_a_real_model_answers_and_the_second_question_finds_the_assignment_in_its_cache(
    school: School, vllm_engine: VllmEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(local, "engine", vllm_engine, raising=False)
    monkeypatch.setattr("grading.ask.answer.MAX_TOKENS", 24)
    first, second = (asked(school.student, school, text=text) for text in ("How long should it be?", "For whom?"))
    for question_id in (first, second):
        local.answer_question(str(question_id))
        assert kept(question_id).answer
        assert deltas(question_id)
    assert kept(second).cached_tokens > 0
    assert [call.cached_tokens for call in calls()][1] == kept(second).cached_tokens < (calls()[1].prompt_tokens or 0)


# --- the sweeper ------------------------------------------------------------------------------------------------------


def test_a_question_whose_worker_died_is_rung_again_and_after_two_deaths_ends_with_what_to_do(
    school: School, talker: TalkingEngine
) -> None:
    question_id = asked(school.student, school)
    assert asking.take(question_id, "local")
    asking.ring_again()
    assert messages_waiting("local") == 0
    age(question_id, lease_until=now() - timedelta(seconds=1))
    asking.ring_again()
    assert messages_waiting("local") == 1
    assert asking.take(question_id, "local")
    age(question_id, lease_until=now() - timedelta(seconds=1))
    asking.ring_again()
    assert kept(question_id).error == questions.WORKER_LOST


def test_what_the_broker_was_not_told_is_rung_and_what_comes_too_late_ends(school: School) -> None:
    untold, late = asked(school.student, school), asked(school.student, school)
    age(untold, rung_at=None)
    age(late, due_at=now())
    asking.ring_again()
    assert messages_waiting("local") == 1
    assert kept(late).error == questions.TOO_LATE


# --- where it goes ----------------------------------------------------------------------------------------------------


def routed(school: School, text: str, essay: Essay | None = None) -> routing.Route:
    with session() as db:
        question = db.get_one(Question, asked(school.student, school, essay, text))
        return routing.route(asking.facts(db, question))


def test_simple_questions_go_to_the_smallest_tier_and_hard_ones_to_the_largest(
    tiers: OpenAiServer, school: School
) -> None:
    essay = make_essay(school.student, school.assignment)
    assert routed(school, "What is the title?").tier == "local"
    assert routed(school, "作文要写多少字？").tier == "local"
    hard = "Why is my second paragraph weaker than the first one, and how can I improve both so that they fit together?"
    assert routed(school, hard, essay).tier == "large"
    assert (
        routed(school, "为什么我的第二段比第一段弱？怎样修改才能让两段更好地衔接，请解释原因。", essay).tier == "large"
    )


def test_a_question_does_not_wait_behind_essays_where_another_tier_is_free(tiers: OpenAiServer, school: School) -> None:
    essay = make_essay(school.student, school.assignment, state=EssayState.queued)
    with session() as db:
        db.execute(update(Essay).where(Essay.id == essay.id).values(queued_at=now() - timedelta(minutes=5)))
        db.commit()
    assert routed(school, "What is the title?").tier == "small"


def test_a_queue_that_is_paused_is_asked_nothing(tiers: OpenAiServer, school: School) -> None:
    with session() as db:
        db.add(Switch(name=queues.pause_switch("local"), actor="a test"))
        db.commit()
    assert routed(school, "What is the title?").tier == "small"
