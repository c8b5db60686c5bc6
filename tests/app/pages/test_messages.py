"""app/pages/messages.py: what other floors say, said again in the reader's language."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from decimal import Decimal

import pytest
from flask import Flask

from app.bodies import HandGrade, NewAppeal, NewAssignment, NewClass, validated
from app.pages.messages import translated
from app.problems import Problem
from grading import text
from grading.complexity import measure
from grading.costs.advisor import advise
from grading.costs.waste import Calls, Spent
from grading.routing import Facts, Thresholds, fallback, next_route, route
from grading.task import Task, TaskError
from models import CallOutcome
from settings import Tier


@pytest.fixture
def chinese(app: Flask) -> Iterator[None]:
    with app.test_request_context(headers={"Accept-Language": "zh"}):
        yield


def refusals() -> Iterator[str]:
    """Every sentence that a form can be answered with by the floors below, as they say it."""
    for essay in ("", "x" * 20_001, "a\0", "\ud800"):
        with pytest.raises(text.TextError) as refused:
            text.check(essay)
        yield refused.value.message
    criterion = {"key": "a", "name": "A", "max": 1}
    for change in ({"name": ""}, {"max": "x"}, {"descriptors": ["x"] * 7}):
        yield from task_errors({"criteria": [criterion | change]})
    yield from task_errors({"criteria": []})
    assignment = {"class_id": "0" * 32, "title": "", "prompt": "", "language": "en", "rubric": {}}
    bodies: list[tuple[Callable[[], object], ...]] = [
        (lambda: validated(NewClass, {"name": ""}),),
        (lambda: validated(NewAppeal, {"reason": " "}),),
        (lambda: validated(NewClass, {"name": "x" * 200}),),
        (lambda: validated(NewClass, {"name": "a\tb"}),),
        (lambda: validated(NewClass, {"name": "a\x07b"}),),
        (lambda: validated(HandGrade, {"points": {"a": "ten"}}),),
        (lambda: validated(HandGrade, {"points": {"a": "NaN"}}),),
        (lambda: validated(HandGrade, {"comment": "x" * 5001}),),
        (lambda: validated(NewAssignment, assignment | {"deadline": "soon"}),),
        (lambda: validated(NewAssignment, assignment | {"deadline": "2026-13-01"}),),
        (lambda: validated(NewAssignment, assignment | {"deadline": "1999-01-01T00:00:00Z"}),),
    ]
    for (body,) in bodies:
        with pytest.raises(Problem) as problem:
            body()
        yield from (error["message"] for error in problem.value.errors)
    yield from reasons()
    yield from advice()


def advice() -> Iterator[str]:
    """Everything that is advised about costs."""
    alike = (CallOutcome.ok, False, True)
    dear = [Calls("grade", "small", *alike, 200, Decimal(900)), Calls("grade", "large", *alike, 200, Decimal(100))]
    cheap = [replace(dear[0], cost=Decimal(1)), dear[1], replace(dear[1], outcome=CallOutcome.lost)]
    for calls, machine in ((dear, None), (cheap, Decimal(1)), ([], None)):
        found = advise(Spent(30, calls, *[Decimal(9)] * 5), ("small", "large"), machine)
        yield from ([found.missing] if found.missing else ())
        for one in found.advice:
            yield from (one.what, one.how, one.risk)


def reasons() -> Iterator[str]:
    """Why an essay goes where it goes."""
    names = ("local", "small", "large")
    tiers = tuple(Tier(name=name, engine="openai", model="m") for name in names)
    facts = Facts(812, tiers, Thresholds(accept={"local": 0.8}))
    simple, complex_ = measure("我喜欢猫。"), Thresholds(complex_from=0)
    routes = [
        route(replace(facts, tiers=())),
        route(replace(facts, closed=dict.fromkeys(names, "saving mode"))),
        route(facts),
        route(replace(facts, complexity=simple, characters=5)),
        route(replace(facts, complexity=simple, due_s=1e6)),
        route(replace(facts, complexity=simple, thresholds=complex_, closed={"large": "saving mode"})),
        route(replace(facts, wait_s={"openai": 1e6})),
        next_route(facts, "local", 0.5),
        next_route(facts, "large", 0.2),
        fallback(facts, "small", "it was too long and was cut off"),
    ]
    for found in routes:
        assert found
        yield found.reason


def task_errors(rubric: object) -> list[str]:
    with pytest.raises(TaskError) as refused:
        Task.parse({"title": "", "prompt": "", "language": "en", "rubric": rubric})
    return [error["message"] for error in refused.value.errors]


def test_every_refusal_is_said_in_chinese(chinese: None) -> None:
    names = re.compile(r"NUL|local|small|large|openai|PIZHU_\w+")
    english = {said for said in refusals() if re.search("[A-Za-z]{2,}", names.sub("", translated(said)))}
    assert english == set()


def test_figures_and_names_are_kept(chinese: None) -> None:
    said = "The model SmolLM2 (demonstration) cannot take this essay: it is too long. A teacher should grade it."
    assert translated(said) == "模型 SmolLM2 (demonstration) 无法处理这篇作文：it is too long. 请老师评分。"
    assert translated("“50% <b>” needs points.") == "请填写“50% <b>”的分数。"


def test_a_reason_within_a_reason_is_translated_too(chinese: None) -> None:
    said = (
        "The model m answered twice with something that is no grade: it was too long and was cut off. "
        "A teacher should grade this essay, or it can be tried again."
    )
    assert translated(said) == "模型 m 两次都没有给出有效的评分：回复过长而被截断。请老师评分，或重新批改。"


def test_an_unknown_sentence_is_shown_as_it_is(chinese: None) -> None:
    assert translated("Something %(new)s, 100%.") == "Something %(new)s, 100%."


def test_english_stays_as_it_is(app: Flask) -> None:
    with app.test_request_context(headers={"Accept-Language": "en"}):
        for said in refusals():
            if "valid datetime" not in said:
                assert translated(said) == said
