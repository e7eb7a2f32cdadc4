"""The tables of the job queue: made from the SQL that the installed procrastinate ships, in a schema of their own.

The version they were made from stands in the comment of the schema. A newer procrastinate needs a revision of
ours that runs the steps between the two from its `sql/migrations`; `pyproject.toml` keeps it below the next one.
"""

from importlib.metadata import version

from procrastinate.schema import SchemaManager
from sqlalchemy import Connection

from service.persistence.postgres import JOB_SCHEMA


def installed_version() -> str:
    """The version of procrastinate that is installed."""
    return version("procrastinate")


def create_tables(connection: Connection) -> None:
    """Make the schema and everything in it."""
    before = connection.exec_driver_sql("SHOW search_path").scalar_one()
    connection.exec_driver_sql(f"CREATE SCHEMA {JOB_SCHEMA}")
    connection.exec_driver_sql(f"SET LOCAL search_path TO {JOB_SCHEMA}")
    # Its text holds per cent signs and many statements: only without parameters does the driver take both.
    connection.execution_options(no_parameters=True).exec_driver_sql(SchemaManager.get_schema())
    connection.exec_driver_sql(f"COMMENT ON SCHEMA {JOB_SCHEMA} IS '{installed_version()}'")
    connection.exec_driver_sql(f"SET LOCAL search_path TO {before}")


def drop_tables(connection: Connection) -> None:
    """Remove the schema and everything in it."""
    connection.exec_driver_sql(f"DROP SCHEMA {JOB_SCHEMA} CASCADE")
