from __future__ import annotations

import pytest
from sqlalchemy.exc import IntegrityError

from models import Role, User
from models.people import (
    JOIN_CODE_ALPHABET,
    hash_password,
    new_join_code,
    new_token,
    password_matches,
    token_hash,
)
from models.session import session
from tests.factories import PASSWORD, make_user


def a_user(password: str = PASSWORD) -> User:
    return User(email="a@school.test", name="A", role=Role.student, password_hash=hash_password(password))


class TestPasswords:
    def test_are_kept_as_argon2id(self) -> None:
        assert hash_password(PASSWORD).startswith("$argon2id$")

    def test_only_the_right_one_matches(self) -> None:
        user = a_user("密码 is a password")
        assert password_matches(user, "密码 is a password")
        assert not password_matches(user, "密码 is a Password")
        assert not password_matches(user, "")

    def test_that_are_short_are_refused(self) -> None:
        with pytest.raises(ValueError, match="8 characters"):
            hash_password("seven77")

    def test_of_nobody_never_match(self) -> None:
        assert not password_matches(None, PASSWORD)

    def test_whose_hash_is_damaged_never_match(self) -> None:
        user = a_user()
        user.password_hash = "!"
        assert not password_matches(user, PASSWORD)


class TestTokens:
    def test_are_known_by_their_hash_alone(self) -> None:
        plain, hashed = new_token()
        assert token_hash(plain) == hashed
        assert plain not in hashed
        assert len(hashed) == 64

    def test_are_long_and_never_the_same(self) -> None:
        tokens = {new_token()[0] for _ in range(100)}
        assert len(tokens) == 100
        assert all(token.startswith("pz_") and len(token) > 40 for token in tokens)


def test_join_codes_can_be_read_aloud() -> None:
    code = new_join_code()
    assert len(code) == 8
    assert set(code) <= set(JOIN_CODE_ALPHABET)
    assert not set("ILO01") & set(JOIN_CODE_ALPHABET)


def test_an_address_is_the_same_in_any_case(database: None) -> None:
    user = make_user()
    same = User(email=f" {user.email.upper()} ", name="B", role=Role.student, password_hash="x")
    assert same.email == user.email
    with session() as db:
        db.add(same)
        with pytest.raises(IntegrityError):
            db.commit()
