"""grades that were given before a calibration get its points on demand"""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    op.add_column("assignments", sa.Column("recalibrate", sa.Boolean(), server_default=sa.false(), nullable=False))
    op.alter_column("assignments", "recalibrate", server_default=None)
    op.create_index(
        "ix_gradings_teacher", "gradings", ["rubric_id", "essay_id"], postgresql_where=sa.text("source = 'teacher'")
    )


def downgrade() -> None:
    op.drop_index("ix_gradings_teacher", "gradings")
    op.drop_column("assignments", "recalibrate")
