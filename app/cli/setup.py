"""`pizhu setup`: what the Python packages do not bring. Every step is skipped when its result is there."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import click

from app.cli.step import step
from app.demo import model
from grading.checker import chinese
from settings import ROOT, settings

VENDOR = ROOT / "app" / "static" / "vendor"
BROWSER_PARTS = {
    "@picocss/pico/css/pico.min.css": "pico.min.css",
    "echarts/dist/echarts.common.min.js": "echarts.min.js",
    "socket.io-client/dist/socket.io.min.js": "socket.io.min.js",
}
LOCK = ROOT / "package-lock.json"
TRANSLATIONS = ROOT / "app" / "translations"


@click.command()
def setup() -> None:
    """Fetch and build what the Python packages do not bring: browser parts, translations, the checker of Chinese, the
    demonstration model.

    What is there already is left alone, so that running it again costs nothing.
    """
    run_steps()


def run_steps() -> None:
    """Do what is missing, a line for each step. Raises ClickException with the reason when one cannot be done."""
    for what, do in missing_steps():
        try:
            with step(what):
                do()
        except subprocess.CalledProcessError as error:
            reason = str(error.stderr).strip()[-2000:]
            raise click.ClickException(f"{reason}\n`{error.cmd[0]}` failed. `pizhu setup` tries it again.") from error
        except OSError as error:
            raise click.ClickException(f"{error}\n`pizhu setup` tries it again.") from error


def missing_steps() -> Iterator[tuple[str, Callable[[], None]]]:
    """What is still to be done, and how."""
    if not has_browser_parts():
        yield "Fetching style sheet, charts and Socket.IO client for the pages", fetch_browser_parts
    if stale_translations():
        yield "Compiling translations", compile_translations
    if not chinese.is_compiled():
        yield "Compiling the checker of Chinese, half a minute", chinese.compile_
    target = settings().demo_model_path
    if settings().is_demo_model and not model.is_built(target):
        yield "Fetching and converting the demonstration model, about a minute", partial(model.build, target)


def has_browser_parts() -> bool:
    """Whether they lie in `app/static/vendor` as the lock file now has them."""
    lock = VENDOR / LOCK.name
    return lock.exists() and lock.read_bytes() == LOCK.read_bytes()


def stale_translations() -> list[Path]:
    """Catalogues that are newer than their compiled form."""
    return [catalogue for catalogue in TRANSLATIONS.glob("*/LC_MESSAGES/*.po") if is_stale(catalogue)]


def is_stale(catalogue: Path) -> bool:
    compiled = catalogue.with_suffix(".mo")
    return not compiled.exists() or compiled.stat().st_mtime < catalogue.stat().st_mtime


def fetch_browser_parts() -> None:
    with tempfile.TemporaryDirectory() as folder:
        for source in (ROOT / "package.json", LOCK, ROOT / ".npmrc"):
            shutil.copy(source, folder)
        programs = Path(sys.executable).parent
        path = f"{programs}{os.pathsep}{os.environ.get('PATH', os.defpath)}"
        _run([str(programs / "npm"), "ci", "--ignore-scripts", "--loglevel=error"], cwd=folder, PATH=path)
        VENDOR.mkdir(parents=True, exist_ok=True)
        for inside, name in BROWSER_PARTS.items():
            shutil.copy(Path(folder, "node_modules", inside), VENDOR / name)
        shutil.copy(LOCK, VENDOR)  # last: it says that the others are there


def compile_translations() -> None:
    _run([sys.executable, "-m", "babel.messages.frontend", "compile", "-d", str(TRANSLATIONS)])


def _run(command: list[str], cwd: str | None = None, **environment: str) -> None:
    subprocess.run(
        command,
        cwd=cwd or ROOT,
        env={**os.environ, **environment},
        check=True,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
