"""Scenarios of drills: what a drill was begun from, its injects, own scenarios of organisations.

Revision: 0011, after 0010.
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0011"
down_revision: str | None = "0010"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    with op.batch_alter_table("drills", schema=None) as batch_op:
        batch_op.add_column(sa.Column("scenario", sa.String(), nullable=False, server_default=""))
        batch_op.add_column(sa.Column("script", sa.JSON(), nullable=False, server_default="{}"))
        batch_op.add_column(sa.Column("trial", sa.Boolean(), nullable=False, server_default=sa.false()))
    with op.batch_alter_table("drills", schema=None) as batch_op:
        batch_op.alter_column("scenario", server_default=None)
        batch_op.alter_column("script", server_default=None)
        batch_op.alter_column("trial", server_default=None)
    op.create_table(
        "drill_injects",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("incident_id", sa.String(), nullable=False),
        sa.Column("inject", sa.String(), nullable=False),
        sa.Column("place", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("trigger", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("by", sa.String(), nullable=False),
        sa.Column("outcome", sa.String(), nullable=False),
        sa.Column("to", sa.JSON(), nullable=False),
        sa.Column("content", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_drill_injects")),
    )
    with op.batch_alter_table("drill_injects", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_drill_injects_incident_id"), ["incident_id"], unique=False)
    op.create_table(
        "own_scenarios",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("organisation_id", sa.String(), nullable=False),
        sa.Column("scenario", sa.String(), nullable=False),
        sa.Column("document", sa.JSON(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("changed_by", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_own_scenarios")),
    )
    with op.batch_alter_table("own_scenarios", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_own_scenarios_organisation_id"), ["organisation_id"], unique=False)


def downgrade() -> None:
    op.drop_table("own_scenarios")
    op.drop_table("drill_injects")
    with op.batch_alter_table("drills", schema=None) as batch_op:
        batch_op.drop_column("trial")
        batch_op.drop_column("script")
        batch_op.drop_column("scenario")
