"""The control room: moments of drills that others can branch off, and who looks on.

Revision: 0012, after 0011.
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0012"
down_revision: str | None = "0011"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    with op.batch_alter_table("drills", schema=None) as batch_op:
        batch_op.add_column(sa.Column("observers", sa.JSON(), nullable=False, server_default="[]"))
    with op.batch_alter_table("drills", schema=None) as batch_op:
        batch_op.alter_column("observers", server_default=None)
    op.create_table(
        "drill_rests",
        sa.Column("incident_id", sa.String(), nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("due", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("incident_id", "seq", name=op.f("pk_drill_rests")),
    )
    op.create_table(
        "drill_states",
        sa.Column("incident_id", sa.String(), nullable=False),
        sa.Column("instance_id", sa.String(), nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("state", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("incident_id", "instance_id", "seq", name=op.f("pk_drill_states")),
    )


def downgrade() -> None:
    op.drop_table("drill_states")
    op.drop_table("drill_rests")
    with op.batch_alter_table("drills", schema=None) as batch_op:
        batch_op.drop_column("observers")
