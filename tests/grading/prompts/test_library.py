from __future__ import annotations

import pytest

from grading.prompts import library
from grading.prompts.library import UnknownPrompt, every, find, ids, unified_diff, verbose_surplus, word_diff

V1, COMPACT, VERBOSE = (f"grade/en/{version}" for version in ("v1", "compact", "verbose"))


def test_every_kind_of_prompt_has_a_verbose_and_a_compact_version_in_both_languages() -> None:
    there = ids()
    for task in ("grade", "ask", "ask_essay", "customer_service", "code_review"):
        for language in ("en", "zh"):
            assert there.index(f"{task}/{language}/verbose") + 1 == there.index(f"{task}/{language}/compact")


def test_every_file_is_read_and_asks_last_between_tags() -> None:
    for prompt in every():
        assert prompt.messages[0][0] == "system"
        last = prompt.placeholders[-1]
        assert f"<{{{{delimiter}}}}>\n{{{{{last}}}}}\n</{{{{delimiter}}}}>\n" in prompt.messages[-1][1]
        assert prompt.messages[-1][1].startswith("<{{")


def test_versions_of_a_prompt_have_the_same_placeholders() -> None:
    for prompt in every():
        assert prompt.placeholders == library.load(prompt.task, prompt.language, "verbose").placeholders


@pytest.mark.parametrize("language", ["en", "zh"])
def test_who_asks_how_sure_a_model_is_asks_nothing_else_in_other_words(language: str) -> None:
    usual, stated = (library.load("grade", language, version) for version in ("v1", "stated"))
    (_, _, *changes) = [line for line in unified_diff(usual, stated) if line[0] in "+-"]
    assert [line[:14] for line in changes] == ["+- confidence："[:14] if language == "zh" else "+- confidence:"]
    assert (usual.states_confidence, stated.states_confidence) == (False, True)


def test_what_is_not_named_is_empty_in_the_text() -> None:
    prompt = find("code_review/en/compact")
    assert "{{" not in prompt.text()
    assert "no {{tabs}}" in prompt.text({"rules": "no {{tabs}}"})


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("grade/en/v2", "Did you mean grade/en/v1"),
        ("en/compact", "Did you mean .*ask_essay/en/compact"),
        ("qqqqqq", "There are ask/en/verbose, "),
        ("../secrets/x", "No prompt is called"),
    ],
)
def test_a_wrong_name_is_refused_with_the_nearest(name: str, words: str) -> None:
    with pytest.raises(UnknownPrompt, match=words):
        find(name)


def test_the_stated_length_is_that_of_the_instructions() -> None:
    encoding = pytest.importorskip("bpe_openai").get_encoding(library.ENCODING)
    for prompt in every():
        assert prompt.tokens == len(encoding.encode(prompt.text())), prompt.id


@pytest.mark.parametrize("task", ["grade", "customer_service", "code_review"])
@pytest.mark.parametrize("language", ["en", "zh"])
def test_compact_saves_what_it_is_there_for(task: str, language: str) -> None:
    least = {"grade": 0.76, "customer_service": 0.71, "code_review": 0.67}[task]
    verbose, compact = (library.load(task, language, version).tokens for version in ("verbose", "compact"))
    assert 1 - compact / verbose >= least


def test_the_baseline_is_told_how_much_longer_the_verbose_prompt_is() -> None:
    assert verbose_surplus(COMPACT) == find(VERBOSE).tokens - find(COMPACT).tokens > verbose_surplus(V1) > 0
    assert verbose_surplus(VERBOSE) == 0


def test_a_diff_by_lines_names_both_prompts() -> None:
    lines = unified_diff(find(V1), find(COMPACT))
    assert lines[:2] == [f"--- {V1}", f"+++ {COMPACT}"]
    assert any(line.startswith("-You are an experienced teacher.") for line in lines)
    assert not unified_diff(find(V1), find(V1))


@pytest.mark.parametrize("language", ["en", "zh"])
def test_a_diff_by_words_holds_both_texts_whole(language: str) -> None:
    one, other = find(f"grade/{language}/v1"), find(f"grade/{language}/compact")
    pieces = list(word_diff(one, other))
    for prompt, foreign in ((one, "+"), (other, "-")):
        rebuilt = "".join(text for sign, text in pieces if sign != foreign)
        assert all(text in rebuilt for _, text in prompt.messages)
