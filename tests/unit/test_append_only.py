"""The database itself refuses to change, remove or reorder events, whoever asks, and says so by name."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import create_engine, make_url
from sqlalchemy.exc import DBAPIError

from service.domain.clock import SystemClock
from service.persistence.append_only import REFUSED, unguard
from service.persistence.chain import seal_heads, verify
from service.persistence.database import migrate, open_database
from service.persistence.postgres import with_driver
from service.persistence.runners import open_runner
from service.persistence.sealing import Sealer, new_master_key
from service.persistence.unit_of_work import NewEvent, UnitOfWork
from tests import postgres
from tests.stores import START, Store, a_store, an_empty_url, on_both

STATEMENTS = (
    "UPDATE events SET actor = 'nobody'",
    "UPDATE events SET seq = seq + 10",
    "DELETE FROM events",
    "UPDATE chain_seals SET hash = ''",
    "DELETE FROM chain_seals",
    "DELETE FROM stream_heads",
)


def write(uow: UnitOfWork) -> None:
    uow.append("org:s1", [NewEvent("policy_changed", START), NewEvent("policy_changed", START)])


@pytest.fixture
def store(backend: str, tmp_path: Path) -> Iterator[Store]:
    with a_store(backend, tmp_path) as made:
        made.runner.run(write)
        made.runner.run(seal_heads)
        yield made


def refused(url: str, statement: str) -> str:
    """The error of a raw statement on a connection that knows nothing of the product."""
    engine = create_engine(with_driver(make_url(url)))
    try:
        with pytest.raises(DBAPIError) as caught, engine.begin() as connection:
            connection.exec_driver_sql(statement)
    finally:
        engine.dispose()
    return str(caught.value.orig)


@on_both
@pytest.mark.parametrize("statement", STATEMENTS)
def test_a_trigger_refuses_by_name(store: Store, statement: str) -> None:
    verb, _, rest = statement.partition(" ")
    table = rest.removeprefix("FROM ").split()[0]
    assert f"{REFUSED}: {verb} of {table}" in refused(store.url, statement)
    with store.database.read() as connection:
        assert verify(connection).ok


@pytest.mark.parametrize("backend", ["postgres"])
def test_emptying_a_table_at_once_is_refused_too(store: Store) -> None:
    assert f"{REFUSED}: TRUNCATE of events" in refused(store.url, "TRUNCATE events")


@on_both
def test_without_the_guard_it_could_be_done(store: Store) -> None:
    """Otherwise the tests above could pass because of something else."""
    engine = create_engine(with_driver(make_url(store.url)))
    with engine.begin() as connection:
        unguard(connection)
        connection.exec_driver_sql("UPDATE events SET actor = 'nobody'")
    engine.dispose()
    with store.database.read() as connection:
        report = verify(connection)
    assert report.first_bad is not None
    assert (report.first_bad.seq, report.first_bad.reason) == (1, "changed")


# --- two roles on PostgreSQL ----------------------------------------------------------------------


@pytest.fixture
def application_url(tmp_path: Path) -> Iterator[str]:
    """The address of a role the owner's migration has made; the role is one of its own for each test."""
    owner = an_empty_url("postgres", tmp_path)
    role = f"app_{make_url(owner).database}"
    password = new_master_key() + "'"  # a quote in it does no harm
    url = make_url(owner).set(username=role, password=password).render_as_string(hide_password=False)
    migrate(owner, application=url)
    migrate(owner, application=url)  # each time it migrates, it grants again
    yield url
    engine = create_engine(with_driver(make_url(owner)))
    with engine.begin() as connection:
        connection.exec_driver_sql(f"DROP OWNED BY {role}")
        connection.exec_driver_sql(f"DROP ROLE {role}")
    engine.dispose()


def test_the_role_of_the_product_works_and_has_no_right_to_change_events(application_url: str) -> None:
    assert postgres.server()
    migrate(application_url)  # what a process does at its start: nothing is left to do
    clock = SystemClock()
    database = open_database(application_url, clock)
    runner = open_runner(database, clock, Sealer(new_master_key(), clock))
    try:
        runner.run(write)
        runner.run(seal_heads)
        with database.read() as connection:
            assert verify(connection).events == 2
        for statement in (*STATEMENTS, "TRUNCATE events"):
            assert "permission denied for table" in refused(application_url, statement), statement
        assert "must be owner of" in refused(application_url, "DROP TRIGGER events_no_update ON events")
        assert "must be owner of" in refused(application_url, "ALTER TABLE events DISABLE TRIGGER ALL")
    finally:
        runner.stop()
        database.close()
