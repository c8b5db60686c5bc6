"""What the API says of shared words: to the teacher all of it, to a student nothing."""

from __future__ import annotations

import json

from models import EssayState, Role
from tests.app.conftest import Clients
from tests.factories import School, make_assignment, make_essay, make_overlap, make_user
from tests.grading.copies.examples import ENGLISH, OTHER, taking
from workers.copies import look_for_copies

COPY = taking(OTHER, ENGLISH, 0, 180)


def test_a_teacher_is_told_who_shares_which_words(school: School, client: Clients) -> None:
    source = make_essay(school.student, school.assignment, ENGLISH, EssayState.graded)
    copy = make_essay(school.classmate, school.assignment, COPY, EssayState.graded)
    address = f"/api/v1/assignments/{school.assignment.id}/copies"
    teacher = client(school.teacher)
    assert teacher.get(address).get_json() == {"clusters": [], "dismissed": [], "waiting": 2}
    look_for_copies()
    told = teacher.get(address).get_json()
    assert told["waiting"] == 0
    (cluster,) = told["clusters"]
    assert [essay["student"]["name"] for essay in cluster["essays"]] == [school.student.name, school.classmate.name]
    (pair,) = cluster["pairs"]
    assert (pair["essay_id"], pair["other_id"]) == (str(copy.id), str(source.id))
    (passage,) = pair["passages"]
    assert COPY[passage["start"] : passage["end"]] == ENGLISH[passage["other_start"] : passage["other_end"]]
    assert 0 < pair["share"] < pair["other_share"] < 1


def test_nothing_that_a_student_reads_says_that_words_are_shared(school: School, client: Clients) -> None:
    source = make_essay(school.student, school.assignment, ENGLISH, EssayState.graded)
    copy = make_essay(school.classmate, school.assignment, COPY, EssayState.graded)
    before = [_read(client, school, essay.id) for essay in (source, copy)]
    look_for_copies()
    assert [_read(client, school, essay.id) for essay in (source, copy)] == before
    assert client(school.student).get(f"/api/v1/assignments/{school.assignment.id}/copies").status_code == 403


def _read(client: Clients, school: School, essay_id: object) -> str:
    said = []
    for reader in (school.student, school.classmate):
        for address in (f"/essays/{essay_id}", f"/essays/{essay_id}/history", "/essays", "/notices"):
            answer = client(reader).get(f"/api/v1{address}")
            said.append(json.dumps(answer.get_json(), sort_keys=True) if answer.status_code == 200 else answer.status)
    return "\n".join(said)


def test_a_pair_that_a_teacher_dismissed_is_listed_apart_with_who_and_when(school: School, client: Clients) -> None:
    source = make_essay(school.student, school.assignment, ENGLISH, EssayState.graded)
    copy = make_essay(school.classmate, school.assignment, COPY, EssayState.graded)
    look_for_copies()
    teacher, colleague = client(school.teacher), client(make_user(Role.teacher, school.school_class))
    list_, pair = f"/api/v1/assignments/{school.assignment.id}/copies", f"/api/v1/essays/{copy.id}/copies/{source.id}"
    shown = teacher.get(list_).get_json()

    told = teacher.post(f"{pair}/dismiss").get_json()
    assert told["dismissed_by"]["name"] == school.teacher.name
    assert told["dismissed_at"]
    assert colleague.post(f"{pair}/dismiss").get_json() == told, "who said so first stays"
    for reader in (teacher, colleague):
        assert reader.get(list_).get_json() == {"clusters": [], "dismissed": [told], "waiting": 0}

    for _ in range(2):
        told = colleague.post(f"{pair}/restore").get_json()
        assert (told["dismissed_at"], told["dismissed_by"]) == (None, None)
    look_for_copies()
    assert teacher.get(list_).get_json() == shown


def test_only_two_essays_that_share_words_can_be_dismissed(school: School, client: Clients) -> None:
    source, copy = (make_essay(student, school.assignment) for student in (school.student, school.classmate))
    make_overlap(copy, source)
    elsewhere = make_essay(school.other_student, make_assignment(school.other_class))
    teacher = client(school.teacher)
    for essay, other in ((source, copy), (copy, elsewhere), (copy, copy)):
        for deed in ("dismiss", "restore"):
            assert teacher.post(f"/api/v1/essays/{essay.id}/copies/{other.id}/{deed}").status_code == 404
