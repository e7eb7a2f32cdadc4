"""The parts of an incident that reports speak of, read from its rows: counts, classes and codes, no names."""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import select

from service.application import organisations
from service.application.contact_rows import Contact
from service.application.incident_view import IncidentView
from service.application.person_facts import PersonFacts
from service.domain.report_material import (
    Adjustment,
    CaseMaterial,
    CoursePoint,
    Disinfection,
    SentReport,
    TransferMaterial,
)
from service.domain.report_phrases import phrase, pick
from service.persistence.tables import sql

# A person on the lists of two cases counts once, where the more serious row has him.
# What people write where nothing is known, or there is nothing to say.
UNKNOWN = frozenset({"", "待查", "under investigation"})
NOTHING = frozenset({"", "无", "none"})
CONTACT_RANK = ("转阳", "隔离中", "待转运", "失联", "解除", "")


def instant(value: object) -> datetime | None:
    """An instant a form holds."""
    return datetime.fromisoformat(value) if isinstance(value, str) else None


def case_material(view: IncidentView, case: PersonFacts, locale: str) -> CaseMaterial:
    """What reports say about one case."""
    f01, f03, f06 = case.form("F01"), case.form("F03"), case.form("F06")
    rechecks = [r for r in case.records("F03") if r["view"] == "recheck"]
    treated = [r for r in case.records("F06") if r["values"].get("treatment")]
    return CaseMaterial(
        code=case.code,
        class_name=place_names(view, [case.org_unit])[0],
        person_type=str(case.identity.get("person_type", "student")),
        registered_at=case.registered_at,
        temperature=_decimal(f01.get("temperature")),
        thermometer=str(f01.get("thermometer") or "ir_forehead"),
        axillary_temp=_decimal(f03.get("axillary_temp")),
        rechecked_at=rechecks[-1]["at"] if rechecks else None,
        symptoms=tuple(f01.get("symptoms") or ()),
        onset_at=instant(f01.get("onset_at")),
        epi_history=f01.get("epi_history"),
        status=str(view.facts.value("case_class", case.id)),
        diagnosis=str(view.facts.value("diagnosis", case.id)),
        diagnosed_at=instant(f06.get("result_at")),
        hospital=_organisation(view, (f06.get("hospital") or {}).get("id"), locale),
        severity=str(f06.get("severity") or ""),
        treatment=str(f06.get("treatment") or ""),
        treated_at=treated[-1]["at"] if treated else None,
        course=_course(case),
        is_certificate_missing=bool(
            f06.get("result") == "excluded" and not view.facts.value("certificate_filed", case.id)
        ),
    )


def _decimal(value: object) -> Decimal | None:
    return Decimal(str(value)) if value is not None else None


def _course(case: PersonFacts) -> tuple[CoursePoint, ...]:
    """Every answer that says how the patient is; one that repeats the state before it is left out."""
    points: list[CoursePoint] = []
    for record in case.records("F06"):
        values = record["values"]
        at = instant(values.get("changed_at")) or instant(values.get("result_at"))
        severity, change = str(values.get("severity") or ""), str(values.get("change") or "")
        is_news = change or (severity and (not points or severity != points[-1].severity))
        if at is not None and is_news:
            points.append(CoursePoint(at, severity, change))
    return tuple(points)


def place_names(view: IncidentView, places: Sequence[str]) -> list[str]:
    """Names of classes or places by id, in order; free text stays as it is."""
    found = {place: organisations.place_row(view.source, place) for place in dict.fromkeys(places)}
    names = {place: str(row["name"]) for place, row in found.items() if row}
    return [names.get(place, str(place)) for place in places]


def _organisation(view: IncidentView, organisation: str | None, locale: str) -> str:
    if organisation is None or organisation not in organisations.hierarchy(view.source).parents:
        return ""
    row = organisations.row_of(view.source, organisation)
    return pick((row["name"], row["name_en"] or row["name"]), locale)


def transfers_of(case: PersonFacts) -> list[TransferMaterial]:
    """The transfer of a case, once it has left."""
    f05 = case.form("F05")
    if not f05.get("depart_at"):
        return []
    return [
        TransferMaterial(
            code=case.code, vehicle=str(f05.get("vehicle_kind") or ""), departed_at=instant(f05.get("depart_at")),
            arrived_at=instant(f05.get("arrive_at")),
        )
    ]  # fmt: skip


def refusal(cases: list[PersonFacts], locale: str) -> str | None:
    """The parents' answer, where it was not an agreement at once."""
    for case in cases:
        f07 = case.form("F07")
        if f07.get("refusal_outcome") == "仍拒绝":
            return phrase("refused", locale)
        if any(r["values"].get("response") in {"拒绝", "有异议"} for r in case.records("F07")):
            return phrase("objected", locale) + (phrase("agreed", locale) if f07.get("response") == "理解配合" else "")
    return None


def contact_numbers(view: IncidentView) -> dict[str, int]:
    """Persons by 初步 最终 到位 隔离中 解除 转阳, each person once whatever number of cases he met."""
    rows = view.facts.rows
    listed = {r["person_id"] for r in rows.records if r["form"] == "F12" and r["view"] in {"initial", "self"}}
    final = [contact for contact in rows.contacts if contact.stage == "final"]
    statuses = Counter(_ranked(final).values())
    return {
        "初步": len(listed),
        "最终": len({contact.person for contact in final}),
        "到位": len({contact.person for contact in final if contact.observed_from is not None}),
        "隔离中": statuses["隔离中"],
        "解除": statuses["解除"],
        "转阳": statuses["转阳"],
    }


def _ranked(contacts: list[Contact]) -> dict[str, str]:
    status: dict[str, str] = {}
    for contact in contacts:
        before = status.get(contact.person, contact.status)
        status[contact.person] = min(before, contact.status, key=CONTACT_RANK.index)
    return status


def contact_classes(view: IncidentView) -> tuple[tuple[str, int], ...]:
    """Contacts on the list now by class, those of other organisations under ""; the largest first."""
    persons = {c.person: c.other_org for c in view.facts.rows.contacts if c.stage != "removed"}
    table = sql.persons
    units = {
        row.id: row.org_unit
        for row in view.connection.execute(
            select(table.c.id, table.c.org_unit).where(table.c.incident_id == view.incident["id"])
        )
    }
    counts = Counter("" if other else units.get(person, "") for person, other in persons.items())
    places = list(counts)
    names = [name if place else "" for place, name in zip(places, place_names(view, places), strict=True)]
    found = zip(names, counts.values(), strict=True)
    return tuple(sorted(found, key=lambda each: (each[0] == "", -each[1], each[0])))


def disinfections(view: IncidentView, locale: str) -> tuple[Disinfection, ...]:
    """Terminal disinfections that were accepted, oldest first, with the places in words."""
    options = view.services.forms.form("F15").fields["place_list"].options
    words = {option.value: option.label.of(locale) for option in options}
    found = []
    for instance, f15 in _by_instance(view, "F15").items():
        at = instant(f15.get("accepted_at"))
        if f15.get("accept_result") == "合格" and at is not None and _scope_of(view, instance) == "terminal":
            found.append(Disinfection(at, tuple(words.get(place, place) for place in f15.get("place_list") or ())))
    return tuple(sorted(found, key=lambda each: each.at))


def _scope_of(view: IncidentView, instance: str) -> str:
    table = sql.instances
    inputs = view.connection.execute(select(table.c.inputs).where(table.c.id == instance)).scalar_one()
    return str(inputs.get("scope", ""))


def adjustments(view: IncidentView) -> tuple[Adjustment, ...]:
    """Suspensions and closures that were decided, with their end; a suggestion suspends nothing."""
    records = [r for r in view.facts.rows.records if r["form"] == "F18" and r["view"] in {"decide", "resume"}]
    decided: list[Adjustment] = []
    for record in records:
        values = view.facts.rows.answers(record)["values"]
        if record["view"] == "resume":
            resumed = instant(values.get("resume_at"))
            decided = [Adjustment(each.at, each.kind, each.classes, each.resumed_at or resumed) for each in decided]
            continue
        at = instant(values.get("start_at"))
        if at is not None and values.get("adjust") != "none":
            classes = place_names(view, [str(entry["id"]) for entry in values.get("scope") or []])
            decided.append(Adjustment(at, str(values["adjust"]), tuple(classes)))
    return tuple(decided)


def _by_instance(view: IncidentView, form: str) -> dict[str, dict[str, Any]]:
    """The latest value of each field of a form, by the instance that asked for it."""
    rows = view.facts.rows
    instances = dict.fromkeys(r["instance_id"] for r in rows.records if r["form"] == form)
    return {instance: rows.latest(form, instance=instance) for instance in instances}


def finding(view: IncidentView) -> str:
    """The source of the infection as the investigation found it; "" while it is not known."""
    sources = [str(f16.get("suspected_source") or "") for f16 in view.facts.rows.answers_of("F16")]
    return next((source for source in reversed(sources) if source not in UNKNOWN), "")


def accountability(view: IncidentView, locale: str) -> str:
    """What inspections found and led to, and what the review says; "" where there was nothing."""
    found = [
        phrase("breach", locale, breach=_option(view, "breach", f40, locale))
        + (
            phrase("breach_result", locale, result=_option(view, "result", f40, locale))
            if f40.get("result")
            else phrase("breach_rectified", locale)
        )
        for f40 in _by_instance(view, "F40").values()
        if f40.get("verified") == "属实"
    ]
    reviewed = str(view.facts.rows.latest("F19").get("accountability") or "")
    return pick(("；", "; "), locale).join([*found, *([reviewed] if reviewed else [])])


def _option(view: IncidentView, key: str, f40: Mapping[str, Any], locale: str) -> str:
    """The word for what was chosen in a field of F40."""
    options = view.services.forms.form("F40").fields[key].options
    chosen = (option.label.of(locale) for option in options if option.value == f40[key])
    return next(chosen, str(f40[key]))


def rectification(view: IncidentView, locale: str) -> str:
    """Problems and measures of the review, one a line."""
    f19 = view.facts.rows.latest("F19")
    problems = [phrase("problem", locale, text=each) for each in f19.get("problems") or [] if each not in NOTHING]
    measures = [phrase("rectified_by", locale, text=each["text"]) for each in f19.get("actions") or []]
    return "\n".join([*problems, *measures])


def returns_granted(view: IncidentView) -> int:
    """Persons who may return."""
    records = view.facts.rows.records
    reviews = [r for r in records if (r["form"], r["view"]) == ("F17", "review")]
    return len({r["person_id"] for r in reviews if r["data"].get("decision") == "准予返校"})


def previous_progress(view: IncidentView) -> SentReport | None:
    """The last progress report that was sent, with the end of its period."""
    sent = [report for report in view.facts.rows.sent_reports if report["kind"] == "progress"]
    if not sent:
        return None
    values = report_values(view, sent[-1])
    until = instant((values.get("period") or {}).get("to"))
    return SentReport(
        id=sent[-1]["id"], document=sent[-1]["document"], name="进程报告", number=sent[-1]["number"],
        sent_at=sent[-1]["sent_at"], until=until,
    )  # fmt: skip


def report_values(view: IncidentView, report: Mapping[str, Any]) -> dict[str, Any]:
    """The answers of the draft of a report."""
    rows = view.facts.rows
    record = next((r for r in rows.records if r["id"] == report["record_id"]), None)
    return dict(rows.answers(record)["values"]) if record else {}
