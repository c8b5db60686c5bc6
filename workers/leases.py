"""The claims this process holds: renewed by one thread, let go when they no longer stand."""

from __future__ import annotations

import logging
import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.exc import SQLAlchemyError

from grading import lifecycle
from grading.lifecycle import Claim
from models.session import session
from settings import settings

log = logging.getLogger(__name__)


class Leases:
    """Claims in this process, each with the event that tells its grader to stop."""

    def __init__(self) -> None:
        self._held: dict[uuid.UUID, tuple[Claim, threading.Event]] = {}
        self._lock = threading.Lock()
        self._renewer: threading.Thread | None = None
        self.stopping = threading.Event()
        """Set when the worker shuts down: whatever is claimed from now on is given back at once."""

    @contextmanager
    def hold(self, claim: Claim) -> Iterator[threading.Event]:
        """Keep the claim's lease alive inside the block; the event is set when the essay is to be let go."""
        stop = threading.Event()
        with self._lock:
            self._held[claim.essay_id] = (claim, stop)
            if self._renewer is None:
                self._renewer = threading.Thread(target=self._renew_for_ever, name="leases", daemon=True)
                self._renewer.start()
        if self.stopping.is_set():
            stop.set()
        try:
            yield stop
        finally:
            with self._lock:
                self._held.pop(claim.essay_id, None)

    def let_go(self, essay_id: uuid.UUID) -> None:
        """Stop grading this essay, if this process does."""
        with self._lock:
            held = self._held.get(essay_id)
        if held:
            held[1].set()

    def let_all_go(self) -> None:
        """Stop grading everything, for good."""
        self.stopping.set()
        with self._lock:
            held = list(self._held.values())
        for _, stop in held:
            stop.set()

    def __len__(self) -> int:
        return len(self._held)

    def _renew_for_ever(self) -> None:
        pause = threading.Event()
        while not pause.wait(settings().lease / 3):
            try:
                self.renew()
            except SQLAlchemyError as error:
                log.warning("leases not renewed, trying again: %s", error)

    def renew(self) -> None:
        """Renew all leases; what is no longer ours is let go."""
        with self._lock:
            claims = [claim for claim, _ in self._held.values()]
        if not claims:
            return
        with session() as db:
            standing = lifecycle.renew(db, claims, settings().lease)
            db.commit()
        for claim in claims:
            if claim.essay_id not in standing:
                log.info("essay %s is no longer ours", claim.essay_id)
                self.let_go(claim.essay_id)


leases = Leases()
