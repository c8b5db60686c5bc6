"""The demo class: a few people, two assignments and four essays, all of our own writing."""

from __future__ import annotations

import json
import secrets
from pathlib import Path
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from grading import lifecycle, queues
from grading.rubric import Rubric
from models import Assignment, Class, Essay, Membership, Role, RubricVersion, User
from models.people import hash_password
from models.session import session
from settings import settings
from workers.queue import enqueue

HERE = Path(__file__).parent
ACCOUNTS = {
    "student": (Role.student, "Lin Xiao 林晓"),
    "teacher": (Role.teacher, "Ms Chen 陈老师"),
    "ops": (Role.ops, "Ops"),
}
"""Those whose passwords are told."""
CLASSMATES = {"tom": (Role.student, "Tom Baker"), "wangyu": (Role.student, "Wang Yu 王雨")}


def passwords_file() -> Path:
    """Where the passwords of the demo accounts lie; random for each installation."""
    return settings().home / "demo-passwords.txt"


def create_demo() -> None:
    """Create the demo class, once; an installation that has users already is left alone."""
    with session() as db:
        if db.scalar(select(User.id).limit(1)):
            return
        passwords = {name: secrets.token_urlsafe(9) for name in ACCOUNTS | CLASSMATES}
        people = {
            name: User(email=_email(name), name=shown, role=role, password_hash=hash_password(passwords[name]))
            for name, (role, shown) in (ACCOUNTS | CLASSMATES).items()
        }
        school_class = Class(name="Demo class 示范班")
        db.add_all([school_class, *people.values()])
        db.flush()
        db.add_all(
            Membership(class_id=school_class.id, user_id=person.id)
            for person in people.values()
            if person.role is not Role.ops
        )
        essays = []
        for file in sorted(HERE.glob("*.json")):
            data = json.loads(file.read_text(encoding="utf-8"))
            assignment = _add_assignment(db, school_class, data)
            essays += [_add_essay(db, assignment, people[name], text) for name, text in data["essays"].items()]
        # Written before the commit: accounts whose passwords nobody knows would be worse than a stale file.
        _write_passwords({name: passwords[name] for name in ACCOUNTS})
        db.commit()
    enqueue(queues.TRIAGE, [essay.id for essay in essays])


def _add_assignment(db: Session, school_class: Class, data: dict[str, Any]) -> Assignment:
    rubric = Rubric.parse(data["rubric"])
    assignment = Assignment(
        class_id=school_class.id, title=data["title"], prompt=data["prompt"], language=data["language"]
    )
    db.add(assignment)
    db.flush()
    version = RubricVersion(
        assignment_id=assignment.id,
        version=1,
        criteria=rubric.to_json()["criteria"],
        content_hash=rubric.content_hash,
    )
    db.add(version)
    db.flush()
    assignment.rubric_id = version.id
    db.flush()
    return assignment


def _add_essay(db: Session, assignment: Assignment, student: User, file: str) -> Essay:
    text = (HERE / file).read_text(encoding="utf-8")
    essay, _ = lifecycle.submit(db, student=student, assignment=assignment, text=text, key=f"demo:{file}")
    return essay


def _write_passwords(passwords: dict[str, str]) -> None:
    file = passwords_file()
    file.unlink(missing_ok=True)
    file.touch(mode=0o600)
    file.write_text("".join(f"{_email(name):20} {password}\n" for name, password in passwords.items()))


def _email(name: str) -> str:
    return f"{name}@demo.test"
