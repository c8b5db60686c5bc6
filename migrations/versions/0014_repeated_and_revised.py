"""grades that repeat another, and grades in view of a former one"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0014"
down_revision = "0013"


def upgrade() -> None:
    for column in ("repeats_id", "former_id"):
        op.add_column("gradings", sa.Column(column, sa.Uuid(), nullable=True))
        name = op.f(f"fk_gradings_{column}")
        op.create_foreign_key(name, "gradings", "gradings", [column], ["id"], ondelete="SET NULL")
    op.add_column("gradings", sa.Column("improved", postgresql.JSONB(astext_type=sa.Text()), nullable=True))


def downgrade() -> None:
    for column in ("improved", "former_id", "repeats_id"):
        op.drop_column("gradings", column)
