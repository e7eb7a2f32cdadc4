"""What follows a drill: improvement actions, trainings, and that somebody has answered the questionnaire.

Revision: 0013, after 0011.
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0013"
down_revision: str | None = "0011"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.create_table(
        "improvements",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("organisation_id", sa.String(), nullable=False),
        sa.Column("drill_id", sa.String(), nullable=False),
        sa.Column("procedure", sa.String(), nullable=False),
        sa.Column("finding", sa.String(), nullable=False),
        sa.Column("target", sa.String(), nullable=False),
        sa.Column("target_id", sa.String(), nullable=False),
        sa.Column("owner", sa.String(), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("sealed", sa.String(), nullable=False),
        sa.Column("note", sa.String(), nullable=False),
        sa.Column("planned_by", sa.String(), nullable=False),
        sa.Column("planned_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_by", sa.String(), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_improvements")),
    )
    with op.batch_alter_table("improvements", schema=None) as batch_op:
        for column in ("organisation_id", "drill_id", "owner"):
            batch_op.create_index(batch_op.f(f"ix_improvements_{column}"), [column], unique=False)
    op.create_table(
        "drill_trainings",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("incident_id", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_drill_trainings")),
    )
    with op.batch_alter_table("drill_trainings", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_drill_trainings_incident_id"), ["incident_id"], unique=False)
    op.create_table(
        "questionnaire_tokens",
        sa.Column("id", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_questionnaire_tokens")),
    )


def downgrade() -> None:
    op.drop_table("questionnaire_tokens")
    op.drop_table("drill_trainings")
    op.drop_table("improvements")
