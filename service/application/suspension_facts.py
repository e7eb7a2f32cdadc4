"""Facts about the suspension of classes (P17): what D13 weighs, what is suspended, what was ordered.

Imported by `facts`, so that they are registered with the others.
"""

from collections.abc import Iterator
from datetime import datetime

from service.application import home_health
from service.application.fact_base import FactBase, incident_fact
from service.application.person_facts import PersonFacts

POSITIVE = {"suspected", "confirmed", "asymptomatic"}
SHARED_SCENES = {"校车/车次", "同宿舍"}
OWN_SUGGESTION = "学校建议"  # order_source of F18 where nobody has ordered anything
ORDER_TASKS = ("t_decide_suspension", "t_do_order")  # an order waits here until it is carried out

# --- what D13 weighs --------------------------------------------------------------------------


@incident_fact
def positive_count(base: FactBase) -> int:
    """Cases that are suspected, confirmed or asymptomatic by diagnosis."""
    return len(_diagnosed(base, POSITIVE))


@incident_fact
def positive_classes(base: FactBase) -> int:
    """Classes of the positive pupils."""
    return len(_classes_of(base, _diagnosed(base, POSITIVE)))


@incident_fact
def confirmed_count(base: FactBase) -> int:
    """Confirmed cases."""
    return len(_diagnosed(base, {"confirmed"}))


@incident_fact
def confirmed_classes(base: FactBase) -> int:
    """Classes of the confirmed pupils."""
    return len(_classes_of(base, _diagnosed(base, {"confirmed"})))


@incident_fact
def shared_bus_or_dorm(base: FactBase) -> bool:
    """A contact of a confirmed case shared a bus or a dormitory with him."""
    confirmed = {case.id for case in _diagnosed(base, {"confirmed"})}
    return bool(confirmed) and any(
        row.get("contact_scene") in SHARED_SCENES and (row.get("case_ref") or {}).get("id") in confirmed
        for row in base.rows.answers_of("F12")
    )


@incident_fact
def cases_excluded(base: FactBase) -> bool:
    """There are cases, and each is excluded or was cleared on site."""
    statuses = [case.status for case in base.open_cases()]
    return bool(statuses) and all(status in {"excluded", "cleared"} for status in statuses)


@incident_fact
def area_closed(base: FactBase) -> bool:
    """An order that is in force has closed the whole area the school lies in."""
    return any(row.get("adjust") == "full_closed" for row, open_ in _decided(base) if open_)


def _diagnosed(base: FactBase, diagnoses: set[str]) -> list[PersonFacts]:
    return [case for case in base.open_cases() if base.value("diagnosis", case.id) in diagnoses]


def _classes_of(base: FactBase, cases: list[PersonFacts]) -> set[str]:
    return {case.org_unit for case in cases if case.org_unit and base.value("is_pupil", case.id)}


# --- orders and what they suspended -----------------------------------------------------------


@incident_fact
def superior_order(base: FactBase) -> str:
    """Id of the order recorded last; "" where the last one was only a suggestion of the school."""
    recorded = [record for record in base.rows.records if record["form"] == "F18" and record["view"] == "order"]
    if not recorded or base.rows.answers(recorded[-1])["values"].get("order_source") == OWN_SUGGESTION:
        return ""
    return str(recorded[-1]["id"])


@incident_fact
def order_settled(base: FactBase) -> bool:
    """Every recorded order of a superior is decided on or carried out."""
    return not any(base.rows.is_waiting(element) for element in ORDER_TASKS)


@incident_fact
def suspended_classes(base: FactBase) -> list[dict[str, str]]:
    """References to the classes (or the school) whose lessons are suspended and have not begun again."""
    return [{"id": place} for place in _suspended(base)]


@incident_fact
def adjust_open(base: FactBase) -> bool:
    """A class suspension is executed and not resumed."""
    return bool(_suspended(base))


@incident_fact
def suspended_by_order(base: FactBase) -> bool:
    """A superior ordered what is suspended: lessons begin again only with his consent."""
    orders = base.rows.inputs_of("class_suspension")
    return any(orders.get(instance, {}).get("order") for instance in _suspended(base).values())


@incident_fact
def classes_resumed(base: FactBase) -> bool:
    """Classes were suspended, and F18.resume_at is reached for every one of them."""
    return bool(_decided(base)) and not _suspended(base)


@incident_fact
def home_health_from(base: FactBase) -> dict[str, datetime]:
    """The order whose suspension sums up the health at home, once a day for the school (T44), and since when.

    Empty while no class is taught online, or a suspension of another incident sums up.
    """
    found = home_health.summing_up(base.rows.of_school(home_health.taught))
    return {found[0].order: found[1]} if found and found[0].incident == base.rows.incident_id else {}


def _decided(base: FactBase) -> list[tuple[dict[str, object], bool]]:
    """The decisions that went out, oldest first, each with whether a class of it is still suspended."""
    suspended = set(_suspended(base).values())
    return [
        (base.rows.answers(record)["values"], record["instance_id"] in suspended)
        for record in base.rows.records
        if _is_executed(base, record["form"], record["view"], record["instance_id"])
    ]


def _is_executed(base: FactBase, form: str, view: str, instance: str) -> bool:
    is_decision = form == "F18" and view == "decide"
    return is_decision and base.rows.has_completed("s_suspension_notice", instance)


def _suspended(base: FactBase) -> dict[str, str]:
    """Suspended classes by id, each with the instance that suspended it last."""
    found: dict[str, str] = {}
    resumptions = base.rows.inputs_of("class_resumption")
    for record in base.rows.records:
        values = base.rows.answers(record)["values"] if record["form"] == "F18" else {}
        if _is_executed(base, record["form"], record["view"], record["instance_id"]):
            found.update(dict.fromkeys(_ids(values.get("scope")), str(record["instance_id"])))
        elif record["view"] == "resume" and values and _is_past(values.get("resume_at"), base.now):
            scope = resumptions.get(record["instance_id"], {}).get("scope")
            for place in list(_ids(scope)) or list(found):
                found.pop(place, None)
    return found


def _ids(scope: object) -> Iterator[str]:
    for place in scope if isinstance(scope, list) else ():
        yield str(place["id"] if isinstance(place, dict) else place)


def _is_past(instant: object, now: datetime) -> bool:
    return isinstance(instant, str) and datetime.fromisoformat(instant) <= now
