from pathlib import Path

from alembic import command
from sqlalchemy import inspect, text

from service.domain.clock import SystemClock
from service.persistence.database import migrate, migration_config, migration_engine, open_database
from service.persistence.tables import metadata
from tests.stores import an_empty_url, on_both

# Rows of revision 0004 that point to each other.
FILLED = (
    "INSERT INTO organisations (id, name, name_en, type) VALUES ('s', '示例学校', 'School', 'school')",
    "INSERT INTO accounts (id, username, name, password_hash, locale, is_active)"
    " VALUES ('a', 'nurse', 'N', 'x', 'en', true)",
    "INSERT INTO memberships (account_id, organisation_id, role) VALUES ('a', 's', 'school_doctor')",
    "INSERT INTO places (id, organisation_id, name, kind, positions_fixed)"
    " VALUES ('p', 's', '七年级1班', 'class', true)",
    "INSERT INTO members (id, organisation_id, place_id, person_type, seat_no, sealed)"
    " VALUES ('m', 's', 'p', 'student', '', '{}')",
    "INSERT INTO sessions (token_hash, account_id, kind, csrf, created_at, expires_at)"
    " VALUES ('t', 'a', 'cookie', 'c', '2026-03-02 08:00:00', '2026-03-02 20:00:00')",
)
LEFT = """SELECT organisations.name, accounts.username, memberships.role, places.name, members.id FROM organisations
  JOIN memberships ON memberships.organisation_id = organisations.id JOIN accounts ON accounts.id = account_id
  JOIN places ON places.organisation_id = organisations.id JOIN members ON members.place_id = places.id"""


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


@on_both
def test_a_filled_database_of_an_earlier_revision_keeps_its_rows(backend: str, tmp_path: Path) -> None:
    """Every revision is passed with rows that point to each other in place."""
    url = an_empty_url(backend, tmp_path)
    config = migration_config(url)
    command.upgrade(config, "0004")
    engine = migration_engine(url)
    with engine.begin() as connection:
        for statement in FILLED:
            connection.execute(text(statement))
    engine.dispose()
    migrate(url)
    database = open_database(url, SystemClock())
    with database.read() as connection:
        kept = connection.execute(text(LEFT)).one()
    database.close()
    assert kept == ("示例学校", "nurse", "school_doctor", "七年级1班", "m")
    command.downgrade(config, "0004")
    migrate(url)
