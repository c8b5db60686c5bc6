"""The guide's three plans and what would change if something else did, each a month of its own.

A  hosted models only, routed        B  the local model only        C  local first, the hosted ones where it is unsure
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

import numpy as np

from grading.simulation.assumptions import Assumptions, draw
from grading.simulation.month import Stage, priced, run
from grading.simulation.replay import COMPLEX, NEW, Essays
from grading.simulation.traffic import Recorded


def plans(given: Assumptions, essays: Essays, found: Mapping[str, Stage]) -> Iterator[Stage]:
    """`found` are the stages by name: A is the stage `routing`, C the stage `local`."""
    local = tuple(tier for tier in given.tiers if tier.engine == "local")
    yield replace(found["routing"], stage="A")
    if local:
        yield priced("B", given, essays, run(given, essays, local))
    yield replace(found["local"], stage="C")


def what_ifs(given: Assumptions, essays: Essays, recorded: Recorded | None) -> Iterator[Stage]:
    """The last stage (`batch`), with one thing changed each."""

    def last(name: str, given: Assumptions, essays: Essays, closed: dict[str, str] | None = None) -> Stage:
        return priced(name, given, essays, run(given, essays, given.tiers, batches=True, closed=closed))

    twice = replace(given, essays=2 * given.essays)
    yield last("essays × 2", twice, draw(twice, recorded))
    machine = replace(given.machine, workers=2 * given.machine.workers)
    yield last("machines × 2", replace(given, machine=machine), essays)
    down = {tier.name: "the machine is down" for tier in given.tiers if tier.engine == "local"}
    if down:
        yield last("machine down", given, essays, down)
    yield last("hosted prices × 2", replace(given, price_factor=2 * given.price_factor), essays)
    yield last("no repeats", given, replace(essays, repeats=np.full_like(essays.repeats, NEW)))
    yield last("all complex", given, replace(essays, kind=np.full_like(essays.kind, COMPLEX)))
    unsure = {name: max(0.0, 1 - 2 * (1 - share)) for name, share in given.accepted.items()}
    yield last("unsure × 2", replace(given, accepted=unsure), essays)
    yield last("no batches", given, replace(essays, late=np.zeros_like(essays.late)))
