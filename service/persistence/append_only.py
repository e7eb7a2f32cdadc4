"""What must never change again: the database itself refuses to change or delete events, seals and heads.

Triggers say no to everybody, the owner of the tables included, with an error that begins with REFUSED. On
PostgreSQL the role the product works with has no such right at all, where it is not the owner (`grant`).
"""

from psycopg import sql as pg
from sqlalchemy import Connection
from sqlalchemy.engine import URL

from service.persistence.postgres import JOB_SCHEMA

REFUSED = "append_only"  # how the error of a trigger begins
FIXED = ("events", "chain_seals")  # rows never change
KEPT = (*FIXED, "stream_heads")  # rows never go; a head moves with its stream
_FUNCTION = f"""
CREATE OR REPLACE FUNCTION tocsin_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION USING MESSAGE = '{REFUSED}: ' || TG_OP || ' of ' || TG_TABLE_NAME, ERRCODE = 'restrict_violation';
END $$
"""


def guard(connection: Connection) -> None:
    """Put the triggers up."""
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql(_FUNCTION)
    for verb, table in _forbidden():
        name = _name(verb, table)
        if connection.dialect.name == "postgresql":
            refused = f"{verb} OR TRUNCATE" if verb == "DELETE" else verb
            connection.exec_driver_sql(
                f"CREATE TRIGGER {name} BEFORE {refused} ON {table} FOR EACH STATEMENT EXECUTE FUNCTION tocsin_refuse()"
            )
        else:
            connection.exec_driver_sql(
                f"CREATE TRIGGER {name} BEFORE {verb} ON {table} "
                f"BEGIN SELECT RAISE(ABORT, '{REFUSED}: {verb} of {table}'); END"
            )


def unguard(connection: Connection) -> None:
    """Take them down: for the way back of the migration, and for who plays the attacker in a test."""
    is_postgres = connection.dialect.name == "postgresql"
    for verb, table in _forbidden():
        connection.exec_driver_sql(
            f"DROP TRIGGER IF EXISTS {_name(verb, table)}{f' ON {table}' if is_postgres else ''}"
        )
    if is_postgres:
        connection.exec_driver_sql("DROP FUNCTION IF EXISTS tocsin_refuse()")


def grant(connection: Connection, application: URL) -> None:
    """Let the role of an address work with all tables, make it where it is missing; events it may only add and read.

    Run by the owner of the tables, each time it has migrated. PostgreSQL only.
    """
    role, schemas = str(application.username), pg.SQL(", ").join(map(pg.Identifier, ("public", JOB_SCHEMA)))
    names = {"role": pg.Identifier(role), "schemas": schemas}
    if connection.exec_driver_sql("SELECT 1 FROM pg_roles WHERE rolname = %s", (role,)).first() is None:
        password = pg.Literal(str(application.password or ""))
        _run(connection, "CREATE ROLE {role} LOGIN PASSWORD {password}", password=password, **names)
    for statement in (
        "GRANT USAGE ON SCHEMA {schemas} TO {role}",
        "GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA {schemas} TO {role}",
        "GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA {schemas} TO {role}",
        "GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA {schemas} TO {role}",
        f"REVOKE UPDATE, DELETE, TRUNCATE ON {', '.join(FIXED)} FROM {{role}}",
        "REVOKE DELETE, TRUNCATE ON stream_heads FROM {role}",
        "REVOKE INSERT, UPDATE, DELETE ON alembic_version FROM {role}",
    ):
        _run(connection, statement, **names)


def _run(connection: Connection, statement: str, **names: pg.Composable) -> None:
    text = pg.SQL(statement).format(**names).as_string()
    connection.execution_options(no_parameters=True).exec_driver_sql(text)


def _forbidden() -> list[tuple[str, str]]:
    return [*(("UPDATE", table) for table in FIXED), *(("DELETE", table) for table in KEPT)]


def _name(verb: str, table: str) -> str:
    return f"{table}_no_{verb.lower()}"
