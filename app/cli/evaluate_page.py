"""The report of `pizhu evaluate` as one HTML file that needs no other."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from html import escape
from typing import Any

from app.cli.chart import Series, chart
from app.cli.evaluate_table import (
    ATTACKS,
    CONFIDENCE,
    KINDS,
    attacks_flags,
    attacks_rows,
    confidence_rows,
    number,
    signed,
    versions_heading,
    versions_rows,
    versions_title,
)

STYLE = """body{font:16px/1.5 sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color:#222}
table{border-collapse:collapse;margin:1rem 0}td,th{padding:.2rem .7rem;text-align:right;border-bottom:1px solid #ddd}
td:first-child,th:first-child{text-align:left}svg{max-width:100%;height:auto}"""
AGREEMENT = ("qwk", "exact", "adjacent", "mean_error", "bias")
HEADINGS = ("Essays", "QWK", "Exact", "Adjacent", "Mean error", "Bias")


def page(result: Mapping[str, Any]) -> str:
    """The whole report."""
    parts = [
        "<!doctype html><html lang=en><meta charset=utf-8><meta name=viewport content='width=device-width'>",
        f"<title>Pizhu: {escape(result['file'])}</title><style>{STYLE}</style><h1>{escape(result['file'])}</h1>",
        f"<p>{result['essays']:,} essays; {result['marks']} of the marks were the teacher's, the rest was tested, in "
        f"{_draws(result['draws'])}; QWK {number(result['qwk'])}, human–human {number(result['human_qwk'])}. "
        f"It took {result['seconds']:g} s and cost {number(result['cost_usd'], 2)} US dollars. "
        "A dash stands for what is not known.</p>",
    ]
    if result["prompts"]:
        parts.append("<h2>Versions of the prompt</h2>")
        parts.append(_table(versions_heading(result["prompts"]), versions_rows(result["prompts"])))
        parts.append(
            f"<p>{escape(versions_title(result['prompts']))}, from a paired bootstrap. Points are the rubric's, before "
            "any calibration.</p>"
        )
    for one in result["assignments"]:
        parts += _assignment(one)
    return "\n".join([*parts, "</html>\n"])


def _assignment(one: Mapping[str, Any]) -> Iterator[str]:
    yield f"<h2>{escape(one['name'])}</h2>"
    yield _table(
        ("", *HEADINGS),
        [
            [name, str(essays), *(number(row[figure]) for figure in AGREEMENT)]
            for name, row, essays in (
                ("Pizhu", one, one["tested"]),
                ("human and human", one["human"], one["human"] and one["human"]["essays"]),
            )
            if row
        ],
    )
    yield chart(
        "Points against people's marks",
        "People's mark",
        "Points",
        [
            Series("the same", [(one["scale"]["low"],) * 2, (one["scale"]["high"],) * 2]),
            Series("an essay", one["points"], line=False, size=2),
        ],
    )
    for heading, rows in (
        ("By length", one["by_length"]),
        ("By people's mark", one["by_band"]),
        *((f"By {column}", groups) for column, groups in one["groups"].items()),
    ):
        yield f"<h3>{escape(heading)}</h3>"
        yield _table(
            ("", *HEADINGS),
            [
                [row["name"] or "(none)", str(row["essays"]), *(number(row.get(figure)) for figure in AGREEMENT)]
                for row in rows
            ],
        )
    yield "<h3>Cost against quality</h3>"
    yield _table(
        ("Grader", "QWK", "Mean error", "USD per 1,000"),
        [
            [row["name"], number(row["qwk"]), number(row["mean_error"], 2), number(row["cost_1000_usd"], 2)]
            for row in one["graders"]
        ],
    )
    priced = [row for row in one["graders"] if row["cost_1000_usd"] is not None and row["qwk"] is not None]
    if len({row["cost_1000_usd"] for row in priced}) > 1:
        yield chart(
            "Cost against quality",
            "US dollars for 1,000 essays",
            "QWK",
            [Series(row["name"], [(row["cost_1000_usd"], row["qwk"])], line=False) for row in priced],
        )
    yield from _trust(one)
    if one["attacks"]:
        yield from _attacks(one["attacks"])


def _draws(count: int) -> str:
    return "one draw" if count == 1 else f"{count} draws"


def _trust(one: Mapping[str, Any]) -> Iterator[str]:
    yield f"<h3>Confidence: which marks are off by more than {one['tolerance']:g}</h3>"
    yield _table(("Told by", *CONFIDENCE), confidence_rows(one["confidence"]))
    measured = [
        Series(name, [(row["said"], row["true"]) for row in one["confidence"][kind]["curve"]], line=False)
        for kind, name in KINDS.items()
        if one["confidence"][kind]["curve"]
    ]
    if measured:
        lowest = min(value for each in measured for point in each.points for value in point)
        yield chart(
            "Reliability",
            "Probability stated",
            "Share within the tolerance",
            [Series("perfect", [(lowest, lowest), (1, 1)]), *measured],
        )
    if one["intervals"]:
        yield _table(
            ("Interval for", "holds", "Mean width in points"),
            [[f"{row['stated']:.0%}", f"{row['measured']:.1%}", number(row["width"], 2)] for row in one["intervals"]],
        )
    found = one["escalation"]
    yield "<h3>Which essays a teacher should see</h3>"
    curves = {"at random": found["random"], "knowing the errors": found["knowing_the_errors"]}
    curves |= {name: rule["quality"] for name, rule in found["rules"].items()}
    yield chart(
        "QWK of all when the teacher marks some",
        "Share that goes to the teacher",
        "QWK",
        [Series(name, list(zip(found["shares"], values, strict=True))) for name, values in curves.items()],
    )
    yield _table(
        ("Rule", "QWK above random", "± over draws", "of the best", "Random orders beaten"),
        [
            [name, *(number(rule[key], 4) for key in ("gain", "gain_sd", "of_best", "random_beaten"))]
            for name, rule in found["rules"].items()
        ],
    )


def _attacks(found: Mapping[str, Any]) -> Iterator[str]:
    yield "<h3>Words that are meant for the grader</h3>"
    yield _table(ATTACKS, attacks_rows(found))
    yield f"<p>{escape(attacks_flags(found))}</p>"
    (reading, figures), *_ = found["readings"].items()
    yield _table(
        (reading, "Pairs", "Held", "Mean, levels", "Worst, levels", "+1 level"),
        [
            [
                *(name, str(some["graded"]), str(some["withheld"])),
                *(signed(some.get(figure)) for figure in ("mean_levels", "worst_rise_levels")),
                str(some.get("rises_of_a_level", "–")),
            ]
            for name, some in (
                *figures["by_type"].items(),
                *((f"{place} the text", some) for place, some in figures["by_place"].items()),
            )
        ],
    )


def _table(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    head = "".join(f"<th>{escape(heading)}" for heading in headings)
    body = "".join("<tr>" + "".join(f"<td>{escape(cell)}" for cell in row) for row in rows)
    return f"<table><tr>{head}{body}</table>"
