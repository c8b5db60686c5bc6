"""sums of the last whole days by owner"""

import sqlalchemy as sa
from alembic import op

revision = "0023"
down_revision = "0022"

SUM = sa.Numeric(24, 12)


def upgrade() -> None:
    op.create_table(
        "cost_window",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=True),
        sa.Column("class_id", sa.Uuid(), nullable=True),
        sa.Column("calls", sa.BigInteger(), nullable=False),
        sa.Column("cost", SUM, nullable=False),
        sa.Column("baseline_cost", SUM, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_cost_window")),
    )
    op.add_column("cost_rollup", sa.Column("window_until", sa.Date(), nullable=True))


def downgrade() -> None:
    op.drop_column("cost_rollup", "window_until")
    op.drop_table("cost_window")
