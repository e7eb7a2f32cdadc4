"""What the forms of contact tracing begin with: whom to think of, from when on, and who was listed.

The office edits what the school knows already (seats, register of the place, class) and types the rest.
"""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from service.application import lost_contacts, organisations
from service.application.contact_facts import class_of
from service.application.contact_rows import Contact
from service.application.incident_view import IncidentView
from service.domain.calendar import local
from service.domain.deadlines import due_at
from service.domain.report_phrases import pick
from service.engine.decisions import evaluate
from service.engine.expressions import Scope
from service.persistence.tables import sql

if TYPE_CHECKING:
    from service.application.fill_contexts import Target

LOOK_BACK = "T33"
NEIGHBOUR, CLASSMATE, OTHER = "前后左右", "同班", "其他"
WORDING = {
    "title": ("关于排查密切接触者的通告", "Notice on finding close contacts"),
    "report_to": ("学校疫情防控办公室", "the school's epidemic office"),
    "measures": (
        "在上述时段到过上述班级、车次或场所的师生员工，请立即报告，并减少外出、自测体温，等候通知。",
        "Pupils and staff who were in these classes, vehicles or places at these times: report at once, go out as "
        "little as possible, take your temperature and wait for word.",
    ),
}


def of_list(view: IncidentView, target: "Target") -> dict[str, Any]:
    """F12: the case, the window, and the rows a list begins with."""
    if target.form_key in (lost_contacts.LOST_FORM, lost_contacts.FOUND_FORM):
        return lost_contacts.context(view, target)
    about = {"case_ref": {"id": target.person}, "case_here": [target.person], **_window(view, target.person)}
    if target.form_key == "F12#initial":
        return {**about, "rows": list(_suggested(view, target))}
    if target.form_key == "F12#final":
        return {**about, "rows": _listed(view, target)}
    return about


def of_investigation(view: IncidentView, target: "Target") -> dict[str, Any]:
    """F16: the case, and when his contact history begins."""
    return {"case_ref": {"id": target.person}, **_window(view, target.person)}


def of_notice(view: IncidentView, target: "Target") -> dict[str, Any]:
    """F13: the period up to the isolation, and the classes of the case and of those listed."""
    window = _window(view, target.person)
    wording: dict[str, Any] = {key: pick(pair, target.locale) for key, pair in WORDING.items()}
    if not window:
        return wording
    until = view.facts.rows.latest("F05", person=target.person).get("depart_at")
    period = {"from": window["contact_window_from"].isoformat(), "to": until or view.now.isoformat()}
    return {**wording, **window, "time_range": period, "audience": [{"id": unit} for unit in _units(view, target)]}


def _window(view: IncidentView, case: str) -> dict[str, datetime]:
    """From when on contacts count: the day that lies `contact_lookback_d` before the onset (T33)."""
    f01 = view.facts.rows.latest("F01", person=case)
    onset = f01.get("onset_at") or f01.get("found_at")
    if not isinstance(onset, str):
        return {}
    begins = due_at(view.services.deadline_rules[LOOK_BACK], view.policies, datetime.fromisoformat(onset))
    return {"contact_window_from": local(begins).replace(hour=0, minute=0, second=0, microsecond=0)}


def _units(view: IncidentView, target: "Target") -> list[str]:
    listed = [row.person for row in view.facts.rows.contacts if row.case == target.person]
    found = [view.facts.rows.person(person).org_unit for person in (target.person, *listed)]
    known = {place.id for place in organisations.places(view.connection, view.incident["organisation_id"])}
    return [unit for unit in dict.fromkeys(found) if unit in known]


# --- whom to think of -------------------------------------------------------------------------


def _suggested(view: IncidentView, target: "Target") -> Iterator[dict[str, Any]]:
    """Neighbours, then the class, then whoever else was on the spot: each with the class D06 suggests."""
    case = view.facts.rows.person(target.person)
    f01 = view.facts.rows.latest("F01", person=case.id)
    place = {each.id: each.name for each in organisations.places(view.connection, view.incident["organisation_id"])}
    for block, unit, is_neighbour in _candidates(view, case.id):
        scene = NEIGHBOUR if is_neighbour else CLASSMATE if unit and unit == case.org_unit else OTHER
        yield {
            "person": block, "contact_place": place.get(str(f01.get("place")), str(f01.get("place") or "")),
            "contact_scene": scene, "last_contact": f01.get("found_at"),
            "contact_class": _suggested_class(view, target, scene),
        }  # fmt: skip


def _candidates(view: IncidentView, case: str) -> list[tuple[dict[str, Any], str, bool]]:
    """Persons on site, neighbours first, and members of the case's class who were not registered."""
    table = sql.persons
    mine = (table.c.incident_id == view.incident["id"]) & table.c.is_revoked.is_(False)
    rows = view.connection.execute(select(table).where(mine).order_by(table.c.code)).mappings().all()
    listed = {row.person for row in view.facts.rows.contacts if row.case == case}
    here = [row for row in rows if row["kind"] == "onsite" and row["id"] not in listed]
    here.sort(key=lambda row: not row["is_neighbour"])
    found = [({"id": row["id"]}, str(row["org_unit"]), bool(row["is_neighbour"])) for row in here]
    return [*found, *_classmates(view, rows, case)]


def _classmates(view: IncidentView, rows: Any, case: str) -> Iterator[tuple[dict[str, Any], str, bool]]:
    registered = {row["member_id"] for row in rows if row["member_id"]}
    unit = view.facts.rows.person(case).org_unit
    places = organisations.places(view.connection, view.incident["organisation_id"], kind="class")
    if unit not in {place.id for place in places} or view.incident["kind"] == "drill":
        return  # a drill has invented people only
    organisation = view.incident["organisation_id"]
    for member in organisations.members(view.connection, view.sealer, organisation, place_id=unit):
        if member.id not in registered:
            block = {"name": member.name, "person_type": member.person_type, "org_unit": {"id": unit}}
            yield block, unit, False


def _suggested_class(view: IncidentView, target: "Target", scene: str) -> str:
    instance = target.instance
    tables = view.services.definitions.pinned(view.connection, instance["procedure"], instance["version"]).decisions
    scope = Scope(names={"F12": {"contact_scene": scene}}, now=view.now, policies=view.policies)
    return str(evaluate("D06", tables, scope).values["contact_class"])


# --- the final list ---------------------------------------------------------------------------


def _listed(view: IncidentView, target: "Target") -> list[dict[str, Any]]:
    """The CDC's list as it was thrown, with those it does not name; else the initial list."""
    thrown = _thrown(view, target)
    named = {str((row.get("person") or {}).get("id")) for row in thrown}
    mine = [row for row in view.facts.rows.contacts if row.case == target.person and row.stage == "initial"]
    return [*map(dict, thrown), *(_as_row(view, row) for row in mine if row.person not in named)]


def _as_row(view: IncidentView, row: Contact) -> dict[str, Any]:
    other = {"other_org": {"id": row.other_org}} if row.other_org else {}
    return {"person": {"id": row.person}, "contact_class": class_of(view.facts, row) or None, **other}


def _thrown(view: IncidentView, target: "Target") -> list[Mapping[str, Any]]:
    table = sql.messages
    kept = (table.c.incident_id == view.incident["id"]) & (table.c.state == "buffered")
    rows = view.connection.execute(select(table).where(kept, table.c.name == "msg_contact_final")).mappings().all()
    for row in rows:
        if row["keys"].get("person") == target.person and target.element == "r_final_list":
            found = view.facts.rows.opened(row["sealed"]).get(view.incident["id"], {}).get("rows", [])
            return list(found)
    return []
