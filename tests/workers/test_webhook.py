"""workers/webhook.py: a real receiver is told of alerts, once each, signed, and again until it takes them."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import threading
import uuid
from collections.abc import Iterator
from datetime import datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from models import Alert
from models.base import now
from models.session import session
from tests.conftest import use_environment
from workers.queue import messages_waiting
from workers.webhook import MAX_ATTEMPTS, send_due, webhook

SECRET = "whsec_" + base64.b64encode(b"a key of thirty-two bytes, really").decode()


class Receiver(ThreadingHTTPServer):
    """Keeps what it is sent, and answers with `status`."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.status = 204
        self.received: list[tuple[dict[str, str], bytes]] = []
        self.slow = threading.Event()
        self.slow.set()


class _Handler(BaseHTTPRequestHandler):
    server: Receiver

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.received.append(({name.lower(): value for name, value in self.headers.items()}, body))
        self.server.slow.wait(10)
        self.send_response(self.server.status)
        if self.server.status == 302:
            self.send_header("Location", "/elsewhere")
        self.send_header("Content-Length", "0")
        self.end_headers()

    do_GET = do_POST  # noqa: N815

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def receiver(database: None, redis: Any) -> Iterator[Receiver]:
    server = Receiver()
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    address = f"http://127.0.0.1:{server.server_port}/hook"
    with use_environment({"PIZHU_WEBHOOK_URL": address, "PIZHU_WEBHOOK_SECRET": SECRET}):
        yield server
    server.shutdown()
    server.server_close()


def an_alert(ended: timedelta | None = None, age: timedelta = timedelta()) -> uuid.UUID:
    alert = Alert(kind="spending", actor="pizhu", reason="钱 $4.00 in 5 minutes", details={"dollars": 4.0})
    alert.id, alert.created_at = uuid.uuid4(), now() - age
    alert.ended_at = None if ended is None else now() - ended
    with session() as db:
        db.add(alert)
        db.commit()
        return alert.id


def change(alert_id: uuid.UUID, **columns: Any) -> None:
    with session() as db:
        alert = db.get_one(Alert, alert_id)
        for name, value in columns.items():
            setattr(alert, name, value)
        db.commit()


def kept(alert_id: uuid.UUID) -> Alert:
    with session() as db:
        return db.get_one(Alert, alert_id)


def test_the_message_says_what_happened_and_is_signed(receiver: Receiver) -> None:
    alert_id = an_alert()
    webhook(str(alert_id))
    [(headers, body)] = receiver.received
    message = json.loads(body)
    assert message["type"] == "alert.opened"
    assert message["data"]["reason"] == "钱 $4.00 in 5 minutes"
    assert message["data"]["details"] == {"dollars": 4.0}
    assert datetime.fromisoformat(message["timestamp"]).tzinfo
    assert headers["webhook-id"] == f"{alert_id}.opened"
    key = b"a key of thirty-two bytes, really"
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    expected = base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
    assert headers["webhook-signature"] == f"v1,{expected}"
    assert headers["content-type"] == "application/json"


def test_without_a_key_it_is_not_signed(receiver: Receiver) -> None:
    with use_environment({"PIZHU_WEBHOOK_SECRET": ""}):
        webhook(str(an_alert()))
    assert "webhook-signature" not in receiver.received[0][0]


def test_beginning_and_end_are_told_once_each(receiver: Receiver) -> None:
    alert_id = an_alert()
    for _ in range(3):
        webhook(str(alert_id))
    assert len(receiver.received) == 1
    change(alert_id, ended_at=now())
    for _ in range(3):
        webhook(str(alert_id))
    assert [json.loads(body)["type"] for _, body in receiver.received] == ["alert.opened", "alert.closed"]
    assert "ended_at" in json.loads(receiver.received[1][1])["data"]


def test_two_who_are_at_it_tell_it_once(receiver: Receiver) -> None:
    alert_id = an_alert()
    receiver.slow.clear()
    threads = [threading.Thread(target=webhook, args=[str(alert_id)]) for _ in range(2)]
    for thread in threads:
        thread.start()
    while all(thread.is_alive() for thread in threads):
        threads[0].join(0.01)
    receiver.slow.set()
    for thread in threads:
        thread.join()
    assert len(receiver.received) == 1


@pytest.mark.parametrize("status", [500, 404, 302])
def test_what_is_not_taken_is_sent_again_as_it_was_after_a_while(receiver: Receiver, status: int) -> None:
    receiver.status = status
    alert_id = an_alert()
    webhook(str(alert_id))
    webhook(str(alert_id))
    assert len(receiver.received) == 1, "not before a while has passed; and a redirect is not followed"
    assert kept(alert_id).webhook_attempts == 1
    receiver.status = 200
    change(alert_id, webhook_next_at=now(), ended_at=now())
    webhook(str(alert_id))
    (first, before), (second, after) = receiver.received
    assert (first["webhook-id"], before) == (second["webhook-id"], after), "so that the receiver can tell"
    assert (kept(alert_id).webhook_attempts, kept(alert_id).closed_told_at) == (0, None)
    webhook(str(alert_id))
    assert kept(alert_id).closed_told_at


def test_a_receiver_that_is_not_there_is_given_up_at_last(receiver: Receiver) -> None:
    alert_id = an_alert()
    with use_environment({"PIZHU_WEBHOOK_URL": "http://127.0.0.1:1/"}):
        for _ in range(MAX_ATTEMPTS + 2):
            change(alert_id, webhook_next_at=None)
            webhook(str(alert_id))
    assert kept(alert_id).webhook_attempts == MAX_ATTEMPTS
    webhook(str(alert_id))
    assert receiver.received == []


class TestTheSweeper:
    def test_starts_a_task_for_each_alert_that_is_due(self, receiver: Receiver) -> None:
        told = an_alert(ended=timedelta(minutes=1))
        webhook(str(told))
        webhook(str(told))
        an_alert(ended=timedelta(days=3), age=timedelta(days=4))
        send_due()
        assert messages_waiting("notify") == 0, "told already, or no news any more"
        an_alert()
        send_due()
        assert messages_waiting("notify") == 1

    def test_does_nothing_where_there_is_no_webhook(self, receiver: Receiver) -> None:
        an_alert()
        with use_environment({"PIZHU_WEBHOOK_URL": ""}):
            send_due()
        assert messages_waiting("notify") == 0
