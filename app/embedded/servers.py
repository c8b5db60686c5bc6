"""The embedded servers of an installation: started where nobody gave an address, announced, watched, stopped."""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable, Mapping
from pathlib import Path

import psutil

from app.embedded.postgres import EmbeddedPostgres, PostgresError
from app.embedded.valkey import EmbeddedValkey, ValkeyError


class EmbeddedServers:
    """Postgres unless the environment names another with PIZHU_DATABASE_URL, Valkey unless with PIZHU_REDIS_URL."""

    def __init__(self, home: Path, environment: Mapping[str, str] = os.environ) -> None:
        self._home = home
        self._environment = environment
        self._servers: dict[str, EmbeddedPostgres | EmbeddedValkey] = {}
        if not environment.get("PIZHU_DATABASE_URL"):
            self._servers["PIZHU_DATABASE_URL"] = EmbeddedPostgres(home)
        if not environment.get("PIZHU_REDIS_URL"):
            self._servers["PIZHU_REDIS_URL"] = EmbeddedValkey(home)

    @property
    def names(self) -> list[str]:
        return [server.name for server in self._servers.values()]

    def start(self, secret_key: str) -> None:
        """Start them and write `<home>/servers.env`, where every process of this home finds them.

        The secret key goes there too, a new one where it is empty, unless the environment has it.
        """
        values = {name: server.start() for name, server in self._servers.items()}
        if not self._environment.get("PIZHU_SECRET_KEY"):
            values["PIZHU_SECRET_KEY"] = secret_key or secrets.token_urlsafe(32)
        aside = self._home / "servers.env.new"
        aside.unlink(missing_ok=True)
        aside.touch(mode=0o600)
        aside.write_text("".join(f"{name}={value}\n" for name, value in values.items()))
        aside.replace(self._home / "servers.env")

    def restart_dead(self, say: Callable[[str], None]) -> None:
        """Start again what has died, on its old port."""
        for server in self._servers.values():
            if _lives(server.pid):
                continue
            try:
                server.start()
                say(f"{server.name} had died and is back")
            except (PostgresError, ValkeyError, OSError) as error:
                say(f"{server.name} has died and does not come back yet: {error}")

    def stop(self) -> None:
        """Stop what runs."""
        for server in self._servers.values():
            server.stop()


def _lives(pid: int | None) -> bool:
    try:
        return pid is not None and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
