"""What the forms of suspension and resumption (F18, F22, F38) begin with, and what their rules ask."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import func, select

from service.application import home_health
from service.application.incident_view import IncidentView
from service.domain.calendar import local_date
from service.persistence.tables import sql

if TYPE_CHECKING:
    from service.application.fill_contexts import Target

ORDERED = ("adjust", "scope", "start_at", "planned_end")


def of_adjustment(view: IncidentView, target: Target) -> dict[str, Any]:
    """F18: a decision begins with its order, a suggestion with the classes of the cases."""
    views = {"F18#propose": _of_proposal, "F18#decide": _of_decision, "F18#resume": _of_resumption}
    return views[target.form_key](view, target) if target.form_key in views else {}


def _of_proposal(view: IncidentView, _target: Target) -> dict[str, Any]:
    classes = dict.fromkeys(case.org_unit for case in view.facts.rows.cases if case.org_unit)
    return {"scope": [{"id": each} for each in classes]}


def _of_decision(view: IncidentView, target: Target) -> dict[str, Any]:
    order = target.instance["inputs"].get("order")
    rows = view.facts.rows
    record = next((row for row in rows.records if row["id"] == order), None)
    if record is None:
        return {}
    values = rows.answers(record)["values"]
    ordered = [entry["id"] for entry in values.get("scope") or []]
    return {"ordered_scope": ordered, **{key: values[key] for key in ORDERED if key in values}}


def _of_resumption(view: IncidentView, target: Target) -> dict[str, Any]:
    rows, instance = view.facts.rows, target.instance["id"]
    is_institution = view.organisation["type"] == "training_institution"
    return {
        "cleaned_at": rows.latest("F15", instance=instance).get("end_at"),
        "consent_needed": is_institution or bool(view.facts.value("suspended_by_order", "")),
        "consent_given": rows.latest("F38", instance=instance).get("consent_result") == "同意",
    }


def of_daily_report(view: IncidentView, target: Target) -> dict[str, Any]:
    """F22: the day its task was opened, and how many pupils stay at home, whatever incident suspended their class."""
    here = [entry["id"] for entry in view.facts.value("suspended_classes", "")]  # type: ignore[attr-defined]  # references
    classes = [*here, *home_health.classes_elsewhere(view.connection, view.incident)]
    table = sql.members
    pupils = (table.c.place_id.in_(classes)) & (table.c.organisation_id == view.incident["organisation_id"])
    total = view.connection.execute(select(func.count()).select_from(table).where(pupils)).scalar_one()
    known = {"total": int(total)} if total else {}
    # suspected_count: of the families' reports, not the incident's
    return {"report_date": local_date(target.opened_at).isoformat(), "suspected_count": 0, **known}


def of_readiness(view: IncidentView, _target: Target) -> dict[str, Any]:
    """F38: every item of the list; none counts as met before somebody says so."""
    items = view.services.forms.view("F38#check").field("items")
    parts = items.item.parts if items is not None and items.item is not None else ()
    names = next((part.values for part in parts if part.key == "item"), ())
    return {"items": [{"item": name, "结果": "不达标"} for name in names]}
