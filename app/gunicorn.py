"""How gunicorn serves the web: one gevent process a port, for two thousand sockets need no thread of their own."""

from __future__ import annotations

from typing import Any

from settings import settings

bind = f"{settings().host}:{settings().port}"
worker_class = "gevent"
# Socket.IO needs each client to come back to the same process; more processes are more ports behind a proxy.
workers = 1
worker_connections = 4000
graceful_timeout = 3
timeout = 60
keepalive = 30
loglevel = "warning"


def post_worker_init(worker: Any) -> None:
    """Let other requests run while one waits for Postgres; gunicorn has patched everything else by now. And load what
    the first question would wait for, and everybody with it."""
    from psycogreen.gevent import patch_psycopg

    patch_psycopg()

    from grading.cache.semantic import warm

    warm()
