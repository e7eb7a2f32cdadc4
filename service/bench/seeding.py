"""Installations of the reference procedure: one incident through the use cases, the others copies of it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from service.bench import reference
from service.bench.cloning import clone, read_template
from service.bench.load import Seat
from service.bench.serving import product
from service.bootstrap import Tocsin

CONTACT_SEATS = 3  # contacts of an incident that are asked in turn
ROWS_AT_ONCE = 50_000

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Seats:
    """Who answers: a seat for the office's task of each incident, and seats for the first contacts of each."""

    office: list[Seat]
    contacts: list[Seat]


def seed(folder: Path, *, incidents: int, contacts: int, say: Say, database: str = "") -> list[str]:
    """Install the reference procedure with so many incidents of so many contacts each; returns their ids."""
    tocsin = product(folder, database=database)
    try:
        reference.install(tocsin)
        return fill(tocsin, incidents=incidents, contacts=contacts, say=say)
    finally:
        tocsin.stop()


def fill(tocsin: Tocsin, *, incidents: int, contacts: int, say: Say) -> list[str]:
    """Incidents with contacts: the first through the use cases, the others copies of it."""
    first = reference.open_incident(tocsin, contacts=contacts)
    with tocsin.read() as connection:
        template = read_template(connection, first)
    ids = [first]
    at_once = max(1, ROWS_AT_ONCE // template.size)
    while len(ids) < incidents:
        count = min(at_once, incidents - len(ids))
        ids += tocsin.run(partial(clone, template=template, count=count))
        say(f"seeded {len(ids)} of {incidents} incidents with {contacts} contacts each")
    return ids


def seats(folder: Path, incidents: Sequence[str], token: str, *, database: str = "") -> Seats:
    """The open tasks of incidents, to be answered by whoever holds the token."""
    tocsin = product(folder, database=database)
    with tocsin.read() as connection:
        found = reference.open_tasks(connection, incidents)
    tocsin.stop()
    office = [tasks[reference.CALL][0] for tasks in found.values()]
    contacts = [task for tasks in found.values() for task in tasks.get(reference.WATCH, [])[:CONTACT_SEATS]]
    return Seats(
        [Seat(token, task, reference.ANSWER) for task in office],
        [Seat(token, task, reference.ANSWER) for task in contacts],
    )
