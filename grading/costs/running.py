"""Running totals: a period of any length is the difference of two of them.

A row says what all calls from the beginning of its year (UTC) to before `until` come to, for one key. There are rows
for every step, an hour or a day, each step beginning as a copy of the one before. So what came between two steps is
read from the rows of these two, and of one more for each New Year between: as many for an hour as for a year. Years
begin anew, so that whoever is gone does not stay in all rows for ever, and old years can be dropped. What changes in a
former step is added to it and to all later ones of its year.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import ARRAY, DateTime, Select, cast, func, literal, or_, select, union_all
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.orm import Session

from models import CostTotal, OwnerTotal


@dataclass(frozen=True)
class Running:
    """A table of them: how long a step is, and the names of its keys and its sums, `calls` among these."""

    table: type[CostTotal] | type[OwnerTotal]
    step: timedelta
    keys: tuple[str, ...]
    sums: tuple[str, ...]


def new_year(moment: datetime, years: int = 0) -> datetime:
    """The first moment (UTC) of the year that so many years after the moment's own."""
    return datetime(moment.astimezone(UTC).year + years, 1, 1, tzinfo=UTC)


def signs(begin: datetime, end: datetime) -> Mapping[datetime, int]:
    """By how much the totals until each of these moments count, for the period from one step to another."""
    found = {end: +1}
    year = new_year(begin, +1)
    while year < end:
        found[year] = +1
        year = new_year(year, +1)
    if begin != new_year(begin):
        found[begin] = -1
    return found if begin < end else {}


def between(running: Running, begin: datetime, end: datetime, sign: int = 1) -> list[Select[Any]]:
    """Rows of keys and sums that add up to what came from one step to another, or to less than nothing by that."""
    return [
        select(*_columns(running, factor * sign)).where(running.table.until == until)
        for until, factor in signs(begin, end).items()
    ]


def renew(session: Session, running: Running, begin: datetime, last: datetime, ledger: Select[Any]) -> None:
    """Have the step that begins then in the totals as the ledger has it, whose keys and sums are given. There are
    totals until `last`; steps after that are to be renewed one after the other."""
    table, until = running.table, begin + running.step
    columns = ("until", *running.keys, *running.sums)
    if begin != new_year(begin):
        before = select(literal(until), *_columns(running)).where(table.until == begin)
        session.execute(upsert(table).from_select(columns, before).on_conflict_do_nothing())
    found = union_all(ledger, *between(running, begin, until, -1)).subquery()
    keys = [found.c[name] for name in running.keys]
    sums = [func.sum(found.c[name]).label(name) for name in running.sums]
    change = select(*keys, *sums).group_by(*keys).having(or_(*(one != 0 for one in sums))).subquery()
    more = (min(last, new_year(begin, +1)) - until) // running.step
    steps = [until + running.step * number for number in range(max(0, more) + 1)]
    later = select(func.unnest(cast(steps, ARRAY(DateTime(timezone=True)))).label("until")).subquery()
    added = upsert(table).from_select(columns, select(later.c.until, *change.c).join_from(later, change, literal(True)))
    both = {name: getattr(table, name) + added.excluded[name] for name in running.sums}
    session.execute(added.on_conflict_do_update(index_elements=["until", *running.keys], set_=both))


def _columns(running: Running, sign: int = 1) -> list[Any]:
    keys, sums = ([getattr(running.table, name) for name in names] for names in (running.keys, running.sums))
    return [*keys, *(one if sign > 0 else (-one).label(one.key) for one in sums)]
