"""Where questions and their vectors are kept, and the nearest ones found.

Postgres with pgvector is the index: nothing else to run, and what invalidates an entry is one statement. A search
filters by bucket and embedder. A small bucket (`EXACT`) is read by its B-tree and every one of its entries compared;
where it is large, Postgres may walk the HNSW graph. A graph knows no filter: it gives its `ef_search` nearest, and all
of them may belong to others, so that a search comes back empty though there are entries. `hnsw.iterative_scan` makes it
go on until enough are found, which takes the longer the smaller the bucket is among all entries.
"""

from __future__ import annotations

import uuid
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from pgvector.sqlalchemy import HALFVEC
from sqlalchemy import ColumnElement, Select, bindparam, cast, delete, func, literal, select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from grading.cache.key import Key
from models import CacheEntry
from models.base import now
from models.cache_entry import GRAPHS
from models.session import NoDatabase, session

Vector = NDArray[np.float32]

MAKE_ROOM_EVERY = 64
"""Entries stored between two looks at whether there are too many: each look counts them all."""
EXACT = 6.0
"""Times the root of the capacity: so many entries of a bucket are compared one by one, 2,000 of 100,000. One by one
takes as long as the bucket is large, the graph as long as the bucket is a small part of all, and so they meet there."""
_LOCK = 7312
"""Of Postgres's advisory locks: one process makes the graph, the others wait for it."""


_ENTRIES = CacheEntry.__table__.c
_ITERATE = select(
    func.set_config("hnsw.iterative_scan", "strict_order", True),
    func.set_config("hnsw.max_scan_tuples", "40000", True),
)
"""For this transaction. A scan ends after so many entries of others, so that the worst search has its bound too."""


@dataclass(frozen=True)
class Near:
    """An entry that a search found. `similarity` is the cosine."""

    entry_id: str
    question: str
    answer: str
    similarity: float


class Index(Protocol):
    """Entries of one embedder."""

    failures: tuple[type[Exception], ...]
    """What is raised when its server cannot be reached: a miss for `grading.cache.semantic`."""

    def nearest(self, bucket: str, vector: Vector, count: int) -> list[Near]:
        """The nearest live entries of the bucket, the nearest first."""
        ...

    def store(self, key: Key, vector: Vector, answer: str, ttl_s: float) -> None:
        """Keep it for so many seconds, in place of an entry with the same digest."""
        ...

    def used(self, entry_id: str) -> None:
        """It has been served: it counts, and stays longer than those that are not."""
        ...

    def invalidate(self, tags: Collection[str]) -> int:
        """Forget what has any of the tags; how many."""
        ...

    def remove(self, entry_id: str) -> str | None:
        """Forget one entry; its kind, or None where there is none."""
        ...


class PgvectorIndex:
    """Entries in the table `cache_entries`, at most `capacity`: what was not used for longest gives way."""

    failures: tuple[type[Exception], ...] = (SQLAlchemyError, NoDatabase)

    def __init__(self, embedder: str, dimension: int, *, capacity: int) -> None:
        self._embedder = embedder
        self._dimension = dimension
        self._capacity = capacity
        self._exact = round(EXACT * capacity**0.5)
        self._own = (_ENTRIES.bucket == bindparam("bucket")) & (_ENTRIES.embedder == embedder)
        some = select(literal(1)).where(self._own).limit(self._exact + 1).subquery()
        self._size = _ITERATE.add_columns(select(func.count()).select_from(some).scalar_subquery())
        # The graph is over the column as it is cast; by the bare one, all of the bucket is read and compared.
        self._exactly, self._by_graph = self._near(_ENTRIES.embedding), self._near(self._column())
        self._prepared = False
        self._stored = 0

    def nearest(self, bucket: str, vector: Vector, count: int) -> list[Near]:
        self._prepare()
        with session() as db:
            *_, entries = db.execute(self._size, {"bucket": bucket}).one()
            asked = {"bucket": bucket, "vector": vector.tolist(), "now": now(), "count": count}
            found = db.execute(self._exactly if entries <= self._exact else self._by_graph, asked)
            return [Near(str(row.id), row.question, row.answer, 1.0 - row.distance) for row in found]

    def _near(self, column: ColumnElement[Sequence[float]]) -> Select[Any]:
        """Made once: putting such a statement together takes longer than Postgres does for a small bucket."""
        distance = column.cosine_distance(bindparam("vector")).label("distance")
        live = (_ENTRIES.dimension == self._dimension) & (_ENTRIES.expires_at > bindparam("now"))
        chosen = select(_ENTRIES.id, _ENTRIES.question, _ENTRIES.answer, distance).where(self._own, live)
        return chosen.order_by(distance).limit(bindparam("count"))

    def store(self, key: Key, vector: Vector, answer: str, ttl_s: float) -> None:
        self._prepare()
        values = {
            "bucket": key.bucket,
            "kind": key.kind,
            "scope": key.scope,
            "dimension": self._dimension,
            "embedding": vector.tolist(),
            "question": key.text,
            "answer": answer,
            "tags": sorted(key.tags),
            "created_at": now(),
            "expires_at": now() + timedelta(seconds=ttl_s),
            "used_at": now(),
            "hits": 0,
        }
        entry = insert(CacheEntry).values(id=uuid.uuid4(), digest=key.digest, embedder=self._embedder, **values)
        with session() as db:
            db.execute(entry.on_conflict_do_update(index_elements=["digest", "embedder"], set_=values))
            if self._stored % MAKE_ROOM_EVERY == 0:
                self._make_room(db)
            db.commit()
        self._stored += 1

    def used(self, entry_id: str) -> None:
        with session() as db:
            served = update(CacheEntry).where(CacheEntry.id == uuid.UUID(entry_id))
            db.execute(served.values(hits=CacheEntry.hits + 1, used_at=now()))
            db.commit()

    def invalidate(self, tags: Collection[str]) -> int:
        return self._delete(CacheEntry.tags.overlap(sorted(tags)))

    def remove(self, entry_id: str) -> str | None:
        with session() as db:
            kind = db.scalar(delete(CacheEntry).where(CacheEntry.id == uuid.UUID(entry_id)).returning(CacheEntry.kind))
            db.commit()
            return kind

    def _delete(self, which: ColumnElement[bool]) -> int:
        with session() as db:
            gone = len(db.scalars(delete(CacheEntry).where(which).returning(CacheEntry.id)).all())
            db.commit()
            return gone

    def _make_room(self, db: Session) -> None:
        db.execute(delete(CacheEntry).where(CacheEntry.expires_at <= now()))
        own = CacheEntry.embedder == self._embedder
        if (excess := (db.scalar(select(func.count()).where(own)) or 0) - self._capacity) > 0:
            longest = select(CacheEntry.id).where(own).order_by(CacheEntry.used_at).limit(excess)
            # Two processes that make room at once skip each other's rows rather than wait, or lock each other out.
            db.execute(delete(CacheEntry).where(CacheEntry.id.in_(longest.with_for_update(skip_locked=True))))

    def _column(self) -> ColumnElement[Sequence[float]]:
        return cast(_ENTRIES.embedding, HALFVEC(self._dimension))

    def _prepare(self) -> None:
        """The graph for this dimension, made unless it is there; only looked for once."""
        if self._prepared:
            return
        name = f"{GRAPHS}{self._dimension}"
        with session() as db:
            db.execute(select(func.pg_advisory_xact_lock(_LOCK)))
            if db.scalar(select(func.to_regclass(name))) is None:
                db.execute(
                    text(
                        f"CREATE INDEX {name} ON cache_entries USING hnsw"
                        f" ((embedding::halfvec({self._dimension:d})) halfvec_cosine_ops)"
                        f" WHERE dimension = {self._dimension:d}"
                    )
                )
            db.commit()
        self._prepared = True
