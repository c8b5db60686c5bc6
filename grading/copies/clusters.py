"""Which essays of an assignment belong together because they share words: for its teacher, and nobody else."""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import ColumnElement, Select, exists, func, select
from sqlalchemy.orm import Session, aliased, joinedload

from models import Essay, EssayState, Overlap, Signature


@dataclass(frozen=True)
class Cluster:
    """Essays that hang together by what pairs of them share, the most shared first; some may be of another assignment
    of the class."""

    pairs: tuple[Overlap, ...]

    @property
    def essays(self) -> list[Essay]:
        """In the order in which they were handed in."""
        found = {essay.id: essay for pair in self.pairs for essay in (pair.essay, pair.other)}
        return sorted(found.values(), key=lambda essay: (essay.created_at, essay.id))

    @property
    def largest(self) -> float:
        """The largest share of an essay that is another's too."""
        return max(max(pair.share, pair.other_share) for pair in self.pairs)


def clusters(session: Session, assignment_id: uuid.UUID) -> list[Cluster]:
    """Those with an essay of this assignment, the one that shares most first. Withdrawn essays are left out, and pairs
    that a teacher dismissed."""
    grouped = connected(session.scalars(_of_assignment(assignment_id).where(Overlap.dismissed_at.is_(None))))
    return sorted(grouped, key=lambda cluster: -cluster.largest)


def dismissed(session: Session, assignment_id: uuid.UUID) -> list[Overlap]:
    """The pairs with an essay of this assignment that a teacher dismissed, the latest first."""
    pairs = _of_assignment(assignment_id).where(Overlap.dismissed_at.is_not(None))
    return list(session.scalars(pairs.order_by(Overlap.dismissed_at.desc())))


def _of_assignment(assignment_id: uuid.UUID) -> Select[Overlap]:
    later, earlier = aliased(Essay), aliased(Essay)
    pairs = _pairs().join(later, later.id == Overlap.essay_id).join(earlier, earlier.id == Overlap.other_id)
    pairs = pairs.where((later.assignment_id == assignment_id) | (earlier.assignment_id == assignment_id))
    return pairs.where(later.state != EssayState.cancelled, earlier.state != EssayState.cancelled)


def of_essay(session: Session, essay_id: uuid.UUID) -> list[Overlap]:
    """What this essay shares with others, the most first, without what a teacher dismissed."""
    pairs = _pairs().where((Overlap.essay_id == essay_id) | (Overlap.other_id == essay_id))
    pairs = pairs.where(Overlap.dismissed_at.is_(None))
    withdrawn = exists().where(Essay.id.in_([Overlap.essay_id, Overlap.other_id]), Essay.state == EssayState.cancelled)
    return sorted(session.scalars(pairs.where(~withdrawn)), key=lambda pair: -max(pair.share, pair.other_share))


def copied(session: Session, assignment_id: uuid.UUID) -> int:
    """How many essays of the assignment share words with another student's."""
    essays = select(func.count()).select_from(Essay).where(Essay.assignment_id == assignment_id, shares_words())
    return session.scalar(essays.where(Essay.state != EssayState.cancelled)) or 0


def shares_words() -> ColumnElement[bool]:
    """Of an `Essay` in a query: whether it shares words with another student's, and no teacher dismissed it."""
    shares = (Overlap.essay_id == Essay.id) | (Overlap.other_id == Essay.id)
    return exists().where(shares, Overlap.dismissed_at.is_(None))


def pair(session: Session, essay_id: uuid.UUID, other_id: uuid.UUID) -> Overlap | None:
    """What the later of two essays shares with the earlier, dismissed or not; None where they share nothing."""
    return session.scalars(_pairs().filter_by(essay_id=essay_id, other_id=other_id)).one_or_none()


def waiting(session: Session, assignment_id: uuid.UUID) -> int:
    """Essays of the assignment that have not been compared yet."""
    compared = exists().where(Signature.essay_id == Essay.id, Signature.compared_at.is_not(None))
    essays = select(func.count()).select_from(Essay).where(Essay.assignment_id == assignment_id, ~compared)
    return session.scalar(essays.where(Essay.state != EssayState.cancelled)) or 0


def connected(pairs: Iterable[Overlap]) -> list[Cluster]:
    """The pairs, each group of them that hang together as one; those that share most first in each."""
    leader: dict[uuid.UUID, uuid.UUID] = {}

    def lead(essay: uuid.UUID) -> uuid.UUID:
        while (above := leader.setdefault(essay, essay)) != essay:
            leader[essay] = essay = leader[above]  # halves the way for the next
        return essay

    known = list(pairs)
    for pair in known:
        leader[lead(pair.essay_id)] = lead(pair.other_id)
    groups = defaultdict(list)
    for pair in sorted(known, key=lambda one: -max(one.share, one.other_share)):
        groups[lead(pair.essay_id)].append(pair)
    return [Cluster(tuple(group)) for group in groups.values()]


def _pairs() -> Select[Overlap]:
    essay, other = joinedload(Overlap.essay), joinedload(Overlap.other)
    return select(Overlap).options(
        joinedload(Overlap.dismissed_by),
        *(each.joinedload(part) for each in (essay, other) for part in (Essay.student, Essay.assignment)),
    )
