"""`pizhu evaluate`: how good marks are, on essays that people have marked."""

from __future__ import annotations

import json
import os
import random
import sys
import time
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import click
import numpy as np

from app.cli.evaluate_attacks import attacked
from app.cli.evaluate_model import Asked
from app.cli.evaluate_options import MarksType, NamesType, Options, PairType
from app.cli.evaluate_page import page
from app.cli.evaluate_table import show
from app.cli.grade import INTERRUPTED, load_task, progress
from app.cli.out import OUT, write
from grading import prompt
from grading.calibration.prior import Prior
from grading.calibration.sample import Labelled
from grading.engines.engine import EngineDead
from grading.evaluation import report
from grading.evaluation.assignments import Assignment, assignments
from grading.evaluation.attacks import read as read_attacks
from grading.evaluation.experiment import ALL, ExperimentError, Wanted, draws, of_assignment, samples_of
from grading.evaluation.labelled import Essay, LabelledError, read
from grading.evaluation.opinions import Opinions, stored
from grading.evaluation.versions import compare
from grading.prompts import library
from grading.prompts.library import Prompt, UnknownPrompt
from grading.results import ResultsError
from grading.task import Task

USUAL_MARKS = 100
"""Of a teacher, where nothing else could say what an essay is worth; at most half of the essays."""


FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.command("evaluate", context_settings={"max_content_width": 100})
@click.argument("labelled", type=FILE)
@click.option("-a", "--assignment", type=FILE, help="The assignment as `pizhu grade` has it; a model needs it.")
@click.option(
    "--engine",
    metavar="none|local|TIER",
    help="Model that grades the essays; none: text features alone. By default local with an --assignment, else none.",
)
@click.option("--answers", type=FILE, help="Stored answers of models instead of asking one; see below.")
@click.option("--prior", multiple=True, type=FILE, help="Labelled essays of other assignments to start from.")
@click.option(
    "--marks",
    type=MarksType(),
    help="So many of the marks are the teacher's, drawn at random; the rest is tested. all: cross-validation. "
    "By default 0 where a model or a prior has a say, else 100, at most half of the essays.",
)
@click.option("--draws", type=click.IntRange(min=1), default=5, show_default=True, help="Repetitions of the drawing.")
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True, help="Of all that is random.")
@click.option("--prompt-id", multiple=True, help="Only essays with this prompt_id; may be given several times.")
@click.option(
    "--apart/--together",
    default=None,
    help="Whether each prompt_id is evaluated by itself, with the mean of all. By default apart, unless prompts of one "
    "scale have fewer than 200 essays each.",
)
@click.option("--essays", type=click.IntRange(min=20), help="At most so many essays of each prompt, drawn at random.")
@click.option(
    "--tolerance",
    type=click.FloatRange(min=0),
    help="Points by which a mark may be off, for confidence. By default a tenth of the scale.",
)
@click.option("--by", multiple=True, metavar="COLUMN", help="Show agreement by this column; repeatable.")
@click.option("--column", multiple=True, type=PairType(), help="Names of the file's columns, such as id=essay_id.")
@click.option("--language", type=click.Choice(["zh", "en"]), help="Of the essays; seen from them by default.")
@click.option(
    "--grades", type=click.Path(dir_okay=False, path_type=Path), help="Where a model's grades are kept, to go on from."
)
@click.option(
    "--prompts",
    type=NamesType(),
    default=(),
    help="Grade with these versions of the prompt and show tokens, cost and quality side by side; all other figures "
    "are of the first. With “stated” a model says how sure it is.",
)
@click.option(
    "--attacks",
    type=FILE,
    help="Put these strings into essays and show how far marks move: .jsonl with text, and where known type and label "
    "(0: harmless).",
)
@click.option(
    "--attack-pairs", type=click.IntRange(min=1), default=100, show_default=True, help="Essays attacked by each grader."
)
@click.option("--json", "json_out", type=OUT, help="Write all figures there; - for standard output.")
@click.option("--html", "html_out", type=OUT, help="Write a report with plots there.")
def evaluate(**options: Any) -> None:
    """Measure marks against people's on the essays in LABELLED.

    LABELLED is a .csv, .tsv or .jsonl file (also .gz) in UTF-8 with the columns id, text, and score or rater1
    and rater2; min, max and step of the scale, prompt_id and prompt where there are any. Every other column can be a
    group for --by. With two raters their own agreement is shown beside.

    Some marks are taken as the teacher's (--marks): a calibration learns from them how points follow from what can be
    counted in a text and from what models say, starting from the marks of other assignments (--prior, which may
    be LABELLED itself: an assignment never learns from its own essays). The others are tested.

    \b
    --answers is a .jsonl file (also .gz) with essay_id, model, total_score and, where known, prompt_id,
    prompt_variant, model_version, sub, prompt_tokens, completion_tokens, raw, and confidence: how sure
    the model said it was, from 0 to 1. Each variant of each model is a grader of its own; what all of
    them say of an essay goes into its points.

    A model's grades are kept (--grades, by default LABELLED.ENGINE.grades.jsonl in the current folder): run the same
    command again after an interruption to go on. The report of --prompts is what `pizhu prompts default` wants to see.

    The exit status is 0 when all was measured, 2 for wrong input, 70 when the model died and 130 after Ctrl-C.

    --attacks puts strings that talk to the grader into tested essays, before, amid and after the text, and has both
    graded by the model, by the calibration that has learned from marks, or by both. A level is a fifth of the scale.

    \b
    Example: pizhu evaluate essays.tsv --marks 50 --draws 5 --json figures.json --html report.html
             pizhu evaluate essays.tsv -a letter.yaml --engine local --marks 20 --by class
             pizhu evaluate essays.tsv -a letter.yaml --prompts v1,compact --json report.json
    """
    wanted = Options(**options)
    try:
        _evaluate(wanted)
    except KeyboardInterrupt:
        click.echo("Stopped. A model's grades so far are kept; run the same command again to go on.", err=True)
        sys.exit(INTERRUPTED)
    except EngineDead as error:
        click.echo(f"{error} Its grades so far are kept; run the same command again to go on.", err=True)
        sys.exit(os.EX_SOFTWARE)
    except (LabelledError, ExperimentError, ResultsError) as error:
        raise click.UsageError(str(error)) from error


def _evaluate(options: Options) -> None:
    started = time.monotonic()
    task = load_task(options.assignment) if options.assignment else None
    parts = _assignments(options, options.labelled, task)
    answers = stored(options.answers) if options.answers else {}
    engine = options.engine or ("local" if task and not answers else "none")
    if engine != "none" and task is None:
        raise click.UsageError("A model must be told what it grades: give the --assignment, or --engine none.")
    if unknown := set(options.by) - {name for part in parts for essay in part.essays for name in essay.groups}:
        raise click.UsageError(f"--by: no essay has a column {', '.join(sorted(unknown))}.")
    versions = _versions(options, task, engine)
    strings = read_attacks(options.attacks) if options.attacks else None
    others = [part for path in options.prior for part in _assignments(options, path, None, all_prompts=True)]
    with ExitStack() as stack:
        asked = None
        if task and engine != "none":
            asked = stack.enter_context(Asked(parts, task, engine, options.labelled, options.grades))
        said = {one.id: asked.opinions(parts, one.version) for one in versions} if asked else {}
        graded = said[versions[0].id] if asked else {}
        if none := [name for name, opinions in graded.items() if not opinions]:
            raise ExperimentError(f"{engine} has graded none of the essays of {', '.join(none)}.")
        found = []
        for part in parts:
            with progress(options.draws, "Testing", "draws") as advance:
                opinions = of_assignment(answers, part) | ({engine: graded[part.name]} if graded else {})
                prior = _prior(part, others, answers)
                wanted = _wanted(options, part, bool(opinions) or prior is not None)
                made = draws(part, opinions, prior, wanted, advance)
            figures = report.of_assignment(part, made, opinions, wanted, options.by)
            moved = None
            if strings:
                said_of = graded.get(part.name, {})
                version = versions[0].version if versions else None
                moved = attacked(part, strings, asked, version, said_of, prior, wanted, options.attack_pairs)
            found.append({**figures, "marks": _marks(wanted), "attacks": moved})
    result = {
        "file": options.labelled.name,
        **report.overall(found, wanted.marks),
        "draws": options.draws,
        "seed": options.seed,
        "engine": engine,
        "seconds": round(time.monotonic() - started, 1),
        "cost_usd": None if any(one["cost_usd"] is None for one in found) else sum(one["cost_usd"] for one in found),
        "prompts": compare(parts, versions, said, seed=options.seed).model_dump() if options.prompts else None,
        "assignments": found,
    }
    if options.json_out:
        write(options.json_out, json.dumps(result, ensure_ascii=False))
    if options.html_out:
        write(options.html_out, page(result))
    if Path("-") not in (options.json_out, options.html_out):
        show(result)


def _versions(options: Options, task: Task | None, engine: str) -> list[Prompt]:
    """Those to grade with, the first before the others; where no model is asked, none."""
    if task is None or engine == "none":
        if options.prompts:
            raise click.UsageError("--prompts compares what a model makes of them: give --assignment and --engine.")
        return []
    if not options.prompts:
        return [prompt.load(task.language)]
    try:
        return [library.find(f"grade/{task.language}/{name}") for name in options.prompts]
    except UnknownPrompt as error:
        raise click.UsageError(f"--prompts: {error}") from error


def _assignments(options: Options, path: Path, task: Task | None, *, all_prompts: bool = False) -> list[Assignment]:
    """What is to be evaluated of a file, or with `all_prompts` everything in it."""
    essays = read(path, dict(options.column))
    if options.prompt_id and not all_prompts:
        essays = [essay for essay in essays if essay.prompt_id in options.prompt_id]
        if not essays:
            raise click.UsageError(f"{path} has no essays with the prompt_id {', '.join(options.prompt_id)}.")
    return assignments(
        _drawn(essays, options) if not all_prompts else essays,
        source=path.name,
        apart=options.apart,
        language=options.language or (task.language if task else None),  # type: ignore[arg-type]
        prompt=task.prompt if task else "",
    )


def _drawn(essays: list[Essay], options: Options) -> list[Essay]:
    """At most so many of each prompt as were asked for, in the file's order."""
    if options.essays is None:
        return essays
    of_prompt: dict[str, list[int]] = {}
    for place, essay in enumerate(essays):
        of_prompt.setdefault(essay.prompt_id, []).append(place)
    dice = random.Random(options.seed)  # noqa: S311 -- a sample, no secret
    chosen = {place for places in of_prompt.values() for place in dice.sample(places, min(options.essays, len(places)))}
    return [essay for place, essay in enumerate(essays) if place in chosen]


def _prior(part: Assignment, others: Sequence[Assignment], answers: Opinions) -> Prior | None:
    """From all others in its language that share no essay with it."""
    if not others:
        return None
    own = {essay.text for essay in part.essays}
    usable: list[Labelled] = []
    for other in others:
        if other.language == part.language and not any(essay.text in own for essay in other.essays):
            opinions = of_assignment(answers, other)
            usable.append(other.labelled(samples_of(other, opinions), np.arange(len(other.essays))))
    if not usable:
        raise ExperimentError(f"--prior has no other assignment than {part.name} in its language.")
    return Prior.learn(usable)


def _wanted(options: Options, part: Assignment, has_a_say: bool) -> Wanted:
    usual = 0 if has_a_say else min(USUAL_MARKS, len(part.essays) // 2)
    return Wanted(
        marks=usual if options.marks is None else options.marks,
        draws=options.draws,
        seed=options.seed,
        tolerance=report.default_tolerance(part) if options.tolerance is None else options.tolerance,
    )


def _marks(wanted: Wanted) -> int | str:
    return "all" if wanted.marks == ALL else wanted.marks
