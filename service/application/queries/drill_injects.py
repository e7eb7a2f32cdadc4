"""The injects of a drill: all of them for its trainer, those that came to him for a participant."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select

from service.application import scenario_plans
from service.application.queries import drill_diary, inject_names
from service.application.queries.reader import Reader
from service.application.queries.scenarios import InjectRow, ObjectiveRow, Words
from service.domain.access import Action
from service.domain.errors import NotADrill
from service.domain.scenario_reading import inject_of
from service.domain.scenarios import Scenario
from service.persistence.tables import sql


@dataclass(frozen=True, slots=True)
class DrillInjectRow:
    """An inject of a drill with what became of it; `until` is when an absence or failure is over."""

    inject: InjectRow
    state: str
    state_label: str
    due_at: datetime | None
    sent_at: datetime | None
    until: datetime | None
    by: str
    outcome: str
    outcome_label: str
    is_improvised: bool

    @property
    def id(self) -> str:
        """Id of the inject."""
        return self.inject.id


@dataclass(frozen=True, slots=True)
class InjectCard:
    """What a participant sees of an inject that came."""

    id: str
    kind: str
    kind_label: str
    title: str
    text: str
    document: str
    sender: str
    sent_at: datetime


def of_drill(reader: Reader, drill: str) -> tuple[DrillInjectRow, ...]:
    """All injects of a drill in their order, for who controls it or looks on. Raises NoSuch, NotADrill, NotAllowed."""
    found = reader.incident(drill, Action.INCIDENT_READ)
    if found["kind"] != "drill":
        raise NotADrill(found["number"])
    if not drill_diary.is_observer(reader, drill):
        reader.incident(drill, Action.DRILL_CONTROL)
    script, words = _words(reader, found)
    planned = {each.id for each in script.injects} if script else set()
    return tuple(_row(reader, row, words, planned) for row in _rows(reader, drill))


def objectives(reader: Reader, drill: str) -> tuple[ObjectiveRow, ...]:
    """The objectives of a drill's scenario; none in free play."""
    script, words = _words(reader, reader.incident(drill))
    return words.objectives() if script else ()


def cards(reader: Reader, incident: Mapping[str, Any]) -> tuple[InjectCard, ...]:
    """What came to the reader, latest first: for all participants, or for a role he has; everything to the trainer."""
    is_trainer = reader.may_with(Action.DRILL_CONTROL, incident)
    sent = [row for row in _rows(reader, incident["id"]) if row["state"] == "sent"]
    came = [
        row for row in sent
        if inject_names.came_to(reader, incident, row) or (is_trainer and row["kind"] not in inject_names.UNSEEN)
    ]  # fmt: skip
    return tuple(sorted(map(_card(reader), came), key=lambda card: card.sent_at, reverse=True))


def _rows(reader: Reader, drill: str) -> list[dict[str, Any]]:
    table = sql.drill_injects
    return reader.rows(select(table).where(table.c.incident_id == drill).order_by(table.c.place))


def _words(reader: Reader, incident: Mapping[str, Any]) -> tuple[Scenario | None, Words]:
    table = sql.drills
    row = next(iter(reader.rows(select(table.c.script).where(table.c.id == incident["id"]))), None)
    script = Scenario.of(row["script"]) if row and row["script"] else None
    plan = scenario_plans.deployed(reader.connection, reader.services, incident["procedure"])
    return script, Words(reader, plan, script or _EMPTY)


def _row(reader: Reader, row: Mapping[str, Any], words: Words, planned: set[str]) -> DrillInjectRow:
    return DrillInjectRow(
        words.inject(inject_of(row["content"])), row["state"], reader.label("inject_state", row["state"]),
        row["due_at"], row["sent_at"], row["until"], row["by"], row["outcome"],
        reader.label("inject_outcome", row["outcome"]) if row["outcome"] else "", row["inject"] not in planned,
    )  # fmt: skip


def _card(reader: Reader) -> Any:
    def made(row: Mapping[str, Any]) -> InjectCard:
        inject = inject_of(row["content"])
        return InjectCard(
            inject.id, inject.kind, reader.label("inject_kind", inject.kind), inject.title.text(reader.locale),
            inject.text.text(reader.locale), inject.document.text(reader.locale), inject.sender.text(reader.locale),
            row["sent_at"],
        )  # fmt: skip

    return made


_EMPTY = Scenario.of({"id": "none", "title": "-", "procedure": "none", "starts_at": "2026-01-01T00:00"})
