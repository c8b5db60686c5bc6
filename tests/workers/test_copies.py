from __future__ import annotations

import uuid

import pytest
from sqlalchemy import select, update

from grading.copies import dismissal, search
from grading.copies.clusters import clusters, of_essay, waiting
from models import Assignment, Essay, EssayState, Notice, Overlap, Role, Signature, User
from models.session import session
from tests.factories import School, make_assignment, make_essay, make_user
from tests.grading.copies.examples import CHINESE, ENGLISH, OTHER, OTHER_CHINESE, taking
from workers.copies import look_for_copies

COPY = taking(OTHER, ENGLISH, 0, 180)


def shown(school: School) -> set[tuple[uuid.UUID, uuid.UUID]]:
    """The pairs that the assignment's page shows."""
    with session() as db:
        return {
            (pair.essay_id, pair.other_id) for cluster in clusters(db, school.assignment.id) for pair in cluster.pairs
        }


def dismiss(school: School, essay: Essay, other: Essay) -> None:
    with session() as db:
        dismissal.dismiss(
            db, db.scalars(select(Overlap).filter_by(essay_id=essay.id, other_id=other.id)).one(), school.teacher
        )
        db.commit()


def pairs() -> set[tuple[uuid.UUID, uuid.UUID]]:
    with session() as db:
        return {(pair.essay_id, pair.other_id) for pair in db.scalars(select(Overlap))}


def test_a_near_copy_is_found_with_its_passages_and_an_honest_essay_is_not(school: School) -> None:
    source = make_essay(school.student, school.assignment, ENGLISH)
    make_essay(make_user(Role.student, school.school_class), school.assignment, OTHER_CHINESE)
    copy = make_essay(school.classmate, school.assignment, COPY)
    look_for_copies()
    assert pairs() == {(copy.id, source.id)}
    with session() as db:
        (pair,) = db.scalars(select(Overlap)).all()
    (passage,) = pair.passages
    assert COPY[passage["start"] : passage["end"]] == ENGLISH[passage["other_start"] : passage["other_end"]]
    assert pair.share == pytest.approx(pair.tokens / len(COPY.split()), abs=0.05)


def test_the_later_of_two_is_the_one_that_shares_with_the_earlier_in_whatever_order_they_are_found(
    school: School,
) -> None:
    source = make_essay(school.student, school.assignment, ENGLISH)
    copy = make_essay(school.classmate, school.assignment, COPY)
    with session() as db:
        for essay in (copy, source):
            search.sign(db, essay.id)
        search.compare(db, source.id)
        db.commit()
    assert pairs() == {(copy.id, source.id)}


@pytest.mark.parametrize("text", [ENGLISH, CHINESE])
def test_another_assignment_of_the_class_is_looked_at_and_another_class_is_not(school: School, text: str) -> None:
    source = make_essay(school.student, school.assignment, text)
    copy = make_essay(school.classmate, make_assignment(school.school_class), text)
    make_essay(school.other_student, make_assignment(school.other_class), text)
    look_for_copies()
    assert pairs() == {(copy.id, source.id)}


def test_a_students_own_versions_are_no_copies(school: School) -> None:
    for text in (ENGLISH, ENGLISH + " And so it was."):
        make_essay(school.student, school.assignment, text)
    look_for_copies()
    assert not pairs()


def test_doing_it_twice_changes_nothing_and_does_nothing(school: School, monkeypatch: pytest.MonkeyPatch) -> None:
    make_essay(school.student, school.assignment, ENGLISH)
    make_essay(school.classmate, school.assignment, COPY)
    look_for_copies()
    before = pairs()
    monkeypatch.setattr(search, "sign", pytest.fail)
    monkeypatch.setattr(search, "compare", pytest.fail)
    look_for_copies()
    assert pairs() == before


def test_a_crash_between_signing_and_comparing_loses_nothing(school: School) -> None:
    source = make_essay(school.student, school.assignment, ENGLISH)
    copy = make_essay(school.classmate, school.assignment, COPY)
    with session() as db:
        search.sign(db, source.id)
        search.sign(db, copy.id)
        db.commit()
        search.compare(db, copy.id)
        db.rollback()  # killed before its commit
    assert not pairs()
    look_for_copies()
    assert pairs() == {(copy.id, source.id)}


def test_essays_signed_by_another_version_are_signed_and_compared_anew(school: School) -> None:
    make_essay(school.student, school.assignment, ENGLISH)
    make_essay(school.classmate, school.assignment, COPY)
    with session() as db:
        for essay_id in search.unsigned(db, 10):
            search.give_up(db, essay_id)
        db.execute(update(Signature).values(version=0))
        db.commit()
    look_for_copies()
    assert len(pairs()) == 1


def test_an_essay_that_cannot_be_compared_keeps_nobody_else(
    school: School, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    bad = make_essay(school.student, school.assignment, ENGLISH)
    good = make_essay(school.classmate, school.assignment, COPY)
    sign = search.sign

    def fails(db: object, essay_id: uuid.UUID) -> None:
        if essay_id == bad.id:
            raise ValueError("no such letter")
        sign(db, essay_id)  # type: ignore[arg-type]

    monkeypatch.setattr(search, "sign", fails)
    look_for_copies()
    with session() as db:
        assert db.get_one(Signature, bad.id).numbers == []
        assert db.get_one(Signature, good.id).compared_at
        assert waiting(db, school.assignment.id) == 0
    assert "no such letter" in caplog.text


def test_copies_of_copies_make_one_cluster(school: School) -> None:
    students = [make_user(Role.student, school.school_class) for _ in range(5)]
    halves = ENGLISH[:180], ENGLISH[200:]
    texts = [
        ENGLISH,
        f"{OTHER} {halves[0]}",
        f"We lost the match, and I was glad that it was over at last. {halves[1]}",
        CHINESE,
        CHINESE,
    ]
    essays = [make_essay(student, school.assignment, text) for student, text in zip(students, texts, strict=True)]
    look_for_copies()
    with session() as db:
        found = clusters(db, school.assignment.id)
        assert [[essay.id for essay in cluster.essays] for cluster in found] == [
            [essay.id for essay in essays[3:]],
            [essay.id for essay in essays[:3]],
        ]
        assert len(of_essay(db, essays[0].id)) == 2


def test_withdrawn_essays_are_left_out(school: School) -> None:
    make_essay(school.student, school.assignment, ENGLISH)
    copy = make_essay(school.classmate, school.assignment, COPY)
    look_for_copies()
    with session() as db:
        db.execute(update(Essay).where(Essay.id == copy.id).values(state=EssayState.cancelled))
        db.commit()
        assert clusters(db, school.assignment.id) == []


def test_what_both_quote_from_the_task_is_no_copy(school: School) -> None:
    assignment: Assignment = make_assignment(school.school_class, prompt=f"Discuss this: {ENGLISH[:180]}")
    students: list[User] = [school.student, school.classmate]
    for student, text in zip(students, (OTHER, OTHER_CHINESE), strict=True):
        make_essay(student, assignment, f"{text} {ENGLISH[:180]}")
    look_for_copies()
    assert not pairs()


def test_a_dismissed_pair_that_is_found_again_stays_dismissed(school: School) -> None:
    source = make_essay(school.student, school.assignment, ENGLISH)
    copy = make_essay(school.classmate, school.assignment, COPY)
    look_for_copies()
    dismiss(school, copy, source)
    with session() as db:
        before = db.scalars(select(Overlap)).one().passages
        db.execute(update(Signature).values(version=0))
        db.commit()
    look_for_copies()
    assert not shown(school)
    with session() as db:
        (pair,) = db.scalars(select(Overlap)).all()
        assert (pair.dismissed_by_id, pair.passages) == (school.teacher.id, before)


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_same_words_in_another_version_of_dismissed_essays_are_not_shown_and_more_words_are(
    school: School, language: str
) -> None:
    source_text, text, share, end = {
        "en": (ENGLISH, OTHER, 180, "That was last year."),
        "zh": (CHINESE, OTHER_CHINESE, 60, "那是去年的事。"),
    }[language]
    source = make_essay(school.student, school.assignment, source_text)
    copy = make_essay(school.classmate, school.assignment, taking(text, source_text, 0, share))
    look_for_copies()
    dismiss(school, copy, source)

    make_essay(school.classmate, school.assignment, f"{end} {taking(text, source_text, 0, share)}")
    source_again = make_essay(school.student, school.assignment, f"{source_text} {end}")
    look_for_copies()
    assert not shown(school)

    more = make_essay(school.classmate, school.assignment, taking(text, source_text, 0, len(source_text)))
    look_for_copies()
    assert shown(school) == {(more.id, source.id), (more.id, source_again.id)}
    with session() as db:
        (passage,) = db.scalars(select(Overlap).filter_by(essay_id=more.id, other_id=source.id)).one().passages
    assert passage["other_start"] > share - 20, "what was dismissed is not counted again"


def test_the_same_words_in_essays_of_others_are_shown(school: School) -> None:
    source = make_essay(school.student, school.assignment, ENGLISH)
    copy = make_essay(school.classmate, school.assignment, COPY)
    look_for_copies()
    dismiss(school, copy, source)
    third = make_essay(make_user(Role.student, school.school_class), school.assignment, COPY)
    elsewhere = make_essay(school.classmate, make_assignment(school.school_class), COPY)
    look_for_copies()
    assert shown(school) == {
        (third.id, source.id),
        (third.id, copy.id),
        (elsewhere.id, source.id),
        (elsewhere.id, third.id),
    }


def test_what_a_dismissal_left_out_is_found_once_it_is_taken_back(school: School) -> None:
    source = make_essay(school.student, school.assignment, ENGLISH)
    copy = make_essay(school.classmate, school.assignment, COPY)
    look_for_copies()
    dismiss(school, copy, source)
    revised = make_essay(school.classmate, school.assignment, f"{COPY} That is all.")
    look_for_copies()
    assert not shown(school)
    with session() as db:
        dismissal.take_back(db, db.scalars(select(Overlap)).one())
        db.commit()
    look_for_copies()
    assert shown(school) == {(copy.id, source.id), (revised.id, source.id)}


def told() -> list[tuple[uuid.UUID, uuid.UUID | None]]:
    """Who got a notice of which essay that shares words."""
    mine = select(Notice).filter_by(kind="copy").order_by(Notice.created_at)
    with session() as db:
        return [(one.user_id, one.essay_id) for one in db.scalars(mine)]


def test_the_teachers_of_the_class_and_nobody_else_get_one_notice_of_a_new_pair(school: School) -> None:
    colleague = make_user(Role.teacher, school.school_class)
    source = make_essay(school.student, school.assignment, ENGLISH)
    copy = make_essay(school.classmate, school.assignment, COPY)
    look_for_copies()
    assert set(told()) == {(school.teacher.id, copy.id), (colleague.id, copy.id)}
    assert len(told()) == 2
    with session() as db:  # as after an update, which brings all to be compared anew
        db.execute(update(Signature).values(compared_at=None))
        db.commit()
    look_for_copies()
    make_essay(school.classmate, school.assignment, f"{COPY} That is all.")
    look_for_copies()
    assert len(told()) == 2, "no more of the same two, found again or in another version"
    third = make_essay(make_user(Role.student, school.school_class), school.assignment, COPY)
    look_for_copies()
    assert [essay for reader, essay in told() if reader == school.teacher.id] == [copy.id, third.id]
    assert source.id not in {essay for _, essay in told()}


def test_of_a_dismissed_pair_there_is_no_notice_until_more_is_shared(school: School) -> None:
    source = make_essay(school.student, school.assignment, ENGLISH)
    copy = make_essay(school.classmate, school.assignment, COPY)
    look_for_copies()
    dismiss(school, copy, source)
    make_essay(school.classmate, school.assignment, f"{COPY} That is all.")
    look_for_copies()
    assert told() == [(school.teacher.id, copy.id)]
    more = make_essay(school.classmate, school.assignment, ENGLISH)
    look_for_copies()
    assert told() == [(school.teacher.id, copy.id), (school.teacher.id, more.id)]
