"""Versions that retire, upgrades of running instances, more about engine incidents.

Revision: 0002, after 0001.
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0002"
down_revision: str | None = "0001"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    with op.batch_alter_table("definitions", schema=None) as batch_op:
        batch_op.add_column(sa.Column("retired_at", sa.DateTime(timezone=True), nullable=True))
    with op.batch_alter_table("engine_incidents", schema=None) as batch_op:
        batch_op.add_column(sa.Column("code", sa.String(), nullable=False, server_default="engine_failed"))
        batch_op.add_column(sa.Column("resolution", sa.String(), nullable=False, server_default=""))
        batch_op.add_column(sa.Column("reason", sa.String(), nullable=False, server_default=""))
        batch_op.add_column(sa.Column("last_at", sa.DateTime(timezone=True), nullable=True))
    op.execute("UPDATE engine_incidents SET last_at = at")
    op.create_table(
        "upgrade_runs",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("procedure", sa.String(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("started_by", sa.String(), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_upgrade_runs")),
    )
    with op.batch_alter_table("upgrade_runs", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_upgrade_runs_procedure"), ["procedure"], unique=False)
    op.create_table(
        "upgrade_items",
        sa.Column("run_id", sa.String(), nullable=False),
        sa.Column("incident_id", sa.String(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("detail", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("run_id", "incident_id", name=op.f("pk_upgrade_items")),
    )
    with op.batch_alter_table("upgrade_items", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_upgrade_items_state"), ["state"], unique=False)


def downgrade() -> None:
    op.drop_table("upgrade_items")
    op.drop_table("upgrade_runs")
    with op.batch_alter_table("engine_incidents", schema=None) as batch_op:
        for name in ("last_at", "reason", "resolution", "code"):
            batch_op.drop_column(name)
    with op.batch_alter_table("definitions", schema=None) as batch_op:
        batch_op.drop_column("retired_at")
