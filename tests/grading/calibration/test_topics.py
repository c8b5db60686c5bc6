import numpy as np
import pytest

from grading.calibration.topics import FEWEST, SHARED, Topics

DOGS = "Dogs bark loudly and chase every cat through our garden number{n}."
BOOKS = "Books teach children patience and open quiet worlds number{n}."


@pytest.fixture(scope="module")
def topics():
    return Topics.learn([text.format(n=n) for n in range(20) for text in (DOGS, BOOKS)], "en")


def test_essays_about_the_same_lie_together(topics):
    dogs, more_dogs, books = topics.place(["Dogs chase cats.", "Every dog likes to bark and chase.", "Books teach."])

    assert np.linalg.norm(dogs - more_dogs) < np.linalg.norm(dogs - books)


def test_length_does_not_move_an_essay(topics):
    once, thrice = topics.place([DOGS, f"{DOGS} {DOGS} {DOGS}"])

    assert thrice == pytest.approx(once, abs=0.3)


def test_more_of_what_the_class_writes_is_counted_as_such(topics):
    few, many, none = topics.shared(["Dogs bark.", f"{DOGS} {BOOKS}", "Zebras yawn."])
    expected = SHARED.index("log_expected_words")

    assert none[expected] == 0 < few[expected] < many[expected]
    assert none[SHARED.index("like_the_class")] == 0 < few[SHARED.index("like_the_class")]


def test_chinese_essays_are_placed_by_their_characters():
    topics = Topics.learn([f"{text}{n}" for n in range(15) for text in ("小狗在花园里叫。", "书教给我们耐心。")], "zh")
    dog, puppy, book = topics.place(["小狗叫了。", "花园里的狗。", "书教我们。"])

    assert np.linalg.norm(dog - puppy) < np.linalg.norm(dog - book)


@pytest.mark.parametrize("texts", [["One essay only."] * (FEWEST - 1), [f"w{n}" for n in range(40)], [""] * 40])
def test_too_few_essays_or_none_with_a_common_word_have_no_topics(texts):
    assert Topics.learn(texts, "en") is None
