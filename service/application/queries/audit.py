"""Who saw, changed or took out what, and who came in: the log searched within the reader's organisations."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Text, and_, cast, or_, select, true

from service.application.access_log import ACCESS_STREAM
from service.application.audit import AuditFilter
from service.application.policy_values import stream_of
from service.application.queries import cursors, names
from service.application.queries.reader import Reader, incidents
from service.application.queries.summaries import summary
from service.application.queries.timeline import known_of
from service.domain import events as ev
from service.domain.access import Action, OrganisationSubject, may, require
from service.domain.audit import AuditKind, kinds, types_of
from service.domain.errors import NoSuch, NotAllowed, ValueRefused
from service.persistence.tables import sql

events = sql.events
NOBODY = ""


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """One entry. `at` is real time, `number` that of its incident, if it is of one."""

    stream: str
    seq: int
    kind: str
    kind_name: str
    type: str
    at: datetime
    account: str
    account_name: str
    role: str
    role_label: str
    incident: str
    number: str
    summary: str
    hash: str


@dataclass(frozen=True, slots=True)
class AuditPage:
    """Entries, newest first; `next` is the cursor of the older ones."""

    entries: tuple[AuditEntry, ...]
    next: str


@dataclass(frozen=True, slots=True)
class AuditChoices:
    """What can be chosen in the search: accounts and incidents in scope, persons of the incident chosen."""

    accounts: tuple[tuple[str, str], ...]
    incidents: tuple[tuple[str, str], ...]
    persons: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class CheckRow:
    """A check of the chains, as far as it is."""

    id: str
    started_by: str
    started_at: datetime
    ended_at: datetime | None
    events: int
    total: int
    bad_stream: str
    bad_seq: int
    bad_reason: str
    result: str


def organisations_of(reader: Reader, action: Action = Action.AUDIT_READ) -> frozenset[str] | None:
    """Organisations whose log the reader may see, None for all. Raises NotAllowed where there is none."""
    if reader.principal.is_admin:
        return None
    found = {each for each in reader.principal.memberships if may(reader.principal, action, _of(reader, each))}
    if not found:
        raise NotAllowed(action)
    return frozenset(found)


def search(reader: Reader, asked: AuditFilter, *, cursor: str = "", limit: int = cursors.LIMIT) -> AuditPage:
    """Entries that fit. Raises NotAllowed, NoSuch for a person or incident out of scope, ValueRefused for a kind."""
    limit = cursors.clamp(limit)
    statement = select(events).where(_wanted(reader, asked), _in_scope(reader))
    if cursor:
        at, stream, seq = cursors.read(cursor, 3)
        statement = statement.where(_before(cursors.read_instant(at), stream, _number(seq)))
    order = (events.c.real_at.desc(), events.c.stream.desc(), events.c.seq.desc())
    found = reader.rows(statement.order_by(*order).limit(limit + 1))
    page = found[:limit]
    last = page[-1] if len(found) > limit else None
    after = cursors.write([last["real_at"].isoformat(), last["stream"], str(last["seq"])]) if last else ""
    return AuditPage(_entries(reader, page), after)


def choices(reader: Reader, asked: AuditFilter) -> AuditChoices:
    """What the search offers."""
    scope = organisations_of(reader)
    people, members, listed = sql.accounts, sql.memberships, select(sql.accounts.c.id, sql.accounts.c.name)
    cases = select(incidents.c.id, incidents.c.number)
    if scope is not None:
        here = select(members.c.account_id).where(members.c.organisation_id.in_(sorted(scope)))
        listed = listed.where(people.c.id.in_(here))
        cases = cases.where(incidents.c.organisation_id.in_(sorted(scope)))
    return AuditChoices(
        tuple((row["id"], row["name"]) for row in reader.rows(listed.order_by(people.c.name).limit(500))),
        tuple((row["id"], row["number"]) for row in reader.rows(cases.order_by(incidents.c.number.desc()).limit(500))),
        persons_of(reader, asked.incident) if asked.incident else (),
    )


def persons_of(reader: Reader, incident: str) -> tuple[tuple[str, str], ...]:
    """The persons of an incident in scope, as lists name them. Raises NoSuch."""
    _incident(reader, incident)
    return persons_of_rows(reader, incident)


def persons_of_rows(reader: Reader, incident: str) -> tuple[tuple[str, str], ...]:
    """The same for whoever has looked whether the reader may."""
    table = sql.persons.c
    columns = (
        table.id.label("person_id"), table.incident_id, table.code.label("person_code"), table.org_unit,
        table.sealed.label("person_sealed"),
    )  # fmt: skip
    found = reader.rows(select(*columns).where(table.incident_id == incident).order_by(table.code))
    places = reader.place_names([row["org_unit"] for row in found])
    shown = names.Names(reader, found, is_masked=True)
    return tuple((row["person_id"], shown.shown(row["person_id"], places)) for row in found)


def checks(reader: Reader, limit: int = 5) -> tuple[CheckRow, ...]:
    """The checks of the chains that were made last, newest first. Raises NotAllowed."""
    require(reader.principal, Action.AUDIT_VERIFY)
    table = sql.chain_checks
    found = reader.rows(select(table).order_by(table.c.started_at.desc(), table.c.id.desc()).limit(limit))
    people = reader.account_names({row["started_by"] for row in found})
    return tuple(_check(reader, row, people) for row in found)


def check(reader: Reader, check_id: str) -> CheckRow:
    """One of them. Raises NoSuch, NotAllowed."""
    require(reader.principal, Action.AUDIT_VERIFY)
    found = reader.rows(select(sql.chain_checks).where(sql.chain_checks.c.id == check_id))
    if not found:
        raise NoSuch("check", check_id)
    return _check(reader, found[0], reader.account_names({found[0]["started_by"]}))


# --- inside -----------------------------------------------------------------------------------


def _of(reader: Reader, organisation: str) -> OrganisationSubject:
    return OrganisationSubject(organisation, reader.hierarchy.ancestors(organisation))


def _in_scope(reader: Reader) -> ColumnElement[bool]:
    """Incidents of the organisations, their own streams, and what their people did in the stream of accesses."""
    scope = organisations_of(reader)
    if scope is None:
        return true()
    members, here = sql.memberships, sorted(scope)
    people = select(members.c.account_id).where(members.c.organisation_id.in_(here))
    account = events.c.data["account"].as_string()
    return or_(
        events.c.stream.in_(select(incidents.c.id).where(incidents.c.organisation_id.in_(here))),
        events.c.stream.in_([stream_of(each) for each in here]),
        and_(events.c.stream == ACCESS_STREAM, or_(events.c.actor.in_(people), account.in_(people))),
    )


def _wanted(reader: Reader, asked: AuditFilter) -> ColumnElement[bool]:
    unknown = set(asked.kinds) - set(AuditKind)
    if unknown:
        raise ValueRefused("kind", "没有这种记录", "is none of view, change, export, sign_in")
    parts: list[ColumnElement[bool]] = [events.c.type.in_(types_of(frozenset(asked.kinds)))]
    if asked.since:
        parts.append(events.c.real_at >= asked.since)
    if asked.until:
        parts.append(events.c.real_at < asked.until)
    if asked.account:
        said = events.c.data["account"].as_string() == asked.account
        parts.append(or_(events.c.actor == asked.account, and_(events.c.stream == ACCESS_STREAM, said)))
    if asked.person:
        parts.append(_about_person(reader, asked))
    elif asked.incident:
        _incident(reader, asked.incident)
        told = and_(events.c.stream == ACCESS_STREAM, _names(asked.incident))
        parts.append(or_(events.c.stream == asked.incident, told))
    return and_(*parts)


def _about_person(reader: Reader, asked: AuditFilter) -> ColumnElement[bool]:
    """Events that name the person or happened in an instance of his, and accesses that name him.

    Looks at this log are none of them: they show nothing of the person.
    """
    table = sql.persons
    incident = reader.connection.execute(select(table.c.incident_id).where(table.c.id == asked.person)).scalar()
    if incident is None or asked.incident not in ("", incident):
        raise NoSuch("person", asked.person)
    _incident(reader, incident)
    own = select(sql.instances.c.id).where(
        sql.instances.c.incident_id == incident, sql.instances.c.person_id == asked.person
    )
    return or_(
        and_(events.c.stream == incident, or_(events.c.instance.in_(own), _names(asked.person))),
        and_(events.c.stream == ACCESS_STREAM, events.c.type != ev.AuditRead.type, _names(asked.person)),
    )


def _names(id_: str) -> ColumnElement[bool]:
    return cast(events.c.data, Text).contains(f'"{id_}"', autoescape=True)


def _incident(reader: Reader, incident: str) -> Mapping[str, Any]:
    scope = organisations_of(reader)
    row = next(iter(reader.rows(select(incidents).where(incidents.c.id == incident))), None)
    if row is None or (scope is not None and row["organisation_id"] not in scope):
        raise NoSuch("incident", incident)
    return row


def _before(at: datetime, stream: str, seq: int) -> ColumnElement[bool]:
    return or_(
        events.c.real_at < at,
        and_(events.c.real_at == at, events.c.stream < stream),
        and_(events.c.real_at == at, events.c.stream == stream, events.c.seq < seq),
    )


def _number(text: str) -> int:
    if not text.isdecimal():
        raise cursors.refused()
    return int(text)


def _entries(reader: Reader, found: list[dict[str, Any]]) -> tuple[AuditEntry, ...]:
    known = known_of(reader, found, is_masked=True)
    said = {str(row["data"].get("account") or "") for row in found} - {""}
    known = replace(known, accounts={**reader.account_names(said), **known.accounts})
    streams = sorted({str(row["data"].get("incident") or row["stream"]) for row in found})
    numbers = {
        row["id"]: row["number"]
        for row in reader.rows(select(incidents.c.id, incidents.c.number).where(incidents.c.id.in_(streams)))
    }
    kind_of = kinds()
    entries = []
    for row in found:
        kind = kind_of[row["type"]].value
        incident = str(row["data"].get("incident") or row["stream"])
        account = row["actor"] or str(row["data"].get("account") or NOBODY)
        entries.append(
            AuditEntry(
                row["stream"], row["seq"], kind, reader.label("audit_kind", kind), row["type"], row["real_at"],
                account, known.accounts.get(account, ""), row["role"],
                reader.label("role", row["role"]) if row["role"] else "", incident if incident in numbers else "",
                numbers.get(incident, ""), summary(reader, row, known), row["hash"],
            )
        )  # fmt: skip
    return tuple(entries)


def _check(reader: Reader, row: Mapping[str, Any], people: Mapping[str, str]) -> CheckRow:
    return CheckRow(
        row["id"], people.get(row["started_by"], row["started_by"]), row["started_at"], row["ended_at"], row["events"],
        row["total"], row["bad_stream"], row["bad_seq"], row["bad_reason"],
        reader.label("chain_result", row["bad_reason"] or "whole"),
    )  # fmt: skip
