"""E-mail, where it is configured: one short message a notice, and never a mark in it."""

from __future__ import annotations

import logging
import smtplib
import uuid
from datetime import timedelta
from email.message import EmailMessage
from urllib.parse import unquote, urlsplit

from kombu.exceptions import OperationalError
from sqlalchemy import or_, select, update
from sqlalchemy.orm import joinedload

from models import Notice
from models.base import now
from models.session import session
from settings import settings
from workers.queue import celery_app

log = logging.getLogger(__name__)

MAX_ATTEMPTS = 5
TIMEOUT = 20
"""Seconds for each step of the conversation with the mail server."""
RETRY_AFTER = timedelta(minutes=1)

SUBJECTS = {
    "en": {
        "graded": "Your essay has been graded",
        "regraded": "Your essay has a new grade",
        "needs_review": "An essay waits for a teacher",
        "failed": "An essay could not be graded",
    },
    "zh": {
        "graded": "你的作文已批改",
        "regraded": "你的作文有了新的评分",
        "needs_review": "有一篇作文等待老师复核",
        "failed": "有一篇作文未能批改",
    },
}
BODIES = {
    "en": "{subject}: “{assignment}”.\n\nRead it here: {link}\n\nPizhu",
    "zh": "{subject}：《{assignment}》。\n\n请点击查看：{link}\n\n批注 Pizhu",
}


def send_waiting() -> None:
    """Start a task for each notice that has not been sent by e-mail yet."""
    if not settings().smtp_url:
        return
    with session() as db:
        notices = db.scalars(
            select(Notice.id)
            .where(Notice.emailed_at.is_(None), Notice.email_attempts < MAX_ATTEMPTS)
            .order_by(Notice.created_at)
            .limit(200)
        ).all()
    try:
        for notice_id in notices:
            email.apply_async(args=[str(notice_id)], expires=settings().sweep_interval)
    except OperationalError as error:
        log.warning("e-mails wait for the broker: %s", error)


@celery_app.task(name="notify.email")
def email(notice_id: str) -> None:
    """Send one notice. It counts as sent once the mail server has taken it; a refusal is tried again by the sweeper."""
    with session() as db:
        notice = db.scalars(
            select(Notice)
            .where(
                Notice.id == uuid.UUID(notice_id),
                Notice.emailed_at.is_(None),
                Notice.email_attempts < MAX_ATTEMPTS,
                or_(Notice.email_attempts == 0, Notice.created_at < now() - RETRY_AFTER),
            )
            .options(joinedload(Notice.user))
            .with_for_update(skip_locked=True, of=Notice)
        ).one_or_none()
        if notice is None:
            return
        # Held until the mail server has answered, so that a second task for the same notice finds nothing to do.
        try:
            deliver(compose(notice))
            sent_at = now()
        except (OSError, smtplib.SMTPException) as error:
            log.warning("e-mail to %s not sent: %s", notice.user.email, error)
            sent_at = None
        db.execute(
            update(Notice)
            .where(Notice.id == notice.id)
            .values(emailed_at=sent_at, email_attempts=Notice.email_attempts + 1)
        )
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
    link = f"{settings().public_url}/essays/{notice.essay_id}"
    message.set_content(BODIES[language].format(subject=subject, assignment=notice.details["assignment"], link=link))
    return message


def deliver(message: EmailMessage) -> None:
    """Hand the message to the mail server of `smtp_url`. Raises OSError or `smtplib.SMTPException`."""
    url = urlsplit(settings().smtp_url)
    secure = url.scheme == "smtps"
    connect = smtplib.SMTP_SSL if secure else smtplib.SMTP
    with connect(url.hostname or "localhost", url.port or (465 if secure else 25), timeout=TIMEOUT) as server:
        if not secure and server.has_extn("starttls"):
            server.starttls()
        if url.username:
            server.login(unquote(url.username), unquote(url.password or ""))
        server.send_message(message)
