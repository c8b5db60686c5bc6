from __future__ import annotations

from collections.abc import Sequence

import pytest
from click.testing import CliRunner, Result
from sqlalchemy import select

from app.cli import main
from models import Class, Membership, Role, Token, User
from models.people import password_matches, token_hash
from models.session import session

GOOD = ("--email", "Li@School.test", "--role", "teacher", "--password", "long enough")


def run(*arguments: str, answers: str = "") -> Result:
    return CliRunner().invoke(main, arguments, input=answers)


def create(*arguments: str) -> Result:
    return run("user", "create", *arguments)


def only_user() -> User:
    with session() as db:
        return db.scalars(select(User)).one()


def test_a_user_can_sign_in_with_the_password_given(database: None) -> None:
    result = create(*GOOD)

    assert result.exit_code == 0, result.output
    assert result.output == "Created teacher li@school.test.\n"
    user = only_user()
    assert (user.email, user.name, user.role) == ("li@school.test", "Li", Role.teacher)
    assert password_matches(user, "long enough")


def test_a_password_that_is_not_given_is_asked_for_twice_and_not_shown(database: None) -> None:
    result = run("user", "create", *GOOD[:4], answers="long enough\nlong enough\n")

    assert result.exit_code == 0, result.output
    assert "long enough" not in result.output
    assert password_matches(only_user(), "long enough")


def test_a_user_can_belong_to_a_class_from_the_start(database: None) -> None:
    with session() as db:
        school_class = Class(name="8b")
        db.add(school_class)
        db.commit()

    assert create(*GOOD, "--class", school_class.join_code.lower()).exit_code == 0

    with session() as db:
        membership = db.scalars(select(Membership)).one()
        assert (membership.class_id, membership.user_id) == (school_class.id, only_user().id)


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (("--email", "nobody"), "'nobody' is no e-mail address"),
        (("--email", "two words@school.test"), "no e-mail address"),
        (("--email", "a" * 250 + "@b.cd"), "no e-mail address"),
        (("--password", "short"), "at least 8 characters"),
        (("--role", "principal"), "'principal' is not one of"),
        (("--name", "x" * 121), "at most 120 characters"),
        (("--name", "two\nlines"), "is a line"),
        (("--class", "NOSUCH"), "No class has the join code 'NOSUCH'"),
    ],
)
def test_wrong_input_is_named_and_nothing_is_created(database: None, arguments: Sequence[str], reason: str) -> None:
    result = create(*GOOD, *arguments)

    assert result.exit_code == 2
    assert reason in result.output
    with session() as db:
        assert db.scalars(select(User)).all() == []


def test_an_address_is_used_once_whatever_its_case(database: None) -> None:
    create(*GOOD)

    result = create("--email", "LI@school.test", *GOOD[2:])

    assert result.exit_code == 2
    assert "There is a user li@school.test already" in result.output


def test_a_token_is_printed_alone_and_kept_only_as_its_hash(database: None) -> None:
    create(*GOOD)

    result = run("token", "create", "--user", "LI@school.test", "--name", "gradebook")

    assert result.exit_code == 0, result.output
    plain = result.stdout.removesuffix("\n")
    assert plain.split() == [plain]
    with session() as db:
        token = db.scalars(select(Token)).one()
        assert (token.hash, token.name, token.user_id) == (token_hash(plain), "gradebook", only_user().id)
        assert plain not in token.hash


def test_a_token_for_nobody_is_refused_on_standard_error(database: None) -> None:
    result = run("token", "create", "--user", "nobody@school.test")

    assert result.exit_code == 2
    assert result.stdout == ""
    assert "There is no user nobody@school.test; `pizhu user create` makes one." in result.stderr
