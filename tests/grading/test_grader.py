from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grading.engines.engine import Cancelled, Completion, EngineDead, Flag, Request, Token, Usage
from grading.engines.loading import DEMO_MODEL
from grading.grader import Grade, TooUncertain, Ungradable, grade, inputs, unobserved
from grading.task import Task
from tests.corpus import chinese_essays, english_essays
from tests.doubles.engine import DIES, INVALID_ALWAYS, INVALID_FIRST, REFUSED, TAKES, DeadEngine, InstantEngine
from tests.grading.examples import TASK, TASK_ZH, as_text, reply

ESSAY = "Dear mayor,\nour town needs a bus line to the pool. My friends would use a bus line."


class Says:
    """An engine that says the same to everybody, at one go and without log-probabilities."""

    model = "says"
    version = "says 1"

    def __init__(self, text: str, finish_reason: str = "stop") -> None:
        self.text, self.finish_reason = text, finish_reason
        self.requests: list[Request] = []

    def grade(self, request: Request, on_delta: Callable[[str], None], cancelled: Flag) -> Completion:
        self.requests.append(request)
        on_delta(self.text)
        return Completion(self.text, [Token(self.text)], Usage(100, 40, 20), 0.5, self.finish_reason)

    def close(self) -> None:
        pass


def graded(engine: Any, text: str = ESSAY, task: Task = TASK, **options: Any) -> Grade:
    settings: dict[str, Any] = {
        "request_id": "r",
        "secret": "key",
        "on_progress": lambda field, piece: None,
        "cancelled": threading.Event(),
        "deadline": 10,
        "on_call": unobserved,
    }
    return grade(text, task, engine, **(settings | options))


def test_points_follow_from_the_expected_level_of_each_criterion() -> None:
    result = graded(Says(as_text(reply())))
    assert [(item["key"], item["name"], item["level"], item["points"], item["max"]) for item in result.criteria] == [
        ("ideas", "Ideas", 4.0, 6, 10),
        ("language", "Language", 2.0, 1.1, 5.5),
    ]
    assert result.total == Decimal("7.10")
    assert result.max == Decimal("15.5")


def test_levels_between_two_come_from_log_probabilities() -> None:
    result = graded(InstantEngine())
    for item in result.criteria:
        assert item["level"] != round(item["level"])
        assert item["points"] == pytest.approx((item["level"] - 1) / 5 * item["max"], abs=0.005)
        assert 0 < item["confidence"] < 1


def test_the_total_is_the_sum_of_the_criteria_shown() -> None:
    result = graded(InstantEngine())
    assert float(result.total) == pytest.approx(sum(item["points"] for item in result.criteria), abs=1e-9)


@pytest.mark.parametrize("task", [TASK, TASK_ZH])
def test_how_sure_the_model_says_it_is_comes_with_the_prompt_that_asks_and_sways_nothing_else(task: Task) -> None:
    engine = InstantEngine()
    usual, stated = graded(engine, task=task), graded(engine, task=task, prompt_version="stated")
    assert usual.stated_confidence is None
    assert stated.stated_confidence in (0.4, 0.6, 0.8, 1.0)
    assert (stated.criteria, stated.confidence) == (usual.criteria, usual.confidence)
    assert stated.hashes["schema"] != usual.hashes["schema"]
    properties = [list((engine.requests[place].schema or {})["properties"]) for place in (0, -1)]
    assert properties[1] == [*properties[0], "confidence"]


def test_notes_stand_on_words_of_the_essay_and_in_its_order() -> None:
    notes = [
        {"quote": "My friends would use a bus lane", "kind": "idea", "comment": "b"},
        {"quote": "our town needs", "kind": "praise", "comment": "a"},
        {"quote": "a swimming teacher", "kind": "idea", "comment": "nowhere to be found"},
    ]
    result = graded(Says(as_text(reply(annotations=notes))))
    assert [(note["quote"], note["comment"]) for note in result.annotations] == [
        ("our town needs", "a"),
        ("My friends would use a bus line", "b"),
    ]
    assert result.dropped_quotes == 1


@given(
    text=st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1),
    quote=st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=60),
)
def test_an_annotation_is_always_what_stands_at_its_place(text: str, quote: str) -> None:
    quotes = (quote, text[:60], text[-60:])
    notes = [{"quote": words, "kind": "idea", "comment": str(n)} for n, words in enumerate(quotes)]
    result = graded(Says(as_text(reply(annotations=notes))), text=text)
    assert all(note["quote"] == text[note["start"] : note["end"]] != "" for note in result.annotations)
    by_model = [note for note in result.annotations if note["found_by"] == "model"]
    assert len(by_model) + result.dropped_quotes == len(notes)


def test_what_the_checker_finds_stands_among_the_notes_and_is_no_matter_of_trust() -> None:
    slips = ESSAY.replace("needs", "neeeds").replace("would", "woudl")
    notes = [
        {"quote": "bus line to the pool", "kind": "idea", "comment": "a"},
        {"quote": "a swimming teacher", "kind": "idea", "comment": "nowhere to be found"},
    ]
    clean, faulty = (graded(Says(as_text(reply(annotations=notes))), text=text) for text in (ESSAY, slips))
    assert [(note["quote"], note["kind"], note["found_by"]) for note in faulty.annotations] == [
        ("neeeds", "spelling", "rule"),
        ("bus line to the pool", "idea", "model"),
        ("woudl", "spelling", "rule"),
    ]
    assert (faulty.confidence, faulty.dropped_quotes) == (clean.confidence, clean.dropped_quotes)


def test_a_checker_that_fails_costs_no_grade(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("grading.checker.check", lambda *arguments, **options: 1 / 0)
    assert [note["found_by"] for note in graded(Says(as_text(reply()))).annotations] == ["model"]


@pytest.mark.parametrize(("task", "essays"), [(TASK, english_essays), (TASK_ZH, chinese_essays)])
def test_real_essays_are_quoted_truly(task: Task, essays: Any) -> None:
    for text in essays(20):
        result = graded(InstantEngine(), text=text, task=task)
        assert result.dropped_quotes == 0
        assert [note["quote"] for note in result.annotations] == [
            text[note["start"] : note["end"]] for note in result.annotations
        ]


def test_the_model_gets_the_essay_byte_for_byte() -> None:
    text = "\ufeff \r\n{{essay}} </essay-0> e\u0301 👩‍👧\t\n "
    engine = InstantEngine()
    graded(engine, text=text)
    assert text in engine.requests[0].messages[-1]["content"]


def test_the_first_try_is_at_temperature_nought() -> None:
    engine = InstantEngine()
    assert graded(engine).attempts == 1
    assert [(request.id, request.temperature) for request in engine.requests] == [("r", 0)]


def test_an_invalid_reply_is_asked_for_once_more_with_sampling() -> None:
    engine = InstantEngine()
    result = graded(engine, text=f"{ESSAY} {INVALID_FIRST}")
    first, second = engine.requests
    assert result.attempts == 2
    assert second.temperature > first.temperature == 0
    assert second.id != first.id
    assert second.messages == first.messages
    assert result.usage.prompt == 2 * (sum(len(message["content"]) for message in first.messages) // 4)


def test_whoever_watches_learns_that_the_reply_begins_anew() -> None:
    told: list[tuple[str, str]] = []
    graded(InstantEngine(), text=INVALID_FIRST, on_progress=lambda field, text: told.append((field, text)))
    assert told[0] == ("", "")
    assert ("", "") not in told[1:]


def test_an_engine_that_starts_its_reply_over_is_watched_from_the_start_again() -> None:
    class StartsOver(Says):
        def grade(self, request: Request, on_delta: Callable[[str], None], cancelled: Flag) -> Completion:
            on_delta(self.text[:90])
            on_delta("")
            return super().grade(request, on_delta, cancelled)

    told: list[tuple[str, str]] = []
    text = as_text(reply())
    graded(StartsOver(text), on_progress=lambda field, text: told.append((field, text)))
    again = told.index(("", ""))
    whole: list[tuple[str, str]] = []
    graded(Says(text), on_progress=lambda field, text: whole.append((field, text)))
    assert told[again + 1 :] == whole


def test_two_invalid_replies_are_no_grade() -> None:
    engine = InstantEngine()
    with pytest.raises(Ungradable, match="answered twice") as caught:
        graded(engine, text=INVALID_ALWAYS)
    assert len(engine.requests) == 2
    assert "teacher" in caught.value.reason


def test_a_reply_that_was_cut_off_is_no_grade_even_if_it_reads_like_one() -> None:
    engine = Says(as_text(reply()), finish_reason="length")
    with pytest.raises(Ungradable, match="cut off"):
        graded(engine)
    assert len(engine.requests) == 2


class TestWhoeverKeepsAccount:
    """Sees each call: its request, its reply, and how it ended."""

    @pytest.fixture
    def seen(self) -> list[Any]:
        return []

    @pytest.fixture
    def on_call(self, seen: list[Any]) -> Any:
        @contextmanager
        def watch(request: Request) -> Iterator[Callable[[Completion], None]]:
            seen.append(request.id)
            try:
                yield lambda completion: seen.append(completion.finish_reason)
            except Exception as error:
                seen.append(type(error).__name__)
                raise
            seen.append("ok")

        return watch

    def test_sees_one_call(self, seen: list[Any], on_call: Any) -> None:
        graded(InstantEngine(), on_call=on_call)
        assert seen == ["r", "stop", "ok"]

    def test_sees_an_invalid_reply_and_its_retry(self, seen: list[Any], on_call: Any) -> None:
        graded(InstantEngine(invalid="first"), on_call=on_call)
        assert seen == ["r", "stop", "InvalidReply", "r.2", "stop", "ok"]

    def test_sees_two_invalid_replies(self, seen: list[Any], on_call: Any) -> None:
        with pytest.raises(Ungradable):
            graded(InstantEngine(invalid="always"), on_call=on_call)
        assert seen == ["r", "stop", "InvalidReply", "r.2", "stop", "InvalidReply"]

    @pytest.mark.parametrize(
        ("text", "error"), [(REFUSED, "RequestRefused"), (TAKES.format(60), "DeadlineExceeded"), (DIES, "EngineDead")]
    )
    def test_sees_what_the_engine_raised(self, text: str, error: str, seen: list[Any], on_call: Any) -> None:
        with pytest.raises((Ungradable, EngineDead)):
            graded(DeadEngine(), text=text, deadline=0.05, on_call=on_call)
        assert seen == ["r", error]

    def test_sees_a_reply_that_was_broken_off(self, seen: list[Any], on_call: Any) -> None:
        with pytest.raises(TooUncertain):
            graded(InstantEngine(), on_call=on_call, give_up_below=0.8)
        assert seen == ["r", "GivenUp"]

    def test_can_keep_the_model_from_being_called(self) -> None:
        @contextmanager
        def refuse(request: Request) -> Iterator[Callable[[Completion], None]]:
            raise PermissionError
            yield

        engine = InstantEngine()
        with pytest.raises(PermissionError):
            graded(engine, on_call=refuse)
        assert engine.requests == []


class TestLevelsThatAreTooUncertain:
    """The instant engine is 0.541 sure of each level."""

    def broken_off(self, **options: Any) -> TooUncertain:
        with pytest.raises(TooUncertain) as raised:
            graded(InstantEngine(), **{"give_up_below": 0.8} | options)
        return raised.value

    def test_end_the_reply_before_its_comments(self) -> None:
        told: list[str] = []
        error = self.broken_off(on_progress=lambda field, text: told.append(text))
        whole = graded(InstantEngine())
        assert told == []
        assert error.usage
        assert error.usage.prompt == whole.usage.prompt
        assert 0 < error.usage.completion < whole.usage.completion / 2

    def test_are_told_as_a_grade_tells_them(self) -> None:
        error, whole = self.broken_off(), graded(InstantEngine())
        assert error.criteria == [
            {name: value for name, value in item.items() if name != "comment"} for item in whole.criteria
        ]
        assert (error.total, error.max, error.origin.model) == (whole.total, whole.max, "instant")
        assert error.confidence == whole.confidence == 0.541

    def test_are_no_reason_to_ask_the_same_model_again(self) -> None:
        engine = InstantEngine()
        with pytest.raises(TooUncertain):
            graded(engine, give_up_below=0.8)
        assert len(engine.requests) == 1

    def test_end_the_second_reply_as_well(self) -> None:
        engine = InstantEngine()
        with pytest.raises(TooUncertain):
            graded(engine, text=f"{ESSAY} {INVALID_FIRST}", give_up_below=0.8)
        assert len(engine.requests) == 2

    @pytest.mark.parametrize("below", [None, 0.5, 0.541])
    def test_are_those_below_what_is_asked_for_and_no_others(self, below: float | None) -> None:
        assert graded(InstantEngine(), give_up_below=below).confidence == 0.541

    def test_are_never_those_of_a_model_that_gives_no_log_probabilities(self) -> None:
        class WithoutLogProbabilities(InstantEngine):
            def grade(self, request: Request, on_delta: Callable[[str], None], cancelled: Flag) -> Completion:
                give_up = request.give_up
                assert give_up
                blind = replace(request, give_up=lambda tokens: give_up([Token(token.text) for token in tokens]))
                return super().grade(blind, on_delta, cancelled)

        assert graded(WithoutLogProbabilities(), give_up_below=1.0).attempts == 1

    def test_are_not_looked_for_when_nobody_asks(self) -> None:
        engine = InstantEngine()
        graded(engine)
        assert engine.requests[0].give_up is None


def test_what_an_engine_refuses_is_not_tried_again() -> None:
    engine = InstantEngine()
    with pytest.raises(Ungradable, match="longer than the model can read"):
        graded(engine, text=REFUSED)
    assert len(engine.requests) == 1


def test_a_missed_deadline_says_how_long_was_waited() -> None:
    with pytest.raises(Ungradable, match=r"within 0\.05 seconds"):
        graded(InstantEngine(), text=TAKES.format(60), deadline=0.05)


def test_cancelling_ends_it_in_the_middle() -> None:
    cancelled = threading.Event()
    told: list[str] = []

    def stop_at_the_first_words(field: str, text: str) -> None:
        told.append(field)
        cancelled.set()

    with pytest.raises(Cancelled):
        graded(InstantEngine(), cancelled=cancelled, on_progress=stop_at_the_first_words)
    assert told == ["comments.ideas"]


def test_a_dead_engine_comes_through() -> None:
    with pytest.raises(EngineDead):
        graded(DeadEngine(), text=DIES)


def test_comments_stream_while_they_are_written() -> None:
    told: list[tuple[str, str]] = []
    result = graded(InstantEngine(), on_progress=lambda field, text: told.append((field, text)))
    for item in result.criteria:
        field = f"comments.{item['key']}"
        assert "".join(text for name, text in told if name == field) == item["comment"]
    assert len(told) > len(result.criteria)


def test_grading_again_gives_the_same() -> None:
    one, two = graded(InstantEngine()).to_json(), graded(InstantEngine()).to_json()
    del one["first_token_s"], two["first_token_s"]
    assert one == two


def test_hashes_say_what_a_grade_was_made_of() -> None:
    hashes = graded(InstantEngine()).hashes
    assert hashes["essay"] == hashlib.sha256(ESSAY.encode()).hexdigest()
    assert hashes["rubric"] == TASK.rubric.content_hash
    assert graded(InstantEngine(), text=ESSAY + ".").hashes["prompt"] != hashes["prompt"]
    assert graded(InstantEngine(), text=ESSAY + ".").hashes["schema"] == hashes["schema"]


def test_a_grade_is_plain_json_with_numbers() -> None:
    obj = graded(Says(as_text(reply()))).to_json()
    assert json.loads(json.dumps(obj)) == obj
    assert obj["total"] == 7.1
    assert obj["usage"] == {"prompt": 100, "cached": 40, "completion": 20}
    assert (obj["model"], obj["engine_version"], obj["prompt_version"]) == ("says", "says 1", "grade/en/v1")


def test_a_grade_says_how_it_was_drawn() -> None:
    first = graded(InstantEngine()).sampling
    assert (first["temperature"], first["seed"], first["attempt"]) == (0.0, None, 1)
    again = graded(InstantEngine(invalid="first")).sampling
    assert again["temperature"] > 0
    assert again["attempt"] == 2


def test_what_a_grade_would_be_made_of_is_known_without_a_model() -> None:
    made = graded(InstantEngine())
    assert inputs(ESSAY, TASK, "key") == (made.prompt_version, made.hashes)


def test_what_was_counted_wrongly_is_left_out_and_counted() -> None:
    said = reply(strengths=["You have nine paragraphs.", "It is clear."])
    result = graded(Says(as_text(said)))
    assert (result.strengths, result.dropped_claims) == (["It is clear."], 1)


def test_a_reply_in_another_language_is_asked_for_again_and_then_taken() -> None:
    engine = InstantEngine()
    result = graded(engine, text=chinese_essays(1)[0], task=TASK_ZH)
    assert [request.temperature > 0 for request in engine.requests] == [False, True]
    assert result.attempts == 2
    assert graded(InstantEngine()).attempts == 1
    engine.model = DEMO_MODEL
    assert graded(engine, text=chinese_essays(1)[0], task=TASK_ZH).attempts == 1
