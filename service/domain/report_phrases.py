"""The sentences a drafted report is made of, Chinese and English side by side.

A draft is a proposal for people to correct, so the wording is plain and never guesses: what is
not known is 待查, what did not move is 无变化 (reporting principle 准确).
"""

from collections.abc import Mapping
from datetime import datetime
from zoneinfo import ZoneInfo

SHANGHAI = ZoneInfo("Asia/Shanghai")

SYMPTOMS: Mapping[str, tuple[str, str]] = {
    "fever": ("发热", "fever"),
    "dry_cough": ("干咳", "dry cough"),
    "cough": ("咳嗽", "cough"),
    "fatigue": ("乏力", "fatigue"),
    "sore_throat": ("咽痛", "sore throat"),
    "chest_tight": ("胸闷", "chest tightness"),
    "dyspnoea": ("呼吸困难", "dyspnoea"),
    "diarrhoea": ("腹泻", "diarrhoea"),
    "vomiting": ("呕吐", "vomiting"),
    "other": ("其他症状", "other symptoms"),
    "none": ("无症状", "no symptoms"),
}
PERSON_TYPES: Mapping[str, tuple[str, str]] = {
    "student": ("学生", "pupil"),
    "teacher": ("教师", "teacher"),
    "staff": ("职工", "staff member"),
    "visitor": ("外来人员", "visitor"),
    "resident": ("居民", "resident"),
    "returnee": ("来返人员", "returnee"),
    "worker": ("员工", "worker"),
    "patient": ("患者", "patient"),
    "companion": ("陪同人员", "companion"),
}
THERMOMETERS: Mapping[str, tuple[str, str]] = {
    "mercury_axillary": ("水银腋温", "mercury axillary"),
    "ir_forehead": ("额温", "infrared forehead"),
    "ear": ("耳温", "ear"),
}
DIAGNOSES: Mapping[str, tuple[str, str]] = {
    "excluded": ("经医疗机构诊断排除", "excluded by the hospital"),
    "suspected": ("疑似病例", "suspected case"),
    "confirmed": ("确诊病例", "confirmed case"),
    "asymptomatic": ("无症状感染者", "asymptomatic infection"),
    "pending": ("诊断结果未出", "diagnosis pending"),
}
SEVERITIES: Mapping[str, tuple[str, str]] = {
    "mild": ("轻症", "mild"),
    "ordinary": ("普通", "ordinary"),
    "severe": ("重症", "severe"),
    "critical": ("危重", "critical"),
}
CHANGES: Mapping[str, tuple[str, str]] = {
    "稳定": ("稳定", "stable"),
    "好转": ("好转", "better"),
    "加重": ("加重", "worse"),
    "出院": ("出院", "discharged"),
    "死亡": ("死亡", "died"),
}
ADJUSTMENTS: Mapping[str, tuple[str, str]] = {
    "class_suspend": ("班级停课", "classes suspended"),
    "grade_suspend": ("年级停课", "grade suspended"),
    "school_suspend": ("全校停课", "school suspended"),
    "holiday": ("放假", "holiday"),
    "partial_closed": ("局部封闭", "partly closed"),
    "full_closed": ("整体封闭", "closed as a whole"),
    "care_suspend": ("暂停托管代餐", "care and meals suspended"),
}
CORRECTIONS: Mapping[str, tuple[str, str]] = {
    "现场排除": (
        "经120现场复测和定点医院会商，现场排除",
        "Cleared on the spot by the re-check and the hospital's advice",
    ),
    "医院排除": ("经医疗机构诊断排除", "Excluded by the hospital"),
    "类别改变": ("病例类别改变", "The class of the case has changed"),
    "人数增加": ("涉及人数增加", "The number of persons has grown"),
    "误报撤销": ("经核实为误报，事件撤销", "Found to be a false alarm and withdrawn"),
    "笔误": ("文字有误", "A slip of the pen"),
}

PHRASES: Mapping[str, tuple[str, str]] = {
    "unknown": ("待查", "Under investigation"),
    "unchanged": ("无变化", "No change"),
    "nothing": ("无", "None"),
    "no_measure": ("尚未采取措施。", "No measure taken yet."),
    "persons_of_type": ("{kind}{count}例", "{count} × {kind}"),
    "case_temperature": ("{kind}{degrees}℃", "{kind} {degrees} ℃"),
    "case_axillary": ("水银腋温{degrees}℃", "mercury axillary {degrees} ℃"),
    "case_onset": ("自述{at}起病", "onset {at} as told"),
    "case_line": ("{who}：{what}。", "{who}: {what}."),
    "case_who": ("{class_name}{kind}（编号{code}）", "{kind}, {class_name} (code {code})"),
    "no_epi": ("无境外及重点地区旅居、接触史。", "No stay in or contact with a key area."),
    "epi": (
        "{count}例有境外或重点地区旅居、接触史，原因待查。",
        "{count} with a stay in or contact with a key area; cause under investigation.",
    ),
    "measure": ("{at}，{label}。", "{at}: {label}."),
    "progress_mark": ("【处置进展】", "[Progress]"),
    "rechecked": (
        "{at}，120到校复测，{who}水银腋温{degrees}℃。",
        "{at}: ambulance re-check, {who}, mercury axillary {degrees} ℃.",
    ),
    "departed": ("{at}，{who}由{vehicle}离校。", "{at}: {who} left school by {vehicle}."),
    "arrived": ("{at}，{who}与{place}完成交接。", "{at}: {who} handed over to {place}."),
    "refusal": ("家长态度：{text}。", "Parents' answer: {text}."),
    "awaiting": (
        "目前等待诊断，结果将即时续报。",
        "The diagnosis is awaited and will be reported at once.",
    ),
    "diagnosed": ("{at}，{who}：{result}{hospital}。", "{at}: {who}: {result}{hospital}."),
    "diagnosed_at": ("（{hospital}）", " ({hospital})"),
    "severity": ("病情{severity}", "condition {severity}"),
    "treatment": ("诊疗情况：{text}", "treatment: {text}"),
    "case_detail": ("{who}：{text}。", "{who}: {text}."),
    "course": ("{who}：{points}。", "{who}: {points}."),
    "course_point": ("{state}（{at}）", "{state} ({at})"),
    "course_change": ("{state}（{at}，{change}）", "{state} ({at}, {change})"),
    "refused": (
        "家长经解释仍拒绝配合，已请有关部门协助，转运由120决定",
        "the parents still refuse after an explanation; help has been asked for, the ambulance decides on the transfer",
    ),
    "objected": ("家长曾有异议或拒绝，已作解释", "the parents objected or refused; it was explained"),
    "agreed": ("，现已同意配合", ", and they agree now"),
    "breach": ("核实{breach}问题1件", "one case of {breach} confirmed"),
    "breach_result": ("，处理结果：{result}", ", result: {result}"),
    "breach_rectified": ("，已整改", ", put right"),
    "problem": ("存在问题：{text}", "Problem: {text}"),
    "rectified_by": ("整改措施：{text}", "Measure: {text}"),
    "no_new_case": ("本时段无新增病例。", "No new case in this period."),
    "new_cases": ("本时段新增{count}例。", "{count} new in this period."),
    "count_changed": (
        "此前直报{reported}例，其中{parts}，现为{count}例。",
        "Reported directly before: {reported}; of these {parts}; now {count}.",
    ),
    "withdrawn_count": ("撤销{count}例", "{count} withdrawn"),
    "disinfected": (
        "{at}，终末消毒验收合格：{places}。",
        "{at}: terminal disinfection accepted: {places}.",
    ),
    "adjusted": ("自{at}起，{classes}{kind}。", "From {at}: {classes}: {kind}."),
    "resumed": ("{classes}自{at}起复课。", "{classes} back at school from {at}."),
    "contact_class": ("{class_name}{count}人", "{class_name} {count}"),
    "contact_classes": ("按班级或单位：{parts}。", "By class or organisation: {parts}."),
    "elsewhere": ("其他单位", "other organisations"),
    "next_default": (
        "继续落实隔离观察、每日健康监测、通风消毒和信息日报告。",
        "Keep up isolation and observation, daily health checks, ventilation and disinfection, and daily reports.",
    ),
    "next_awaiting": ("跟踪定点医院诊断结果。", "Follow the hospital's diagnosis."),
    "next_certificate": ("催办诊断证明。", "Ask for the diagnosis certificate."),
    "cause_excluded": (
        "经诊断排除传染病疫情，发热原因以医疗机构诊断为准。",
        "No outbreak; the cause of the fever is as the hospital says.",
    ),
    "cause_false": ("经核实为误报。", "Found to be a false alarm."),
    "result_counts": ("共涉及{total}例：{parts}。", "{total} in all: {parts}."),
    "count_of": ("{what}{count}例", "{count} × {what}"),
    "contacts": (
        "密接排查：初步{初步}人，最终{最终}人，到位{到位}人，隔离中{隔离中}人，解除{解除}人，转阳{转阳}人。",
        "Contacts: {初步} preliminary, {最终} final, {到位} reached, {隔离中} in quarantine, {解除} released, "
        "{转阳} turned positive.",
    ),
    "timeline_span": ("自{start}发现至{end}，", "From {start} to {end}: "),
    "measures_count": ("共完成处置措施{count}项。", "{count} measures carried out."),
    "resume_returned": ("已准予返校{count}人。", "{count} cleared to return."),
    "resume_pending": ("返校审核按规定继续进行。", "Return reviews go on as the rules say."),
    "correction": (
        "{reason}。对{reports}作如下补充更正：{text}",
        "{reason}. {reports} is supplemented or corrected as follows: {text}",
    ),
    "correction_cleared": (
        "所报{count}例不按疑似病例处置，原报告相关内容以本更正为准。",
        "The {count} reported are not handled as suspected cases; this correction stands instead.",
    ),
    "correction_more": ("涉及人数现为{count}例。", "The number of persons is now {count}."),
    "correction_one": (
        "{who}{result}，不再按疑似或确诊病例处置；目前疑似或确诊{count}例。",
        "{who}: {result}, no longer handled as suspected or confirmed; suspected or confirmed now: {count}.",
    ),
    "correction_some": (
        "其中{withdrawn}例经核实为误报，予以撤销，现为{count}例。",
        "{withdrawn} of these were a false alarm and are withdrawn; now {count}.",
    ),
    "correction_withdrawn": ("原报告的事件予以撤销。", "The event reported is withdrawn."),
    "sent_reports": ("已报送的报告", "The report sent"),
    "report_name": ("{name}（{number}）", "{name} ({number})"),
    "exclusion": (
        "{at}在{place}发现的发热情况，经医疗机构诊断排除。",
        "The fever found {at} at {place} has been excluded by the hospital.",
    ),
    "released": (
        "暂不离校的安排即行解除，各班恢复正常秩序。",
        "The hold on leaving school is lifted; classes go back to normal.",
    ),
    "protection": (
        "请继续做好个人防护，每日自测体温，出现发热、咳嗽等症状及时报告并就医。",
        "Please keep up personal protection, take your temperature daily, and report and see a doctor "
        "if fever, cough or the like appear.",
    ),
}


def is_english(locale: str) -> bool:
    """Whether a locale such as `en` or `en_GB` asks for English; everything else reads Chinese."""
    return locale.lower().startswith("en")


def pick(pair: tuple[str, str], locale: str) -> str:
    """The Chinese or the English half of a pair."""
    return pair[1] if is_english(locale) else pair[0]


def phrase(key: str, locale: str, **values: object) -> str:
    """The sentence `key` in the locale with its blanks filled in."""
    return pick(PHRASES[key], locale).format(**values)


def word(table: Mapping[str, tuple[str, str]], code: str, locale: str) -> str:
    """The word for a code; a code the table does not know is shown as it is."""
    return pick(table[code], locale) if code in table else code


def joined(parts: list[str], locale: str) -> str:
    """Parts of one sentence, joined by the comma of the language."""
    return (", " if is_english(locale) else "，").join(parts)


def moment(at: datetime, locale: str) -> str:
    """An instant as Asia/Shanghai text: 3月9日10时20分, or 03-09 10:20 in English."""
    local = at.astimezone(SHANGHAI)
    if is_english(locale):
        return local.strftime("%m-%d %H:%M")
    return f"{local.month}月{local.day}日{local.hour}时{local.minute:02d}分"


def clock_time(at: datetime, locale: str) -> str:
    """The time of day alone, for lines within one day: 10时20分."""
    local = at.astimezone(SHANGHAI)
    return local.strftime("%H:%M") if is_english(locale) else f"{local.hour}时{local.minute:02d}分"


def stored(at: datetime) -> str:
    """An instant as form fields hold it: RFC 3339 with the offset of Asia/Shanghai."""
    return at.astimezone(SHANGHAI).isoformat(timespec="seconds")
