"""What people do while contacts are observed (P05.8 to P05.10): moving them, rounds, papers, release."""

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import Any

from service.application import rounds
from service.domain import commands as cmd
from service.domain.calendar import local_date
from service.persistence import tables as t
from tests.paths import by_api, school, tracing, variants
from tests.paths.world import World

NORMAL = {"temperature": 36.5, "symptoms": ["none"], "in_place": True}


def listed(w: World, names: Sequence[str] = tracing.NEIGHBOURS, **judged: Any) -> None:
    """A confirmed case of 10:00 whose final list names these contacts."""
    variants.confirmed(w)
    tracing.history(w)
    tracing.initial(w, [tracing.contact(w, name) for name in names])
    tracing.screening(w)
    tracing.investigated(w)
    tracing.final(w, [tracing.judged(name, **judged) for name in names])


def moved(w: World, person: str) -> None:
    """P35 of a contact: called, protected, handed over, received, the vehicle disinfected; all at this minute."""
    vehicle = {"vehicle_no": "专车1", "vehicle_kind": "指挥部专用车"}
    _do(w, "coordinator", "s_call_vehicle", person, {
        "person": {"id": person}, "category": "密接", "severity": "mild", "requested_at": school.now(w),
        "request_outcome": "已派车", "answered_by": "指挥部值班员", "destination": {"id": "demo-town"}, **vehicle,
    })  # fmt: skip
    _do(w, "nurse", "t_ppe_transfer", person, {"ppe": ["N95口罩", "手套", "工作服"]})
    _do(w, "nurse", "t_hand_over", person, {
        "depart_at": school.now(w), "temp_at_transfer": 36.5, "severity": "mild", "handed_by": True, **vehicle,
    })  # fmt: skip
    received_by = {"name": "隔离点甲", "at": school.now(w), "info_source": "visit"}
    _do(w, "nurse", "r_received", person, {
        "arrive_at": school.now(w), "receive_outcome": "接收", "received_by": received_by, "info_source": "visit",
    })  # fmt: skip
    _do(w, "nurse", "t_clean_vehicle", person, {"vehicle_disinfected": True})


def _do(w: World, who: str, element: str, person: str, data: Mapping[str, Any]) -> None:
    w.do(who, element, data, **tracing.task_of(w, element, person))


def observed(w: World, names: Sequence[str] = tracing.NEIGHBOURS) -> list[str]:
    """Contacts who are at the site since 10:30; returns their ids."""
    listed(w, names)
    w.go("10:30")
    people = [tracing.person(w, name) for name in names]
    for person in people:
        moved(w, person)
    return people


def record(
    w: World, session: str, *rows: Mapping[str, Any], others: Mapping[str, Any] | None = None, day: date | None = None,
    who: str = "nurse", **common: Any,
) -> rounds.RoundOutcome:  # fmt: skip
    """A round of today; `others` for everybody else who is observed."""
    w.demands.answer("t_session_record", {"rows": list(rows), **common})
    command = cmd.RecordRound(
        w.incident, day or local_date(w.clock.now()), session, list(rows), others=others,
        others_of=[row["person_id"] for row in w.rows(t.Contact)], common={"measured_at": school.now(w), **common},
    )  # fmt: skip
    if w.by_api:
        return by_api.record_round(w.doors, w.who(who).account_id, command)
    return w.app.run(lambda uow: rounds.record_round(uow, w.app.services, w.who(who), command))


def reading(person: str, temperature: float = 36.6, **more: Any) -> dict[str, Any]:
    """A row of a round."""
    return {"person": {"id": person}, **NORMAL, "temperature": temperature, **more}


def order(w: World) -> dict[str, Any]:
    """The order of the CDC to release somebody."""
    return {"release_order": {"name": "疾控甲", "at": school.now(w), "info_source": "phone"}}


def keys(w: World, person: str) -> list[str]:
    """Day and session of each reading of a person, in the order of entry."""
    rows = [row for row in w.rows(t.Record, form="F14", person_id=person) if row["view"] == "session"]
    return [f"{row['data']['day_no']}:{row['data']['session']}" for row in sorted(rows, key=lambda row: row["id"])]


def checked(w: World, person: str) -> None:
    """P35 of somebody observed who goes to the fever clinic for a check."""
    while any(row["person_id"] == person for row in w.rows(t.Task, element="s_call_vehicle") if row["state"] == "open"):
        moved(w, person)


def home_notice(w: World, person: str) -> dict[str, Any]:
    """F23 for fourteen days from now."""
    rules = ["不准外出", "谢绝探视", "单间居住", "距家人2米", "垃圾密封", "早晚测温"]
    start = w.clock.now()
    return {
        "person": {"id": person, "home_address": "示例镇示例村1组"}, "basis": "密接类", "start_at": start.isoformat(),
        "end_at": (start + timedelta(days=14)).isoformat(), "rules": rules, "doctor": {"name": "村医甲"},
        "cadre": {"name": "干部乙"}, "door_notice": True,
        "signed_by": {"name": "家长丙", "at": school.now(w), "info_source": "visit"},
    }  # fmt: skip


def home_papers(w: World) -> dict[str, Any]:
    """What D10 asks for at home."""
    signed = {"at": school.now(w), "info_source": "phone"}
    return {
        "exam_normal": True, "village_report": {"name": "村主任", **signed}, "hq_consent": {"name": "指挥部", **signed},
    }  # fmt: skip


def at_home(w: World, names: Sequence[str]) -> list[str]:
    """Contacts in home quarantine since 10:30; returns their ids."""
    listed(w, names, quarantine_mode="home")
    w.go("10:30")
    people = [tracing.person(w, name) for name in names]
    for person in people:
        _do(w, "coordinator", "t_home_start", person, home_notice(w, person))
    return people
