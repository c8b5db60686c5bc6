from __future__ import annotations

from pathlib import Path

import pytest

from grading.prompts import library
from grading.prompts.tokens import NoTokenizer, lengths, lengths_of_file, tokenizers
from settings import Settings

COUNTS = {"words": lambda text: len(text.split()), "absent": NoTokenizer("nobody brings it")}


def test_a_version_is_measured_beside_the_verbose_one_and_that_beside_what_the_compressor_makes_of_it() -> None:
    verbose, compact = (library.find(f"grade/en/{version}") for version in ("verbose", "compact"))
    full, compressed, short = lengths([verbose, compact], COUNTS)
    assert [row.name for row in (full, compressed, short)] == [
        "grade/en/verbose",
        "grade/en/verbose compressed",
        "grade/en/compact",
    ]
    assert (full.tokens["words"], full.saving["words"]) == (len(verbose.text().split()), 0)
    assert 0 < (compressed.saving["words"] or 0) < (short.saving["words"] or 0)
    assert short.saving["words"] == round(1 - len(compact.text().split()) / len(verbose.text().split()), 4)


def test_where_a_tokenizer_is_not_here_nothing_is_said() -> None:
    (row,) = lengths([library.find("grade/en/v1")], COUNTS)
    assert row.tokens["absent"] is row.saving["absent"] is None


def test_of_a_file_only_the_instructions_count(tmp_path: Path) -> None:
    prompt, plain = tmp_path / "p.md", tmp_path / "plain.txt"
    prompt.write_text("---\ntask: x\n---\n<!-- system -->\nBe fair. {{rubric}}\n<!-- user -->\nPlease answer.\n")
    plain.write_text("Please, {{name}}, in order to answer: answer.\n")
    assert [row.tokens["words"] for row in lengths_of_file(prompt, COUNTS)] == [4, 3]
    assert [row.tokens["words"] for row in lengths_of_file(plain, COUNTS)] == [7, 4]
    (empty := tmp_path / "empty").touch()
    assert [row.saving["words"] for row in lengths_of_file(empty, COUNTS)] == [None, None]


@pytest.mark.parametrize("prompt", list(library.every()), ids=lambda prompt: prompt.id)
def test_the_instructions_of_a_prompts_file_are_its_text(prompt: library.Prompt) -> None:
    assert library.instructions(library.source(prompt)) == prompt.text()


def test_a_tokenizer_that_is_not_here_says_what_brings_it(tmp_path: Path) -> None:
    found = tokenizers(Settings(home=tmp_path, local_model="demo"))
    assert "pizhu setup" in str(found["local"])
    assert str(tmp_path) in str(tokenizers(Settings(local_model=str(tmp_path)))["local"])


@pytest.mark.parametrize(("task", "least"), [("grade", 0.76), ("customer_service", 0.71), ("code_review", 0.67)])
@pytest.mark.parametrize("language", ["en", "zh"])
def test_compact_saves_by_every_hosted_tokenizer_what_it_is_there_for(task: str, least: float, language: str) -> None:
    pytest.importorskip("bpe_openai")
    (row,) = lengths([library.load(task, language, "compact")], tokenizers(Settings()))
    assert all(share >= least for name, share in row.saving.items() if name != "local" and share is not None)
