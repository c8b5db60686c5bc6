"""app/pages/ops.py: the queues and their switches."""

from __future__ import annotations

import time
from typing import Any

from grading import queues
from grading.cache.chain import chain
from grading.cache.counts import Count
from grading.cache.key import Key
from models import EssayState
from models.session import session
from tests.app.pages.conftest import Visit
from tests.conftest import use_environment
from tests.factories import School, make_essay


def test_the_queues_are_shown_with_what_is_in_them(visit: Visit, school: School, redis: Any) -> None:
    make_essay(school.student, school.assignment, state=EssayState.queued)
    make_essay(school.student, school.assignment, state=EssayState.grading)
    page = visit(school.ops).get("/queues")
    [line] = [line for line in page.text.split("Pause") if "Local model local" in line]
    assert "Local model local 1 " in line
    assert "no worker" in line


def test_it_is_shown_who_gives_the_grades(visit: Visit, school: School, redis: Any) -> None:
    make_essay(school.student, school.assignment, state=EssayState.graded)
    page = visit(school.ops).get("/queues")
    table = page.text.split("Who gives the grades")[1]
    assert "Local model 1 100% 0 1 100% 0" in table
    assert "Teachers 0 0% 0" in table


def test_the_part_that_is_fetched_again_and_again_does_without_counting_a_week(
    visit: Visit, school: School, redis: Any
) -> None:
    part = visit(school.ops).get("/queues?part=queues")
    assert "Local model local" in part.text
    assert "Who gives the grades" not in part.text


def test_a_queue_is_paused_and_goes_on_again(visit: Visit, school: School, redis: Any) -> None:
    visitor = visit(school.ops)
    page = visitor.send(visitor.get("/queues"), "/queues/local/pause")
    assert "Local model is paused." in page.text
    assert f"paused {school.ops.email}" in page.text
    with session() as db:
        assert queues.is_paused(db, "local")
    page = visitor.send(page, "/queues/local/resume")
    assert "Local model goes on." in page.text
    with session() as db:
        assert not queues.is_paused(db, "local")


def test_only_queues_of_essays_have_a_switch(visit: Visit, school: School, redis: Any) -> None:
    page = visit(school.ops).get("/queues")
    switches = [form.action for form in page.forms if form.action.startswith("/queues/")]
    assert switches == ["/queues/triage/pause", "/queues/local/pause"]


def test_the_page_says_who_is_asked_and_why_somebody_is_not(visit: Visit, school: School, redis: Any) -> None:
    text = visit(school.ops).get("/queues").text
    assert "there is no provider here; OPENAI_API_KEY or PIZHU_OPENAI_BASE_URL opens one" in text
    with use_environment({"OPENAI_API_KEY": "a-key", "PIZHU_LOCAL_MODEL": "none"}):
        text = visit(school.ops).get("/queues").text
    assert "there is no local model here; PIZHU_LOCAL_MODEL names one" in text
    assert "gpt-4.1-mini 0.9 open" in " ".join(text.split())


def test_the_cache_is_shown_and_emptied(visit: Visit, school: School, redis: Any) -> None:
    key = Key("ask", "public", {"task": "ask"}, "How long?", frozenset())
    chain().get_or_call(key, lambda: "Eight hundred words.")
    counted = {Count("refused:numbers", "ask", "ask").field: 4, Count("refused:words", "ask", "ask").field: 5}
    redis.hset(f"pizhu:cache:counts:{int(time.time()) // 3600}", mapping=counted)
    visitor = visit(school.ops)
    page = visitor.get("/cache")
    assert "another word that matters 5 other numbers 4" in " ".join(page.text.split())
    assert "How long?" not in page.text
    assert "1 answers, 0 of 64 MiB." in page.text
    page = visitor.send(page, "/cache/purge")
    assert "1 answers are forgotten, in every process." in page.text
    assert chain().look_up(key) is None
