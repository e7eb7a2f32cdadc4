"""Facts about the medical observation of one person: from when until when, and what the readings say.

Imported by `facts`, so that they are registered with the others.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from service.application.contact_rows import Contact
from service.application.fact_base import FactBase, person_fact
from service.application.person_facts import PersonFacts
from service.domain.calendar import parse_instant
from service.domain.form_rules import is_fever
from service.domain.sessions import session_at

CHECK = ("ca_symptom_transfer", "t_symptom_help")  # on the way to the clinic, or waiting for somebody who drives
WELL: tuple[object, ...] = (None, [], ["none"])


def is_abnormal(reading: Mapping[str, Any], policies: Any) -> bool:
    """The temperature reaches the threshold, or there is a symptom."""
    return is_fever(reading.get("temperature"), policies) or reading.get("symptoms") not in WELL


def _observed(base: FactBase, person: PersonFacts) -> list[Contact]:
    return [row for row in base.rows.contacts_about(person.id) if row.stage == "final" and row.observed_from]


@person_fact
def observed_from(base: FactBase, person: PersonFacts) -> datetime | None:
    """When the observation began."""
    return min((row.observed_from for row in _observed(base, person) if row.observed_from), default=None)


@person_fact
def observed_until(base: FactBase, person: PersonFacts) -> datetime | None:
    """When it ends: T08, or what it was extended to."""
    return max((row.observed_until for row in _observed(base, person) if row.observed_until), default=None)


@person_fact
def session_open(base: FactBase, person: PersonFacts) -> str:
    """Day and session that run now, `3:早`."""
    since = base.value("observed_from", person.id)
    session = session_at(base.now, since, base.policies) if isinstance(since, datetime) else None
    return session.key if session else ""


@person_fact
def session_recorded(base: FactBase, person: PersonFacts) -> str:
    """Day and session of the reading entered last."""
    return base.rows.course(person.id).entered


@person_fact
def observation_abnormal(base: FactBase, person: PersonFacts) -> bool:
    """The reading of the latest session shows fever or a symptom."""
    latest = base.rows.course(person.id).latest
    return bool(latest) and is_abnormal(latest, base.policies)


@person_fact
def symptom_open(base: FactBase, person: PersonFacts) -> bool:
    """The latest reading is abnormal and nobody has looked at it since, or a check is on its way."""
    instances = {row.instance for row in base.rows.contacts_about(person.id) if row.instance}
    if any(base.rows.is_waiting(step, instance) for step in CHECK for instance in instances):
        return True
    if not base.value("observation_abnormal", person.id):
        return False
    measured_at = parse_instant(base.rows.course(person.id).latest["measured_at"])
    return not any(r["view"] == "arrive" and r["at"] >= measured_at for r in person.records("F05"))


@person_fact
def tests_required(_base: FactBase, person: PersonFacts) -> bool:
    """Output of D07: the observation asks for tests."""
    return person.decision("D07").get("tests") not in (None, "", "none")
