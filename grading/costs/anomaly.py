"""Does money run away? A pure judgement from what was spent lately and what is usual.

“This hour costs more than three times the mean hour” alone would alarm on every deadline evening, whose busiest hour is
dozens of times the mean. So money is anomalous only where it is *much* and *not explained by work*. Over one of the
trailing `WINDOWS` of m minutes, in which d dollars were spent on n pieces of work, all of these must hold:

    d > `FACTOR` · m/60 · H        much: H is the mean hour of the 7 days before the tested hour
    d > `FACTOR` · n · u           unexplained: u is the usual cost of a piece of work
    d - n · u ≥ floor              worth a person's while, in dollars

A piece of work is what one person has to do for one task, however often it is handed in or asked of a model: a loop
that calls again and again spends without new pieces, a whole school at its deadline brings pieces with the spending.
u is the `QUANTILE` of hourly dollars a piece over four weeks, each hour weighed by its pieces: hours in which a full
local queue sent essays to a hosted model are usual, and a former incident weighs little, which a mean would not
forget. The windows end now and are in no mean: a tested value inside its own mean hides itself. Short ones find a loop
within minutes, the hour a slow one. With less than `LEAST_HOURS` or `LEAST_PIECES` of history there is no verdict.

A loop that is cheap is found by its count, whatever its dollars and without any history: nothing is asked for more
often within `COUNTED` minutes than `grading.costs.repeats` explains.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from grading.costs.repeats import MOST, Repeat

WINDOWS = (5, 15, 60)
"""Minutes."""
FACTOR = 3.0
CALM = 1.5
"""The factor below which an incident is over: half way back, so that it does not flap."""
QUANTILE = 0.9
MEAN_HOURS = 7 * 24
COUNTED = 15
"""Minutes, of `WINDOWS`, in which repeats are counted."""
LEAST_HOURS = 24
LEAST_PIECES = 100


@dataclass(frozen=True)
class Spending:
    """What was spent in some stretch of time, in US dollars, and on how many pieces of work."""

    dollars: float
    pieces: int
    repeat: Repeat | None = None
    """What was asked for most often, by calls that cost something; looked for in the window of `COUNTED`."""

    @property
    def loop(self) -> Repeat | None:
        """The same, where that is oftener than any work needs."""
        return self.repeat if self.repeat and self.repeat.times > MOST else None


@dataclass(frozen=True)
class Usual:
    """What is usual: dollars of the mean hour, dollars of a piece of work."""

    hour: float
    piece: float

    def explain(self, spent: Spending) -> float:
        """The dollars that so many pieces of work usually cost."""
        return spent.pieces * self.piece


@dataclass(frozen=True)
class Verdict:
    """What the most suspicious window shows; `usual` is None where too little is known to judge by dollars."""

    anomalous: bool
    calm: bool
    minutes: int
    spending: Spending
    usual: Usual | None


def usual(history: Sequence[Spending]) -> Usual | None:
    """From whole hours, oldest first, idle ones among them, none of which is tested; None where they are too few."""
    if len(history) < LEAST_HOURS or sum(hour.pieces for hour in history) < LEAST_PIECES:
        return None
    week = history[-MEAN_HOURS:]
    return Usual(sum(hour.dollars for hour in week) / len(week), _usual_piece(history))


def assess(known: Usual | None, windows: Mapping[int, Spending], floor: float) -> Verdict:
    """Judge what was spent in the last minutes, by their number, by what is `usual`; `floor` in dollars."""
    for minutes, spent in windows.items():
        if spent.loop:
            return Verdict(True, False, minutes, spent, known)
    if known is None:
        longest = max(windows)
        return Verdict(False, True, longest, windows[longest], None)
    stands_out = {minutes: _stands_out(minutes, spent, known) for minutes, spent in windows.items()}
    worst = max(windows, key=lambda minutes: (_excess(windows[minutes], known) >= floor, stands_out[minutes]))
    dear = _excess(windows[worst], known) >= floor
    return Verdict(
        anomalous=dear and stands_out[worst] > FACTOR,
        calm=not dear or stands_out[worst] < CALM,
        minutes=worst,
        spending=windows[worst],
        usual=known,
    )


def _stands_out(minutes: int, spent: Spending, known: Usual) -> float:
    """How many times it is what the hour and the work would let one expect, whichever is more."""
    expected = max(known.hour * minutes / 60, known.explain(spent))
    return spent.dollars / expected if expected else (float("inf") if spent.dollars else 0.0)


def _excess(spent: Spending, known: Usual) -> float:
    return spent.dollars - known.explain(spent)


def _usual_piece(history: Sequence[Spending]) -> float:
    costs = sorted((hour.dollars / hour.pieces, hour.pieces) for hour in history if hour.pieces)
    wanted = QUANTILE * sum(pieces for _, pieces in costs)
    seen = 0
    for cost, pieces in costs:
        seen += pieces
        if seen >= wanted:
            return cost
    return costs[-1][0]
