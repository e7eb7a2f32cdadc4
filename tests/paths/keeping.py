"""That what is kept in memory between commands is what is stored: checked at the end of every path test."""

from sqlalchemy import Connection, func, select

from service.application.due_rows import NOTHING_BEFORE
from service.application.fact_rows import FactRows
from service.bootstrap import Tocsin
from service.persistence import queue
from service.persistence.pending import read_head
from service.persistence.tables import sql
from service.persistence.working_set import Snapshot, WorkingSet

COMPARED = ("records", "decisions", "contacts", "sent_reports", "final_lists", "neighbours", "first_case")


def assert_kept_is_stored(app: Tocsin) -> None:
    """Every row, every complete set and every part derived from them is that of the database."""
    with app.read() as connection:
        for incident, kept in app.services.live.sets().items():
            if kept.head == read_head(connection, incident):  # another one is never used
                _assert_rows(connection, kept)
                _assert_parts(connection, app, incident, kept)


def assert_time_goes_on(app: Tocsin) -> None:
    """In no incident an event lies before the one it follows."""
    table = sql.events
    before = func.lag(table.c.at).over(partition_by=table.c.stream, order_by=table.c.seq).label("before")
    of_incidents = table.c.stream.in_(select(sql.incidents.c.id))
    told = select(table.c.stream, table.c.seq, table.c.type, table.c.at, before).where(of_incidents).subquery()
    with app.read() as connection:
        backwards = [dict(row) for row in connection.execute(select(told).where(told.c.at < told.c.before)).mappings()]
        assert not backwards, backwards


def _assert_rows(connection: Connection, kept: WorkingSet) -> None:
    for table, copy in kept.copies.items():
        stored = {row["id"]: dict(row) for row in connection.execute(select(table)).mappings()}
        for key, row in copy.rows.items():
            assert stored.get(key) == row, f"{table.name} {key} is not what is stored"
        for names, sets in copy.sets.items():
            for values, found in sets.items():
                wanted = dict(zip(names, values, strict=True))
                known = {key for key, row in stored.items() if wanted.items() <= row.items()}
                assert found.keys() == known, f"{table.name} where {wanted}"


FROM_OUTSIDE = ("wake", "hold", "govern")  # put by another incident or for the clock alone: looked at when polled


def _assert_parts(connection: Connection, app: Tocsin, incident: str, kept: WorkingSet) -> None:
    rows = Snapshot(connection).rows(incident)
    row = rows.get(sql.incidents, incident)
    known: FactRows | None = kept.parts.get("facts")
    if known is not None and row is not None:
        fresh = FactRows(Snapshot(connection), app.sealer, row, rows)
        for part in COMPARED:
            if part in known.__dict__:
                assert getattr(known, part) == getattr(fresh, part), f"{part} of the facts"
        for person, names in known.__dict__.get("_names", {}).items():
            assert names == fresh.record_names(person)
    if NOTHING_BEFORE in kept.parts:
        rows_open = [row for row in queue.open_rows(connection, incident) if row.real_due_at < queue.NEVER]
        own = [row.due_at for row in rows_open if row.kind not in FROM_OUTSIDE]
        assert kept.parts[NOTHING_BEFORE] <= min(own, default=queue.NEVER)
