"""Classes are made by teachers and joined by students, whether by API or by page."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert as upsert

from app.bodies import JoinClass, NewClass, validated
from app.extensions import db
from app.problems import wrong
from models import Class, Membership, User
from models.base import now


def create_class(teacher: User, data: object) -> Class:
    """A new class (`NewClass`) with this teacher in it."""
    school_class = Class(name=validated(NewClass, data).name)
    db().add(school_class)
    db().flush()
    db().add(Membership(class_id=school_class.id, user_id=teacher.id))
    db().commit()
    return school_class


def join_class(student: User, data: object) -> Class:
    """Become a member of the class with that code (`JoinClass`); doing it twice is no error."""
    code = "".join(validated(JoinClass, data).join_code.split()).upper()
    school_class = None
    if code.isascii() and code.isalnum():
        school_class = db().scalars(select(Class).filter_by(join_code=code)).one_or_none()
    if school_class is None:
        raise wrong("join_code", "No class has this code. Please compare it with what your teacher gave you.")
    db().execute(
        upsert(Membership)
        .values(class_id=school_class.id, user_id=student.id, joined_at=now())
        .on_conflict_do_nothing()
    )
    db().commit()
    return school_class
