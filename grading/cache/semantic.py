"""The third level: an answer to a question that was asked before in other words.

Two questions count as one when their vectors lie close (cosine from 0.95 on) *and* the second check finds nothing that
vectors overlook: `grading.cache.check`. How sure that check must be is a threshold for each kind of question, which
checked hits and complaints move: `grading.cache.bound`. Essays never come here: `Key.semantic` is for questions alone.

An embedder or index that is down is a miss, never an error: the question then costs what it would have cost.
"""

from __future__ import annotations

import logging
import threading
import uuid
from collections.abc import Callable, Collection
from dataclasses import dataclass
from functools import cache

from cachetools import LRUCache, TTLCache, cachedmethod
from sqlalchemy.exc import SQLAlchemyError

from grading.cache import bound, check
from grading.cache.embedder import Embedder, EmbedderError, embedder
from grading.cache.index import Index, PgvectorIndex, Vector
from grading.cache.key import Key
from grading.cache.reading import read
from models.session import NoDatabase
from settings import settings

log = logging.getLogger(__name__)

THRESHOLD_LIFE = 5.0
"""Seconds for which a process keeps a kind's threshold before it looks again."""
DOWN = (EmbedderError, SQLAlchemyError, NoDatabase, OSError)
"""What an embedder or Postgres raises that cannot be reached."""


@dataclass(frozen=True)
class SemanticHit:
    """An answer kept for a question that means the same. `similarity` is the cosine, `certainty` the check's."""

    value: str
    entry_id: str
    similarity: float
    certainty: float


class Semantic:
    """Made of an embedder and an index; many threads may use it at once."""

    def __init__(self, embed: Embedder, index: Index) -> None:
        self._embedder = embed
        self._index = index
        self._down: tuple[type[Exception], ...] = (*DOWN, *index.failures)
        self._lock = threading.Lock()
        self._embedding = threading.Condition()
        self._vectors: LRUCache[str, Vector] = LRUCache(512)  # what was just looked up is stored next
        self._thresholds: TTLCache[str, float] = TTLCache(64, THRESHOLD_LIFE)

    def find(self, key: Key, refused: Callable[[str], None] = lambda why: None) -> SemanticHit | None:
        """The answer to the entry of the key's bucket that means the same most certainly, if one does; where some lie
        close and none does, `refused` is told why (`grading.cache.check.objection`)."""
        if not key.semantic:
            return None
        try:
            near = self._index.nearest(key.bucket, self._vector(key.text), check.COMPARED)
            candidates = [(one.question, one.similarity) for one in near]
            best = check.best(key.text, candidates)
            if best is None or best.certainty < self._threshold(key.kind):
                if why := check.objection(key.text, candidates):
                    refused(why)
                return None
            hit = near[best.place]
            self._index.used(hit.entry_id)
        except self._down as error:
            log.warning("semantic cache: %s", error)
            return None
        return SemanticHit(hit.answer, hit.entry_id, hit.similarity, best.certainty)

    def store(self, key: Key, value: str, ttl_s: float) -> None:
        """Keep an answer for as many seconds; nothing where the key allows no other words."""
        if not key.semantic:
            return
        try:
            self._index.store(key, self._vector(key.text), value, ttl_s)
        except self._down as error:
            log.warning("semantic cache: %s", error)

    def invalidate(self, tags: Collection[str]) -> int:
        """Forget what has any of the tags; how many. An index that is down raises: what is old must not be served."""
        return self._index.invalidate(tags)

    def evict(self, entry_id: str) -> bool:
        """A user says that this answers another question: forget it, and count it as a wrong hit."""
        try:
            kind = self._index.remove(str(uuid.UUID(entry_id)))
        except ValueError:
            return False
        if kind is None:
            return False
        self.observe(kind, right=False)
        return True

    def observe(self, kind: str, right: bool) -> None:
        """A hit of that kind was checked: see `grading.cache.bound`."""
        bound.observe(kind, right, start=check.THRESHOLD)
        with self._lock:
            self._thresholds.pop(kind, None)

    def _threshold(self, kind: str) -> float:
        with self._lock:
            kept = self._thresholds.get(kind)
        if kept is None:
            kept = bound.threshold_of(kind, check.THRESHOLD)
            with self._lock:
                self._thresholds[kind] = kept
        return kept

    @cachedmethod(lambda self: self._vectors, key=lambda _, text: text, condition=lambda self: self._embedding)
    def _vector(self, text: str) -> Vector:
        """Made once for all who ask the same now; a whole class may."""
        return self._embedder.embed([text])[0]


@cache
def semantic() -> Semantic:
    """This process's third level, as the settings have it."""
    wanted, embed = settings(), embedder()
    index: Index
    if wanted.qdrant_url:
        from qdrant_client import QdrantClient  # takes a second and half of the memory of a web process

        from grading.cache.qdrant import QdrantIndex

        client = QdrantClient(url=wanted.qdrant_url, timeout=2)
        index = QdrantIndex(client, embed.name, embed.dimension, capacity=wanted.semantic_capacity)
    else:
        index = PgvectorIndex(embed.name, embed.dimension, capacity=wanted.semantic_capacity)
    return Semantic(embed, index)


def warm() -> None:
    """Load model and dictionary, half a second in which nothing else runs: before a process serves, not at the first
    question."""
    semantic()
    for text in ("问题", "question"):
        read(text)
