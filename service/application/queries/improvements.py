"""Improvement actions and answers of participants: what follows a drill, as it is read."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, or_, select

from service.application import organisations
from service.application.drill_questionnaire import QUESTIONS, token_of
from service.application.queries import evaluation
from service.application.queries.reader import Reader, incidents
from service.domain.access import Action
from service.persistence import tables as t
from service.persistence.tables import sql

improvements = t.table_of(t.Improvement)


@dataclass(frozen=True, slots=True)
class ImprovementRow:
    """An improvement action. `recurred` says whether its finding came again in the drill it is shown with."""

    id: str
    drill: str
    drill_number: str
    organisation: str
    text: str
    finding: str
    target: str
    target_id: str
    target_label: str
    owner: str
    owner_name: str
    due_at: datetime
    state: str
    state_label: str
    note: str
    ended_at: datetime | None
    is_late: bool
    is_mine: bool
    may_end: bool
    recurred: bool


@dataclass(frozen=True, slots=True)
class Colleague:
    """Somebody who can own an action."""

    id: str
    name: str


@dataclass(frozen=True, slots=True)
class Question:
    """A question with its mean score and how many gave each of 1 to 5."""

    id: str
    text: str
    mean: float | None
    counts: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Questionnaire:
    """What participants answered; `comments` in an order that tells nothing of when they came."""

    count: int
    anonymous: int
    questions: tuple[Question, ...]
    comments: tuple[str, ...]
    may_answer: bool
    has_answered: bool


def of_drill(reader: Reader, drill: str, found: Collection[str] = ()) -> tuple[ImprovementRow, ...]:
    """What was planned after a drill the reader may see."""
    reader.incident(drill)
    return _rows(reader, improvements.c.drill_id == drill, found)


def followed(reader: Reader, drill: str, found: Collection[str]) -> tuple[ImprovementRow, ...]:
    """What was planned after earlier drills of the same plan; `found` are the keys of findings of this one."""
    row = reader.incident(drill)
    began = evaluation.began(reader, drill)
    same = (
        (improvements.c.organisation_id == row["organisation_id"]) & (improvements.c.procedure == row["procedure"])
        & (improvements.c.drill_id != drill) & (improvements.c.planned_at < began)
    )  # fmt: skip
    return _rows(reader, same, found)


def mine(reader: Reader) -> tuple[ImprovementRow, ...]:
    """The reader's own that are open, due first."""
    own = (improvements.c.owner == reader.principal.account_id) & (improvements.c.state == "open")
    return _rows(reader, own, ())


def listing(reader: Reader) -> tuple[ImprovementRow, ...]:
    """The reader's own, and all of organisations whose drills he reviews; open ones first, then due first."""
    reviewed = [
        each for each in reader.organisation_names
        if reader.may_with(Action.DRILL_REVIEW, {"organisation_id": each, "kind": "drill"})
    ]  # fmt: skip
    own = improvements.c.owner == reader.principal.account_id
    rows = _rows(reader, or_(own, improvements.c.organisation_id.in_(reviewed)), ())
    return tuple(sorted(rows, key=lambda row: row.state != "open"))


def colleagues(reader: Reader, organisation: str) -> tuple[Colleague, ...]:
    """Who can own an action of an organisation."""
    roles = list(reader.services.organisations.roles)
    people = organisations.candidates(reader.connection, organisation, roles, now=reader.now)
    return tuple(Colleague(each.account_id, each.name) for each in people)


def questionnaire(reader: Reader, drill: str) -> Questionnaire:
    """The answers so far; comments for those who may read about people."""
    row = reader.incident(drill)
    answered = evaluation.of_type(reader, drill, "questionnaire_answered")
    comments: list[str] = []
    if reader.may_with(Action.PEOPLE_READ, row):
        opened = [reader.sealer.open_all(reader.connection, each["sealed"]) for each in answered]
        comments = sorted(str(part.get("comment", "")) for parts in opened for part in parts.values())
    token = token_of(reader.services, drill, reader.principal)
    is_known = reader.rows(select(sql.questionnaire_tokens).where(sql.questionnaire_tokens.c.id == token))
    return Questionnaire(
        len(answered), sum(each["data"]["is_anonymous"] for each in answered),
        tuple(_question(reader, each, answered) for each in QUESTIONS), tuple(each for each in comments if each),
        reader.may_with(Action.DRILL_ANSWER, row) and not is_known, bool(is_known),
    )  # fmt: skip


def _question(reader: Reader, question: str, answered: Sequence[Mapping[str, Any]]) -> Question:
    scores = [each["data"]["scores"][question] for each in answered if question in each["data"]["scores"]]
    mean = sum(scores) / len(scores) if scores else None
    return Question(
        question, reader.label("questionnaire", question), mean, tuple(scores.count(each) for each in range(1, 6))
    )


def _rows(reader: Reader, condition: ColumnElement[bool], found: Collection[str]) -> tuple[ImprovementRow, ...]:
    statement = select(improvements, incidents.c.number).join(incidents, incidents.c.id == improvements.c.drill_id)
    rows = reader.rows(statement.where(condition).order_by(improvements.c.due_at, improvements.c.id))
    names = reader.account_names([row["owner"] for row in rows])
    return tuple(_row(reader, row, names, found) for row in rows)


def _row(reader: Reader, row: Mapping[str, Any], names: Mapping[str, str], found: Collection[str]) -> ImprovementRow:
    is_mine = row["owner"] == reader.principal.account_id
    reviews = reader.may_with(Action.DRILL_REVIEW, {"organisation_id": row["organisation_id"], "kind": "drill"})
    is_open = row["state"] == "open"
    return ImprovementRow(
        id=row["id"], drill=row["drill_id"], drill_number=row["number"], organisation=row["organisation_id"],
        text=_opened(reader, row["sealed"], "text"), finding=row["finding"], target=row["target"],
        target_id=row["target_id"], target_label=_target(reader, row["target"], row["target_id"]), owner=row["owner"],
        owner_name=names.get(row["owner"], ""), due_at=row["due_at"], state=row["state"],
        state_label=reader.label("improvement_state", row["state"]), note=_opened(reader, row["note"], "note"),
        ended_at=row["ended_at"], is_late=is_open and row["due_at"] < reader.now, is_mine=is_mine,
        may_end=is_open and (is_mine or reviews), recurred=bool(row["finding"]) and row["finding"] in found,
    )  # fmt: skip


def _opened(reader: Reader, sealed: str, key: str) -> str:
    opened = reader.sealer.open_text(reader.connection, sealed)
    return next((str(part[key]) for part in opened.values() if key in part), "")


def _target(reader: Reader, target: str, target_id: str) -> str:
    """The name of a policy; of everything else its id."""
    if target == "policy" and target_id in reader.services.policies:
        entry = reader.services.policies.entry(target_id)
        return reader.pick(entry.label_zh, entry.label_en)
    return target_id
