"""One evening of many people under observation: opening the session, storing the round, opening the grid.

`python -m tests.benchmarks.evening [PEOPLE]` prints the seconds of each; 1,000 people are the bar: a round of at
most 5 s, a grid of at most 1 s.
"""

import sys
import tempfile
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import select

from service.application import accounts, answers, inbox, incidents, rounds
from service.application.definitions import deploy, folder_content
from service.application.queries import Reader, grid
from service.application.services import SYSTEM
from service.application.steps import Advance, advance
from service.bootstrap import Tocsin, build
from service.demo import people
from service.domain import commands as cmd
from service.domain import events as ev
from service.domain.access import Principal
from service.domain.calendar import SHANGHAI
from service.domain.clock import SettableClock
from service.persistence.tables import sql
from service.persistence.unit_of_work import UnitOfWork
from service.settings import Settings

SCHOOL, CLASS, TRACING, OBSERVATION = "demo-school", "demo-school-7-2", "contact_tracing", "medical_observation"
MORNING, EVENING = datetime(2026, 3, 2, 10, 0, tzinfo=SHANGHAI), datetime(2026, 3, 2, 18, 0, tzinfo=SHANGHAI)
NORMAL = {"temperature": 36.5, "symptoms": ["none"], "in_place": True}
CHUNK = 100

T = TypeVar("T")


def timed(what: str, work: Callable[[], T]) -> T:
    """Run something and print how long it took."""
    began = time.perf_counter()
    result = work()
    sys.stdout.write(f"{what}: {time.perf_counter() - began:.2f} s\n")
    return result


def school(folder: Path, clock: SettableClock) -> Tocsin:
    """A demo school with the diagrams, its worker not running."""
    app = build(Settings(data_dir=folder, demo=True, database_url=""), clock)
    app.database.migrate()
    app.run(lambda uow: people.load_people(uow, people.PASSWORD))
    root = app.settings.workflows_dir
    for each in sorted(path for path in root.iterdir() if list(path.glob("*.bpmn"))):
        content = folder_content(each, root / "decisions")
        store = app.services.definitions
        app.run(partial(deploy, store=store, procedure=each.name, content=content, actor="bench"))
    return app


def who(app: Tocsin, username: str) -> Principal:
    """An account of the demo."""
    with app.read() as connection:
        account = connection.execute(select(sql.accounts.c.id).where(sql.accounts.c.username == username)).scalar_one()
        return accounts.principal_of_account(connection, account)


def observed(app: Tocsin, number: int) -> tuple[str, list[str]]:
    """An incident with so many people in home quarantine since ten o'clock."""
    pupil = {"name": "学生甲", "person_type": "student", "org_unit": {"id": CLASS}}
    data = {"person": pupil, "temperature": 38.1, "symptoms": ["fever"], "place": CLASS}
    command = cmd.OpenIncident("school_suspected_case", SCHOOL, data)
    incident = app.run(lambda uow: incidents.open_incident(uow, app.services, who(app, "teacher"), command))
    persons: list[str] = []
    for start in range(0, number, CHUNK):
        count = min(CHUNK, number - start)
        persons += app.run(partial(_begin, app=app, incident=incident, first=start, count=count))
    return incident, persons


def _begin(uow: UnitOfWork, *, app: Tocsin, incident: str, first: int, count: int) -> list[str]:
    office = who(app, "coordinator")

    def work(on: Advance) -> list[str]:
        return [_observe(on, office, number) for number in range(first, first + count)]

    return advance(uow, app.services, incident, SYSTEM, work)


def _observe(on: Advance, office: Principal, number: int) -> str:
    case, person = str(on.facts.rows.first_case), on.uow.new_id()
    identity = {"name": f"接触者{number:04d}", "person_type": "student", "org_unit": {"id": CLASS}}
    registered = ev.PersonRegistered(person, "contact", SCHOOL, "", f"密接{number:04d}", CLASS, 0, is_neighbour=False)
    on.record(registered, sealed={person: identity})
    on.record(ev.ContactListed(case, person, "final", ""), sealed={person: {"contact_class": "close"}})
    on.record(ev.ContactJudged(case, person, "home"), sealed={person: {"contact_class": "close"}})
    version = on.uow.connection.execute(
        select(sql.definitions.c.version).where(sql.definitions.c.procedure == TRACING)
    ).scalar_one()
    row = inbox.start_instance(
        on, procedure=TRACING, version=version, process=OBSERVATION, start_event="", inputs={"person": person}
    )
    on.record(ev.ContactLinked(case, person, row["id"]), row=row)
    table = sql.tasks
    mine = (table.c.instance_id == row["id"]) & (table.c.element == "t_home_start")
    task = dict(on.uow.connection.execute(select(table).where(mine)).mappings().one())
    answers.answer(on, answers.target_of_task(on, task), office, _notice(on, person))
    return person


def _notice(on: Advance, person: str) -> dict[str, Any]:
    return {
        "person": {"id": person, "home_address": "示例村1组"}, "basis": "密接类", "start_at": on.now.isoformat(),
        "end_at": (on.now + timedelta(days=14)).isoformat(), "door_notice": True,
        "rules": ["不准外出", "谢绝探视", "单间居住", "距家人2米", "垃圾密封", "早晚测温"],
        "doctor": {"name": "村医甲"}, "cadre": {"name": "干部乙"},
        "signed_by": {"name": "家长丙", "at": on.now.isoformat(), "info_source": "visit"},
    }  # fmt: skip


def evening(number: int) -> None:
    """Measure one evening."""
    clock = SettableClock(MORNING)
    with tempfile.TemporaryDirectory() as folder:
        app = school(Path(folder), clock)
        incident, persons = timed(f"{number} observations begin", partial(observed, app, number))
        clock.set(EVENING)
        timed("the session opens", app.worker.tick)
        nurse = who(app, "nurse")
        rows = [{"person": {"id": person}, **NORMAL} for person in persons]
        command = cmd.RecordRound(incident, EVENING.date(), "晚", rows, common={"measured_at": EVENING.isoformat()})
        outcome = timed(
            "the round is stored", lambda: app.run(lambda uow: rounds.record_round(uow, app.services, nurse, command))
        )
        timed("the grid opens", partial(_grid, app, nurse, incident))
        sys.stdout.write(f"{outcome.saved} readings, {outcome.closed} tasks closed\n")
        app.stop()


def _grid(app: Tocsin, principal: Principal, incident: str) -> grid.Grid:
    with app.read() as connection:
        reader = Reader(connection, app.sealer, app.services, principal, app.clock.now(), "zh_CN")
        return grid.grid(reader, incident)


if __name__ == "__main__":
    evening(int(sys.argv[1]) if len(sys.argv) > 1 else 1_000)
