"""questions about assignments and essays, and their answers"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0013"
down_revision = "0012"

JSON = postgresql.JSONB(astext_type=sa.Text())
TIME = sa.DateTime(timezone=True)
REFERENCES = {"user_id": "users", "assignment_id": "assignments", "essay_id": "essays"}


def upgrade() -> None:
    op.create_table(
        "questions",
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("assignment_id", sa.Uuid(), nullable=False),
        sa.Column("essay_id", sa.Uuid(), nullable=True),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("route", JSON, nullable=True),
        sa.Column("queue", sa.String(32), nullable=True),
        sa.Column("tier", sa.String(16), nullable=True),
        sa.Column("rung_at", TIME, nullable=True),
        sa.Column("claim_token", sa.Uuid(), nullable=True),
        sa.Column("lease_until", TIME, nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("due_at", TIME, nullable=False),
        sa.Column("finished_at", TIME, nullable=True),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("answer", sa.Text(), nullable=True),
        sa.Column("source", sa.String(16), nullable=True),
        sa.Column("level", sa.String(16), nullable=True),
        sa.Column("entry_id", sa.String(120), nullable=True),
        sa.Column("key_digest", sa.String(64), nullable=True),
        sa.Column("cached_tokens", sa.Integer(), nullable=False),
        sa.Column("cost", sa.Numeric(18, 12), nullable=False),
        sa.Column("rejected_at", TIME, nullable=True),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", TIME, server_default=sa.text("now()"), nullable=False),
        *(_reference(column, table) for column, table in REFERENCES.items()),
        sa.PrimaryKeyConstraint("id", name="pk_questions"),
    )
    for column in REFERENCES:
        op.create_index(f"ix_questions_{column}", "questions", [column])
    op.create_index("ix_questions_open", "questions", ["created_at"], postgresql_where=sa.text("finished_at IS NULL"))


def _reference(column: str, table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint([column], [f"{table}.id"], name=f"fk_questions_{column}", ondelete="CASCADE")


def downgrade() -> None:
    op.drop_table("questions")
