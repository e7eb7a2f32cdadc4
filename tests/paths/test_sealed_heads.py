"""A stream that is removed as a whole is found: the worker seals the heads of all streams."""

from sqlalchemy import delete

from service.persistence import chain
from service.persistence.append_only import unguard
from service.persistence.tables import sql
from service.persistence.unit_of_work import UnitOfWork
from tests.paths import school
from tests.paths.world import World


def test_a_removed_incident_is_noticed(world: World) -> None:
    w = world
    w.go("08:10")
    gone = w.open("teacher", school.quick())
    w.go("08:30")  # the worker has sealed the heads meanwhile
    with w.app.read() as connection:
        assert chain.verify(connection).ok

    def remove(uow: UnitOfWork) -> None:
        connection = uow.connection
        unguard(connection)
        connection.execute(delete(sql.events).where(sql.events.c.stream == gone))
        connection.execute(delete(sql.stream_heads).where(sql.stream_heads.c.stream == gone))

    w.app.run(remove)
    with w.app.read() as connection:
        report = chain.verify(connection)
    assert not report.ok
    assert gone in str(report.first_bad)
