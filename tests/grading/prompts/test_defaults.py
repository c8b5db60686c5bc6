from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from grading import prompt
from grading.prompts import defaults, library
from grading.prompts.defaults import NoDefault, default, set_default
from grading.task import LANGUAGES


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The prompts, where a default may be changed."""
    shutil.copytree(library.FOLDER, tmp_path / "prompts")
    monkeypatch.setattr(library, "FOLDER", tmp_path / "prompts")
    defaults._all.cache_clear()
    yield tmp_path / "prompts"
    defaults._all.cache_clear()


def test_essays_of_every_language_have_a_default_prompt_that_is_as_it_was_measured() -> None:
    for kind, stated in defaults._all().items():
        assert stated.get("hash", library.find(f"{kind}/{stated['version']}").hash) == default(*kind.split("/")).hash
    assert {f"grade/{language}" for language in LANGUAGES} <= defaults._all().keys()


def test_a_new_default_is_used_at_once_in_its_language_and_says_what_was_measured(folder: Path) -> None:
    set_default(library.find("grade/zh/compact"), instead_of="v1", essays=80)
    assert prompt.load("zh").id == "grade/zh/compact"
    assert prompt.load("en").id == "grade/en/v1"
    written = yaml.safe_load((folder / "defaults.yaml").read_text())
    assert written["grade/zh"] == {
        "version": "compact",
        "hash": library.find("grade/zh/compact").hash,
        "instead_of": "v1",
        "essays": 80,
    }
    assert not list(folder.glob("*.new"))


def test_a_kind_without_a_default_is_named() -> None:
    with pytest.raises(NoDefault, match="No prompt code_review/en has a default; there are grade/en, grade/zh"):
        default("code_review", "en")
