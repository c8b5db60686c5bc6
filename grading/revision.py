"""A revised version of an essay: its grader is shown the grade of the version before, and says what has changed.

What the grader is shown (`Former.record`) is short whatever was said: levels, comments and suggestions, each on a line
of bounded length, and none in which something speaks to a grader. It stands behind the essay, after all that is the
same for every essay of the assignment, between tags that neither text could foresee (`grading.prompt`).
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rapidfuzz.distance import Indel
from sqlalchemy import select
from sqlalchemy.orm import Session

from grading import injection
from grading.copies.tokens import Tokens
from grading.rubric import LEVELS
from models import Essay, Grading

SIMILAR = 0.5
"""Share of the words of two versions, in their order, that must be the same for one to be a revision of the other."""
LONGEST = 200
"""Characters of one remark that a grader is shown."""
MOST_SUGGESTIONS = 2
LATEST = 3
"""Earlier versions that are looked at."""


@dataclass(frozen=True)
class Former:
    """A grade of an earlier version. Levels are by criterion key, 1 to 6; `comments` and `suggestions` as they were."""

    essay_id: uuid.UUID
    grading_id: uuid.UUID
    levels: Mapping[str, float]
    comments: Mapping[str, str]
    suggestions: tuple[str, ...]

    @classmethod
    def of(cls, grading: Grading) -> Former:
        return cls(
            grading.essay_id,
            grading.id,
            levels={criterion["key"]: _level(criterion) for criterion in grading.criteria},
            comments={criterion["key"]: criterion.get("comment", "") for criterion in grading.criteria},
            suggestions=tuple(grading.suggestions),
        )

    @property
    def record(self) -> str:
        """What a grader is shown of it."""
        said = [f"{key}: {round(level)}. {_short(self.comments[key])}" for key, level in self.levels.items()]
        advised = [f"- {short}" for each in self.suggestions[:MOST_SUGGESTIONS] if (short := _short(each))]
        return "\n".join(line.rstrip() for line in (*said, *advised))

    def improved(self, criteria: Sequence[Mapping[str, Any]], remarks: Mapping[str, str]) -> dict[str, Any]:
        """What has become of each criterion, as plain JSON: its level before and now, and what is said of it."""
        return {
            "essay_id": str(self.essay_id),
            "grading_id": str(self.grading_id),
            "criteria": [
                {
                    "key": criterion["key"],
                    "name": criterion["name"],
                    "before": self.levels.get(criterion["key"]),
                    "now": criterion["level"],
                    "comment": remarks.get(criterion["key"], ""),
                }
                for criterion in criteria
            ],
        }


def find(session: Session, essay: Essay) -> Former | None:
    """The grade that the student had of the latest earlier version when this one was handed in, by the present rubric;
    None where it is no revision.

    What is graded later changes nothing, so that a reply that comes back after hours is to the question that was asked.
    """
    versions = (
        select(Essay)
        .where(Essay.student_id == essay.student_id, Essay.assignment_id == essay.assignment_id)
        .where(Essay.created_at < essay.created_at, Essay.text != essay.text)
        .order_by(Essay.created_at.desc())
        .limit(LATEST)
    )
    for version in session.scalars(versions):
        if not is_revision(essay.text, version.text):
            continue
        known = select(Grading).where(Grading.essay_id == version.id, Grading.accepted)
        known = known.where(Grading.created_at < essay.created_at).order_by(Grading.created_at.desc())
        grading = session.scalars(known.limit(1)).first()
        if grading and grading.rubric_id == essay.assignment.rubric_id:
            return Former.of(grading)
    return None


def shown(session: Session, grading: Grading) -> Former | None:
    """What the model of that grading was shown, so that it can be asked the same again."""
    former = session.get(Grading, grading.former_id) if grading.former_id else None
    return Former.of(former) if former else None


def is_revision(text: str, earlier: str) -> bool:
    """Whether two texts of one student are so much alike that one was made from the other."""
    words, before = Tokens.of(text).words, Tokens.of(earlier).words
    return Indel.normalized_similarity(words, before) >= SIMILAR


def _level(criterion: Mapping[str, Any]) -> float:
    """Of a criterion as it is stored; of a teacher's, who gives points, the level that earns as many."""
    if criterion["level"] is not None:
        return float(criterion["level"])
    share = float(criterion["points"]) / float(criterion["max"])
    return round(LEVELS[0] + share * (LEVELS[-1] - LEVELS[0]), 2)


def _short(remark: str) -> str:
    """A remark on one line; nothing of one in which something speaks to a grader, such as what a student wrote."""
    line = " ".join(remark.split())[: 2 * LONGEST]  # what is cut in the middle is recognised by its other half
    return "" if injection.find(line) else line[:LONGEST]
