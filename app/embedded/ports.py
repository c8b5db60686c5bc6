"""Ports of the embedded servers: chosen once, then kept, so that whoever knew the address still does."""

from __future__ import annotations

import errno
import random
import socket
from collections.abc import Iterator
from pathlib import Path

RANGE = range(15_000, 32_000)
"""Below the ports that Linux gives to clients: while a server is down, one of its own clients must not get its port."""


def keep_port(file: Path) -> int:
    """The port written in the file if it is free, else any free one, which is written there."""
    for port in _candidates(file):
        if is_free("127.0.0.1", port):
            file.write_text(str(port))
            return port
    raise OSError("no free port on 127.0.0.1")


def is_free(host: str, port: int) -> bool:
    """Whether a server could listen there. Raises OSError when the host is no address of this machine."""
    family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    with socket.socket(family, kind, protocol) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(address)
        except OSError as error:
            if error.errno in (errno.EADDRINUSE, errno.EACCES):
                return False
            raise
    return True


def _candidates(file: Path) -> Iterator[int]:
    if file.exists():
        yield int(file.read_text())
    yield from random.sample(RANGE, 100)
