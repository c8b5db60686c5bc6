"""Who may do what: every route of the app, asked by everybody. A route that is not in the table fails."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask, url_for
from flask.testing import FlaskClient

from app import create_app
from app.auth import public, rule, rule_of
from models import EssayState
from tests.app.conftest import Clients
from tests.factories import RUBRIC, School, make_answer, make_class, make_essay, make_overlap

ROLES = ("anonymous", "student", "classmate", "other_student", "teacher", "other_teacher", "ops")
"""`student` wrote the essay that is asked for; `other_…` belong to another class."""

PUBLIC = (200,) * 7
MEMBERS = (401, 200, 200, 404, 200, 404, 404)
READERS = (401, 200, 404, 404, 200, 404, 404)
TEACHER = (401, 403, 404, 404, 200, 404, 404)
CLASS_TEACHER = (401, 403, 403, 404, 200, 404, 404)
SIGNED_IN = (401, 200, 200, 200, 200, 200, 200)
STUDENTS = (401, 200, 200, 200, 403, 403, 403)
TEACHERS = (401, 403, 403, 403, 200, 200, 403)
OPS = (401, 403, 403, 403, 403, 403, 200)


def with_success(row: tuple[int, ...], status: int) -> tuple[int, ...]:
    """The row for a view whose success is not 200."""
    return tuple(status if code == 200 else code for code in row)


def page(row: tuple[int, ...]) -> tuple[int, ...]:
    """The row for a page to read, where the API has this row."""
    return (302, *row[1:])


def deed(row: tuple[int, ...]) -> tuple[int, ...]:
    """The row for a form, which leads on when it is done."""
    return with_success(row, 303)


# Status by role, in the order of ROLES. Bodies of requests are in BODIES.
TABLE: dict[tuple[str, str], tuple[int, ...]] = {
    ("static", "GET"): with_success(PUBLIC, 404),
    ("health.healthz", "GET"): PUBLIC,
    ("health.readyz", "GET"): with_success(PUBLIC, 503),  # no worker runs in these tests
    ("metrics.metrics", "GET"): PUBLIC,  # on this machine
    ("api.describe_api", "GET"): PUBLIC,
    ("api.get_me", "GET"): SIGNED_IN,
    ("api.list_notices", "GET"): SIGNED_IN,
    ("api.see_notices", "POST"): with_success(SIGNED_IN, 204),
    ("api.submit_essay", "POST"): (401, 202, 202, 422, 403, 403, 403),
    ("api.list_essays", "GET"): STUDENTS,
    ("api.get_essay", "GET"): READERS,
    ("api.get_history", "GET"): READERS,
    ("api.follow_essay", "GET"): READERS,
    ("api.cancel_essay", "POST"): (401, 409, 404, 404, 403, 404, 404),  # it is graded already
    ("api.retry_essay", "POST"): with_success(TEACHER, 409),
    ("api.grade_by_hand", "POST"): with_success(TEACHER, 201),
    ("api.dismiss_copy", "POST"): TEACHER,
    ("api.restore_copy", "POST"): TEACHER,
    ("api.appeal_grade", "POST"): (401, 201, 404, 404, 403, 404, 404),
    ("api.ask", "POST"): (401, 200, 200, 422, 200, 422, 422),
    ("api.reject_answer", "POST"): (401, 204, 404, 404, 404, 404, 404),
    ("api.list_review", "GET"): TEACHERS,
    ("api.create_class", "POST"): (401, 403, 403, 403, 201, 201, 403),
    ("api.join_class", "POST"): STUDENTS,
    ("api.list_classes", "GET"): SIGNED_IN,
    ("api.get_class", "GET"): MEMBERS,
    ("api.list_class_essays", "GET"): CLASS_TEACHER,
    ("api.create_assignment", "POST"): (401, 403, 403, 403, 201, 422, 403),
    ("api.list_assignments", "GET"): SIGNED_IN,
    ("api.get_assignment", "GET"): MEMBERS,
    ("api.get_calibration", "GET"): CLASS_TEACHER,
    ("api.get_copies", "GET"): CLASS_TEACHER,
    ("api.list_anchors", "GET"): (401, 403, 403, 404, 200, 404, 200),
    ("api.said_of_anchor", "GET"): (401, 403, 404, 404, 200, 404, 200),
    ("api.keep_anchor", "PUT"): (401, 403, 404, 404, 409, 404, 409),  # no tier of this installation graded it
    ("api.dismiss_anchor", "DELETE"): (401, 403, 404, 404, 200, 404, 200),
    ("api.recalibrate", "POST"): with_success(CLASS_TEACHER, 409),  # nothing is learned yet
    ("api.change_assignment", "PUT"): CLASS_TEACHER,
    ("api.release_grades", "POST"): CLASS_TEACHER,
    ("api.list_budgets", "GET"): OPS,
    ("api.set_budget", "PUT"): OPS,
    ("api.get_costs", "GET"): OPS,
    ("api.get_costs_table", "GET"): OPS,
    ("api.get_attribution", "GET"): OPS,
    ("api.get_savings", "GET"): OPS,
    ("pages.costs", "GET"): page(OPS),
    ("api.list_queues", "GET"): OPS,
    ("api.list_feedback", "GET"): OPS,
    ("api.get_cache", "GET"): OPS,
    ("api.invalidate", "POST"): OPS,
    ("api.list_shares", "GET"): OPS,
    ("api.list_drifts", "GET"): OPS,
    ("api.list_tiers", "GET"): OPS,
    ("api.advise_on_costs", "GET"): OPS,
    ("api.pause_queue", "POST"): OPS,
    ("api.resume_queue", "POST"): OPS,
    ("api.get_saving", "GET"): OPS,
    ("api.turn_saving_on", "POST"): OPS,
    ("api.turn_saving_off", "POST"): OPS,
    ("api.list_paid_classes", "GET"): OPS,
    ("api.pay_for_class", "PUT"): OPS,
    ("api.list_alerts", "GET"): OPS,
    ("pages.home", "GET"): (302,) * 7,
    ("pages.sign_in", "GET"): (200,) + (302,) * 6,
    # Strangers have only a cookie, so their forms need a token.
    ("pages.begin_session", "POST"): (400,) + (422,) * 6,
    ("pages.choose_language", "POST"): (400,) + (303,) * 6,
    ("pages.sign_out", "POST"): deed(SIGNED_IN),
    ("pages.notices", "GET"): page(SIGNED_IN),
    ("pages.see_notices", "POST"): deed(SIGNED_IN),
    ("pages.my_assignments", "GET"): page(STUDENTS),
    ("pages.join_class", "POST"): deed(STUDENTS),
    ("pages.assignment", "GET"): page(MEMBERS),
    ("pages.submit", "POST"): (401, 303, 303, 404, 403, 404, 404),
    ("pages.release_grades", "POST"): deed(CLASS_TEACHER),
    ("pages.calibrate_assignment", "POST"): deed(CLASS_TEACHER),
    ("pages.recalibrate", "POST"): with_success(CLASS_TEACHER, 409),
    ("pages.set_tolerance", "POST"): deed(CLASS_TEACHER),
    ("pages.accept_marks", "POST"): deed(CLASS_TEACHER),
    ("pages.new_assignment", "GET"): page(CLASS_TEACHER),
    ("pages.create_assignment", "POST"): deed(CLASS_TEACHER),
    ("pages.edit_assignment", "GET"): page(CLASS_TEACHER),
    ("pages.change_assignment", "POST"): deed(CLASS_TEACHER),
    ("pages.my_classes", "GET"): page(TEACHERS),
    ("pages.create_class", "POST"): (401, 403, 403, 403, 303, 303, 403),
    ("pages.school_class", "GET"): page(CLASS_TEACHER),
    ("pages.essay", "GET"): page(READERS),
    ("pages.cancel_essay", "POST"): (401, 409, 404, 404, 403, 404, 404),  # it is graded already
    ("pages.retry_essay", "POST"): with_success(TEACHER, 409),
    ("pages.grade_by_hand", "POST"): deed(TEACHER),
    ("pages.set_anchor", "POST"): deed(TEACHER),
    ("pages.appeal_grade", "POST"): (401, 303, 404, 404, 403, 404, 404),
    ("pages.copies", "GET"): page(CLASS_TEACHER),
    ("pages.side_by_side", "GET"): page(TEACHER),
    ("pages.dismiss_copy", "POST"): deed(TEACHER),
    ("pages.restore_copy", "POST"): deed(TEACHER),
    ("pages.review", "GET"): page(TEACHERS),
    ("pages.review_essay", "GET"): page(TEACHER),
    ("pages.grade_in_review", "POST"): deed(TEACHER),
    ("pages.queues", "GET"): page(OPS),
    ("pages.cache", "GET"): page(OPS),
    ("pages.purge_cache", "POST"): deed(OPS),
    ("pages.cost_advice", "GET"): page(OPS),
    ("pages.pause_queue", "POST"): deed(OPS),
    ("pages.resume_queue", "POST"): deed(OPS),
    ("pages.turn_saving_on", "POST"): deed(OPS),
    ("pages.turn_saving_off", "POST"): deed(OPS),
    ("pages.pay_for_class", "POST"): deed(OPS),
}


def bodies(school: School) -> dict[str, Any]:
    """JSON bodies (for the API) and forms (for pages) that would succeed, by endpoint."""
    assignment = {"title": "A day", "prompt": "Write of a day.", "language": "en", "rubric": RUBRIC}
    form = {"title": "A day", "prompt": "Write of a day.", "language": "en", "release": "at_once"}
    form |= {"criteria-0-name": "Ideas", "criteria-0-max": "10"}
    return {
        "api.see_notices": {},
        "api.submit_essay": {"assignment_id": str(school.assignment.id), "text": "Once."},
        "api.grade_by_hand": {},
        "api.appeal_grade": {"reason": "I did say why."},
        "pages.appeal_grade": {"reason": "I did say why."},
        "api.ask": {"assignment_id": str(school.assignment.id), "question": "How long should it be?"},
        "api.invalidate": {"tags": ["prompt:none"]},
        "api.create_class": {"name": "Another class"},
        "api.join_class": {"join_code": make_class("A third class").join_code},
        "api.create_assignment": {"class_id": str(school.school_class.id), **assignment},
        "api.change_assignment": assignment,
        "api.set_budget": {"scope": "platform", "period": "day", "hard_usd": "5"},
        "api.turn_saving_on": {"reason": "the bill"},
        "pages.turn_saving_on": {"reason": "the bill"},
        "api.pay_for_class": {"pays_while_saving": True},
        "pages.pay_for_class": {"pays_while_saving": "true"},
        "pages.choose_language": {"language": "en"},
        "pages.join_class": {"join_code": make_class("A fourth class").join_code},
        "pages.set_anchor": {"keep": "false"},
        "pages.submit": {"text": "Once."},
        "pages.create_assignment": form,
        "pages.change_assignment": form,
        "pages.create_class": {"name": "Another class"},
    }


@pytest.fixture
def clients(client: Clients, school: School) -> dict[str, FlaskClient]:
    return {role: client(getattr(school, role, None)) for role in ROLES}


@pytest.fixture
def arguments(school: School) -> dict[str, Any]:
    """Values for the variable parts of URLs: things of the own class."""
    essay = make_essay(school.student, school.assignment, state=EssayState.graded)
    other = make_essay(school.classmate, school.assignment)
    make_overlap(essay, other)
    return {
        "essay_id": essay.id,
        "other_id": other.id,
        "class_id": school.school_class.id,
        "assignment_id": school.assignment.id,
        "question_id": make_answer(school.student, school.assignment).id,
        "name": "local",
        "filename": "no-such-file",
    }


@pytest.mark.parametrize(("endpoint", "method"), TABLE)
def test_who_may(
    endpoint: str,
    method: str,
    app: Flask,
    school: School,
    clients: dict[str, FlaskClient],
    arguments: dict[str, Any],
) -> None:
    with app.test_request_context():
        needed = app.url_map._rules_by_endpoint[endpoint][0].arguments
        url = url_for(endpoint, **{name: arguments[name] for name in needed})
    body = bodies(school).get(endpoint)
    send = {"json" if endpoint.startswith("api.") else "data": body} if body is not None else {}
    answers = {role: clients[role].open(url, method=method, **send) for role in ROLES}
    expected = dict(zip(ROLES, TABLE[endpoint, method], strict=True))
    assert {role: answer.status_code for role, answer in answers.items()} == expected


def test_every_route_is_in_the_table(app: Flask) -> None:
    routes = {
        (route.endpoint, method)
        for route in app.url_map.iter_rules()
        for method in (route.methods or set()) - {"HEAD", "OPTIONS"}
    }
    assert routes == set(TABLE)


def test_every_view_has_a_rule(app: Flask) -> None:
    assert not [name for name, view in app.view_functions.items() if rule_of(view) is None]


def test_a_view_whose_rule_was_forgotten_lets_nobody_in(servers: None, school: School, client: Clients) -> None:
    careless = create_app()
    careless.add_url_rule("/api/v1/forgotten", "forgotten", lambda: "secret")
    careless.add_url_rule("/api/v1/thought-of", "thought_of", rule(public)(lambda: "open"))
    visitor = careless.test_client()
    assert visitor.get("/api/v1/forgotten").status_code == 403
    assert visitor.get("/api/v1/thought-of").status_code == 200
