"""What was changed in an organisation, in words: by whom, each value as it was and as it is."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from service.application import directory_log, directory_undo
from service.application.queries.directory import names_of, role_name
from service.application.queries.reader import Reader
from service.application.queries.words import known
from service.domain import events as ev
from service.domain.calendar import local


@dataclass(frozen=True, slots=True)
class ChangeRow:
    """An entry of the history in words; `values` are (name, before, after)."""

    seq: int
    at: datetime
    by: str
    what: str
    about: str
    values: tuple[tuple[str, str, str], ...]
    reason: str
    can_undo: bool


def history(reader: Reader, organisation: str, *, element: str = "", limit: int = 20) -> tuple[ChangeRow, ...]:
    """What was changed of an organisation, or one thing of it, newest first."""
    rows = directory_log.history(reader.connection, organisation, element=element, limit=limit)
    accounts = {each.actor for each in rows} | {getattr(each.event, "account", "") for each in rows}
    accounts |= {value for each in rows for value in _texts(each.event)}
    names = reader.account_names(accounts)
    return tuple(_row(reader, each, names) for each in rows)


def _texts(event: Any) -> set[str]:
    """Values that may be the id of an account."""
    sides = (getattr(event, "before", {}), getattr(event, "after", {}))
    return {side["lead_account_id"] for side in sides if side.get("lead_account_id")}


def _row(reader: Reader, each: directory_log.Recorded, names: Mapping[str, str]) -> ChangeRow:
    event: Any = each.event
    before, after = getattr(event, "before", {}), getattr(event, "after", {})
    kind = "" if not (before or after) else "made" if not before else "gone" if not after else "changed"
    who = names.get(getattr(event, "account", ""), "")
    thing = role_name(reader, event.role) if isinstance(event, ev.MembershipChanged) else _name(before, after)
    fields = known("directory_field", reader.locale)
    values = tuple(
        (fields[name], _said(reader, name, before.get(name), names), _said(reader, name, after.get(name), names))
        for name in after
        if kind == "changed" and name in fields and after[name] != before.get(name)
    )
    return ChangeRow(
        each.seq, each.at, names.get(each.actor, each.actor),
        reader.label("directory_change", "_".join(part for part in (event.type, kind) if part)),
        " · ".join(part for part in (who, thing) if part), values, getattr(event, "reason", ""),
        directory_undo.can_undo(each),
    )  # fmt: skip


def _name(before: Mapping[str, Any], after: Mapping[str, Any]) -> str:
    name = str(after.get("name") or before.get("name") or "")
    return "" if name == "*" else name


def _said(reader: Reader, name: str, value: Any, names: Mapping[str, str]) -> str:
    if value is None or value == "":
        return "—"
    if isinstance(value, bool):
        return reader.pick("是", "yes") if value else reader.pick("否", "no")
    if name == "parent_id":
        return names_of(reader, [str(value)]).get(str(value), str(value))
    if name == "type":
        kind = reader.services.organisations.types.get(str(value))
        return kind.name(reader.locale) if kind else str(value)
    if name in ("from", "until"):
        return local(datetime.fromisoformat(str(value))).strftime("%Y-%m-%d %H:%M")
    return names.get(str(value), str(value))
