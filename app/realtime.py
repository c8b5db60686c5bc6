"""News of an essay as it happens, by two doors: Server-Sent Events for one essay, Socket.IO for all of a person's.

What Redis carries is news, not truth. Words in the making are passed on as they come; everything else only says that
it is time to look into Postgres again, which is done every few seconds anyway. So a lost event, an old one that comes
again, or a Redis that is down changes nothing but the moment.
"""

from __future__ import annotations

import json
import logging
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from flask import Flask
from flask_socketio import ConnectionRefusedError, SocketIO, join_room
from gevent import monkey
from redis.exceptions import RedisError
from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import joinedload

from app.auth import current_user, user_of_token
from app.extensions import db
from app.problems import Problem
from app.views import StateView, sees_grade, state_json
from grading import progress
from models import Essay, User
from models.session import session
from settings import settings

log = logging.getLogger(__name__)

HEARTBEAT = 5.0
"""Seconds without news after which a comment is sent, so that both ends notice a dead connection."""
RECONNECT_MS = 2_000


@dataclass(frozen=True)
class _Sight:
    """What one look into Postgres showed."""

    state: StateView
    words_visible: bool


# --- Server-Sent Events ----------------------------------------------------------------------------------------------


def events(essay: Essay, reader: User, after: str) -> Iterator[str]:
    """The event stream of an essay for this reader, from the event after that id on.

    The first look is taken at once, with the request's own database session; the rest runs when the request is over.
    """
    return _stream(essay.id, reader, after, _sight(db(), essay, reader))


def _stream(essay_id: uuid.UUID, reader: User, after: str, sight: _Sight) -> Iterator[str]:
    yield f"retry: {RECONNECT_MS}\n" + formatted("state", sight.state)
    if sight.state["final"]:
        return
    for event in news(essay_id, after, HEARTBEAT):
        if event is not None and event.type == "delta":
            if sight.words_visible:
                yield formatted("delta", event.data, event.id)
            continue
        before, sight = sight.state, _look(essay_id, reader) or sight
        yield _difference(before, sight.state, event.id if event else None)
        if sight.state["final"]:
            return


def _difference(before: StateView, state: StateView, event_id: str | None) -> str:
    """The event that leads from one state to the other; a comment when there is none."""
    if all(before[name] == state[name] for name in ("status", "queue", "reason")):
        if before["position"] == state["position"]:
            return ": \n\n"
        return formatted("position", {"position": state["position"], "queue": state["queue"]}, event_id)
    return formatted("graded" if state["status"] == "graded" else "state", state, event_id)


def news(subject_id: uuid.UUID, after: str, wait: float) -> Iterator[progress.Event | None]:
    """Events of an essay or a question as they come, None after `wait` seconds without any; while Redis is down, only
    that."""
    while True:
        try:
            for event in progress.follow(subject_id, after, wait):
                after = event.id if event else after
                yield event
        except ValueError:
            after = progress.START
        except RedisError as error:
            log.warning("no news of %s: %s", subject_id, error)
            yield None
            time.sleep(wait)


def _look(essay_id: uuid.UUID, reader: User) -> _Sight | None:
    """Where the essay is now; None while Postgres does not say."""
    try:
        with session() as short:
            essay = short.scalars(
                select(Essay).where(Essay.id == essay_id).options(joinedload(Essay.assignment))
            ).one_or_none()
            return _sight(short, essay, reader) if essay else None
    except SQLAlchemyError as error:
        log.warning("no look at essay %s: %s", essay_id, error)
        return None


def _sight(db: Any, essay: Essay, reader: User) -> _Sight:
    return _Sight(state_json(db, essay, reader), sees_grade(reader, essay.assignment))


def formatted(kind: str, data: Any, event_id: str | None = None) -> str:
    line = f"id: {event_id}\n" if event_id else ""
    return f"{line}event: {kind}\ndata: {json.dumps(data)}\n\n"


# --- Socket.IO -------------------------------------------------------------------------------------------------------


def register(app: Flask) -> None:
    """Open the web socket of this app. Workers send to its rooms over Redis; clients only listen.

    Only pages of our own origin may connect, which is the library's default.
    """
    sockets = SocketIO(
        app,
        async_mode="gevent" if monkey.is_module_patched("socket") else "threading",
        message_queue=settings().redis_url,
        channel=progress.SOCKET_CHANNEL,
        manage_session=False,
        max_http_buffer_size=10_000,
    )
    sockets.on_event("connect", _connect)


def _connect(auth: Any = None) -> None:
    """Put whoever connects into their own room, by session cookie, bearer token or `auth: {token}`."""
    try:
        user = current_user()
    except Problem:
        user = None
    if user is None and isinstance(auth, dict) and isinstance(auth.get("token"), str):
        user = user_of_token(auth["token"])
    if user is None:
        raise ConnectionRefusedError("Sign in first.")
    join_room(progress.room(user.id))
