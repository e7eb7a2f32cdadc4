"""Policy values: reading them with their sources, and changing them."""

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter
from pydantic import Field

from service.api.dependencies import Answer, Body, Door, permit
from service.api.problems import ProblemRoute
from service.api.shapes import Page, page_of
from service.application import organisations, policy_values
from service.application.policy_values import ChangePolicy, PolicyRow
from service.application.queries import Reader
from service.domain.access import Action, require
from service.domain.errors import ValueRefused

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
    overridden: bool
    stricter: str
    allowed: list[Any]
    range: list[Any] | None
    cite: list[str]
    inferred: bool
    changed_at: datetime | None
    changed_by: str
    reason: str


class PolicyBody(Body):
    """Another value; `apply_to` names running incidents, which otherwise keep their snapshot."""

    organisation: str
    value: bool | int | float | str
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
def change(key: str, body: PolicyBody, door: Annotated[Door, permit(Action.POLICY_CHANGE)]) -> PolicyAnswer:
    """Give a policy another value from now on; stricter than the superior's where it has a direction."""
    if body.apply_to:
        raise ValueRefused(
            "apply_to",
            "暂不支持用于进行中的事件",
            "running incidents keep their snapshot; it cannot be applied to them yet",
        )
    command = ChangePolicy(key, body.organisation, body.value, body.reason)
    tocsin = door.tocsin
    row = tocsin.run(
        lambda uow: policy_values.change(uow, tocsin.services, door.principal, command, request_id=door.request_id)
    )
    return _answer(row, door.locale)


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
