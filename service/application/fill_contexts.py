"""What the service knows when a form is shown or answered: defaults, persons, drafted texts."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import select

from service.application import (
    contact_contexts,
    control_facts,
    observation_contexts,
    organisations,
    report_facts,
    report_materials,
    suspension_contexts,
)
from service.application.incident_view import IncidentView
from service.application.lazy_mapping import Later, LateValues
from service.domain.access import Principal
from service.domain.forms import FillContext
from service.persistence.pending import Row
from service.persistence.tables import sql

PERSON_FORMS = frozenset({"F01", "F03", "F05", "F06", "F07", "F12", "F14", "F17", "F20", "F23", "F24", "F29"})
SINGLE_FORMS = frozenset({"F12", "F14", "F24"})  # an answer stands by itself, whatever was answered before
INSTANCE_FORMS = frozenset(
    {"F05", "F08", "F09", "F10", "F11", "F13", "F15", "F16", "F17", "F18", "F20", "F38", "F40", "F44"}
)
DRAFT_KINDS = {
    "t_draft_initial": "initial", "t_draft_progress": "progress", "t_draft_direct": "direct",
    "t_draft_closing": "closing", "t_draft_correction": "correction", "t_written_report_2h": "written",
    "t_small_written": "written",
}  # fmt: skip
# A signature on something that is no report: the element -> the form and view whose author must not sign it.
SIGNED_RECORDS = {"t_approve_cancel": ("F00", "cancel"), "t_approve_wording": ("F36", "prepare")}
TRANSFERRED_AS = {"pending": "发热待查", "suspected": "疑似", "confirmed": "确诊", "asymptomatic": "无症状"}
OPINION_ACTIONS = {
    "delete": "要求删除", "police": "澄清", "clarify": "澄清", "reply": "回应", "transfer": "转办", "verify": "核实",
    "monitor": "监测",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Target:
    """What is being answered: a task, or a waiting event with a form (`task` is None); `locale` is the answerer's."""

    instance: Mapping[str, Any]
    visit: str
    element: str
    form_key: str
    person: str
    opened_at: datetime
    due_at: datetime | None
    task: Mapping[str, Any] | None = None
    locale: str = "zh_CN"

    @property
    def form(self) -> str:
        """Form id of the view."""
        return self.form_key.partition("#")[0]


def context_for(
    view: IncidentView, target: Target, principal: Principal, data: Mapping[str, Any] | None = None
) -> FillContext:
    """The context in which an answer is checked; some defaults depend on what is answered."""
    person = target.person or None
    target = replace(target, locale=principal.locale)
    return FillContext(
        now=view.now,
        account_id=principal.account_id,
        account_name=principal.name,
        organisation_type=view.organisation["type"],
        task_created_at=target.opened_at,
        found_at=_found_at(view, person),
        policies=view.policies,
        record=_record(view, target),
        defaults=LateValues({
            **_defaults(view, target),
            **_of_place(view, data or {}),
            "scribe": {"id": principal.account_id},
            "escort": {"id": principal.account_id},
            "roles": sorted(principal.memberships.get(view.incident["organisation_id"], frozenset())),
        }),
        persons=_Persons(view, _members(view, data or {})),
        drafters=frozenset() if principal.stands_in else _drafters(view, target),
    )


def _record(view: IncidentView, target: Target) -> dict[str, Any]:
    """What earlier views of the form answered, about the same person or in the same instance."""
    if target.form in SINGLE_FORMS:
        return {}
    instance = target.instance["id"] if target.form in INSTANCE_FORMS else None
    person = (target.person or None) if target.form in PERSON_FORMS else None
    return view.facts.rows.latest(target.form, person=person, instance=instance)


def _of_place(view: IncidentView, data: Mapping[str, Any]) -> dict[str, Any]:
    """Defaults of F01 that a place gives: whether seats are fixed, and who is responsible there."""
    if not data.get("place"):
        return {}
    row = organisations.place_row(view.source, str(data["place"]))
    if row is None or row["organisation_id"] != view.incident["organisation_id"]:
        return {}
    lead = {"place_lead": {"id": row["lead_account_id"]}} if row["lead_account_id"] else {}
    return {"positions_fixed": row["positions_fixed"], "place_kind": row["kind"], **lead}


def _found_at(view: IncidentView, person: str | None) -> datetime | None:
    found = view.facts.rows.latest("F01", person=person).get("found_at")
    return datetime.fromisoformat(found) if isinstance(found, str) else None


class _Persons(Mapping[str, dict[str, Any]]):
    """What is known of persons by id: members an answer names, and everybody of the incident, opened when asked for."""

    def __init__(self, view: IncidentView, members: Mapping[str, dict[str, Any]]) -> None:
        self._view, self._members = view, members

    def __getitem__(self, person: str) -> dict[str, Any]:
        if person in self._members:
            return self._members[person]
        found = self._view.facts.rows.find(person)
        if found is None:
            raise KeyError(person)
        return found.identity

    def __iter__(self) -> Iterator[str]:
        return iter({row["id"]: None for row in self._rows()} | dict.fromkeys(self._members))

    def __len__(self) -> int:
        return len({row["id"] for row in self._rows()} | self._members.keys())

    def _rows(self) -> list[Row]:
        return self._view.rows.where(sql.persons, incident_id=self._view.incident["id"])


def _members(view: IncidentView, data: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Members of the organisation that an answer names by id."""
    block = data.get("person")
    member_id = block.get("id") if isinstance(block, Mapping) else None
    if not member_id or view.incident["kind"] == "drill":  # a drill has invented people only
        return {}
    table = sql.members
    mine = (table.c.id == str(member_id)) & (table.c.organisation_id == view.incident["organisation_id"])
    if view.connection.execute(select(table.c.id).where(mine)).first() is None:
        return {}
    member = organisations.member(view.connection, view.sealer, str(member_id))
    known = {"person_type": member.person_type, "seat_no": member.seat_no, "org_unit": {"id": member.place_id}}
    return {member.id: {**known, **member.values}}


def _drafters(view: IncidentView, target: Target) -> frozenset[str]:
    """Who drafted what this task signs: a report of the instance, or a record that needs an approval."""
    if target.form_key != "F00#sign":
        return frozenset()
    if target.element in SIGNED_RECORDS:
        signed = SIGNED_RECORDS[target.element]
        written = [record for record in view.facts.rows.records if (record["form"], record["view"]) == signed]
        return frozenset(record["actor"] for record in written[-1:])
    return frozenset(row["drafter"] for row in view.rows.where(sql.reports, instance_id=target.instance["id"]))


def _open_incidents(view: IncidentView) -> list[str]:
    """Other open incidents of the organisation: what this one may be merged into; a drill stands alone."""
    if view.incident["kind"] == "drill":
        return []
    table = sql.incidents
    same = (table.c.organisation_id == view.incident["organisation_id"]) & (table.c.kind == view.incident["kind"])
    is_open = table.c.closed_at.is_(None) & (table.c.id != view.incident["id"])
    return list(view.connection.execute(select(table.c.id).where(same & is_open)).scalars())


def _defaults(view: IncidentView, target: Target) -> dict[str, Any]:
    """Values and facts by name; see FillContext."""
    rows = view.facts.rows
    inputs = target.instance["inputs"]
    defaults: dict[str, Any] = {
        "is_overdue": target.due_at is not None and view.now > target.due_at,
        "is_transfer": target.element == "t_parent_transfer",
        "ppe_done": bool(inputs.get("ppe_done")),
        "several_persons": len(rows.cases) > 1,
        "incident_persons": sorted(case.id for case in rows.cases),
        "sent_reports": [report["id"] for report in rows.sent_reports],
        "suspected_count": Later(lambda: view.facts.value("cluster_count", "")),
    }
    if target.person:
        defaults["person"] = {"id": target.person}
    if target.element in DRAFT_KINDS:
        kind = DRAFT_KINDS[target.element]
        defaults.update(report_materials.drafted(view, kind, target.instance, target.locale))
    if target.form in BY_FORM:
        defaults.update(BY_FORM[target.form](view, target))
    return defaults


def _of_task_record(view: IncidentView, target: Target) -> dict[str, Any]:
    return {"open_incidents": _open_incidents(view)} if target.form_key == "F00#cancel" else {}


def _of_recheck(view: IncidentView, target: Target) -> dict[str, Any]:
    """Rooms of the other cases that are still in the building: everybody waits in a room of his own."""
    others = [
        case for case in view.facts.rows.cases if case.id != target.person and not case.form("F05").get("depart_at")
    ]
    rooms = {case.form("F03").get("room_no") for case in others} - {None, ""}
    return {"occupied_rooms": sorted(rooms)}


def _of_transfer(view: IncidentView, target: Target) -> dict[str, Any]:
    """What this transfer has said so far: a further one of the same patient goes elsewhere, as he is now."""
    rows, person = view.facts.rows, target.person
    own = rows.latest("F05", person=person, instance=target.instance["id"])
    known = {"category": TRANSFERRED_AS.get(str(view.facts.value("diagnosis", person)))} if person in rows.known else {}
    severity = rows.latest("F06", person=person).get("severity")
    return {**known, **({"severity": severity} if severity else {}), **own, "person": {"id": person}}


def _of_result(view: IncidentView, target: Target) -> dict[str, Any]:
    return {"arrive_at": view.facts.rows.latest("F05", person=target.person).get("arrive_at")}


def _of_notice(view: IncidentView, target: Target) -> dict[str, Any]:
    """Whom the school has on record for a pupil, so that nobody looks for the number in an emergency."""
    case = view.facts.rows.known.get(target.person)
    name, phone = (case.identity.get("guardian_name"), case.identity.get("guardian_phone")) if case else (None, None)
    return {"guardian": {"name": name, "phone": phone}} if name and phone else {}


def _of_control(view: IncidentView, _target: Target) -> dict[str, Any]:
    return {"still_open": control_facts.in_words(control_facts.open_matters(view.facts))}


def _of_closing(view: IncidentView, _target: Target) -> dict[str, Any]:
    """What came after control was confirmed, or the exclusion, holds the closing back."""
    records = view.facts.rows.records
    new = [each for each in control_facts.open_matters(view.facts) if each in {"observation", "diagnosis"}]
    last = {"last_event_at": max(record["at"] for record in records).isoformat()} if records else {}
    return {"still_open": control_facts.in_words(new), **last}


def _of_progress(view: IncidentView, _target: Target) -> dict[str, Any]:
    previous = report_facts.previous_progress(view)
    return {"previous_period_to": previous.until.isoformat()} if previous and previous.until else {}


def _of_disinfection(_view: IncidentView, target: Target) -> dict[str, Any]:
    if target.instance["process"] != "terminal_disinfection":
        return {"scope": "routine"}  # the cleaning before classes resume
    return {"scope": target.instance["inputs"].get("scope", "spot")}


def _of_return(view: IncidentView, target: Target) -> dict[str, Any]:
    rows = view.facts.rows
    decided = [d for d in rows.decisions if d["decision"] == "D09" and d["instance_id"] == target.instance["id"]]
    missing = rows.outcome(decided[-1]).get("missing", []) if decided else []
    has_verdict = rows.has_record("F17", "verdict", target.person)  # the health authority said it meanwhile
    return {"missing": [each for each in missing if not (has_verdict and each == "health_verdict")]}


def _of_inspection(view: IncidentView, target: Target) -> dict[str, Any]:
    if target.form_key != "F40#clue":
        return {}
    known = {**view.facts.rows.latest("F40"), **target.instance["inputs"]}  # the clue that led here, in the recovery
    given = {key: known[key] for key in ("source", "breach") if known.get(key)}
    return {"object": {"id": view.incident["organisation_id"]}, **given}


def _of_opinion(view: IncidentView, target: Target) -> dict[str, Any]:
    """What D19 said of the topic, and the wording the leader approved last: none is used before."""
    if target.form_key != "F36#answer":
        return {}
    rows = view.facts.rows
    decided = [d for d in rows.decisions if d["decision"] == "D19" and d["at"] <= target.opened_at]
    action = OPINION_ACTIONS.get(str(rows.outcome(decided[-1]).get("action"))) if decided else None
    wording = _approved_wording(view)
    return {"action": action, **({"wording": wording, "approved_wording": True} if wording else {})}


def _approved_wording(view: IncidentView) -> str:
    rows, wording, approved = view.facts.rows, "", ""
    for record in rows.records:
        if (record["form"], record["view"]) == ("F36", "prepare"):
            wording = str(rows.answers(record)["values"]["wording"])
        elif record["element"] == "t_approve_wording" and record["data"].get("sign_decision") == "签发":
            approved = wording
    return approved


BY_FORM: Mapping[str, Callable[[IncidentView, Target], dict[str, Any]]] = {
    "F00": _of_task_record, "F03": _of_recheck, "F04": _of_control, "F05": _of_transfer, "F06": _of_result,
    "F07": _of_notice, "F09": _of_progress, "F10": _of_closing, "F12": contact_contexts.of_list,
    "F13": contact_contexts.of_notice, "F14": observation_contexts.of_reading, "F15": _of_disinfection,
    "F16": contact_contexts.of_investigation, "F17": _of_return, "F18": suspension_contexts.of_adjustment,
    "F22": suspension_contexts.of_daily_report, "F23": observation_contexts.of_notice,
    "F24": observation_contexts.of_release, "F36": _of_opinion, "F38": suspension_contexts.of_readiness,
    "F40": _of_inspection,
}  # fmt: skip
