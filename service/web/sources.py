"""Citations as people read them: the name of the plan instead of its key, then the section."""

import re

# Key of a source and its part -> what people call the document.
NAMES: dict[str, tuple[str, str]] = {
    "S0§1": ("银行网点汇报", "bank branch report"),
    "S0§2": ("乡镇街道汇报", "township report"),
    "S0§3": ("县级汇报", "county report"),
    "S0§4": ("节日方案", "holiday plan"),
    "S0§5": ("学校预案", "school plan"),
    "S0§6": ("托管机构预案", "tutoring institution plan"),
    "S0§7": ("常态化防控意见", "guidance on normalised control"),
    "S0§8": ("省级响应讲话", "provincial response speech"),
    "S1§2": ("工作组方案", "working group plan"),
    "S1§5": ("重点人员场所方案", "plan for key persons and places"),
    "S1§8": ("农村防控方案", "rural plan"),
    "S1§9": ("封闭区域预案", "closed area plan"),
    "S1§10": ("卫生院方案", "township clinic plan"),
    "S1§12": ("社区方案", "community plan"),
    "S1§13": ("网格化方案", "grid plan"),
    "S1§14": ("街道方案", "sub-district plan"),
    "S2§1": ("卫健局农村方案", "health bureau's rural plan"),
    "S2§2": ("乡镇常态化方案", "township plan for normal times"),
    "S2§3": ("乡镇方案", "township plan"),
    "S2§4": ("家禽方案", "poultry plan"),
    "S2§5": ("农村乡镇方案", "rural township plan"),
    "S2§6": ("市级医院方案", "city hospital plan"),
    "S2§7": ("宣传方案", "publicity plan"),
    "S2§8": ("低收入监测方案", "low-income monitoring plan"),
    "S2§9": ("乡镇问责方案", "township accountability plan"),
    "S2§10": ("县级卫生机构方案", "county health institutions plan"),
    "S2§11": ("民政帮扶方案", "civil affairs plan"),
    "S2§12": ("帮扶方案", "assistance plan"),
    "S2§13": ("大学与附属学校方案", "university and attached schools plan"),
    "S2§14": ("自治区低收入监测方案", "regional low-income monitoring plan"),
}
_KEY = re.compile(r"S\d§\d+")
_BRACKETS = re.compile(r"\[S\d§[^\]]*\]( \[S\d§[^\]]*\])*")
_INFERRED = re.compile(r"[,、]?\s*\(推\)")
_DIGITS = "零一二三四五六七八九"
_NUMERAL = re.compile(r"([一二三四五六七八九十]+)(?=(\d?))")
_PARTS = (("附件", "annex "), ("篇", "part "))
INFERRED = "(推)"


def cited(text: str, locale: str) -> str:
    """`[S0§5四(一)]` as 学校预案 四(一); in English: school plan, 4(1). An inference says that it is one."""
    is_english = locale.startswith("en")
    plain = text.replace("[", "").replace("]", "、" if not is_english else ", ").strip("、, ")
    if plain in ("", INFERRED):
        return ("inferred by us" if is_english else "按流程推定") if plain else ""
    plain = _INFERRED.sub(" (inferred)" if is_english else "（部分推定）", plain)
    named = " ".join(_KEY.sub(lambda match: _name(match[0], is_english), plain).split()).rstrip(",")
    return _section(named) if is_english else named


def sourced(text: str, locale: str) -> str:
    """A sentence with its keys of sources said as `cited` does, in brackets."""
    left, right = ("(", ")") if locale.startswith("en") else ("（", "）")
    return _BRACKETS.sub(lambda match: f"{left}{cited(match[0], locale)}{right}", text)


def _name(key: str, is_english: bool) -> str:
    names = NAMES.get(key)
    if names is None:
        return f"{key} "
    return f"{names[1]}, " if is_english else f"{names[0]} "


def _section(text: str) -> str:
    """The number of a section in figures: 三2(一) as 3.2(1), 附件2 as annex 2."""
    for chinese, english in _PARTS:
        text = text.replace(chinese, english)
    return _NUMERAL.sub(lambda match: f"{_number(match[1])}{'.' if match[2] else ''}", text)


def _number(numeral: str) -> int:
    tens, ten, ones = numeral.rpartition("十")
    return (_DIGITS.index(tens) if tens else 1) * 10 * bool(ten) + (_DIGITS.index(ones) if ones else 0)
