"""The Actions menu of an incident: what may be done beside the tasks now."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select

from service.application import answers, correlation
from service.application.incident_view import IncidentView
from service.application.incidents import incident_subject
from service.application.services import Origin, Services
from service.application.steps import Advance, advance
from service.domain import commands as cmd
from service.domain.access import Action, Principal, require
from service.domain.errors import DefinitionUnreadable, NothingWaits, SeveralWaiting
from service.engine.expressions import Scope, evaluate
from service.engine.model import Node
from service.persistence.tables import sql
from service.persistence.unit_of_work import UnitOfWork


@dataclass(frozen=True, slots=True)
class ActionItem:
    """One waiting message event with a form; `roles` may answer it."""

    message: str
    name: str
    name_en: str
    element: str
    instance: str
    person: str
    form_key: str
    roles: tuple[str, ...]


def available(view: IncidentView, principal: Principal) -> list[ActionItem]:
    """The entries this principal may use now, one per waiting event and instance."""
    held = principal.memberships.get(view.incident["organisation_id"], frozenset())
    items = []
    for wait in _waits(view):
        roles = (wait["role"], *wait["also"])
        node = _node(view, wait) if held.intersection(roles) else None
        if node is not None and _is_listed(view, wait):
            items.append(
                ActionItem(
                    wait["name"], node.name, node.name_en, wait["element"], wait["instance_id"],
                    wait["person_id"] or "", wait["form_key"], roles,
                )
            )  # fmt: skip
    return items


def _waits(view: IncidentView) -> list[Mapping[str, Any]]:
    table, tasks = sql.waits, sql.tasks
    has_task = select(tasks.c.id).where(tasks.c.incident_id == view.incident["id"])
    mine = (table.c.incident_id == view.incident["id"]) & (table.c.trigger == "message") & (table.c.form_key != "")
    statement = select(table).where(mine & table.c.id.not_in(has_task)).order_by(table.c.id)
    return [dict(row) for row in view.connection.execute(statement).mappings()]


def _node(view: IncidentView, wait: Mapping[str, Any]) -> Node | None:
    """The waiting event; None where its definition cannot be read any more."""
    table = sql.instances
    row = view.connection.execute(select(table).where(table.c.id == wait["instance_id"])).mappings().one()
    try:
        assembly = view.services.definitions.pinned(view.connection, row["procedure"], row["version"])
    except DefinitionUnreadable:
        return None
    return assembly.bundle.processes[wait["process"]].nodes.get(wait["element"])


def _is_listed(view: IncidentView, wait: Mapping[str, Any]) -> bool:
    if not wait["listed"]:
        return True
    person = wait["person_id"] if view.facts.rows.find(wait["person_id"] or "") else None
    scope = Scope(names={}, now=view.now, policies=view.policies, facts=view.facts.view(person))
    return bool(evaluate(wait["listed"].removeprefix("="), scope))


def trigger(
    uow: UnitOfWork, services: Services, principal: Principal, command: cmd.TriggerAction, *, request_id: str = ""
) -> None:
    """Answer a waiting message event by hand.

    Raises NothingWaits, SeveralWaiting (name the instance then), NotAllowed, FormRefused.
    """

    def work(on: Advance) -> None:
        keys = {"instance": command.instance} if command.instance else {}
        waits = correlation.waiting(on, command.message, keys)
        if not waits:
            raise NothingWaits(command.message)
        if len(waits) > 1:
            raise SeveralWaiting(command.message)
        subject = incident_subject(uow, on.incident, roles=frozenset((waits[0]["role"], *waits[0]["also"])))
        require(principal, Action.ACTION_PERFORM, subject)
        answers.answer(on, answers.target_of_wait(on, waits[0]), principal, command.data)

    origin = Origin(actor=principal.account_id, request_id=request_id, command_id=request_id)
    advance(uow, services, command.incident, origin, work)
