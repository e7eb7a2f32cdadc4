"""Lines about one case, shared by the sections of a report. Nothing here names a person."""

from datetime import datetime, timedelta

from service.domain.person_codes import said_code
from service.domain.report_material import CaseMaterial, ReportMaterial, TransferMaterial
from service.domain.report_phrases import (
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
ONE_DAY = timedelta(hours=12)  # within it a time of day alone is clear


def result_of(case: CaseMaterial) -> str:
    """What became of a case: a diagnosis, excluded where it was cleared on the spot, or ""."""
    if case.diagnosis and case.diagnosis != "pending":
        return case.diagnosis
    if case.status == "cleared":  # cleared on the spot, no hospital needed
        return "excluded"
    return case.status if case.status in POSITIVE or case.status == "excluded" else ""


def when_text(at: datetime, material: ReportMaterial, locale: str) -> str:
    """The time of day alone while the handling is short, else with its day."""
    is_short = material.now - material.found_at < ONE_DAY
    return clock_time(at, locale) if is_short else moment(at, locale)


def who_text(case: CaseMaterial, locale: str) -> str:
    """A case without its name: class, kind and code."""
    kind = word(PERSON_TYPES, case.person_type, locale)
    return phrase("case_who", locale, class_name=case.class_name, kind=kind, code=said_code(case.code, locale))


def case_line(case: CaseMaterial, locale: str) -> str:
    """Symptoms, temperatures and onset of one case."""
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
    return phrase("case_line", locale, who=who_text(case, locale), what=what)


def recheck_lines(material: ReportMaterial, locale: str) -> list[str]:
    """The re-checks on the spot."""
    return [
        phrase(
            "rechecked",
            locale,
            at=when_text(case.rechecked_at, material, locale),
            who=who_text(case, locale),
            degrees=f"{case.axillary_temp:.1f}",
        )
        for case in material.cases
        if case.rechecked_at is not None and case.axillary_temp is not None
    ]


def transfer_lines(material: ReportMaterial, locale: str) -> list[str]:
    """Departures and handovers."""
    by_code = {case.code: who_text(case, locale) for case in material.cases}
    return [
        line
        for transfer in material.transfers
        for line in _one_transfer(transfer, by_code.get(transfer.code, transfer.code), material, locale)
    ]


def _one_transfer(transfer: TransferMaterial, who: str, material: ReportMaterial, locale: str) -> list[str]:
    lines = []
    if transfer.departed_at is not None:
        at = when_text(transfer.departed_at, material, locale)
        lines.append(phrase("departed", locale, at=at, who=who, vehicle=transfer.vehicle))
    if transfer.arrived_at is not None:
        at = when_text(transfer.arrived_at, material, locale)
        lines.append(phrase("arrived", locale, at=at, who=who, place=transfer.destination))
    return lines


def diagnosis_lines(material: ReportMaterial, locale: str, *, only_known: bool) -> list[str]:
    """Diagnosis and treatment per case."""
    lines = []
    for case in material.cases:
        result = result_of(case)
        if result and case.diagnosed_at is not None:
            lines.append(_diagnosed(case, result, locale))
        elif not only_known:
            lines.append(
                phrase("case_detail", locale, who=who_text(case, locale), text=word(DIAGNOSES, "pending", locale))
            )
        lines += _treatment_lines(case, locale)
    return lines


def _diagnosed(case: CaseMaterial, result: str, locale: str) -> str:
    at = moment(case.diagnosed_at, locale) if case.diagnosed_at else ""
    hospital = phrase("diagnosed_at", locale, hospital=case.hospital) if case.hospital else ""
    result_word = word(DIAGNOSES, result, locale)
    return phrase("diagnosed", locale, at=at, who=who_text(case, locale), result=result_word, hospital=hospital)


def _treatment_lines(case: CaseMaterial, locale: str) -> list[str]:
    parts = []
    if case.severity:
        parts.append(phrase("severity", locale, severity=word(SEVERITIES, case.severity, locale)))
    if case.treatment:
        parts.append(phrase("treatment", locale, text=case.treatment))
    if not parts:
        return []
    return [phrase("case_detail", locale, who=who_text(case, locale), text=joined(parts, locale))]
