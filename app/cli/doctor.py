"""`pizhu doctor`."""

from __future__ import annotations

import dataclasses
import json
import sys

import click

from app.cli.checks import CHECKS
from settings import settings

MARKS = {True: ("✓", "green"), False: ("✗", "red"), None: ("–", "yellow")}


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print the findings as JSON.")
def doctor(as_json: bool) -> None:
    """Say what is missing and how to mend it; the exit status is 1 when something is broken."""
    findings = [check(settings()) for check in CHECKS]
    if as_json:
        click.echo(json.dumps([dataclasses.asdict(finding) for finding in findings], ensure_ascii=False))
    else:
        for finding in findings:
            mark, colour = MARKS[finding.ok]
            mend = f"  → {finding.mend}" if finding.mend else ""
            click.echo(f"{click.style(mark, fg=colour)} {finding.what}{mend}")
    sys.exit(any(finding.ok is False for finding in findings))
