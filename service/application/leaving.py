"""Somebody leaves: which open tasks he has, to whom each goes, and giving them all back."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from sqlalchemy import select

from service.application import duty_rosters
from service.application.services import Origin, Services
from service.application.steps import Advance, advance
from service.domain import events as ev
from service.domain.standing import LEADERS
from service.persistence.pending import Row
from service.persistence.tables import sql
from service.persistence.unit_of_work import UnitOfWork
from service.persistence.working_set import Source, connection_of


@dataclass(frozen=True, slots=True)
class HandOver:
    """An open task of somebody who leaves, and who has it then: nobody is left where `successors` is empty."""

    task: str
    incident: str
    organisation: str
    successors: tuple[str, ...]


def hand_overs(source: Source, account: str, now: datetime) -> tuple[HandOver, ...]:
    """Which open tasks somebody has, and to whom each goes when he gives it back: on duty, role, stand-ins."""
    table = sql.tasks
    mine = (table.c.assignee == account) & (table.c.state == "claimed")
    rows = connection_of(source).execute(select(table).where(mine).order_by(table.c.created_at)).mappings()
    return tuple(
        HandOver(row["id"], row["incident_id"], row["organisation_id"], _successors(source, dict(row), account, now))
        for row in rows.all()
    )


def _successors(source: Source, row: Row, account: str, now: datetime) -> tuple[str, ...]:
    roster = duty_rosters.roster_of(source, row["organisation_id"])
    held = duty_rosters.holders(source, row["organisation_id"])
    roles = [role for role in (row["role"], *row["also"]) if role]
    able = [each for each, roles_held in held.items() if roles_held & set(roles) and each != account]
    on_duty = {each.account for each in roster.on_duty(now)}
    stand_ins = [each for each in roster.stand_ins_of(roles, now) if each != account]
    leaders = [each for each, roles_held in held.items() if roles_held & LEADERS and each != account]
    return tuple([each for each in able if each in on_duty] or able or stand_ins or leaders)


def give_back_all(uow: UnitOfWork, services: Services, account: str, origin: Origin) -> int:
    """Give back every open task of somebody who leaves, so that each is assigned anew; returns how many.

    Call it in the unit of work that takes his roles away, after that: whoever is asked then still works here.
    """
    found = hand_overs(uow, account, uow.now)
    for incident in dict.fromkeys(each.incident for each in found):
        tasks = [each.task for each in found if each.incident == incident]
        advance(uow, services, incident, origin, partial(_give_back, tasks=tasks, account=account))
    return len(found)


def _give_back(on: Advance, tasks: Sequence[str], account: str) -> None:
    for task in tasks:
        row = on.rows.get(sql.tasks, task)
        if row is not None and row["state"] == "claimed" and row["assignee"] == account:
            on.record(ev.TaskReleased(task), row=on.instance_row(row["instance_id"]))
