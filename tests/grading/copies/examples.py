"""Essays that share words, and such as do not."""

ENGLISH = (
    "My grandmother never owned a computer, and she knew more about her neighbours than anybody I have met. "
    "Every morning she carried a basket of warm rolls down the lane and came back with the news. "
    "She said that a letter which takes three days to arrive is read three times. "
    "When the lights went out in the winter of the flood, nobody on our street was alone."
)
OTHER = (
    "Screens have changed how we learn. In our school the tablets arrived last autumn, and within a month the library "
    "stood empty. I asked the librarian whether she was sad about it, and she laughed at me for a while. "
    "Then she showed me the lists of what pupils now read on their own at night."
)
CHINESE = (
    "外婆家门前有一条青石板铺成的小路，下过雨以后总是亮得像一面镜子。每天清晨她提着竹篮去集市，"
    "回来时篮子里除了青菜，还装着半条街的新鲜事。她常说，走得慢的人看得见花开，跑得快的人只记得终点。"
    "那年冬天停电，整条巷子的人都围到她的炉火旁边来讲故事。"
)
OTHER_CHINESE = (
    "我第一次站上演讲台的时候，双腿一直在发抖，手心里的汗把讲稿都浸湿了。老师在台下对我轻轻点头，"
    "同学们的目光忽然变得柔和。我深吸一口气，把准备了整整两个星期的话说了出来，掌声响起的那一刻，"
    "我明白勇敢并不是不害怕，而是害怕的时候仍然愿意往前走一步。"
)


def taking(text: str, source: str, start: int, end: int) -> str:
    """The text with so much of the source in its middle."""
    middle = len(text) // 2
    return f"{text[:middle]} {source[start:end]} {text[middle:]}"
