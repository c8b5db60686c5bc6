"""`pizhu complexity`: what the score of a text is made of, and what the checker found in it."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text

from grading import complexity as measuring
from grading.complexity import WEIGHTS, Complexity
from grading.text import Language, TextError, check

AROUND = 12
"""Characters shown on either side of a finding."""


@click.command("complexity", context_settings={"max_content_width": 100})
@click.argument(
    "files", nargs=-1, required=True, type=click.Path(exists=True, dir_okay=False, allow_dash=True, path_type=Path)
)
@click.option(
    "-l", "--language", type=click.Choice(["zh", "en"]), help="Language of the texts; seen from each by default."
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object a file, and nothing else.")
def complexity(files: tuple[Path, ...], language: Language | None, as_json: bool) -> None:
    """Say how complex the texts in FILES are, from 0 to 1, and what is wrong with their language.

    FILES are texts in UTF-8, one essay each; - is standard input. The score is made of the length, the diversity of
    the vocabulary, the mean length of the sentences and the number of errors. Nothing leaves this machine.

    The exit status is 0 when every file was measured, 2 when one could not be read.

    \b
    Examples: pizhu complexity essay.txt
              cat essay.txt | pizhu complexity --json - | jq .score
    """
    for path in files:
        text = read(path)
        found = measuring.measure(text, language)
        if as_json:
            findings = [finding.to_json() for finding in found.findings]
            click.echo(json.dumps({"file": str(path), **found.to_json(), "findings": findings}, ensure_ascii=False))
        else:
            _show(path, text, found)


def read(path: Path) -> str:
    """The essay in a file, or on standard input for `-`. Raises `click.UsageError` for what is no essay."""
    try:
        text = (sys.stdin.buffer.read() if path == Path("-") else path.read_bytes()).decode()
        check(text)
    except UnicodeDecodeError as error:
        raise click.UsageError(f"{path} is not UTF-8: {error}") from error
    except TextError as error:
        raise click.UsageError(f"{path}: {error.message}") from error
    except OSError as error:
        raise click.UsageError(f"{path} cannot be read: {error.strerror}") from error
    return text


def _show(path: Path, text: str, found: Complexity) -> None:
    console = Console()
    console.print(Text(f"{path}: complexity {found.score:.2f} ({found.language})", style="bold"))
    console.print(_parts(found))
    console.print(_findings(text, found) if found.findings else Text("The checker found nothing."))


def _parts(found: Complexity) -> Table:
    counted = {
        "length": f"{found.characters:,} characters",
        "vocabulary": f"{found.diversity:.2f} MATTR",
        "sentences": f"{found.sentence_words:.1f} words a sentence",
        "errors": f"{found.errors} errors",
    }
    table = Table()
    for heading in ("Part", "Counted", "From 0 to 1", "Weight", "Adds"):
        table.add_column(heading, justify="left" if heading in ("Part", "Counted") else "right")
    for name, part in found.parts.items():
        table.add_row(name, counted[name], f"{part:.3f}", f"{WEIGHTS[name]:.1f}", f"{part * WEIGHTS[name]:.3f}")
    return table


def _findings(text: str, found: Complexity) -> Table:
    table = Table("Place", "Kind", "Text", "Message")
    for finding in found.findings:
        table.add_row(
            f"{finding.start}–{finding.end}",
            finding.kind,
            _in_context(text, finding.start, finding.end),
            Text(finding.message),
        )
    return table


def _in_context(text: str, start: int, end: int) -> Text:
    """The fault, and a little of what stands around it; on one line, the middle of a long one left out."""
    fault = text[start:end]
    if len(fault) > 3 * AROUND:
        fault = f"{fault[:AROUND]} … {fault[-AROUND:]}"
    shown = Text(text[max(0, start - AROUND) : start], style="dim")
    shown.append(fault, style="bold red")
    shown.append(text[end : end + AROUND], style="dim")
    return Text("").join(shown.split("\n"))
