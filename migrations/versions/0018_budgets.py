"""budgets, and what has been spent of them"""

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"

MONEY = sa.Numeric(18, 12)
TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "budgets",
        sa.Column("scope", sa.String(16), nullable=False),
        sa.Column("class_id", sa.Uuid(), nullable=True),
        sa.Column("user_id", sa.Uuid(), nullable=True),
        sa.Column("period", sa.Enum("day", "month", name="budget_period"), nullable=False),
        sa.Column("soft_usd", MONEY, nullable=True),
        sa.Column("hard_usd", MONEY, nullable=True),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", TIME, server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("scope IN ('platform', 'class', 'user')", name=op.f("ck_budgets_scope")),
        sa.CheckConstraint(
            "(class_id IS NULL OR scope = 'class') AND (user_id IS NULL OR scope = 'user')",
            name=op.f("ck_budgets_whose_scope"),
        ),
        sa.ForeignKeyConstraint(["class_id"], ["classes.id"], name=op.f("fk_budgets_class_id"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_budgets_user_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_budgets")),
        sa.UniqueConstraint(
            "scope",
            "class_id",
            "user_id",
            "period",
            name=op.f("uq_budgets_whose"),
            postgresql_nulls_not_distinct=True,
        ),
    )
    op.create_table(
        "budget_spending",
        sa.Column("budget_id", sa.Uuid(), nullable=False),
        sa.Column("subject", sa.Uuid(), nullable=False),
        sa.Column("starts_on", sa.Date(), nullable=False),
        sa.Column("spent_usd", MONEY, nullable=False),
        sa.Column("warned_at", TIME, nullable=True),
        sa.Column("refused_at", TIME, nullable=True),
        sa.ForeignKeyConstraint(
            ["budget_id"], ["budgets.id"], name=op.f("fk_budget_spending_budget_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("budget_id", "subject", "starts_on", name=op.f("pk_budget_spending")),
    )


def downgrade() -> None:
    for table in ("budget_spending", "budgets"):
        op.drop_table(table)
    sa.Enum(name="budget_period").drop(op.get_bind())
