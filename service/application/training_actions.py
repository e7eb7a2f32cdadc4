"""P26.7: what is to be improved after a drill becomes actions of their owners."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, time
from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from service.application import improvement_log
from service.application.fill_contexts import Target
from service.domain import commands as cmd
from service.domain.calendar import at_local
from service.domain.errors import FieldError, FormRefused, ValueRefused
from service.persistence.tables import sql

if TYPE_CHECKING:
    from service.application.steps import Advance

IMPROVE = "F44#improve"


def follow_answer(on: Advance, target: Target, values: Mapping[str, Any]) -> None:
    """P26.7: each improvement becomes an action of its owner. Raises FormRefused, beside the row it is about."""
    if target.form_key != IMPROVE:
        return
    table = sql.drill_trainings
    drill = on.uow.connection.execute(select(table.c.id).where(table.c.incident_id == on.incident_id)).scalar()
    errors = []
    for number, item in enumerate(values["improvements"]):
        owner = str(item["owner"]["id"])
        due = at_local(date.fromisoformat(str(item["due"])), time(23, 59))
        command = cmd.PlanImprovement(str(drill), str(item["text"]), owner, due)
        try:
            improvement_log.plan(on.uow, on.services, command, by=on.origin.actor, request_id=on.origin.request_id)
        except ValueRefused as refused:
            errors.append(_error(number, refused))
    if errors:
        raise FormRefused(errors)


def _error(number: int, refused: ValueRefused) -> FieldError:
    path = f"improvements.{number}.{refused.name}"
    return FieldError(path, refused.code, refused.text("zh_CN"), refused.text("en"))
