"""The single sections of a drafted report: one function, one text.

Several lines of one text are several paragraphs of the report. Nothing here names a person.
"""

from collections import Counter
from datetime import datetime

from service.domain.report_lines import (
    POSITIVE,
    case_line,
    diagnosis_lines,
    recheck_lines,
    result_of,
    transfer_lines,
    when_text,
    who_text,
)
from service.domain.report_material import Adjustment, CoursePoint, ReportMaterial
from service.domain.report_phrases import (
    ADJUSTMENTS,
    CHANGES,
    CORRECTIONS,
    DIAGNOSES,
    SEVERITIES,
    SYMPTOMS,
    is_english,
    joined,
    moment,
    phrase,
    word,
)

CONTACT_KEYS = ("初步", "最终", "到位", "隔离中", "解除", "转阳")
LISTED_CASES = 10  # above this a report counts symptoms instead of listing persons


def place_text(material: ReportMaterial, locale: str) -> str:
    """Organisation and place, the organisation not twice."""
    if material.place.startswith(material.organisation_name):
        return material.place
    return f"{material.organisation_name}{' ' if is_english(locale) else ''}{material.place}"


def symptoms_text(material: ReportMaterial, locale: str) -> str:
    """One line per case, or counts per symptom when the cases are many."""
    if not material.cases:
        return phrase("unknown", locale)
    if len(material.cases) <= LISTED_CASES:
        return "\n".join(case_line(case, locale) for case in material.cases)
    counts = Counter(symptom for case in material.cases for symptom in case.symptoms)
    parts = [phrase("count_of", locale, what=word(SYMPTOMS, code, locale), count=n) for code, n in counts.most_common()]
    return joined(parts, locale) or phrase("unknown", locale)


def cause_text(material: ReportMaterial, locale: str) -> str:
    """The finding of the investigation, what the histories say, or 待查."""
    if material.finding:
        return material.finding
    histories = [case.epi_history for case in material.cases]
    exposed = sum(1 for history in histories if history)
    if exposed:
        return phrase("epi", locale, count=exposed)
    unknown = phrase("unknown", locale)
    if histories and all(history is False for history in histories):
        stop = ". " if is_english(locale) else "。"
        return unknown + stop + phrase("no_epi", locale)
    return unknown


def measures_text(material: ReportMaterial, locale: str) -> str:
    """One line per measure with its time; the day too once the handling spans days."""
    if not material.measures_done:
        return phrase("no_measure", locale)
    return "\n".join(
        phrase("measure", locale, at=when_text(at, material, locale), label=label)
        for at, label in material.measures_done
    )


def progress_lines(material: ReportMaterial, locale: str) -> list[str]:
    """What happened after the first measures: re-checks, transfers, refusal, diagnosis."""
    lines = recheck_lines(material, locale) + transfer_lines(material, locale)
    if material.refusal:
        lines.append(phrase("refusal", locale, text=material.refusal))
    lines += diagnosis_lines(material, locale, only_known=True)
    has_pending = any(case.diagnosis in ("", "pending") for case in material.cases)
    if has_pending and any(transfer.arrived_at for transfer in material.transfers):
        lines.append(phrase("awaiting", locale))
    return lines


def diagnosis_text(material: ReportMaterial, locale: str) -> str:
    """Diagnosis and treatment per case; 无变化 if nothing came since the last report."""
    news = [
        at
        for case in material.cases
        for at in (case.diagnosed_at, case.treated_at, case.registered_at)
        if at is not None and at > since(material)
    ]
    if material.previous_report and not news:
        return phrase("unchanged", locale)
    return "\n".join(diagnosis_lines(material, locale, only_known=False)) or phrase("unchanged", locale)


def change_text(material: ReportMaterial, locale: str) -> str:
    """The course of everybody whose condition changed within the period, from the diagnosis on; or 无变化."""
    lines = [
        phrase("course", locale, who=who_text(case, locale), points=_course(case.course, locale))
        for case in material.cases
        if any(point.at > since(material) for point in case.course[1:])
    ]
    return "\n".join(lines) or phrase("unchanged", locale)


def _course(points: tuple[CoursePoint, ...], locale: str) -> str:
    arrow = " → " if is_english(locale) else "→"
    return arrow.join(_course_point(point, locale) for point in points)


def _course_point(point: CoursePoint, locale: str) -> str:
    at, change = moment(point.at, locale), word(CHANGES, point.change, locale)
    if not point.severity:
        return phrase("course_point", locale, state=change, at=at)
    state = word(SEVERITIES, point.severity, locale)
    key = "course_change" if change else "course_point"
    return phrase(key, locale, state=state, at=at, change=change)


def control_text(material: ReportMaterial, locale: str) -> str:
    """New cases, a count that is lower than reported, disinfection and teaching of the period."""
    registered = [case.registered_at for case in material.cases]
    new = sum(1 for at in registered if at is not None and at > since(material))
    lines = [phrase("new_cases", locale, count=new) if new else phrase("no_new_case", locale)]
    return "\n".join(lines + _count_lines(material, locale) + _control_lines(material, locale, since(material)))


def _count_lines(material: ReportMaterial, locale: str) -> list[str]:
    """What became of a number that was reported directly: the report is not withdrawn, the change is stated."""
    excluded = sum(1 for case in material.cases if result_of(case) == "excluded")
    gone = {"excluded": excluded, "withdrawn": material.withdrawn}
    if material.reported_count is None or not any(gone.values()):
        return []
    parts = []
    if excluded:
        parts.append(phrase("count_of", locale, what=word(DIAGNOSES, "excluded", locale), count=excluded))
    if material.withdrawn:
        parts.append(phrase("withdrawn_count", locale, count=material.withdrawn))
    count = len(material.cases) - excluded
    return [phrase("count_changed", locale, reported=material.reported_count, parts=joined(parts, locale), count=count)]


def _control_lines(material: ReportMaterial, locale: str, start: datetime) -> list[str]:
    """Disinfection accepted, and classes suspended or resumed, after an instant."""
    stop = ", " if is_english(locale) else "、"
    lines = [
        phrase("disinfected", locale, at=moment(each.at, locale), places=stop.join(each.places))
        for each in material.disinfections
        if each.at > start
    ]
    for each in material.adjustments:
        lines += _adjustment_lines(each, locale, start)
    return lines


def _adjustment_lines(each: Adjustment, locale: str, start: datetime) -> list[str]:
    classes = (", " if is_english(locale) else "、").join(each.classes)
    lines = []
    if each.at > start:
        kind = word(ADJUSTMENTS, each.kind, locale)
        lines.append(phrase("adjusted", locale, at=moment(each.at, locale), classes=classes, kind=kind))
    if each.resumed_at is not None and each.resumed_at > start:
        lines.append(phrase("resumed", locale, at=moment(each.resumed_at, locale), classes=classes))
    return lines


def contact_classes_text(material: ReportMaterial, locale: str) -> str:
    """Contacts by class or organisation; "" while there are none."""
    parts = [
        phrase("contact_class", locale, class_name=name or phrase("elsewhere", locale), count=count)
        for name, count in material.contact_classes
    ]
    stop = ", " if is_english(locale) else "、"
    return phrase("contact_classes", locale, parts=stop.join(parts)) if parts else ""


def next_text(material: ReportMaterial, locale: str) -> str:
    """What is still waited for, and the standing measures."""
    lines = []
    if any(case.diagnosis in ("", "pending") for case in material.cases):
        lines.append(phrase("next_awaiting", locale))
    if any(case.is_certificate_missing for case in material.cases):
        lines.append(phrase("next_certificate", locale))
    return "\n".join([*lines, phrase("next_default", locale)])


def nature_of(material: ReportMaterial) -> str:
    """The nature as the call gave it or facts decide it; "" where a person must judge."""
    if material.nature:
        return material.nature
    if material.event == "cancelled":
        return "误报"
    results = [result_of(case) for case in material.cases]
    if results and all(result == "excluded" for result in results):
        return "排除"
    positives = sum(1 for result in results if result in POSITIVE)
    if positives >= material.cluster_n:
        return "聚集性疫情"
    return "散发确诊" if positives == 1 and "" not in results else ""


def closing_cause_text(material: ReportMaterial, locale: str) -> str:
    """The cause as the closing report states it."""
    nature = nature_of(material)
    if nature == "误报":
        return phrase("cause_false", locale)
    if nature == "排除":
        return phrase("cause_excluded", locale)
    return cause_text(material, locale)


def result_text(material: ReportMaterial, locale: str) -> str:
    """How many persons, and what became of them."""
    counts = Counter(result_of(case) or "pending" for case in material.cases)
    parts = [phrase("count_of", locale, what=word(DIAGNOSES, code, locale), count=n) for code, n in counts.items()]
    if not parts:
        return phrase("unknown", locale)
    head = phrase("result_counts", locale, total=len(material.cases), parts=joined(parts, locale))
    return "\n".join([head, *diagnosis_lines(material, locale, only_known=True)])


def closing_control_text(material: ReportMaterial, locale: str) -> str:
    """Span of the handling, number of measures, contacts, disinfection, teaching."""
    span = phrase("timeline_span", locale, start=moment(material.found_at, locale), end=moment(material.now, locale))
    lines = [span + phrase("measures_count", locale, count=len(material.measures_done))]
    if any(material.contacts.values()):
        lines.append(phrase("contacts", locale, **{key: material.contacts.get(key, 0) for key in CONTACT_KEYS}))
    return "\n".join(lines + _control_lines(material, locale, material.found_at))


def resume_text(material: ReportMaterial, locale: str) -> str:
    """Which classes are back, how many may return, and that reviews go on."""
    stop = ", " if is_english(locale) else "、"
    lines = [
        phrase("resumed", locale, at=moment(each.resumed_at, locale), classes=stop.join(each.classes))
        for each in material.adjustments
        if each.resumed_at is not None
    ]
    if material.returns_granted:
        lines.append(phrase("resume_returned", locale, count=material.returns_granted))
    return "\n".join([*lines, phrase("resume_pending", locale)])


def correction_text(material: ReportMaterial, reason: str, locale: str) -> str:
    """Which reports are corrected, why, and what stands now."""
    names = [
        phrase("report_name", locale, name=report.name, number=report.number) if report.number else report.name
        for report in material.corrected
    ]
    text = _correction(material, reason, locale)
    reports = (", " if is_english(locale) else "、").join(names) or phrase("sent_reports", locale)
    return phrase("correction", locale, reason=word(CORRECTIONS, reason, locale), reports=reports, text=text)


def _correction(material: ReportMaterial, reason: str, locale: str) -> str:
    """What stands now instead of what was reported."""
    count = correction_count(material)
    subject = next((case for case in material.cases if case.code == material.subject), None)
    if reason == "误报撤销" and material.cases:
        return phrase("correction_some", locale, withdrawn=material.withdrawn, count=count)
    if reason == "误报撤销":
        return phrase("correction_withdrawn", locale)
    if reason == "人数增加":
        return phrase("correction_more", locale, count=count)
    if reason == "类别改变":
        return "".join(diagnosis_lines(material, locale, only_known=True))
    if subject is not None:
        positive = sum(1 for case in material.cases if result_of(case) in POSITIVE)
        result = word(DIAGNOSES, result_of(subject), locale)
        return phrase("correction_one", locale, who=who_text(subject, locale), result=result, count=positive)
    return phrase("correction_cleared", locale, count=count)


def since(material: ReportMaterial) -> datetime:
    """The instant the period of this report begins: the end of the last one, or the finding."""
    previous = material.previous_report
    if previous is None:
        return material.found_at
    return previous.until or previous.sent_at or material.found_at


def correction_count(material: ReportMaterial) -> int:
    """The number of persons a correction speaks of; where a direct report is corrected, the counted number."""
    is_direct = any(report.document == "R04" for report in material.corrected)
    if (
        material.event == "cluster_more" or (is_direct and material.event == "cancelled")
    ) and material.suspected_count is not None:
        return material.suspected_count
    return len(material.cases)
