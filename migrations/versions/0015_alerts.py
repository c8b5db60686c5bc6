"""alerts, classes that insist on paid models, and calls by when they ended"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0015"
down_revision = "0014"

TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "alerts",
        sa.Column("kind", sa.String(32), nullable=False),
        sa.Column("actor", sa.String(254), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("details", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("ended_at", TIME, nullable=True),
        sa.Column("saving_ended_at", TIME, nullable=True),
        sa.Column("saving_ended_by", sa.String(254), nullable=True),
        sa.Column("opened_told_at", TIME, nullable=True),
        sa.Column("closed_told_at", TIME, nullable=True),
        sa.Column("webhook_attempts", sa.Integer(), nullable=False),
        sa.Column("webhook_next_at", TIME, nullable=True),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", TIME, server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_alerts")),
    )
    op.create_index("uq_alerts_open", "alerts", ["kind"], unique=True, postgresql_where=sa.text("ended_at IS NULL"))
    op.create_index("ix_alerts_time", "alerts", ["created_at"])
    op.add_column("classes", sa.Column("pays_while_saving", sa.Boolean(), server_default=sa.false(), nullable=False))
    op.create_index(
        "ix_llm_calls_finished", "llm_calls", ["finished_at"], postgresql_where=sa.text("finished_at IS NOT NULL")
    )


def downgrade() -> None:
    op.drop_index("ix_llm_calls_finished", "llm_calls")
    op.drop_column("classes", "pays_while_saving")
    op.drop_table("alerts")
