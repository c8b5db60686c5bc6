"""`pizhu db`, and how the command line speaks of a database that is not there."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import click
from alembic import command
from alembic.config import Config
from sqlalchemy.exc import OperationalError, ProgrammingError
from sqlalchemy.orm import Session

from models.session import NoDatabase, session
from settings import ROOT


@contextmanager
def reported_errors() -> Iterator[None]:
    """Turn what a missing database raises into a message that says what to do."""
    try:
        yield
    except NoDatabase as error:
        raise click.ClickException(str(error)) from error
    except OperationalError as error:
        raise click.ClickException(f"The database cannot be reached; is Pizhu up? {error.orig}") from error
    except ProgrammingError as error:
        raise click.ClickException(
            f"The tables are not as expected; `pizhu db upgrade` mends it. {error.orig}"
        ) from error


@contextmanager
def opened() -> Iterator[Session]:
    """A session for a command; whoever wants to keep something commits."""
    with reported_errors(), session() as db:
        yield db


def upgrade_database() -> None:
    """Bring the tables to the newest version; nothing happens when they are."""
    with reported_errors():
        command.upgrade(Config(ROOT / "alembic.ini"), "head")


@click.group()
def db() -> None:
    """Migrate the database."""


@db.command()
def upgrade() -> None:
    """Bring the tables to the newest version."""
    upgrade_database()
    click.echo("The database is up to date.")
