"""`pizhu simulate`: what a month would cost and how long essays would wait, under the platform's own rules."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, get_args

import click
from rich.console import Console
from rich.table import Table

from app.cli.db import opened
from app.cli.out import OUT, write
from app.cli.simulate_page import NARROW, day_words, guide_rows, page, questions_words, stage_rows
from grading import prompt
from grading.cache.memory import CAPACITY
from grading.costs.budget import Scope
from grading.costs.prices import UnknownModel, price_of
from grading.prompts.library import UnknownPrompt
from grading.routing import Thresholds
from grading.simulation import guide, month, traffic
from grading.simulation.assumptions import Assumptions, Machine, draw
from grading.simulation.month import Stage
from grading.simulation.plans import plans, what_ifs
from grading.simulation.questions import Questions, answered
from grading.simulation.queueing import DAY
from grading.simulation.shares import FEWEST, accepted_shares
from grading.simulation.traffic import NoArrivals, Recorded
from models import Period
from models.base import now
from settings import settings

SHARE = click.FloatRange(0, 1)
GUIDE_SHARES = {"local": 0.90, "small": 0.82}
LEDGER_DAYS = 30
USUAL: dict[str, Any] = {name: field.default for name, field in Assumptions.__dataclass_fields__.items()}
MACHINE, QUESTIONS = Machine(), Questions()


class Shares(click.ParamType):
    """`local=0.9`."""

    name = "tier=share"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> tuple[str, float]:
        tier, _, share = value.partition("=")
        known = [tier.name for tier in settings().tiers]
        if tier not in known:
            self.fail(f"{tier!r} is no tier; those are {', '.join(known)}.", param, ctx)
        try:
            return tier, float(click.FloatRange(0, 1)(share, param, ctx))
        except click.BadParameter:
            self.fail(f"{value!r} is not like local=0.9, with a share from 0 to 1.", param, ctx)


class Hours(click.ParamType):
    """`8-20`."""

    name = "from-to"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[float, float]:
        try:
            opens, closes = (float(hour) for hour in value.split("-"))
        except ValueError:
            self.fail(f"{value!r} is not like 8-20.", param, ctx)
        if not 0 <= opens < closes <= 24:
            self.fail(f"{value!r} are no hours of one day, such as 8-20.", param, ctx)
        return opens, closes


FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
SOME = click.FloatRange(0, min_open=True)
USD = click.FloatRange(0)
MIB = 1024 * 1024


def _option(name: str, kind: click.ParamType, words: str, of: Any) -> Callable[[Any], Any]:
    """An option with a default, which is shown."""
    return click.option(name, type=kind, default=of, show_default=True, help=words)


BUDGETS: dict[str, tuple[Scope, Period]] = {
    f"{'' if scope == 'platform' else scope + '_'}budget_{period.value}": (scope, period)
    for scope in get_args(Scope)
    for period in Period
}


def _budget_options(command: Callable[..., Any]) -> Callable[..., Any]:
    for name, (scope, period) in reversed(BUDGETS.items()):
        whose = "of all" if scope == "platform" else f"of each {scope}"
        words = f"Hard budget {whose} for hosted calls in a {period.value}, US dollars.  [default: none]"
        command = click.option(f"--{name.replace('_', '-')}", type=USD, help=words)(command)
    return command


@click.command("simulate", context_settings={"max_content_width": 100})
@click.option("--day", type=FILE, help="A day's arrivals, .csv or .tsv; see below.  [default: a generated day]")
@click.option("--essays", type=click.IntRange(1), help="A day.  [default: as many as --day has, else 15000]")
@_option("--days", click.IntRange(1), "Of the month.", USUAL["days"])
@_option("--characters", click.IntRange(1), "Of an essay.", USUAL["characters"])
@_option("--chinese", SHARE, "Share of essays in Chinese.", USUAL["chinese"])
@click.option("--prompt", "version", help="Version of the prompt after the baseline.  [default: the one in use]")
@click.option("--baseline", help="Model of the baseline.  [default: PIZHU_BASELINE_MODEL]")
@click.option(
    "--accept",
    multiple=True,
    type=Shares(),
    help="Share of a tier's grades that stand; repeatable.  [default: local=0.9, small=0.82]",
)
@click.option("--ledger", is_flag=True, help="Take those shares from the last 30 days of this platform's ledger.")
@_option("--complex", SHARE, "Share of essays that are complex.", USUAL["complex"])
@_option("--repeats", SHARE, "Share of essays handed in once more, word for word; a supposition.", USUAL["repeats"])
@_option("--retries", SHARE, "Share of hosted calls made twice.", USUAL["retries"])
@_option("--late", SHARE, "Share of essays whose grade may take two days; a supposition.", USUAL["late"])
@_option("--questions", click.IntRange(0), "Asked a day, beside essays; a supposition.", QUESTIONS.a_day)
@_option("--different", click.IntRange(1), "Of them for one assignment; a supposition.", QUESTIONS.different)
@_option("--cache-mb", SOME, "MiB of the cache for answers.", CAPACITY / MIB)
@_option("--students", click.IntRange(1), "Who hand essays in, all equally often; a supposition.", USUAL["students"])
@_option("--class-size", click.IntRange(1), "Students of a class; a supposition.", USUAL["class_size"])
@_budget_options
@_option("--gpus", click.IntRange(1), "Local machines.", MACHINE.workers)
@_option("--gpu-rate", SOME, "Essays a second of one.", MACHINE.rate)
@_option("--gpu-at-once", click.IntRange(1), "Essays in flight in one.", MACHINE.at_once)
@click.option("--gpu-hour", type=click.FloatRange(0), help="Dollars an hour.  [default: PIZHU_LOCAL_HOUR_USD, 0.6944]")
@_option("--gpu-open", Hours(), "Hours of the day that they run and are paid for, as 8-20.", "0-24")
@_option("--hosted-at-once", click.IntRange(1), "In flight at the provider; a supposition.", USUAL["hosted_at_once"])
@_option("--hosted-seconds", SOME, "For each of them; a supposition.", USUAL["hosted_s"])
@click.option("--what-if/--no-what-if", default=True, help="Whether to simulate what else could be.  [default: yes]")
@_option("--seed", click.IntRange(0), "Of all that is random.", 0)
@click.option("--html", type=click.Path(dir_okay=False, path_type=Path), help="Write a report with plots there.")
@click.option("--json", "out", type=OUT, help="Write all figures there; - prints them.")
def simulate(day: Path | None, html: Path | None, out: Path | None, what_if: bool, **options: Any) -> None:
    """Say what a month of essays costs, from everything by a large model to what Pizhu does, and how long they wait.

    Essays go through the rules that route real ones, at the prices that real calls are settled at, with the tokens of
    the real prompts. A queue of the local machine fills and empties; what it cannot take in time goes elsewhere. The
    machine is paid for by the hour, busy or not. Tiers and thresholds are those of the settings (PIZHU_TIERS).

    --day has a header and a line for each essay: time, t_s, server_time or submitted_at (seconds, or date and time),
    and where it is known characters and language (zh or en). Of several days the busiest is taken; with --essays as
    many are drawn with the same pattern.

    Budgets stop calls by the rule that stops real ones: who comes later is graded by the local model where that will
    do, else waits with a teacher for the next day's. The stages up to `cache` know none.

    \b
    Examples: pizhu simulate
              pizhu simulate --prompt compact --gpu-open 8-24 --html month.html
              pizhu simulate --day submissions.csv --essays 15000 --gpus 2 --json -
    """
    began = time.perf_counter()
    console = Console(stderr=True)
    recorded = _recorded(day)
    given = _assumptions(recorded, options)
    with console.status("Drawing the month's essays …"):
        essays = draw(given, recorded)
    found: dict[str, Stage] = {}
    with console.status("baseline …") as status:
        for stage in month.stages(given, essays):
            found[stage.stage] = stage
            status.update(f"{stage.stage}: ${stage.cost:,.0f} a month …")
        planned = list(plans(given, essays, found))
        others = []
        for one in what_ifs(given, essays, recorded) if what_if else ():
            others.append(one)
            status.update(f"if {one.stage}: ${one.cost:,.0f} a month …")
    first = next(iter(found.values()))
    told = {
        "assumptions": given.to_json(),
        "day": _day_told(day, essays.times[: given.essays]),
        "stages": [month.to_json(stage, first) for stage in found.values()],
        "plans": [month.to_json(plan, first) for plan in planned],
        "what_if": [month.to_json(one, first) for one in others],
        "questions": _questions_told(given, essays.times),
        "guide": guide.to_json(),
        "seconds": round(time.perf_counter() - began, 1),
    }
    if html:
        write(html, page(told, essays.times[: given.essays]))
    if out:
        write(out, json.dumps(told, ensure_ascii=False))
    if out != Path("-"):
        _show(told)


def _recorded(day: Path | None) -> Recorded | None:
    if day is None:
        return None
    try:
        return traffic.read(day)
    except NoArrivals as error:
        raise click.BadParameter(f"{day}: {error}.", param_hint="--day") from error


def _assumptions(recorded: Recorded | None, options: dict[str, Any]) -> Assumptions:
    """Raises `click.UsageError` for what cannot be simulated."""
    config = settings()
    opens, closes = options["gpu_open"]
    hour = Decimal(str(options["gpu_hour"])) if options["gpu_hour"] is not None else config.local_hour_usd
    given = Assumptions(
        tiers=config.tiers,
        thresholds=replace(Thresholds.of(config), review_below=config.review_below),  # the demo model has none
        baseline_model=options["baseline"] or config.baseline_model,
        prompts={language: _version(language, options["version"]) for language in ("en", "zh")},
        essays=options["essays"] or (len(recorded.times) if recorded else USUAL["essays"]),
        **{name: options[name] for name in ("days", "characters", "chinese", "repeats", "retries", "late", "seed")},
        complex=options["complex"],
        simple=min(USUAL["simple"], 1 - options["complex"]),
        accepted={**GUIDE_SHARES, **(_ledger() if options["ledger"] else {}), **dict(options["accept"])},
        machine=Machine(
            options["gpus"],
            options["gpu_rate"],
            options["gpu_at_once"],
            MACHINE.hour_usd if options["gpu_hour"] is None and not hour else hour,
            opens,
            closes,
        ),
        hosted_at_once=options["hosted_at_once"],
        hosted_s=options["hosted_seconds"],
        students=options["students"],
        class_size=options["class_size"],
        budgets={whose: Decimal(str(options[name])) for name, whose in BUDGETS.items() if options[name] is not None},
        questions=Questions(options["questions"], options["different"], round(options["cache_mb"] * MIB)),
    )
    hosted = [tier.model for tier in given.tiers if tier.engine == "openai"]
    if not hosted:
        raise click.UsageError("PIZHU_TIERS has no hosted tier, so there are no stages to compare.")
    for model in (given.baseline_model, *hosted):
        try:
            price_of(model)
        except UnknownModel as error:
            raise click.UsageError(str(error)) from error
    return given


def _questions_told(given: Assumptions, times: traffic.Array) -> dict[str, Any]:
    """To the cheapest hosted tier, which answers them where there is no machine of one's own."""
    model = next(tier.model for tier in given.tiers if tier.engine == "openai")
    days = [times[(times >= day * DAY) & (times < (day + 1) * DAY)] % DAY for day in range(given.days)]
    found = answered(given.questions, days, given.assignments, model, given.seed)
    dollars = {"cost_usd": round(float(found.cost), 2), "uncached_usd": round(float(found.uncached), 2)}
    return {"model": model, "asked": found.asked, "hits": found.hits, "evicted": found.evicted} | dollars


def _version(language: str, version: str | None) -> str:
    try:
        return prompt.load(language, version).version
    except UnknownPrompt as error:
        raise click.BadParameter(str(error), param_hint="--prompt") from error


def _ledger() -> dict[str, float]:
    with opened() as db:
        found = accepted_shares(db, since=now() - timedelta(days=LEDGER_DAYS))
    if not found:
        raise click.UsageError(
            f"The ledger has fewer than {FEWEST} grades of each tier in {LEDGER_DAYS} days; leave --ledger out."
        )
    return found


def _day_told(day: Path | None, times: traffic.Array) -> dict[str, Any]:
    found = traffic.burstiness(times)
    near = [name for name, real in traffic.REAL.items() if found.is_near(real)]
    return {
        "source": str(day) if day else "generated",
        "burstiness": vars(found),
        "real_days": {name: vars(real) for name, real in traffic.REAL.items()},
        "within_20_percent_of": near,
    }


def _show(told: dict[str, Any]) -> None:
    console = Console()
    for line in day_words(told):
        console.print(line)
    console.print()
    for title, rows in (("Stages", told["stages"]), ("Plans", told["plans"]), ("What if", told["what_if"])):
        if rows:
            console.print(_table(title, *stage_rows(rows, NARROW)), "")
    console.print(questions_words(told["questions"]), "")
    console.print(_table("The cost guide", *guide_rows(told["guide"], with_how=False)), "")
    console.print(f"{told['seconds']:g} s. --json and --html write all of it, with every assumption; see docs/cost.md.")


def _table(title: str, heading: Sequence[str], rows: Sequence[Sequence[str]]) -> Table:
    table = Table(title=title, title_justify="left", title_style="bold", box=None, padding=(0, 2, 0, 0))
    for index, name in enumerate(heading):
        table.add_column(name, justify="left" if index == 0 else "right", no_wrap=True)
    for row in rows:
        table.add_row(*row)
    return table
