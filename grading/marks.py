"""An assignment as its teacher has marked it: what a calibration is trained on, read from the gradings.

A mark is a teacher's last grade of an essay, and an opinion of a model the levels of its last one, trusted or not; one
that was broken off has levels as well. Only gradings by the present rubric count: another's levels and points mean
something else.
"""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, cast

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from grading.calibration.sample import Labelled, Sample, Scale
from grading.text import Language
from models import Assignment, Essay, EssayState, Grading, RubricVersion, Source

STEPS = tuple(map(Decimal, ("1", "0.5", "0.25", "0.1", "0.05", "0.01")))
"""Steps that teachers mark in, in points."""
MOST_MARKS = 200
"""Of one other assignment, for the prior: the latest."""
MOST_UNMARKED = 2000
"""Essays of an assignment without a mark: the latest."""
MOST_OTHERS = 12
"""Other assignments for the prior: those with most marks."""


@dataclass(frozen=True)
class Marked:
    """All essays of an assignment that were not withdrawn, and the teacher's marks of some of them, in points."""

    assignment_id: uuid.UUID
    rubric_id: uuid.UUID
    prompt: str
    language: Language
    scale: Scale
    samples: Mapping[str, Sample]
    """By the essay's id, oldest first."""
    marks: Mapping[str, float]
    rubric_points: Mapping[str, float]
    """What the rubric alone makes of the levels of the last model that was asked, by the essay's id."""

    @property
    def labelled(self) -> Labelled:
        """The marked essays, and the latest of the others."""
        return Labelled(
            name=str(self.assignment_id),
            language=self.language,
            prompt=self.prompt,
            scale=self.scale,
            samples=[self.samples[essay] for essay in self.marks],
            marks=list(self.marks.values()),
            unmarked=[sample for essay, sample in self.samples.items() if essay not in self.marks][-MOST_UNMARKED:],
        )


def marked(session: Session, assignment: Assignment) -> Marked:
    """The assignment with all its essays."""
    texts = select(Essay.id, Essay.text).where(Essay.assignment_id == assignment.id)
    texts = texts.where(Essay.state != EssayState.cancelled).order_by(Essay.created_at, Essay.id)
    return _marked(session, assignment, {str(essay_id): text for essay_id, text in session.execute(texts)})


def others(session: Session, assignment: Assignment, at_least: int) -> list[Labelled]:
    """The marked essays of the school's other assignments in this language, of those with most marks."""
    counted = (
        counts()
        .where(Assignment.id != assignment.id, Assignment.language == assignment.language)
        .having(at_least <= COUNT)
        .order_by(COUNT.desc())
        .limit(MOST_OTHERS)
    )
    found = []
    for other_id, _ in session.execute(counted).all():
        other = session.get_one(Assignment, other_id)
        texts = (
            select(Essay.id, Essay.text)
            .join(Grading, Grading.essay_id == Essay.id)
            .where(Grading.source == Source.teacher, Grading.rubric_id == other.rubric_id)
            .group_by(Essay.id)
            .order_by(func.max(Grading.created_at).desc())
            .limit(MOST_MARKS)
        )
        found.append(_marked(session, other, {str(key): text for key, text in session.execute(texts)}).labelled)
    return found


COUNT = func.count(Grading.essay_id.distinct())


def counts() -> Any:
    """A query of how many essays of each assignment a teacher has marked by its present rubric; none is left out."""
    return (
        select(Assignment.id, COUNT)
        .join(Grading, Grading.rubric_id == Assignment.rubric_id)
        .where(Grading.source == Source.teacher)
        .group_by(Assignment.id)
    )


def opinions(gradings: Iterable[Any]) -> dict[str, tuple[float, ...]]:
    """The levels that each model gave, the last of each; of gradings or their rows, oldest first."""
    said = {}
    for grading in gradings:
        levels = [criterion["level"] for criterion in grading.criteria]
        if grading.source is not Source.teacher and grading.model and None not in levels:
            said[grading.model] = tuple(map(float, levels))
    return said


def scale_of(maximum: Decimal, marks: Collection[Decimal]) -> Scale:
    """From nought to full marks, in the coarsest step that the teacher's marks and full marks are multiples of."""
    step = next((step for step in STEPS if all(mark % step == 0 for mark in (*marks, maximum))), STEPS[-1])
    return Scale(0.0, float(maximum), float(step))


def _marked(session: Session, assignment: Assignment, texts: Mapping[str, str]) -> Marked:
    gradings = _gradings(session, assignment, texts)
    rubric = session.get_one(RubricVersion, assignment.rubric_id)
    marks: dict[str, Decimal] = {}
    points: dict[str, float] = {}
    for essay in texts:
        for grading in gradings[essay]:
            if grading.source is Source.teacher:
                marks[essay] = grading.total
            elif grading.model:
                points[essay] = float(grading.total if grading.rubric_total is None else grading.rubric_total)
    maximum = sum((Decimal(str(criterion["max"])) for criterion in rubric.criteria), Decimal(0))
    return Marked(
        assignment_id=assignment.id,
        rubric_id=rubric.id,
        prompt=assignment.prompt,
        language=cast(Language, assignment.language),
        scale=scale_of(maximum, marks.values()),
        samples={essay: Sample(essay, text, opinions(gradings[essay])) for essay, text in texts.items()},
        marks={essay: float(mark) for essay, mark in marks.items()},
        rubric_points=points,
    )


def _gradings(session: Session, assignment: Assignment, texts: Collection[str]) -> Mapping[str, list[Any]]:
    """By essay, oldest first."""
    columns = (Grading.essay_id, Grading.source, Grading.model, Grading.criteria, Grading.total, Grading.rubric_total)
    rows = session.execute(
        select(*columns)
        .join(Essay, Essay.id == Grading.essay_id)
        .where(Essay.assignment_id == assignment.id, Grading.rubric_id == assignment.rubric_id)
        .order_by(Grading.created_at)
    )
    found: dict[str, list[Any]] = defaultdict(list)
    for row in rows:
        found[str(row.essay_id)].append(row)
    return found
