"""E-mail, where it is configured: one short message a notice, and never a mark in it."""

from __future__ import annotations

import logging
import smtplib
import ssl
import uuid
from datetime import timedelta
from email.message import EmailMessage
from urllib.parse import unquote, urlsplit

from kombu.exceptions import OperationalError
from redis.exceptions import RedisError
from sqlalchemy import ColumnElement, and_, func, or_, select
from sqlalchemy.orm import joinedload

from models import Notice, Role
from models.base import now
from models.session import session
from settings import settings
from workers.queue import celery_app

log = logging.getLogger(__name__)

MAX_ATTEMPTS = 5
TIMEOUT = 20
"""Seconds for each step of the conversation with the mail server."""
FIRST_PAUSE = timedelta(minutes=1)
NEWS = timedelta(days=1)

SUBJECTS = {
    "en": {
        "graded": "Your essay has been graded",
        "regraded": "Your essay has a new grade",
        "appeal_answered": "Your appeal has been answered",
        "needs_review": "An essay waits for a teacher",
        "failed": "An essay could not be graded",
        "appeal": "A student appeals against a grade",
        "copy": "An essay shares words with another student's",
        "drift": "The model marks differently",
        "budget": "A budget is nearly spent",
        "budget_spent": "A budget is spent; nothing is asked that costs something",
        "spending": "Models cost far more than usual; saving mode is on",
        "saving": "Saving mode is on: no model is asked that is paid by the token",
        "saving_over": "Saving mode is over",
    },
    "zh": {
        "graded": "你的作文已批改",
        "regraded": "你的作文有了新的评分",
        "appeal_answered": "你的申诉已得到答复",
        "needs_review": "有一篇作文等待老师复核",
        "failed": "有一篇作文未能批改",
        "appeal": "有学生对评分提出申诉",
        "copy": "有一篇作文与其他学生的作文文字重合",
        "drift": "模型的评分尺度变了",
        "budget": "一项预算即将用完",
        "budget_spent": "一项预算已用完，暂不再调用付费模型",
        "spending": "模型费用远超平常，已进入节省模式",
        "saving": "已进入节省模式：暂不使用按量付费的模型",
        "saving_over": "节省模式已结束",
    },
}
BODIES = {
    "en": "{subject}{about}.\n\nRead it here: {link}\n\nPizhu",
    "zh": "{subject}{about}。\n\n请点击查看：{link}\n\n批注 Pizhu",
}
ABOUT = {"en": ": “{assignment}”", "zh": "：《{assignment}》"}
"""What follows the subject where a notice is of one assignment; saving mode is about all."""


def due() -> ColumnElement[bool]:
    """Notices that are to be sent now.

    After each refusal the wait grows: tries are made at once and 4, 16, 64 and 256 minutes after the notice. One that
    is older than a day when e-mail is first configured is no news any more.
    """
    pause = FIRST_PAUSE * func.power(4, Notice.email_attempts)
    return and_(
        Notice.emailed_at.is_(None),
        Notice.email_attempts < MAX_ATTEMPTS,
        Notice.created_at > now() - NEWS,
        or_(Notice.email_attempts == 0, Notice.created_at + pause < now()),
    )


def send_due() -> None:
    """Start a task for each notice that is to be sent by e-mail."""
    if not settings().smtp_url:
        return
    with session() as db:
        notices = db.scalars(select(Notice.id).where(due()).order_by(Notice.created_at).limit(200)).all()
    try:
        for notice_id in notices:
            email.apply_async(args=[str(notice_id)], expires=settings().sweep_interval)
    except (OperationalError, RedisError) as error:
        log.warning("e-mails wait for the broker: %s", error)


@celery_app.task(name="notify.email")
def email(notice_id: str) -> None:
    """Send one notice. It counts as sent once the mail server has taken it; a refusal is tried again by the sweeper."""
    with session() as db:
        notice = db.scalars(
            select(Notice)
            .where(Notice.id == uuid.UUID(notice_id), due())
            .options(joinedload(Notice.user))
            .with_for_update(skip_locked=True, of=Notice)
        ).one_or_none()
        if notice is None:
            return
        # Held until the mail server has answered, so that a second task for the same notice finds nothing to do.
        notice.email_attempts += 1
        try:
            deliver(compose(notice))
            notice.emailed_at = now()
        except (OSError, smtplib.SMTPException, ValueError) as error:
            log.warning("e-mail to %s not sent: %s", notice.user.email, error)
        db.commit()


def compose(notice: Notice) -> EmailMessage:
    """The message, in the language of whoever gets it."""
    language = notice.user.language or settings().language
    subject = SUBJECTS[language][notice.kind]
    message = EmailMessage()
    message["From"] = settings().mail_from
    message["To"] = notice.user.email
    message["Subject"] = subject
    message["Message-ID"] = f"<{notice.id}@{urlsplit(settings().public_url).hostname}>"
    link = f"{settings().public_url}/{_place(notice)}"
    about = ABOUT[language].format(**notice.details) if "assignment" in notice.details else ""
    message.set_content(BODIES[language].format(subject=subject, about=about, link=link))
    return message


def _place(notice: Notice) -> str:
    """Where whoever gets it reads more."""
    if notice.essay_id is not None:
        return f"essays/{notice.essay_id}"
    if notice.user.role is Role.ops:
        return "queues"
    return f"assignments/{notice.details['assignment_id']}" if "assignment_id" in notice.details else ""


def deliver(message: EmailMessage) -> None:
    """Hand the message to the mail server of `smtp_url`, encrypted whenever the server can.

    Raises OSError or `smtplib.SMTPException`.
    """
    url = urlsplit(settings().smtp_url)
    host = url.hostname or "localhost"
    trusted = ssl.create_default_context()
    server: smtplib.SMTP
    if url.scheme == "smtps":
        server = smtplib.SMTP_SSL(host, url.port or 465, timeout=TIMEOUT, context=trusted)
    else:
        server = smtplib.SMTP(host, url.port or 25, timeout=TIMEOUT)
    with server:
        server.ehlo_or_helo_if_needed()
        if url.scheme != "smtps" and server.has_extn("starttls"):
            server.starttls(context=trusted)
        if url.username:
            server.login(unquote(url.username), unquote(url.password or ""))
        server.send_message(message)
