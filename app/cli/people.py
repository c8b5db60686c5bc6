"""`pizhu user` and `pizhu token`."""

from __future__ import annotations

import re

import click
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from app.cli.db import opened
from models import Class, Membership, Role, Token, User
from models.people import hash_password, new_token

_EMAIL = re.compile(r"[^@\s]+@[^@\s]+")
LONGEST_EMAIL, LONGEST_NAME, LONGEST_TOKEN_NAME = 254, 120, 80


@click.group()
def user() -> None:
    """Create users."""


@user.command("create")
@click.option("--email", required=True, help="What the user signs in with.")
@click.option("--role", required=True, type=click.Choice([role.value for role in Role]), help="What the user may do.")
@click.option("--password", prompt=True, hide_input=True, confirmation_prompt=True, help="Asked for when not given.")
@click.option("--name", help="Shown to others; the part of the e-mail before the @ when not given.")
@click.option("--class", "join_code", help="Join code of a class the user belongs to.")
def create_user(email: str, role: str, password: str, name: str | None, join_code: str | None) -> None:
    """Create a user."""
    name = name or email.partition("@")[0]
    if not _EMAIL.fullmatch(email) or not _is_line(email, LONGEST_EMAIL):
        raise click.BadParameter(f"{email!r} is no e-mail address.", param_hint="--email")
    if not _is_line(name, LONGEST_NAME):
        raise click.BadParameter(f"A name is a line of at most {LONGEST_NAME} characters.", param_hint="--name")
    try:
        hashed = hash_password(password)
    except ValueError as error:
        raise click.BadParameter(f"{error}.", param_hint="--password") from error
    with opened() as db:
        person = User(email=email, name=name, role=Role(role), password_hash=hashed)
        db.add(person)
        try:
            db.flush()
        except IntegrityError as error:
            raise click.BadParameter(f"There is a user {person.email} already.", param_hint="--email") from error
        if join_code:
            db.add(Membership(class_id=_class(db, join_code).id, user_id=person.id))
        db.commit()
    click.echo(f"Created {role} {person.email}.")


def _class(db: Session, join_code: str) -> Class:
    found = db.scalars(select(Class).filter_by(join_code=join_code.strip().upper())).one_or_none()
    if found is None:
        raise click.BadParameter(f"No class has the join code {join_code!r}.", param_hint="--class")
    return found


@click.group()
def token() -> None:
    """Create bearer tokens."""


@token.command("create")
@click.option("--user", "email", required=True, help="E-mail of the user it acts for.")
@click.option("--name", default="", help="What it is for.")
def create_token(email: str, name: str) -> None:
    """Print a new bearer token, and nothing else. It is shown this once; only its hash is kept."""
    if not _is_line(name, LONGEST_TOKEN_NAME):
        raise click.BadParameter(f"A name is a line of at most {LONGEST_TOKEN_NAME} characters.", param_hint="--name")
    plain, hashed = new_token()
    with opened() as db:
        person = db.scalars(select(User).filter_by(email=email.strip().lower())).one_or_none()
        if person is None:
            raise click.BadParameter(f"There is no user {email}; `pizhu user create` makes one.", param_hint="--user")
        db.add(Token(user_id=person.id, hash=hashed, name=name))
        db.commit()
    click.echo(plain)


def _is_line(text: str, longest: int) -> bool:
    return len(text) <= longest and text.isprintable()
