"""Policy values: reading them with their sources, and changing them."""

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter
from pydantic import Field

from service.api.dependencies import Answer, Body, Door, permit
from service.api.problems import ProblemRoute
from service.api.shapes import Page, page_of
from service.application import organisations, policy_application, policy_values
from service.application.policy_application import ChangedPolicy, ChangePolicy
from service.application.policy_values import PolicyRow
from service.application.queries import Reader, policies
from service.application.rehearsal import rehearse
from service.domain.access import Action, require

router = APIRouter(route_class=ProblemRoute, prefix="/policies", tags=["policies"])


class PolicyAnswer(Answer):
    """A policy as an organisation has it."""

    key: str
    label: str
    type: str
    unit: str | None
    value: Any
    default: Any
    inherited: Any
    inherited_from: str
    overridden: bool
    stricter: str
    allowed: list[Any]
    range: list[Any] | None
    cite: list[str]
    inferred: bool
    changed_at: datetime | None
    changed_by: str
    reason: str


class MoveAnswer(Answer):
    """A due time that moved: of a deadline, a level of its ladder, or a timer; `after` null = reached at once."""

    kind: str
    name: str
    person: str
    level: str
    before: datetime
    after: datetime | None


class AppliedAnswer(Answer):
    """What a new value did to an incident; `changed` false: it had it already."""

    incident: str
    number: str
    changed: bool
    old: Any
    new: Any
    moves: list[MoveAnswer]
    opened: list[str]


class ChangedPolicyAnswer(PolicyAnswer):
    """The policy as it stands now, and the incidents it was applied to."""

    applied: list[AppliedAnswer]


class PolicyChangeAnswer(Answer):
    """An entry of the history; `new` null: the organisation follows its superior again."""

    organisation: str
    at: datetime
    actor: str
    old: Any
    new: Any
    reason: str


class PolicyBody(Body):
    """Another value, null for the superior's; `apply_to` names running incidents that take it over now."""

    organisation: str
    value: bool | int | float | str | None
    reason: str = Field(min_length=1, max_length=500)
    apply_to: list[str] = Field(default_factory=list)


@router.get("")
def listed(organisation: str, door: Annotated[Door, permit(Action.POLICY_READ)]) -> Page[PolicyAnswer]:
    """All policies of an organisation with value, default and source."""

    def query(reader: Reader) -> list[PolicyAnswer]:
        require(door.principal, Action.POLICY_READ, organisations.subject(reader.connection, organisation))
        rows = policy_values.listed(reader.connection, reader.services, organisation, now=reader.now)
        return [_answer(row, reader.locale) for row in rows]

    return page_of(door.read(query))


@router.put("/{key}")
def change(key: str, body: PolicyBody, door: Annotated[Door, permit(Action.POLICY_CHANGE)]) -> ChangedPolicyAnswer:
    """Give a policy another value from now on; stricter than the superior's where it has a direction."""
    tocsin, command = door.tocsin, _command(key, body)
    changed = tocsin.run(
        lambda uow: policy_application.change(uow, tocsin.services, door.principal, command, request_id=door.request_id)
    )
    return _changed(door, changed)


@router.post("/{key}/preview")
def preview(key: str, body: PolicyBody, door: Annotated[Door, permit(Action.POLICY_CHANGE)]) -> ChangedPolicyAnswer:
    """What changing it this way would do, incident by incident; nothing is stored."""
    tocsin, command = door.tocsin, _command(key, body)
    changed = rehearse(
        tocsin.writer, lambda uow: policy_application.change(uow, tocsin.services, door.principal, command)
    )
    return _changed(door, changed)


@router.get("/{key}/history")
def history(key: str, organisation: str, door: Annotated[Door, permit(Action.POLICY_READ)]) -> Page[PolicyChangeAnswer]:
    """Who changed it in the organisation and above it, newest first."""

    def query(reader: Reader) -> list[PolicyChangeAnswer]:
        require(door.principal, Action.POLICY_READ, organisations.subject(reader.connection, organisation))
        reader.services.policies.entry(key)
        found = policy_values.history(reader.connection, organisation, key)
        return [PolicyChangeAnswer.model_validate(each, from_attributes=True) for each in found]

    return page_of(door.read(query))


def _command(key: str, body: PolicyBody) -> ChangePolicy:
    return ChangePolicy(key, body.organisation, body.value, body.reason, tuple(body.apply_to))


def _changed(door: Door, changed: ChangedPolicy) -> ChangedPolicyAnswer:
    """With what became of the incidents, in the words of their diagrams."""
    told = door.read(lambda reader: policies.told(reader, changed.applied))
    row = _answer(changed.row, door.locale)
    applied = [AppliedAnswer.model_validate(each, from_attributes=True) for each in told]
    return ChangedPolicyAnswer(**row.model_dump(), applied=applied)


def _answer(row: PolicyRow, locale: str) -> PolicyAnswer:
    entry = row.entry
    return PolicyAnswer(
        key=entry.key,
        label=entry.label_en if locale == "en" else entry.label_zh,
        type=entry.type,
        unit=entry.unit,
        value=row.value,
        default=entry.default,
        inherited=row.inherited,
        inherited_from=row.inherited_from,
        overridden=row.is_overridden,
        stricter=entry.stricter,
        allowed=list(entry.allowed),
        range=list(entry.range) if entry.range else None,
        cite=list(entry.cite),
        inferred=entry.is_inferred,
        changed_at=row.changed_at,
        changed_by=row.changed_by,
        reason=row.reason,
    )
