"""What waits beside the tasks: the Actions menu, the partner desk, and engine incidents."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import and_, select

from service.application import actions
from service.application.incident_view import IncidentView
from service.application.queries.reader import Reader, incidents
from service.application.queries.task_pages import FormPage, action_form
from service.application.queries.words import senders
from service.domain.access import Action, IncidentSubject, may, require
from service.persistence import tables as t

waits = t.table_of(t.Wait)
instances = t.table_of(t.Instance)
persons = t.table_of(t.Person)


@dataclass(frozen=True, slots=True)
class ActionRow:
    """One entry of the Actions menu, with its form."""

    message: str
    name: str
    element: str
    instance: str
    person: str
    person_code: str
    form: FormPage


@dataclass(frozen=True, slots=True)
class PartnerWait:
    """Something that waits for an outside party: which party says what, about whom, since when."""

    wait: str
    incident: str
    incident_number: str
    organisation_name: str
    is_drill: bool
    message: str
    message_label: str
    name: str
    element: str
    instance: str
    person: str
    person_code: str
    form_key: str
    parties: tuple[str, ...]
    party_labels: tuple[str, ...]
    since: datetime


def action_menu(reader: Reader, incident: str) -> tuple[ActionRow, ...]:
    """What the reader may do beside the tasks now, one entry per waiting event and instance."""
    reader.incident(incident)
    view = IncidentView.read(reader.connection, reader.sealer, reader.services, incident)
    items = actions.available(view, reader.principal)
    codes = _codes(reader, incident)
    return tuple(
        ActionRow(
            each.message, reader.pick(each.name, each.name_en), each.element, each.instance, each.person,
            codes.get(each.person, ""),
            action_form(
                reader, incident, element=each.element, instance=each.instance, form_key=each.form_key,
                person=each.person,
            ),
        )
        for each in items
    )  # fmt: skip


def partner_desk(reader: Reader, incident: str = "") -> tuple[PartnerWait, ...]:
    """Who waits for which outside party now, of the parties the reader speaks for."""
    require(reader.principal, Action.PARTNER_DESK)
    columns = (
        incidents.c.number, incidents.c.organisation_id, incidents.c.kind, instances.c.procedure, instances.c.version,
        persons.c.code,
    )  # fmt: skip
    joined = (
        waits.join(incidents, incidents.c.id == waits.c.incident_id)
        .join(instances, instances.c.id == waits.c.instance_id)
        .outerjoin(persons, persons.c.id == waits.c.person_id)
    )
    has_form = and_(waits.c.trigger == "message", waits.c.form_key != "")
    statement = select(waits, *columns).select_from(joined).where(reader.in_scope, has_form)
    if incident:
        statement = statement.where(waits.c.incident_id == incident)
    found = reader.rows(statement.order_by(waits.c.armed_at, waits.c.id))
    shown = [_partner(reader, row) for row in found]
    return tuple(each for each in shown if each.parties)


# --- inside -----------------------------------------------------------------------------------


def _codes(reader: Reader, incident: str) -> dict[str, str]:
    statement = select(persons.c.id, persons.c.code).where(persons.c.incident_id == incident)
    return {row["id"]: reader.person_code(row["code"]) for row in reader.rows(statement)}


def _step(reader: Reader, row: Mapping[str, Any]) -> str:
    if not row["procedure"] or not row["element"]:
        return str(row["element"])
    return reader.named(reader.node(row["procedure"], row["version"], row["element"]), row["element"])


def _partner(reader: Reader, row: Mapping[str, Any]) -> PartnerWait:
    parties = tuple(party for party in senders(row["name"]) if _speaks_for(reader, row, party))
    return PartnerWait(
        wait=row["id"],
        incident=row["incident_id"],
        incident_number=row["number"],
        organisation_name=reader.organisation_names.get(row["organisation_id"], ""),
        is_drill=row["kind"] == "drill",
        message=row["name"],
        message_label=reader.label("message", row["name"]),
        name=_step(reader, row),
        element=row["element"],
        instance=row["instance_id"],
        person=row["person_id"] or "",
        person_code=reader.person_code(row["code"] or ""),
        form_key=row["form_key"],
        parties=parties,
        party_labels=tuple(reader.label("role", party) for party in parties),
        since=row["armed_at"],
    )


def _speaks_for(reader: Reader, row: Mapping[str, Any], party: str) -> bool:
    organisation = row["organisation_id"]
    subject = IncidentSubject(
        organisation, reader.hierarchy.ancestors(organisation), is_drill=row["kind"] == "drill", sender=party
    )
    return may(reader.principal, Action.MESSAGE_SEND, subject)
