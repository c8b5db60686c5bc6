"""How the command line shows a step that takes time."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

import click


@contextmanager
def step(what: str) -> Iterator[None]:
    """A line that says what is being done, then how long it took, or that it failed."""
    click.echo(f"{what} … ", nl=False)
    began = time.monotonic()
    try:
        yield
    except BaseException:
        click.echo("failed")
        raise
    click.echo(f"{time.monotonic() - began:.1f} s")
