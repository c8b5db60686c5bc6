"""Ports of the embedded servers: chosen once, then kept, so that whoever knew the address still does."""

from __future__ import annotations

import socket
from pathlib import Path


def keep_port(file: Path) -> int:
    """The port written in the file if it is free, else any free one, which is written there."""
    last = int(file.read_text()) if file.exists() else 0
    for port in (last, 0):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            chosen: int = probe.getsockname()[1]
            file.write_text(str(chosen))
            return chosen
    raise OSError("no free port on 127.0.0.1")
