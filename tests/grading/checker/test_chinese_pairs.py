from __future__ import annotations

import re

import pytest

from grading.checker import chinese_grammar
from grading.checker.chinese_pairs import PAIRS, Pair
from grading.segmentation import sentences

# What is written and what is meant, in braces.
EXAMPLES = """
{应因}为我病了，所以没来。 环境{收受}到了很大的影响。 昨天我{受收}到一封信。 我不能接{收受}你的意见。
我{在再}也不迟到了。 请{在再}说一遍。 然后{在再}去。 不{在再}迟到。 他{再在}学校。 不去{得的}话，请说。
你看{的得}见吗？ 我{门们}走吧。 同学{门们}好。 好{阿啊}，走吧。 好了{拉啦}，走吧。 走{把吧}。 你好{马吗}？
你{那呢}？ 三个小时{候后}，他才回家。 无论在{那哪}里都好。 你在{那哪}儿？ {没每}天都去。 又高{有又}大。
出去{完玩}吧。 做{玩完}了，走吧。 {做作}为学生，我很忙。 {作做}功课。 这{作做}法很好。 一{坐座}山。 {座坐}火车去。
{带戴}眼镜。 好{象像}是他。 {于与}此同时，他来了。 一{但旦}我有钱，就买。 {己已}经来了。 {须需}要你。 必{需须}要去。
反{应映}社会。 {渡度}过了愉快的一天。 我们的权{力利}。 太{利厉}害了。 {既即}使你来。 {即既}然你来。 一{只直}在想。
说{得的}话不多。 总{得的}来说，很好。 小{得的}时候，我很胖。 他慢慢{得地}走。 天气变{的得}更冷。 我觉{的得}很好。
舍不{的得}走。 来{的得}及。 对不{的得}起。 我{地的}书。 高兴{地的}时候。 {地第}一次。 他心{理里}很难过。
这{理里}很好。 自己的权{力利}。 什么都想{作做}。 我想{作做}什么。 {在再}加上他。 {在再}度。 一{在再}强调。
他走了，{在再}说，我也忙。 先吃饭{在再}去。 不想{在再}去。 {再在}这里。 关键{再在}于你。 现{再在}很好。 {那哪}怕死。
不知道{那哪}里好。 {哪那}时候我小。 一年{已以}后，我走了。 所{已以}我来。 自{以己}的书。 我{会回}家了。 一{回会}儿。
学{回会}了。 没{又有}人。 {又有}趣的书。 他{有又}忘了。 一件{是事}情。 没{是事}，走吧。 他总{事是}说。 看{道到}他。
知{到道}了。 不{象像}他。 {象像}我这样。 {像相}反，他走了。 三天{只之}后，他走了。 我们{之只}要努力。 {戴带}我去。
很{进近}的路。 跑{近进}来。 {听停}车。 {停听}音乐。 {作坐}在椅子上。 {座坐}下。 {坐座}位。 最后{住祝}你身体健康。
我{祝住}在这儿。 今天，{情请}你来。 三{快块}钱。 很{块快}来。 {根跟}我走。 {更跟}他说。 一{为位}老师。 {位为}了你。
有时{后候}，我走。 到时{后候}，我走。 到{低底}是谁。 一会{而儿}，他来了。 请{吧把}门开了。 专{们门}的书。
大家{多都}来。 很{都多}人。 {都多}少钱。 看不{动懂}，问他。 {动懂}事，听话。 我{合和}朋友。 一起{和喝}茶吧。
{每没}什么。 {美每}天都来。 五年{一以}后，就走。 所{一以}我来。 {出除}了你以外。 看一{变遍}。 {遍变}成人。
{望忘}了说。 {收受}不了，走了。 一{章张}照片。 {个各}种书。 一{各个}人。 {狠很}好。 {正真}的很好。 {真正}在看书。
{时十}分高兴。 很好{完玩}。 吃{完晚}饭，走了。 {里离}学校很近。 {买卖}光了。 吸烟的权{力利}。 受到他的{印影}象。
什{麻么}。 这{麻么}大。 摔{到倒}了。 没{由有}人。 也{由有}时候去。 一{中种}方法。 这{此次}，我来。 你{号好}！
{早找}朋友。 {找早}晚都去。 {己几}个人。 自{几己}来。 {那拿}走，好吗。 {拿那}时候。 {注住}在北京。 一{平瓶}水。
一{背杯}水。 {背被}人骗。 这{见件}事。 一{件间}房。 一{支只}狗。 {与于}是，他来了。 我{性姓}王。 叫{性醒}了他。
不{感敢}说。 {敢赶}快来。 {邦帮}我。 {邦帮}忙。 有{写些}人。 我{些写}信。 我很{喝渴}。 我很{类累}。 人{累类}的文明。
{弟第}一次。 很{男难}做。 {孩还}有人。 别{吃迟}到。 很{园远}，走不到。
"""
MARKED = re.compile(r"\{(.)(.)\}")


def examples() -> list[str]:
    return EXAMPLES.split()


def findings(text: str) -> list[tuple[int, str | None]]:
    return [(one.start, one.suggestion) for one in chinese_grammar.check(text, sentences(text))]


@pytest.mark.parametrize("example", examples())
def test_what_is_written_for_another_is_found_and_what_is_meant_left_alone(example: str) -> None:
    (marked,) = MARKED.finditer(example)
    written, meant = marked.groups()
    before, after = example[: marked.start()], example[marked.end() :]
    assert findings(before + written + after) == [(len(before), meant)]
    assert findings(before + meant + after) == []


@pytest.mark.parametrize("pair", PAIRS, ids=lambda pair: f"{pair.written}-{pair.meant}")
def test_each_row_has_an_example(pair: Pair) -> None:
    assert any(
        marked[1] in pair.written
        and marked[2] == pair.meant
        and re.search(f"(?:{pair.before})$", example[: marked.start()])
        and re.match(pair.after, example[marked.end() :])
        for example in examples()
        for marked in MARKED.finditer(example)
    )
