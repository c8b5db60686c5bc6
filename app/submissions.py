"""What students and teachers do to essays, whether by API or by page.

Each function checks what it was given, has the row changed, commits, and only then tells others. It raises `Problem`
for what it refuses; who may call it at all is the routes' to say (`app.auth`).
"""

from __future__ import annotations

import re

from app import doorbell
from app.bodies import NewAppeal, validated
from app.extensions import db
from app.problems import Problem, wrong
from grading import lifecycle, notices, progress
from grading.lifecycle import NotAllowed
from grading.text import TextError
from models import Appeal, Assignment, Essay, EssayState, User

KEY = re.compile(r"[\x21-\x7e]{1,255}")
"""What an Idempotency-Key may be."""


def submit_essay(student: User, assignment: Assignment, text: str, key: str | None) -> tuple[Essay, bool]:
    """Hand in an essay; returns it and whether it is new. The same key again returns the essay it made before.

    An essay after the deadline is taken too, and shown as late.
    """
    if key is not None and not KEY.fullmatch(key):
        raise wrong("Idempotency-Key", "Must be 1 to 255 visible ASCII characters.")
    try:
        essay, created = lifecycle.submit(db(), student=student, assignment=assignment, text=text, key=key)
    except TextError as error:
        raise wrong("text", error.message) from None
    except NotAllowed as error:
        raise wrong("Idempotency-Key", str(error)) from None
    db().commit()
    if created:
        doorbell.ring(essay.id)
    return essay, created


def cancel_essay(essay: Essay, user: User) -> None:
    """Withdraw an essay that no grade was found for yet; whoever is grading it stops. Doing it twice is no error."""
    if lifecycle.cancel(db(), essay.id, user):
        db().commit()
        progress.cancel(essay.id)
        _announce(essay, EssayState.cancelled)
        return
    db().refresh(essay)
    if essay.state is not EssayState.cancelled:
        raise Problem(409, "Too late", f"The essay is {essay.state.value} and cannot be withdrawn any more.")


def retry_essay(essay: Essay, teacher: User) -> None:
    """Have an essay graded anew that failed or waits for a teacher."""
    if not lifecycle.retry(db(), essay.id, teacher):
        db().refresh(essay)
        raise Problem(
            409,
            "Nothing to try again",
            f"The essay is {essay.state.value}; only one that failed or needs review is graded again.",
        )
    db().commit()
    _announce(essay, EssayState.submitted)
    doorbell.ring(essay.id)


def appeal_grade(essay: Essay, student: User, data: object) -> Appeal:
    """Ask the teachers to look at the current grade again (`NewAppeal`); their next grade is the answer."""
    wanted = validated(NewAppeal, data)
    try:
        appeal = lifecycle.appeal(db(), essay.id, student, wanted.reason)
    except NotAllowed as error:
        raise Problem(409, "No appeal", str(error)) from None
    db().commit()
    progress.notify(notices.left(db()))
    return appeal


def _announce(essay: Essay, state: EssayState) -> None:
    progress.announce(essay.id, essay.student_id, "state", {"status": state.value})
