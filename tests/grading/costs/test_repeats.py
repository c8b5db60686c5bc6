"""grading/costs/repeats.py: which ids are of one thing that is asked for again and again."""

from __future__ import annotations

import uuid

import pytest

from grading.costs.repeats import MOST, Repeat, most
from grading.engines import hosted
from settings import settings

ESSAY, OTHER = str(uuid.uuid4()), str(uuid.uuid4())
FIRST, SECOND = uuid.uuid4().hex, uuid.uuid4().hex


def times(*request_ids: str, tier: str = "large") -> int:
    found = most((request_id, tier) for request_id in request_ids)
    return found.times if found else 0


def test_the_unluckiest_honest_work_has_no_more_than_the_most_of_anything() -> None:
    """Two readings, two replies each, all attempts at each; and as often as workers may die over it."""
    replies = ("", ".2", ".rest", ".rest.2")
    attempts = range(1, len(replies) * hosted.ATTEMPTS + 1)
    claims = [uuid.uuid4().hex for _ in range(settings().max_attempts)]
    calls = [
        f"{ESSAY}.{claim}{replies[(number - 1) // hosted.ATTEMPTS]}.a{number}"
        for claim in claims
        for number in attempts
    ]
    assert len(calls) == 64
    assert times(*calls) == MOST == hosted.ATTEMPTS


def test_one_more_attempt_reply_or_claim_is_too_many_and_it_is_said_which() -> None:
    attempts = [f"{ESSAY}.{FIRST}.rest.2.a{number}" for number in range(1, MOST + 2)]
    replies = [f"{ESSAY}.{FIRST}{'.2' * number}" for number in range(MOST + 1)]
    claims = [f"{ESSAY}.{uuid.uuid4().hex}.a1" for _ in range(MOST + 1)]
    for calls, what in (
        (attempts, "attempts at one reply"),
        (replies, "replies in one claim"),
        (claims, "claims at one tier"),
    ):
        assert most((each, "large") for each in calls) == Repeat(MOST + 1, what, ESSAY)


def test_claims_at_several_tiers_are_counted_apart() -> None:
    ids = [f"{ESSAY}.{uuid.uuid4().hex}.a1" for _ in range(6)]
    found = most((each, tier) for each, tier in zip(ids, ["small", "large"] * 3, strict=True))
    assert found
    assert found.times == 3


@pytest.mark.parametrize("before", ["", "ask.", "regrade.", "shadow."])
@pytest.mark.parametrize("claim", [FIRST, FIRST[:8]])
def test_questions_regrades_and_checks_have_subjects_too(before: str, claim: str) -> None:
    ids = [f"{before}{ESSAY}.{claim}.a{number}" for number in range(1, 4)]
    assert most((each, "large") for each in ids) == Repeat(3, "attempts at one reply", f"{before}{ESSAY}")
    assert times(f"{before}{ESSAY}.{claim}", f"{before}{ESSAY}.{SECOND}.2") == 2


def test_what_has_no_subject_is_not_counted() -> None:
    """Embeddings, and essays that are graded without a server."""
    alone = [uuid.uuid4().hex for _ in range(9)]
    assert times(*alone, *(f"{each}.2" for each in alone), *(f"embed.{each}" for each in alone)) == 0


def test_many_essays_at_once_are_many_things() -> None:
    assert times(*(f"{uuid.uuid4()}.{uuid.uuid4().hex}.a1" for _ in range(1000)), f"{OTHER}.{FIRST}") == 1
