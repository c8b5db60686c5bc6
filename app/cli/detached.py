"""`pizhu up --detach`: the same in the background, watched until it is ready."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import click

from app.cli.readiness import awaited
from settings import ROOT, Settings

READY_TIMEOUT = 900
"""Seconds; a large model takes minutes to load."""


def log_file(home: Path) -> Path:
    """Where a detached `pizhu up` writes."""
    return home / "log" / "pizhu.log"


def start_detached(config: Settings, workers: str) -> None:
    """Start `pizhu up` in a session of its own; returns when it is ready, and says until then what it waits for."""
    log = log_file(config.home)
    log.parent.mkdir(parents=True, exist_ok=True)
    log.touch(mode=0o600)  # the passwords of the demo accounts will stand in it
    click.echo(f"Starting; the log is {log}")
    with log.open("ab") as output:
        child = subprocess.Popen(
            [str(Path(sys.executable).with_name("pizhu")), "up", "--workers", workers],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
            cwd=ROOT,
            env={**os.environ, "PIZHU_HOME": str(config.home), "PYTHONUNBUFFERED": "1"},
        )
    end, told = time.monotonic() + READY_TIMEOUT, ""
    while (missing := awaited(config)) is not None:
        if child.poll() is not None:
            raise click.ClickException(f"It ended with status {child.returncode}. The end of {log}:\n{_end_of(log)}")
        if time.monotonic() > end:
            raise click.ClickException(
                f"Not ready after {READY_TIMEOUT} s: it waits for {missing}. It still runs; look into {log}, "
                "or stop it with `pizhu down`."
            )
        if missing != told:
            click.echo(f"  waiting for {missing}")
            told = missing
        time.sleep(0.3)


def _end_of(log: Path, lines: int = 20) -> str:
    return "\n".join(log.read_text(errors="replace").splitlines()[-lines:])
