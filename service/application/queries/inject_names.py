"""How injects are called where a log names them: by title for whoever may know it, for others by id alone."""

from collections.abc import Iterable, Mapping
from typing import Any

from sqlalchemy import select

from service.application.queries.drills import drill_row
from service.application.queries.reader import Reader
from service.domain.access import Action
from service.domain.errors import NoSuch
from service.domain.scenario_reading import inject_of
from service.persistence.tables import sql

UNSEEN = frozenset({"data", "failure"})  # they work; nobody is told of them as such


def came_to(reader: Reader, incident: Mapping[str, Any], row: Mapping[str, Any]) -> bool:
    """Whether an inject came to the reader as to all participants, or to a role he has."""
    mine = reader.principal.memberships.get(incident["organisation_id"], frozenset())
    return row["state"] == "sent" and row["kind"] not in UNSEEN and (not row["to"] or bool(mine & set(row["to"])))


def titles(reader: Reader, events: Iterable[Mapping[str, Any]]) -> dict[tuple[str, str], str]:
    """Titles of the injects that some events name, by drill and inject.

    Its trainer and who looks on know all of a drill; a participant those that came to him.
    """
    drills = {row["stream"] for row in events if row["type"].startswith("inject_")}
    return {key: title for drill in sorted(drills) for key, title in _of(reader, drill)}


def _of(reader: Reader, drill: str) -> Iterable[tuple[tuple[str, str], str]]:
    try:
        incident = reader.incident(drill)
    except NoSuch:
        return
    held = drill_row(reader, drill)
    looks_on = held is not None and reader.principal.account_id in held["observers"]
    knows_all = looks_on or reader.may_with(Action.DRILL_CONTROL, incident)
    table = sql.drill_injects
    for row in reader.rows(select(table).where(table.c.incident_id == drill)):
        if knows_all or came_to(reader, incident, row):
            yield (drill, row["inject"]), inject_of(row["content"]).title.text(reader.locale)
