"""what each graded essay saved, by lever"""

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"

MONEY = sa.Numeric(18, 12)
AMOUNTS = ("baseline_usd", "cost_usd", "prompt_usd", "cache_usd", "routing_usd", "local_usd", "batch_usd")
OWNERS = (("essay_id", "essays"), ("grading_id", "gradings"), ("class_id", "classes"))


def upgrade() -> None:
    op.create_table(
        "essay_savings",
        *(sa.Column(name, sa.Uuid(), nullable=True) for name, _ in OWNERS),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        *(sa.Column(name, MONEY, nullable=False) for name in AMOUNTS),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        *(
            sa.ForeignKeyConstraint([name], [f"{table}.id"], name=f"fk_essay_savings_{name}", ondelete="SET NULL")
            for name, table in OWNERS
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_essay_savings")),
    )
    op.create_index("ix_essay_savings_time", "essay_savings", ["at"])
    op.create_index("ix_essay_savings_class", "essay_savings", ["class_id", "at"])
    op.create_index("ix_essay_savings_essay_id", "essay_savings", ["essay_id"])
    op.create_index("ix_essay_savings_grading_id", "essay_savings", ["grading_id"])


def downgrade() -> None:
    op.drop_table("essay_savings")
