from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grading.quotes import locate

ENGLISH = (
    "Dear mayor, I think our town needs a bus line to the pool.\n"
    "My friend said, “It’s too far to walk!” and she\u2019s right. A buss would help, it would realy help us."
)
CHINESE = (
    "陆游云：“纸上得来终觉浅，绝知此事要躬行。”何为“行”？行，就是行动，就是实践，就是探索。\n行而知之，有行才有知。"
)
EMOJI = "I am 👩‍👩‍👧 happy 👍🏽 with cafe\u0301 and 🇨🇳 flags."
HEBREW = "שלום עולם, זה החיבור שלי על בית הספר. אני אוהב ללמוד."

scripts = st.sampled_from(
    [
        st.sampled_from("abc de fg.,\n“”"),
        st.sampled_from("行而知之，有才。\n “”"),
        st.sampled_from("👩\u200d👧👍🏽e\u0301🇨🇳 a"),
        st.sampled_from("שלום עולם\u05b0,\u200f "),
        st.characters(exclude_categories=["Cs"]),
    ]
).flatmap(lambda alphabet: st.text(alphabet, max_size=300))


def found(quote: str, essay: str) -> str | None:
    place = locate(quote, essay)
    return place and essay[slice(*place)]


@given(quote=scripts, essay=scripts)
def test_what_is_found_is_a_stretch_of_the_essay(quote: str, essay: str) -> None:
    place = locate(quote, essay)
    if place is not None:
        start, end = place
        assert 0 <= start < end <= len(essay)


@given(essay=scripts, data=st.data())
def test_a_copy_is_always_found_and_covered_whole(essay: str, data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(essay)))
    quote = essay[start : data.draw(st.integers(start, len(essay)))]
    if not quote.strip():
        assert locate(quote, essay) is None
    else:
        assert quote.strip() in (found(quote, essay) or "")


@pytest.mark.parametrize(
    ("quote", "essay"),
    [
        ("a bus line to the pool", ENGLISH),
        ("绝知此事要躬行", CHINESE),
        ("行", CHINESE),
        ("👩‍👩‍👧 happy", EMOJI),
        ("זה החיבור שלי", HEBREW),
    ],
)
def test_an_exact_quote_is_found_where_it_first_stands(quote: str, essay: str) -> None:
    assert locate(quote, essay) == (essay.index(quote), essay.index(quote) + len(quote))


def test_whole_words_go_before_parts_of_words() -> None:
    assert locate("her", "There is her cat.") == (9, 12)


@pytest.mark.parametrize(
    ("quote", "words", "essay"),
    [
        ("It's too far to walk!", "It’s too far to walk!", ENGLISH),
        ("my friend said, \"it's too far", "My friend said, “It’s too far", ENGLISH),
        ("the pool. My friend", "the pool.\nMy friend", ENGLISH),
        ("就是探索。行而知之", "就是探索。\n行而知之", CHINESE),
        ("何为行？", "何为“行”？", CHINESE),
        ("何为“行”?", "何为“行”？", CHINESE),
        ("with café and", "with cafe\u0301 and", EMOJI),
    ],
)
def test_case_white_space_quotation_marks_accents_and_width_do_not_matter(quote: str, words: str, essay: str) -> None:
    assert found(quote, essay) == words


@pytest.mark.parametrize(
    ("quote", "words", "essay"),
    [
        ("A bus would help, it would really help us.", "A buss would help, it would realy help us.", ENGLISH),
        (
            "I think our town needs an bus line to the pool",
            "I think our town needs a bus line to the pool",
            ENGLISH,
        ),
        ("纸上得来终觉浅，绝知此事须躬行", "纸上得来终觉浅，绝知此事要躬行", CHINESE),
        ("זה החיבר שלי על בית הספר", "זה החיבור שלי על בית הספר", HEBREW),
    ],
)
def test_a_small_edit_distance_is_forgiven_and_the_essays_own_words_are_taken(
    quote: str, words: str, essay: str
) -> None:
    assert found(quote, essay) == words


@pytest.mark.parametrize(
    ("quote", "essay"),
    [
        ("our town needs a new library", ENGLISH),
        ("The essay argues well", ENGLISH),
        ("vlbus", ENGLISH),
        ("知识就是力量", CHINESE),
        ("行而不知", CHINESE),
        ("quote", ""),
        ("", ENGLISH),
        (" \n", ENGLISH),
        ("“”", "no quotation here"),
        ("a quote much longer than the essay itself", "short"),
    ],
)
def test_what_the_student_did_not_write_is_not_found(quote: str, essay: str) -> None:
    assert locate(quote, essay) is None


def test_short_quotes_must_be_right() -> None:
    assert locate("a bux", ENGLISH) is None


def test_blanks_that_vanish_do_not_make_words_of_other_words() -> None:
    assert locate("he is", "Theism is a word.") is None


@pytest.mark.parametrize(
    ("quote", "words", "essay"),
    [
        ("my friend said, “It’s too far to wa", "My friend said, “It’s too far to walk", ENGLISH),
        ("happy 👍", "happy 👍🏽", EMOJI),
        ("I am 👩", "I am 👩‍👩‍👧", EMOJI),
        ("with cafe", "with cafe\u0301", EMOJI),
        ("得来终觉", "得来终觉", CHINESE),
    ],
)
def test_words_and_visible_characters_are_never_cut(quote: str, words: str, essay: str) -> None:
    assert found(quote, essay) == words
