"""The catalogues: nothing on a page is left untranslated."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog, Message
from babel.messages.extract import extract_from_dir
from babel.messages.frontend import parse_mapping_cfg
from babel.messages.pofile import read_po

from settings import ROOT

APP = ROOT / "app"
CATALOGUE = APP / "translations" / "zh" / "LC_MESSAGES" / "messages.po"
PLACEHOLDER = re.compile(r"%\(\w+\)s")
UPDATE = "make translations, then fill in app/translations/zh/LC_MESSAGES/messages.po"


@pytest.fixture(scope="module")
def used() -> set[str]:
    """Every string that the source marks for translation; of plurals, the singular."""
    with (APP / "translations" / "babel.cfg").open() as file:
        methods, options = parse_mapping_cfg(file)
    found = extract_from_dir(APP, methods, options)
    return {message[0] if isinstance(message, tuple) else message for _, _, message, _, _ in found}


@pytest.fixture(scope="module")
def chinese() -> Catalog:
    with CATALOGUE.open("rb") as file:
        return read_po(file, locale="zh")


def identity(message: Message) -> str:
    return message.id if isinstance(message.id, str) else message.id[0]


def words(message: Message) -> str:
    return message.string if isinstance(message.string, str) else message.string[0]


def test_every_string_is_in_chinese(used: set[str], chinese: Catalog) -> None:
    done = {identity(message) for message in chinese if message.id and words(message) and not message.fuzzy}
    assert used - done == set(), UPDATE


def test_nothing_is_translated_that_nobody_says(used: set[str], chinese: Catalog) -> None:
    assert {identity(message) for message in chinese if message.id} - used == set(), UPDATE


def test_a_translation_uses_only_the_figures_there_are(chinese: Catalog) -> None:
    for message in chinese:
        if message.id:
            said, meant = PLACEHOLDER.findall(words(message)), PLACEHOLDER.findall(identity(message))
            assert set(said) <= set(meant), identity(message)


def test_a_translation_is_chinese(chinese: Catalog) -> None:
    for message in chinese:
        if message.id:
            assert re.search(r"[\u4e00-\u9fff]", words(message)), identity(message)


@pytest.mark.parametrize("path", sorted((APP / "templates").rglob("*.html")), ids=lambda path: path.name)
def test_no_template_has_words_of_its_own(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    text = re.sub(r"\{#.*?#\}|\{%.*?%\}|\{\{.*?\}\}", "", text, flags=re.DOTALL)
    spoken = re.findall(r"(?:aria-label|title|placeholder|alt)=\"([^\"]*)\"", text)
    bare = re.sub(r"<[^>]*>|&\w+;", " ", text, flags=re.DOTALL)
    assert re.findall(r"[A-Za-z]{2,}", " ".join(spoken) + bare.replace("SHA-256", "")) == []
