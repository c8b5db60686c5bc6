"""What is asked for most often: the shape of request ids shows a loop long before money does.

    <subject>.<claim>[.rest][.2][.aN]

An essay, a regrade or a question is the subject. Each time a worker takes it up is a claim; in one there are up to
`MOST` replies (the essay as it stands and, where something in it speaks to its grader, without that, each asked for
once more when no grade came); and at a hosted tier up to `MOST` attempts at each (`grading.engines.hosted.ATTEMPTS`).
A worker that dies is followed by another, also not without end (the setting `max_attempts`). So no level of an id
branches into more than `MOST`, however honest the work and however bad its luck: one that does is a loop.

Where a provider fails, essays that wait for it are taken up more often, one attempt each time; such calls are not
counted (`grading.costs.spending`). Two things are that have no bound of their own, and an alarm is right about both: a
worker that is stopped again and again, whose essays are given back each time, and somebody who has an essay that fails
tried again and again. Each costs, and brings nothing.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

MOST = 4

_UUID = r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
_SHAPE = re.compile(rf"(?P<subject>(?:[a-z]+\.)?{_UUID})\.(?P<claim>[0-9a-f]+)(?P<reply>(?:\.[a-z0-9]+)*?)(?:\.a\d+)?")


@dataclass(frozen=True)
class Repeat:
    """`times` that something was asked for: `what` of the `subject`, whose id it is."""

    times: int
    what: str
    subject: str


def most(calls: Iterable[tuple[str, str]]) -> Repeat | None:
    """What was asked for most often; calls are (request id, tier). None when no id has this shape."""
    shapes = ((_SHAPE.fullmatch(request_id), tier) for request_id, tier in calls)
    named = ((shape["subject"], tier, shape["claim"], shape["reply"]) for shape, tier in shapes if shape)
    attempts: Counter[tuple[str, ...]] = Counter(named)
    replies = Counter(reply[:3] for reply in attempts)
    claims = Counter(claim[:2] for claim in replies)
    levels = {"attempts at one reply": attempts, "replies in one claim": replies, "claims at one tier": claims}
    counted = (Repeat(times, what, key[0]) for what, level in levels.items() for key, times in level.items())
    return max(counted, key=lambda repeat: repeat.times, default=None)
