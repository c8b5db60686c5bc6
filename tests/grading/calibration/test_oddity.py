import numpy as np
import pytest

from grading.calibration.oddity import FEWEST, Oddity, Usual
from grading.segmentation import words
from tests.corpus import SHARED, chinese_essays, english_essays

TASK = "Write a letter to your newspaper about the effects that computers have on people and say whether they are good."


@pytest.fixture(scope="module")
def english():
    return english_essays(160)


@pytest.fixture(scope="module")
def usual(english):
    return Usual.learn(english[:120], "en", TASK)


def shuffled(text, language):
    mixed = [word.text for word in words(text)]
    np.random.default_rng(0).shuffle(mixed)
    return ("" if language == "zh" else " ").join(mixed)


def test_nearly_every_real_essay_is_left_in_peace(usual, english):
    assert sum(usual.oddity(text) is not None for text in english[120:]) <= 1


def test_words_in_no_order_are_noticed_also_of_a_good_essay(usual, english):
    found = [usual.oddity(shuffled(text, "en")) for text in english[120:]]

    assert found.count(Oddity.order) >= 0.9 * len(found)


def test_chinese_words_in_no_order_are_noticed_too():
    essays = chinese_essays(200)
    usual = Usual.learn(essays[:120], "zh", "")
    found = [usual.oddity(shuffled(text, "zh")) for text in essays[120:]]

    assert found.count(Oddity.order) >= 0.15 * len(found)
    assert sum(usual.oddity(text) is not None for text in essays[120:]) <= 2


def test_an_essay_said_three_times_is_borrowed_from_itself(usual, english):
    assert usual.oddity("\n".join([english[130]] * 3)) is Oddity.borrowed


def test_an_essay_copied_from_the_task_is_borrowed(usual):
    assert usual.oddity(f"{TASK} I like them.") is Oddity.borrowed


def test_an_essay_about_something_else_answers_another_task(usual):
    assert usual.oddity(COOKING) is Oddity.topic


def test_most_essays_of_another_class_answer_another_task(usual):
    if not SHARED.exists():
        pytest.skip("the shared essays are not here")
    others = english_essays(1900)[-50:]

    assert sum(usual.oddity(text) is Oddity.topic for text in others) >= 0.4 * len(others)


def test_a_few_words_are_no_evidence(usual):
    assert usual.oddity("Computers good are.") is None
    assert usual.oddity("") is None


def test_where_all_write_the_same_that_is_no_oddity():
    same = Usual.learn([TASK] * FEWEST, "en", "")

    assert same.oddity(TASK) is None
    assert same.oddity("") is None


def test_a_small_class_is_no_measure(english):
    assert Usual.learn(english[: FEWEST - 1], "en", TASK) is None


COOKING = """
Rinse the lentils and simmer them gently with onion, garlic, turmeric and a pinch of salt. Meanwhile roast the cumin
and mustard seeds in hot oil until they pop, then stir in chopped tomatoes, ginger and chilli. Pour the sauce over the
lentils, squeeze half a lemon on top, and scatter coriander leaves. Serve with basmati rice, yoghurt and warm flatbread.
Leftovers freeze well; thaw slowly, add a splash of stock, and reheat without boiling. Cardamom, cinnamon or fenugreek
make pleasant variations, and spinach wilts nicely into the pan during the last minutes.
"""
