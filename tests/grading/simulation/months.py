"""Small months for the tests: few essays, of which everything is given."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

import numpy as np

from grading.routing import Thresholds
from grading.simulation.assumptions import Assumptions, Machine
from grading.simulation.replay import NEW, USUAL, Essays
from settings import Tier

LOCAL = Tier(name="local", engine="local", accept_confidence=0.8)
SMALL = Tier(name="small", engine="openai", model="gpt-3.5-turbo", accept_confidence=0.9)
LARGE = Tier(name="large", engine="openai", model="gpt-4-turbo")
SURE, UNSURE = 1.0, 0.01
"""Luck of an essay of which a model is sure, and of which it is not."""


def assumptions(**others: Any) -> Assumptions:
    """One day; the models of the guide at its prices; a machine that takes one essay at a time, ten seconds each, at
    3.60 dollars an hour."""
    given = Assumptions(
        tiers=(LOCAL, SMALL, LARGE),
        thresholds=Thresholds(accept={"local": 0.8, "small": 0.9}),
        baseline_model="gpt-4-turbo",
        prompts={"en": "v1", "zh": "v1"},
        days=1,
        local_retries=0.0,
        machine=Machine(workers=1, rate=0.1, at_once=1, hour_usd=Decimal("3.60")),
        hosted_at_once=2,
        hosted_s=5.0,
    )
    return replace(given, **others)


def essays(*times: float, **columns: Any) -> Essays:
    """Usual English essays of 800 characters that come at those seconds, and nothing odd about them."""
    count = len(times)
    none = np.zeros(count, dtype=bool)
    of = Essays(
        times=np.array(times),
        characters=np.full(count, 800),
        chinese=none,
        kind=np.full(count, USUAL, dtype=np.int8),
        late=none,
        repeats=np.full(count, NEW),
        retried=none,
        assignment=np.zeros(count, dtype=np.int64),
        student=np.zeros(count, dtype=np.int64),
        luck={tier: np.full(count, SURE) for tier in ("local", "small", "large", "baseline")},
    )
    luck = {tier: np.array(column) for tier, column in columns.pop("luck", {}).items()}
    return replace(of, luck={**of.luck, **luck}, **{name: np.array(column) for name, column in columns.items()})
