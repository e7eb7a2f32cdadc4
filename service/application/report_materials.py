"""The facts of an incident as reports need them: counts, classes and codes, no names."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import select

from service.application import report_facts
from service.application.direct_reports import direct_count
from service.application.incident_view import IncidentView
from service.domain import report_drafts
from service.domain.report_material import ReportMaterial, SentReport
from service.domain.report_phrases import pick, word
from service.persistence.tables import sql

# D05 recipient (role) -> the word F08.report_to uses
RECIPIENT_WORDS = {
    "district_office": "学区", "duty_principal": "值班校长", "edu_bureau": "教体局", "market_bureau": "市场监督局",
    "cdc": "疾控", "county_hq": "指挥部",
}  # fmt: skip
DOCUMENT_NAMES = {
    "R01": ("初次报告", "initial report"),
    "R01c": ("补充更正", "correction"),
    "R01w": ("书面报告", "written report"),
    "R02": ("进程报告", "progress report"),
    "R03": ("结案报告", "closing report"),
    "R04": ("直报单", "direct report"),
}
NATURES = {"excluded": "排除"}  # of a closing; what a confirmed incident was follows from its cases
SUMMARIES = frozenset({"progress", "closing"})


def drafted(view: IncidentView, kind: str, instance: Mapping[str, Any], locale: str) -> dict[str, Any]:
    """Prefilled values of the drafting form of a report kind, in the language of who drafts."""
    values = report_drafts.draft(kind, material(view, kind, instance, locale), locale=locale)
    return {key: value for key, value in values.items() if value not in (None, "", [])}


def material(view: IncidentView, kind: str, instance: Mapping[str, Any], locale: str) -> ReportMaterial:
    """Everything a draft of this kind may use, read from the rows of the incident."""
    rows, inputs = view.facts.rows, instance["inputs"]
    first = rows.known[rows.first_case] if rows.first_case else None
    found = first.form("F01").get("found_at") if first else None
    subject = rows.known.get(str(inputs.get("person")))
    return ReportMaterial(
        kind=kind,
        event=str(inputs.get("event", "detected")),
        organisation_name=_organisation_name(view, locale),
        place=view.incident["place"],
        found_at=report_facts.instant(found) or view.incident["opened_at"],
        now=view.now,
        subject=subject.code if subject else "",
        cases=tuple(report_facts.case_material(view, case, locale) for case in rows.cases),
        measures_done=_measures(view, locale),
        refusal=report_facts.refusal(rows.cases, locale),
        transfers=tuple(found for case in rows.cases for found in report_facts.transfers_of(case)),
        corrected=_corrected(view, inputs, locale) if kind == "correction" else (),
        recipients=_recipients(view, kind, instance),
        suspected_count=int(str(view.facts.value("cluster_count", ""))),
        reported_count=direct_count(rows),
        withdrawn=len(rows.known) - len(rows.cases),
        nature=NATURES.get(str(inputs.get("nature", "")), ""),
        cluster_n=int(view.policies["cluster_n"]),
        **(_course_of_the_incident(view, locale) if kind in SUMMARIES else {}),
    )


def _course_of_the_incident(view: IncidentView, locale: str) -> dict[str, Any]:
    """What only the reports that sum up ask for."""
    return {
        "contacts": report_facts.contact_numbers(view),
        "contact_classes": report_facts.contact_classes(view),
        "previous_report": report_facts.previous_progress(view),
        "finding": report_facts.finding(view),
        "disinfections": report_facts.disinfections(view, locale),
        "adjustments": report_facts.adjustments(view),
        "accountability": report_facts.accountability(view, locale),
        "rectification": report_facts.rectification(view, locale),
        "returns_granted": report_facts.returns_granted(view),
    }


def _organisation_name(view: IncidentView, locale: str) -> str:
    row = view.organisation
    return pick((row["name"], row["name_en"] or row["name"]), locale)


def _measures(view: IncidentView, locale: str) -> tuple[tuple[datetime, str], ...]:
    """Completed tasks in time order, by the label of the diagram."""
    task, instance = sql.tasks.c, sql.instances.c
    fields = (task.form_key, task.procedure, task.process, task.element, task.done_at, task.ended_at, instance.version)
    done = (task.incident_id == view.incident["id"]) & (task.state == "completed")
    joined = sql.tasks.join(sql.instances, instance.id == task.instance_id)
    rows = view.connection.execute(select(*fields).select_from(joined).where(done).order_by(task.ended_at, task.id))
    found = []
    for row in rows:
        if row.form_key.partition("#")[0] in {"F08", "F09", "F10", "F11"} or row.form_key == "F00#sign":
            continue
        assembly = view.services.definitions.pinned(view.connection, row.procedure, row.version)
        node = assembly.bundle.processes[row.process].nodes[row.element]
        found.append((row.done_at or row.ended_at, pick((node.name, node.name_en), locale)))
    return tuple(found)


def _corrected(view: IncidentView, inputs: Mapping[str, Any], locale: str = "zh") -> tuple[SentReport, ...]:
    """The sent reports that are no longer right: all that name the person, or the last direct report."""
    sent = view.facts.rows.sent_reports
    if inputs.get("event") == "cluster_more":
        sent = [report for report in sent if report["kind"] == "direct"][-1:]
    elif inputs.get("corrects") == "withdrawn_reports":
        sent = [report for report in sent if view.facts.rows.last_withdrawn & set(report["persons"])]
    elif inputs.get("person"):
        sent = [report for report in sent if inputs["person"] in report["persons"]]
    return tuple(
        SentReport(
            id=report["id"], document=report["document"], number=report["number"], sent_at=report["sent_at"],
            name=word(DOCUMENT_NAMES, report["document"], locale),
        )
        for report in sent if report["kind"] != "correction"
    )  # fmt: skip


def _recipients(view: IncidentView, kind: str, instance: Mapping[str, Any]) -> tuple[str, ...]:
    if kind == "written":
        return (RECIPIENT_WORDS["edu_bureau"],)
    return tuple(RECIPIENT_WORDS.get(role, role) for role in routed(view, instance))


def routed(view: IncidentView, instance: Mapping[str, Any]) -> list[str]:
    """Recipients D05 gave in this instance, as roles; `corrected` stands for those of the corrected reports."""
    table = sql.decision_results
    mine = (table.c.instance_id == instance["id"]) & (table.c.decision == "D05")
    row = view.connection.execute(select(table).where(mine).order_by(table.c.id.desc())).mappings().first()
    roles = list(row["data"].get("recipient", [])) if row else []
    if "corrected" not in roles:
        return roles
    ids = [report.id for report in _corrected(view, instance["inputs"])]
    deliveries = (
        select(sql.deliveries.c.recipient).where(sql.deliveries.c.report_id.in_(ids)).order_by(sql.deliveries.c.id)
    )
    return list(
        dict.fromkeys([r for r in roles if r != "corrected"] + list(view.connection.execute(deliveries).scalars()))
    )
