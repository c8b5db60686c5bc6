from __future__ import annotations

import asyncio
import email
import email.policy
import socket
import threading
import uuid
from collections.abc import Iterator
from datetime import timedelta
from email.message import EmailMessage
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, LoginPassword
from sqlalchemy import update

from models import EssayState, Notice
from models.base import now
from models.session import session
from settings import settings
from tests.conftest import use_environment
from tests.factories import School, make_assignment, make_essay
from workers.notify import BODIES, MAX_ATTEMPTS, SUBJECTS, send_due
from workers.notify import email as send
from workers.queue import messages_waiting


class Sink:
    """A real mail server that keeps what it is given, or refuses it."""

    def __init__(self) -> None:
        self.messages: list[EmailMessage] = []
        self.refuse = False
        self.signed_in: list[bytes] = []
        self.slow = threading.Event()
        self.slow.set()

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:  # noqa: N802 -- aiosmtpd's name
        await asyncio.to_thread(self.slow.wait, 10)
        if self.refuse:
            return "451 try again later"
        self.messages.append(email.message_from_bytes(envelope.content, policy=email.policy.default))  # type: ignore[arg-type]
        return "250 OK"

    def authenticate(self, _server: Any, _session: Any, _envelope: Any, _mechanism: str, auth: Any) -> AuthResult:
        assert isinstance(auth, LoginPassword)
        self.signed_in.append(auth.login + b":" + auth.password)
        return AuthResult(success=auth.password == b"p@ss:word")


@pytest.fixture
def sink(servers: None) -> Iterator[Sink]:
    made = Sink()
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    controller = Controller(
        made, hostname="127.0.0.1", port=port, authenticator=made.authenticate, auth_require_tls=False
    )
    controller.start()
    environment = {
        "PIZHU_SMTP_URL": f"smtp://127.0.0.1:{port}",
        "PIZHU_MAIL_FROM": "批注 <pizhu@school.test>",
        "PIZHU_BASE_URL": "https://pizhu.school.test",
    }
    with use_environment(environment):
        yield made
    controller.stop()


@pytest.fixture
def notice(school: School) -> Notice:
    return a_notice(school)


def a_notice(school: School, language: str | None = None, kind: str = "graded", age: timedelta = timedelta()) -> Notice:
    assignment = make_assignment(school.school_class, title="“行而知之” & more")
    essay = make_essay(school.student, assignment, state=EssayState.submitted)
    made = Notice(user_id=school.student.id, essay_id=essay.id, kind=kind, details={"assignment": assignment.title})
    school.student.language = language
    with session() as db:
        db.merge(school.student)
        made.created_at = now() - age
        db.add(made)
        db.commit()
    return made


def kept(notice: Notice) -> Notice:
    with session() as db:
        return db.get_one(Notice, notice.id)


def grow_older(notice: Notice, by: timedelta) -> None:
    with session() as db:
        db.execute(update(Notice).where(Notice.id == notice.id).values(created_at=Notice.created_at - by))
        db.commit()


class TestTheMessage:
    def test_says_what_happened_and_where_to_read_it_but_never_a_mark(self, sink: Sink, notice: Notice) -> None:
        send(str(notice.id))
        [message] = sink.messages
        assert message["Subject"] == "Your essay has been graded"
        assert message["From"] == "批注 <pizhu@school.test>"
        assert message["Message-ID"] == f"<{notice.id}@pizhu.school.test>"
        text = message.get_content()
        assert "“行而知之” & more" in text
        assert f"https://pizhu.school.test/essays/{notice.essay_id}" in text
        assert message.get_content_type() == "text/plain"

    def test_is_in_the_language_of_its_reader(self, sink: Sink, school: School) -> None:
        notice = a_notice(school, language="zh")
        send(str(notice.id))
        [message] = sink.messages
        assert message["Subject"] == "你的作文已批改"
        assert "请点击查看" in message.get_content()
        assert message["To"] == school.student.email

    def test_every_kind_of_notice_has_words_in_every_language(self) -> None:
        of_essays = {"graded", "regraded", "appeal_answered", "needs_review", "failed", "appeal", "copy"}
        kinds = of_essays | {"drift", "spending", "saving", "saving_over", "budget", "budget_spent"}
        assert {language: set(subjects) for language, subjects in SUBJECTS.items()} == {"en": kinds, "zh": kinds}
        assert set(BODIES) == {"en", "zh"}


class TestSending:
    def test_happens_once(self, sink: Sink, notice: Notice) -> None:
        send(str(notice.id))
        send(str(notice.id))
        assert len(sink.messages) == 1
        assert kept(notice).emailed_at

    def test_happens_once_even_when_two_are_at_it(self, sink: Sink, notice: Notice) -> None:
        sink.slow.clear()
        first = threading.Thread(target=send, args=[str(notice.id)])
        first.start()
        second = threading.Thread(target=send, args=[str(notice.id)])
        second.start()
        # Whichever came second finds the notice taken, and is gone while the mail server still thinks.
        while first.is_alive() and second.is_alive():
            first.join(0.01)
        sink.slow.set()
        first.join()
        second.join()
        assert len(sink.messages) == 1

    def test_signs_in_where_the_url_says_so(self, sink: Sink, notice: Notice) -> None:
        host = settings().smtp_url.removeprefix("smtp://")
        with use_environment({"PIZHU_SMTP_URL": f"smtp://user%40school:p%40ss%3Aword@{host}"}):
            send(str(notice.id))
        assert sink.signed_in == [b"user@school:p@ss:word"]
        assert len(sink.messages) == 1

    def test_a_notice_that_is_gone_is_no_error(self, sink: Sink, database: None) -> None:
        send(str(uuid.uuid4()))
        assert sink.messages == []


class TestARefusal:
    def test_is_tried_again_later_and_not_lost(self, sink: Sink, notice: Notice) -> None:
        sink.refuse = True
        send(str(notice.id))
        assert (kept(notice).emailed_at, kept(notice).email_attempts) == (None, 1)
        sink.refuse = False
        send(str(notice.id))
        assert sink.messages == [], "not before a while has passed"
        grow_older(notice, timedelta(minutes=5))
        send(str(notice.id))
        assert len(sink.messages) == 1

    def test_comes_to_an_end(self, sink: Sink, notice: Notice) -> None:
        sink.refuse = True
        for _ in range(MAX_ATTEMPTS + 2):
            send(str(notice.id))
            grow_older(notice, timedelta(hours=4))
        assert kept(notice).email_attempts == MAX_ATTEMPTS
        sink.refuse = False
        send(str(notice.id))
        assert sink.messages == []

    def test_by_a_server_that_is_not_there_counts_as_one(self, sink: Sink, notice: Notice) -> None:
        with use_environment({"PIZHU_SMTP_URL": "smtp://127.0.0.1:1"}):
            send(str(notice.id))
        assert (kept(notice).emailed_at, kept(notice).email_attempts) == (None, 1)


class TestTheSweeper:
    def test_starts_a_task_for_each_notice_that_is_due(self, sink: Sink, school: School) -> None:
        a_notice(school)
        sent, old = a_notice(school), a_notice(school, age=timedelta(days=2))
        send(str(sent.id))
        send_due()
        assert messages_waiting("notify") == 1
        send(str(old.id))
        assert len(sink.messages) == 1, "what is old when e-mail is configured is no news"

    def test_does_nothing_where_there_is_no_mail_server(self, notice: Notice) -> None:
        send_due()
        assert messages_waiting("notify") == 0

    def test_waits_for_the_broker(self, sink: Sink, notice: Notice) -> None:
        with use_environment({"PIZHU_REDIS_URL": "redis://127.0.0.1:1/0"}):
            send_due()
        send_due()
        assert messages_waiting("notify") == 1
