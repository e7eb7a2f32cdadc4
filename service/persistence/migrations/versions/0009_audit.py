"""The log refuses changes and is found by account and kind; checks of it, holds and erasures.

Revision: 0009, after 0008.
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

from service.persistence.append_only import guard, unguard

revision: str = "0009"
down_revision: str | None = "0008"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.create_index("ix_events_actor", "events", ["actor", "real_at"])
    op.create_index("ix_events_type", "events", ["type", "real_at"])
    guard(op.get_bind())
    op.create_table(
        "chain_checks",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("started_by", sa.String(), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("stream", sa.String(), nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("events", sa.Integer(), nullable=False),
        sa.Column("total", sa.Integer(), nullable=False),
        sa.Column("bad_stream", sa.String(), nullable=False),
        sa.Column("bad_seq", sa.Integer(), nullable=False),
        sa.Column("bad_reason", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_chain_checks")),
    )
    op.create_table(
        "legal_holds",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("incident_id", sa.String(), nullable=False),
        sa.Column("person_id", sa.String(), nullable=False),
        sa.Column("set_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("set_by", sa.String(), nullable=False),
        sa.Column("lifted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("lifted_by", sa.String(), nullable=False),
        sa.Column("sealed", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_legal_holds")),
    )
    op.create_index(op.f("ix_legal_holds_incident_id"), "legal_holds", ["incident_id"])
    op.create_table(
        "erasure_runs",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("started_by", sa.String(), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("basis", sa.String(), nullable=False),
        sa.Column("organisation_id", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_erasure_runs")),
    )
    op.create_table(
        "erasure_items",
        sa.Column("run_id", sa.String(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("incident_id", sa.String(), nullable=False),
        sa.Column("person_id", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("due", sa.JSON(), nullable=False),
        sa.Column("detail", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("run_id", "position", name=op.f("pk_erasure_items")),
    )
    op.create_index(op.f("ix_erasure_items_incident_id"), "erasure_items", ["incident_id"])
    op.create_index(op.f("ix_erasure_items_state"), "erasure_items", ["state"])


def downgrade() -> None:
    for table in ("erasure_items", "erasure_runs", "legal_holds", "chain_checks"):
        op.drop_table(table)
    unguard(op.get_bind())
    op.drop_index("ix_events_type", "events")
    op.drop_index("ix_events_actor", "events")
