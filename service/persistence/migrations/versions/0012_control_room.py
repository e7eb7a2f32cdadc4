"""The control room: moments of drills that others can branch off, who looks on, who joins.

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
    op.create_table(
        "drill_doors",
        sa.Column("drill_id", sa.String(), nullable=False),
        sa.Column("pin", sa.String(), nullable=False),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("opened_by", sa.String(), nullable=False),
        sa.Column("open_until", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("drill_id", name=op.f("pk_drill_doors")),
    )
    with op.batch_alter_table("drill_doors", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_drill_doors_pin"), ["pin"], unique=False)
    op.create_table(
        "drill_guests",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("drill_id", sa.String(), nullable=False),
        sa.Column("account_id", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("wish", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("role", sa.String(), nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("decided_by", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_drill_guests")),
        sa.UniqueConstraint("account_id", name=op.f("uq_drill_guests_account_id")),
    )
    with op.batch_alter_table("drill_guests", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_drill_guests_drill_id"), ["drill_id"], unique=False)


def downgrade() -> None:
    op.drop_table("drill_guests")
    op.drop_table("drill_doors")
    op.drop_table("drill_states")
    op.drop_table("drill_rests")
    with op.batch_alter_table("drills", schema=None) as batch_op:
        batch_op.drop_column("observers")
