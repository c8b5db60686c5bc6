from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from app.cli import main, setup
from grading.checker import chinese
from settings import ROOT, settings
from tests.conftest import use_environment


@pytest.fixture(autouse=True)
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Folders of its own for what is built; nothing is built yet, and no model is wanted.

    The checker, which takes half a minute, is compiled."""
    monkeypatch.setattr(chinese, "is_compiled", lambda: True)
    monkeypatch.setattr(setup, "VENDOR", tmp_path / "vendor")
    monkeypatch.setattr(setup, "TRANSLATIONS", tmp_path / "translations")
    with use_environment({"PIZHU_HOME": str(tmp_path / "home"), "PIZHU_LOCAL_MODEL": "none"}):
        yield tmp_path


def run() -> Result:
    return CliRunner().invoke(main, ["setup"])


def steps() -> list[str]:
    return [what for what, _ in setup.missing_steps()]


def catalogue(folder: Path) -> Path:
    file = folder / "translations" / "zh" / "LC_MESSAGES" / "messages.po"
    file.parent.mkdir(parents=True)
    file.write_text('msgid ""\nmsgstr "Content-Type: text/plain; charset=UTF-8\\n"\n\nmsgid "Essay"\nmsgstr "作文"\n')
    return file


@pytest.mark.slow
def test_browser_parts_are_fetched_once() -> None:
    """By npm, as the lock file has them."""
    assert len(steps()) == 1

    result = run()

    assert result.exit_code == 0, result.output
    assert result.output.startswith("Fetching style sheet, charts and Socket.IO client for the pages … ")
    assert {file.name for file in setup.VENDOR.iterdir()} >= set(setup.BROWSER_PARTS.values())
    assert steps() == []
    assert run().output == ""


@pytest.mark.slow
def test_browser_parts_are_fetched_again_when_the_lock_has_changed() -> None:
    run()
    (setup.VENDOR / "package-lock.json").write_text("{}")

    assert len(steps()) == 1


def test_translations_are_compiled_when_they_are_newer(checkout: Path) -> None:
    file = catalogue(checkout)
    assert "Compiling translations" in steps()

    setup.compile_translations()
    assert "Compiling translations" not in steps()
    assert "作文".encode() in file.with_suffix(".mo").read_bytes()

    later = file.with_suffix(".mo").stat().st_mtime + 1
    os.utime(file, (later, later))
    assert "Compiling translations" in steps()


def test_the_demonstration_model_is_built_only_where_it_is_wanted() -> None:
    assert not any("model" in what for what in steps())

    with use_environment({"PIZHU_LOCAL_MODEL": "demo"}):
        assert any("model" in what for what in steps())

        settings().demo_model_path.mkdir(parents=True)
        (settings().demo_model_path / "config.json").touch()
        assert not any("model" in what for what in steps())


def test_a_step_that_fails_says_why_and_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail() -> None:
        raise subprocess.CalledProcessError(1, ["npm", "ci"], stderr="network unreachable")

    monkeypatch.setattr(setup, "fetch_browser_parts", fail)

    result = run()

    assert result.exit_code == 1
    assert "pages … failed" in result.output
    assert "network unreachable\n`npm` failed. `pizhu setup` tries it again." in result.output


def test_a_full_disk_is_no_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail() -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(setup, "fetch_browser_parts", fail)

    result = run()

    assert result.exit_code == 1
    assert "No space left on device" in result.output


def test_the_lock_names_no_host_and_pins_every_package() -> None:
    """So that npm takes its own registry, wherever it is installed."""
    lock = (ROOT / "package-lock.json").read_text()

    assert "://" not in lock
    assert lock.count('"integrity"') == lock.count('"node_modules/')


def test_the_checker_is_compiled_once(monkeypatch: pytest.MonkeyPatch) -> None:
    compiled: list[bool] = []
    monkeypatch.setattr(chinese, "is_compiled", lambda: bool(compiled))
    monkeypatch.setattr(chinese, "compile_", lambda: compiled.append(True))
    step = next(do for what, do in setup.missing_steps() if "Chinese" in what)

    step()

    assert not any("Chinese" in what for what in steps())
