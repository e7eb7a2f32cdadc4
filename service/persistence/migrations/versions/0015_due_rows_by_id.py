"""Due rows are found by their id, which is made of kind and reference: nothing asks for the reference alone.

Revision: 0015, after 0014.
"""

from collections.abc import Sequence

from alembic import op

revision: str = "0015"
down_revision: str | None = "0014"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.drop_index("ix_due_rows_ref", "due_rows")


def downgrade() -> None:
    op.create_index("ix_due_rows_ref", "due_rows", ["ref"])
