"""Files that commands write, and that they say cannot be written before they begin."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import click


class OutFile(click.Path):
    """A file to write, or - for standard output. Its folder must be there: what took an hour is not to be lost."""

    def __init__(self) -> None:
        super().__init__(dir_okay=False, allow_dash=True, path_type=Path)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Path:
        path = Path(os.fsdecode(super().convert(value, param, ctx)))
        folder = path.parent
        if not folder.is_dir():
            self.fail(f"{path} cannot be written: there is no folder {folder}.", param, ctx)
        if not os.access(path if path.exists() else folder, os.W_OK):
            self.fail(f"{path} cannot be written: no permission.", param, ctx)
        return path


OUT = OutFile()


def write(out: Path, content: str) -> None:
    """To that file, or to standard output for `-`."""
    if out == Path("-"):
        click.echo(content)
        return
    try:
        out.write_text(content + "\n", encoding="utf-8")
    except OSError as error:
        raise click.ClickException(f"{out} cannot be written: {error.strerror}.") from error
