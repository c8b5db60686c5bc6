"""People, classes and essays for tests: each made with one line, committed, and free of any session."""

from __future__ import annotations

import itertools
import uuid
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from functools import cache
from typing import Any

from sqlalchemy import update

from grading import lifecycle
from grading.ask import questions
from grading.routing import Route
from grading.rubric import Rubric
from models import (
    Appeal,
    Assignment,
    CallOutcome,
    Class,
    Drift,
    Essay,
    EssaySaving,
    EssayState,
    Grading,
    LlmCall,
    Membership,
    Overlap,
    Question,
    Role,
    RubricVersion,
    Source,
    Token,
    User,
)
from models.base import now
from models.people import hash_password, new_token
from models.session import session

PASSWORD = "correct horse 电池"
RUBRIC: dict[str, Any] = {
    "criteria": [
        {"key": "ideas", "name": "Ideas 立意", "max": 10},
        {"key": "language", "name": "Language 语言", "max": 10},
    ]
}
TEXT = "Computers help people. 电脑帮助人们。"

_number = itertools.count(1)


@cache
def _password_hash() -> str:
    return hash_password(PASSWORD)  # slow on purpose, so once


def make_user(role: Role = Role.student, *classes: Class, name: str = "", language: str | None = None) -> User:
    """A user with `PASSWORD`, in these classes."""
    number = next(_number)
    user = User(
        email=f"{role.value}{number}@school.test",
        name=name or f"{role.value.title()} {number}",
        role=role,
        password_hash=_password_hash(),
        language=language,
    )
    with session() as db:
        db.add(user)
        db.flush()
        db.add_all(Membership(class_id=school_class.id, user_id=user.id) for school_class in classes)
        db.commit()
    return user


def make_token(user: User) -> str:
    """A bearer token."""
    plain, hashed = new_token()
    with session() as db:
        db.add(Token(user_id=user.id, hash=hashed, name="test"))
        db.commit()
    return plain


def make_class(name: str = "Class 8b") -> Class:
    school_class = Class(name=name)
    with session() as db:
        db.add(school_class)
        db.commit()
    return school_class


def make_assignment(school_class: Class, rubric: dict[str, Any] | None = None, **fields: Any) -> Assignment:
    parsed = Rubric.parse(rubric or RUBRIC)
    values = {"title": "Computers 电脑", "prompt": "What do computers do to people?", "language": "en"} | fields
    assignment = Assignment(class_id=school_class.id, **values)
    with session() as db:
        db.add(assignment)
        db.flush()
        version = RubricVersion(
            assignment_id=assignment.id,
            version=1,
            criteria=parsed.to_json()["criteria"],
            content_hash=parsed.content_hash,
        )
        db.add(version)
        db.flush()
        assignment.rubric_id = version.id
        db.commit()
    return assignment


def make_essay(
    student: User, assignment: Assignment, text: str = TEXT, state: EssayState = EssayState.submitted
) -> Essay:
    """An essay in that state; one that is `graded` has a grading as a model makes it."""
    with session() as db:
        essay, _ = lifecycle.submit(db, student=student, assignment=assignment, text=text, key=None)
        if state is not EssayState.submitted:
            lifecycle.put_in_queue(db, essay.id, Route("local", "local", "a test"))
        if state in (EssayState.grading, EssayState.graded, EssayState.needs_review):
            claim = lifecycle.claim(db, essay.id, "local", 60)
            assert claim
            if state is EssayState.graded:
                lifecycle.complete(db, claim, a_grading(assignment, text))
            elif state is EssayState.needs_review:
                lifecycle.give_to_teacher(db, essay.id, "the model said nothing of use", claim)
        if state in (EssayState.failed, EssayState.cancelled):
            db.execute(update(Essay).where(Essay.id == essay.id).values(state=state, reason="a test"))
        db.commit()
        db.refresh(essay)
    return essay


def a_grading(assignment: Assignment, text: str = TEXT) -> Grading:
    """A grading as the local model gives it, not yet stored; its margin note stands on the first word."""
    word = text.split()[0]
    note = {"start": text.index(word), "end": text.index(word) + len(word), "quote": word}
    assert assignment.rubric_id
    return Grading(
        rubric_id=assignment.rubric_id,
        source=Source.local,
        total=Decimal("12.4"),
        max=Decimal(20),
        criteria=[
            {"key": key, "name": name, "level": 4.1, "points": 6.2, "max": 10, "comment": "Clear.", "confidence": 0.8}
            for key, name in (("ideas", "Ideas 立意"), ("language", "Language 语言"))
        ],
        annotations=[{**note, "kind": "praise", "comment": "A good beginning."}],
        strengths=["It is clear."],
        suggestions=["Say why."],
        confidence=0.8,
        model="a-model",
        engine_version="test 1",
        prompt_version="grade/en/v1",
        hashes={},
        usage={},
    )


def make_grading(essay: Essay, assignment: Assignment, **columns: Any) -> Grading:
    """One more grading of the essay, which is not the current one; by default one that was not trusted."""
    grading = a_grading(assignment, essay.text)
    for name, value in ({"accepted": False} | columns).items():
        setattr(grading, name, value)
    grading.essay_id = essay.id
    with session() as db:
        db.add(grading)
        db.commit()
    return grading


def make_overlap(essay: Essay, other: Essay) -> Overlap:
    """These two share their first ten characters."""
    passage = {"start": 0, "end": 10, "other_start": 0, "other_end": 10, "tokens": 12}
    pair = Overlap(essay_id=essay.id, other_id=other.id, tokens=12, share=0.25, other_share=0.5, passages=[passage])
    with session() as db:
        db.add(pair)
        db.commit()
    return pair


def make_appeal(essay: Essay, student: User, reason: str = "I did say why.") -> Appeal:
    """An open appeal against the essay's current grade."""
    with session() as db:
        appeal = lifecycle.appeal(db, essay.id, student, reason)
        db.commit()
    return appeal


def make_answer(user: User, assignment: Assignment, question: str = "How long?", answer: str = "One page.") -> Question:
    """A question about the assignment that was answered by the local model."""
    with session() as db:
        made = questions.new(db.get_one(User, user.id), db.get_one(Assignment, assignment.id), None, question, 60)
        made.answer, made.source, made.finished_at = answer, "local", now()
        db.add(made)
        db.commit()
    return made


def make_call(began: datetime, cost: str = "0.01", **fields: Any) -> uuid.UUID:
    """A call in the ledger that is over: 1,000 tokens of prompt, of which 400 were cached."""
    values: dict[str, Any] = {
        "request_id": uuid.uuid4().hex,
        "feature": "grade",
        "tier": "small",
        "model": "gpt-4.1-mini",
        "engine_version": "openai 3",
        "prompt_version": "grade/en/compact",
        "prompt_tokens": 1000,
        "cached_tokens": 400,
        "completion_tokens": 100,
        "estimated_cost": Decimal("0.02"),
        "cost": Decimal(cost),
        "baseline_cost": Decimal("0.04"),
        "price": {"input_mtok": "2", "cached_mtok": "1", "output_mtok": "8", "source": "test"},
        "outcome": CallOutcome.ok,
        "started_at": began,
    }
    with session() as db:
        row = LlmCall(**values | fields)
        db.add(row)
        db.commit()
        return row.id


def make_saving(class_id: uuid.UUID, *, baseline: str, at: datetime | None = None, **levers: str) -> None:
    """What an essay of the class saved, in US dollars by lever."""
    by = {name: Decimal(levers.get(name, 0)) for name in ("prompt", "cache", "routing", "local", "batch")}
    cost = Decimal(baseline) - sum(by.values())
    amounts = {f"{name}_usd": usd for name, usd in by.items()}
    with session() as db:
        db.add(EssaySaving(class_id=class_id, at=at or now(), baseline_usd=Decimal(baseline), cost_usd=cost, **amounts))
        db.commit()


def make_drift(assignment: Assignment, before: str | None) -> Drift:
    """A drift that is open: marks are lower since another engine (before it, this one) gives them."""
    with session() as db:
        made = Drift(
            assignment_id=assignment.id,
            day=date(2026, 11, 24),
            shift=-0.42,
            p_value=1e-6,
            anchors=6,
            changed=[["engine_version", before, "vllm 2"]],
        )
        db.add(made)
        db.commit()
        return made


@dataclass(frozen=True)
class School:
    """A class with a teacher, two students and an assignment, and a teacher and a student of another class."""

    school_class: Class
    other_class: Class
    teacher: User
    student: User
    classmate: User
    other_teacher: User
    other_student: User
    ops: User
    assignment: Assignment


def make_school() -> School:
    own, other = make_class(), make_class("Class 9a")
    return School(
        school_class=own,
        other_class=other,
        teacher=make_user(Role.teacher, own),
        student=make_user(Role.student, own),
        classmate=make_user(Role.student, own),
        other_teacher=make_user(Role.teacher, other),
        other_student=make_user(Role.student, other),
        ops=make_user(Role.ops),
        assignment=make_assignment(own),
    )
