"""sums of the ledger by hour and by day"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0020"
down_revision = "0019"

TIME = sa.DateTime(timezone=True)
SUM = sa.Numeric(24, 12)


def upgrade() -> None:
    op.add_column("llm_calls", sa.Column("changed_at", TIME, server_default=sa.text("now()"), nullable=False))
    op.alter_column("llm_calls", "changed_at", server_default=None)
    op.create_index("ix_llm_calls_changed", "llm_calls", ["changed_at"])
    op.create_table(
        "cost_hours",
        sa.Column("hour", TIME, nullable=False),
        sa.Column("model", sa.String(200), nullable=False),
        sa.Column("tier", sa.String(16), nullable=False),
        sa.Column("feature", sa.String(32), nullable=False),
        sa.Column("prompt_version", sa.String(80), nullable=False),
        sa.Column("outcome", postgresql.ENUM(name="call_outcome", create_type=False), nullable=False),
        sa.Column("calls", sa.BigInteger(), nullable=False),
        sa.Column("prompt_tokens", sa.BigInteger(), nullable=False),
        sa.Column("cached_tokens", sa.BigInteger(), nullable=False),
        sa.Column("completion_tokens", sa.BigInteger(), nullable=False),
        *(sa.Column(name, SUM, nullable=False) for name in ("cost", "baseline_cost", "prompt_cost", "cacheable_cost")),
        sa.PrimaryKeyConstraint(
            "hour", "model", "tier", "feature", "prompt_version", "outcome", name=op.f("pk_cost_hours")
        ),
    )
    op.create_table(
        "cost_days",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=True),
        sa.Column("class_id", sa.Uuid(), nullable=True),
        sa.Column("calls", sa.BigInteger(), nullable=False),
        sa.Column("cost", SUM, nullable=False),
        sa.Column("baseline_cost", SUM, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_cost_days")),
    )
    op.create_index("ix_cost_days_day", "cost_days", ["day"])
    op.create_index("ix_cost_days_class", "cost_days", ["class_id", "day"])
    op.create_table(
        "cost_rollup",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("until", TIME, nullable=False),
        sa.Column("seen", TIME, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_cost_rollup")),
    )


def downgrade() -> None:
    for table in ("cost_rollup", "cost_days", "cost_hours"):
        op.drop_table(table)
    op.drop_index("ix_llm_calls_changed", "llm_calls")
    op.drop_column("llm_calls", "changed_at")
