"""How Pizhu logs: one readable line an event, naming the essay that it is about."""

from __future__ import annotations

import logging
import sys
import warnings

import structlog
from celery.platforms import SecurityWarning
from structlog.types import Processor

OURS = ("app", "workers", "grading", "models")

# Celery warns of root because of pickle; ours are messages of JSON, and a container has no other user.
warnings.filterwarnings("ignore", category=SecurityWarning)

_ADDED: list[Processor] = [
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_log_level,
    structlog.stdlib.add_logger_name,
    structlog.stdlib.ExtraAdder(allow=["essay"]),  # other libraries put into every record what is their own business
    structlog.processors.TimeStamper(fmt="%Y-%m-%dT%H:%M:%SZ", utc=True),
]


def configure(level: int = logging.WARNING) -> None:
    """Log to standard error: other libraries from `level` on, Pizhu's own parts from INFO on at the latest."""
    formatter = structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=_ADDED,
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            structlog.dev.ConsoleRenderer(
                colors=sys.stderr.isatty(),
                pad_event_to=0,
                pad_level=False,
                exception_formatter=structlog.dev.plain_traceback,
            ),
        ],
    )
    handler = logging.StreamHandler()
    handler.setFormatter(formatter)
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    for name in OURS:
        logging.getLogger(name).setLevel(min(level, logging.INFO))


about = structlog.contextvars.bound_contextvars
"""`with about(essay=id):` — every line that this thread logs inside, whoever writes it, names the essay."""
