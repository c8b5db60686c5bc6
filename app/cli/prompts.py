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

from grading.prompts import library, tokens
from grading.prompts.compression import compress as shorter
from grading.prompts.library import VERBOSE, Prompt, UnknownPrompt
from grading.prompts.tokens import Length, NoTokenizer
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

    A prompt is named by its task, language and version, such as grade/en/v1. Essays are graded with the version that
    the setting PIZHU_GRADE_PROMPT names.
    """


@prompts.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON array, and nothing else.")
def list_(as_json: bool) -> None:
    """Name all prompts with their length in tokens (cl100k_base), without what is filled in, and what that saves
    beside the verbose version."""
    rows = [
        {"id": one.id, "tokens": one.tokens, "saving": round(1 - one.tokens / _verbose(one).tokens, 3)}
        for one in library.every()
    ]
    if as_json:
        click.echo(json.dumps(rows))
        return
    table = Table("Prompt")
    table.add_column("Tokens", justify="right")
    table.add_column("Saves", justify="right")
    for row in rows:
        table.add_row(str(row["id"]), f"{row['tokens']:,}", f"{row['saving']:.1%}")
    Console().print(table)


@prompts.command()
@click.argument("prompt", type=PromptName())
def show(prompt: Prompt) -> None:
    """Print what PROMPT says, with the names of what is filled in."""
    for role, text in prompt.messages:
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
        prompt = (sys.stdin.buffer.read() if file == Path("-") else file.read_bytes()).decode()
    except UnicodeDecodeError as error:
        raise click.UsageError(f"{file} is not UTF-8: {error}") from error
    try:
        found = shorter(prompt)
    except ValueError as error:
        raise click.UsageError(f"{file}: {error}") from error
    click.echo(found.text, nl=not found.text.endswith("\n"))
    done = ", ".join(f"{count} {kind}" for kind, count in found.changes.items() if count) or "nothing to shorten"
    click.echo(f"{len(prompt):,} → {len(found.text):,} characters: {done}.", err=True)


def _cell(tokens: int | None, saving: float | None) -> str:
    """Of the table of tokens: how many, and what that saves."""
    if tokens is None:
        return "not here"
    return f"{tokens:,}" if saving is None else f"{tokens:,}  {saving:6.1%}"


def _verbose(prompt: Prompt) -> Prompt:
    return library.load(prompt.task, prompt.language, VERBOSE)
