"""grading/simulation/calls.py: the tokens it counts with are those of the real prompts and replies."""

from __future__ import annotations

import json
from itertools import cycle, islice

import pytest

from grading import prompt, reply
from grading.prompts.tokens import Count, NoTokenizer, tokenizers
from grading.simulation import calls
from grading.simulation.calls import Call
from grading.task import Task
from grading.text import Language
from settings import settings
from tests.corpus import OWN, SHARED, chinese_essays, english_essays

TASKS: dict[Language, str] = {"en": "letter_en.json", "zh": "street_zh.json"}


@pytest.fixture(scope="module")
def cl100k() -> Count:
    count = tokenizers(settings())["cl100k_base"]
    if isinstance(count, NoTokenizer):
        pytest.skip(f"there is no tokenizer to count with: {count}")
    return count


def task(language: Language) -> Task:
    return Task.parse(json.loads((OWN / TASKS[language]).read_text(encoding="utf-8")))


class TestACallOfTheGuide:
    def test_has_2000_and_800_tokens_for_an_essay_of_800_characters(self) -> None:
        found = calls.verbose(800, "en")
        assert (found.prompt, found.reply) == (2000, 800)


class TestACallOfOurs:
    def test_is_shorter_by_the_difference_of_the_prompts_and_longer_by_the_schema(self) -> None:
        # v1 has 452 tokens, the schema 450, the task 117, the essay 800 · 0.2204 = 176.
        assert calls.ours(800, "en", "v1") == Call(prompt=452 + 450 + 117 + 176, reply=570, prefix=0)

    def test_has_a_beginning_that_can_be_cached_from_1024_tokens_on_in_steps_of_128(self) -> None:
        assert calls.ours(800, "en", "verbose").prefix == 17 * 128  # of 1,707 + 450 + 117 = 2,274


@pytest.mark.parametrize("language", ["en", "zh"])
class TestWhatWasCounted:
    def test_is_the_schema(self, language: Language, cl100k: Count) -> None:
        schema = json.dumps(reply.schema(task(language).rubric, language), ensure_ascii=False)
        assert cl100k(schema) == pytest.approx(calls._SCHEMA, rel=0.02)

    def test_is_the_longest_reply_that_the_schema_allows(self, language: Language, cl100k: Count) -> None:
        sizes, rubric = reply._SIZES[language], task(language).rubric
        words = cycle((OWN / f"essay_{language}_1.txt").read_text(encoding="utf-8").replace("\n", " "))
        remark, quote = ("".join(islice(words, size[1])) for size in (sizes.remark, sizes.quote))
        longest = {
            "levels": dict.fromkeys(rubric.keys, 6),
            "comments": {key: "".join(islice(words, len(remark))) for key in rubric.keys},
            "annotations": [
                {"quote": quote, "kind": "structure", "comment": "".join(islice(words, len(remark)))} for _ in range(3)
            ],
            "strengths": [remark, "".join(islice(words, len(remark)))],
            "suggestions": ["".join(islice(words, len(remark))) for _ in range(2)],
        }
        counted = cl100k(json.dumps(longest, ensure_ascii=False, separators=(",", ":")))
        assert counted == pytest.approx(calls._LONGEST_REPLY[language], rel=0.05)

    def test_is_no_less_than_the_demonstrations_task(self, language: Language, cl100k: Count) -> None:
        one = task(language)
        empty = prompt.load(language, "verbose").text()
        filled = prompt.load(language, "verbose").text(prompt.static_values(one) | {"delimiter": "essay-5f0c82a91b3d"})
        assert cl100k(filled) - cl100k(empty) <= calls.TASK[language]

    @pytest.mark.skipif(not SHARED.exists(), reason="the essays are in the shared data, which is not here")
    def test_is_real_essays(self, language: Language, cl100k: Count) -> None:
        texts = (english_essays if language == "en" else chinese_essays)(100)
        each = sum(map(cl100k, texts)) / sum(map(len, texts))
        assert each == pytest.approx(calls._PER_CHARACTER[language], rel=0.03)
