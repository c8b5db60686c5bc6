"""What a model has given in one run, counted while it grades and told at the end."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Mapping
from typing import Any

import click


class Tally:
    """Of gradings as plain JSON. Its time begins when it is made: after the model was loaded."""

    def __init__(self) -> None:
        self._began = time.monotonic()
        self._counted: Counter[str] = Counter()

    def add(self, grading: Mapping[str, Any]) -> None:
        quotes = sum(note["found_by"] == "model" for note in grading["annotations"])
        self._counted.update(
            prompt=grading["usage"]["prompt"],
            completion=grading["usage"]["completion"],
            quotes=quotes + grading["dropped_quotes"],
            dropped_quotes=grading["dropped_quotes"],
            dropped_claims=grading["dropped_claims"],
            suspicious=grading["suspicions"] is not None,
        )

    def tell(self) -> None:
        """On standard error; tokens are those of all tries and readings."""
        seconds, counted = time.monotonic() - self._began, self._counted
        if counted["completion"]:
            click.echo(
                f"In {seconds:.0f} s the model has read {counted['prompt']:,} tokens and written "
                f"{counted['completion']:,}, {counted['completion'] / seconds:.1f} a second.",
                err=True,
            )
        if counted["dropped_quotes"] or counted["dropped_claims"]:
            click.echo(
                f"Left out because it was false: {counted['dropped_quotes']} of {counted['quotes']} quotes, "
                f"{counted['dropped_claims']} counts.",
                err=True,
            )
        if counted["suspicious"]:
            click.echo(
                f"{counted['suspicious']} speak to their grader; “suspicions” in the output says where.", err=True
            )
