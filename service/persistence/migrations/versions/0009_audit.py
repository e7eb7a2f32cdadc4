"""The log refuses changes, and is found by account, kind and person.

Revision: 0009, after 0004.
"""

from collections.abc import Sequence

from alembic import op

from service.persistence.append_only import guard, unguard

revision: str = "0009"
down_revision: str | None = "0004"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.create_index("ix_events_actor", "events", ["actor", "real_at"])
    op.create_index("ix_events_type", "events", ["type", "real_at"])
    guard(op.get_bind())


def downgrade() -> None:
    unguard(op.get_bind())
    op.drop_index("ix_events_type", "events")
    op.drop_index("ix_events_actor", "events")
