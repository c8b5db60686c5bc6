"""Twice a minute: does money run away? If so, an alert and saving mode; and the way back."""

from __future__ import annotations

import logging
from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from grading import notices, progress, saving
from grading.costs import anomaly, spending
from grading.costs.anomaly import WINDOWS, Spending, Verdict
from models.base import now
from models.session import session
from settings import settings
from workers.queue import celery_app

log = logging.getLogger(__name__)

HISTORY = timedelta(days=28)
_hours: dict[datetime, Spending] = {}
"""Hours that are over, which this process has read: their spending changes no more that would matter."""


@celery_app.task(name="upkeep.watch_spending")
def watch() -> None:
    """Judge the last minutes, and do what follows."""
    with session() as db:
        alert = saving.follow(db, judge(db, now()))
        db.commit()
        progress.notify(notices.left(db))
    if alert is not None:
        log.warning("spending: %s (%s)", alert.reason, "over" if alert.ended_at else "saving mode begins")


def judge(db: Session, at: datetime) -> Verdict:
    """The verdict on the minutes before that moment."""
    return anomaly.assess(anomaly.usual(history(db, at)), spending.lately(db, at), float(settings().anomaly_floor_usd))


def history(db: Session, at: datetime) -> list[Spending]:
    """The hours that are usual, oldest first: not the tested one, and none in which money ran away or was saved."""
    tested = timedelta(minutes=max(WINDOWS))
    until = spending.full_hour(at - tested)
    begin = spending.full_hour(at - HISTORY)
    for old in [hour for hour in _hours if not begin <= hour < until]:
        del _hours[old]
    missing = max(_hours) + spending.HOUR if _hours else begin
    if missing < until:
        _hours.update(spending.by_hour(db, missing, until))
    unusual = saving.unusual_times(db, begin)
    return [
        spent
        for hour, spent in sorted(_hours.items())
        if not any(began - tested < hour + spending.HOUR and ended > hour for began, ended in unusual)
    ]
