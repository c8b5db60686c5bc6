from __future__ import annotations

import copy
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grading.reply import KINDS, InvalidReply, Note, max_tokens, parse, schema
from grading.rubric import Rubric
from grading.task import LANGUAGES
from settings import settings
from tests.corpus import chinese_essays, english_essays
from tests.grading.examples import RUBRIC, as_text, reply

WIDEST = Rubric.parse({"criteria": [{"key": f"k{i}".ljust(32, "x"), "name": "K", "max": 1} for i in range(12)]})


def admitted(part: dict[str, Any]) -> st.SearchStrategy[Any]:
    """Values that a part of our schema admits."""
    if "enum" in part:
        return st.sampled_from(part["enum"])
    if part["type"] == "string":
        characters = st.characters(exclude_categories=["Cs"], exclude_characters="\0")
        return st.text(characters, min_size=part["minLength"], max_size=part["maxLength"])
    if part["type"] == "array":
        return st.lists(admitted(part["items"]), max_size=part["maxItems"])
    return st.fixed_dictionaries({name: admitted(value) for name, value in part["properties"].items()})


def refusal(text: str) -> str:
    with pytest.raises(InvalidReply) as caught:
        parse(text, RUBRIC)
    return caught.value.reason


@given(obj=admitted(schema(RUBRIC, "en", stated=True)), escaped=st.booleans())
def test_whatever_the_schema_admits_is_read(obj: dict[str, Any], escaped: bool) -> None:
    read = parse(json.dumps(obj, ensure_ascii=escaped), RUBRIC, stated=True)
    assert read.confidence == obj["confidence"]
    assert read.levels == obj["levels"]
    assert read.comments == obj["comments"]
    assert list(read.notes) == list(dict.fromkeys(Note(**note) for note in obj["annotations"]))
    assert list(read.strengths) == obj["strengths"]
    assert list(read.suggestions) == obj["suggestions"]


def test_levels_come_first_and_in_the_rubrics_order() -> None:
    properties = schema(RUBRIC, "en")["properties"]
    assert next(iter(properties)) == "levels"
    assert tuple(properties["levels"]["properties"]) == RUBRIC.keys


def parts_of(part: dict[str, Any]) -> list[dict[str, Any]]:
    """A schema and all schemas in it."""
    inner = [*part.get("properties", {}).values(), *([part["items"]] if "items" in part else [])]
    return [part, *(found for value in inner for found in parts_of(value))]


@pytest.mark.parametrize("language", LANGUAGES)
def test_everything_in_the_schema_is_bounded(language: str) -> None:
    for part in parts_of(schema(RUBRIC, language)):
        match part["type"]:
            case "object":
                assert part["additionalProperties"] is False
                assert part["required"] == list(part["properties"])
            case "array":
                assert part["maxItems"] > 0
            case "string":
                assert "enum" in part or part["maxLength"] > part["minLength"] > 0
            case "integer":
                assert part["enum"] == [1, 2, 3, 4, 5, 6]


@pytest.mark.parametrize(
    "text", ["", "{", "[1, 2", "null", "[]", '"levels"', "{'levels': 1}", "[" * 100_000, "1" * 5_000]
)
def test_what_is_no_json_object_is_refused(text: str) -> None:
    assert refusal(text)


def test_words_around_the_json_are_refused() -> None:
    assert refusal("Here is the grade: " + as_text(reply())) == "it is not JSON"


@pytest.mark.parametrize("field", list(reply()))
def test_a_missing_field_is_refused(field: str) -> None:
    obj = reply()
    del obj[field]
    assert field in refusal(as_text(obj))


def test_a_field_too_many_is_refused() -> None:
    assert "nobody asked" in refusal(as_text(reply(grade=6)))


def test_a_field_given_twice_is_refused() -> None:
    text = as_text(reply())
    assert "twice" in refusal('{"levels": {"ideas": 6, "language": 6}, ' + text[1:])


@pytest.mark.parametrize("level", [0, 7, -1, 3.5, 4.0, "4", None, True, [4], 10**30])
def test_a_level_is_a_whole_number_from_1_to_6(level: Any) -> None:
    assert "ideas" in refusal(as_text(reply(levels={"ideas": level, "language": 3})))


def test_a_confidence_is_asked_for_last_and_only_where_it_is_wanted() -> None:
    asked, usual = schema(RUBRIC, "en", stated=True), schema(RUBRIC, "en")
    assert list(asked["properties"]) == [*usual["properties"], "confidence"]
    assert max_tokens(RUBRIC, "en", stated=True) - max_tokens(RUBRIC, "en") == len(', "confidence": 100')
    assert parse(as_text(reply()), RUBRIC).confidence is None
    assert "nobody asked" in refusal(as_text(reply(confidence=80)))


@pytest.mark.parametrize(("said", "read"), [(0, 0), (100, 100), (73, 73)])
def test_a_confidence_that_is_no_step_of_five_is_still_one(said: int, read: int) -> None:
    assert parse(as_text(reply(confidence=said)), RUBRIC, stated=True).confidence == read


@pytest.mark.parametrize("said", [-5, 101, 0.8, 80.0, "80", "80 %", None, True, [80]])
def test_a_confidence_is_a_whole_number_of_per_cent(said: Any) -> None:
    with pytest.raises(InvalidReply, match="confidence"):
        parse(as_text(reply(confidence=said)), RUBRIC, stated=True)


def test_a_confidence_that_was_asked_for_and_is_missing_is_refused() -> None:
    with pytest.raises(InvalidReply, match="lacks confidence"):
        parse(as_text(reply()), RUBRIC, stated=True)


@pytest.mark.parametrize("part", ["levels", "comments"])
def test_every_criterion_is_there_and_no_other(part: str) -> None:
    obj = reply()
    fewer, more = copy.deepcopy(obj), copy.deepcopy(obj)
    del fewer[part]["language"]
    more[part]["style"] = obj[part]["ideas"]
    assert refusal(as_text(fewer)) == f"{part} lacks language"
    assert part in refusal(as_text(more))


@pytest.mark.parametrize(
    "note",
    [
        "a bus line",
        {"quote": "a", "kind": "idea"},
        {"quote": 1, "kind": "idea", "comment": "c"},
        {"quote": "a", "kind": "insult", "comment": "c"},
        {"quote": "a", "kind": "idea", "comment": "c", "start": 3},
    ],
)
def test_an_annotation_is_quote_kind_and_comment(note: Any) -> None:
    assert refusal(as_text(reply(annotations=[note])))


@pytest.mark.parametrize("character", [r"\u0000", r"\ud83d", r"\ude00\ud83d"])
def test_what_cannot_be_stored_is_refused(character: str) -> None:
    assert "no character" in refusal(as_text(reply(strengths=["x"])).replace('"x"', f'"x{character}"'))


def test_a_note_given_twice_is_kept_once() -> None:
    note = {"quote": "a bus line", "kind": "idea", "comment": "A good example."}
    assert parse(as_text(reply(annotations=[note, note, {**note, "kind": "praise"}])), RUBRIC).notes == (
        Note(**note),
        Note(**{**note, "kind": "praise"}),
    )


def test_a_tab_may_stand_in_a_string_as_it_is() -> None:
    text = as_text(reply(strengths=["one\ttab"])).replace("\\t", "\t")
    assert parse(text, RUBRIC).strengths == ("one\ttab",)


def test_kinds_are_those_of_the_schema() -> None:
    kinds = schema(RUBRIC, "en")["properties"]["annotations"]["items"]["properties"]["kind"]["enum"]
    assert kinds == list(KINDS)


@pytest.mark.slow
@pytest.mark.parametrize(("language", "essays"), [("en", english_essays), ("zh", chinese_essays)])
@pytest.mark.parametrize("rubric", [RUBRIC, WIDEST], ids=["two criteria", "twelve"])
def test_the_longest_reply_of_ordinary_words_fits_into_max_tokens(language: str, essays: Any, rubric: Rubric) -> None:
    tokenizers = pytest.importorskip("tokenizers", reason="the tokenizer comes with vLLM")
    tokenizer = tokenizers.Tokenizer.from_file(str(settings().demo_model_path / "tokenizer.json"))
    words = iter("".join("".join(essays(20)).split("\n")))

    def longest(part: dict[str, Any]) -> Any:
        if "enum" in part:
            return part["enum"][-1]
        if part["type"] == "string":
            return "".join(next(words) for _ in range(part["maxLength"]))
        if part["type"] == "array":
            return [longest(part["items"]) for _ in range(part["maxItems"])]
        return {name: longest(value) for name, value in part["properties"].items()}

    tokens = len(tokenizer.encode(as_text(longest(schema(rubric, language)))).ids)
    assert tokens < max_tokens(rubric, language)
