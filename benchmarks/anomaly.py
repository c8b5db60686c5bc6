"""How soon is money found that runs away, and how often is it alarm for nothing? One line of JSON.

    python -m benchmarks.anomaly [--half tune|report] [--quantiles 0.5,0.75,0.9]

Arrivals are real submissions of students around deadlines (`../shared/data/cases/submissions_*.tsv`: weeks of
exercises, and two exam evenings that come after three weeks of generated days) and generated weeks, whose handing in
crowds before deadlines. What a submission costs is drawn: on a `hybrid` platform a local model grades most, hosted ones
some, and all that come while the local queue is half an hour behind; on a `hosted` one a large model grades everything.
A submission again is the same piece of work. The rule of `grading.costs.anomaly` then judges every minute, as the
upkeep worker does.

False alarms are incidents within 30 days in which nothing was wrong; `plain` are those of “this hour costs more than
three times the mean hour”. A loop asks for sixteen pieces of work again and again, at so many times the mean hour's
rate, from random minutes on; `delay` is the median and the worst of minutes until it is found, `in_5_minutes` a share.
What is found by the count of calls, and how often for nothing, is another figure (`benchmarks.repeats`).
What the rule's figures were chosen on (`tune`) is other weeks and other traces than what is reported.
"""

from __future__ import annotations

import argparse
import csv
import json
import random
from collections import Counter, deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from statistics import median
from unittest import mock

from grading.costs import anomaly
from grading.costs.anomaly import FACTOR, MEAN_HOURS, WINDOWS, Spending, Usual, assess
from tests.corpus import SHARED

CASES = SHARED / "cases"
FLOOR = 0.5
MINUTES = 24 * 60
STRENGTHS = (4, 10, 30, 100)
LOOPS = 40
IN_LOOP = 16
"""Pieces of work in a loop, as many as one worker has in flight."""
LONGEST = 180
"""Minutes in which a loop is found, or not."""
WARM = 7 * MINUTES
"""A week to learn what is usual."""

Arrival = tuple[float, str]
"""A minute, and the piece of work that is handed in then."""


@dataclass
class Trace:
    """Windows that end with each minute, and whole hours."""

    windows: list[dict[int, Spending]]
    hours: list[Spending]

    known: dict[tuple[int, float], Usual | None] = field(default_factory=dict)

    def usual(self, minute: int) -> Usual | None:
        """What is usual in the four weeks before the tested hour."""
        last = max((minute + 1 - max(WINDOWS)) // 60, 0)
        key = last, anomaly.QUANTILE
        if key not in self.known:
            self.known[key] = anomaly.usual(self.hours[max(last - 4 * MEAN_HOURS, 0) : last])
        return self.known[key]


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--half", choices=("tune", "report"), default="report")
    parser.add_argument("--quantiles", default=str(anomaly.QUANTILE))
    options = parser.parse_args()
    arrivals = dict(traces(options.half))
    priced = {
        f"{name} {plan}": play(each, plan, random.Random(f"{name} {plan}"))  # noqa: S311 -- no secret
        for name, each in arrivals.items()
        for plan in ("hybrid", "hosted")
    }
    found = {}
    for quantile in (float(each) for each in options.quantiles.split(",")):
        with mock.patch.object(anomaly, "QUANTILE", quantile):
            found[quantile] = {name: measured(trace) for name, trace in priced.items()}
    print(json.dumps({"benchmark": "anomaly", "half": options.half, "floor_usd": FLOOR, "by_quantile": found}))


def measured(trace: Trace) -> dict[str, object]:
    """False alarms and delays on one trace."""
    minutes = range(WARM, len(trace.windows))
    days = len(minutes) / MINUTES
    mean = sum(hour.dollars for hour in trace.hours) / len(trace.hours)
    return {
        "days": round(days, 1),
        "busiest_hour": round(max(hour.dollars for hour in trace.hours) / mean),
        "mean_hour_usd": round(mean, 3),
        "false_alarms": round(incidents(trace, minutes) / days * 30, 2),
        "plain": round(plain(trace, minutes) / days * 30, 1),
        "loops": {strength: delays(trace, minutes, strength * mean) for strength in STRENGTHS},
    }


def incidents(trace: Trace, minutes: range) -> int:
    """How often something would have begun that is an incident, until it is calm again."""
    count, is_open = 0, False
    for minute in minutes:
        verdict = assess(trace.usual(minute), trace.windows[minute], FLOOR)
        if is_open:
            is_open = not verdict.calm
        elif verdict.anomalous:
            count, is_open = count + 1, True
    return count


def plain(trace: Trace, minutes: range) -> int:
    """Hours of which the plain rule would have alarmed, the first of each series."""
    count, was = 0, False
    for hour in range(minutes.start // 60, len(trace.hours)):
        week = trace.hours[hour - MEAN_HOURS : hour]
        mean = sum(each.dollars for each in week) / len(week)
        dear = trace.hours[hour].dollars
        is_ = dear > FACTOR * mean and dear > FLOOR
        count += is_ and not was
        was = is_
    return count


def delays(trace: Trace, minutes: range, usd_per_hour: float) -> dict[str, object]:
    """Minutes until a loop of that rate is found."""
    draw = random.Random(usd_per_hour)  # noqa: S311 -- no secret
    found = [delay(trace, draw.choice(minutes[:-LONGEST]), usd_per_hour / 60) for _ in range(LOOPS)]
    ordered = sorted(LONGEST + 1 if each is None else each for each in found)
    return {
        "usd_per_hour": round(usd_per_hour, 2),
        "delay": [median(ordered), ordered[-1] if ordered[-1] <= LONGEST else None],
        "in_5_minutes": sum(each <= 5 for each in ordered) / LOOPS,
        "not_found": sum(each > LONGEST for each in ordered) / LOOPS,
    }


def delay(trace: Trace, begin: int, usd_per_minute: float) -> int | None:
    """Minutes until the loop that begins then is found; None when that takes longer than `LONGEST`."""
    for since in range(1, LONGEST + 1):
        minute = begin + since - 1
        windows = {
            length: Spending(
                window.dollars + usd_per_minute * min(since, length),
                window.pieces + IN_LOOP,
            )
            for length, window in trace.windows[minute].items()
        }
        if assess(trace.usual(begin), windows, FLOOR).anomalous:
            return since
    return None


# --- what comes, and what it costs -----------------------------------------------------------------------------------


def traces(half: str) -> Iterator[tuple[str, list[Arrival]]]:
    first = half == "tune"
    for seed in range(2) if first else range(100, 102):
        yield f"generated {seed}", generated(seed, 35, 2000)
    if not CASES.exists():
        return
    exercises = real("submissions_itap2016.tsv", times=20)
    middle = 31.0 * MINUTES
    if first:
        yield "exercises, first half", [each for each in exercises if each[0] < middle]
    else:
        yield "exercises, second half", [(at - middle, piece) for at, piece in exercises if at >= middle]
        for name in ("mid", "final"):
            evening = real(f"submissions_exam_{name}.tsv", times=1)
            days = generated(200, 21, 1500)
            yield f"exam {name}", sorted([*days, *((21 * MINUTES + 17 * 60 + at, piece) for at, piece in evening)])


def real(file: str, times: int) -> list[Arrival]:
    """A trace of submissions, by minutes; each student is `times` students, who are a few minutes apart."""
    draw = random.Random(file)  # noqa: S311 -- no secret
    with (CASES / file).open(encoding="utf-8") as lines:
        rows = list(csv.reader(lines, delimiter="\t"))[1:]
    if file.startswith("submissions_itap"):
        stamps = [(datetime.fromisoformat(at).timestamp(), f"{who} {what}") for at, who, what, _ in rows]
    else:
        stamps = [(float(at), f"{who} {what}") for at, who, what in rows]
    begin = min(at for at, _ in stamps)
    shifts = [draw.uniform(0, 10) if times > 1 else 0.0 for _ in range(times)]
    return sorted(
        ((at - begin) / 60 + shift, f"{number} {piece}") for at, piece in stamps for number, shift in enumerate(shifts)
    )


def generated(seed: int, days: int, per_day: int) -> list[Arrival]:
    """Assignments with a deadline at ten in the evening; two thirds come in its last hours, some hand in again."""
    draw = random.Random(seed)  # noqa: S311 -- no secret
    arrivals: list[Arrival] = []
    while len(arrivals) < days * per_day:
        deadline = (draw.randrange(1, days) + 22 / 24) * MINUTES
        task, students = draw.getrandbits(32), draw.choice((30, 60, 120, 1000))
        for student in range(students):
            crowd = draw.random() < 0.67
            before = draw.expovariate(1 / 120) if crowd else draw.uniform(0, 7 * MINUTES)
            for _ in range(1 + (draw.random() < 0.15)):
                at = deadline - before + draw.uniform(0, 20)
                if 0 <= at < days * MINUTES:
                    arrivals.append((at, f"{task} {student}"))
    return sorted(arrivals)


def play(arrivals: list[Arrival], plan: str, draw: random.Random) -> Trace:
    """What is spent when, on that platform."""
    end = int(arrivals[-1][0]) + 2
    per_minute = len(arrivals) / end
    calls: list[list[tuple[float, str]]] = [[] for _ in range(end)]
    backlog, clock = 0.0, 0.0
    capacity = max(5 * per_minute, 0.2)
    for at, piece in arrivals:
        backlog = max(backlog - (at - clock) * capacity, 0.0)
        clock = at
        wait = backlog / capacity
        if plan == "hosted":
            dollars, seconds = 0.012, 20.0
        elif wait > 30:
            dollars, seconds = (0.0008, 15.0) if draw.random() < 0.85 else (0.0128, 30.0)
        else:
            backlog += 1
            chance = draw.random()
            dollars = 0.0001 + (0.0008 if chance < 0.20 else 0.0) + (0.012 if chance < 0.05 else 0.0)
            seconds = wait * 60 + 30
        ended = int(at + seconds / 60)
        if ended < end:
            calls[ended].append((dollars * draw.lognormvariate(-0.08, 0.4), piece))
    return Trace(_windows(calls), _hours(calls))


def _windows(calls: list[list[tuple[float, str]]]) -> list[dict[int, Spending]]:
    found: list[dict[int, Spending]] = [{} for _ in calls]
    for length in WINDOWS:
        inside: deque[list[tuple[float, str]]] = deque()
        pieces: Counter[str] = Counter()
        for minute, new in enumerate(calls):
            inside.append(new)
            pieces.update(piece for _, piece in new)
            if len(inside) > length:
                for _, piece in inside.popleft():
                    pieces[piece] -= 1
                    if not pieces[piece]:
                        del pieces[piece]
            dollars = sum(cost for one in inside for cost, _ in one)
            found[minute][length] = Spending(dollars, len(pieces))
    return found


def _hours(calls: list[list[tuple[float, str]]]) -> list[Spending]:
    found = []
    for begin in range(0, len(calls) - 59, 60):
        inside = [call for minute in calls[begin : begin + 60] for call in minute]
        found.append(Spending(sum(cost for cost, _ in inside), len({piece for _, piece in inside})))
    return found


if __name__ == "__main__":
    main()
