"""Signing essays, and finding the pairs of a class that share words. The caller commits.

An essay is signed, and that is committed, before it is compared: so of two that are worked on at the same moment one at
least sees the other. Doing either twice changes nothing, and what a crash left undone is found by what is missing.
"""

from __future__ import annotations

import uuid
from dataclasses import asdict
from enum import Enum
from typing import Any

from sqlalchemy import Boolean, any_, func, literal_column, or_, select, text, type_coerce, update
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.orm import Session, joinedload
from sqlalchemy.types import Integer

from grading import notices
from grading.copies.dismissal import between, dismissed_words
from grading.copies.passages import overlap
from grading.copies.signature import AGREE, VERSION, signature
from models import Assignment, Essay, EssayState, Overlap, Signature
from models.base import now

MOST_COMPARED = 40
"""Essays that one is aligned with, those that agree in most numbers: more copies of it make one cluster anyway."""


def unsigned(session: Session, limit: int) -> list[uuid.UUID]:
    """Essays without a signature, or with one of another version, oldest first."""
    found = (
        select(Essay.id)
        .outerjoin(Signature, Signature.essay_id == Essay.id)
        .where(or_(Signature.essay_id.is_(None), Signature.version != VERSION), Essay.state != EssayState.cancelled)
        .order_by(Essay.created_at)
    )
    return list(session.scalars(found.limit(limit)))


def sign(session: Session, essay_id: uuid.UUID) -> None:
    """Keep the essay's signature; it is still to be compared."""
    essay = session.get(Essay, essay_id, options=[joinedload(Essay.assignment)])
    if essay is None:
        return
    numbers = signature(essay.text, essay.assignment.class_id, _words(essay.assignment))
    _write(session, essay_id, numbers=numbers, compared_at=None)


def give_up(session: Session, essay_id: uuid.UUID) -> None:
    """Leave an essay alone that cannot be compared, until there is another version of signatures."""
    _write(session, essay_id, numbers=[], compared_at=now())


def _write(session: Session, essay_id: uuid.UUID, **values: Any) -> None:
    values["version"] = VERSION
    insert = upsert(Signature).values(essay_id=essay_id, **values)
    session.execute(insert.on_conflict_do_update(index_elements=["essay_id"], set_=values))


def uncompared(session: Session, limit: int) -> list[uuid.UUID]:
    """Signed essays that are still to be compared."""
    return list(session.scalars(select(Signature.essay_id).where(Signature.compared_at.is_(None)).limit(limit)))


def compare(session: Session, essay_id: uuid.UUID) -> int:
    """Keep what this essay shares with other students' of its class; returns with how many it does.

    The teachers get a notice of an essay with a new pair: one for two students, whatever versions they hand in later.
    """
    essay = session.get(Essay, essay_id, options=[joinedload(Essay.assignment)])
    if essay is None:
        return 0
    found, news = 0, set()
    for other in candidates(session, essay):
        later, earlier = sorted((essay, other), key=lambda one: (one.created_at, one.id), reverse=True)
        if (kept := _keep(session, later, earlier)) is Kept.no:
            continue
        found += 1
        if kept is Kept.new and len(between(session, later, earlier, dismissed=False)) == 1:
            news.add(later.id)
    for essay_with_news in news:
        notices.leave(session, essay_with_news, "copy")
    session.execute(update(Signature).where(Signature.essay_id == essay_id).values(compared_at=now()))
    return found


def candidates(session: Session, essay: Essay) -> list[Essay]:
    """Other students' essays of the class that may share words with this one, the likeliest first."""
    agreeing = _agreeing(session, essay.id)
    found = (
        select(Essay)
        .where(Essay.id.in_(agreeing), Essay.student_id != essay.student_id, Essay.state != EssayState.cancelled)
        .options(joinedload(Essay.assignment))
    )
    likeliest = sorted(session.scalars(found), key=lambda other: agreeing.index(other.id))
    return likeliest[:MOST_COMPARED]


def _agreeing(session: Session, essay_id: uuid.UUID) -> list[uuid.UUID]:
    """The essays whose signatures agree with this one's, those in most numbers first, by one look into the index.

    The planner takes the comparison of two arrays for as cheap as that of two numbers, and would make it with every
    row of the table; so other ways than by the index are closed to this query.
    """
    mine = session.scalar(select(Signature.numbers).where(Signature.essay_id == essay_id))
    if not mine:
        return []
    wanted = type_coerce(mine, ARRAY(Integer))
    theirs = func.unnest(Signature.numbers).table_valued("number").render_derived()
    shared = select(func.count()).select_from(theirs).where(theirs.c.number == any_(wanted)).correlate(Signature)
    count = shared.scalar_subquery().label("count")
    found = select(Signature.essay_id, count).where(Signature.numbers.overlap(wanted), Signature.essay_id != essay_id)
    both = found.cte("found")
    likeliest = select(both.c.essay_id).where(both.c.count >= AGREE).order_by(both.c.count.desc())
    _allow(session, "off")
    agreeing = list(session.scalars(likeliest.limit(5 * MOST_COMPARED)))
    _allow(session, "on")
    return agreeing


def _allow(session: Session, setting: str) -> None:
    for way in ("seqscan", "indexscan", "indexonlyscan"):
        session.execute(text(f"SET LOCAL enable_{way} = {setting}"))


class Kept(Enum):
    """Whether a pair is one that a teacher should look at, and was not known before."""

    no = 0
    again = 1
    new = 2


def _keep(session: Session, later: Essay, earlier: Essay) -> Kept:
    """Keep what the two share, if a teacher should look at it."""
    tasks = dict.fromkeys((_words(later.assignment), _words(earlier.assignment)))
    shared = overlap(later.text, earlier.text, "\n\n".join([*tasks, dismissed_words(session, later, earlier)]))
    if not shared.is_flagged:
        return Kept.no
    values = {
        "tokens": shared.tokens,
        "share": shared.share,
        "other_share": shared.other_share,
        "passages": [asdict(passage) for passage in shared.passages],
    }
    insert = upsert(Overlap).values(id=uuid.uuid4(), essay_id=later.id, other_id=earlier.id, **values)
    known = ["essay_id", "other_id"]
    shown = Overlap.dismissed_at.is_(None)
    kept = insert.on_conflict_do_update(index_elements=known, set_=values, where=shown)
    # Of two that find the pair at once, one inserts it; a row that was there already has been locked, which xmax shows.
    inserted = session.scalar(kept.returning(literal_column("xmax = 0", Boolean)))
    return Kept.new if inserted else Kept.again


def _words(assignment: Assignment) -> str:
    return f"{assignment.title}\n\n{assignment.prompt}"
