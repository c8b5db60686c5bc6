"""Words by which a text speaks to its grader, in English and Chinese, as they stand in a folded text.

A `sure` cue is enough by itself. Others turn up in honest essays too; two kinds of them, or the same one twice, within
`grading.injection.NEAR` characters are no chance any more.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

Kind = Literal["override", "score", "role", "turn", "address", "leak", "encoded", "disguised", "hidden", "gibberish"]


@dataclass(frozen=True)
class Cue:
    """`said`: that somebody is reported to say or do it takes its meaning away; a forged tag needs no speaker."""

    kind: Kind
    pattern: re.Pattern[str]
    sure: bool = True
    said: bool = True


def _cue(kind: Kind, pattern: str, *, sure: bool = True, said: bool = True) -> Cue:
    return Cue(kind, re.compile(pattern, re.VERBOSE | re.MULTILINE), sure, said)


# An order: at the beginning of a sentence or clause, or after such a word; not after "they" or "he".
_ORDER = (
    r"(?:^[ ]?|[.!?:;,\"'\])>*\#(\[{|–—-]\s*"
    r"|\b(?:please|now|and|then|just|must|should|so|also|to|can|you|instead|请|并|且)\s+)"
)
_GAP = r"[^\w\n]+"
_UPTO3 = rf"(?:\w+{_GAP}){{0,3}}?"
_UPTO5 = rf"(?:\w+{_GAP}){{0,5}}?"
_BEFORE = r"(?:previous|prior|above|preceding|earlier|foregoing|aforementioned|original|initial|existing)"
_RULES = (
    r"(?:instructions?|prompts?|rubrics?|guidelines?|directions?|directives?|constraints?|commands?|programming"
    r"|criteria)"
)
_WORK = (
    r"(?:this|my|the|that)\s+(?:essay|answer|response|paper|text|submission|work|writing|composition|resume|cv"
    r"|article|student|author|candidate|learner)"
)
_TOP = (
    r"(?:(?:full|top|maximum|max|highest|perfect|best|maximal)\s+(?:possible\s+)?"
    r"(?:marks?|scores?|points?|grades?|ratings?|credit)|100\s?%"
    r"|(?:an?\s+)?(?:perfect\s+)?(?:10|6|100|5)(?:\s?/\s?(?:10|6|100|5)|\s+out\s+of\s+\w+)?(?!\s*\w)"
    r"|an?\s+a\s?\+|score\s+(?:of\s+)?\d+|\d+\s+points)"
)
_MACHINE = r"(?:ai|a\.i\.|chatgpt|gpt|llm|language\s+model|automated|automatic|machine)"
_JUDGE = (
    r"(?:grader|marker|evaluator|reviewer|assessor|judge|scorer|examiner|rater|screener|assistant|system|model"
    r"|software|parser)"
)

CUES: tuple[Cue, ...] = (
    # --- put the rules away
    _cue(
        "override",
        rf"""
        {_ORDER}(?:ignore|disregard|forget|override|bypass|discard|neglect){_GAP}{_UPTO5}(?:{_BEFORE}|
        your|all\s+of|any|system|grading|scoring|marking){_GAP}{_UPTO3}{_RULES}\b
        """,
    ),
    _cue(
        "override",
        rf"""
        {_ORDER}(?:ignore|disregard|forget|override|discard){_GAP}{_UPTO3}(?:{_BEFORE}|
        your\s+previous){_GAP}{_UPTO3}(?:rules?|text|context|messages?|identity|tasks?
        |orders|conversation|everything)\b
        """,
    ),
    _cue(
        "override",
        rf"""
        {_ORDER}(?:ignore|disregard|forget|override)\s+(?:everything|all|anything)\s+(?:above|
        before|that\s+(?:came|was|has)|you\s+(?:were|have\s+been)\s+(?:told|taught|given))
        """,
    ),
    _cue(
        "override",
        rf"""
        {_ORDER}(?:ignore|disregard|override|skip)\s+(?:the|this|that|any|all|your)\s+{_UPTO3}(?:rubric|
        manual\s+scoring|system\s+prompt|scoring\s+guide|negative\s+indicators|negatives)
        \b
        """,
    ),
    _cue(
        "override",
        r"""
        \b(?:system|operator|supervisor|developer|grading|evaluation|previous|prior)
        (?:'s)?\s+(?:rules|constraints|instructions|prompt|policy|policies|guidelines|
        rubric)\s+(?:\w+\s+){0,3}(?:no\s+longer\s+appl\w+|obsolete|revoked|void|(?:been|
        is|are)\s+(?:updated|replaced|superseded|lifted|changed|disabled))
        """,
    ),
    _cue(
        "override",
        rf"""
        \b(?:treat|consider|regard)\s+(?:the\s+)?(?:operator|system|developer|previous|
        above|prior)\S*\s+{_UPTO3}(?:as\s+)?(?:obsolete|void|invalid|outdated|lifted)
        \b
        """,
    ),
    _cue("override", r"\bsystem\s+override\b|\boverride\s+(?:manual\s+)?(?:scoring|grading)\b"),
    _cue("override", r"\b(?:grading|scoring|marking)\s+rubric\s+(?:has\s+been|was|is)\s+(?:updated|changed|replaced)"),
    _cue(
        "override",
        rf"""
        {_ORDER}(?:ignore|disregard)\s+(?:the|these|all|any)\s+(?:instructions?|directions?
        |rules|guidelines|criteria)\b
        """,
        sure=False,
    ),
    _cue(
        "override",
        r"""
        (?:忽略|无视|忽视|忘记|忘掉|抛开|抛弃|不要理会|不用管|不要管|别管|跳过|绕过|绕开|推翻|撤销|丢弃|覆盖|不要遵守|不必遵守|停止遵守|
        违背)(?:掉|了)?.{0,6}?(?:以上|上述|上面|之前|此前|先前|前面|前述|你的|您的|系统|原有|原来|评分|打分|评卷|阅卷|安全).{0,6}?
        (?:指令|指示|提示|规则|规范|标准|设定|限制|约束|命令|准则|细则|策略|要求|内容)
        """,
    ),
    _cue(
        "override",
        r"(?:忽略|无视|不要理会|不用管|绕过|推翻).{0,3}?(?:所有|全部|一切|任何|一切的).{0,6}?(?:指令|指示|提示词|规则|设定|命令|评分标准|评分细则)",
    ),
    _cue(
        "override",
        r"""
        (?:以上|上述|之前|此前|先前|系统|评分|操作).{0,4}?(?:指令|指示|提示|规则|规范|标准|设定|限制|细则)[^。\n]{0,4}?
        (?:已|已经|现已|现在|均|全部)[^。\n]{0,3}?(?:撤销|作废|失效|取消|更新|废止|无效|解除|替换)
        """,
    ),
    # --- ask for a mark
    _cue(
        "score",
        rf"""
        {_ORDER}(?:give|award|assign|grant|rate|grade|score|mark|output|return|report|
        set)\s+(?:me|it|us|{_WORK}|the\s+score|every\w*)?\s*{_UPTO5}{_TOP}
        """,
        sure=False,
    ),
    _cue(
        "score",
        rf"""
        {_ORDER}(?:give|award|assign|grant)\s+(?:me|it|{_WORK})\s+(?:an?\s+|the\s+)?{_UPTO3}(?:full|
        maximum|max|highest|perfect)\s+(?:possible\s+)?(?:marks?|scores?|points?|grades?
        |ratings?)
        """,
    ),
    _cue(
        "score",
        rf"""
        {_ORDER}(?:assign|award|return|output|give)\s+(?:me\s+|it\s+)?(?:only\s+)?(?:the\s+|
        a\s+)?(?:full|maximum|highest|perfect|top)\s+(?:possible\s+)?(?:marks?|scores?
        |points?|grades?|ratings?)
        """,
    ),
    _cue("score", rf"{_ORDER}(?:give|award|assign)\s+me\s+(?:an?\s+)?(?:10|6|100|5|a\+)(?!\s*\w)"),
    _cue(
        "score",
        rf"""
        \byou\s+(?:must|should|have\s+to|need\s+to|will)\s+(?:give|award|assign)\s+(?:me|
        this|it|{_WORK})\s+(?:an?\s+)?(?:10|6|100|5|a\+)(?!\d)
        """,
    ),
    _cue(
        "score",
        rf"""
        {_WORK}\s+(?:fully\s+|clearly\s+|really\s+)?(?:deserves?|merits?|should\s+(?:get|
        receive|be\s+(?:given|awarded))|must\s+(?:get|receive|be\s+given))\s+{_UPTO3}{_TOP}
        """,
    ),
    _cue(
        "score",
        r"""
        \bdeserves?\s+the\s+highest\s+possible\s+scores?\b|\b(?:confirm|return|output|
        report|set)\s+(?:the\s+)?score\s*(?:=|:|of|to|as)?\s*\d
        """,
    ),
    _cue(
        "score",
        r"""
        \boutput\s+the\s+score\b|\brespond\s+only\s+with\s+(?:json|the\s+(?:score|number))
        |\bscore\s*(?:=|:)\s*(?:1\.0|10|100|6)\b
        """,
    ),
    _cue("score", r"^\W*score\s+(?:100|10|6)\W*$|^\W*pass\s+this\s+(?:resume|essay|answer|candidate)\W*$"),
    _cue(
        "score",
        rf"""
        {_ORDER}(?:give|write|provide)\s+(?:me\s+)?(?:only\s+)?an?\s+(?:positive|favou?
        rable|glowing)\s+(?:review|evaluation|assessment|feedback)
        """,
    ),
    _cue(
        "score",
        r"""
        \bdo\s+not\s+(?:highlight|mention|report|deduct|point\s+out)\s+(?:any\s+)?(?:negatives|
        negative|weakness\w*|errors|mistakes|flaws|points|marks)
        """,
    ),
    _cue(
        "score",
        r"""
        \b(?:learner|student|author|candidate)'s\s+(?:answer|essay|response|work)\s+is\s+(?:correct|
        perfect|excellent)\W+(?:\w+\s+){0,2}(?:assign|give|award|maximum)
        """,
    ),
    _cue(
        "score",
        r"""
        \b(?:highly|strongly)\s+recommend\w*\s+for\s+(?:immediate\s+)?(?:hire|interview|
        accept\w*|publication)|\binterview\s+highly\s+recommended|\bpre-verified\s+by\b
        """,
    ),
    _cue(
        "score",
        r"""
        (?:请|务必|必须|直接|你就|应该|一定要|麻烦|求|快|只需|只要|都|全部|统统)
        (?:(?!给(?![我个打本这该此它满最高予一出评各每\d]))[^。！？\n，了过]){0,8}?(?:给(?=[我个打本这该此它满最高予一出评各每\d])|打|判|评
        |输出|返回)[^。！？\n，了过]{0,6}?(?:满分|高分|最高分|(?<!\d)(?:10|100|60|6)\s?分)
        """,
    ),
    _cue(
        "score",
        r"""
        (?:^|[。！？!?，,；;"“”：:\s])(?:给|打|判|评)(?:个|我|一个|本文|这篇|此文|该|它)?[^。！？\n，了过他她]{0,4}?
        (?:打|评)?(?:个)?(?:满分|最高分|高分)(?:吧|谢谢|即可|就行|就好|就可以|！|!|。|$|\s)
        """,
    ),
    _cue(
        "score",
        r"""
        (?:本文|这篇(?:作文|文章|答案|回答|论文)|此文|该(?:作文|文|答案|回答)|这份(?:作文|答案|答卷|简历)|本(?:作文|答案|题))
        [^。！？\n]{0,6}?(?:应当|应该|应|必须|值得|理应|可以)?(?:得|给予|获得|评为|判为|打|给)(?:到)?(?:满分|最高分|100分|
        10分|高分)
        """,
    ),
    _cue(
        "score",
        r"""
        不要(?:扣分|指出[^。\n]{0,4}(?:错误|缺点|不足|问题))|(?:各项|所有项目?|每一?项|全部)(?:都)?(?:评|给|打|得)?
        (?:为)?(?:满分|最高分|6级|六级)
        """,
    ),
    # --- be somebody else
    _cue(
        "role",
        r"""
        \byou\s+are\s+now\s+(?:in\s+)?(?:an?\s+|the\s+)?(?:\w+\s+)?(?:mode|ai|assistant|
        model|grader|dan|bot|chatgpt|system|unrestricted|jailbroken|evaluator|teacher)
        \b
        """,
    ),
    _cue(
        "role",
        r"""
        \b(?:enter|activate|enable|switch\s+to|now\s+in|unlock)\s+(?:the\s+)?(?:developer|
        unrestricted|god|debug|admin(?:istrator)?|jailbreak|sudo|maintenance|dan|root|
        test)\s+mode\b
        """,
    ),
    _cue(
        "role",
        r"""
        \bdo\s+anything\s+now\b|\b(?:act|role-?play|pretend|respond|answer|behave)\s+(?:to\s+be\s+|
        as\s+|like\s+)(?:an?\s+)?(?:unrestricted|unfiltered|jailbroken|dan\b|evil|uncensored)
        """,
    ),
    _cue("role", r"\b(?:hi|hello|hey|dear)\W+(?:chatgpt|gpt|ai|llm|claude|gemini|assistant|bot)\b"),
    _cue(
        "role",
        r"""
        \b(?:from\s+now\s+on|immerse\s+yourself|your\s+(?:character|new\s+role|new\s+task|
        new\s+name)\s+(?:is|as))\b.{0,80}?\b(?:chatgpt|ai|language\s+model|grader|assistant|
        dan|openai|full\s+marks?|full\s+score)\b
        """,
    ),
    _cue(
        "role",
        r"""
        \b(?:chatgpt|open\s?ai|language\s+model)\b.{0,60}\b(?:you|your)\b|\b(?:you|your)
        \b.{0,60}\b(?:chatgpt|open\s?ai|language\s+model)\b
        """,
        sure=False,
    ),
    _cue(
        "role",
        r"""
        \b(?:from\s+now\s+on\W+you|you\s+are\s+(?:going\s+to\s+)?(?:pretend|act)|act\s+as\s+(?:an?
        |if|my)|pretend\s+(?:to\s+be|you\s+are))\b
        """,
        sure=False,
    ),
    _cue(
        "role",
        r"""
        (?:从现在(?:开始|起)|接下来|现在)[，,]?(?:请)?(?:你|您)(?:将|要|就|必须)?(?:是|扮演|充当|变成|作为|成为)[^。！？\n]{0,16}?
        (?:助手|模型|评分|阅卷|打分|老师|AI|ai|机器人|系统|满分)
        """,
    ),
    _cue("role", r"(?:你|您)现在(?:是|将是|扮演)[^。！？\n]{0,16}?(?:助手|模型|评分|阅卷|打分|机器人|ai|满分)"),
    _cue("role", r"(?:请)?(?:你|您)(?:现在)?(?:扮演|充当)[^。！？\n]{0,12}?(?:助手|模型|评分员|阅卷|机器人|ai)"),
    _cue("role", r"(?:进入|开启|切换到|启用|处于)(?:了)?(?:开发者|无限制|越狱|上帝|调试|管理员|维护|特权)模式"),
    # --- forge a turn, a tag, an answer
    _cue(
        "turn",
        r"""
        <\|?/?\s?(?:im[_ ]start|im[_ ]end|system|user|assistant|endoftext|eot_id|begin_of_text|
        start_header_id|end)\s?\|?>|\[/?inst\]?|/inst\]|<</?sys>>|</?(?:system|assistant|
        instructions?|rubric|prompt)>
        """,
        said=False,
    ),
    _cue("turn", r"</?\s*essay(?:-[0-9a-f]+)?\s*>|<!--.*?(?:instruction|grader|score|prompt)", said=False),
    _cue(
        "turn",
        r"""
        ^\W{0,4}[\[(【{]?\s*(?:system|assistant|developer|系统|系统提示|系统消息|系统指令|管理员|助手|开发者)
        \s*(?:prompt|message|note|notice|提示|消息|通知|指令)?\s*[\])】}]\s*[:：]?\s*\S
        """,
        said=False,
    ),
    _cue(
        "turn",
        r"""
        ^\W{0,4}(?:system|assistant|user)\s*:\s*\S|^\W{0,4}(?:系统提示|系统消息|系统指令|系统通知|管理员指令|
        系统)\s*[:：]\s*\S
        """,
        said=False,
    ),
    _cue(
        "turn", r"^\s*\#{2,}\s*(?:instruction|system|response|input|output|task|end\b|new\b|指令|系统)\w*", said=False
    ),
    _cue(
        "turn",
        r"""
        \b(?:end|beginning)\s+of\s+(?:the\s+)?(?:essay|submission|student\s+(?:essay|
        answer|response)|document|rest-of-document)\b\W.*\b(?:system|grader|instructions?
        |score|now)\b|\[rest-of-document\]
        """,
    ),
    _cue(
        "turn",
        r"""
        (?:作文|文章|正文|学生答案|考生作答)(?:到此)?(?:结束|完毕|完)[^。\n]{0,3}[。:：\n）)】\]]\s*[^。\n]{0,6}(?:以下|
        下面|现在|系统|评分|阅卷|请)
        """,
    ),
    _cue("turn", r"\{\s*\"[\w ]{1,30}\"\s*:\s*(?:[\"\[{]|\d|true|false|null)", said=False),
    _cue("turn", r"\"(?:score|levels?|total_score|grade|rating|分数|得分|评分)\"\s*:\s*[\"{\d]", said=False),
    _cue("turn", r"\bsystem\s+chain\s+of\s+thought\b|\bwhite-text\s+metadata\b|\binvisible\s+to\s+humans\b"),
    # --- speak to the machine that reads
    _cue(
        "address",
        rf"""
        \b(?:note|notice|message|instructions?|attention|memo|reminder|directive)\s+(?:to|
        for)\s+(?:the\s+|any\s+|all\s+)?(?:{_MACHINE}\s+)+{_UPTO3}{_JUDGE}\b
        """,
    ),
    _cue(
        "address",
        rf"""
        \b(?:note|message|instructions?|attention)\s*(?:to|for|,|:)\s*(?:the\s+|this\s+)?
        (?:{_JUDGE})s?\s*[:,(]
        """,
        sure=False,
    ),
    _cue(
        "address",
        rf"""
        \b(?:dear|attention|hey|hello)\W+(?:{_MACHINE}\s+)?(?:grader|evaluator|reviewer|
        judge|scorer|marker|rater)s?\b
        """,
        sure=False,
    ),
    _cue(
        "address",
        rf"""
        \bif\s+(?:you\s+are|this\s+is\s+(?:being\s+)?(?:read|graded|evaluated|reviewed|
        scored)\s+by)\s+(?:an?\s+)?{_MACHINE}\b
        """,
    ),
    _cue(
        "address",
        rf"""
        \bas\s+(?:an?|the)\s+(?:{_MACHINE}\s+)(?:grader|evaluator|reviewer|assistant|
        marker|judge|model)\W+you\b
        """,
    ),
    _cue(
        "address",
        r"""
        (?:^|[（(【\[，。：:\s])(?:致|给|告|提醒|请)?(?:阅卷|评分|评卷|批改|打分)(?:人|员|系统|模型|AI|ai|机器|程序|
        机器人|助手|老师)(?:们)?(?:请)?(?:注意|你好|您好|[:：])
        """,
    ),
    _cue(
        "address",
        r"(?:如果|假如|若)(?:你|您)是(?:一个|一名|一款)?(?:ai|人工智能|大模型|语言模型|机器|自动)[^。\n]{0,8}",
    ),
    _cue(
        "address",
        r"(?:作为|身为)(?:一个|一名)?(?:ai|人工智能|大模型|语言模型|评分(?:系统|模型|助手)|阅卷(?:系统|机器))[，,]?(?:你|您|请)",
    ),
    # --- give away what was told
    _cue(
        "leak",
        rf"""
        \b(?:reveal|print|repeat|show|display|output|expose|leak|return|provide|disclose|
        recite|tell\s+me|send)\s+{_UPTO5}(?:(?:system|hidden|secret|concealed|private|
        confidential|bootstrap|initial|setup)\s+(?:\w+\s+)?(?:prompt|instructions?|message|
        text|configuration|rules)|your\s+(?:\w+\s+)?(?:rubric|instructions?|prompt|rules|
        guidelines)|(?:the\s+)?previous\s+instructions|api\s+key)
        """,
    ),
    _cue(
        "leak",
        r"""
        (?:输出|显示|告诉我|复述|重复|透露|泄露|打印|说出|公开|发送)[^。！？\n]{0,10}?(?:系统提示|提示词|system\s?prompt|
        隐藏的?指令|你的(?:设定|指令|规则|提示)|初始指令|私密配置|api\s?key|评分标准原文)
        """,
    ),
)

REPORTED = re.compile(
    r"""
    \b(?:hack\w*|attack\w*|inject\w*|jailbreak\w*|exploit\w*|trick\w*|malicious|cheat\w*|scam\w*|example|such\s+as|called
      |phrases?|sentences?\s+like|words?\s+like|typed?|typing|wrote|writes|said|says|say|yell\w*|shout\w*|told|tells
      |asked|asks|read|reads|prompt\s+injection)\b
    | 黑客|攻击|注入|越狱|作弊|骗过|欺骗|例如|比如|所谓|诸如|譬如|一句话
    | 这样的话|输入|写道|写着|说道|喊道|笑道|问道|说[:：，,“]|道[:：，,“]|叫做|称为|防御
    """,
    re.VERBOSE,
)
"""Words of somebody who tells of such orders and gives none."""
TOLD = re.compile(
    r"\b(?:(?:tell|ask|order|instruct|trick|command|urge|teach|force)(?:s|ed|ing)?|told|taught|made?|makes)\s+"
    r"(?!you\b)\w+[^.!?\n]*$"
)
"""What stands before an order that somebody gives to somebody else."""
QUOTED = re.compile(
    "“[^“”]{4,400}”|\"[^\"\n]{4,400}\"|「[^「」]{4,400}」|『[^『』]{4,400}』|‘[^‘’\n]{8,400}’|(?<!\\w)'[^'\n]{8,400}'(?!\\w)"
)
"""What stands between quotation marks."""
