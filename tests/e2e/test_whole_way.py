"""Twenty real essays through the whole installation, its grader killed in the middle."""

from __future__ import annotations

import json
import threading
from collections import Counter
from typing import Any

import pytest
import requests
import socketio

from tests.corpus import chinese_essays, english_essays
from tests.stack import Client, Stack, classroom, eventually, server_sent_events

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1500)]

ENDED = {"graded", "needs_review"}


def watch(client: Client, essay_id: str, seen: list[tuple[str, str, dict[str, Any]]]) -> threading.Thread:
    """Follow an essay by Server-Sent Events until it ends, reconnecting as a browser does."""

    def follow() -> None:
        while not (seen and seen[-1][2].get("status") in ENDED):
            headers = {"Last-Event-ID": seen[-1][0]} if seen and seen[-1][0] else {}
            with client.http.get(
                f"{client.base}/api/v1/essays/{essay_id}/events", headers=headers, stream=True, timeout=60
            ) as answer:
                assert answer.headers["Content-Type"].startswith("text/event-stream")
                seen.extend(server_sent_events(answer))

    thread = threading.Thread(target=follow, daemon=True)
    thread.start()
    return thread


def test_twenty_essays_all_end_once_although_the_grader_is_killed_in_the_middle(stack: Stack) -> None:
    teacher, student, assignment = classroom(stack, "en")
    _, chinese_student, chinese_assignment = classroom(stack, "zh")
    mine, others = listener(stack, student), listener(stack, chinese_student)

    essays = {}
    for text in english_essays(16):
        essays[submit(student, assignment, text)] = (student, text)
    for text in chinese_essays(4):
        essays[submit(chinese_student, chinese_assignment, text)] = (chinese_student, text)

    watched = next(iter(essays))
    seen: list[tuple[str, str, dict[str, Any]]] = []
    follower = watch(student, watched, seen)

    eventually(lambda: any(kind == "delta" for _, kind, _ in seen), 240, "the first words are streamed")
    (worker,) = celery_main(stack)
    worker.kill()

    def all_ended() -> bool:
        states = Counter(
            student_of.get(f"/essays/{essay}").json()["status"] for essay, (student_of, _) in essays.items()
        )
        assert set(states) <= ENDED | {"submitted", "queued", "grading"}, states
        return sum(states[state] for state in ENDED) == len(essays)

    eventually(all_ended, 900, "all essays end", every=2)
    follower.join(60)
    assert not follower.is_alive(), "the event stream ends when the essay does"

    graded = 0
    for essay_id, (owner, text) in essays.items():
        essay = owner.get(f"/essays/{essay_id}").json()
        history = owner.get(f"/essays/{essay_id}/history").json()
        assert len(history["gradings"]) == (1 if essay["status"] == "graded" else 0), history
        if essay["status"] == "graded":
            graded += 1
            assert_is_a_grade(essay["grading"], text)
    assert graded, "a demonstration model is weak, but most of its replies are valid"

    kinds = [kind for _, kind, _ in seen]
    assert kinds[0] == "state", "the first event says where the essay is"
    assert "delta" in kinds
    assert {essay_id for essay_id, _ in mine} >= {e for e, (o, _) in essays.items() if o is student and is_graded(o, e)}
    assert not {essay_id for essay_id, _ in mine} & {e for e, (o, _) in essays.items() if o is chinese_student}
    assert not {essay_id for essay_id, _ in others} & {e for e, (o, _) in essays.items() if o is student}

    notices = student.get("/notices").json()["items"]
    assert {notice["essay_id"] for notice in notices} == {e for e, (o, _) in essays.items() if o is student}
    table = teacher.get(f"/classes/{assignment['class_id']}/essays").json()["items"]
    assert len(table) == 16


def test_a_revised_version_is_graded_in_sight_of_the_grade_before(stack: Stack) -> None:
    _, student, assignment = classroom(stack, "en")
    first = english_essays(4)[3]
    former = ended(student, submit(student, assignment, first))
    revised = ended(student, submit(student, assignment, f"{first}\n\nA library with computers would help all of us."))
    told = revised["grading"]["improved"]
    assert (told["essay_id"], told["grading_id"]) == (former["id"], former["grading"]["id"])
    before, now = levels(former), levels(revised)
    assert [(one["key"], one["before"], one["now"]) for one in told["criteria"]] == [
        (key, before[key], now[key]) for key in before
    ]
    assert former["grading"]["improved"] is None
    assert student.get(f"/essays/{former['id']}").json()["grading"]["id"] == former["grading"]["id"], "it is untouched"


def ended(client: Client, essay_id: str) -> dict[str, Any]:
    """The essay with its grade."""
    eventually(lambda: is_graded(client, essay_id), 400, "the essay is graded", every=1)
    found: dict[str, Any] = client.get(f"/essays/{essay_id}").json()
    return found


def levels(essay: dict[str, Any]) -> dict[str, float]:
    return {criterion["key"]: criterion["level"] for criterion in essay["grading"]["criteria"]}


def test_what_the_killed_grader_leaves_behind_is_nothing(stack: Stack) -> None:
    before = {process.pid for process in stack.processes("")}
    (worker,) = celery_main(stack)
    family = {worker.pid, *(child.pid for child in worker.children(recursive=True))}
    worker.kill()

    eventually(lambda: not family & {p.pid for p in stack.processes("")}, 30, "the killed worker's processes are gone")
    eventually(lambda: celery_main(stack), 30, "the supervisor starts another")
    eventually(lambda: requests.get(f"{stack.base}/readyz", timeout=5).status_code == 200, 240, "ready again", every=1)
    assert len(stack.processes("")) <= len(before) + 1


def submit(client: Client, assignment: dict[str, Any], text: str) -> str:
    answer = client.post("/essays", {"assignment_id": assignment["id"], "text": text})
    assert answer.status_code == 202
    assert answer.headers["Location"].endswith(answer.json()["id"])
    return answer.json()["id"]


def listener(stack: Stack, client: Client) -> list[tuple[str, str]]:
    """(essay, status) of each event that arrives in this user's room over a real web socket."""
    heard: list[tuple[str, str]] = []
    sockets = socketio.Client()
    for kind in ("state", "graded"):
        sockets.on(kind, lambda data: heard.append((data["essay_id"], data.get("status", ""))))
    sockets.connect(stack.base, headers={"Authorization": f"Bearer {client.token}"}, transports=["websocket"])
    return heard


def celery_main(stack: Stack) -> list[Any]:
    """The Celery process itself, not the shell that the Procfile line runs in."""
    return [
        p for p in stack.processes("-Q local") if "celery" in " ".join(p.cmdline()) and p.name() not in ("sh", "dash")
    ]


def is_graded(client: Client, essay_id: str) -> bool:
    return bool(client.get(f"/essays/{essay_id}").json()["status"] == "graded")


def assert_is_a_grade(grading: dict[str, Any], text: str) -> None:
    assert grading["source"] == "local"
    assert grading["model"]
    assert grading["prompt_version"].startswith("grade/")
    assert 0 <= grading["total"] <= grading["max"]
    assert round(sum(criterion["points"] for criterion in grading["criteria"]), 2) == grading["total"]
    assert all(1 <= criterion["level"] <= 6 for criterion in grading["criteria"])
    for note in grading["annotations"]:
        assert text[note["start"] : note["end"]] == note["quote"], json.dumps(note)
