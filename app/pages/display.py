"""How times, figures and texts are written on a page, in the reader's language and the school's time zone."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from flask_babel import format_date, format_datetime, format_decimal, format_percent, format_timedelta
from markupsafe import Markup, escape

from app.language import current_language
from app.pages import blueprint
from app.pages.labels import SURENESS
from settings import settings

NOTHING = "–"
"""Stands where there is no figure; a made-up one would be worse."""

_DAY = {"en": "d MMM y", "zh": "y年M月d日"}
_MOMENT = {"en": "d MMM y, HH:mm", "zh": "y年M月d日 HH:mm"}


@blueprint.app_template_filter()
def when(value: datetime | str | None) -> Markup:
    """A moment with its time zone, for programs as well; from a time or its ISO form."""
    if not value:
        return escape(NOTHING)
    at = datetime.fromisoformat(value) if isinstance(value, str) else value
    shown = f"{format_datetime(at, _MOMENT[current_language()])} {_offset(at)}"
    return Markup('<time datetime="{}">{}</time>').format(at.isoformat(timespec="seconds"), shown)


@blueprint.app_template_filter()
def day(value: date | str) -> Markup:
    """A day, for programs as well; from a date or its ISO form."""
    on = date.fromisoformat(value) if isinstance(value, str) else value
    shown = format_date(on, _DAY[current_language()])
    return Markup('<time datetime="{}">{}</time>').format(on.isoformat(), shown)


@blueprint.app_template_filter()
def local_input(value: datetime | None) -> str:
    """A moment as `<input type=datetime-local>` wants it, in the school's time zone."""
    return value.astimezone(_zone()).strftime("%Y-%m-%dT%H:%M") if value else ""


def from_local_input(value: str) -> str | None:
    """What such an input sent, with the school's time zone; what is no time comes back as it is, to be refused."""
    if not value.strip():
        return None
    try:
        return datetime.fromisoformat(value).replace(tzinfo=_zone()).isoformat()
    except ValueError:
        return value


@blueprint.app_template_filter()
def figure(value: float | None) -> str:
    """Points, levels and counts, with at most two decimals."""
    return NOTHING if value is None else format_decimal(value, "#,##0.##")


@blueprint.app_template_filter()
def dollars(value: Decimal | str | None) -> str:
    """An amount of US dollars, from a number or its decimal string; of less than a dollar down to the millionth."""
    if value is None:
        return NOTHING
    amount = Decimal(value)
    return f"{'-' * (amount < 0)}${format_decimal(abs(amount), '#,##0.00' if abs(amount) >= 1 else '0.00####')}"


@blueprint.app_template_filter()
def percent(value: float | None) -> str:
    return NOTHING if value is None else format_percent(value, "#,##0%")


@blueprint.app_template_filter()
def duration(seconds: float | None) -> str:
    """About how long, in one unit."""
    return NOTHING if seconds is None else format_timedelta(timedelta(seconds=seconds), threshold=1.2)


@blueprint.app_template_filter()
def sureness(confidence: float) -> str:
    """A word for a confidence between 0 and 1."""
    return str(next(word for least, word in SURENESS if confidence >= least))


@blueprint.app_template_filter()
def share(part: float, whole: float) -> str:
    """A part of the whole as SVG wants a length: `62.5%`, whatever the language."""
    return f"{min(max(part / whole, 0), 1) * 100:.1f}%" if whole else "0%"


@blueprint.app_template_filter()
def verbatim(text: str) -> Markup:
    """A text as it is. A parser of HTML turns bare carriage returns into line feeds, so they go as references."""
    return Markup(str(escape(text)).replace("\r", "&#13;"))  # noqa: S704 -- escaped the moment before


def _offset(at: datetime) -> str:
    """`UTC+8`: understood everywhere, unlike the short names of zones."""
    east = at.astimezone(_zone()).utcoffset() or timedelta(0)
    hours, minutes = divmod(abs(east) // timedelta(minutes=1), 60)
    sign = "-" if east < timedelta(0) else "+"
    return "UTC" + (f"{sign}{hours}" if east else "") + (f":{minutes:02}" if minutes else "")


def _zone() -> ZoneInfo:
    return ZoneInfo(settings().time_zone)
