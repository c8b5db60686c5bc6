"""the ledger of calls to models"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.create_table(
        "llm_calls",
        sa.Column("request_id", sa.String(length=120), nullable=False),
        sa.Column("essay_id", sa.Uuid(), nullable=True),
        sa.Column("assignment_id", sa.Uuid(), nullable=True),
        sa.Column("class_id", sa.Uuid(), nullable=True),
        sa.Column("user_id", sa.Uuid(), nullable=True),
        sa.Column("feature", sa.String(length=32), nullable=False),
        sa.Column("tier", sa.String(length=16), nullable=False),
        sa.Column("model", sa.String(length=200), nullable=False),
        sa.Column("engine_version", sa.String(length=80), nullable=False),
        sa.Column("prompt_version", sa.String(length=80), nullable=False),
        sa.Column("prompt_tokens", sa.Integer(), nullable=True),
        sa.Column("cached_tokens", sa.Integer(), nullable=True),
        sa.Column("completion_tokens", sa.Integer(), nullable=True),
        sa.Column("machine_s", sa.Double(), nullable=True),
        sa.Column("estimated_cost", sa.Numeric(precision=18, scale=12), nullable=False),
        sa.Column("cost", sa.Numeric(precision=18, scale=12), nullable=True),
        sa.Column("baseline_cost", sa.Numeric(precision=18, scale=12), nullable=True),
        sa.Column("price", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column(
            "outcome",
            sa.Enum(
                "started",
                "ok",
                "retried",
                "invalid",
                "escalated",
                "abandoned",
                "failed",
                "shadow",
                "lost",
                name="call_outcome",
            ),
            nullable=False,
        ),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("latency_s", sa.Double(), nullable=True),
        sa.Column("first_token_s", sa.Double(), nullable=True),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(
            ["assignment_id"], ["assignments.id"], name=op.f("fk_llm_calls_assignment_id"), ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(["class_id"], ["classes.id"], name=op.f("fk_llm_calls_class_id"), ondelete="SET NULL"),
        sa.ForeignKeyConstraint(["essay_id"], ["essays.id"], name=op.f("fk_llm_calls_essay_id"), ondelete="SET NULL"),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_llm_calls_user_id"), ondelete="SET NULL"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_llm_calls")),
        sa.UniqueConstraint("request_id", name=op.f("uq_llm_calls_request_id")),
    )
    op.create_index(op.f("ix_llm_calls_assignment_id"), "llm_calls", ["assignment_id"], unique=False)
    op.create_index("ix_llm_calls_class", "llm_calls", ["class_id", "started_at"], unique=False)
    op.create_index(op.f("ix_llm_calls_essay_id"), "llm_calls", ["essay_id"], unique=False)
    op.create_index("ix_llm_calls_model", "llm_calls", ["model", "started_at"], unique=False)
    op.create_index(
        "ix_llm_calls_started",
        "llm_calls",
        ["started_at"],
        unique=False,
        postgresql_where=sa.text("outcome = 'started'"),
    )
    op.create_index("ix_llm_calls_time", "llm_calls", ["started_at"], unique=False)
    op.create_index("ix_llm_calls_user", "llm_calls", ["user_id", "started_at"], unique=False)


def downgrade() -> None:
    op.drop_index("ix_llm_calls_user", table_name="llm_calls")
    op.drop_index("ix_llm_calls_time", table_name="llm_calls")
    op.drop_index("ix_llm_calls_started", table_name="llm_calls", postgresql_where=sa.text("outcome = 'started'"))
    op.drop_index("ix_llm_calls_model", table_name="llm_calls")
    op.drop_index(op.f("ix_llm_calls_essay_id"), table_name="llm_calls")
    op.drop_index("ix_llm_calls_class", table_name="llm_calls")
    op.drop_index(op.f("ix_llm_calls_assignment_id"), table_name="llm_calls")
    op.drop_table("llm_calls")
    op.execute("DROP TYPE call_outcome")
