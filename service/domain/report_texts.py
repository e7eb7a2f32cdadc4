"""The single sections of a drafted report: one function, one text.

Several lines of one text are several paragraphs of the report. Nothing here names a person.
"""

from collections import Counter
from datetime import datetime, timedelta

from service.domain.report_material import CaseMaterial, ReportMaterial, TransferMaterial
from service.domain.report_phrases import (
    CHANGES,
    CORRECTIONS,
    DIAGNOSES,
    PERSON_TYPES,
    SEVERITIES,
    SYMPTOMS,
    THERMOMETERS,
    clock_time,
    is_english,
    joined,
    moment,
    phrase,
    word,
)

POSITIVE = frozenset({"suspected", "confirmed", "asymptomatic"})
CONTACT_KEYS = ("初步", "最终", "到位", "隔离中", "解除", "转阳")
LISTED_CASES = 10  # above this a report counts symptoms instead of listing persons
ONE_DAY = timedelta(hours=12)  # within it a time of day alone is clear


def place_text(material: ReportMaterial) -> str:
    """Organisation and place, the organisation not twice."""
    if material.place.startswith(material.organisation_name):
        return material.place
    return f"{material.organisation_name}{material.place}"


def symptoms_text(material: ReportMaterial, locale: str) -> str:
    """One line per case, or counts per symptom when the cases are many."""
    if not material.cases:
        return phrase("unknown", locale)
    if len(material.cases) <= LISTED_CASES:
        return "\n".join(_case_line(case, locale) for case in material.cases)
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
        phrase("measure", locale, at=_when(at, material, locale), label=label) for at, label in material.measures_done
    )


def progress_lines(material: ReportMaterial, locale: str) -> list[str]:
    """What happened after the first measures: re-checks, transfers, refusal, diagnosis."""
    lines = _recheck_lines(material, locale) + _transfer_lines(material, locale)
    if material.refusal:
        lines.append(phrase("refusal", locale, text=material.refusal))
    lines += _diagnosis_lines(material, locale, only_known=True)
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
    return "\n".join(_diagnosis_lines(material, locale, only_known=False)) or phrase("unchanged", locale)


def change_text(material: ReportMaterial, locale: str) -> str:
    """Changes of condition within the period, or 无变化."""
    lines = [
        phrase("change", locale, at=moment(at, locale), who=_who(case, locale), change=word(CHANGES, change, locale))
        for case in material.cases
        for at, change in case.changes
        if at > since(material)
    ]
    return "\n".join(lines) or phrase("unchanged", locale)


def control_text(material: ReportMaterial, locale: str) -> str:
    """New cases, disinfection and teaching of the period."""
    registered = [case.registered_at for case in material.cases]
    new = sum(1 for at in registered if at is not None and at > since(material))
    lines = [phrase("new_cases", locale, count=new) if new else phrase("no_new_case", locale)]
    if material.disinfected_places:
        lines.append(phrase("disinfected", locale, count=material.disinfected_places))
    if material.adjustment:
        lines.append(phrase("adjusted", locale, text=material.adjustment))
    return "\n".join(lines)


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
    results = [_result(case) for case in material.cases]
    if results and all(result == "excluded" for result in results):
        return "排除"
    positives = sum(1 for result in results if result in POSITIVE)
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
    counts = Counter(_result(case) or "pending" for case in material.cases)
    parts = [phrase("count_of", locale, what=word(DIAGNOSES, code, locale), count=n) for code, n in counts.items()]
    if not parts:
        return phrase("unknown", locale)
    head = phrase("result_counts", locale, total=len(material.cases), parts=joined(parts, locale))
    return "\n".join([head, *_diagnosis_lines(material, locale, only_known=True)])


def closing_control_text(material: ReportMaterial, locale: str) -> str:
    """Span of the handling, number of measures, contacts, disinfection, teaching."""
    span = phrase("timeline_span", locale, start=moment(material.found_at, locale), end=moment(material.now, locale))
    lines = [span + phrase("measures_count", locale, count=len(material.measures_done))]
    if any(material.contacts.values()):
        lines.append(phrase("contacts", locale, **{key: material.contacts.get(key, 0) for key in CONTACT_KEYS}))
    if material.disinfected_places:
        lines.append(phrase("disinfected", locale, count=material.disinfected_places))
    if material.adjustment:
        lines.append(phrase("adjusted", locale, text=material.adjustment))
    return "\n".join(lines)


def resume_text(material: ReportMaterial, locale: str) -> str:
    """How many may return, and that reviews go on."""
    lines = [phrase("resume_pending", locale)]
    if material.returns_granted:
        lines.insert(0, phrase("resume_returned", locale, count=material.returns_granted))
    return "\n".join(lines)


def correction_text(material: ReportMaterial, reason: str, locale: str) -> str:
    """Which reports are corrected, why, and what stands now."""
    names = [
        phrase("report_name", locale, name=report.name, number=report.number) if report.number else report.name
        for report in material.corrected
    ]
    count = correction_count(material)
    if reason == "误报撤销":
        text = phrase("correction_withdrawn", locale)
    elif reason == "人数增加":
        text = phrase("correction_more", locale, count=count)
    elif reason == "类别改变":
        text = "".join(_diagnosis_lines(material, locale, only_known=True))
    else:
        text = phrase("correction_cleared", locale, count=count)
    reports = (", " if is_english(locale) else "、").join(names) or phrase("sent_reports", locale)
    return phrase("correction", locale, reason=word(CORRECTIONS, reason, locale), reports=reports, text=text)


def since(material: ReportMaterial) -> datetime:
    """The instant the period of this report begins: the end of the last one, or the finding."""
    previous = material.previous_report
    if previous is None:
        return material.found_at
    return previous.until or previous.sent_at or material.found_at


def correction_count(material: ReportMaterial) -> int:
    """The number of persons a correction speaks of; for a growing cluster the counted number."""
    if material.event == "cluster_more" and material.suspected_count is not None:
        return material.suspected_count
    return len(material.cases)


def _result(case: CaseMaterial) -> str:
    if case.diagnosis and case.diagnosis != "pending":
        return case.diagnosis
    if case.status == "cleared":  # cleared on the spot, no hospital needed
        return "excluded"
    return case.status if case.status in POSITIVE or case.status == "excluded" else ""


def _when(at: datetime, material: ReportMaterial, locale: str) -> str:
    is_short = material.now - material.found_at < ONE_DAY
    return clock_time(at, locale) if is_short else moment(at, locale)


def _who(case: CaseMaterial, locale: str) -> str:
    kind = word(PERSON_TYPES, case.person_type, locale)
    return phrase("case_who", locale, class_name=case.class_name, kind=kind, code=case.code)


def _case_line(case: CaseMaterial, locale: str) -> str:
    symptoms = (", " if is_english(locale) else "、").join(word(SYMPTOMS, code, locale) for code in case.symptoms)
    parts = [symptoms] if symptoms else []
    if case.temperature is not None:
        kind = word(THERMOMETERS, case.thermometer, locale)
        parts.append(phrase("case_temperature", locale, kind=kind, degrees=f"{case.temperature:.1f}"))
    if case.axillary_temp is not None:
        parts.append(phrase("case_axillary", locale, degrees=f"{case.axillary_temp:.1f}"))
    if case.onset_at is not None:
        parts.append(phrase("case_onset", locale, at=moment(case.onset_at, locale)))
    what = joined(parts, locale) or phrase("unknown", locale)
    return phrase("case_line", locale, who=_who(case, locale), what=what)


def _recheck_lines(material: ReportMaterial, locale: str) -> list[str]:
    return [
        phrase(
            "rechecked",
            locale,
            at=_when(case.rechecked_at, material, locale),
            who=_who(case, locale),
            degrees=f"{case.axillary_temp:.1f}",
        )
        for case in material.cases
        if case.rechecked_at is not None and case.axillary_temp is not None
    ]


def _transfer_lines(material: ReportMaterial, locale: str) -> list[str]:
    by_code = {case.code: _who(case, locale) for case in material.cases}
    return [
        line
        for transfer in material.transfers
        for line in _one_transfer(transfer, by_code.get(transfer.code, transfer.code), material, locale)
    ]


def _one_transfer(transfer: TransferMaterial, who: str, material: ReportMaterial, locale: str) -> list[str]:
    lines = []
    if transfer.departed_at is not None:
        at = _when(transfer.departed_at, material, locale)
        lines.append(phrase("departed", locale, at=at, who=who, vehicle=transfer.vehicle))
    if transfer.arrived_at is not None:
        at = _when(transfer.arrived_at, material, locale)
        lines.append(phrase("arrived", locale, at=at, who=who, place=transfer.destination))
    return lines


def _diagnosis_lines(material: ReportMaterial, locale: str, *, only_known: bool) -> list[str]:
    lines = []
    for case in material.cases:
        result = _result(case)
        if result and case.diagnosed_at is not None:
            lines.append(_diagnosed(case, result, locale))
        elif not only_known:
            lines.append(phrase("case_detail", locale, who=_who(case, locale), text=word(DIAGNOSES, "pending", locale)))
        lines += _treatment_lines(case, locale)
    return lines


def _diagnosed(case: CaseMaterial, result: str, locale: str) -> str:
    at = moment(case.diagnosed_at, locale) if case.diagnosed_at else ""
    hospital = phrase("diagnosed_at", locale, hospital=case.hospital) if case.hospital else ""
    result_word = word(DIAGNOSES, result, locale)
    return phrase("diagnosed", locale, at=at, who=_who(case, locale), result=result_word, hospital=hospital)


def _treatment_lines(case: CaseMaterial, locale: str) -> list[str]:
    parts = []
    if case.severity:
        parts.append(phrase("severity", locale, severity=word(SEVERITIES, case.severity, locale)))
    if case.treatment:
        parts.append(phrase("treatment", locale, text=case.treatment))
    if not parts:
        return []
    return [phrase("case_detail", locale, who=_who(case, locale), text=joined(parts, locale))]
