"""The medical observation of a contact, as the incident sees it: when it begins, is extended, ends.

The same person may be a contact of several cases and is observed once; every row of him follows.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import func, select

from service.domain import events as ev
from service.domain.calendar import local
from service.domain.errors import FormRefused
from service.domain.form_messages import field_error
from service.domain.sessions import MORNING, session_at, sessions
from service.persistence.tables import sql

if TYPE_CHECKING:
    from service.application.contact_rows import Contact
    from service.application.facts import FactBase
    from service.application.fill_contexts import Target
    from service.application.steps import Advance
    from service.domain.forms import Answers

DEADLINE = "T08"  # begins and ends with the observation
DUTIES = frozenset({DEADLINE, "T11"})
ENDS = {"ee_released": "解除", "ee_converted": "转阳"}


def begin(on: Advance, row: Mapping[str, Any], since: datetime, until: datetime) -> None:
    """P05.9: the person is where he is to be observed."""
    for contact in _rows(on, row):
        on.record(ev.ContactObserved(contact.case, contact.person, since.isoformat(), until.isoformat()), row=row)
        on.record(ev.ContactStatusChanged(contact.case, contact.person, "隔离中"), row=row)


def move(on: Advance, person: str, until: datetime) -> None:
    """The end moved, because the number of days was changed for incidents that run."""
    for contact in _rows(on, {"person_id": person}):
        if contact.observed_from is not None:
            since = contact.observed_from.isoformat()
            on.record(ev.ContactObserved(contact.case, contact.person, since, until.isoformat()))


def end(on: Advance, row: Mapping[str, Any], element: str) -> None:
    """An instance ended at an end event; of an observation the status of the contact follows."""
    if element not in ENDS:
        return
    rows = _rows(on, row)
    for contact in rows:
        on.record(ev.ContactStatusChanged(contact.case, contact.person, ENDS[element]), row=row)
    persons = {contact.person for contact in rows}
    for deadline in on.open_deadlines():  # readings nobody took, and the days that were left
        if deadline["rule"] in DUTIES and deadline["subject"].partition(":")[0] in persons:
            on.record(ev.DeadlineCancelled(deadline["id"], element), row=row)


def follow_answer(on: Advance, target: Target, values: Mapping[str, Any]) -> None:
    """An end given with the papers extends the observation."""
    if target.form_key != "F24#papers" or not values.get("end_at"):
        return
    for contact in _rows(on, target.instance):
        if contact.observed_from is not None:
            since = contact.observed_from.isoformat()
            on.record(ev.ContactObserved(contact.case, contact.person, since, values["end_at"]), row=target.instance)


def complete(on: Advance, target: Target, answers: Answers) -> None:
    """Fill in what the service itself says on a release certificate: its number, and whether the log has gaps."""
    if target.form_key != "F24#issue":
        return
    number = {"certificate_no": _certificate_no(on)}
    log = {"log_complete": not missing_sessions(on.facts, target.person)}
    answers.public.update(number)
    answers.sealed.update(log)
    answers.values.update(number | log)


def check(on: Advance, target: Target, answers: Answers) -> None:
    """F14#session: a task takes the reading of its own session; another one belongs to another task.

    Raises FormRefused.
    """
    since = on.facts.value("observed_from", target.person) if target.form_key == "F14#session" else None
    session = session_at(target.opened_at, since, on.policies) if isinstance(since, datetime) else None
    if session is None:
        return
    named = {"day_no": session.day_no, "session": session.name}
    changed = [key for key, value in named.items() if answers.values.get(key) != value]
    if changed:
        words = {"zh": session.name, "en": "morning" if session.name == MORNING else "evening"}
        raise FormRefused([field_error(key, "other_session", day=session.day_no, **words) for key in changed])


def is_only_noted(target: Target, values: Mapping[str, Any]) -> bool:
    """P05.9b: a test result that is not positive is kept, and ends nothing."""
    return target.element == "start_test_positive" and values.get("result") != "positive"


def missing_sessions(base: FactBase, person: str) -> list[str]:
    """Keys of the sessions that are over without a reading, in order."""
    since, until = base.value("observed_from", person), base.value("observed_until", person)
    if since is None or until is None:
        return []
    recorded = base.rows.course(person).recorded
    due = [each for each in sessions(since, until, base.policies) if each.ends <= base.now]  # type: ignore[arg-type]  # facts of times
    return [each.key for each in due if each.key not in recorded]


def _rows(on: Advance, row: Mapping[str, Any]) -> list[Contact]:
    person = str(row["person_id"] or row["inputs"].get("person") or "")
    return [contact for contact in on.facts.rows.contacts_about(person) if contact.stage == "final"]


def _certificate_no(on: Advance) -> str:
    """Unique over all organisations: incidents with the same number share one count."""
    number = on.incident["number"]
    issued = (sql.records.c.form == "F24") & (sql.records.c.view == "issue") & (sql.incidents.c.number == number)
    here = sql.incidents.c.id == sql.records.c.incident_id
    joined = select(func.count()).select_from(sql.records.join(sql.incidents, here))
    count = on.uow.connection.execute(joined.where(issued)).scalar_one()
    return f"JC{local(on.now):%Y}-{number}-{int(count) + 1:03d}"
