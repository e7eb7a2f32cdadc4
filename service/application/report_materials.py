"""The facts of an incident as reports need them: counts, classes and codes, no names."""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import select

from service.application.fact_rows import PersonFacts
from service.application.incident_view import IncidentView
from service.domain import report_drafts
from service.domain.report_material import CaseMaterial, ReportMaterial, SentReport, TransferMaterial
from service.persistence.tables import sql

# D05 recipient (role) -> the word F08.report_to uses
RECIPIENT_WORDS = {
    "district_office": "学区", "duty_principal": "值班校长", "edu_bureau": "教体局", "market_bureau": "市场监督局",
    "cdc": "疾控", "county_hq": "指挥部",
}  # fmt: skip
DOCUMENT_NAMES = {
    "R01": "初次报告",
    "R01c": "补充更正",
    "R01w": "书面报告",
    "R02": "进程报告",
    "R03": "结案报告",
    "R04": "直报单",
}


def drafted(view: IncidentView, kind: str, instance: Mapping[str, Any]) -> dict[str, Any]:
    """Prefilled values of the drafting form of a report kind."""
    values = report_drafts.draft(kind, material(view, kind, instance))
    return {key: value for key, value in values.items() if value not in (None, "", [])}


def material(view: IncidentView, kind: str, instance: Mapping[str, Any]) -> ReportMaterial:
    """Everything a draft of this kind may use, read from the rows of the incident."""
    rows, inputs = view.facts.rows, instance["inputs"]
    first = rows.known[rows.first_case] if rows.first_case else None
    found = first.form("F01").get("found_at") if first else None
    return ReportMaterial(
        kind=kind,
        event=str(inputs.get("event", "detected")),
        organisation_name=view.organisation["name"],
        place=view.incident["place"],
        found_at=_instant(found) or view.incident["opened_at"],
        now=view.now,
        cases=tuple(_case(view, case) for case in rows.cases),
        measures_done=_measures(view),
        refusal=_refusal(rows.cases),
        transfers=tuple(found for case in rows.cases for found in _transfers(case)),
        corrected=_corrected(view, inputs) if kind == "correction" else (),
        recipients=_recipients(view, kind, instance),
        suspected_count=int(str(view.facts.value("cluster_count", ""))),
        nature=str(inputs.get("nature", "")),
    )


def _instant(value: object) -> datetime | None:
    return datetime.fromisoformat(value) if isinstance(value, str) else None


def _decimal(value: object) -> Decimal | None:
    return Decimal(str(value)) if value is not None else None


def _case(view: IncidentView, case: PersonFacts) -> CaseMaterial:
    f01, f03, f06 = case.form("F01"), case.form("F03"), case.form("F06")
    rechecks = [r for r in case.records("F03") if r["view"] == "recheck"]
    return CaseMaterial(
        code=case.code,
        class_name=class_name(view, case.org_unit),
        person_type=str(case.identity.get("person_type", "student")),
        registered_at=case.registered_at,
        temperature=_decimal(f01.get("temperature")),
        thermometer=str(f01.get("thermometer") or "ir_forehead"),
        axillary_temp=_decimal(f03.get("axillary_temp")),
        rechecked_at=rechecks[-1]["at"] if rechecks else None,
        symptoms=tuple(f01.get("symptoms") or ()),
        onset_at=_instant(f01.get("onset_at")),
        epi_history=f01.get("epi_history"),
        status=str(view.facts.value("case_class", case.id)),
        diagnosis=str(view.facts.value("diagnosis", case.id)),
        diagnosed_at=_instant(f06.get("result_at")),
        severity=str(f06.get("severity") or ""),
        treatment=str(f06.get("treatment") or ""),
        is_certificate_missing=bool(
            f06.get("result") == "excluded" and not view.facts.value("certificate_filed", case.id)
        ),
    )


def class_name(view: IncidentView, place: str) -> str:
    """Name of a class or place by id; free text stays as it is."""
    name = view.connection.execute(select(sql.places.c.name).where(sql.places.c.id == place)).scalar()
    return str(name or place)


def _measures(view: IncidentView) -> tuple[tuple[datetime, str], ...]:
    """Completed tasks in time order, by the label of the diagram."""
    table = sql.tasks
    done = (table.c.incident_id == view.incident["id"]) & (table.c.state == "completed")
    rows = view.connection.execute(select(table).where(done).order_by(table.c.ended_at, table.c.id)).mappings().all()
    found = []
    for row in rows:
        if row["form_key"].partition("#")[0] in {"F08", "F09", "F10", "F11"} or row["form_key"] == "F00#sign":
            continue
        versions = select(sql.instances.c.version).where(sql.instances.c.id == row["instance_id"])
        version = view.connection.execute(versions).scalar_one()
        assembly = view.services.definitions.get(view.connection, row["procedure"], version)
        label = assembly.bundle.processes[row["process"]].nodes[row["element"]].name
        found.append((row["done_at"] or row["ended_at"], label))
    return tuple(found)


def _refusal(cases: list[PersonFacts]) -> str | None:
    for case in cases:
        f07 = case.form("F07")
        if f07.get("refusal_outcome") == "仍拒绝":
            return "家长经解释仍拒绝配合，已请有关部门协助，转运由120决定"
        if any(r["values"].get("response") in {"拒绝", "有异议"} for r in case.records("F07")):
            return "家长曾有异议或拒绝，已作解释" + ("，现已同意配合" if f07.get("response") == "理解配合" else "")
    return None


def _transfers(case: PersonFacts) -> list[TransferMaterial]:
    f05 = case.form("F05")
    if not f05.get("depart_at"):
        return []
    return [
        TransferMaterial(
            code=case.code, vehicle=str(f05.get("vehicle_kind") or ""), departed_at=_instant(f05.get("depart_at")),
            arrived_at=_instant(f05.get("arrive_at")),
        )
    ]  # fmt: skip


def _corrected(view: IncidentView, inputs: Mapping[str, Any]) -> tuple[SentReport, ...]:
    """The sent reports that are no longer right: all that name the person, or the last direct report."""
    sent = view.facts.rows.sent_reports
    if inputs.get("event") == "cluster_more":
        sent = [report for report in sent if report["kind"] == "direct"][-1:]
    elif inputs.get("person"):
        sent = [report for report in sent if inputs["person"] in report["persons"]]
    return tuple(
        SentReport(
            id=report["id"], document=report["document"], number=report["number"], sent_at=report["sent_at"],
            name=DOCUMENT_NAMES.get(report["document"], report["document"]),
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
