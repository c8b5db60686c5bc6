"""Waiting for Postgres to come back."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import TypeVar

from sqlalchemy.exc import SQLAlchemyError

from models.session import is_away
from settings import settings
from workers.leases import leases

log = logging.getLogger(__name__)

Result = TypeVar("Result")

LEASES = 10
"""How many leases patience lasts, so that every claim is long over when it ends."""
LONGEST_PAUSE = 2.0
"""Seconds between two tries, at most."""


def patiently(work: Callable[[], Result]) -> Result:
    """Do work on the database, again while it cannot be reached, until every lease would be long over.

    `work` opens a session of its own. A commit whose answer was lost may have taken effect, so work that is done again
    must recognise its own traces. Raises whatever trying again would not mend, and anything when the worker stops.
    """
    give_up_at = time.monotonic() + LEASES * settings().lease
    pause = 0.1
    while True:
        try:
            return work()
        except SQLAlchemyError as error:
            if not is_away(error) or leases.stopping or time.monotonic() > give_up_at:
                raise
            log.warning("Postgres cannot be reached, trying again: %s", str(error).partition("\n")[0])
        time.sleep(pause)
        pause = min(2 * pause, LONGEST_PAUSE)
