"""The report of `pizhu simulate`: its tables as rows of words, and as one HTML file with plots that needs no other."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from html import escape
from typing import Any

import numpy as np

from app.cli.chart import Series, chart
from app.cli.evaluate_page import STYLE
from grading.simulation.traffic import Array

Rows = tuple[Sequence[str], list[list[str]]]
WORDS = {
    "baseline": "every essay by the large model, verbose prompt",
    "prompt": "a shorter prompt, a bounded reply",
    "cache": "the same text is not graded twice",
    "routing": "hosted, the smaller model first",
    "local": "the local model first, its machine paid for",
    "batch": "what is wanted late at half the price",
    "A": "hosted only, routed",
    "B": "local only; what it is unsure of goes to a teacher",
    "C": "local first, hosted where it is unsure",
}


COLUMNS: Mapping[str, Callable[[Mapping[str, Any]], str]] = {
    "": lambda one: one["stage"],
    "USD": lambda one: f"{one['cost_usd']:,.0f}",
    "Saved": lambda one: f"{one['saved']:.1%}",
    "Machine": lambda one: f"{one['machine_usd']:,.0f}",
    "Wait p50": lambda one: _seconds(one["wait_s"]["p50"]),
    "p95": lambda one: _seconds(one["wait_s"]["p95"]),
    "p99": lambda one: _seconds(one["wait_s"]["p99"]),
    "Grade p95": lambda one: _seconds(one["done_s"]["p95"]),
    "Busy": lambda one: "–" if one["utilisation"] is None else f"{one['utilisation']:.0%}",
    "Waiting": lambda one: f"{max(one['backlog'].values()):,}",
    "Teachers": lambda one: f"{one['reviewed']:,}",
    "Put off": lambda one: f"{one['put_off']:,}",
    "Cached": lambda one: f"{one['cached']:,}",
    "Batched": lambda one: f"{one['batched']:,}",
}
NARROW = ("", "USD", "Saved", "Wait p50", "p95", "p99", "Busy", "Teachers")
"""What there is room for in a terminal."""


def stage_rows(rows: Sequence[Mapping[str, Any]], columns: Sequence[str] = tuple(COLUMNS)) -> Rows:
    """Of stages, plans and what-ifs alike."""
    return columns, [[COLUMNS[name](one) for name in columns] for one in rows]


def guide_rows(guide: Mapping[str, Any], *, with_how: bool = True) -> Rows:
    count = 4 if with_how else 3
    return ("", "Printed", "From its own numbers", "How")[:count], [
        [one["what"], _money(one["printed_usd"]), _money(one["correct_usd"]), one["how"]][:count]
        for one in guide["figures"]
    ]


def day_words(told: Mapping[str, Any]) -> Iterator[str]:
    """Sentences about the month and its days."""
    given, day = told["assumptions"], told["day"]
    yield f"{given['essays']:,} essays a day for {given['days']} days, as {day['source']} has them."
    found = day["burstiness"]
    yield (
        f"Busiest hour {found['peak_to_mean_hour']:.1f} × the mean; the rate by minutes has a squared coefficient of "
        f"variation of {found['rate_cv2']:.1f} (index of dispersion {found['dispersion']:.0f})."
    )
    yield f"Suppositions, which have no source: {suppositions(given)}."
    near = day["within_20_percent_of"]
    if day["source"] == "generated":
        real = "; ".join(
            f"{name} {one['peak_to_mean_hour']:.1f} and {one['rate_cv2']:.1f}" for name, one in day["real_days"].items()
        )
        yield (
            f"It is realistic: both are within 20 % of a real day's ({', '.join(near)})."
            if near
            else f"It is not realistic: no real day is within 20 % in both ({real})."
        )


def suppositions(given: Mapping[str, Any]) -> str:
    questions = given["questions"]
    return (
        f"{given['repeats']:.1%} of essays handed in twice, {given['late']:.0%} wanted late, "
        f"{given['hosted_at_once']} hosted calls at once of {given['hosted_s']:g} s, "
        f"{given['students']:,} students in classes of {given['class_size']} who hand in equally often, "
        f"{questions['a_day']:,} questions a day, {questions['different']} different ones for an assignment"
    )


def questions_words(told: Mapping[str, Any]) -> str:
    if not told["asked"]:
        return "No questions."
    return (
        f"{told['asked']:,} questions to {told['model']}: the cache answers {told['hits'] / told['asked']:.1%} word "
        f"for word, ${told['cost_usd']:,.2f} instead of ${told['uncached_usd']:,.2f}; {told['evicted']:,} were asked "
        "again for want of room."
    )


def page(told: Mapping[str, Any], day: Array) -> str:
    """The whole report; `day` are the arrivals of the first day, in seconds."""
    parts = [
        "<!doctype html><html lang=en><meta charset=utf-8><meta name=viewport content='width=device-width'>",
        f"<title>Pizhu: a month simulated</title><style>{STYLE}</style><h1>A month simulated</h1>",
        *(f"<p>{escape(line)}</p>" for line in day_words(told)),
        "<h2>Stages</h2>",
        "<ul>" + "".join(f"<li><b>{name}</b>: {words}</li>" for name, words in WORDS.items()) + "</ul>",
        _html(*stage_rows(told["stages"])),
        chart("What a month costs", "Stage, from the baseline on", "US dollars", _bars(told)),
        chart(
            "When essays are handed in on the first day",
            "Hour of the day",
            "Essays in an hour",
            [Series("essays", list(enumerate(np.bincount((day // 3600).astype(int), minlength=24).tolist())))],
        ),
        chart("How long they wait for a model", "Stage, from the baseline on", "Seconds", _waits(told)),
        "<h2>The guide's plans</h2>",
        _html(*stage_rows(told["plans"])),
    ]
    if told["what_if"]:
        parts += ["<h2>What if</h2><p>The last stage, with one thing changed.</p>", _html(*stage_rows(told["what_if"]))]
    parts += ["<h2>Questions</h2>", f"<p>{escape(questions_words(told['questions']))}</p>"]
    parts += ["<h2>The cost guide's figures</h2>", _html(*guide_rows(told["guide"])), "<h2>Assumptions</h2>"]
    parts.append(_html(("", ""), [[name, str(value)] for name, value in told["assumptions"].items()]))
    return "\n".join([*parts, "</html>\n"])


def _bars(told: Mapping[str, Any]) -> list[Series]:
    steps = told["guide"]["steps"]
    ours = [(float(place), one["cost_usd"]) for place, one in enumerate(told["stages"])]
    return [
        Series(
            "the guide, as printed",
            [(float(place), one["usd"]) for place, one in zip((0, 2, 3, 4), steps, strict=True)],
        ),
        Series("simulated: " + ", ".join(one["stage"] for one in told["stages"]), ours),
    ]


def _waits(told: Mapping[str, Any]) -> list[Series]:
    return [
        Series(name, [(float(place), one["wait_s"][name] or 0.0) for place, one in enumerate(told["stages"])])
        for name in ("p50", "p95", "p99")
    ]


def _html(heading: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    def line(cells: Sequence[str], tag: str) -> str:
        return "<tr>" + "".join(f"<{tag}>{escape(cell)}</{tag}>" for cell in cells) + "</tr>"

    return f"<table>{line(heading, 'th')}{''.join(line(row, 'td') for row in rows)}</table>"


def _seconds(value: float | None) -> str:
    if value is None:
        return "–"
    return f"{value:.0f} s" if value < 600 else f"{value / 60:.0f} min"


def _money(usd: float) -> str:
    return f"${usd:,.0f}" if usd >= 100 else f"${usd:.4f}"
