"""Looking after running drills in the background: a sign of life for each, a stop for those left alone."""

from datetime import timedelta

from sqlalchemy import Connection, select

from service.application import drill_clock
from service.application.services import SYSTEM, Services
from service.application.steps import advance
from service.persistence.tables import sql
from service.persistence.unit_of_work import UnitOfWork

SILENT = timedelta(seconds=10)  # without a sign of life of the service a drill counts as left alone


def running(connection: Connection) -> list[str]:
    """Drills whose clock runs."""
    drills = sql.drills
    statement = select(drills.c.id).where(drills.c.ended_at.is_(None), drills.c.is_paused.is_(False))
    return list(connection.execute(statement.order_by(drills.c.id)).scalars())


def mind(uow: UnitOfWork, services: Services, drill: str, *, within: timedelta, is_restart: bool) -> None:
    """Stop a drill that was left alone; else say that the service looks after it and looks again `within`.

    After a restart of the only process every drill was left alone since it was last looked after.
    """
    watch = drill_clock.watch_of(uow, drill)
    if is_restart and watch.get("served_at") is not None:
        drill_clock.heard(uow, drill, served_seconds=0)
        watch = drill_clock.watch_of(uow, drill)
    if drill_clock.lost_since(watch, uow.now) is not None:
        advance(uow, services, drill, SYSTEM, lambda _on: None)
    drill_clock.heard(uow, drill, served_at=uow.now, served_seconds=within.total_seconds())
