"""`pizhu route`: where texts would go and why, and thresholds learned from an assignment's own essays."""

from __future__ import annotations

import json
import uuid
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text

from app.cli.complexity import read
from app.cli.db import opened
from app.cli.out import OUT, write
from app.cli.route_fit import Wanted, assignment_of, learn, reset
from grading import complexity as measuring
from grading.complexity import Complexity
from grading.routing import Facts, Route, Thresholds
from grading.routing import route as route_of
from settings import settings

TOLERANCE = 0.005
"""Half a point in a hundred."""


def _shares(_context: click.Context, _option: click.Parameter, values: tuple[str, ...]) -> dict[str, float]:
    """`local=0.9`, for tiers that there are and that another comes after."""
    known = [tier.name for tier in settings().tiers]
    shares = {}
    for value in values:
        name, _, number = value.partition("=")
        if name not in known[:-1]:
            raise click.BadParameter(f"{name!r} is no tier that passes essays on; those are {', '.join(known[:-1])}.")
        try:
            shares[name] = float(number)
        except ValueError:
            raise click.BadParameter(f"{value!r} is not like local=0.9.") from None
        if not 0 <= shares[name] <= 1:
            raise click.BadParameter(f"A share is between 0 and 1, and {number} is not.")
    return shares


def _picture(_context: click.Context, _option: click.Parameter, path: Path | None) -> Path | None:
    if path and path.suffix not in (".svg", ".html"):
        raise click.BadParameter(f"{path} must end in .svg or .html.")
    return path


@click.command("route", context_settings={"max_content_width": 100})
@click.argument("files", nargs=-1, type=click.Path(exists=True, dir_okay=False, allow_dash=True, path_type=Path))
@click.option("--assignment", "assignment_id", type=click.UUID, help="Id of an assignment with its own thresholds.")
@click.option("--fit", is_flag=True, help="Learn the assignment's thresholds from its graded essays.")
@click.option("--share", "shares", multiple=True, callback=_shares, help="TIER=SHARE to be accepted, as local=0.9.")
@click.option(
    "--tolerance",
    type=click.FloatRange(0, 1),
    help=f"Error, as a share of full marks, that may be added to save money.  [default: {TOLERANCE}]",
)
@click.option("--budget", type=click.FloatRange(0), help="US dollars an essay; the best marks for them are sought.")
@click.option("--apply", "to_apply", is_flag=True, help="Keep what was learned; else it is only shown.")
@click.option("--reset", "to_reset", is_flag=True, help="Give the assignment the thresholds of the settings again.")
@click.option(
    "--plot",
    type=click.Path(dir_okay=False, path_type=Path),
    callback=_picture,
    help="SVG or HTML file for the curves.",
)
@click.option(
    "--json",
    "out",
    type=OUT,
    help="File for JSON; - prints it.",
)
def route(
    files: tuple[Path, ...],
    assignment_id: uuid.UUID | None,
    fit: bool,
    shares: dict[str, float],
    tolerance: float | None,
    budget: float | None,
    to_apply: bool,
    to_reset: bool,
    plot: Path | None,
    out: Path | None,
) -> None:
    """Say where the essays in FILES would go and why; or learn, with --fit, what decides that.

    FILES are texts in UTF-8, - is standard input. What closes a tier only now and then (an open circuit, a spent
    budget, a queue far behind) is not looked at.

    --fit looks at the essays of an assignment that models have graded and teachers have marked, and shows what every
    threshold would have cost and how far off the marks would have been, beside passing on as many at random. --share
    sets the confidence from which on a share of a tier's grades is accepted.

    \b
    Examples: pizhu route essay.txt
              pizhu route --assignment ID --fit
              pizhu route --assignment ID --share local=0.9 --apply
              pizhu route --assignment ID --reset
    """
    learns = fit or bool(shares)
    _check(files, assignment_id, learns, to_reset, {"--apply": to_apply, "--plot": plot})
    if not fit and (tolerance is not None or budget is not None):
        raise click.UsageError("--tolerance and --budget go with --fit.")
    if (tolerance is not None) + (budget is not None) + bool(shares) > 1:
        raise click.UsageError("--tolerance, --budget and --share are three ways to choose; give one.")
    if to_reset and assignment_id:
        reset(assignment_id)
    elif learns and assignment_id:
        wanted = Wanted(tolerance if tolerance is not None else TOLERANCE, budget, shares)
        learn(assignment_id, wanted, to_apply=to_apply, plot=plot, out=out)
    else:
        _show_routes(files, _thresholds(assignment_id), out)


def _check(
    files: tuple[Path, ...], assignment_id: uuid.UUID | None, learns: bool, to_reset: bool, with_fit: dict[str, Any]
) -> None:
    """Raises `click.UsageError` for what does not go together."""
    if bool(files) + learns + to_reset != 1:
        raise click.UsageError("Give FILES, or --fit or --share, or --reset.")
    if (learns or to_reset) and assignment_id is None:
        raise click.UsageError("Whose thresholds? Give --assignment ID.")
    for name, given in with_fit.items():
        if given and not learns:
            raise click.UsageError(f"{name} goes with --fit or --share.")


def _thresholds(assignment_id: uuid.UUID | None) -> Thresholds:
    if assignment_id is None:
        return Thresholds.of(settings())
    with opened() as db:
        return Thresholds.of(settings(), assignment_of(db, assignment_id).routing)


def _show_routes(files: tuple[Path, ...], thresholds: Thresholds, out: Path | None) -> None:
    lines = []
    for path in files:
        text = read(path)
        found = measuring.measure(text)
        facts = Facts(len(text), settings().present_tiers, thresholds, found)
        chosen = route_of(facts)
        lines.append(json.dumps({"file": str(path), **chosen.to_json()}, ensure_ascii=False))
        if out is None:
            _show(path, found, chosen, thresholds)
    if out is not None:
        write(out, "\n".join(lines))


def _show(path: Path, found: Complexity, chosen: Route, thresholds: Thresholds) -> None:
    console = Console()
    console.print(Text(f"{path}: {chosen.tier}", style="bold"), Text(f"(queue {chosen.queue})" if chosen.queue else ""))
    console.print(Text(f"{chosen.reason}."))
    table = Table("Complexity", *found.parts)
    table.add_row(f"{found.score:.3f}", *(f"{part:.3f}" for part in found.parts.values()))
    console.print(table)
    bars = [f"{name} from a confidence of {bar:g}" for name, bar in thresholds.accept.items()]
    if chosen.queue and bars:
        console.print(
            Text(f"Grades are accepted of {', '.join(bars)}; the last to be asked, from {thresholds.review_below:g}.")
        )
