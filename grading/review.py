"""In which order a teacher should look at essays: where a mark tells most comes first.

A teacher's mark settles one essay, and it teaches the calibration of that assignment. So, in this order:

1. **Appeals**, because a person asked and waits for an answer; then essays that **no model graded** (`needs_review`,
   `failed`), whose students have nothing yet; then essays that seem to **speak to their grader**; then those that a
   teacher's correction of another one **touches** (`grading.second_looks`); then grades that stand but are **unsure**.
2. Within these by what the mark would tell: how *uncertain* the grade is (1 - confidence, as in uncertainty sampling)
   and how far the models *disagree* on it (the spread of their totals as a share of the maximum, as in query by
   committee; see Settles, *Active Learning Literature Survey*, 2009). Where nothing is known the uncertainty is 1.
3. Divided by √(1 + marks of this assignment): the error of a calibration falls with the root of the number of marks it
   stands on, so the first mark of an assignment is worth more than its hundredth. Essays that come earlier in the
   queue count as marks already, which spreads the queue over the assignments.
4. Of equals, whoever has waited longest.
"""

from __future__ import annotations

import enum
import uuid
from collections import Counter, defaultdict, deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from math import sqrt

SURE = 0.8
"""A model's grade of this confidence needs no second look; pages call it high."""


class Why(enum.Enum):
    """Why an essay is before a teacher, the most pressing first."""

    appeal = "appeal"
    needs_review = "needs_review"
    failed = "failed"
    suspicious = "suspicious"
    second_look = "second_look"
    unsure = "unsure"


_RANKS = ((Why.appeal,), (Why.needs_review, Why.failed), (Why.suspicious,), (Why.second_look,), (Why.unsure,))


@dataclass(frozen=True)
class Candidate:
    """An essay that a teacher may look at."""

    essay_id: uuid.UUID
    assignment_id: uuid.UUID
    why: Why
    since: datetime
    """When it came before the teacher."""
    confidence: float | None = None
    """Of its grade, or of the surest that was not trusted; None: nothing is known."""
    shares: Sequence[float] = ()
    """What each model gave, as a share of the maximum."""

    @property
    def uncertainty(self) -> float:
        """From 0 to 1."""
        return 1.0 if self.confidence is None else 1.0 - self.confidence

    @property
    def disagreement(self) -> float:
        """From 0 (one opinion, or all the same) to 1."""
        return max(self.shares) - min(self.shares) if self.shares else 0.0


def order(candidates: Iterable[Candidate], marks: Mapping[uuid.UUID, int]) -> list[Candidate]:
    """The candidates, the most informative first; `marks` counts the teachers' marks of each assignment so far."""
    everyone, counted = list(candidates), Counter(marks)
    return [chosen for rank in _RANKS for chosen in _spread([each for each in everyone if each.why in rank], counted)]


def _spread(candidates: list[Candidate], counted: Counter[uuid.UUID]) -> Iterator[Candidate]:
    """Always the one that tells most after all those before it, which are counted as marks."""
    lines: dict[uuid.UUID, deque[Candidate]] = defaultdict(deque)
    for candidate in sorted(candidates, key=_worth, reverse=True):
        lines[candidate.assignment_id].append(candidate)
    while lines:
        best = max(lines, key=lambda assignment: _worth(lines[assignment][0], counted[assignment]))
        yield lines[best].popleft()
        counted[best] += 1
        if not lines[best]:
            del lines[best]


def _worth(candidate: Candidate, marks: int = 0) -> tuple[float, float]:
    told = (candidate.uncertainty + candidate.disagreement) / sqrt(1 + marks)
    return told, -candidate.since.timestamp()
