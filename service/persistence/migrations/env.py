"""How the migrations are run; the address comes in the configuration's attributes or as `-x url=…`."""

from typing import Any, Literal

import sqlalchemy as sa
from alembic import context
from sqlalchemy import Connection
from sqlmodel.sql.sqltypes import AutoString, UTCDateTime

from service.persistence.database import migration_engine
from service.persistence.tables import metadata

ADVISORY_LOCK = 7_403_119  # any fixed number: two nodes that start together migrate one after the other


def render_item(kind: str, item: Any, _context: Any) -> str | Literal[False]:
    """Write plain SQLAlchemy types, so that an old revision does not depend on a library's classes."""
    if kind == "type" and isinstance(item, AutoString):
        return "sa.String()"
    if kind == "type" and isinstance(item, UTCDateTime):
        return "sa.DateTime(timezone=True)"
    return False


def run(connection: Connection) -> None:
    """Migrate on an open connection, all revisions in one transaction."""
    context.configure(
        connection=connection,
        target_metadata=metadata,
        render_as_batch=connection.dialect.name == "sqlite",
        render_item=render_item,
        compare_type=True,
    )
    with context.begin_transaction():
        if connection.dialect.name == "postgresql":
            connection.execute(sa.text("SELECT pg_advisory_xact_lock(:number)"), {"number": ADVISORY_LOCK})
        context.run_migrations()
        is_sqlite = connection.dialect.name == "sqlite"
        if is_sqlite and (broken := connection.exec_driver_sql("PRAGMA foreign_key_check").all()):
            message = f"the migration would leave rows that point to nothing: {sorted({row[0] for row in broken})}"
            raise RuntimeError(message)


def main() -> None:
    """Open the database that was named and migrate it."""
    url = context.config.attributes.get("url") or context.get_x_argument(as_dictionary=True).get("url")
    if not url:
        message = "name the database: -x url=sqlite:///file"
        raise ValueError(message)
    engine = migration_engine(url)
    try:
        with engine.connect() as connection:
            run(connection)
    finally:
        engine.dispose()


main()
