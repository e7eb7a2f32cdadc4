from pathlib import Path

from alembic import command
from sqlalchemy import inspect

from service.domain.clock import SystemClock
from service.persistence.database import migrate, migration_config, open_database
from service.persistence.tables import metadata
from tests.stores import an_empty_url, on_both


def tables_of(url: str) -> set[str]:
    database = open_database(url, SystemClock())
    try:
        with database.read() as connection:
            return set(inspect(connection).get_table_names())
    finally:
        database.close()


@on_both
def test_the_migrations_make_exactly_the_tables_of_the_code(backend: str, tmp_path: Path) -> None:
    url = an_empty_url(backend, tmp_path)
    migrate(url)
    assert tables_of(url) == set(metadata.tables) | {"alembic_version"}
    command.check(migration_config(url))  # raises if tables and revisions differ


@on_both
def test_migrating_twice_changes_nothing(backend: str, tmp_path: Path) -> None:
    url = an_empty_url(backend, tmp_path)
    migrate(url)
    before = tables_of(url)
    migrate(url)
    assert tables_of(url) == before


@on_both
def test_the_way_back_leaves_nothing(backend: str, tmp_path: Path) -> None:
    url = an_empty_url(backend, tmp_path)
    migrate(url)
    command.downgrade(migration_config(url), "base")
    assert tables_of(url) == {"alembic_version"}
