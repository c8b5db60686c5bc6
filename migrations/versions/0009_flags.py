"""words of an essay that speak to its grader"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    op.add_column("gradings", sa.Column("suspicions", postgresql.JSONB(astext_type=sa.Text()), nullable=True))
    op.create_index(
        "ix_gradings_suspicious", "gradings", ["essay_id"], postgresql_where=sa.text("suspicions IS NOT NULL")
    )


def downgrade() -> None:
    op.drop_index("ix_gradings_suspicious", "gradings")
    op.drop_column("gradings", "suspicions")
