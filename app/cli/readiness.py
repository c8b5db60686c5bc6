"""Whether the installation is ready, as its own /readyz says."""

from __future__ import annotations

import json
from http.client import HTTPConnection, HTTPException

from settings import Settings


def awaited(config: Settings, timeout: float = 2.0) -> str | None:
    """What it still waits for; None when it is ready."""
    # Not urllib: a proxy in the environment is nobody to ask about this machine.
    connection = HTTPConnection(config.host, config.port, timeout=timeout)
    try:
        connection.request("GET", "/readyz")
        answer = connection.getresponse()
        body = answer.read()
    except (OSError, HTTPException):
        return "the web server"
    finally:
        connection.close()
    if answer.status == 200:
        return None
    try:
        return str(json.loads(body)["detail"])
    except (ValueError, KeyError, TypeError):
        return f"/readyz, which answers {answer.status}"
