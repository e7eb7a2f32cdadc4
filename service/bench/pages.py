"""S11: how long the server takes for the pages people open most, in an installation of a whole county.

Two thousand organisations and fifty thousand accounts, written as an import writes them; incidents are copies of one
that was lived, spread over the schools. Each page is asked for again and again over one connection, by somebody of one
school and by somebody who oversees all of them.
"""

import random
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from sqlalchemy import select, update

from service.application import accounts, directory_rows
from service.application.directory_steps import ACCOUNTS, NEW, Step
from service.application.directory_workbook import ORGANISATIONS, PEOPLE
from service.bench import reference
from service.bench.bars import Bar, bar
from service.bench.cloning import clone, read_template
from service.bench.load import HOST, drive
from service.bench.over_http import timed
from service.bench.seeding import Say
from service.bench.serving import PRODUCT, product, served
from service.bootstrap import Tocsin
from service.demo import people
from service.domain.access import Principal
from service.persistence.tables import metadata
from service.persistence.unit_of_work import UnitOfWork

ORGANISATIONS_IN_ALL, ACCOUNTS_IN_ALL, INCIDENTS_IN_ALL = 2_000, 50_000, 10_000
CONTACTS = 9  # with the office's, ten open tasks an incident
AT_ONCE = 200
MOST_IN_THE_SCHOOL = 100  # incidents of the school whose people are asked
READERS = ("coordinator", "manager")
ROLES = ("school_leader", "epi_office", "school_doctor", "place_lead", "subject_teacher", "head_teacher", "cleaner")


def pages(folder: Path, scale: float, rounds: int, say: Say) -> list[Bar]:
    """Seed, serve and ask."""
    tocsin = product(folder)
    try:
        reference.install(tocsin)
        schools = _directory(tocsin, _of(ORGANISATIONS_IN_ALL, scale), _of(ACCOUNTS_IN_ALL, scale), say)
        incidents = _incidents(tocsin, schools, _of(INCIDENTS_IN_ALL, scale), say)
        requests = list(_requests(tocsin, incidents, rounds))
    finally:
        tocsin.stop()
    with served(PRODUCT, folder) as server:
        drive(server.port, requests[: len(requests) // 10 or 1], connections=1)
        asked = timed([server], lambda: drive(server.port, requests, connections=1))
    seconds = sorted(asked.measured.latencies)
    nearly_all = seconds[min(len(seconds) - 1, int(len(seconds) * 0.99))]
    return [bar("S11", nearly_all * 1000, "ms", cpu_ms=asked.cpu_ms)]


def _of(full: int, scale: float) -> int:
    return max(4, round(full * scale))


def _directory(tocsin: Tocsin, organisations: int, people_in_all: int, say: Say) -> list[str]:
    """Schools below the district office of the demo, with people; returns the ids of the schools."""
    schools = [f"bench-school-{number}" for number in range(organisations)]
    steps = [
        Step(ORGANISATIONS, NEW, each, each, {
            "name": f"测试学校{number}", "name_en": f"Bench School {number}", "type": "school",
            "parent_id": "demo-office", "contact": "", "address": "",
        })
        for number, each in enumerate(schools)
    ]  # fmt: skip
    per_school = -(-people_in_all // organisations)
    for school in schools:
        names = [f"{school}-{number}" for number in range(per_school)]
        steps += [Step(ACCOUNTS, NEW, school, each, {"name": f"教师{each}"}) for each in names]
        roles = (ROLES[number % len(ROLES)] for number in range(per_school))
        limits = {"from": "", "until": ""}
        steps += [Step(PEOPLE, NEW, school, f"{each} {role}", limits) for each, role in zip(names, roles, strict=True)]
    by = reference.principal(tocsin, "admin")
    for at in range(0, len(steps), 2_000):
        some = [each.to_json() for each in steps[at : at + 2_000]]
        tocsin.run(partial(_written, tocsin=tocsin, by=by, steps=some))
        say(f"seeded {min(at + 2_000, len(steps))} of {len(steps)} rows of the directory")
    return schools


def _written(uow: UnitOfWork, *, tocsin: Tocsin, by: Principal, steps: Sequence[dict[str, Any]]) -> None:
    directory_rows.write(uow, tocsin.services, by, steps, request_id="bench")


def _incidents(tocsin: Tocsin, schools: Sequence[str], count: int, say: Say) -> list[str]:
    """Incidents, some of them of the demo's school, the others spread; returns those of the demo's school."""
    first = reference.open_incident(tocsin, contacts=CONTACTS)
    with tocsin.read() as connection:
        template = read_template(connection, first)
    here = [first]
    while len(here) < min(MOST_IN_THE_SCHOOL, count):
        here += tocsin.run(partial(clone, template=template, count=min(AT_ONCE, MOST_IN_THE_SCHOOL) - 1))
    done, turn = len(here), 0
    while done < count:
        made = tocsin.run(partial(clone, template=template, count=min(AT_ONCE, count - done)))
        for at in range(0, len(made), 5):
            tocsin.run(partial(_give, incidents=made[at : at + 5], organisation=schools[turn % len(schools)]))
            turn += 1
        done += len(made)
        say(f"seeded {done} of {count} incidents with {CONTACTS + 1} open tasks each")
    return here


def _give(uow: UnitOfWork, *, incidents: Sequence[str], organisation: str) -> None:
    """Let the read tables say that incidents are another school's."""
    for table in metadata.sorted_tables:
        if "organisation_id" not in table.c:
            continue
        if table.name == "incidents":
            mine = table.c.id.in_(incidents)
        elif "incident_id" in table.c:
            mine = table.c.incident_id.in_(incidents)
        elif table.name == "task_roles":
            tasks = metadata.tables["tasks"]
            mine = table.c.task_id.in_(select(tasks.c.id).where(tasks.c.incident_id.in_(incidents)))
        else:
            continue
        uow.connection.execute(update(table).where(mine).values(organisation_id=organisation))


def _requests(tocsin: Tocsin, incidents: Sequence[str], rounds: int) -> Iterator[bytes]:
    """Inbox and incident page in turn, by each reader."""
    cookies = [
        accounts.sign_in(tocsin.database, tocsin.writer, username=each, password=people.PASSWORD).secret
        for each in READERS
    ]
    chance = random.Random(0)  # noqa: S311 - which page is next is no secret
    for _ in range(rounds):
        for cookie in cookies:
            for path in ("/inbox", f"/incidents/{chance.choice(list(incidents))}"):
                yield _get(path, cookie)


def _get(path: str, cookie: str) -> bytes:
    return f"GET {path} HTTP/1.1\r\nHost: {HOST}\r\nCookie: tocsin_session={cookie}\r\n\r\n".encode()
