"""Who uses Pizhu: people, their tokens, classes and who belongs to them."""

from __future__ import annotations

import enum
import hashlib
import secrets
import uuid
from datetime import datetime
from functools import cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from sqlalchemy import Enum, ForeignKey, String, false
from sqlalchemy.orm import Mapped, mapped_column, relationship, validates

from models.base import Base, Identified, now

JOIN_CODE_ALPHABET = "ABCDEFGHJKMNPQRSTUVWXYZ23456789"  # nothing that is misread: no I, L, O, 0, 1


class Role(enum.Enum):
    student = "student"
    teacher = "teacher"
    ops = "ops"


class User(Identified, Base):
    __tablename__ = "users"

    email: Mapped[str] = mapped_column(String(254), unique=True)
    name: Mapped[str] = mapped_column(String(120))
    password_hash: Mapped[str] = mapped_column(String(200))
    role: Mapped[Role] = mapped_column(Enum(Role, name="role"))
    language: Mapped[str | None] = mapped_column(String(2))
    """Language of the pages; None follows the browser."""

    memberships: Mapped[list[Membership]] = relationship(back_populates="user")

    @validates("email")
    def _lower_case(self, _key: str, email: str) -> str:
        return email.strip().lower()

    # What Flask-Login asks of a user; plain properties, so that no web library is needed here.
    @property
    def is_authenticated(self) -> bool:
        return True

    @property
    def is_active(self) -> bool:
        return True

    @property
    def is_anonymous(self) -> bool:
        return False

    def get_id(self) -> str:
        return str(self.id)


class Token(Identified, Base):
    """A bearer token; only its SHA-256 is kept, so that a stolen database opens no door."""

    __tablename__ = "tokens"

    user_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    hash: Mapped[str] = mapped_column(String(64), unique=True)
    name: Mapped[str] = mapped_column(String(80), default="")
    revoked_at: Mapped[datetime | None]

    user: Mapped[User] = relationship()


class Class(Identified, Base):
    __tablename__ = "classes"

    name: Mapped[str] = mapped_column(String(120))
    join_code: Mapped[str] = mapped_column(String(12), unique=True, default=lambda: new_join_code())
    pays_while_saving: Mapped[bool] = mapped_column(default=False, server_default=false())
    """Ops have decided that its essays go to paid models in saving mode too."""

    memberships: Mapped[list[Membership]] = relationship(back_populates="school_class")


class Membership(Base):
    """A person in a class. Teachers of a class are its members whose role is teacher."""

    __tablename__ = "memberships"
    class_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("classes.id", ondelete="CASCADE"), primary_key=True)
    user_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), primary_key=True, index=True)
    joined_at: Mapped[datetime] = mapped_column(default=now)

    school_class: Mapped[Class] = relationship(back_populates="memberships")
    user: Mapped[User] = relationship(back_populates="memberships")


def new_join_code() -> str:
    """Eight characters that can be read aloud: about 39 bits."""
    return "".join(secrets.choice(JOIN_CODE_ALPHABET) for _ in range(8))


def new_token() -> tuple[str, str]:
    """A new bearer token and its hash; the token itself is shown once and never stored."""
    plain = "pz_" + secrets.token_urlsafe(32)
    return plain, token_hash(plain)


def token_hash(plain: str) -> str:
    """SHA-256 is enough for a token of 256 random bits: there is nothing to guess."""
    return hashlib.sha256(plain.encode()).hexdigest()


@cache
def _hasher() -> PasswordHasher:
    return PasswordHasher()  # argon2id with the library's parameters (RFC 9106, low-memory profile)


def hash_password(password: str) -> str:
    """Argon2id hash of a password. Raises ValueError when it is shorter than 8 characters."""
    if len(password) < 8:
        raise ValueError("a password has at least 8 characters")
    return _hasher().hash(password)


def password_matches(user: User | None, password: str) -> bool:
    """Whether the password is the user's. An unknown user costs as much time as a wrong password."""
    stored = user.password_hash if user else _decoy()
    try:
        return _hasher().verify(stored, password) and user is not None
    except (VerificationError, InvalidHashError):
        return False


@cache
def _decoy() -> str:
    return _hasher().hash(secrets.token_urlsafe(16))
