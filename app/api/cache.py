"""The cache, for ops."""

from __future__ import annotations

from typing import Any

from redis.exceptions import RedisError
from typing_extensions import TypedDict

from app.api import blueprint
from app.api.operation import Operation, operation
from app.auth import ops, rule
from app.bodies import Invalidation
from app.cache import CacheView, cache_view
from app.extensions import db
from app.problems import Problem
from grading.cache.chain import chain


class Invalidated(TypedDict):
    """How many answers there were in Redis and in the semantic level; each process forgot its own copies."""

    entries: int


@blueprint.get("/cache")
@rule(ops)
@operation(Operation(200, CacheView))
def get_cache() -> Any:
    """How often which level answered, what that saved, how often it was wrong, and what is served most."""
    return cache_view(db())


@blueprint.post("/admin/invalidate")
@rule(ops)
@operation(Operation(200, Invalidated, body=Invalidation))
def invalidate(body: Invalidation) -> Any:
    """Forget answers: when this has answered, no process serves them. The tag `*` is everything.

    503 while Redis is down: nobody serves what it holds then, and it is done once Redis is back.
    """
    try:
        return {"entries": chain().invalidate(*body.all_tags)}
    except RedisError:
        raise Problem(503, detail="Redis does not answer; this will be done when it is back.") from None
