"""Timers of one incident that fall due together take as many statements for many persons as for a few."""

from pathlib import Path

import pytest
from sqlalchemy import event, func, select

from service.bench import reference
from service.bench.over_time import CALL_LASTS, WATCH_LASTS
from service.bench.serving import product
from service.domain.clock import SettableClock, SystemClock
from service.persistence.tables import sql
from tests.stores import a_migrated_url, on_both


def statements(folder: Path, contacts: int, *, is_cold: bool, url: str) -> int:
    """How many statements it takes until the timers of all contacts are worked."""
    clock = SettableClock(SystemClock().now())
    tocsin = product(folder, clock, database=url)
    seen: list[str] = []

    def heard(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        seen.append(statement)

    try:
        reference.install(tocsin)
        reference.open_incident(tocsin, contacts=contacts)
        clock.advance(CALL_LASTS)
        tocsin.worker.tick()  # the timer of the office
        if is_cold:
            tocsin.services.live.clear()
        clock.advance(WATCH_LASTS - CALL_LASTS)
        event.listen(tocsin.database.writing, "before_cursor_execute", heard)
        tocsin.worker.tick()
        event.remove(tocsin.database.writing, "before_cursor_execute", heard)
        with tocsin.read() as connection:
            ended = select(func.count()).select_from(sql.events).where(sql.events.c.type == "wait_ended")
            assert connection.execute(ended).scalar_one() >= contacts
    finally:
        tocsin.stop()
    return len(seen)


@on_both
@pytest.mark.parametrize("is_cold", [False, True])
def test_many_timers_take_as_many_statements_as_a_few(backend: str, is_cold: bool, tmp_path: Path) -> None:
    taken = []
    for contacts in (5, 25):
        folder = tmp_path / str(contacts)
        folder.mkdir()
        url = a_migrated_url(backend, folder) if backend != "sqlite" else ""
        taken.append(statements(folder, contacts, is_cold=is_cold, url=url))
    assert taken[0] == taken[1]
