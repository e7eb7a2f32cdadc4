"""What chosen answers of a scenario leave open until they are given: times, people, places.

A text that begins with `=` stands for: `=now`, `=start` (of the drill), each with `+PT2H` or `-PT2H`; `=case` (whom
the step is about), `=person(name)`; `=class(name)`,
`=class(2)`, `=unit(name)` (any place), `=place(name)` (its id alone). `{each: neighbours, of: {...}}` makes
a row per person of a kind: neighbours, onsite, contacts, cases.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, select

from service.domain.calendar import add, parse_duration
from service.domain.errors import ValueRefused
from service.persistence.tables import sql

_CALL = re.compile(r"=(\w+)(?:\(([^)]*)\))?(?:([+-])(P[\dTA-Z.]+))?")


@dataclass(frozen=True, slots=True)
class Known:
    """What values are made from; `people` gives persons by kind as (id, name)."""

    connection: Connection
    organisation: str
    now: datetime
    starts_at: datetime
    person: str = ""
    people: Callable[[str], Sequence[tuple[str, str]]] = field(default=lambda _kind: ())


def resolved(value: Any, known: Known) -> Any:
    """The value with everything open filled in. Raises ValueRefused for a text that cannot be."""
    if isinstance(value, str) and value.startswith("="):
        return _value(value, known)
    if isinstance(value, list):
        return [row for each in value for row in _rows(each, known)]
    if isinstance(value, Mapping):
        if set(value) == {"each", "of"}:
            return _rows(value, known)
        return {str(key): resolved(each, known) for key, each in value.items()}
    return value


def _rows(each: Any, known: Known) -> list[Any]:
    if not (isinstance(each, Mapping) and set(each) == {"each", "of"}):
        return [resolved(each, known)]
    of = resolved(each["of"], known)
    return [{"person": {"id": person}, **of} for person, _ in known.people(str(each["each"]))]


def _value(text: str, known: Known) -> Any:
    found = _CALL.fullmatch(text)
    maker = _MAKERS.get(found[1]) if found else None
    if found is None or maker is None:
        words = " | ".join(f"={name}" for name in _MAKERS)
        raise ValueRefused("data", f"“{text}”不能计算，可用 {words}", f"“{text}” cannot be computed; there are {words}")
    made = maker(known, (found[2] or "").strip())
    if isinstance(made, datetime):
        return _moved(made, found[3], found[4]).isoformat()
    return made


def _moved(instant: datetime, sign: str | None, duration: str | None) -> datetime:
    if not duration:
        return instant
    length = parse_duration(duration)
    return add(instant, length) if sign == "+" else instant - (add(instant, length) - instant)


def _case(known: Known, _name: str) -> dict[str, str]:
    return {"id": known.person}


def _person(known: Known, name: str) -> dict[str, str]:
    """A person of the drill by name; one whom it does not know is named, as a person who is new to it."""
    found = next((person for person, each in known.people("all") if each == name), "")
    return {"id": found} if found else {"name": name, "person_type": "student"}


def _class(known: Known, name: str) -> dict[str, str]:
    return {"id": _of_kind(known, name, ("class",))}


def _unit(known: Known, name: str) -> dict[str, str]:
    return {"id": _of_kind(known, name, ())}


def _place(known: Known, name: str) -> str:
    return _of_kind(known, name, ())


def _of_kind(known: Known, name: str, kinds: Sequence[str]) -> str:
    """A place of the organisation by name, or the n-th; one it does not have is the first of its kind."""
    table = sql.places
    rows = known.connection.execute(
        select(table.c.id, table.c.name, table.c.kind)
        .where(table.c.organisation_id == known.organisation)
        .order_by(table.c.name, table.c.id)
    ).all()
    fitting = [row for row in rows if not kinds or row.kind in kinds]
    named = [row.id for row in fitting if row.name == name]
    classes = [row.id for row in fitting if row.kind == "class"] or [row.id for row in fitting]
    if not classes:
        raise ValueRefused("data", f"本单位没有场所“{name}”", f"the organisation has no place “{name}”")
    number = int(name) - 1 if name.isdigit() else 0
    return str(named[0] if named else classes[number % len(classes)])


_MAKERS: dict[str, Callable[[Known, str], Any]] = {
    "now": lambda known, _name: known.now,
    "start": lambda known, _name: known.starts_at,
    "case": _case,
    "person": _person,
    "class": _class,
    "unit": _unit,
    "place": _place,
}
