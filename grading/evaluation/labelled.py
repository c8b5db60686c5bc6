"""Essays with people's marks, read from a file: CSV, TSV or JSON Lines, in UTF-8, plain or gzipped.

Columns: `id`, `text`, and `score` or `rater1` and `rater2` (without a score it is their mean). May be there: `min`,
`max` and `step` of the scale, `prompt_id` (which assignment), `prompt` (what was asked). Every other column of plain
values is a group, by which agreement can be shown.
"""

from __future__ import annotations

import csv
import gzip
import io
import json
import math
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from grading.text import TextError, check

SUFFIXES = {".csv": ",", ".tsv": "\t", ".jsonl": ""}
OWN = ("id", "text", "score", "rater1", "rater2", "min", "max", "step", "prompt_id", "prompt")
SHOWN = 5
"""Faults of a file that are told at once."""
LONGEST_GROUP = 60
"""Characters; what is longer is no name of a group."""


class LabelledError(ValueError):
    """The file cannot be used; the message names the lines and says what is wrong with them."""


@dataclass(frozen=True)
class Essay:
    """One essay with its marks, in points; `line` is where it stands in the file."""

    line: int
    id: str
    text: str
    score: float
    raters: tuple[float, float] | None = None
    low: float | None = None
    high: float | None = None
    step: float | None = None
    prompt_id: str = ""
    prompt: str = ""
    groups: Mapping[str, str] = field(default_factory=dict)
    """Its value in every other column; what is empty is left out."""


class _FaultError(Exception):
    """What is wrong with one line."""


def read(path: Path, columns: Mapping[str, str] | None = None) -> list[Essay]:
    """The essays of a file, in its order. `columns` names ours by theirs, such as `{"id": "essay_id"}`.

    Raises `LabelledError` that names the first lines that cannot be used.
    """
    essays: list[Essay] = []
    faults: list[str] = []
    seen: dict[tuple[str, str], int] = {}
    for line, row in _rows(path, columns or {}):
        try:
            if isinstance(row, _FaultError):
                raise row
            essay = _essay(line, row)
            first = seen.setdefault((essay.prompt_id, essay.id), line)
            if first != line:
                raise _FaultError(f"has the same id as line {first} ({essay.id}); give every essay its own")
            essays.append(essay)
        except _FaultError as fault:
            faults.append(f"line {line} {fault}")
    if faults:
        shown = [*faults[:SHOWN], *([f"… and {len(faults) - SHOWN} more lines"] if len(faults) > SHOWN else [])]
        raise LabelledError(f"{path} cannot be used:\n" + "\n".join(f"  {fault}" for fault in shown))
    if not essays:
        raise LabelledError(f"{path} has no essays.")
    return essays


def _rows(path: Path, columns: Mapping[str, str]) -> Iterator[tuple[int, dict[str, Any] | _FaultError]]:
    """Every line with its number, under our names of the columns."""
    name = path.name.removesuffix(".gz")
    suffix = Path(name).suffix
    if suffix not in SUFFIXES:
        raise LabelledError(f"{path}: only {', '.join(SUFFIXES)} files, also as .gz, hold essays with marks.")
    try:
        content = path.read_bytes()
        text = (gzip.decompress(content) if path.suffix == ".gz" else content).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        raise LabelledError(f"{path} is not UTF-8 (line {line}); please convert it.") from None
    except (OSError, EOFError) as error:
        raise LabelledError(f"{path} cannot be read: {getattr(error, 'strerror', None) or error}.") from None
    if suffix == ".jsonl":
        yield from ((line, _renamed(row, columns)) for line, row in _json_lines(text))
    else:
        yield from ((line, _renamed(row, columns)) for line, row in _table(path, text, SUFFIXES[suffix]))


def json_lines(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    """The objects of a JSON Lines file, also gzipped, with the numbers of their lines. Raises `LabelledError`."""
    try:
        content = path.read_bytes()
        text = (gzip.decompress(content) if path.suffix == ".gz" else content).decode()
    except (OSError, EOFError, UnicodeDecodeError) as error:
        raise LabelledError(f"{path} cannot be read: {error}.") from None
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except ValueError:
            row = None
        if not isinstance(row, dict):
            raise LabelledError(f"{path}, line {number}: is no JSON object.")
        yield number, row


def _json_lines(text: str) -> Iterator[tuple[int, dict[str, Any] | _FaultError]]:
    for number, line in enumerate(text.split("\n"), 1):
        if line.strip():
            try:
                row = json.loads(line)
            except (ValueError, RecursionError):
                row = None
            yield number, row if isinstance(row, dict) else _FaultError("is no JSON object")


def _table(path: Path, text: str, delimiter: str) -> Iterator[tuple[int, dict[str, Any] | _FaultError]]:
    csv.field_size_limit(sys.maxsize)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    try:
        header = [name.strip() for name in next(reader, [])]
        start = reader.line_num + 1
        for cells in reader:
            if len(cells) == len(header):
                yield start, dict(zip(header, cells, strict=True))
            elif cells:
                yield start, _FaultError(f"has {len(cells)} columns where the first line names {len(header)}")
            start = reader.line_num + 1
    except csv.Error as error:
        raise LabelledError(f"{path}, line {reader.line_num}: {error}.") from None


def _renamed(row: dict[str, Any] | _FaultError, columns: Mapping[str, str]) -> dict[str, Any] | _FaultError:
    if isinstance(row, _FaultError) or not columns:
        return row
    taken = set(columns.values())
    kept = {name: value for name, value in row.items() if name not in taken and name not in columns}
    return {**kept, **{ours: row[theirs] for ours, theirs in columns.items() if theirs in row}}


def _essay(line: int, row: Mapping[str, Any]) -> Essay:
    missing = [name for name in ("id", "text") if name not in row]
    if "score" not in row and "rater1" not in row:
        missing.append("score (or rater1 and rater2)")
    if missing:
        raise _FaultError(f"has no {' and no '.join(missing)}; its columns are {', '.join(map(str, row)) or 'none'}")
    raters = [_number(row, name) for name in ("rater1", "rater2")]
    both = (raters[0], raters[1]) if raters[0] is not None and raters[1] is not None else None
    score = _number(row, "score")
    if score is None and "score" not in row:
        score = sum(both) / 2 if both else raters[0]
    if score is None:
        raise _FaultError("has no mark")
    low, high, step = (_number(row, name) for name in ("min", "max", "step"))
    if (low is not None and score < low) or (high is not None and score > high):
        raise _FaultError(f"has the mark {score:g}, which is outside of its scale from {low} to {high}")
    if step is not None and step <= 0:
        raise _FaultError(f"has the step {step:g}; it must be above 0")
    return Essay(
        line=line,
        id=_name(row),
        text=_text(row),
        score=score,
        raters=both,
        low=low,
        high=high,
        step=step,
        prompt_id=_plain(row.get("prompt_id")),
        prompt=_plain(row.get("prompt")),
        groups={name: value for name, value in _groups(row) if value},
    )


def _name(row: Mapping[str, Any]) -> str:
    name = row["id"]
    if isinstance(name, bool) or not isinstance(name, str | int) or name == "":
        raise _FaultError("has no id; it must be a text or a whole number")
    return str(name)


def _text(row: Mapping[str, Any]) -> str:
    text = row["text"]
    if not isinstance(text, str):
        raise _FaultError("has a text that is none")
    try:
        check(text)
    except TextError as error:
        raise _FaultError(f"cannot be graded: {error.message}") from None
    return text


def _number(row: Mapping[str, Any], name: str) -> float | None:
    """None where there is none."""
    value = row.get(name)
    if value is None or (isinstance(value, str) and not value.strip()):
        return None
    try:
        number = math.nan if isinstance(value, bool) else float(value)
    except (TypeError, ValueError):
        number = math.nan
    if not math.isfinite(number):
        raise _FaultError(f"has {name} {value!r}, which is no number")
    return number


def _groups(row: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    yield "prompt_id", _plain(row.get("prompt_id"))
    for name, value in row.items():
        if name not in OWN and len(_plain(value)) <= LONGEST_GROUP:
            yield name, _plain(value)


def _plain(value: Any) -> str:
    """Of a text or a number, as it is read; of anything else nothing."""
    return str(value).strip() if isinstance(value, str | int | float) else ""
