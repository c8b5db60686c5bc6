"""What happens to an essay, told as it happens.

One Redis Stream an essay, capped and expiring, holds its events in order; Server-Sent Events read it from any point
(the stream's ids are the event ids). State changes go to the student's Socket.IO room as well. And one pub/sub channel
carries cancellations to whoever is grading. All of it is news, not truth: when Redis is down, nothing is lost but time.
"""

from __future__ import annotations

import json
import logging
import threading
import uuid
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

import redis
import socketio

from models import Notice
from settings import settings

log = logging.getLogger(__name__)

SOCKET_CHANNEL = "pizhu-socketio"
CANCEL_CHANNEL = "pizhu:cancel"
STREAM_LENGTH = 5_000
STREAM_LIFE = 3_600
"""Seconds after the last event; a grade outlives it in Postgres."""
START = "0-0"
"""The id before every event."""


@dataclass(frozen=True)
class Event:
    """One event: `state`, `position`, `delta` or `graded`, with what it carries."""

    id: str
    type: str
    data: dict[str, Any]


@cache
def connection() -> redis.Redis:
    """The pool of this process. Short time-outs: news must never hold up the truth."""
    return redis.Redis.from_url(
        settings().redis_url,
        decode_responses=True,
        socket_connect_timeout=1,
        socket_timeout=30,
        health_check_interval=25,
    )


@cache
def _rooms() -> Any:
    return socketio.RedisManager(settings().redis_url, channel=SOCKET_CHANNEL, write_only=True)


def stream_key(essay_id: uuid.UUID) -> str:
    return f"pizhu:progress:{essay_id}"


def room(user_id: uuid.UUID) -> str:
    """The Socket.IO room that only this user is in."""
    return f"user:{user_id}"


def publish(essay_id: uuid.UUID, kind: str, data: dict[str, Any]) -> None:
    """Add an event to the essay's stream. A broker that is down costs the event and a line in the log."""
    key = stream_key(essay_id)
    try:
        with connection().pipeline(transaction=False) as pipe:
            pipe.xadd(key, {"type": kind, "data": json.dumps(data)}, maxlen=STREAM_LENGTH, approximate=True)
            pipe.expire(key, STREAM_LIFE)
            pipe.execute()
    except redis.RedisError as error:
        log.warning("event %s of essay %s not published: %s", kind, essay_id, error)


def announce(essay_id: uuid.UUID, student_id: uuid.UUID, kind: str, data: dict[str, Any]) -> None:
    """Add an event to the stream and send it to the student's own room."""
    publish(essay_id, kind, data)
    emit(student_id, kind, {"essay_id": str(essay_id), **data})


def emit(user_id: uuid.UUID, kind: str, data: dict[str, Any]) -> None:
    """Send an event to the room of one user, wherever their browser is connected."""
    try:
        _rooms().emit(kind, data, namespace="/", room=room(user_id))
    except Exception as error:  # the client library lets several kinds through
        log.warning("event %s for user %s not sent: %s", kind, user_id, error)


def notify(notices: Iterable[Notice]) -> None:
    """Send `notice` events for rows that are committed to whoever they are for."""
    for notice in notices:
        essay_id = str(notice.essay_id) if notice.essay_id else None
        emit(notice.user_id, "notice", {"kind": notice.kind, "essay_id": essay_id})


def follow(essay_id: uuid.UUID, after: str = START, wait: float = 5.0) -> Iterator[Event | None]:
    """Events after the given id, for ever: None each time `wait` seconds bring no news.

    Raises `redis.RedisError` when the broker is down and ValueError for an id that is none.
    """
    if not _is_stream_id(after):
        raise ValueError(f"not an event id: {after!r}")
    key = stream_key(essay_id)
    while True:
        answer: Any = connection().xread({key: after}, count=200, block=int(wait * 1000))
        entries = _entries(answer)
        if not entries:
            yield None
        for after, fields in entries:
            yield Event(after, fields["type"], json.loads(fields["data"]))


def _entries(answer: Any) -> list[tuple[str, dict[str, str]]]:
    """The entries of the one stream in an XREAD answer, in either protocol version's shape."""
    if not answer:
        return []
    streams = answer.values() if isinstance(answer, dict) else [entries for _key, entries in answer]
    entries = next(iter(streams))
    return entries[0] if entries and isinstance(entries[0], list) else entries


def _is_stream_id(value: str) -> bool:
    left, _, right = value.partition("-")
    return all(part.isascii() and part.isdigit() and len(part) <= 20 for part in (left, right or "0"))


def cancel(essay_id: uuid.UUID) -> None:
    """Tell whoever grades this essay to stop at once; the lease tells them later when this is lost."""
    try:
        connection().publish(CANCEL_CHANNEL, str(essay_id))
    except redis.RedisError as error:
        log.warning("cancellation of essay %s not published: %s", essay_id, error)


def on_cancel(callback: Callable[[uuid.UUID], None]) -> threading.Thread:
    """Call back for every cancellation from now on, in a daemon thread that outlives a broken connection."""

    def listen() -> None:
        pause = threading.Event()
        while True:
            try:
                with connection().pubsub(ignore_subscribe_messages=True) as channel:
                    channel.subscribe(CANCEL_CHANNEL)
                    while True:
                        message = channel.get_message(timeout=10)
                        if message is not None:
                            callback(uuid.UUID(message["data"]))
            except Exception as error:  # whatever it is, who listens no more would grade in vain
                log.warning("not listening for cancellations: %s; trying again", error)
                pause.wait(1)

    thread = threading.Thread(target=listen, name="cancellations", daemon=True)
    thread.start()
    return thread
