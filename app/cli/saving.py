"""`pizhu saving`: ask no model that is paid by the token, by hand."""

from __future__ import annotations

import click
from sqlalchemy import select

from app.cli.actor import actor
from app.cli.db import opened
from app.saving import state
from grading import notices, progress
from grading import saving as mode
from models import Alert, Class


@click.group()
def saving() -> None:
    """Throw the switch that closes models which are paid by the token."""


@saving.command()
@click.option("--reason", required=True, help="Kept, and shown to ops.")
def on(reason: str) -> None:
    """Begin saving mode; it lasts until `pizhu saving off`."""
    with opened() as db:
        began = mode.turn_on(db, actor(), reason)
        db.commit()
        progress.notify(notices.left(db))
    click.echo("Saving mode is on." if began else "It was on already.")


@saving.command()
def off() -> None:
    """End saving mode, whoever began it."""
    with opened() as db:
        ended = mode.turn_off(db, actor())
        db.commit()
        progress.notify(notices.left(db))
    click.echo("Saving mode is over." if ended else "It was off already.")


@saving.command()
def status() -> None:
    """Say whether it is on, and what the last alerts were."""
    with opened() as db:
        now = state(db)
        click.echo(f"on since {now['since']} by {now['by']}: {now['reason'] or '–'}" if now["on"] else "off")
        for alert in db.scalars(select(Alert).order_by(Alert.created_at.desc()).limit(5)):
            ended = f"over {alert.ended_at:%Y-%m-%d %H:%M}" if alert.ended_at else "open"
            click.echo(f"{alert.created_at:%Y-%m-%d %H:%M} {alert.kind} by {alert.actor}, {ended}: {alert.reason}")


@saving.command("class")
@click.argument("join_code")
@click.option("--pays/--saves", required=True, help="Whether its essays go to paid models in saving mode too.")
def pay_for(join_code: str, pays: bool) -> None:
    """Say whether a class is paid for in saving mode too."""
    with opened() as db:
        found = db.scalars(select(Class).filter_by(join_code=join_code.strip().upper())).one_or_none()
        if found is None:
            raise click.BadParameter(f"No class has the join code {join_code!r}.", param_hint="JOIN_CODE")
        found.pays_while_saving = pays
        db.commit()
        click.echo(f"{found.name} {'is paid for' if pays else 'saves'} in saving mode.")
