"""How essays, grades and the rest are shown as JSON: by the API, its events and its description alike.

What a student may not see yet is left out here and nowhere else.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Literal

from flask import url_for
from sqlalchemy.orm import Session
from typing_extensions import TypedDict  # pydantic describes the one of `typing` from Python 3.12 on

from app.queues import position, queue_of
from grading.costs import saving, savings
from grading.rubric import number
from models import Appeal, Assignment, Class, Essay, EssayState, EssayTransition, Grading, Notice, Role, User

Status = Literal["submitted", "queued", "grading", "graded", "needs_review", "failed", "cancelled"]


class PersonView(TypedDict):
    id: str
    name: str
    email: str


class UserView(PersonView):
    role: Literal["student", "teacher", "ops"]
    language: str | None


class Links(TypedDict):
    self: str
    events: str
    history: str


class SubmittedView(TypedDict):
    id: str
    status: Status
    links: Links


class StateView(TypedDict):
    """Where an essay is. `position` is the number of essays ahead of it in `queue`."""

    status: Status
    queue: str | None
    position: int | None
    reason: str | None
    final: bool


class RouteView(TypedDict):
    """`complexity` lies between 0 and 1, like each of its `parts`: length, vocabulary, sentences and errors.
    `put_off`: a teacher has it only because there is no money for a model now."""

    tier: str
    complexity: float | None
    parts: dict[str, float] | None
    reason: str
    put_off: bool


class CriterionView(TypedDict):
    """`level` lies between 1 and 6; None, like `confidence`, where a teacher gave the points."""

    key: str
    name: str
    level: float | None
    points: float
    max: float
    comment: str
    confidence: float | None


class AnnotationView(TypedDict):
    """A note in the margin. Offsets count Unicode code points: `text[start:end] == quote`.

    `kind` is praise, idea, structure, language or spelling where a model wrote it, and spelling, grammar, repetition
    or sentence where the offline checker found it by rule.
    """

    start: int
    end: int
    quote: str
    kind: str
    comment: str
    found_by: Literal["model", "rule"]


class SuspicionView(TypedDict):
    """Words that speak to the grader, by their place in the essay's text in code points, and in which way they do."""

    start: int
    end: int
    kind: Literal["override", "score", "role", "turn", "address", "leak", "encoded", "disguised", "hidden", "gibberish"]


class SuspicionsView(TypedDict):
    """`points` is by how much the total was higher with these words than without them, None when nothing is left
    without; `swayed` says that no grade of that model could be relied on."""

    spans: list[SuspicionView]
    points: float | None
    swayed: bool


class ImprovedCriterionView(TypedDict):
    """`before` and `now` are levels; `comment` is the model's sentence on what has changed, empty where it has none."""

    key: str
    name: str
    before: float | None
    now: float | None
    comment: str


class ImprovedView(TypedDict):
    """What has become of an earlier version, the essay `essay_id` with the grade `grading_id`."""

    essay_id: str
    grading_id: str
    criteria: list[ImprovedCriterionView]


class SavingView(TypedDict):
    """Decimal numbers of US dollars, as strings. `baseline_usd` is what the baseline model would have cost, asked once
    with the verbose prompt and nothing cached; `by` has what of `saved_usd` is each lever's: prompt, cache, routing,
    local, batch. `cost_usd` is with all tries that led to nothing."""

    baseline_usd: str
    cost_usd: str
    saved_usd: str
    by: dict[str, str]


class GradingView(TypedDict):
    """One grade. `cost_usd` is a decimal number as a string; None while no price is known. Teachers see its `saving`.

    `interval` (points) holds the teacher's mark in nine of ten such cases, and `rubric_total` is what the rubric alone
    would have given; both only where points were learned from the teacher's marks.

    One that is not `accepted` is what a model said that was not trusted; only teachers see it, and only they see
    `suspicions`, which are None where nothing in the essay speaks to its grader. `hashes` and `made_with` (how the
    reply was drawn, and the settings of its tier) say what it came from; see docs/reproducibility.md.

    `repeats` is the grading of the same words that one from the `cache` repeats. `improved` is there where the essay is
    a revised version and its model was shown the former grade; see docs/copies.md.
    """

    id: str
    accepted: bool
    total: float
    max: float
    criteria: list[CriterionView]
    annotations: list[AnnotationView]
    strengths: list[str]
    suggestions: list[str]
    comment: str | None
    confidence: float | None
    interval: list[float] | None
    rubric_total: float | None
    source: Literal["local", "openai", "cache", "teacher"]
    graded_by: str | None
    model: str | None
    engine_version: str | None
    prompt_version: str | None
    rubric_version: int
    cost_usd: str | None
    saving: SavingView | None
    hashes: dict[str, Any] | None
    made_with: dict[str, Any] | None
    usage: dict[str, Any] | None
    suspicions: SuspicionsView | None
    repeats: str | None
    improved: ImprovedView | None
    created_at: str


class AppealView(TypedDict):
    """An appeal against the grade `grading_id`. Its answer, `answer` in words, is the grade `grading_id_after`."""

    id: str
    reason: str
    grading_id: str
    created_at: str
    answered_at: str | None
    answered_by: str | None
    answer: str | None
    grading_id_after: str | None


class EssayView(StateView):
    """`appeal` is the latest one; `open_to_appeal` says whether its author may appeal now."""

    id: str
    assignment_id: str
    student: PersonView
    text: str
    route: RouteView | None
    grades_visible: bool
    grading: GradingView | None
    appeal: AppealView | None
    open_to_appeal: bool
    late: bool
    created_at: str
    finished_at: str | None
    history_url: str
    links: Links


class EssayRow(TypedDict):
    """An essay in a listing."""

    id: str
    assignment_id: str
    assignment: str
    student: PersonView
    status: Status
    reason: str | None
    total: float | None
    max: float | None
    confidence: float | None
    source: str | None
    late: bool
    created_at: str
    finished_at: str | None
    links: Links


class TransitionView(TypedDict):
    at: str
    before: Status | None
    after: Status
    actor: str
    reason: str | None


class HistoryView(TypedDict):
    gradings: list[GradingView]
    appeals: list[AppealView]
    transitions: list[TransitionView]


class ClassView(TypedDict):
    id: str
    name: str
    join_code: str | None
    created_at: str


class ClassDetails(ClassView):
    teachers: list[PersonView]
    students: list[PersonView] | None


class AssignmentView(TypedDict):
    id: str
    class_id: str
    title: str
    prompt: str
    language: Literal["zh", "en"]
    rubric: dict[str, Any]
    rubric_version: int
    deadline: str | None
    tolerance: float | None
    routing: dict[str, Any] | None
    release: Literal["at_once", "on_release", "from_date"]
    release_at: str | None
    appeal_until: str | None
    grades_visible: bool
    created_at: str


class NoticeView(TypedDict):
    """`assignment_id` says whose, where a notice is about no single essay."""

    id: str
    kind: Literal[
        "graded",
        "regraded",
        "appeal_answered",
        "needs_review",
        "failed",
        "appeal",
        "copy",
        "drift",
        "budget",
        "budget_spent",
        "spending",
        "saving",
        "saving_over",
    ]
    essay_id: str | None
    assignment_id: str | None
    assignment: str | None
    created_at: str
    seen_at: str | None


def sees_grade(reader: User, assignment: Assignment) -> bool:
    """Whether the reader of an essay may see its grade by now; teachers always may."""
    return reader.role is Role.teacher or assignment.grades_visible()


def state_json(db: Session, essay: Essay, reader: User) -> StateView:
    """Where the essay is, by one look at its queue."""
    return {
        "status": essay.state.value,
        "queue": queue_of(essay),
        "position": position(db, essay),
        "reason": _reason(essay, reader),
        "final": essay.state.is_final,
    }


def submitted_json(essay: Essay) -> SubmittedView:
    return {"id": str(essay.id), "status": essay.state.value, "links": _links(essay)}


def _route_json(route: dict[str, Any]) -> RouteView:
    # Routes that were kept before complexity was measured have no parts.
    return {
        "tier": route["tier"],
        "complexity": route["complexity"],
        "parts": route.get("parts"),
        "reason": route["reason"],
        "put_off": route.get("put_off", False),
    }


def essay_json(db: Session, essay: Essay, reader: User) -> EssayView:
    """The essay with its current grade, if the reader may see it."""
    visible = sees_grade(reader, essay.assignment)
    grading = essay.current_grading if visible else None
    appeals = essay.appeals if visible else []
    waits = bool(appeals) and appeals[-1].is_open
    route = essay.route
    return {
        "id": str(essay.id),
        "assignment_id": str(essay.assignment_id),
        "student": person_json(essay.student),
        **state_json(db, essay, reader),
        "text": essay.text,
        "route": _route_json(route) if route else None,
        "grades_visible": visible,
        "grading": grading_json(grading, reader) if grading else None,
        "appeal": appeal_json(appeals[-1]) if appeals else None,
        "open_to_appeal": grading is not None and not waits and essay.assignment.grades_open_to_appeal(),
        "late": is_late(essay),
        "created_at": moment(essay.created_at),
        "finished_at": moment(essay.finished_at),
        "history_url": _links(essay)["history"],
        "links": _links(essay),
    }


def essay_row_json(essay: Essay, reader: User) -> EssayRow:
    """The essay in a listing; its student, assignment and current grading should be loaded with it."""
    grading = essay.current_grading if sees_grade(reader, essay.assignment) else None
    return {
        "id": str(essay.id),
        "assignment_id": str(essay.assignment_id),
        "assignment": essay.assignment.title,
        "student": person_json(essay.student),
        "status": essay.state.value,
        "reason": _reason(essay, reader),
        "total": float(grading.total) if grading else None,
        "max": float(grading.max) if grading else None,
        "confidence": grading.confidence if grading else None,
        "source": grading.source.value if grading else None,
        "late": is_late(essay),
        "created_at": moment(essay.created_at),
        "finished_at": moment(essay.finished_at),
        "links": _links(essay),
    }


def grading_json(grading: Grading, reader: User) -> GradingView:
    return {
        "id": str(grading.id),
        "accepted": grading.accepted,
        "total": number(grading.total),
        "max": number(grading.max),
        "criteria": grading.criteria,
        # Notes that were kept before rules made any do not say by whom they are.
        "annotations": [{"found_by": "model", **note} for note in grading.annotations],  # type: ignore[typeddict-item]
        "strengths": grading.strengths,
        "suggestions": grading.suggestions,
        "comment": grading.comment,
        "confidence": grading.confidence,
        "interval": grading.interval,
        "rubric_total": None if grading.rubric_total is None else number(grading.rubric_total),
        "source": grading.source.value,
        "graded_by": grading.teacher.name if grading.teacher else None,
        "model": grading.model,
        "engine_version": grading.engine_version,
        "prompt_version": grading.prompt_version,
        "rubric_version": grading.rubric.version,
        "cost_usd": None if grading.cost_usd is None else f"{grading.cost_usd:f}",
        "saving": _saving_json(grading, reader),
        "hashes": grading.hashes,
        "made_with": grading.made_with,
        "usage": grading.usage,
        "suspicions": grading.suspicions if reader.role is Role.teacher else None,  # type: ignore[typeddict-item]
        "repeats": str(grading.repeats_id) if grading.repeats_id else None,
        "improved": grading.improved,  # type: ignore[typeddict-item]
        "created_at": moment(grading.created_at),
    }


def _saving_json(grading: Grading, reader: User) -> SavingView | None:
    if grading.saving is None or reader.role is not Role.teacher:
        return None
    return saving.to_json(savings.kept(grading.saving))  # type: ignore[return-value]


def appeal_json(appeal: Appeal) -> AppealView:
    return {
        "id": str(appeal.id),
        "reason": appeal.reason,
        "grading_id": str(appeal.grading_id),
        "created_at": moment(appeal.created_at),
        "answered_at": moment(appeal.answered_at),
        "answered_by": appeal.answered_by.name if appeal.answered_by else None,
        "answer": appeal.answer,
        "grading_id_after": str(appeal.grading_id_after) if appeal.grading_id_after else None,
    }


def history_json(essay: Essay, reader: User) -> HistoryView:
    """All gradings, appeals and changes of state, oldest first."""
    visible = sees_grade(reader, essay.assignment)
    shown = [each for each in essay.gradings if visible and (each.accepted or reader.role is Role.teacher)]
    return {
        "gradings": [grading_json(grading, reader) for grading in shown],
        "appeals": [appeal_json(appeal) for appeal in essay.appeals] if visible else [],
        "transitions": [_transition_json(transition, visible) for transition in essay.transitions],
    }


def _transition_json(transition: EssayTransition, visible: bool) -> TransitionView:
    tells_grade = transition.after is EssayState.graded and not visible
    return {
        "at": moment(transition.at),
        "before": transition.before and transition.before.value,
        "after": transition.after.value,
        "actor": transition.actor,
        "reason": None if tells_grade else transition.reason,
    }


def user_json(user: User) -> UserView:
    return {**person_json(user), "role": user.role.value, "language": user.language}


def person_json(user: User) -> PersonView:
    return {"id": str(user.id), "name": user.name, "email": user.email}


def class_json(school_class: Class, reader: User) -> ClassView:
    """The class; only its teachers see how to join it."""
    return {
        "id": str(school_class.id),
        "name": school_class.name,
        "join_code": school_class.join_code if reader.role is Role.teacher else None,
        "created_at": moment(school_class.created_at),
    }


def class_details_json(school_class: Class, members: list[User], reader: User) -> ClassDetails:
    """The class and who belongs to it; a student sees the teachers only."""
    people: dict[Role, list[PersonView]] = {role: [] for role in Role}
    for member in members:
        people[member.role].append(person_json(member))
    students = people[Role.student] if reader.role is Role.teacher else None
    return {**class_json(school_class, reader), "teachers": people[Role.teacher], "students": students}


def assignment_json(assignment: Assignment) -> AssignmentView:
    return {
        "id": str(assignment.id),
        "class_id": str(assignment.class_id),
        "title": assignment.title,
        "prompt": assignment.prompt,
        "language": assignment.language,  # type: ignore[typeddict-item]
        "rubric": {"criteria": assignment.rubric.criteria},
        "rubric_version": assignment.rubric.version,
        "deadline": moment(assignment.deadline),
        "tolerance": None if assignment.tolerance is None else float(assignment.tolerance),
        "routing": assignment.routing,
        "release": assignment.release.value,
        "release_at": moment(assignment.release_at),
        "appeal_until": moment(assignment.appeal_until),
        "grades_visible": assignment.grades_visible(),
        "created_at": moment(assignment.created_at),
    }


def notice_json(notice: Notice) -> NoticeView:
    return {
        "id": str(notice.id),
        "kind": notice.kind,  # type: ignore[typeddict-item]
        "essay_id": str(notice.essay_id) if notice.essay_id else None,
        "assignment_id": notice.details.get("assignment_id"),
        "assignment": notice.details.get("assignment"),
        "created_at": moment(notice.created_at),
        "seen_at": moment(notice.seen_at),
    }


def is_late(essay: Essay) -> bool:
    """Handed in after the deadline, which forbids nothing: what to make of it is the teacher's to say."""
    deadline = essay.assignment.deadline
    return deadline is not None and essay.created_at > deadline


def moment(value: datetime | None) -> Any:
    """A time as `2026-11-24T14:05:00Z`, with its microseconds; None stays None."""
    return value and value.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _reason(essay: Essay, reader: User) -> str | None:
    hidden = essay.state is EssayState.graded and not sees_grade(reader, essay.assignment)
    return None if hidden else essay.reason


def _links(essay: Essay) -> Links:
    return {
        "self": url_for("api.get_essay", essay_id=essay.id),
        "events": url_for("api.follow_essay", essay_id=essay.id),
        "history": url_for("api.get_history", essay_id=essay.id),
    }
