"""The reference procedure of the benchmark, and incidents of it made through the use cases.

`diagrams/bench_round` has what every procedure has: a lane, user tasks in an endless loop, a form, a gateway
that reads the answer, a timer on every task, and a child instance per contact. Nothing is switched off for it.
"""

from collections.abc import Iterable, Mapping
from functools import partial
from pathlib import Path

from sqlalchemy import Connection, select

from service.application import accounts, definitions, incidents
from service.application.services import SYSTEM
from service.application.steps import Advance, advance
from service.bootstrap import Tocsin
from service.demo import people
from service.domain import commands as cmd
from service.domain import events as ev
from service.domain.access import Principal
from service.persistence.tables import sql
from service.persistence.unit_of_work import UnitOfWork

PROCEDURE = "bench_round"
DIAGRAMS = Path(__file__).with_name("diagrams") / PROCEDURE
SCHOOL, CLASS, PLACE = "demo-school", "demo-school-7-2", "demo-school-canteen"
CALL, WATCH = "t_bench_call", "t_bench_watch"
# What answers every task of the procedure; the name of who answered is stored sealed.
ANSWER = {"send_channel": "电话", "outcome": "已接通", "answered_by": "家长甲"}


def install(tocsin: Tocsin) -> None:
    """Schema, people and the reference procedure."""
    tocsin.database.migrate()
    password = accounts.hash_any_password(people.PASSWORD)
    tocsin.run(lambda uow: people.load_people(uow, password))
    content = definitions.folder_content(DIAGRAMS, tocsin.settings.workflows_dir / "decisions")
    store = tocsin.services.definitions
    tocsin.run(lambda uow: definitions.deploy(uow, store, PROCEDURE, content, actor="bench"))


def principal(tocsin: Tocsin, username: str) -> Principal:
    """An account of the demo."""
    with tocsin.read() as connection:
        account = connection.execute(select(sql.accounts.c.id).where(sql.accounts.c.username == username)).scalar_one()
        return accounts.principal_of_account(connection, account)


def open_incident(tocsin: Tocsin, *, contacts: int) -> str:
    """An incident whose office task is open, and a child instance with an open task for each of its contacts."""
    pupil = {"name": "学生甲", "person_type": "student", "org_unit": {"id": CLASS}}
    data = {"person": pupil, "temperature": 38.1, "symptoms": ["fever"], "place": PLACE}
    command = cmd.OpenIncident(PROCEDURE, SCHOOL, data)
    teacher = principal(tocsin, "teacher")
    incident = tocsin.run(lambda uow: incidents.open_incident(uow, tocsin.services, teacher, command))
    if contacts:
        tocsin.run(partial(_list_contacts, tocsin=tocsin, incident=incident, count=contacts))
    return incident


def _list_contacts(uow: UnitOfWork, *, tocsin: Tocsin, incident: str, count: int) -> None:
    def work(on: Advance) -> None:
        for number in range(count):
            _list_contact(on, str(on.facts.rows.first_case), number)

    advance(uow, tocsin.services, incident, SYSTEM, work)


def _list_contact(on: Advance, case: str, number: int) -> None:
    person = on.uow.new_id()
    identity = {"name": f"接触者{number:04d}", "person_type": "student", "org_unit": {"id": CLASS}}
    registered = ev.PersonRegistered(person, "contact", SCHOOL, "", f"密接{number:04d}", CLASS, 0, is_neighbour=False)
    on.record(registered, sealed={person: identity})
    on.record(ev.ContactListed(case, person, "final", ""), sealed={person: {"contact_class": "close"}})
    on.record(ev.ContactJudged(case, person, "home"), sealed={person: {"contact_class": "close"}})


def open_tasks(connection: Connection, wanted: Iterable[str]) -> Mapping[str, Mapping[str, list[str]]]:
    """`{incident: {element: ids of its open tasks}}`."""
    table = sql.tasks
    found: dict[str, dict[str, list[str]]] = {incident: {} for incident in wanted}
    columns = (table.c.incident_id, table.c.element, table.c.id)
    for incident, element, task in connection.execute(select(*columns).where(table.c.state == "open")):
        if incident in found:
            found[incident].setdefault(element, []).append(task)
    return found
