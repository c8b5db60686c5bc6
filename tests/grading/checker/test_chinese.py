from __future__ import annotations

import pytest

from grading.checker import check


def faults(text: str) -> list[tuple[str, str | None]]:
    return [(text[one.start : one.end], one.suggestion) for one in check(text, "zh")]


@pytest.mark.parametrize(
    ("text", "fault", "meant"),
    [
        ("我以前想要高诉你。", "高诉", "告诉"),
        ("你现在生体好吗？", "生体", "身体"),
        ("我因该好好学习。", "因", "应"),
        ("请你保护环竟。", "环竟", "环境"),
    ],
)
def test_a_character_that_tears_a_word_apart_is_told_with_the_word(text: str, fault: str, meant: str) -> None:
    assert faults(text) == [(fault, meant)]


@pytest.mark.parametrize(
    ("text", "fault", "meant"),
    [
        ("我在也不去了。", "在", "再"),
        ("我们做飞机去北京。", "做", "坐"),
        ("他写的汉字变的很漂亮。", "的", "得"),
        ("这件事收到了很大的影响。", "收", "受"),
        ("我们要认识自已的错误。", "已", "己"),
        ("他一如继往地帮助同学。", "一如继往", "一如既往"),
        ("我门都喜欢音乐。", "我门", "我们"),
    ],
)
def test_a_well_known_confusion_is_told(text: str, fault: str, meant: str) -> None:
    assert faults(text) == [(fault, meant)]


@pytest.mark.parametrize(
    "text",
    [
        "我们在学校门口再见。",
        "他收到了朋友的礼物，坐在座位上做作业。",
        "不以物喜，不以己悲。",
        "我对象棋很感兴趣，他们门前有一棵树。",
        "大江东去，浪淘尽，千古风流人物。",
        "周末来我家玩吧，应为三元。",
        "Only English here.",
        "",
    ],
)
def test_good_chinese_is_left_alone(text: str) -> None:
    assert faults(text) == []
