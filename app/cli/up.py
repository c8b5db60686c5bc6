"""`pizhu up` and `pizhu down`."""

from __future__ import annotations

import signal
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import click
import psutil

from app.cli.db import upgrade_database
from app.cli.detached import log_file, start_detached
from app.cli.readiness import awaited
from app.cli.setup import run_steps
from app.cli.step import step
from app.demo import create_demo, passwords_file
from app.embedded.ports import is_free
from app.embedded.postgres import PostgresError
from app.embedded.servers import EmbeddedServers
from app.embedded.valkey import ValkeyError
from app.occupancy import Occupancy, Occupied
from app.procfile import parse_workers, processes, read_procfile
from app.supervisor import Supervisor
from models.session import forget_engine
from settings import ROOT, Settings, settings

STOP_TIMEOUT = 60
"""Seconds that `pizhu down` waits."""


@click.command()
@click.option("--detach", is_flag=True, help="Return when everything is ready, and go on in the background.")
@click.option(
    "--workers",
    metavar="NAME=N,…",
    default="",
    help="Processes for a line of the Procfile, as local=2,triage=1; one each when not given.",
)
def up(detach: bool, workers: str) -> None:
    """Start everything in the Procfile, with Postgres and Valkey.

    Ctrl-C stops all of it. State lies in PIZHU_HOME (var/), the web listens on PIZHU_PORT (8000). PIZHU_DATABASE_URL
    and PIZHU_REDIS_URL name servers of your own.
    """
    config = settings()
    lines = read_procfile()
    try:
        counts = parse_workers(workers, lines, config)
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--workers") from error
    occupancy = Occupancy(config.home)
    try:
        with occupancy.hold(), _interrupted_by_sigterm():
            _make_room(config, occupancy)
            if not detach:
                _run(config, lines, counts, occupancy)
        if detach:
            start_detached(config, workers)
    except (Occupied, PostgresError, ValkeyError, OSError) as error:
        raise click.ClickException(str(error)) from error
    click.echo(banner(config, "`pizhu down` stops it.") if detach else "Stopped.")


@click.command()
def down() -> None:
    """Stop what runs in PIZHU_HOME, and wait until it has ended."""
    home = settings().home
    occupancy = Occupancy(home)
    pid = occupancy.holder()
    if pid is None:
        left = occupancy.end_left_overs()
        EmbeddedServers(home).stop()
        click.echo(f"Nothing runs in {home}." + (f" Ended {left} processes that were left over." if left else ""))
        return
    try:
        process = psutil.Process(pid)
        process.terminate()
        process.wait(STOP_TIMEOUT)
    except psutil.NoSuchProcess:
        pass
    except psutil.TimeoutExpired:
        raise click.ClickException(f"Process {pid} has not ended in {STOP_TIMEOUT} s; see {log_file(home)}.") from None
    click.echo("Stopped.")


def banner(config: Settings, how_to_stop: str) -> str:
    """What a newcomer wants to know next."""
    accounts = passwords_file().read_text(encoding="utf-8") if passwords_file().exists() else ""
    return f"\nPizhu is ready on {config.public_url}\n\n{accounts}\n{how_to_stop}\n"


def _run(config: Settings, lines: Mapping[str, str], counts: Mapping[str, int], occupancy: Occupancy) -> None:
    """Prepare what is missing, then supervise until somebody says stop."""
    run_steps()
    servers = EmbeddedServers(config.home)
    try:
        with step(f"Starting {' and '.join(servers.names) or 'with servers of your own'}"):
            servers.start(config.secret_key.get_secret_value())
        settings.cache_clear()
        with step("Migrating the database"):
            upgrade_database()
            create_demo()
            forget_engine()
        _supervise(config, lines, counts, servers, occupancy)
    finally:
        servers.stop()


def _supervise(
    config: Settings,
    lines: Mapping[str, str],
    counts: Mapping[str, int],
    servers: EmbeddedServers,
    occupancy: Occupancy,
) -> None:
    told = False

    def watch() -> None:
        nonlocal told
        servers.restart_dead(supervisor.say)
        if not told and awaited(config) is None:
            click.echo(banner(config, "Ctrl-C stops it."))
            told = True

    supervisor = Supervisor(occupancy.record, watch)
    for process in processes(lines, counts, config):
        # exec: the shell becomes the program, so that the group's leader is the worker itself.
        supervisor.add_process(process.name, f"exec {process.cmd}", env=process.env, cwd=str(ROOT))
    supervisor.loop()


@contextmanager
def _interrupted_by_sigterm() -> Iterator[None]:
    """Make SIGTERM end the preparations as Ctrl-C does, so that what was started is stopped."""

    def interrupt(_number: int, _frame: Any) -> None:
        raise KeyboardInterrupt

    former = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, former)


def _make_room(config: Settings, occupancy: Occupancy) -> None:
    """End what a former run has left behind, and see that the port is free."""
    if left := occupancy.end_left_overs():
        click.echo(f"Ended {left} processes that a former run had left behind.")
    try:
        free = is_free(config.host, config.port)
    except OSError as error:
        raise click.ClickException(f"PIZHU_HOST={config.host} cannot be listened on: {error.strerror}.") from error
    if not free:
        raise click.ClickException(
            f"Port {config.port} is taken, or not for an ordinary user. Set PIZHU_PORT to another."
        )
