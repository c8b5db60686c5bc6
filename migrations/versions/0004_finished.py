"""An index for what was graded lately."""

from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    op.create_index("ix_essays_finished", "essays", ["finished_at"])


def downgrade() -> None:
    op.drop_index("ix_essays_finished", "essays")
