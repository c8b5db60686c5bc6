from __future__ import annotations

import json
from pathlib import Path

import pytest

from grading.sources import Item, read
from grading.text import MAX_CHARACTERS


def only(*paths: Path) -> Item:
    (item,) = read(paths)
    return item


def lines(path: Path, *rows: object) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def test_a_text_file_is_one_essay(tmp_path: Path) -> None:
    file = tmp_path / "anna.txt"
    file.write_text("My essay.", encoding="utf-8")
    assert only(file) == Item(str(file), "anna", "My essay.")


@pytest.mark.parametrize("text", ["a\r\nb\n", "\ufeffwith a byte order mark", " 行而知之\u2028👩‍👧 "])
def test_a_text_file_is_taken_byte_for_byte(tmp_path: Path, text: str) -> None:
    file = tmp_path / "anna.txt"
    file.write_bytes(text.encode())
    assert only(file).text == text


def test_another_encoding_is_named_with_its_byte(tmp_path: Path) -> None:
    file = tmp_path / "old.txt"
    file.write_bytes("ab作文".encode("gb18030"))
    item = only(file)
    assert item.source == str(file)
    assert item.problem is not None
    assert "not UTF-8: byte 3 is 0xd7" in item.problem


def test_each_line_of_a_jsonl_file_is_an_essay(tmp_path: Path) -> None:
    file = lines(tmp_path / "class.jsonl", {"id": "a", "text": "one\u2028line"}, {"id": 7, "text": "two", "more": 1})
    assert list(read([file])) == [Item(str(file), "a", "one\u2028line"), Item(str(file), "7", "two")]


def test_a_byte_order_mark_before_json_is_no_text_of_anybody(tmp_path: Path) -> None:
    file = tmp_path / "class.jsonl"
    file.write_bytes(b'\xef\xbb\xbf{"id": "a", "text": "one"}')
    assert only(file).text == "one"


@pytest.mark.parametrize(
    ("line", "words"),
    [
        (b"nonsense", "not JSON"),
        (b"[" * 100_000, "not JSON"),
        (b"[1]", "not an object"),
        (b'{"text": "x"}', "no id"),
        (b'{"id": "", "text": "x"}', "no id"),
        (b'{"id": true, "text": "x"}', "no id"),
        (b'{"id": "b"}', "no text"),
        (b'{"id": "b", "text": 3}', "no text"),
        (b'{"id": "b", "text": "\xff"}', "not UTF-8: byte 22 is 0xff"),
    ],
)
def test_a_bad_line_is_named_and_costs_no_other(tmp_path: Path, line: bytes, words: str) -> None:
    file = tmp_path / "class.jsonl"
    file.write_bytes(b'{"id": "a", "text": "one"}\n\n' + line + b'\n{"id": "c", "text": "three"}\n')
    first, bad, last = read([file])
    assert (first.id, last.id) == ("a", "c")
    assert bad.id == "line 3"
    assert words in (bad.problem or "")


def test_two_essays_of_one_id_would_be_mixed_up(tmp_path: Path) -> None:
    file = lines(tmp_path / "class.jsonl", {"id": "a", "text": "one"}, {"id": "a", "text": "two"})
    first, second = read([file])
    assert first.problem is None
    assert "same id as line 1" in (second.problem or "")


@pytest.mark.parametrize("text", ["", "  \n", "x" * (MAX_CHARACTERS + 1), "a\0b", "\ud800"])
def test_a_text_that_cannot_be_graded_keeps_its_id_and_says_why(tmp_path: Path, text: str) -> None:
    item = only(lines(tmp_path / "class.jsonl", {"id": "a", "text": text}))
    assert item.id == "a"
    assert item.problem
    assert item.sha256 == ""


def test_a_folder_gives_its_essays_in_order(tmp_path: Path) -> None:
    for name in ("b.txt", "a.txt", "notes.md"):
        (tmp_path / name).write_text("x")
    assert [item.id for item in read([tmp_path])] == ["a", "b"]


def test_a_file_named_twice_is_read_once(tmp_path: Path) -> None:
    file = tmp_path / "a.txt"
    file.write_text("x")
    assert only(file, file, tmp_path)


def test_other_kinds_of_files_are_named(tmp_path: Path) -> None:
    file = tmp_path / "essay.docx"
    file.write_bytes(b"PK")
    assert "Only .txt and .jsonl" in (only(file).problem or "")


def test_a_file_that_has_gone_is_named(tmp_path: Path) -> None:
    assert "cannot be read" in (only(tmp_path / "gone.txt").problem or "")
