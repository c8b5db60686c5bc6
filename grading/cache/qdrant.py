"""Qdrant as the index, for who has one or has outgrown Postgres: the same interface as `grading.cache.index`.

One collection for each embedder. The bucket is a tenant's payload index, so that Qdrant builds and walks a graph for
each bucket by itself and a filtered search does not come back empty.
"""

from __future__ import annotations

import uuid
from collections.abc import Collection
from hashlib import sha256
from typing import Any

from qdrant_client import QdrantClient, models
from qdrant_client.common.client_exceptions import QdrantException
from qdrant_client.http.exceptions import ApiException

from grading.cache.index import MAKE_ROOM_EVERY, Near, Vector
from grading.cache.key import Key
from models.base import now


class QdrantIndex:
    """Entries as points of one collection, at most `capacity`: what was not used for longest gives way."""

    failures: tuple[type[Exception], ...] = (QdrantException, ApiException, OSError)

    def __init__(self, client: QdrantClient, embedder: str, dimension: int, *, capacity: int) -> None:
        self._client = client
        self._dimension = dimension
        self._capacity = capacity
        self._collection = f"pizhu-{sha256(embedder.encode()).hexdigest()[:16]}"
        self._prepared = False
        self._stored = 0

    def nearest(self, bucket: str, vector: Vector, count: int) -> list[Near]:
        self._prepare()
        live = models.Filter(must=[_is("bucket", bucket), _later("expires_at", now().timestamp())])
        found = self._client.query_points(self._collection, query=vector.tolist(), query_filter=live, limit=count)
        return [
            Near(str(point.id), payload["question"], payload["answer"], point.score)
            for point in found.points
            if (payload := point.payload)
        ]

    def store(self, key: Key, vector: Vector, answer: str, ttl_s: float) -> None:
        self._prepare()
        moment = now().timestamp()
        payload: dict[str, Any] = {
            "bucket": key.bucket,
            "kind": key.kind,
            "question": key.text,
            "answer": answer,
            "tags": sorted(key.tags),
            "expires_at": moment + ttl_s,
            "used_at": moment,
            "hits": 0,
        }
        place = str(uuid.UUID(key.digest[:32]))  # the same digest is the same point
        self._client.upsert(self._collection, [models.PointStruct(id=place, vector=vector.tolist(), payload=payload)])
        if self._stored % MAKE_ROOM_EVERY == 0:
            self._make_room()
        self._stored += 1

    def used(self, entry_id: str) -> None:
        if found := self._client.retrieve(self._collection, [entry_id], with_payload=["hits"]):
            hits = (found[0].payload or {}).get("hits", 0) + 1
            self._client.set_payload(self._collection, {"hits": hits, "used_at": now().timestamp()}, points=[entry_id])

    def invalidate(self, tags: Collection[str]) -> int:
        self._prepare()
        tagged = models.FieldCondition(key="tags", match=models.MatchAny(any=sorted(tags)))
        return self._delete(models.Filter(must=[tagged]))

    def remove(self, entry_id: str) -> str | None:
        self._prepare()
        if not (found := self._client.retrieve(self._collection, [entry_id], with_payload=["kind"])):
            return None
        self._client.delete(self._collection, [entry_id])
        return str((found[0].payload or {})["kind"])

    def _delete(self, which: models.Filter) -> int:
        count = self._client.count(self._collection, count_filter=which).count
        self._client.delete(self._collection, which)
        return count

    def _make_room(self) -> None:
        self._client.delete(
            self._collection,
            models.Filter(must=[models.FieldCondition(key="expires_at", range=models.Range(lte=now().timestamp()))]),
        )
        if (excess := self._client.count(self._collection).count - self._capacity) > 0:
            oldest, _ = self._client.scroll(
                self._collection, limit=excess, order_by="used_at", with_payload=False, with_vectors=False
            )
            self._client.delete(self._collection, [point.id for point in oldest])

    def _prepare(self) -> None:
        """The collection and its payload indexes, made unless they are there; only looked for once."""
        if self._prepared:
            return
        if not self._client.collection_exists(self._collection):
            self._client.create_collection(
                self._collection,
                vectors_config=models.VectorParams(size=self._dimension, distance=models.Distance.COSINE),
                # No graph over all buckets, but one within each.
                hnsw_config=models.HnswConfigDiff(m=0, payload_m=16),
            )
            kinds: dict[str, Any] = {
                "bucket": models.KeywordIndexParams(type=models.KeywordIndexType.KEYWORD, is_tenant=True),
                "tags": models.PayloadSchemaType.KEYWORD,
                "expires_at": models.PayloadSchemaType.FLOAT,
                "used_at": models.PayloadSchemaType.FLOAT,
            }
            for field, kind in kinds.items():
                self._client.create_payload_index(self._collection, field, kind)
        self._prepared = True


def _is(field: str, value: str) -> models.FieldCondition:
    return models.FieldCondition(key=field, match=models.MatchValue(value=value))


def _later(field: str, moment: float) -> models.FieldCondition:
    return models.FieldCondition(key=field, range=models.Range(gt=moment))
