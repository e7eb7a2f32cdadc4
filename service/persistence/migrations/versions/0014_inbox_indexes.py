"""Ways into tasks and incidents for those who oversee many: by who has a task, by whose role, by due time, by age.

Revision: 0014, after 0013.
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0014"
down_revision: str | None = "0013"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

IS_OPEN, HAS_ONE = sa.text("ended_at IS NULL"), sa.text("assignee IS NOT NULL")


def upgrade() -> None:
    op.create_index("ix_tasks_assignee", "tasks", ["assignee"], sqlite_where=HAS_ONE, postgresql_where=HAS_ONE)
    op.create_index(
        "ix_tasks_due", "tasks", ["due_at", "created_at", "id"], sqlite_where=IS_OPEN, postgresql_where=IS_OPEN
    )
    op.create_index("ix_incidents_opened_at", "incidents", ["opened_at", "id"])
    op.drop_index("ix_task_roles_organisation_id", "task_roles")
    op.create_index("ix_task_roles_held", "task_roles", ["organisation_id", "role"])


def downgrade() -> None:
    op.drop_index("ix_task_roles_held", "task_roles")
    op.create_index("ix_task_roles_organisation_id", "task_roles", ["organisation_id"])
    op.drop_index("ix_incidents_opened_at", "incidents")
    op.drop_index("ix_tasks_due", "tasks")
    op.drop_index("ix_tasks_assignee", "tasks")
