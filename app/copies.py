"""What a teacher is shown of essays that share words. Nobody else ever is: no view of a student's holds any of it."""

from __future__ import annotations

import uuid
from typing import Any

from sqlalchemy.orm import Session
from typing_extensions import TypedDict

from app.extensions import db
from app.problems import Problem
from app.views import PersonView, moment, person_json
from grading.copies import clusters, dismissal
from grading.copies.clusters import Cluster
from models import Essay, Overlap, User


class CopiedEssayView(TypedDict):
    """`assignment` is its title: a cluster may hold essays of other assignments of the class."""

    id: str
    assignment_id: str
    assignment: str
    student: PersonView
    status: str
    created_at: str


class PassageView(TypedDict):
    """The same words, or nearly, in both texts: code points of `essay_id` from `start` to `end`, and of `other_id`."""

    start: int
    end: int
    other_start: int
    other_end: int
    tokens: int


class OverlapView(TypedDict):
    """What `essay_id` shares with `other_id`, which was handed in before it. `share` and `other_share` are parts of the
    words of each, from 0 to 1; `tokens` counts words, of Chinese characters. `dismissed_at` is null unless a teacher
    (`dismissed_by`, null once that account is gone) said that it is no copy."""

    essay_id: str
    other_id: str
    share: float
    other_share: float
    tokens: int
    passages: list[PassageView]
    dismissed_at: str | None
    dismissed_by: PersonView | None


class ClusterView(TypedDict):
    essays: list[CopiedEssayView]
    pairs: list[OverlapView]


class CopiesView(TypedDict):
    """Clusters of essays that share words, those that share most first, without pairs that a teacher dismissed: these
    are in `dismissed`, the latest first. `waiting` essays were not compared yet."""

    clusters: list[ClusterView]
    dismissed: list[OverlapView]
    waiting: int


def pair_of(db: Session, essay: Essay, other_id: uuid.UUID) -> Overlap:
    """What the essay shares with an earlier one of its class. Raises `Problem` 404 where that is nothing."""
    pair = clusters.pair(db, essay.id, other_id)
    if pair is None or pair.other.assignment.class_id != essay.assignment.class_id:
        raise Problem(404)
    return pair


def copies_json(db: Session, assignment_id: uuid.UUID) -> CopiesView:
    """Of one assignment, for its teacher."""
    return {
        "clusters": [_cluster_json(cluster) for cluster in clusters.clusters(db, assignment_id)],
        "dismissed": [overlap_json(pair) for pair in clusters.dismissed(db, assignment_id)],
        "waiting": clusters.waiting(db, assignment_id),
    }


def _cluster_json(cluster: Cluster) -> ClusterView:
    return {
        "essays": [_essay_json(essay) for essay in cluster.essays],
        "pairs": [overlap_json(pair) for pair in cluster.pairs],
    }


def overlap_json(pair: Overlap) -> OverlapView:
    return {
        "essay_id": str(pair.essay_id),
        "other_id": str(pair.other_id),
        "share": round(pair.share, 4),
        "other_share": round(pair.other_share, 4),
        "tokens": pair.tokens,
        "passages": pair.passages,
        "dismissed_at": moment(pair.dismissed_at),
        "dismissed_by": person_json(pair.dismissed_by) if pair.dismissed_by else None,
    }


def _essay_json(essay: Essay) -> CopiedEssayView:
    at: Any = moment(essay.created_at)
    return {
        "id": str(essay.id),
        "assignment_id": str(essay.assignment_id),
        "assignment": essay.assignment.title,
        "student": person_json(essay.student),
        "status": essay.state.value,
        "created_at": at,
    }


def dismiss(pair: Overlap, teacher: User) -> None:
    """Show no teacher any more that these two essays share words; doing it twice is no error."""
    dismissal.dismiss(db(), pair, teacher)
    db().commit()


def restore(pair: Overlap) -> None:
    """Take back what `dismiss` did; doing it twice is no error."""
    dismissal.take_back(db(), pair)
    db().commit()
