"""grading/ask/ghostwriting.py: help passes, an essay does not, however it is wrapped."""

from __future__ import annotations

import pytest

from grading.ask.ghostwriting import LONGEST_RUN, writes_essay

ESSAY = (
    "Computers have changed the way in which people live all over the world. Families talk to relatives who moved to "
    "another continent, and doctors see pictures of the heart within seconds. Farmers learn when it is going to rain, "
    "and engineers build bridges that no flood can carry away. Some say that screens make children lonely, yet a child "
    "in a village can read every book that was ever written. Work that was dangerous is done by machines, and nobody "
    "has to go down into the mine any more."
)
ESSAY_ZH = (
    "人生如同一场旅行，每个人都要找到属于自己的位置。树木扎根于大地，才能迎接风雨的洗礼；江河奔向大海，才能汇成波澜壮阔的画卷。"
    "古往今来，无数仁人志士在自己的岗位上默默奉献，书写了不平凡的人生。袁隆平扎根稻田，让亿万人民远离饥饿；张桂梅坚守大山，"
    "点亮了无数女孩的希望之光。他们之所以伟大，正是因为他们知道自己该在哪里发光。时代的浪潮滚滚向前，只有脚踏实地的人，"
    "才能在风浪中站稳脚跟，走向更加广阔的天地。"
)
LETTER = (
    "Dear editor,\nI am writing to you because computers help everybody in your town. You can talk to your friends, "
    "you can learn whatever you want, and you can find work more easily than before. I believe that you should tell "
    "your readers about it."
)
HELP = (
    "Your second paragraph gives one reason and no example. Ask yourself who would disagree with you, and what you "
    "would say to them. The rubric looks at how well each claim is supported, so a fact or a story from your own life "
    "would help. Then read the sentence that begins with “Computers are”: could you say which computers, and for whom? "
    "For example: The library opened at dawn. In the end, check that your last paragraph answers the question of the "
    "assignment, since your reader remembers it best. You do not need more words, only clearer ones; cut what you said "
    "twice, and give the place to your best reason."
)
HELP_ZH = (
    "你的第二段只有一个理由，没有例子。想一想：谁会不同意你的看法？你会怎样回答他？评分标准看重论据是否充分，"
    "所以可以写一件你亲身经历的事。再读一读“电脑是”这一句：是哪一种电脑，对谁有用？最后检查结尾是否回应了题目，"
    "因为读者记得最清楚的往往是结尾。你不需要写得更长，只需要写得更清楚，把重复的话删掉，把位置留给最好的理由。"
)


@pytest.mark.parametrize("answer", [HELP, HELP_ZH, "", "Yes.", "The deadline is on Friday."])
def test_help_passes(answer: str) -> None:
    assert not writes_essay(answer)


@pytest.mark.parametrize("answer", [ESSAY, ESSAY_ZH])
def test_an_essay_does_not(answer: str) -> None:
    assert writes_essay(answer)


@pytest.mark.parametrize(
    "wrapped",
    [
        f"Of course, here is what you asked for.\n\n{ESSAY}\n\nI hope this helps you.",
        f"{HELP}\n\n“{ESSAY}”",
        f"当然可以，以下是一篇范文：\n{ESSAY_ZH}\n希望对你有帮助。",
        LETTER,
    ],
)
def test_an_essay_among_kind_words_does_not_either(wrapped: str) -> None:
    assert writes_essay(wrapped)


def test_an_essay_that_says_you_to_everybody_is_one_too() -> None:
    general = "When you wake up, you look at a screen, and you see what your friends have done since you went to bed. "
    assert not writes_essay(general * 5)
    assert writes_essay(general * 6)
    assert not writes_essay((general * 3 + "What do you see in your own family? ") * 2)


def test_what_stands_in_the_task_or_in_the_own_essay_is_quoted() -> None:
    assert not writes_essay(f"You wrote:\n“{ESSAY}”", [ESSAY])
    assert writes_essay(f"You wrote:\n“{ESSAY}”", ["Computers help people."])


def test_it_is_seen_while_it_is_written_soon_after_the_longest_run() -> None:
    words = ESSAY.split()
    seen = next(count for count in range(len(words) + 1) if writes_essay(" ".join(words[:count])))
    assert LONGEST_RUN < seen <= LONGEST_RUN + 1
