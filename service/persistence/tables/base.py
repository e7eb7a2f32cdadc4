"""What every table shares: the naming convention, set before the first table is made, and columns."""

from typing import Any, cast

from sqlalchemy import JSON, Column, Table
from sqlmodel import SQLModel

SQLModel.metadata.naming_convention = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}
metadata = SQLModel.metadata


def json_column() -> Any:
    """A JSON column that is always filled."""
    return Column(JSON, nullable=False)


def table_of(model: type[SQLModel]) -> Table:
    """The Core table of a model, for statements on the step path."""
    return cast("Table", vars(model)["__table__"])
