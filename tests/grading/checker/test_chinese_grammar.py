from __future__ import annotations

import pytest

from grading.checker import check


def slips(text: str) -> list[tuple[str, str | None]]:
    return [(text[one.start : one.end], one.suggestion) for one in check(text, "zh") if one.kind == "grammar"]


@pytest.mark.parametrize(
    ("text", "written", "meant"),
    [
        ("他们很快的跑到安全的地方。", "的", "地"),
        ("他慢慢的走到门口。", "的", "地"),
        ("他写的非常好，我很佩服。", "的", "得"),
        ("我是你得学生。", "得", "的"),
        ("应为我生病了，所以没来。", "应", "因"),
        ("环境收到了很大的影响。", "收", "受"),
        ("昨天我受到一封信。", "受", "收"),
        ("我不能接收你的意见。", "收", "受"),
        ("我在也不迟到了。", "在", "再"),
        ("请在说一遍。", "在", "再"),
        ("我们去了公园，在哪里玩了一天。", "哪", "那"),
        ("无论走到那里，我都记得你。", "那", "哪"),
        ("他等了三个小时候，才回家。", "候", "后"),
        ("这样好嘛？", "嘛", "吗"),
        ("他每天带眼镜。", "带", "戴"),
        ("他慢慢的好起来。", "的", "地"),
        ("做为一个学生，我要努力。", "做", "作"),
        ("不要去得话，请说。", "得", "的"),
        ("不要盲目的阻止他们。", "的", "地"),
        ("他认真的写作业。", "的", "地"),
    ],
)
def test_what_sounds_alike_is_told_apart_by_grammar(text: str, written: str, meant: str) -> None:
    assert slips(text) == [(written, meant)]


@pytest.mark.parametrize(
    "text",
    [
        "他跑得很快，我的书包是红色的。",
        "她高兴地唱起歌来，很快地跑了。",
        "这是一种深深的感动，也是更轻松的开始。",
        "我们要好好的学习。",
        "更重要的是健康，这是最认真的一个。",
        "你在哪里读书？我不知道他在哪里。",
        "我收到一封信，老师受到大家的欢迎。",
        "他在说话，我再也不去了，现在也不去。",
        "他刚正不阿，学他干嘛？那里的人自己经营，作文也写了。",
        "一座山，两座飞机模型，再说学校。",
        "这张票应为三元。",
        "我得学习了。",
    ],
)
def test_good_grammar_is_left_alone(text: str) -> None:
    assert slips(text) == []


def test_one_slip_is_found_once() -> None:
    assert slips("他变的很胖，我走了。") == [("的", "得")]


def test_most_of_it_is_counted_and_nobody_is_told() -> None:
    (slip,) = check("我是你得学生。", "zh")
    assert not slip.sure


def test_what_nobody_writes_who_is_right_is_told_even_where_spelling_only_doubts_it() -> None:
    felt, changed = check("我觉的家乡变的更美了。", "zh")
    assert (felt.suggestion, felt.sure, changed.suggestion, changed.sure) == ("得", True, "得", True)
