"""The same essay handed in once more: word for word, by the same student, for the same assignment.

Such an essay gets the grade that those words have already, at no cost, if it is the one that they would be given now:

* a model's grade holds while all that it was made from is as it was: title, task and rubric, the words of the prompt,
  the form of the reply, the calibration, the model and the settings of its tier, and no better model could be asked;
* a teacher's grade takes the place of the model's, so that nobody gets rid of it by handing in again. It holds while
  the rubric is the one that it was given by, and the task the one that a model had been shown for those words.

Whatever else has changed in between, or cannot be told, the essay is graded anew. Words of another student are never
looked at here: see `grading.copies`.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session, joinedload

from grading import grader, revision
from grading.task import Task
from models import Essay, EssayState, Grading, Source

_SAID = (
    *("rubric_id", "tier", "teacher_id", "total", "max", "criteria", "annotations", "strengths", "suggestions"),
    *("comment", "confidence", "interval", "calibration_id", "rubric_total", "model", "engine_version"),
    *("prompt_version", "hashes", "made_with", "former_id", "improved", "suspicions"),
)
"""Columns that a grading shares with the one that it repeats."""


def repeatable(
    session: Session,
    essay: Essay,
    task: Task,
    secret: str,
    made_with_now: Callable[[Grading], Mapping[str, Any] | None],
) -> Grading | None:
    """The grading that this essay may be given for nothing; None where there is none that still holds.

    `made_with_now` gives what a grading's `made_with` would say of its model's tier now; None when it would not stand.
    The assignment should be locked against changes, or it may be another one when the grade is written.
    """
    same = (
        select(Essay)
        .where(Essay.text_sha256 == essay.text_sha256, Essay.text == essay.text, Essay.id != essay.id)
        .where(Essay.student_id == essay.student_id, Essay.assignment_id == essay.assignment_id)
        .where(Essay.state == EssayState.graded)
        .options(joinedload(Essay.current_grading))
        .order_by(Essay.finished_at.desc())
    )
    decided: list[Grading] = []
    graded: list[Grading] = []
    for former in session.scalars(same):
        grading = former.current_grading
        if grading is not None and grading.rubric_id == essay.assignment.rubric_id:
            (decided if is_teachers(grading) else graded).append(grading)
    if decided:
        return decided[0] if _was_shown(session, essay, task) else None
    for grading in graded:
        version, hashes = grader.inputs(essay.text, task, secret, revision.shown(session, grading))
        made_from = (grading.prompt_version, grading.hashes, grading.calibration_id)
        would_be = (version, hashes, essay.assignment.calibration_in_use)
        if made_from == would_be and _contains(grading.made_with, made_with_now(grading)):
            return grading
    return None


def is_teachers(grading: Grading) -> bool:
    """Whether a teacher gave it, or gave the one that it repeats."""
    return grading.source is Source.teacher or grading.teacher_id is not None


def repeated(grading: Grading) -> Grading:
    """The grading once more, for the other essay of the same words; not yet stored."""
    same = {name: getattr(grading, name) for name in _SAID}
    return Grading(
        id=uuid.uuid4(), source=Source.cache, repeats_id=grading.repeats_id or grading.id, cost_usd=0, **same
    )


def _was_shown(session: Session, essay: Essay, task: Task) -> bool:
    """Whether a model has graded these words of this student for the assignment as it now is."""
    shown = (
        select(Grading.hashes)
        .join(Essay, Essay.id == Grading.essay_id)
        .where(Essay.student_id == essay.student_id, Essay.assignment_id == essay.assignment_id)
        .where(Essay.text_sha256 == essay.text_sha256, Grading.hashes["task"].as_string() == task.content_hash)
    )
    return session.scalar(shown.limit(1)) is not None


def _contains(made_with: Mapping[str, Any] | None, now: Mapping[str, Any] | None) -> bool:
    return made_with is not None and now is not None and made_with.items() >= now.items()
