"""A trainer in the tests: begins drills in a world and moves their clocks."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import select

from service.application import drills
from service.application.drills import ClockOutcome
from service.application.queries import Reader
from service.application.queries import drills as queries
from service.application.queries.drills import DrillPage
from service.domain import commands as cmd
from service.persistence.tables import sql
from tests.paths import school
from tests.paths.world import SCHOOL, World, at

STARTS = at("08:00", "2026-09-07")


def begin(w: World, procedure: str = "small_alarm", **more: Any) -> str:
    """Begin a drill and make it the current incident; nobody is missed unless the test says so."""
    data = more.pop("data", school.quick())
    given = {"starts_at": STARTS, "on_loss": "run", "seed": 7, **more}
    command = cmd.CreateDrill(procedure, SCHOOL, data, **given)
    w.incident = w.app.run(lambda uow: drills.create(uow, w.app.services, w.who("trainer"), command))
    return w.incident


def clock(w: World, action: str, drill: str = "", **more: Any) -> ClockOutcome:
    """Change the clock of the drill."""
    command = cmd.ControlClock(drill or w.incident, action, **more)
    return w.app.run(lambda uow: drills.control(uow, w.app.services, w.who("trainer"), command))


def look(w: World, drill: str = "", who: str = "trainer") -> DrillPage:
    """The drill as somebody sees it now."""
    with w.app.read() as connection:
        reader = Reader(connection, w.app.sealer, w.app.services, w.who(who), w.clock.now())
        return queries.page(reader, drill or w.incident)


def due_rows(w: World, drill: str = "") -> list[Mapping[str, Any]]:
    """Open due rows of a drill, earliest first."""
    table = sql.due_rows
    mine = select(table).where(table.c.incident_id == (drill or w.incident)).order_by(table.c.due_at, table.c.id)
    with w.app.read() as connection:
        return [dict(row) for row in connection.execute(mine).mappings()]
