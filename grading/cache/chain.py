"""What the levels of the cache give and are given."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Literal, Protocol

from grading.cache.key import Key

Level = Literal["memory", "shared", "semantic"]


@dataclass(frozen=True)
class Answer:
    """An answer, and the level that had it; None where a model was asked.

    `entry_id` names the entry for `evict`; `similarity` is the semantic level's cosine.
    """

    value: str
    level: Level | None
    entry_id: str | None = None
    similarity: float | None = None


class SemanticHit(Protocol):
    """An answer that was kept for a question of the same meaning."""

    @property
    def value(self) -> str: ...
    @property
    def entry_id(self) -> str: ...
    @property
    def similarity(self) -> float: ...


class SemanticLevel(Protocol):
    """Finds what was asked before in other words; see `grading.cache.semantic`."""

    def find(self, key: Key) -> SemanticHit | None: ...

    def store(self, key: Key, value: str, ttl_s: float) -> None: ...

    def invalidate(self, tags: Collection[str]) -> int: ...

    def evict(self, entry_id: str) -> bool: ...
