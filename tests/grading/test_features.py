import pytest

from grading.features import features
from tests.corpus import chinese_essays, english_essays

ESSAYS = [("en", text) for text in english_essays(5)] + [("zh", text) for text in chinese_essays(5)]


@pytest.mark.parametrize(("language", "text"), ESSAYS)
def test_saying_it_all_again_adds_nothing(language, text):
    once, twice = features(text, language), features(f"{text}\n{text}", language)

    assert {name for name in once if twice[name] != pytest.approx(once[name])} <= {"repeated"}
    assert twice["repeated"] > once["repeated"]


def test_connectives_are_whole_words():
    assert features("They strengthen their enthusiasm.", "en")["connectives"] == 0
    assert features("They rest, because they are tired.", "en")["connectives"] > 0


def test_apostrophes_are_no_quotation_marks():
    assert features("They don't and can't.", "en")["quotation_marks"] == 0


def test_a_sentence_from_the_task_is_copied_and_adds_nothing():
    task = "Write a letter to the mayor about a change that your town needs."
    essay = "Our school bus is always late."
    alone, padded = features(essay, "en", prompt=task), features(f"{essay} {task}", "en", prompt=task)

    assert padded["log_words"] == alone["log_words"]
    assert padded["copied"] > 0.5


def test_an_essay_of_nothing_has_the_same_names():
    assert list(features("", "zh")) == list(features("山高水长。", "zh"))
