from grading.checker.soundalikes import soundalikes, sounds


def pairs(written: str, meant: str) -> list[tuple[str, str, bool]]:
    return [
        (written[one], meant[other], bool(same)) for one, other, same in zip(*soundalikes(written, meant), strict=True)
    ]


def test_the_tone_makes_no_difference() -> None:
    assert pairs("无", "舞") == [("无", "舞", True)]


def test_sounds_that_many_merge_are_nearly_the_same() -> None:
    assert pairs("总生", "终身") == [("总", "终", False), ("生", "身", False)]


def test_of_several_readings_the_one_that_is_most_alike_counts() -> None:
    assert pairs("只", "知之") == [("只", "知", True), ("只", "之", True)]
    assert pairs("行", "航形") == [("行", "航", True), ("行", "形", True)]


def test_a_character_does_not_stand_for_itself_and_what_is_none_for_nothing() -> None:
    assert pairs("无a六", "无六a") == []
    assert pairs("", "无") == pairs("无", "") == []


def test_the_usual_sound_is_without_tone_and_merged() -> None:
    assert sounds()["总"] == sounds()["中"] == sounds()["种"]
    assert sounds()["身"] == sounds()["生"]
    assert "a" not in sounds()


def test_in_words_sounds_of_one_place_of_the_mouth_are_the_same() -> None:
    assert sounds()["爸"] == sounds()["怕"]
    assert sounds()["女"] == sounds()["奴"]
    assert sounds()["三"] == sounds()["餐"] != sounds()["单"]
