"""job queue.

Revision: 0003, after 0002.
"""

from collections.abc import Sequence

from alembic import op

from service.persistence.job_schema import create_tables, drop_tables

revision: str = "0003"
down_revision: str | None = "0002"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    if op.get_bind().dialect.name == "postgresql":
        create_tables(op.get_bind())


def downgrade() -> None:
    if op.get_bind().dialect.name == "postgresql":
        drop_tables(op.get_bind())
