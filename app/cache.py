"""What ops see of the cache."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import datetime

from redis.exceptions import RedisError
from sqlalchemy.orm import Session
from typing_extensions import TypedDict  # pydantic describes the one of `typing` from Python 3.12 on

from grading import progress
from grading.cache import bound, savings
from grading.cache.chain import chain
from grading.cache.counts import HITS, REFUSED, Count, of_last
from models import Assignment
from settings import settings

WINDOWS = (24, 7 * 24)
"""Hours that are looked back."""
TOP = 20


class CacheRate(TypedDict):
    """Answers to keys of one kind. `flight` had the answer of a call that was under way; `hit_rate` is of all answers,
    null where there was none."""

    kind: str
    memory: int
    shared: int
    semantic: int
    flight: int
    calls: int
    hit_rate: float | None


class CacheRefusal(TypedDict):
    """How often questions lay close to others, and the second check kept them apart, for this reason."""

    reason: str
    times: int


class CacheWindow(TypedDict):
    """The last `hours`. `refused` has the most frequent reason first; `saved_usd` is hits by the mean cost of a call,
    null where no call has shown one."""

    hours: int
    kinds: list[CacheRate]
    refused: list[CacheRefusal]
    saved_usd: str | None


class WrongHits(TypedDict):
    """The share of hits in other words that were wrong, of those that were checked, with the interval of 95 %."""

    kind: str
    checked: int
    wrong: int
    share: float | None
    low: float
    high: float


class CacheEntryView(TypedDict):
    """An entry without its text, which ops may not read."""

    digest: str
    kind: str
    task: str
    assignment: str | None
    tags: list[str]
    hits: int
    bytes: int
    since: datetime


class CacheView(TypedDict):
    """The whole cache; `entries`, `bytes`, `windows` and `top` are null or empty while Redis is down."""

    entries: int | None
    bytes: int | None
    capacity_bytes: int
    windows: list[CacheWindow]
    wrong_hits: list[WrongHits]
    top: list[CacheEntryView]


def cache_view(db: Session) -> CacheView:
    view = CacheView(
        entries=None,
        bytes=None,
        capacity_bytes=settings().cache_mb * 1024 * 1024,
        windows=[],
        wrong_hits=[_wrong(kind, estimate) for kind, estimate in bound.estimates().items()],
        top=[],
    )
    try:
        view["entries"], view["bytes"] = chain().size()
        view["windows"] = [_window(db, hours, of_last(progress.connection(), hours)) for hours in WINDOWS]
        view["top"] = _top(db)
    except RedisError:
        pass
    return view


def _window(db: Session, hours: int, counted: Mapping[Count, int]) -> CacheWindow:
    kinds = [_rate(kind, counted) for kind in sorted({count.kind for count in counted})]
    reasons: Counter[str] = Counter()
    for count, number in counted.items():
        if not count.is_answer:
            reasons[count.level.removeprefix(REFUSED)] += number
    refused = [CacheRefusal(reason=reason, times=times) for reason, times in reasons.most_common()]
    saved = savings.saved(counted, savings.mean_costs(db))
    return CacheWindow(hours=hours, kinds=kinds, refused=refused, saved_usd=None if saved is None else f"{saved:f}")


def _rate(kind: str, counted: Mapping[Count, int]) -> CacheRate:
    by_level = {
        level: sum(number for count, number in counted.items() if (count.kind, count.level) == (kind, level))
        for level in (*HITS, "model")
    }
    calls = by_level.pop("model")
    hits = sum(by_level.values())
    return CacheRate(
        kind=kind,
        memory=by_level["memory"],
        shared=by_level["shared"],
        semantic=by_level["semantic"],
        flight=by_level["flight"],
        calls=calls,
        hit_rate=hits / (hits + calls) if hits + calls else None,
    )


def _wrong(kind: str, estimate: bound.Estimate) -> WrongHits:
    return WrongHits(
        kind=kind,
        checked=estimate.checked,
        wrong=estimate.wrong,
        share=estimate.share,
        low=estimate.low,
        high=estimate.high,
    )


def _top(db: Session) -> list[CacheEntryView]:
    entries = [entry for entry in chain().top(TOP) if entry.hits]
    of = {entry.digest: _assignment_id(entry.tags) for entry in entries}
    titles = {
        str(assignment.id): assignment.title
        for assignment in db.query(Assignment).filter(Assignment.id.in_([one for one in of.values() if one]))
    }
    return [
        CacheEntryView(
            digest=entry.digest,
            kind=entry.kind,
            task=entry.parts.get("task", ""),
            assignment=titles.get(of[entry.digest] or ""),
            tags=entry.tags,
            hits=entry.hits,
            bytes=entry.bytes,
            since=entry.since,
        )
        for entry in entries
    ]


def _assignment_id(tags: list[str]) -> str | None:
    return next((tag.partition(":")[2] for tag in tags if tag.startswith("assignment:")), None)
