"""Alerts to a webhook: what began and what is over, as JSON, signed and tried again until it is taken.

Signed as the Standard Webhooks specification 1.0 has it (standardwebhooks.com): `webhook-id` names the message and
stays the same when it is sent again, so that a receiver can drop what it has had; `webhook-signature` is `v1,` and the
Base64 of the HMAC-SHA256 of `<webhook-id>.<webhook-timestamp>.<body>` by the key of the setting `webhook_secret`.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import logging
import urllib.error
import urllib.request
import uuid
from datetime import timedelta
from email.message import Message
from http.client import HTTPException
from typing import IO, Any

from kombu.exceptions import OperationalError
from redis.exceptions import RedisError
from sqlalchemy import ColumnElement, and_, func, or_, select

from models import Alert
from models.base import now
from models.session import session
from settings import settings
from workers.queue import celery_app

log = logging.getLogger(__name__)

TIMEOUT = 10
"""Seconds for the connection, and for each piece of the answer."""
MAX_ATTEMPTS = 10
FIRST_PAUSE, LONGEST_PAUSE = timedelta(seconds=15), timedelta(hours=1)
"""The wait doubles after each refusal: the tenth try comes after about two hours."""
NEWS = timedelta(days=1)


def due() -> ColumnElement[bool]:
    """Alerts of which the webhook is to be told something now."""
    untold = or_(Alert.opened_told_at.is_(None), and_(Alert.ended_at.is_not(None), Alert.closed_told_at.is_(None)))
    return and_(
        untold,
        Alert.webhook_attempts < MAX_ATTEMPTS,
        func.coalesce(Alert.ended_at, Alert.created_at) > now() - NEWS,
        or_(Alert.webhook_next_at.is_(None), Alert.webhook_next_at <= now()),
    )


def send_due() -> None:
    """Start a task for each alert that the webhook is to be told of; a step of the sweeper."""
    if not settings().webhook_url:
        return
    with session() as db:
        found = db.scalars(select(Alert.id).where(due()).order_by(Alert.created_at).limit(50)).all()
    try:
        for alert_id in found:
            webhook.apply_async(args=[str(alert_id)], expires=settings().sweep_interval)
    except (OperationalError, RedisError) as error:
        log.warning("the webhook waits for the broker: %s", error)


@celery_app.task(name="notify.webhook")
def webhook(alert_id: str) -> None:
    """Tell the webhook of the alert's beginning, else of its end; any answer of 2xx has taken it."""
    with session() as db:
        alert = db.scalars(
            select(Alert).where(Alert.id == uuid.UUID(alert_id), due()).with_for_update(skip_locked=True)
        ).one_or_none()
        if alert is None or not settings().webhook_url:
            return
        event = "opened" if alert.opened_told_at is None else "closed"
        try:
            # Held until the receiver has answered, so that a second task for the same alert finds nothing to do.
            deliver(f"{alert.id}.{event}", body_of(alert, event))
        except (OSError, HTTPException, ValueError) as error:
            log.warning("the webhook did not take the alert %s: %s", alert.id, error)
            alert.webhook_next_at = now() + min(FIRST_PAUSE * 2**alert.webhook_attempts, LONGEST_PAUSE)
            alert.webhook_attempts += 1
        else:
            setattr(alert, f"{event}_told_at", now())
            alert.webhook_attempts, alert.webhook_next_at = 0, None
        db.commit()


def body_of(alert: Alert, event: str) -> bytes:
    """The message; for the same event always the same bytes, whatever has become of the alert since."""
    data: dict[str, Any] = {
        "id": str(alert.id),
        "kind": alert.kind,
        "actor": alert.actor,
        "reason": alert.reason,
        "details": alert.details,
        "began_at": alert.created_at.isoformat(),
        "url": f"{settings().public_url}/queues",
    }
    at = alert.created_at
    if event == "closed" and alert.ended_at is not None:
        at = alert.ended_at
        data["ended_at"] = at.isoformat()
    message = {"type": f"alert.{event}", "timestamp": at.isoformat(), "data": data}
    return json.dumps(message, ensure_ascii=False, sort_keys=True).encode()


def deliver(message_id: str, body: bytes) -> None:
    """Send it. Raises OSError (its subclasses `HTTPError` and `URLError` among them), HTTPException or ValueError."""
    stamp = str(int(now().timestamp()))
    headers = {
        "Content-Type": "application/json",
        "User-Agent": "Pizhu",
        "webhook-id": message_id,
        "webhook-timestamp": stamp,
    }
    if secret := settings().webhook_secret.get_secret_value():
        headers["webhook-signature"] = sign(secret, message_id, stamp, body)
    address = settings().webhook_url  # of the web, as settings see to
    request = urllib.request.Request(address, body, headers, method="POST")  # noqa: S310
    with _opener.open(request, timeout=TIMEOUT):
        pass


def sign(secret: str, message_id: str, stamp: str, body: bytes) -> str:
    """The header `webhook-signature`; a secret with the specification's prefix `whsec_` is Base64, another is text."""
    key = base64.b64decode(secret[len("whsec_") :]) if secret.startswith("whsec_") else secret.encode()
    digest = hmac.digest(key, f"{message_id}.{stamp}.".encode() + body, hashlib.sha256)
    return f"v1,{base64.b64encode(digest).decode()}"


class _Straight(urllib.request.HTTPRedirectHandler):
    """What is signed for one address goes to no other."""

    def redirect_request(
        self, req: urllib.request.Request, fp: IO[bytes], code: int, msg: str, headers: Message, newurl: str
    ) -> None:
        raise urllib.error.HTTPError(req.full_url, code, "a redirect is not followed", headers, fp)


_opener = urllib.request.build_opener(_Straight)
