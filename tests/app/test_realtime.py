"""app/realtime.py under a real gunicorn: who hears what, and what a broken connection costs."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import requests
import socketio
from flask import Flask

from grading import lifecycle, progress
from grading.routing import Route
from models import Essay, EssayState, Release, User
from models.session import session
from tests.factories import School, a_grading, make_assignment, make_essay, make_token
from tests.stack import eventually, server_sent_events

pytestmark = pytest.mark.slow

Event = tuple[str, str, dict[str, Any]]


@contextmanager
def following(web: str, essay: Essay, reader: User, **headers: str) -> Iterator[requests.Response]:
    with requests.get(
        f"{web}/api/v1/essays/{essay.id}/events",
        headers={"Authorization": f"Bearer {make_token(reader)}", **headers},
        stream=True,
        timeout=30,
    ) as answer:
        assert answer.status_code == 200, answer.text
        yield answer


def events_of(web: str, essay: Essay, reader: User, **headers: str) -> list[Event]:
    """All events until the stream ends."""
    with following(web, essay, reader, **headers) as answer:
        return list(server_sent_events(answer))


def queue(essay: Essay) -> None:
    with session() as db:
        lifecycle.put_in_queue(db, essay.id, Route("local", "local", "a test"))
        db.commit()
    progress.announce(essay.id, essay.student_id, "state", {"status": "queued"})


def claim(essay: Essay) -> lifecycle.Claim:
    with session() as db:
        claimed = lifecycle.claim(db, essay.id, "local", 60)
        db.commit()
    assert claimed
    progress.announce(essay.id, essay.student_id, "state", {"status": "grading"})
    return claimed


def say(essay: Essay, words: str) -> None:
    progress.publish(essay.id, "delta", {"field": "comments.ideas", "text": words})


def finish(essay: Essay, school: School, claimed: lifecycle.Claim, *, told: bool = True) -> None:
    with session() as db:
        assert lifecycle.complete(db, claimed, a_grading(school.assignment))
        db.commit()
    if told:
        progress.announce(essay.id, essay.student_id, "graded", {"status": "graded"})


# --- Server-Sent Events ----------------------------------------------------------------------------------------------


def test_the_stream_tells_the_way_of_an_essay_from_hand_in_to_grade(web: str, school: School) -> None:
    essay = make_essay(school.student, school.assignment)
    with following(web, essay, school.student) as answer:
        assert answer.headers["Content-Type"].startswith("text/event-stream")
        assert answer.headers["X-Accel-Buffering"] == "no"
        events = server_sent_events(answer)
        first = next(events)
        assert first[1:] == (
            "state",
            {"status": "submitted", "queue": "triage", "position": 0, "reason": None, "final": False},
        )
        queue(essay)
        assert next(events)[2]["queue"] == "local"
        claimed = claim(essay)
        assert next(events)[2]["status"] == "grading"
        say(essay, "It argues ")
        say(essay, "well. 很好。")
        assert [next(events)[2]["text"], next(events)[2]["text"]] == ["It argues ", "well. 很好。"]
        finish(essay, school, claimed)
        _, kind, data = next(events)
        assert (kind, data["status"], data["final"]) == ("graded", "graded", True)
        assert not list(events), "the stream ends with the essay"


def test_a_finished_essay_has_one_event(web: str, school: School) -> None:
    essay = make_essay(school.student, school.assignment, state=EssayState.graded)
    ((event_id, kind, data),) = events_of(web, essay, school.student)
    assert (event_id, kind, data["status"], data["final"]) == ("", "state", "graded", True)


def test_who_comes_back_with_the_last_event_id_misses_nothing_and_hears_nothing_twice(web: str, school: School) -> None:
    essay = make_essay(school.student, school.assignment)
    queue(essay)
    claim(essay)
    for word in ("one ", "two ", "three "):
        say(essay, word)
    with following(web, essay, school.student) as answer:
        words = [event for event in _take(answer, 4) if event[1] == "delta"]
    assert [data["text"] for _, _, data in words] == ["one ", "two ", "three "]
    say(essay, "four")
    with following(web, essay, school.student, **{"Last-Event-ID": words[1][0]}) as answer:
        events = _take(answer, 3)
    assert [kind for _, kind, _ in events] == ["state", "delta", "delta"]
    assert [data.get("text") for _, _, data in events] == [None, "three ", "four"]


def test_an_event_id_that_is_none_starts_at_the_beginning(web: str, school: School) -> None:
    essay = make_essay(school.student, school.assignment)
    queue(essay)
    claim(essay)
    say(essay, "one")
    with following(web, essay, school.student, **{"Last-Event-ID": "no-such-id"}) as answer:
        assert [data.get("text") for _, _, data in _take(answer, 2)] == [None, "one"]


def test_a_grade_whose_event_was_lost_arrives_all_the_same(web: str, school: School) -> None:
    essay = make_essay(school.student, school.assignment)
    queue(essay)
    claimed = claim(essay)
    with following(web, essay, school.student) as answer:
        events = server_sent_events(answer)
        assert next(events)[2]["status"] == "grading"
        finish(essay, school, claimed, told=False)
        assert next(events)[2]["status"] == "graded"


def test_the_place_in_the_line_moves(web: str, school: School) -> None:
    ahead = make_essay(school.classmate, school.assignment)
    essay = make_essay(school.student, school.assignment)
    with following(web, essay, school.student) as answer:
        events = server_sent_events(answer)
        assert next(events)[2]["position"] == 1
        with session() as db:
            assert lifecycle.cancel(db, ahead.id, school.classmate)
            db.commit()
        _, kind, data = next(events)
        assert (kind, data) == ("position", {"position": 0, "queue": "triage"})


def test_a_held_back_grade_is_not_told_word_by_word_to_the_student_but_to_the_teacher(web: str, school: School) -> None:
    held = make_assignment(school.school_class, release=Release.on_release)
    essay = make_essay(school.student, held)
    queue(essay)
    claimed = claim(essay)
    with following(web, essay, school.student) as to_student, following(web, essay, school.teacher) as to_teacher:
        student, teacher = server_sent_events(to_student), server_sent_events(to_teacher)
        next(student), next(teacher)
        say(essay, "secret")
        finish(essay, school, claimed)
        heard_by_student, heard_by_teacher = list(student), list(teacher)
    assert [kind for _, kind, _ in heard_by_teacher] == ["delta", "graded"]
    assert [kind for _, kind, _ in heard_by_student] == ["graded"]
    assert "secret" not in json.dumps(heard_by_student)


def test_while_redis_is_down_the_stream_looks_into_postgres(web_without_redis: str, school: School) -> None:
    essay = make_essay(school.student, school.assignment)
    with following(web_without_redis, essay, school.student) as answer:
        events = server_sent_events(answer)
        assert next(events)[2]["status"] == "submitted"
        queue(essay)
        assert next(events)[2]["status"] == "queued"


def _take(answer: requests.Response, number: int) -> list[Event]:
    events = server_sent_events(answer)
    return [next(events) for _ in range(number)]


# --- Socket.IO -------------------------------------------------------------------------------------------------------


class Listener:
    """A browser's or a program's web socket, and what it hears."""

    def __init__(self, web: str, auth: object = None, **headers: str) -> None:
        self.heard: list[tuple[str, str]] = []
        self.socket = socketio.Client(reconnection=False)
        for kind in ("state", "graded", "notice"):
            self.socket.on(kind, lambda data, kind=kind: self.heard.append((kind, data["essay_id"])))
        self.socket.connect(web, headers=headers, auth=auth, transports=["websocket"])

    def __enter__(self) -> Listener:
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.disconnect()


def bearer(user: User) -> dict[str, str]:
    return {"Authorization": f"Bearer {make_token(user)}"}


def cookie(app: Flask, user: User) -> str:
    """The session cookie of a browser that this user is signed in with."""
    serializer = app.session_interface.get_signing_serializer(app)  # type: ignore[attr-defined]
    return f"{app.config['SESSION_COOKIE_NAME']}={serializer.dumps({'token': make_token(user)})}"


def test_a_person_hears_of_their_own_essays_and_of_nobody_elses(web: str, school: School) -> None:
    mine = make_essay(school.student, school.assignment)
    theirs = make_essay(school.classmate, school.assignment)
    with Listener(web, **bearer(school.student)) as me, Listener(web, **bearer(school.classmate)) as other:
        queue(theirs)
        queue(mine)
        eventually(lambda: me.heard and other.heard, 10, "both hear something")
        finish(mine, school, claim(mine))
        eventually(lambda: ("graded", str(mine.id)) in me.heard, 10, "the grade")
        assert {essay for _, essay in me.heard} == {str(mine.id)}
        assert {essay for _, essay in other.heard} == {str(theirs.id)}


def test_a_browser_connects_with_its_session_cookie(web: str, app: Flask, school: School) -> None:
    essay = make_essay(school.student, school.assignment)
    with Listener(web, Cookie=cookie(app, school.student)) as browser:
        queue(essay)
        eventually(lambda: browser.heard, 10, "news")


def test_a_program_that_cannot_send_headers_connects_with_its_token(web: str, school: School) -> None:
    essay = make_essay(school.student, school.assignment)
    with Listener(web, auth={"token": make_token(school.student)}) as program:
        queue(essay)
        eventually(lambda: program.heard, 10, "news")


@pytest.mark.parametrize("auth", [{"token": "pz_nothing"}, {"token": 7}, ["token"], "token"])
def test_a_token_that_is_none_is_refused(web: str, school: School, auth: object) -> None:
    with pytest.raises(socketio.exceptions.ConnectionError):
        Listener(web, auth=auth)


def test_nobody_known_is_refused(web: str, school: School) -> None:
    for headers in ({}, {"Authorization": "Bearer pz_nothing"}, {"Cookie": "pizhu_session=forged"}):
        with pytest.raises(socketio.exceptions.ConnectionError):
            Listener(web, **headers)


def test_a_page_of_another_origin_is_refused_although_the_browser_sends_the_cookie(
    web: str, app: Flask, school: School
) -> None:
    with pytest.raises(socketio.exceptions.ConnectionError):
        Listener(web, Cookie=cookie(app, school.student), Origin="https://elsewhere.test")


def test_a_client_cannot_send_itself_into_a_room(web: str, school: School) -> None:
    essay = make_essay(school.student, school.assignment)
    with Listener(web, **bearer(school.other_student)) as stranger, Listener(web, **bearer(school.student)) as me:
        stranger.socket.emit("join", {"room": progress.room(school.student.id)})
        stranger.socket.emit("enter_room", progress.room(school.student.id))
        queue(essay)
        eventually(lambda: me.heard, 10, "news")
        assert not stranger.heard


def test_a_server_without_workers_says_at_once_that_it_is_not_ready(web: str, school: School) -> None:
    answer = requests.get(f"{web}/readyz", timeout=5)
    assert answer.status_code == 503
    assert answer.json()["missing"] == ["a worker for local", "a worker for triage", "a worker for upkeep"]


def test_the_largest_request_is_refused_with_a_problem_and_not_with_a_broken_connection(
    web: str, school: School
) -> None:
    answer = requests.post(
        f"{web}/api/v1/essays",
        json={"assignment_id": str(school.assignment.id), "text": "字" * 1_000_000},
        headers=bearer(school.student),
        timeout=30,
    )
    assert answer.status_code == 413
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert answer.json()["errors"][0]["field"] == "body"
