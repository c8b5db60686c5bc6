"""How often do anchors alert by chance, and how soon when marks have moved? One line of JSON.

    python -m benchmarks.sentinel [--days 10000]

Simulated: `ANCHORS` essays whose marks waver from day to day by a normal error of so many levels (standard deviation),
against a baseline of ten days. `by_chance` is the share of days with an alert where nothing has moved, `noticed` that
of first days after a shift of so many levels.
"""

from __future__ import annotations

import argparse
import json
import random
from datetime import date, timedelta

from grading.sentinel import ANCHORS, shift

BASELINE = 10
BEGIN = date(2026, 1, 1)
TODAY = BEGIN + timedelta(days=BASELINE)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--days", type=int, default=10_000)
    days = parser.parse_args().days
    found = {
        wavers: {
            "by_chance": alerts(wavers, 0.0, days),
            "noticed": {moved: alerts(wavers, moved, days // 10) for moved in (0.25, 0.5, 1.0)},
        }
        for wavers in (0.0, 0.1, 0.25, 0.5)
    }
    print(json.dumps({"benchmark": "sentinel", "days": days, "wavers": found}))


def alerts(wavers: float, moved: float, days: int) -> float:
    """The share of days on which there is an alert."""
    draw = random.Random(0)  # noqa: S311 -- no secret
    return sum(alerted(draw, wavers, moved) for _ in range(days)) / days


def alerted(draw: random.Random, wavers: float, moved: float) -> bool:
    runs = {}
    for anchor in range(ANCHORS):
        marks = {BEGIN + timedelta(days=day): 3 + draw.gauss(0, wavers) for day in range(BASELINE + 1)}
        marks[TODAY] += moved
        runs[anchor] = marks
    found = shift(runs, TODAY)
    return found is not None and found.drifted


if __name__ == "__main__":
    main()
