from __future__ import annotations

import pytest

from grading.checker import check, chinese


def faults(text: str) -> list[tuple[str, str | None]]:
    return [(text[one.start : one.end], one.suggestion) for one in check(text, "zh")]


@pytest.mark.parametrize(
    ("text", "fault", "meant"),
    [
        ("我以前想要高诉你。", "高诉", "告诉"),
        ("你现在生体好吗？", "生体", "身体"),
        ("请你保护环竟。", "环竟", "环境"),
        ("我的数学成积很好。", "成积", "成绩"),
        ("他一如继往地帮助同学。", "一如继往", "一如既往"),
    ],
)
def test_a_character_that_tears_a_word_apart_is_told_with_the_word(text: str, fault: str, meant: str) -> None:
    assert faults(text) == [(fault, meant)]


@pytest.mark.parametrize(("text", "fault", "meant"), [("我们坐功课。", "坐", "做"), ("他再学校学习。", "再", "在")])
def test_a_word_that_is_one_is_told_by_what_stands_around_it(text: str, fault: str, meant: str) -> None:
    assert faults(text) == [(fault, meant)]


def test_only_what_gains_much_is_sure_enough_for_a_person() -> None:
    (torn,) = check("他晃然大悟。", "zh")
    (doubtful,) = check("我们坐功课。", "zh")
    assert (torn.sure, doubtful.sure) == (True, False)


@pytest.mark.parametrize(
    "text",
    [
        "我们在学校门口再见。",
        "他收到了朋友的礼物，坐在座位上做作业。",
        "不以物喜，不以己悲。",
        "我对象棋很感兴趣，他们门前有一棵树。",
        "大江东去，浪淘尽，千古风流人物。",
        "周末来我家玩吧，应为三元。",
        "她和他一起去学校，不知道为甚么。",
        "Only English here.",
        "",
    ],
)
def test_good_chinese_is_left_alone(text: str) -> None:
    assert faults(text) == []


def test_what_is_full_of_slips_is_not_read_to_its_end() -> None:
    found = chinese.check("我以前想要高诉你。" * 1000)
    assert len(found) == chinese.MOST
    assert found[-1].end < 1000
