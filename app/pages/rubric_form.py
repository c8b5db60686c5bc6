"""A rubric as rows of a form: read, shown again, and checked where everything else is (`grading.rubric`)."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from grading.rubric import MAX_CRITERIA, Rubric, number

MIN_ROWS = 4
"""A form has at least so many rows, and one that is empty while there may be more criteria."""


@dataclass(frozen=True)
class Row:
    """One criterion as it is typed; descriptors stand on lines of their own, weakest first."""

    key: str = ""
    name: str = ""
    max: str = ""
    descriptors: str = ""

    @property
    def is_empty(self) -> bool:
        """Nothing said; points alone are what is left of a criterion that was taken out."""
        return not (self.name.strip() or self.descriptors.strip())


def rows_sent(form: Mapping[str, str]) -> list[Row]:
    """The rows that a form sent, without the empty ones."""
    rows = [
        Row(*(form.get(f"criteria-{index}-{field}", "") for field in ("key", "name", "max", "descriptors")))
        for index in range(rows_counted(form))
    ]
    return [row for row in rows if not row.is_empty]


def rows_counted(form: Mapping[str, str]) -> int:
    """How many rows the form had, the empty ones included."""
    return sum(f"criteria-{index}-name" in form for index in range(MAX_CRITERIA))


def rows_of(rubric: Rubric) -> list[Row]:
    return [
        Row(
            key=criterion.key,
            name=criterion.name,
            max=str(number(criterion.max)),
            descriptors="\n".join(" ".join(text.splitlines()) for text in criterion.descriptors),
        )
        for criterion in rubric.criteria
    ]


def shown(rows: list[Row], at_least: int = MIN_ROWS) -> list[Row]:
    """The rows to show: these, and empty ones to be filled in."""
    wanted = min(MAX_CRITERIA, max(at_least, len(rows) + 1))
    return rows + [Row()] * (wanted - len(rows))


def rubric_of(rows: Iterable[Row]) -> dict[str, Any]:
    """The rubric that the rows say, as JSON, not yet checked. A criterion keeps its key; a new one is given one."""
    rows = list(rows)
    taken = {row.key for row in rows if row.key}
    criteria = []
    for row in rows:
        key = row.key or _key(row.name, taken)
        taken.add(key)
        descriptors = [line.strip() for line in row.descriptors.splitlines() if line.strip()]
        criteria.append({"key": key, "name": row.name.strip(), "max": row.max.strip(), "descriptors": descriptors})
    return {"criteria": criteria}


def _key(name: str, taken: set[str]) -> str:
    """A key that says something where the name has Latin letters: the model reads it."""
    latin = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    stem = re.sub(r"[^a-z0-9]+", "_", latin).strip("_0123456789")[:28].rstrip("_") or "criterion"
    candidates = [stem, *(f"{stem}_{count}" for count in range(2, MAX_CRITERIA + 2))]
    return next(candidate for candidate in candidates if candidate not in taken)
