"""What `pizhu evaluate` can be asked for."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from grading.evaluation.experiment import ALL
from grading.text import Language


class MarksType(click.ParamType):
    """A number of marks, or all."""

    name = "N|all"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        if value == "all" or isinstance(value, int):
            return ALL if value == "all" else value
        if not str(value).isdigit():
            self.fail(f"{value!r} is neither a number of marks nor “all”.", param, ctx)
        return int(value)


class PairType(click.ParamType):
    """OURS=THEIRS."""

    name = "OURS=THEIRS"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[str, str]:
        ours, equals, theirs = str(value).partition("=")
        if not (ours and equals and theirs):
            self.fail(f"{value!r} is not of the form OURS=THEIRS, such as id=essay_id.", param, ctx)
        return ours, theirs


class NamesType(click.ParamType):
    """Different names with commas between them."""

    name = "NAME,…"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[str, ...]:
        if isinstance(value, tuple):
            return value
        names = tuple(name.strip() for name in str(value).split(","))
        if not all(names) or len(set(names)) < len(names):
            self.fail(f"{value!r} does not name different versions, such as v1,compact.", param, ctx)
        return names


@dataclass(frozen=True)
class Options:
    """What was asked for; see the command's help."""

    labelled: Path
    assignment: Path | None
    engine: str | None
    answers: Path | None
    prior: tuple[Path, ...]
    marks: int | None
    draws: int
    seed: int
    prompt_id: tuple[str, ...]
    apart: bool | None
    essays: int | None
    tolerance: float | None
    by: tuple[str, ...]
    column: tuple[tuple[str, str], ...]
    language: Language | None
    grades: Path | None
    prompts: tuple[str, ...]
    attacks: Path | None
    attack_pairs: int
    json_out: Path | None
    html_out: Path | None
