"""`pizhu prompts`: which prompts there are, what they say, how they differ, and what a shorter one would be."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from pathlib import Path

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text

from grading import prompt
from grading.prompts import evidence, library, tokens
from grading.prompts.compression import compress as shorter
from grading.prompts.defaults import NoDefault, default, set_default
from grading.prompts.evidence import Refused
from grading.prompts.library import VERBOSE, Prompt, UnknownPrompt
from grading.prompts.tokens import Length, NoTokenizer
from grading.task import LANGUAGES
from settings import settings

_STYLES = {"": "", "-": "red strike", "+": "green"}


class PromptName(click.ParamType):
    """An id such as `grade/en/v1`."""

    name = "prompt"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> Prompt:
        try:
            return library.find(value)
        except UnknownPrompt as error:
            self.fail(str(error), param, ctx)


@click.group("prompts", context_settings={"max_content_width": 100})
def prompts() -> None:
    """Say which prompts there are, what they say and how long they are; shorten one by rule.

    A prompt is named by its task, language and version, such as grade/en/v1. Essays are graded with the default version
    of their language, or with the one that the setting PIZHU_GRADE_PROMPT names.
    """


@prompts.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON array, and nothing else.")
def list_(as_json: bool) -> None:
    """Name all prompts with their length in tokens (cl100k_base), without what is filled in, and what that saves
    beside the verbose version. A star marks what essays are graded with."""
    in_use = {prompt.load(language).id for language in LANGUAGES}
    rows = [
        {
            "id": one.id,
            "tokens": one.tokens,
            "saving": round(1 - one.tokens / _verbose(one).tokens, 3),
            "in_use": one.id in in_use,
        }
        for one in library.every()
    ]
    if as_json:
        click.echo(json.dumps(rows))
        return
    table = Table("Prompt")
    table.add_column("Tokens", justify="right")
    table.add_column("Saves", justify="right")
    for row in rows:
        table.add_row(
            f"{row['id']} *" if row["in_use"] else str(row["id"]), f"{row['tokens']:,}", f"{row['saving']:.1%}"
        )
    Console().print(table)


@prompts.command()
@click.argument("one", metavar="PROMPT", type=PromptName())
def show(one: Prompt) -> None:
    """Print what PROMPT says, with the names of what is filled in."""
    for role, text in one.messages:
        click.secho(f"[{role}]", bold=True)
        click.echo(text)


@prompts.command()
@click.argument("one", type=PromptName())
@click.argument("other", type=PromptName())
@click.option("--words", is_flag=True, help="Show which words differ, in reading order, and not which lines.")
def diff(one: Prompt, other: Prompt, words: bool) -> None:
    """Show where ONE prompt differs from the OTHER."""
    if words:
        pieces = (Text(text, style=_STYLES[sign]) for sign, text in library.word_diff(one, other))
        Console().print(Text.assemble(*pieces))
    else:
        click.echo("\n".join(library.unified_diff(one, other)))


class Kind(click.ParamType):
    """A task and a language, such as `grade/en`."""

    name = "task/lang"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        kinds = list(dict.fromkeys(name.rpartition("/")[0] for name in library.ids()))
        if value not in kinds:
            self.fail(f"There are no prompts {value!r}; there are {', '.join(kinds)}.", param, ctx)
        return value


@prompts.command("default")
@click.argument("kind", metavar="TASK/LANG", type=Kind())
@click.argument("version")
@click.option(
    "--evidence",
    "report",
    required=True,
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="What `pizhu evaluate … --prompts DEFAULT,VERSION --json FILE` has written.",
)
@click.option(
    "--tolerance",
    type=click.FloatRange(min=0, max=1),
    default=evidence.TOLERANCE,
    show_default=True,
    help="By how much quadratic weighted kappa (QWK) may be lower.",
)
def default_(kind: str, version: str, report: Path, tolerance: float) -> None:
    """Make VERSION the default of a TASK and LANGuage, if it was measured to be no worse than the present one.

    On the same essays the model's kappa with VERSION must be lower by less than the tolerance, also at the lower end of
    the 95 % bootstrap interval. Reports of the demonstration model, of other prompts, or of a prompt that was changed
    since are refused. The default is written into prompts/defaults.yaml; workers take it when they start again.
    """
    task, language = kind.split("/")
    try:
        new, now = library.find(f"{kind}/{version}"), default(task, language)
    except (UnknownPrompt, NoDefault) as error:
        raise click.UsageError(str(error)) from error
    if new == now:
        click.echo(f"{new.id} is the default already.")
        return
    try:
        found = evidence.read(json.loads(report.read_bytes()))
        difference = evidence.accepted(found, new, now, tolerance=tolerance)
    except ValueError as error:
        why = error if isinstance(error, Refused) else f"It is no JSON: {error}."
        raise click.ClickException(f"{now.id} stays the default, for want of evidence in {report}. {why}") from error
    try:
        set_default(
            new,
            instead_of=now.version,
            difference=difference.model_dump(),
            tolerance=tolerance,
            essays=found.essays,
            model=found.models[0],
        )
    except OSError as error:
        raise click.ClickException(f"prompts/defaults.yaml cannot be written: {error.strerror}.") from error
    click.echo(
        f"{new.id} is the default now, instead of {now.id}: QWK {difference.qwk:+.3f} ({difference.low:+.3f} to "
        f"{difference.high:+.3f}) on {found.essays} essays by {found.models[0]}. Restart the workers."
    )
    named = settings().grade_prompt
    if task == "grade" and named and named != version:
        click.echo(
            f"Essays are graded with {task}/{language}/{named} nevertheless: the setting PIZHU_GRADE_PROMPT names it, "
            "and goes before every default. Take it away for the default to count.",
            err=True,
        )


class PromptOrFile(PromptName):
    """An id such as `grade/en/v1`, or the path of a file."""

    name = "prompt|file"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> Prompt | Path:  # type: ignore[override]
        path = Path(value)
        return path if path.is_file() else super().convert(value, param, ctx)


@prompts.command("tokens")
@click.argument("chosen", metavar="[PROMPT|FILE]...", nargs=-1, type=PromptOrFile())
@click.option("--json", "as_json", is_flag=True, help="Print one JSON array, and nothing else.")
def tokens_(chosen: tuple[Prompt | Path, ...], as_json: bool) -> None:
    """Count the tokens of prompts, of all by default, as the local model does and as hosted models do.

    What is filled in is not counted. A version is compared with the verbose one, a FILE with what the compressor makes
    of it, and so is each verbose version. The package bpe-openai brings the encodings of the hosted models.
    """
    counts = tokens.tokenizers(settings())
    rows: list[Length] = []
    for one in chosen or library.every():
        try:
            rows += tokens.lengths([one], counts) if isinstance(one, Prompt) else tokens.lengths_of_file(one, counts)
        except UnicodeDecodeError as error:
            raise click.UsageError(f"{one} is not UTF-8: {error}") from error
        except ValueError as error:
            raise click.UsageError(f"{one}: {error}") from error
    if as_json:
        click.echo(json.dumps([asdict(row) for row in rows]))
        return
    table = Table("Prompt")
    for name in counts:
        table.add_column(name, justify="right", no_wrap=True)
    for row in rows:
        table.add_row(row.name, *(_cell(row.tokens[name], row.saving[name]) for name in counts))
    Console().print(table)
    for name, count in counts.items():
        if isinstance(count, NoTokenizer):
            click.echo(f"The tokenizer {name} is not here: {count}.")


@prompts.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, allow_dash=True, path_type=Path))
def compress(file: Path) -> None:
    """Print the prompt in FILE said shorter: fillers, repetitions and decoration go, symbols stand for words.

    Placeholders, code and quoted words stay as they are, and no number or negation is lost. FILE is text in UTF-8;
    - is standard input. Never give it an essay: an essay is graded as it was written.
    """
    try:
        text = (sys.stdin.buffer.read() if file == Path("-") else file.read_bytes()).decode()
    except UnicodeDecodeError as error:
        raise click.UsageError(f"{file} is not UTF-8: {error}") from error
    try:
        found = shorter(text)
    except ValueError as error:
        raise click.UsageError(f"{file}: {error}") from error
    click.echo(found.text, nl=not found.text.endswith("\n"))
    done = ", ".join(f"{count} {kind}" for kind, count in found.changes.items() if count) or "nothing to shorten"
    click.echo(f"{len(text):,} → {len(found.text):,} characters: {done}.", err=True)


def _cell(tokens: int | None, saving: float | None) -> str:
    """Of the table of tokens: how many, and what that saves."""
    if tokens is None:
        return "not here"
    return f"{tokens:,}" if saving is None else f"{tokens:,}  {saving:6.1%}"


def _verbose(one: Prompt) -> Prompt:
    return library.load(one.task, one.language, VERBOSE)
