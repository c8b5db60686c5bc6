"""The claims that this process holds: renewed by one thread, let go when they no longer stand."""

from __future__ import annotations

import logging
import threading
import time
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from sqlalchemy.orm import Session

from grading import lifecycle, regrades
from grading.ask import questions
from grading.ask.questions import QuestionClaim
from grading.lifecycle import Claim
from grading.regrades import RegradeClaim
from models.session import session
from settings import settings

log = logging.getLogger(__name__)

AnyClaim = Claim | QuestionClaim | RegradeClaim

REMEMBERED = 10.0
"""Seconds for which an essay or a question stays dropped: its claim may be made already and not be held yet."""


class Hold:
    """A claim that is held; `is_set` tells an engine to stop."""

    def __init__(self, claim: AnyClaim, leases: Leases) -> None:
        self.claim = claim
        self.dropped = False
        self._leases = leases

    def is_set(self) -> bool:
        return self.dropped or self._leases.stopping


class Leases:
    """All claims of this process."""

    def __init__(self) -> None:
        self._held: list[Hold] = []
        self._dropped: dict[uuid.UUID, float] = {}
        """When an essay or a question was dropped, by the monotonic clock."""
        self._lock = threading.Lock()
        self._renewer: threading.Thread | None = None
        self.stopping = False
        """Set when the worker shuts down: everything held is to be given back, and whatever is claimed from then on.

        A plain attribute, because a signal handler sets it and must not wait for a lock.
        """

    @contextmanager
    def hold(self, claim: AnyClaim) -> Iterator[Hold]:
        """Keep the claim's lease alive inside the block."""
        held = Hold(claim, self)
        with self._lock:
            held.dropped = claim.subject_id in self._lately_dropped()
            self._held.append(held)
            if self._renewer is None:
                self._renewer = threading.Thread(target=self._renew_for_ever, name="leases", daemon=True)
                self._renewer.start()
        try:
            yield held
        finally:
            with self._lock:
                self._held.remove(held)

    def drop(self, subject_id: uuid.UUID) -> None:
        """Stop grading this essay, or answering this question, if this process does."""
        with self._lock:
            self._dropped = self._lately_dropped() | {subject_id: time.monotonic()}
            for held in self._held:
                if held.claim.subject_id == subject_id:
                    held.dropped = True

    def renew(self) -> None:
        """Renew all leases at once; what is no longer ours is dropped."""
        with self._lock:
            held = list(self._held)
        if not held:
            return
        with session() as db:
            standing = renewed(db, [each.claim for each in held], settings().lease)
            db.commit()
        for each in held:
            if each.claim not in standing:
                each.dropped = True
                log.info("no longer ours, let go: %s", each.claim.subject_id)

    def _lately_dropped(self) -> dict[uuid.UUID, float]:
        since = time.monotonic() - REMEMBERED
        return {subject_id: at for subject_id, at in self._dropped.items() if at > since}

    def _renew_for_ever(self) -> None:
        while True:
            time.sleep(settings().lease / 3)
            try:
                self.renew()
            except Exception as error:  # Postgres is away; and were it anything else, the thread must live on
                log.warning("leases not renewed, trying again: %s", error)


def renewed(db: Session, claims: Sequence[AnyClaim], lease: float) -> set[AnyClaim]:
    """Extend the leases of claims of all kinds; returns those that still stand."""
    standing: set[AnyClaim] = set()
    if essays := [claim for claim in claims if isinstance(claim, Claim)]:
        standing |= lifecycle.renew(db, essays, lease)
    if asked := [claim for claim in claims if isinstance(claim, QuestionClaim)]:
        standing |= questions.renew(db, asked, lease)
    if again := [claim for claim in claims if isinstance(claim, RegradeClaim)]:
        standing |= regrades.renew(db, again, lease)
    return standing


leases = Leases()
