"""Ways to say the same, by language: what a question is folded by before it is compared with another.

Every fold must be safe on its own: two questions that only differ by it ask the same. What is safe in one frame only
(`How do I …` and `What is the best way to …`) is written with its frame.
"""

from __future__ import annotations

import re

Folds = list[tuple[re.Pattern[str], str]]


def fold(text: str, folds: Folds) -> str:
    """The text with every fold done in turn, one blank between its words."""
    for pattern, to in folds:
        text = " ".join(pattern.sub(to, text).split())
    return text


def _folds(*pairs: tuple[str, str]) -> Folds:
    return [(re.compile(pattern, re.VERBOSE), to) for pattern, to in pairs]


_ANYONE = r"(?:\ (?:i|you|we|one|u|someone|somebody|people|a\ person|an\ individual|they))"
_DEGREE = r"(?:\w+est|most\ \w+|best|good|better|great|different|possible|effective|easy|simple|right|proper|various)"
_TO_DO = r"(?:to|of|for|in\ which\ (?:i|you|we|one)\ can|that\ (?:i|you|we|one)\ can)"

ENGLISH = _folds(
    # Spelling
    (r"[’`´]", "'"),
    (r"(?<=\w)'\ +s\b", "'s"),
    (r"\bcan'?t\b | \bcannot\b", "can not"),
    (r"\bwon'?t\b", "will not"),
    (r"\b(do|does|did|is|are|was|were|has|have|had|would|should|could)n'?t\b", r"\1 not"),
    (r"\b(what|who|how|where|when|why|it|that|there|here|he|she|which)'s\b | \b(what|how|who|where)s\b", r"\1\2 is"),
    (r"'re\b", " are"),
    (r"'ve\b", " have"),
    (r"'ll\b", " will"),
    (r"\bi'm\b | \bim\b", "i am"),
    (r"\bi'd\b", "i would"),
    (r"'s\b | (?<=s)'(?=\s)", ""),
    (r"\bu\.\s?s\.(?:\s?a\.?)? | \busa\b | \bunited\ states(?:\ of\ america)?\b", "usa"),
    (r"\bu\.\s?k\.?(?=\W) | \bunited\ kingdom\b", "uk"),
    (r"(?<=[a-z])-(?=[a-z])", ""),
    (r"\be\ mail\b", "email"),
    (r"\bwi\ fi\b", "wifi"),
    (r"\b(short|long)\ term\b", r"\1term"),
    (r"\b(\d+)\s*(?:yrs?|year)[ -]?old\b", r"\1 year old"),
    (r"\bmaths?\b | \bmathematics\b", "math"),
    (r"\bgrey\b", "gray"),
    (r"\bprogrammes?\b", "program"),
    (r"\b(fav|col|hon|behavi|neighb|lab|hum|harb)our", r"\1or"),
    (r"\b(organ|real|recogn|apolog|summar|critic|memor|emphas|analy)[sz](e|ed|es|ing|ation)\b", r"\1iz\2"),
    # Words that change places in any question
    (r"\b(every|some|any|no)body\b", r"\1one"),
    (r"\ba\ lot\ of\b | \blots\ of\b | \bso\ many\b", "many"),
    (r"\bso\ much\b", "much"),
    (r"\bone'?s?self\b | \byourselve?s?f?\b | \bmyself\b | \bourselves\b", "oneself"),
    (r"\bvs\.?(?=\s) | \bversus\b", "or"),
    (r"&", " and "),
    (r"\b(?:earn|make|making|earning)(?:\ some|\ extra)?\ money\b", "earn money"),
    (r"\b(?:lose|reduce|losing|reducing|shed)(?:\ some|\ my|\ your)?\ weight\b", "lose weight"),
    (r"\bget(?:ting)?\ rid\ of\b", "rid"),
    (r"\b(?:really|actually|exactly|just|simply|very|please|basically|ever|etc)\b", ""),
    (r"\b(?:currently|nowadays|these\ days|right\ now)\b", ""),
    # Frames
    (r"\bwhich\ (?=(?:is|are|was|were)\ (?:some\ of\ |one\ of\ )?the\ (?:best|most|top|good|\w+est)\b)", "what "),
    (
        rf"\bwhat\ (?:is|are|were|was|would\ be|will\ be|could\ be|can\ be)(?:\ (?:the|some|a|an))?(?:\ of\ the)?"
        rf"(?:\ {_DEGREE})?(?:\ and\ {_DEGREE})?(?:\ possible)?\ (?:ways?|methods?|steps?|tips)\ {_TO_DO}\b",
        "HOWTO",
    ),
    (r"\bis\ there\ (?:a|any|an|some)(?:\ \w+)?\ way\ (?:to|i\ can|that\ i\ can|for\ me\ to|of)\b", "HOWTO"),
    (r"\bare\ there\ (?:any\ |some\ )?ways\ (?:to|of)\b", "HOWTO"),
    (
        rf"\bwhat\ (?:should|can|must|could|do|would){_ANYONE}\ (?:need\ to\ |have\ to\ )?do\ (?:to|in\ order\ to)\b",
        "HOWTO",
    ),
    (r"\bhow\ is\ it\ possible\ to\b", "HOWTO"),
    (r"\bhow\ (?:can|could|do|would)\ (?:i|you|we|one)\ (?:be\ able\ to|go\ about)\b", "HOWTO"),
    (rf"\bhow\ (?:(?:can|do|does|should|could|would|shall|must|may|might|will){_ANYONE}|to)\b(?=\ [a-z])", "HOWTO"),
    (r"\bwhat\ does\ (.+?)\ mean\b", r"what is meaning \1"),
    (r"\bwhat\ (?:is|are)\ (?:the\ |a\ |an\ )?(?:definition|meaning)\ of\b", "what is meaning"),
    (
        r"\bhow\ much\ time\ does\ it\ take\b | \bhow\ long\ (?:does|will|would|do)\ it\ take\b"
        r"| \bhow\ much\ time\ (?:is|it)\ (?:needed|required|takes)\b",
        "HOWLONG",
    ),
    (
        r"\bwhat\ (?:is|are)\ (?:the\ )?(?:differences?|distinction)\ (?:between|in\ between|of)\b"
        r"| \bhow\ (?:is|are|do|does)\ (.+?)\ (?:differ(?:ent)?)\ (?:from|than|to)\b",
        r"DIFFERENCE \1 and",
    ),
    (
        r"\bwhat\ (?:is|are)\ (?:the\ |your\ |some\ )?(?:reasons?|causes?)\ (?:for|why|that|behind)\b"
        r"| \bwhat\ is\ the\ reason\b | \bhow\ come\b | \bfor\ what\ reasons?\b",
        "why",
    ),
)
"""For a lower-case question, in this order."""

ENGLISH_SYNONYMS = {
    word: group.split()[0]
    for group in """
        begin start starting begins started beginning | buy purchase buying purchasing | big large huge
        kid child children | film movie | photo picture pic pictures image | quick fast rapid | quickly rapidly
        biggest largest | difficult hard tough | error mistake | fix repair | wrong incorrect | rich wealthy
        phone smartphone cellphone mobile | job career | doctor physician | vacation holiday | happen occur
        assist help | important significant | famous popular | stop quit | attempt try | select choose
        allow permit | gift present | website site | car automobile | near nearby | happy glad | benefit advantage
        drawback disadvantage
        best good top great greatest better | terminate end | male men man | female women woman | bike bicycle
        tv television | ad advertisement ads | app application apps | india indian | china chinese
        america american usa
        russia russian | japan japanese | germany german | exam examination | delete remove erase
        pro advantage | con disadvantage | safe secure | required needed necessary | talk speak | believe think
        interesting fascinating | scary frightening | funny hilarious | kill murder | prepare preparation preparing
        improve enhance | answer respond | ask asking | trip journey | cheap inexpensive affordable
    """.replace("\n", "|").split("|")
    if group.strip()
    for word in group.split()
}
"""Each word to the first of its group. Only words that change places in almost any question."""

ENGLISH_IRREGULAR = {
    form: base
    for base, forms in {
        "make": "made", "take": "took taken", "get": "got gotten", "go": "went gone", "know": "knew known",
        "see": "saw seen", "write": "wrote written", "choose": "chose chosen", "speak": "spoke spoken", "buy": "bought",
        "build": "built", "feel": "felt", "find": "found", "give": "gave given", "grow": "grew grown", "keep": "kept",
        "lose": "lost losing", "think": "thought", "teach": "taught", "sell": "sold", "send": "sent",
        "break": "broke broken", "come": "came", "become": "became", "learn": "learned learnt", "die": "died dying",
        "child": "children", "man": "men", "woman": "women", "person": "people persons", "foot": "feet",
        "country": "countries", "life": "lives",
    }.items()
    for form in forms.split()
}  # fmt: skip

CHINESE = [
    # What is folded stands apart from its neighbours, so that both questions are cut into words alike.
    (re.compile(pattern), f" {to} ")
    for pattern, to in [
        ("怎么样|如何样", "HOWIS"),
        ("什么时候|啥时候|何时|什么时间|几时", "WHEN"),
        ("为什么|为啥|为何|为甚么|怎么会|干嘛|干吗", "WHY"),
        ("怎么办|咋办|怎么弄|咋弄|如何处理|怎么处理", "DOWHAT"),
        ("怎么|怎样|如何|咋样|咋|怎麽|怎末", "HOW"),
        ("多长时间|多久", "LONG"),
        ("多少钱|几块钱|多少元", "PRICE"),
        ("多少|几(?=[个次天年月岁点位条张块元号])", "MANY"),
        ("在哪里|在哪儿|哪里|哪儿|在哪|何处|什么地方", "WHERE"),
        ("是谁|谁", "WHO"),
        ("哪一个|哪个|哪些|哪种|哪一", "WHICH"),
        ("什么|啥", "WHAT"),
        ("能不能够|能不能|可不可以|能否|可否|是否可以|是否能|可以不可以|可以|能够|能", "CAN"),
        ("是不是|是否", ""),
        ("有没有|有无", "有"),
        ("会不会", "会"),
        ("要不要|想要|需要", "要"),
        ("没有|沒有", "没"),
        ("目前|如今|眼下", "现在"),
        ("手机号码", "手机号"),
        ("您|妳", "你"),
        ("爸爸", "爸"),
        ("妈妈", "妈"),
        ("使用", "用"),
        ("关掉|关闭", "关"),
        ("开启", "打开"),
    ]
]
"""For a question in Han characters, in this order. What is asked for becomes a word in capitals."""
