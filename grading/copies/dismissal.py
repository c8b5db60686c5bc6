"""A teacher's word that two essays that share words are no copies. The caller commits.

It holds for these two, however often they are found, and for the same words of the same two students in other versions
for the same assignments. It hides nothing else: more words in a later version are shown, and so are the same words in
anybody else's essay.
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import select, tuple_, update
from sqlalchemy.orm import Session, aliased, joinedload

from models import Essay, Overlap, Signature, User
from models.base import now


def dismiss(session: Session, pair: Overlap, teacher: User) -> None:
    """Show the pair no more. Who did so first, and when, stays."""
    said = {"dismissed_at": now(), "dismissed_by_id": teacher.id}
    session.execute(update(Overlap).where(Overlap.id == pair.id, Overlap.dismissed_at.is_(None)).values(said))
    session.refresh(pair)


def take_back(session: Session, pair: Overlap) -> None:
    """Show the pair again. Other versions of the two essays are compared anew, for what was left out of them."""
    if pair.dismissed_at is None:
        return
    pair.dismissed_at, pair.dismissed_by = None, None
    versions = select(Essay.id).where(tuple_(Essay.student_id, Essay.assignment_id).in_(map(_of, _both(pair))))
    session.execute(update(Signature).where(Signature.essay_id.in_(versions)).values(compared_at=None))


def between(session: Session, essay: Essay, other: Essay, *, dismissed: bool) -> Sequence[Overlap]:
    """The pairs of these two students in versions of these two essays: those that were dismissed, or those shown."""
    one, two = aliased(Essay), aliased(Essay)
    found = (
        select(Overlap)
        .join(one, one.id == Overlap.essay_id)
        .join(two, two.id == Overlap.other_id)
        .where(
            Overlap.dismissed_at.is_not(None) if dismissed else Overlap.dismissed_at.is_(None),
            tuple_(one.student_id, one.assignment_id, two.student_id, two.assignment_id).in_(
                [_of(essay) + _of(other), _of(other) + _of(essay)]
            ),
        )
        .options(joinedload(Overlap.essay), joinedload(Overlap.other))
    )
    return session.scalars(found).all()


def dismissed_words(session: Session, essay: Essay, other: Essay) -> str:
    """The words that were dismissed between these two students in versions of these two essays."""
    words = []
    for pair in between(session, essay, other, dismissed=True):
        for passage in pair.passages:
            words += [
                pair.essay.text[passage["start"] : passage["end"]],
                pair.other.text[passage["other_start"] : passage["other_end"]],
            ]
    return "\n\n".join(words)


def _both(pair: Overlap) -> tuple[Essay, Essay]:
    return pair.essay, pair.other


def _of(essay: Essay) -> tuple[object, object]:
    return essay.student_id, essay.assignment_id
