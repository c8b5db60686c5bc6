from __future__ import annotations

import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grading.segmentation import sentences, words
from settings import ROOT


def cut(text: str) -> list[str]:
    return [text[sentence.start : sentence.end] for sentence in sentences(text)]


def test_chinese_is_cut_into_the_words_of_jiebas_dictionary() -> None:
    assert [word.text for word in words("我们看美国电影。")] == ["我们", "看", "美国", "电影"]


def test_english_words_keep_their_apostrophes_and_hyphens() -> None:
    assert [word.text for word in words("I don't know well-known “facts”, café 3.")] == [
        *("I", "don't", "know", "well-known", "facts", "café", "3")
    ]


def test_mixed_text_has_the_words_of_both() -> None:
    assert [word.text for word in words("我喜欢iPhone和Wi-Fi。")] == ["我", "喜欢", "iPhone", "和", "Wi-Fi"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("One. Two! Three? Four", ["One.", "Two!", "Three?", "Four"]),
        ("Mr. Li paid 3.50 to Dr. Lee. He left.", ["Mr. Li paid 3.50 to Dr. Lee.", "He left."]),
        ("他说：“你好！”然后走了。明天见。", ["他说：“你好！”", "然后走了。", "明天见。"]),
        ("真的吗？！我不信……算了。", ["真的吗？！", "我不信……", "算了。"]),
        ("我爱 Python. 你呢？", ["我爱 Python.", "你呢？"]),
        ("A title\nThe text begins\nand was wrapped.", ["A title", "The text begins\nand was wrapped."]),
        ("第一段\n第二段", ["第一段", "第二段"]),
        ("… !!! 。", []),
        ("", []),
    ],
)
def test_sentences_end_where_a_reader_sees_their_end(text: str, expected: list[str]) -> None:
    assert cut(text) == expected


@given(st.text())
def test_places_are_exact_and_in_their_order(text: str) -> None:
    end = 0
    for sentence in sentences(text):
        assert end <= sentence.start < sentence.end
        end = sentence.end
        for word in sentence.words:
            assert text[word.start : word.end] == word.text
            assert sentence.start <= word.start < word.end <= sentence.end
    assert [word for sentence in sentences(text) for word in sentence.words] == words(text)


def test_importing_reads_no_dictionary() -> None:
    program = "import sys; import grading.complexity; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    assert not {"rjieba", "harper", "spellchecker", "pypinyin"} & set(done.stdout.split())
