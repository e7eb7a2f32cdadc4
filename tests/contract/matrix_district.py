"""A district for the access matrix: in a school, its neighbour and the county an incident with planted values."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from fastapi import FastAPI
from sqlalchemy import select, update

from service.app import create_app
from service.application import accounts, incidents, organisations
from service.application.accounts import NewAccount
from service.application.queries import Reader, waiting
from service.demo.people import usernames
from service.domain import commands as cmd
from service.persistence import tables as t
from service.persistence.tables import sql
from tests.contract import matrix_keeping
from tests.contract.matrix_planted import PLANTED, Planted
from tests.paths import observing, school, tracing, variants
from tests.paths.world import World, at

ORGANISATIONS = ("demo-school", "demo-school-2", "demo-county")
OUTSIDER = "outsider"  # signed in, holds no role anywhere
MEMBERS = {"demo-school": "coordinator", "demo-school-2": "staff2", "demo-county": "manager"}
COLLEAGUES = {"demo-school": "nurse", "demo-school-2": "staff2", "demo-county": "manager"}  # have the task's role
DETAILS = {*variants.ESCORTED, "epi_text"}  # F01#complete, the task after the opening one
OPENERS = {"demo-school-2": ("staff2", "demo-school-2-3-1"), "demo-county": ("manager", "county-hall")}


def sick(planted: Planted, place: str) -> dict[str, Any]:
    """F01 with everything that may be known of a person."""
    person = {
        "name": planted.name, "person_type": "student", "id_no": planted.id_no, "phone": planted.phone,
        "guardian_name": planted.guardian, "guardian_phone": planted.phone, "home_address": planted.address,
        "org_unit": {"id": place},
    }  # fmt: skip
    return {
        "person": person, "temperature": 38.1, "symptoms": ["fever"], "place": place, **variants.ESCORTED,
        "epi_history": True, "epi_text": planted.history,
    }  # fmt: skip


@dataclass
class District:
    """The running product, its accounts signed in, and what there is to ask about in each organisation."""

    world: World
    app: FastAPI
    objects: dict[str, dict[str, str]] = field(default_factory=dict)
    bearer: dict[str, str] = field(default_factory=dict)
    cookie: dict[str, tuple[str, str]] = field(default_factory=dict)

    def sign_in(self) -> None:
        """A session of each kind for every account."""
        for who in (*usernames(), OUTSIDER):
            account = self.world.who(who).account_id
            begun = self.world.app.run(partial(accounts.begin_session, account_id=account))
            self.cookie[who] = (begun.secret, begun.csrf)
            token = self.world.app.run(partial(accounts.begin_session, account_id=account, kind="bearer"))
            self.bearer[who] = token.secret

    def heads(self) -> dict[str, int]:
        """How long every stream of the log is."""
        with self.world.app.read() as connection:
            return {row.stream: row.seq for row in connection.execute(select(sql.stream_heads))}


@contextmanager
def district(folder: Path) -> Iterator[District]:
    """Three incidents; the first shares a contact with the neighbour school."""
    world = World(folder, at("08:10"))
    world.app.run(lambda uow: accounts.create_account(uow, NewAccount(OUTSIDER, "无岗位", "x")))
    unknown = accounts.hash_of_nothing()  # a password nobody knows: pages ask for it once more
    world.app.run(lambda uow: uow.connection.execute(update(sql.accounts).values(password_hash=unknown)))
    hall = organisations.PlaceView(
        "county-hall", "demo-county", "县大厅", "room", positions_fixed=False, lead_account_id=None
    )
    world.app.run(lambda uow: organisations.add_place(uow, hall))
    made = District(world, create_app(world.app, with_worker=False))
    try:
        observing.listed(world, tracing.NEIGHBOURS[:1], other_org={"id": "demo-school-2"})
        receipt = {"send_channel": "书面", "outcome": "已送达", "answered_by": "第二学校"}
        world.do("coordinator", "s_contact_assist", receipt)
        _case_of(world, "teacher", PLANTED["demo-school"], school.CLASS)
        made.objects["demo-school"] = _objects(world, "demo-school", ("R27", "demo-school-2"))
        for organisation, (who, place) in OPENERS.items():
            _open(world, organisation, who, place)
            made.objects[organisation] = _objects(world, organisation)
        for organisation in ORGANISATIONS:
            made.objects[organisation] |= matrix_keeping.kept(world, organisation, made.objects[organisation]["task"])
        made.sign_in()
        yield made
    finally:
        world.close()


def _case_of(world: World, who: str, planted: Planted, place: str) -> None:
    command = cmd.AddCase(world.incident, sick(planted, place))
    world.app.run(lambda uow: incidents.add_case(uow, world.app.services, world.who(who), command))


def _open(world: World, organisation: str, who: str, place: str) -> None:
    """An incident whose first case is the planted person."""
    data = {key: value for key, value in sick(PLANTED[organisation], place).items() if key not in DETAILS}
    command = cmd.OpenIncident("school_suspected_case", organisation, data)
    world.incident = world.app.run(
        lambda uow: incidents.open_incident(uow, world.app.services, world.who(who), command)
    )


def _opened(world: World, row: Mapping[str, Any]) -> str:
    with world.app.read() as connection:
        return str(world.app.sealer.open_text(connection, row["sealed"]))


def _objects(world: World, organisation: str, printout: tuple[str, str] = ("", "")) -> dict[str, str]:
    """What a route may ask for in the current incident; what there is not is left out."""
    planted = PLANTED[organisation]
    persons = [row for row in world.rows(t.Person) if planted.name in _opened(world, row)]
    tasks = [row for row in world.rows(t.Task) if row["state"] == "open"]
    document, key = printout if printout[0] else ("R09", persons[0]["id"])
    found = {
        "organisation": organisation, "incident": world.incident, "person": persons[0]["id"],
        "task": min(tasks, key=lambda row: row["person_id"] != persons[0]["id"])["id"],
        "document": document, "key": key, "colleague": world.who(COLLEAGUES[organisation]).account_id,
    }  # fmt: skip
    for name, table in (("report", t.Report), ("delivery", t.Delivery)):
        rows = world.rows(table)
        if rows:
            found[name] = rows[0]["id"]
    with world.app.read() as connection:
        manager = Reader(connection, world.app.sealer, world.app.services, world.who("manager"), world.clock.now())
        found["wait"] = next(each.wait for each in waiting.partner_desk(manager) if each.incident == world.incident)
    offered = world.offered(MEMBERS[organisation])
    return found | ({"message": min(offered)} if offered else {})
