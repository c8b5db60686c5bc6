"""`pizhu advise`: what to do next about costs."""

from __future__ import annotations

import json
from pathlib import Path

import click
from rich.console import Console
from rich.text import Text

from app.advice import AdviceView, advice
from app.cli.db import reported_errors
from app.cli.out import OUT, write
from models.session import snapshot


@click.command("advise", context_settings={"max_content_width": 100})
@click.option("--json", "out", type=OUT, help="File for JSON; - prints it.")
def advise(out: Path | None) -> None:
    """Say what to do next about costs, what it would save in a month, and what it would risk.

    It is computed from this platform's ledger, of the last 30 days. A star stands at what the cost guide begins with at
    such a bill: cache and prompts from $1,000 a month, routing and a local model from $500, batches and queues from
    $200. Savings are of one measure each and do not add up.
    """
    with reported_errors(), snapshot() as db:
        found = advice(db)
    if out is not None:
        write(out, json.dumps(found, ensure_ascii=False))
    if out != Path("-"):
        _show(found)


def _show(found: AdviceView) -> None:
    console = Console()
    console.print(f"The bill is ${found['month_usd']} a month.")
    if found["missing"]:
        console.print(Text(found["missing"]))
    elif not found["items"]:
        console.print("Nothing that would save a dollar a month.")
    for item in found["items"]:
        star = "*" if item["pressing"] else " "
        console.print()
        console.print(Text(f"{star} ${item['saving_usd']:>9}  {item['what']}", style="bold"))
        for words in (item["how"], f"Risk: {item['risk']}", f"Begin with: {item['command']}"):
            click.echo(click.wrap_text(words, console.width, "  ", "  "))
