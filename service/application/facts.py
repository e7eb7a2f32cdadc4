"""Facts: what diagrams may ask about the world (`fact("…")`), computed from the read tables.

One `FactBase` holds the rows of an incident as they stand in the unit of work; `view(person)` gives
the mapping a step sees. Facts marked (p) in the catalogue are those of the instance's person; an
instance without one sees those of the first registered person. The catalogue of facts is
`FACTS`; a name that is not in it is refused at deployment.
"""

from datetime import datetime, timedelta
from functools import partial

from service.application import clusters, contact_facts, control_facts, suspension_facts
from service.application import observation_facts as observation_facts
from service.application.clusters import SchoolCase
from service.application.direct_reports import direct_count as reported_directly
from service.application.fact_base import INCIDENT_FACTS as INCIDENT_FACTS
from service.application.fact_base import PERSON_FACTS as PERSON_FACTS
from service.application.fact_base import FactBase as FactBase
from service.application.fact_base import incident_fact, person_fact
from service.application.person_facts import PersonFacts

POSITIVE = suspension_facts.POSITIVE
CLOSED_CASE = control_facts.CLOSED_CASE
DISPATCH = (
    "ca_initial_report", "t_approve_parent_notice", "t_inform_parents", "g_parent_wait", "ca_spot_disinfect",
    "ca_written_report",
)  # fmt: skip

# --- persons ----------------------------------------------------------------------------------


@person_fact
def on_site(_base: FactBase, person: PersonFacts) -> bool:
    """F01.source_kind is not external, or external with in_school."""
    f01 = person.form("F01")
    return f01.get("source_kind") != "external" or f01.get("in_school") is True


@person_fact
def diagnosed(_base: FactBase, person: PersonFacts) -> bool:
    """Reported from outside with a diagnosis."""
    return person.form("F01").get("known_result") in POSITIVE


@person_fact
def ambulance_informed(base: FactBase, person: PersonFacts) -> bool:
    """A call that got through names this person: the common one every person registered by then."""
    for record in base.rows.sends:
        if record["outcome"] != "已接通":
            continue
        is_common = record["element"] in {"s_call_120", "t_ask_dispatch"}
        if is_common and person.registered_at <= record["at"]:
            return True
        if record["element"] in {"s_call_120_added", "s_recall_120_severe"} and record["person"] == person.id:
            return True
    return False


@person_fact
def call_120_open(base: FactBase, person: PersonFacts) -> bool:
    """B4 is not confirmed yet and will name this person (C1: nobody calls twice)."""
    return base.rows.is_waiting("s_call_120") and bool(on_site(base, person))


@person_fact
def ambulance_arrived(_base: FactBase, person: PersonFacts) -> bool:
    """F03.arrive_120_at is set."""
    return bool(person.form("F03").get("arrive_120_at"))


@person_fact
def ambulance_waiting(base: FactBase, person: PersonFacts) -> bool:
    """120 is there; the advice to go on observing sends it away again, for an hour or more."""
    return bool(base.value("ambulance_arrived", person.id)) and person.form("F03").get("advice") != "observe"


@person_fact
def recheck_outcome(_base: FactBase, person: PersonFacts) -> object:
    """Output of D03."""
    return person.decision("D03").get("recheck_outcome")


@person_fact
def as_suspected(_base: FactBase, person: PersonFacts) -> bool:
    """D03 says: handle as suspected."""
    return person.decision("D03").get("recheck_outcome") == "as_suspected"


@person_fact
def diagnosis(_base: FactBase, person: PersonFacts) -> object:
    """Latest F06.result; before the first one what was known at the report; else pending."""
    known = person.form("F01").get("known_result")
    return person.form("F06").get("result") or (known if known in POSITIVE else "pending")


@person_fact
def case_class(_base: FactBase, person: PersonFacts) -> object:
    """Output of D04."""
    return person.decision("D04").get("case_class") or "observed"


@person_fact
def class_changed(_base: FactBase, person: PersonFacts) -> bool:
    """The last result made the class confirmed or asymptomatic."""
    history = person.decision_history("D04", "case_class")
    return len(history) > 1 and history[-1] != history[-2] and history[-1] in {"confirmed", "asymptomatic"}


@person_fact
def hospital_advice(_base: FactBase, person: PersonFacts) -> object:
    """F03.advice: observe or return."""
    return person.form("F03").get("advice")


@person_fact
def patient_worse(_base: FactBase, person: PersonFacts) -> bool:
    """The last update (K12) says worse, severe or critical."""
    updates = [record["values"] for record in person.records("F06") if record["view"] == "update"]
    last = updates[-1] if updates else {}
    return last.get("change") == "加重" or last.get("severity") in {"severe", "critical"}


@person_fact
def discharged(_base: FactBase, person: PersonFacts) -> bool:
    """The hospital has discharged the patient."""
    return any(record["values"].get("change") == "出院" for record in person.records("F06"))


@person_fact
def is_pupil(_base: FactBase, person: PersonFacts) -> bool:
    """A pupil."""
    return person.identity.get("person_type") == "student"


@person_fact
def parent_agreed(_base: FactBase, person: PersonFacts) -> bool:
    """Latest F07.response."""
    return person.form("F07").get("response") == "理解配合"


@person_fact
def parent_refused(_base: FactBase, person: PersonFacts) -> object:
    """The latest objection or refusal, as a token that is new with every further one."""
    refused = [r for r in person.records("F07") if r["values"].get("response") in {"有异议", "拒绝"}]
    return refused[-1]["id"] if refused else False


@person_fact
def parent_refusal_final(_base: FactBase, person: PersonFacts) -> bool:
    """M2r ended with a final refusal."""
    return person.form("F07").get("refusal_outcome") == "仍拒绝"


@person_fact
def certificate_filed(_base: FactBase, person: PersonFacts) -> bool:
    """The certificate is there, or the leader waived it with a reason."""
    f06 = person.form("F06")
    return bool(f06.get("certificate") or f06.get("waiver_reason"))


# --- the incident -------------------------------------------------------------------------------


@incident_fact
def cases(base: FactBase) -> list[str]:
    """Ids of the registered cases."""
    return [case.id for case in base.open_cases()]


@incident_fact
def on_site_persons(base: FactBase) -> list[str]:
    """Cases that are on site: the 120 call names them."""
    return [case.id for case in base.open_cases() if base.value("on_site", case.id)]


@incident_fact
def any_on_site(base: FactBase) -> bool:
    """A case is on site."""
    return any(base.of("on_site"))


@incident_fact
def first_is_pupil(base: FactBase) -> bool:
    """The first registered person is a pupil."""
    return bool(base.rows.first_case) and bool(base.value("is_pupil", base.rows.first_case or ""))


@incident_fact
def plan_needed(base: FactBase) -> bool:
    """A re-check says so, or a case is not on site, or is already diagnosed."""
    return any(
        base.value("recheck_outcome", case.id) in {"start_plan", "as_suspected"}
        or not base.value("on_site", case.id)
        or bool(base.value("diagnosed", case.id))
        for case in base.open_cases()
    )


@incident_fact
def plan_started(base: FactBase) -> bool:
    """F04#plan is completed; never false again."""
    return base.rows.has_completed("t_start_plan")


@incident_fact
def all_cleared(base: FactBase) -> bool:
    """The plan was not started and every case was cleared on site."""
    statuses = [case.status for case in base.open_cases()]
    return not plan_started(base) and bool(statuses) and all(status == "cleared" for status in statuses)


@incident_fact
def neighbours_release(base: FactBase) -> bool:
    """All cleared, or every case excluded or cleared, or every neighbour settled by a final contact list."""
    statuses = [case.status for case in base.open_cases()]
    is_over = bool(statuses) and all(status in CLOSED_CASE for status in statuses)
    return bool(all_cleared(base)) or is_over or bool(base.value("neighbours_listed", ""))


@incident_fact
def dispatch_settled(base: FactBase) -> bool:
    """B3, B5, B7 and B8 are each done, cancelled or not taken."""
    reached = base.rows.has_completed("g_dispatch")
    return reached and not any(base.rows.is_waiting(element) for element in DISPATCH)


@incident_fact
def any_positive(base: FactBase) -> bool:
    """A case is suspected, confirmed or asymptomatic by diagnosis."""
    return any(value in POSITIVE for value in base.of("diagnosis"))


@incident_fact
def all_excluded(base: FactBase) -> bool:
    """Every case is excluded or cleared, its exclusion page is done, the dispatch is settled."""
    people = base.open_cases()
    excluded = [case for case in people if case.status == "excluded"]
    return (
        bool(plan_started(base))
        and bool(excluded)
        and all(case.status in CLOSED_CASE for case in people)
        and all(base.rows.has_completed("ca_case_exclusion", case.instance) for case in excluded)
        and bool(dispatch_settled(base))
    )


@incident_fact
def cluster_count(base: FactBase) -> int:
    """Persons of this school with symptoms or suspected within the window, revoked ones not counted."""
    return len(_cluster(base)[1])


@incident_fact
def cluster_here(base: FactBase) -> bool:
    """The registration that reached the number is of this incident, and no other one has reported it."""
    (since, found), needed = _cluster(base), int(base.policies["cluster_n"])
    is_here = len(found) >= needed and found[needed - 1].incident == base.rows.incident_id
    return is_here and not base.rows.of_school(partial(clusters.is_reported_elsewhere, since=since))


def _cluster(base: FactBase) -> tuple[datetime, list[SchoolCase]]:
    since = base.now - timedelta(days=int(base.policies["cluster_window_d"]))
    return since, [case for case in base.rows.school_cases if since <= case.registered_at <= base.now]


@incident_fact
def direct_report_count(base: FactBase) -> int | None:
    """The count stated in the last direct report or supplement; None before."""
    return reported_directly(base.rows)


@incident_fact
def opinion_needed(base: FactBase) -> bool:
    """A positive case, or a rumour was entered."""
    return bool(any_positive(base)) or base.rows.has_form("F36")


@incident_fact
def any_report_sent(base: FactBase) -> bool:
    """A report left the school: it has to be corrected if the incident is withdrawn."""
    return bool(base.rows.sent_reports)


@incident_fact
def withdrawn_reported(base: FactBase) -> bool:
    """A report that was sent names somebody the last request withdrew, and the incident goes on with others."""
    withdrawn = base.rows.last_withdrawn
    return bool(base.open_cases()) and any(withdrawn & set(report["persons"]) for report in base.rows.sent_reports)


@incident_fact
def org_type(base: FactBase) -> str:
    """Type of the incident's organisation."""
    return base.rows.organisation_type


@person_fact
def observation_finished(_base: FactBase, person: PersonFacts) -> bool:
    """A medical observation of this person was released (F24)."""
    return any(record["view"] == "issue" for record in person.records("F24"))


@incident_fact
def control_confirmed(base: FactBase) -> bool:
    """F04#control with confirmed = yes."""
    return base.rows.latest("F04").get("control_confirmed") is True


@incident_fact
def breach_found(base: FactBase) -> bool:
    """An F40 clue of this incident says late, concealed, omitted or false."""
    return base.rows.latest("F40").get("breach") in {"迟报", "瞒报", "漏报", "谎报"}


@incident_fact
def closing_sent(base: FactBase) -> bool:
    """The closing report was sent."""
    return any(report["kind"] == "closing" for report in base.rows.sent_reports)


@incident_fact
def persons_to_return(base: FactBase) -> list[str]:
    """Cases that were in hospital and have not been excluded, and people of this school who were isolated."""
    ill = [case.id for case in base.open_cases() if case.status not in CLOSED_CASE]
    return [*ill, *contact_facts.observed_members(base)]


FACTS = frozenset({*INCIDENT_FACTS, *PERSON_FACTS})
