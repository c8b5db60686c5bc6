"""A rubric: what is judged, for how many points, and what the levels of each criterion look like."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from functools import cached_property
from typing import Any

from grading.text import CONTROL

LEVELS = (1, 2, 3, 4, 5, 6)
"""The levels a grader chooses from, weakest first."""

MAX_CRITERIA = 12
MAX_NAME = 80
MAX_DESCRIPTOR = 1000
MAX_POINTS = Decimal(1000)

_CENT = Decimal("0.01")
_KEY = re.compile(r"[a-z][a-z0-9_]{0,31}")
_LINE_BREAK = re.compile(r"[\t\n\r\x85\u2028\u2029]")
_FIELDS = ("key", "name", "max", "descriptors")


class RubricError(ValueError):
    """Everything that is wrong with a rubric: `errors` is a list of `{"field", "message"}`, in the rubric's order."""

    def __init__(self, errors: list[dict[str, str]]) -> None:
        super().__init__("; ".join(f"{error['field']}: {error['message']}" for error in errors))
        self.errors = errors


@dataclass(frozen=True)
class Criterion:
    """One thing that is judged.

    `max` is in points. `descriptors` say what levels look like, weakest first: six of them describe the levels 1 to 6,
    fewer are spread over them, a single one says what the criterion is about.
    """

    key: str
    name: str
    max: Decimal
    descriptors: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        return {
            "key": self.key,
            "name": self.name,
            "max": number(self.max),
            "descriptors": list(self.descriptors),
        }


@dataclass(frozen=True)
class Rubric:
    criteria: tuple[Criterion, ...]

    @classmethod
    def parse(cls, obj: object) -> Rubric:
        """A rubric from `{"criteria": [{"key", "name", "max", "descriptors"?}, …]}`, as JSON or YAML give it.

        Raises `RubricError` that names every wrong field at once.
        """
        errors: list[dict[str, str]] = []

        def wrong(field: str, message: str) -> None:
            errors.append({"field": field, "message": message})

        if not isinstance(obj, Mapping):
            wrong("rubric", "Must be an object with a list `criteria`.")
            raise RubricError(errors)
        for name in obj:
            if name != "criteria":
                wrong(f"rubric.{name}", "Unknown field; a rubric has `criteria` only.")
        items = obj.get("criteria")
        if not isinstance(items, list) or not 1 <= len(items) <= MAX_CRITERIA:
            wrong("rubric.criteria", f"Must be a list of 1 to {MAX_CRITERIA} criteria.")
            raise RubricError(errors)

        criteria = [_criterion(item, f"rubric.criteria[{index}]", wrong) for index, item in enumerate(items)]
        seen: set[str] = set()
        for index, criterion in enumerate(criteria):
            if criterion.key and criterion.key in seen:
                wrong(f"rubric.criteria[{index}].key", f"“{criterion.key}” is used twice; every key must be unique.")
            seen.add(criterion.key)
        if errors:
            raise RubricError(errors)
        return cls(tuple(criteria))

    def to_json(self) -> dict[str, Any]:
        """The rubric as `parse` reads it."""
        return {"criteria": [criterion.to_json() for criterion in self.criteria]}

    @cached_property
    def content_hash(self) -> str:
        """SHA-256 (hex) of the rubric's content: the same however `max` or the JSON were spelled."""
        canonical = json.dumps(self.to_json(), ensure_ascii=False, sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(canonical.encode()).hexdigest()

    @property
    def max(self) -> Decimal:
        """Points of a perfect essay."""
        return sum((criterion.max for criterion in self.criteria), Decimal(0))

    @property
    def keys(self) -> tuple[str, ...]:
        return tuple(criterion.key for criterion in self.criteria)


def points(level: float | Decimal, maximum: Decimal) -> Decimal:
    """Points of a level from 1 to 6, which may lie between two whole ones: level 1 earns nothing, level 6 everything.

    Rounded to 0.01, halves up. Raises `ValueError` for a level outside 1 to 6.
    """
    exact = Decimal(str(level))
    if not LEVELS[0] <= exact <= LEVELS[-1]:
        raise ValueError(f"a level lies between {LEVELS[0]} and {LEVELS[-1]}, not at {level}")
    share = (exact - LEVELS[0]) / (LEVELS[-1] - LEVELS[0])
    return (share * maximum).quantize(_CENT, ROUND_HALF_UP)


def number(value: Decimal) -> int | float:
    """Points as a JSON number: 10, not 10.0."""
    return int(value) if value == value.to_integral_value() else float(value)


def _criterion(item: object, path: str, wrong: Callable[[str, str], None]) -> Criterion:
    """One criterion; reports what is wrong with it and goes on, so that all errors come out together."""
    if not isinstance(item, Mapping):
        wrong(path, "Must be an object with `key`, `name` and `max`.")
        return Criterion("", "", Decimal(0))
    for name in item:
        if name not in _FIELDS:
            wrong(f"{path}.{name}", f"Unknown field; a criterion has {', '.join(_FIELDS)}.")

    key = item.get("key")
    if not isinstance(key, str) or not _KEY.fullmatch(key):
        wrong(f"{path}.key", "Must be 1 to 32 lower-case letters, digits or _, beginning with a letter.")
        key = ""
    name = item.get("name")
    if (
        not isinstance(name, str)
        or not name.strip()
        or len(name) > MAX_NAME
        or _LINE_BREAK.search(name)
        or CONTROL.search(name)
    ):
        wrong(f"{path}.name", f"Must be one line of 1 to {MAX_NAME} characters.")
        name = ""
    maximum = _points(item.get("max"))
    if maximum is None:
        wrong(f"{path}.max", f"Must be a number above 0 and up to {MAX_POINTS}, with at most two decimals.")
        maximum = Decimal(0)
    descriptors = _descriptors(item.get("descriptors"))
    if descriptors is None:
        wrong(
            f"{path}.descriptors",
            f"Must be a list of up to {len(LEVELS)} texts, weakest level first, "
            f"each of 1 to {MAX_DESCRIPTOR} characters.",
        )
        descriptors = ()
    return Criterion(key, name, maximum, descriptors)


def _points(value: object) -> Decimal | None:
    if isinstance(value, bool) or not isinstance(value, int | float | str | Decimal):
        return None
    try:
        maximum = Decimal(str(value).strip())
        fits = maximum.is_finite() and 0 < maximum <= MAX_POINTS and maximum == maximum.quantize(_CENT)
    except (InvalidOperation, ValueError):
        return None
    return maximum if fits else None


def _descriptors(value: object) -> tuple[str, ...] | None:
    if value is None:
        return ()
    texts = [value] if isinstance(value, str) else value
    if not isinstance(texts, list) or len(texts) > len(LEVELS):
        return None
    for text in texts:
        if not isinstance(text, str) or not text.strip() or len(text) > MAX_DESCRIPTOR or CONTROL.search(text):
            return None
    return tuple(texts)
