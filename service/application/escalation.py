"""The ladder of a deadline: remind, due, superior, clue, and notices."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

from service.application import definitions, inbox, organisations
from service.application.failures import PROCEDURE_MISSING, Failure, put_on_record
from service.domain import events as ev
from service.persistence.tables import sql

if TYPE_CHECKING:
    from service.application.steps import Advance

LEADERS = ("school_leader", "duty_principal")
SUPERIORS = ("district_office",)
INSPECTION = "accountability_inspection"
CODES = ("deadline_remind", "deadline_due", "deadline_superior", "deadline_clue")


def reach(on: Advance, deadline: str, level: int, due: datetime) -> None:
    """Record a level at its true time and tell those it is for; level 3 starts P23, nobody waits."""
    row = on.rows.get(sql.deadlines, deadline)
    if row is None or row["met_at"] is not None or row["cancelled_at"] is not None:
        return
    on.record(ev.DeadlineEscalated(deadline, level, due.isoformat()))
    responsible = _responsible(on, deadline)
    roles = {0: responsible, 1: [*responsible, *LEADERS], 2: [*SUPERIORS, LEADERS[1]], 3: list(LEADERS)}[level]
    tell(on, roles, CODES[level], {"rule": row["rule"], "subject": row["subject"], "due": row["due_at"].isoformat()})
    if level == len(CODES) - 1:
        _start_inspection(on, dict(row))


def tell(on: Advance, roles: Iterable[str], code: str, content: dict[str, Any]) -> None:
    """Put a notice into the inbox of each role once; the text is rendered when it is read."""
    for role in dict.fromkeys(roles):
        on.record(ev.NoticeSent(_addressed(on, role), role, code, content))


def _addressed(on: Advance, role: str) -> str:
    """The organisation whose inbox it is: our own, for a superior's role the nearest one above that holds it."""
    own = str(on.incident["organisation_id"])
    if role not in SUPERIORS:
        return own
    above = organisations.hierarchy(on.uow).ancestors(own)
    held = (each for each in above if organisations.candidates(on.uow.connection, each, [role], now=on.uow.now))
    return next(held, above[0] if above else own)


def _responsible(on: Advance, deadline: str) -> list[str]:
    tasks = on.rows.where(sql.tasks, deadline_id=deadline)
    return [row["role"] for row in tasks if row["state"] in {"open", "claimed"}] or ["epi_office"]


def _start_inspection(on: Advance, missed: Mapping[str, Any]) -> None:
    rule, clue = str(missed["rule"]), f"{missed['rule']}:{missed['subject']}"
    version = definitions.version_to_call(on.uow.connection, INSPECTION)
    if version is None:
        root, cause = on.incident["root_instance"], f"流程 {INSPECTION} 尚未部署"
        put_on_record(on, Failure(root, PROCEDURE_MISSING, cause, place=f"{INSPECTION}:{clue}"))
        return
    inbox.start_instance(
        on, procedure=INSPECTION, version=version, process=INSPECTION, start_event="",
        inputs={"deadline": rule, "clue": clue, "source": "系统逾期", "breach": "迟报"},
    )  # fmt: skip
