from grading.checker.soundalikes import sound, soundalikes


def test_the_tone_makes_no_difference() -> None:
    assert soundalikes("无")["舞"]


def test_sounds_that_many_merge_are_nearly_the_same() -> None:
    assert soundalikes("总")["终"] is False
    assert soundalikes("生")["身"] is False


def test_a_character_does_not_stand_for_itself_and_what_is_none_for_nothing() -> None:
    assert "无" not in soundalikes("无")
    assert not soundalikes("a")
    assert "六" not in soundalikes("无")


def test_the_usual_sound_is_without_tone_and_merged() -> None:
    assert sound("总") == sound("中") == sound("种")
    assert sound("身") == sound("生")
    assert sound("a") == "a"
