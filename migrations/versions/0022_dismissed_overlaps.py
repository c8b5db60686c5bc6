"""pairs of essays that a teacher said are no copies"""

import sqlalchemy as sa
from alembic import op

revision = "0022"
down_revision = "0021"


def upgrade() -> None:
    op.add_column("overlaps", sa.Column("dismissed_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("overlaps", sa.Column("dismissed_by_id", sa.Uuid(), nullable=True))
    name = op.f("fk_overlaps_dismissed_by_id")
    op.create_foreign_key(name, "overlaps", "users", ["dismissed_by_id"], ["id"], ondelete="SET NULL")
    where = sa.text("dismissed_at IS NOT NULL")
    op.create_index("ix_overlaps_dismissed", "overlaps", ["essay_id"], postgresql_where=where)


def downgrade() -> None:
    op.drop_index("ix_overlaps_dismissed", "overlaps")
    op.drop_column("overlaps", "dismissed_by_id")
    op.drop_column("overlaps", "dismissed_at")
