"""What a report says, drafted from facts for people to correct.

Pure functions: material in, form values out. Reports must be quick, exact and free of guesses
(迅速、准确, S0§5四(七)), so an unknown cause is 待查 and a section without news is 无变化. No
person is named: a case is its class, its kind and its code.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType

from service.domain.report_material import ReportMaterial
from service.domain.report_phrases import moment, phrase, stored
from service.domain.report_texts import (
    CONTACT_KEYS,
    cause_text,
    change_text,
    closing_cause_text,
    closing_control_text,
    contact_classes_text,
    control_text,
    correction_count,
    correction_text,
    diagnosis_text,
    measures_text,
    nature_of,
    next_text,
    place_text,
    progress_lines,
    result_text,
    resume_text,
    since,
    symptoms_text,
)

CORRECTION_REASONS: Mapping[str, str] = {
    "cleared": "现场排除",
    "reclassified": "医院排除",
    "cancelled": "误报撤销",
    "cluster_more": "人数增加",
    "diagnosis": "类别改变",
}

Draft = dict[str, object]


def draft(kind: str, material: ReportMaterial, *, locale: str = "zh") -> Draft:
    """Prefilled values of the drafting view of a report kind.

    `initial` and `written` fill F08#draft, `progress` F09#draft, `direct` F11#draft, `closing`
    F10#draft, `correction` F08#correct, `exclusion` the notice R18. Values have the JSON form of
    the API. Fields nothing is known about are left out; the drafter signs, so `drafter` always is.

    Raises:
        KeyError: the kind is not one of these.
    """
    return dict(DRAFTS[kind](material, locale))


def initial_draft(material: ReportMaterial, locale: str) -> Draft:
    """R01: when, where, how many, symptoms, possible cause, measures (S0§5四(七)5)."""
    values: Draft = {
        "occur_time": stored(material.found_at),
        "occur_place": place_text(material, locale),
        "person_count": max(1, len(material.cases)),
        "symptoms": symptoms_text(material, locale),
        "possible_cause": cause_text(material, locale),
        "measures": measures_text(material, locale),
    }
    if material.recipients:
        values["report_to"] = [{"id": role} for role in material.recipients]
    return values


def written_draft(material: ReportMaterial, locale: str) -> Draft:
    """R01w: R01 and, after a marked line of the measures, how the handling went on."""
    values = initial_draft(material, locale)
    progress = progress_lines(material, locale)
    if progress:
        lines = [str(values["measures"]), phrase("progress_mark", locale), *progress]
        values["measures"] = "\n".join(lines)
    return values


def progress_draft(material: ReportMaterial, locale: str) -> Draft:
    """R02: the period since the last report; empty sections say 无变化 (S0§5四(七)6)."""
    classes = contact_classes_text(material, locale)
    return {
        **({"contact_classes": classes} if classes else {}),
        "period": {"from": stored(since(material)), "to": stored(material.now)},
        "diagnosis_treatment": diagnosis_text(material, locale),
        "condition_change": change_text(material, locale),
        "contact_numbers": {key: material.contacts.get(key, 0) for key in CONTACT_KEYS},
        "control_state": control_text(material, locale),
        "cause": cause_text(material, locale),
        "next_measures": next_text(material, locale),
    }


def direct_draft(material: ReportMaterial, locale: str) -> Draft:
    """R04: how many, which classes, what was done (S0§5四(七)3)."""
    count = material.suspected_count
    classes = list(dict.fromkeys(case.class_name for case in material.cases if case.class_name))
    trigger = "机构异常信息" if material.event == "anomaly" else "≥3例聚集"
    return {
        "trigger": trigger,
        "suspected_count": len(material.cases) if count is None else count,
        "classes": classes or [material.place],
        "measures": measures_text(material, locale),
    }


def closing_draft(material: ReportMaterial, locale: str) -> Draft:
    """R03: result, control, accountability (S0§5四(七)7); the nature only where facts decide it."""
    values: Draft = {
        "cause": closing_cause_text(material, locale),
        "result": result_text(material, locale),
        "control": closing_control_text(material, locale),
        "accountability": material.accountability or phrase("nothing", locale),
        "resume": resume_text(material, locale),
        "closed_at": stored(material.now),
    }
    nature = nature_of(material)
    if nature:
        values["nature"] = nature
    if material.rectification:
        values["rectification"] = material.rectification
    return values


def correction_draft(material: ReportMaterial, locale: str) -> Draft:
    """F08#correct: which reports, why, and what now holds; an unknown event leaves why and what to the drafter."""
    values: Draft = {
        "corrects": [{"id": report.id} for report in material.corrected],
        "person_count": max(1, correction_count(material)),
    }
    reason = CORRECTION_REASONS.get(material.event)
    if reason:
        values["correction_reason"] = reason
        values["correction_text"] = correction_text(material, reason, locale)
    return values


def exclusion_draft(material: ReportMaterial, locale: str) -> Draft:
    """R18 to the registered persons: excluded, and go on protecting yourself (S0§5四(三)1)."""
    return {
        "notice": phrase("exclusion", locale, at=moment(material.found_at, locale), place=place_text(material, locale)),
        "released": phrase("released", locale),
        "protection": phrase("protection", locale),
    }


DRAFTS: Mapping[str, Callable[[ReportMaterial, str], Draft]] = MappingProxyType(
    {
        "initial": initial_draft,
        "written": written_draft,
        "progress": progress_draft,
        "direct": direct_draft,
        "closing": closing_draft,
        "correction": correction_draft,
        "exclusion": exclusion_draft,
    }
)
