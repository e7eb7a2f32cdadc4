"""Policies for pages: values in words, grouped and searched, and what a new value does to running incidents."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select

from service.application import organisations, policy_values
from service.application.policy_application import Applied, Waiting
from service.application.policy_values import PolicyChange, PolicyRow
from service.application.queries.reader import Reader, incidents
from service.domain.access import Action, require
from service.domain.deadlines import Level
from service.domain.policies import PolicyEntry
from service.domain.policy_words import bound_in_words, in_words, limit_in_words
from service.persistence import tables as t

INFERRED = "(推)"  # no source states the value

persons = t.table_of(t.Person)


@dataclass(frozen=True, slots=True)
class PolicyShown:
    """A policy of an organisation in words.

    `limit` is what the superior's value forbids, "" without a direction; `sources` ends with `INFERRED` where
    no source states the value.
    """

    key: str
    label: str
    value: str
    default: str
    is_default: bool
    is_overridden: bool
    inherited: str
    inherited_from: str
    limit: str
    bound: str
    sources: tuple[str, ...]
    row: PolicyRow


@dataclass(frozen=True, slots=True)
class PolicyGroupShown:
    """A heading with its policies."""

    id: str
    label: str
    policies: tuple[PolicyShown, ...]


@dataclass(frozen=True, slots=True)
class ChangeShown:
    """An entry of the history in words; `new` "" : the superior's value again."""

    organisation: str
    at: datetime
    by: str
    old: str
    new: str
    reason: str


@dataclass(frozen=True, slots=True)
class RunningIncident:
    """An open incident an organisation's policies reach, with the value it holds; `has_it`: that which applies now."""

    id: str
    number: str
    place: str
    organisation: str
    held: str
    has_it: bool


@dataclass(frozen=True, slots=True)
class MoveTold:
    """A due time that moved, in words; `after` None: reached at once. `kind` is deadline, level or timer."""

    kind: str
    name: str
    person: str
    level: str
    before: datetime
    after: datetime | None


@dataclass(frozen=True, slots=True)
class AppliedTold:
    """What a new value did to an incident, in words. `old` and `new` are raw values, None where nothing changed."""

    incident: str
    number: str
    now: datetime
    changed: bool
    old: Any
    new: Any
    moves: tuple[MoveTold, ...]
    opened: tuple[str, ...]


# --- values -----------------------------------------------------------------------------------


def groups(reader: Reader, organisation: str, search: str = "") -> tuple[PolicyGroupShown, ...]:
    """The policies of an organisation under their headings; with a search those whose words contain it."""
    wanted = search.strip().lower()
    found: dict[str, PolicyGroupShown] = {}
    for row in policy_values.listed(reader.connection, reader.services, organisation, now=reader.now):
        shown = _shown(reader, row)
        group = row.entry.group
        if group is None or wanted not in _haystack(row.entry, shown):
            continue
        held = found[group.id].policies if group.id in found else ()
        label = reader.pick(group.label_zh, group.label_en)
        found[group.id] = PolicyGroupShown(group.id, label, (*held, shown))
    return tuple(found.values())


def policy(reader: Reader, organisation: str, key: str) -> PolicyShown:
    """One policy of an organisation. Raises PolicyRefused for an unknown key, NoSuch."""
    row = policy_values.row_of(reader.connection, reader.services, organisation, key, now=reader.now)
    return _shown(reader, row)


def _shown(reader: Reader, row: PolicyRow) -> PolicyShown:
    entry, locale = row.entry, reader.locale
    return PolicyShown(
        key=entry.key,
        label=entry.label(locale),
        value=in_words(entry, row.value, locale),
        default=in_words(entry, entry.default, locale),
        is_default=row.value == entry.default,
        is_overridden=row.is_overridden,
        inherited=in_words(entry, row.inherited, locale),
        inherited_from=reader.organisation_names.get(row.inherited_from, ""),
        limit=limit_in_words(entry, row.inherited, locale),
        bound=bound_in_words(entry, locale),
        sources=(*entry.cite, INFERRED) if entry.is_inferred else entry.cite,
        row=row,
    )


def _haystack(entry: PolicyEntry, shown: PolicyShown) -> str:
    return "\n".join((entry.key, entry.label_zh, entry.label_en, shown.value, *entry.cite)).lower()


def history(reader: Reader, organisation: str, key: str) -> tuple[ChangeShown, ...]:
    """Who changed a policy in the organisation and above it, newest first."""
    changes = policy_values.history(reader.connection, organisation, key)
    names = reader.account_names({each.actor for each in changes})
    entry = reader.services.policies.entry(key)
    return tuple(_change_shown(reader, entry, each, names.get(each.actor, "")) for each in changes)


def _change_shown(reader: Reader, entry: PolicyEntry, change: PolicyChange, by: str) -> ChangeShown:
    new = "" if change.new is None else in_words(entry, change.new, reader.locale)
    return ChangeShown(
        organisation=reader.organisation_names.get(change.organisation, change.organisation),
        at=change.at,
        by=by,
        old=in_words(entry, change.old, reader.locale),
        new=new,
        reason=change.reason,
    )


def running(reader: Reader, organisation: str, key: str) -> tuple[RunningIncident, ...]:
    """Open incidents of the organisation and below it that the reader may change, newest first."""
    reached = sorted(reader.hierarchy.subtree(organisation))
    is_open = incidents.c.closed_at.is_(None) & incidents.c.organisation_id.in_(reached) & (incidents.c.kind == "real")
    rows = reader.rows(select(incidents).where(is_open).order_by(incidents.c.opened_at.desc()))
    entry = reader.services.policies.entry(key)
    now_valid = {
        each: policy_values.values_of(reader.connection, reader.services, each, now=reader.now)[key]
        for each in {row["organisation_id"] for row in rows}
    }
    return tuple(
        RunningIncident(
            row["id"], row["number"], row["place"], reader.organisation_names.get(row["organisation_id"], ""),
            in_words(entry, row["policies"].get(key, entry.default), reader.locale),
            row["policies"].get(key, entry.default) == now_valid[row["organisation_id"]],
        )
        for row in rows
        if reader.may_with(Action.POLICY_CHANGE, row)
    )  # fmt: skip


def readable_organisations(reader: Reader) -> tuple[tuple[str, str], ...]:
    """Organisations whose policies can be chosen, by id and name, from the top of the tree down."""
    tree = reader.hierarchy
    rows = [row for row in organisations.organisations(reader.connection) if row.type != "system"]
    ordered = sorted(rows, key=lambda row: (len(tree.ancestors(row.id)), row.id))
    return tuple((row.id, reader.pick(row.name, row.name_en)) for row in ordered)


def require_reading(reader: Reader, organisation: str) -> None:
    """Raises NoSuch for an unknown organisation, NotAllowed."""
    require(reader.principal, Action.POLICY_READ, organisations.subject(reader.connection, organisation))


# --- what a change does -----------------------------------------------------------------------


def told(reader: Reader, applied: Iterable[Applied]) -> tuple[AppliedTold, ...]:
    """What became of the incidents, in words; deadlines with their levels, then timers, each by time."""
    return tuple(_told(reader, each) for each in applied)


def _told(reader: Reader, applied: Applied) -> AppliedTold:
    codes = _person_codes(reader, applied)
    moves = [
        MoveTold(
            move.what.kind, _name(reader, move.what), codes.get(_person(move.what), ""),
            reader.label("ladder", str(move.what.level)) if move.what.kind == "level" else "",
            move.before, move.after,
        )
        for move in applied.moves
        if move.what.level != Level.DUE  # the deadline itself says when it is due
    ]  # fmt: skip
    change = next(iter(applied.changes.values()), {})
    opened = [_step(reader, task.procedure, task.version, task.element) for task in applied.opened]
    return AppliedTold(
        incident=applied.incident, number=applied.number, now=applied.now, changed=bool(applied.changes),
        old=change.get("old"), new=change.get("new"),
        moves=tuple(sorted(moves, key=lambda move: (move.kind == "timer", move.before))), opened=tuple(opened),
    )  # fmt: skip


def _name(reader: Reader, what: Waiting) -> str:
    if what.kind == "timer":
        return _step(reader, what.procedure, what.version, what.element)
    return reader.services.deadline_rules[what.rule].label(reader.locale)


def _step(reader: Reader, procedure: str, version: int, element: str) -> str:
    return reader.named(reader.node(procedure, version, element), element)


def _person(what: Waiting) -> str:
    """The person a deadline's subject names: the id itself, or after the colon of `diagnosis:<id>`."""
    return what.subject.partition(":")[2] or what.subject


def _person_codes(reader: Reader, applied: Applied) -> dict[str, str]:
    wanted = sorted({_person(move.what) for move in applied.moves if move.what.subject})
    if not wanted:
        return {}
    return {
        row["id"]: reader.person_code(row["code"])
        for row in reader.rows(select(persons).where(persons.c.id.in_(wanted)))
    }
