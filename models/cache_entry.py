"""Answers that may be given again to a question in other words, and how far that is trusted."""

from __future__ import annotations

from datetime import datetime

from pgvector.sqlalchemy import HALFVEC
from sqlalchemy import Index, String, Text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from models.base import Base, Identified, now

GRAPHS = "ix_cache_entries_hnsw_"
"""How the names of the HNSW indexes begin, which are made as embedders come, not by a migration."""


class CacheEntry(Identified, Base):
    """A question, its answer, and the vector by which questions like it are found; see `grading.cache.index`.

    The HNSW index over `embedding` is made by that module, one for each dimension: an index needs to know it, the
    column does not, so that entries of two embedders can stand side by side while one follows upon the other.
    """

    __tablename__ = "cache_entries"
    __table_args__ = (
        Index("ix_cache_entries_bucket", "bucket", "embedder"),
        Index("ix_cache_entries_tags", "tags", postgresql_using="gin"),
        Index("ix_cache_entries_expires_at", "expires_at"),
        Index("uq_cache_entries_digest", "digest", "embedder", unique=True),
        # Counting a hit then changes no index (a heap-only tuple), which is cheap.
        {"postgresql_with": {"fillfactor": "80"}},
    )

    digest: Mapped[str] = mapped_column(String(64))
    """`Key.digest`: the same question again replaces its entry."""
    bucket: Mapped[str] = mapped_column(String(64))
    """`Key.bucket`: only entries of one bucket are ever compared."""
    kind: Mapped[str] = mapped_column(String(16))
    scope: Mapped[str] = mapped_column(String(64))
    embedder: Mapped[str] = mapped_column(String(128))
    """Name and version; vectors of two embedders are never compared."""
    dimension: Mapped[int]
    embedding: Mapped[list[float]] = mapped_column(HALFVEC())
    question: Mapped[str] = mapped_column(Text)
    answer: Mapped[str] = mapped_column(Text)
    tags: Mapped[list[str]] = mapped_column(ARRAY(String(80)))
    """What invalidates it."""
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime] = mapped_column(default=now)
    """When it was stored or last served; the one that was not for the longest time gives way first."""
    hits: Mapped[int] = mapped_column(default=0)


class CacheBound(Base):
    """How sure a hit of one kind must be, and what checks of hits have shown; see `grading.cache.bound`."""

    __tablename__ = "cache_bounds"

    kind: Mapped[str] = mapped_column(String(16), primary_key=True)
    threshold: Mapped[float]
    """Least probability, by the second check, that two questions mean the same."""
    checked: Mapped[int] = mapped_column(default=0)
    """Hits checked in the shadow, or complained of by a user, at this threshold."""
    wrong: Mapped[int] = mapped_column(default=0)
    all_checked: Mapped[int] = mapped_column(default=0)
    """The same at every threshold there has been."""
    all_wrong: Mapped[int] = mapped_column(default=0)
    moved_at: Mapped[datetime] = mapped_column(default=now)
