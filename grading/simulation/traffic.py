"""When essays are handed in: on a recorded day, or on a generated one that is as bursty.

A day's burstiness is two numbers that do not depend on how many essays it has: its busiest hour beside the mean hour,
and the squared coefficient of variation of the rate by minutes, (variance − mean) / mean² of the counts. The index of
dispersion of a day with m essays a minute is then 1 + m times the second. Both are over all 24 hours.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from grading.simulation.queueing import DAY

Array = NDArray[np.floating[Any]]

TIME_COLUMNS = ("time", "t_s", "server_time", "submitted_at")
NEAR = 0.2
"""A generated day may differ so much from a real one, as a share of it, and be called realistic."""

_GENERATED_LIKE = "exam_mid"
_MEAN_H, _SPREAD_H, _SKEWNESS = 20.0, 0.744, 0.452
"""Of the hour of the day at which essays come: spread and skewness are those of the day `_GENERATED_LIKE`, the mean is
an evening's."""
_RESTLESS = 0.065
"""Squared coefficient of variation of a minute's rate around the half hour's, on the same day."""


class NoArrivals(ValueError):
    """A file that holds no arrival times; the message says what is wrong with it."""


@dataclass(frozen=True)
class Burstiness:
    peak_to_mean_hour: float
    rate_cv2: float
    dispersion: float
    """Index of dispersion of the counts by minutes, which grows with the number of essays."""

    def is_near(self, other: Burstiness) -> bool:
        """Within `NEAR` of the other in both numbers."""
        pairs = ((self.peak_to_mean_hour, other.peak_to_mean_hour), (self.rate_cv2, other.rate_cv2))
        return all(abs(ours - theirs) <= NEAR * theirs for ours, theirs in pairs)


REAL: Mapping[str, Burstiness] = {
    "exam_mid": Burstiness(11.73, 9.20, 71.5),
    "exam_final": Burstiness(11.22, 7.61, 70.3),
}
"""Two real days on which some 1,600 students of one course handed in 11,025 and 13,112 answers."""


@dataclass(frozen=True)
class Recorded:
    """A file of arrivals: seconds from the midnight (or the beginning) of its busiest day, in their order, and the
    length of each essay in characters and whether it is Chinese, where the file says so."""

    times: Array
    characters: NDArray[np.int64] | None = None
    chinese: NDArray[np.bool_] | None = None


def read(path: Path) -> Recorded:
    """A CSV or TSV with a header, one arrival a line.

    The time is in the column `time`, `t_s`, `server_time` or `submitted_at`: seconds, or a date and time (ISO 8601).
    `characters` and `language` (zh or en) are read where they are there. Of several days the busiest is taken.
    Raises `NoArrivals`.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            between = "\t" if "\t" in file.readline() else ","
            file.seek(0)
            rows = csv.DictReader(file, delimiter=between)
            return _recorded(list(rows), rows.fieldnames or ())
    except UnicodeDecodeError as error:
        raise NoArrivals(f"it is not UTF-8: {error}") from None


def _recorded(rows: list[dict[str, str]], columns: Iterable[str]) -> Recorded:
    column = next((name for name in TIME_COLUMNS if name in columns), None)
    if column is None:
        raise NoArrivals(f"it has no column {', '.join(TIME_COLUMNS[:-1])} or {TIME_COLUMNS[-1]} in its first line")
    if not rows:
        raise NoArrivals("it has no arrivals after its first line")
    seconds = np.array([_seconds(row[column], line) for line, row in enumerate(rows, start=2)])
    absolute = not _is_number(rows[0][column])
    start = seconds.min() // DAY * DAY if absolute else seconds.min()
    days = ((seconds - start) // DAY).astype(int)
    busiest = int(np.bincount(days).argmax())
    kept = np.flatnonzero(days == busiest)
    kept = kept[np.argsort(seconds[kept], kind="stable")]
    return Recorded(
        seconds[kept] - start - busiest * DAY,
        np.array([_characters(rows[i]["characters"], i + 2) for i in kept]) if "characters" in columns else None,
        np.array([rows[i]["language"].startswith("zh") for i in kept]) if "language" in columns else None,
    )


def _is_number(value: str) -> bool:
    try:
        float(value)
    except ValueError:
        return False
    return True


def _seconds(value: str | None, line: int) -> float:
    try:
        if value and _is_number(value):
            found = float(value)
        else:
            at = datetime.fromisoformat(value or "")
            found = (at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp()
    except ValueError:
        found = float("nan")
    if not np.isfinite(found):
        raise NoArrivals(f"line {line}: {value!r} is neither a number of seconds nor a date and time")
    return found


def _characters(value: str | None, line: int) -> int:
    if not (value or "").isdecimal() or not int(value or 0):
        raise NoArrivals(f"line {line}: {value!r} is no number of characters")
    return int(value or 0)


def burstiness(times: Array) -> Burstiness:
    """Of one day's arrivals, in seconds from its beginning; there is at least one."""
    minutes = np.bincount((times // 60).astype(int), minlength=1440)[:1440]
    hours = minutes.reshape(24, 60).sum(axis=1)
    mean, variance = float(minutes.mean()), float(minutes.var())
    return Burstiness(float(hours.max() / hours.mean()), (variance - mean) / mean**2, variance / mean)


def like(recorded: Array, essays: int, random: np.random.Generator) -> tuple[Array, NDArray[np.int64]]:
    """So many arrivals with the recorded ones' pattern, and the row of the recorded one that each is like.

    They are drawn from the recorded distribution, straight between two of its arrivals; as many as were recorded are
    the recorded ones.
    """
    if essays == len(recorded):
        return recorded, np.arange(essays)
    drawn = np.sort(random.random(essays)) * (len(recorded) - 1)
    return np.interp(drawn, np.arange(len(recorded)), recorded), drawn.round().astype(np.int64)


def generated(essays: int, random: np.random.Generator) -> Array:
    """A day before a deadline in the evening: a gamma distribution with the moments of a real day, by the minute, each
    minute's rate restless as there (a Cox process)."""
    shape = (2 / _SKEWNESS) ** 2
    scale = _SPREAD_H / shape**0.5
    hours = (np.arange(1440) + 0.5) / 60 - (_MEAN_H - shape * scale)
    with np.errstate(divide="ignore", invalid="ignore"):
        logs = (shape - 1) * np.log(hours) - hours / scale
    rates = np.where(hours > 0, np.exp(logs - np.nanmax(logs)), 0.0)
    rates *= random.gamma(1 / _RESTLESS, _RESTLESS, 1440)
    minutes = np.repeat(np.arange(1440), random.multinomial(essays, rates / rates.sum()))
    return np.sort((minutes + random.random(essays)) * 60)
