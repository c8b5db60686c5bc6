from grading.checker.soundalikes import coarse, merged, readings


def usual(character: str) -> str:
    return coarse(readings()[character][0])


def test_the_tone_makes_no_difference() -> None:
    assert readings()["无"][0] == readings()["舞"][0] == "wu"


def test_a_character_has_all_its_usual_readings() -> None:
    assert {"hang", "xing"} <= set(readings()["行"])
    assert "a" not in readings()


def test_sounds_that_many_merge_are_the_same() -> None:
    assert merged("zhong") == merged("zong")
    assert merged("sheng") == merged("shen") == merged("sen")
    assert merged("hang") != merged("ang")


def test_in_words_sounds_of_one_place_of_the_mouth_are_the_same() -> None:
    assert usual("爸") == usual("怕")
    assert usual("女") == usual("奴")
    assert usual("三") == usual("餐") != usual("单")
