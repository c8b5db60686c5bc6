"""The figures of `pizhu evaluate` on a terminal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text


def show(result: Mapping[str, Any]) -> None:
    """Everything but the curves, which the HTML report draws."""
    console = Console()
    marks = result["marks"]
    console.print(
        Text(f"{result['file']}: {result['essays']:,} essays, {marks} marks, {result['seconds']:g} s", style="bold")
    )
    console.print(_table(("", "Tested", "QWK", "Exact", "Adjacent", "Error", "Bias", "Human"), _heads(result)))
    if result["prompts"]:
        console.print(versions_title(result["prompts"]))
        console.print(_table(versions_heading(result["prompts"]), versions_rows(result["prompts"])))
    for one in result["assignments"]:
        console.print(Text(f"\n{one['name']}", style="bold"))
        for heading, rows in (
            ("By length", one["by_length"]),
            ("By mark", one["by_band"]),
            *((f"By {column}", groups) for column, groups in one["groups"].items()),
        ):
            cells = [
                [row["name"] or "(none)", str(row["essays"]),
                 *(number(row.get(figure)) for figure in ("qwk", "exact", "adjacent")),
                 number(row.get("mean_error"), 2), number(row.get("bias"), 2)]
                for row in rows
            ]  # fmt: skip
            console.print(_table((heading, "Essays", "QWK", "Exact", "Adjacent", "Mean error", "Bias"), cells))
        console.print(_table(("Grader", "QWK", "Mean error", "USD per 1,000"), [
            [row["name"], number(row["qwk"]), number(row["mean_error"], 2), number(row["cost_1000_usd"], 2)]
            for row in one["graders"]
        ]))  # fmt: skip
        told_by = f"Off by more than {one['tolerance']:g}: told by"
        console.print(_table((told_by, *CONFIDENCE), confidence_rows(one["confidence"])))
        if one["intervals"]:
            console.print(_table(("Interval for", "holds", "Width"), [
                [f"{row['stated']:.0%}", f"{row['measured']:.1%}", number(row["width"], 2)] for row in one["intervals"]
            ]))  # fmt: skip
        if one["attacks"]:
            console.print(_table(ATTACKS, attacks_rows(one["attacks"])))
            console.print(attacks_flags(one["attacks"]))
        console.print(_table(("To a teacher", "QWK above random", "±", "of the best", "Random beaten"), [
            [name, number(rule["gain"], 4), number(rule["gain_sd"], 4), number(rule["of_best"], 2),
             number(rule["random_beaten"], 2)]
            for name, rule in one["escalation"]["rules"].items()
        ]))  # fmt: skip


CONFIDENCE = ("AUROC", "ECE", "Essays")
KINDS = {"calibrated": "calibrated confidence", "keywords": "words of doubt", "stated": "the model's own word"}
"""Names of the kinds of confidence that have a reliability curve."""


def confidence_rows(found: Mapping[str, Any]) -> list[list[str]]:
    """What each kind of confidence knows; where there is none, why."""
    return [
        [
            KINDS.get(name, name) + (f" (none: {some['missing']})" if some.get("missing") else ""),
            *(number(some["auroc"]), number(some.get("ece")), str(some.get("essays", "–"))),
        ]
        for name, some in found.items()
    ]


ATTACKS = ("Attacked", "Pairs", "Held", "Mean", "Levels", "Worst", "Levels", "+1 level")


def attacks_rows(found: Mapping[str, Any]) -> list[list[str]]:
    """Shifts in points and in levels; held back are those marks that a teacher is to give."""
    rows = []
    for reading, figures in found["readings"].items():
        for name, some in ((reading, figures), ("… weak essays", figures["weak"])):
            worst = (some.get("worst_rise_points"), some.get("worst_rise_levels"))
            rows.append(
                [
                    *(name, str(some["graded"]), str(some["withheld"])),
                    *(signed(value) for value in (some.get("mean_points"), some.get("mean_levels"), *worst)),
                    str(some.get("rises_of_a_level", "–")),
                ]
            )
    return rows


def attacks_flags(found: Mapping[str, Any]) -> str:
    flagged, harmless = found["flagged"], found["look_alikes"]
    return (
        f"Taken to be meant for the grader: {flagged['flagged']} of {flagged['pairs']} attacks, "
        f"{harmless['flagged']} of {harmless['pairs']} look-alikes that mean no harm. “Held” is left to a teacher; "
        "“worst” is the largest rise; “+1 level” counts rises of a whole level."
    )


def signed(value: float | None, digits: int = 2) -> str:
    """With its sign; what is nought when it is rounded has a plus."""
    return "–" if value is None else f"{round(value, digits) + 0.0:+.{digits}f}"


def versions_title(found: Mapping[str, Any]) -> str:
    return (
        f"Prompts {found['task']}/{found['language']} on {found['essays']} essays, by {', '.join(found['models'])}; "
        "the last column is the 95 % interval of the difference of QWK"
    )


def versions_heading(found: Mapping[str, Any]) -> tuple[str, ...]:
    """Of the table that compares prompts on the essays that all of them have graded."""
    first = _version(found["versions"][0])
    return "Prompt", "Tokens", "In", "Out", "$/1,000", "Failed", "QWK", f"minus {first}"


def versions_rows(found: Mapping[str, Any]) -> list[list[str]]:
    """Tokens are of the instructions, in and out those of an essay's calls; at last the interval of the difference."""
    return [
        [
            *(_version(row), str(row["tokens"]), number(row["prompt_tokens"], 0), number(row["completion_tokens"], 0)),
            *(number(row["cost_1000_usd"], 2), str(row["failed"]), number(row["qwk"])),
            "{low:+.3f}…{high:+.3f}".format(**row["difference"]) if row["difference"] else "–",
        ]
        for row in found["versions"]
    ]


def _version(row: Mapping[str, Any]) -> str:
    version: str = row["id"].rpartition("/")[2]
    return version


def number(value: float | None, digits: int = 3) -> str:
    """A dash for what is not known; what is nought when it is rounded has no sign."""
    return "–" if value is None else f"{round(value, digits) + 0.0:.{digits}f}"


def _heads(result: Mapping[str, Any]) -> list[list[str]]:
    rows = [
        [one["name"], str(one["tested"]), *_figures(one), number(one["human"]["qwk"] if one["human"] else None)]
        for one in result["assignments"]
    ]
    if len(rows) > 1:
        rows.append(
            [
                "mean",
                str(sum(one["tested"] for one in result["assignments"])),
                *_figures(result),
                number(result["human_qwk"]),
            ]
        )
    return rows


def _figures(one: Mapping[str, Any]) -> list[str]:
    return [
        number(one["qwk"]) + (f"±{one['qwk_sd']:.2f}" if one.get("qwk_sd") is not None else ""),
        *(number(one.get(name)) for name in ("exact", "adjacent")),
        *(number(one.get(name), 2) for name in ("mean_error", "bias")),
    ]


def _table(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> Table:
    table = Table()
    for place, heading in enumerate(headings):
        table.add_column(heading, justify="right" if place else "left", no_wrap=place > 0, min_width=0 if place else 10)
    for row in rows:
        table.add_row(*(Text(cell) for cell in row))
    return table
