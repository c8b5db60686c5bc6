"""batches at a provider"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0006"
down_revision = "0005"

STATES = ("prepared", "uploaded", "submitting", "submitted", "cancelling", "finished", "failed", "no_room", "dropped")
OUTCOMES = ("answered", "failed", "missing", "withdrawn")


def upgrade() -> None:
    op.create_table(
        "provider_batches",
        sa.Column("tier", sa.String(length=16), nullable=False),
        sa.Column("model", sa.String(length=200), nullable=False),
        sa.Column("provider", sa.String(length=200), nullable=False),
        sa.Column("left_out", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("state", sa.Enum(*STATES, name="batch_state"), nullable=False),
        sa.Column("input_file_id", sa.String(length=200), nullable=True),
        sa.Column("remote_id", sa.String(length=200), nullable=True),
        sa.Column("remote_status", sa.String(length=40), nullable=True),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("answered", sa.Integer(), nullable=False),
        sa.Column("next_look_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("submitted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_provider_batches")),
    )
    op.create_index(
        "ix_provider_batches_open",
        "provider_batches",
        ["next_look_at"],
        postgresql_where=sa.text("state IN ('prepared', 'uploaded', 'submitting', 'submitted', 'cancelling')"),
    )
    op.create_index("ix_provider_batches_model", "provider_batches", ["provider", "model", "created_at"])
    op.create_table(
        "provider_batch_items",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("batch_id", sa.Uuid(), nullable=False),
        sa.Column("custom_id", sa.String(length=64), nullable=False),
        sa.Column("essay_id", sa.Uuid(), nullable=True),
        sa.Column("claim_token", sa.Uuid(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("call_id", sa.Uuid(), nullable=False),
        sa.Column("asked", sa.String(length=64), nullable=True),
        sa.Column("outcome", sa.Enum(*OUTCOMES, name="batch_item_outcome"), nullable=True),
        sa.ForeignKeyConstraint(
            ["batch_id"],
            ["provider_batches.id"],
            name=op.f("fk_provider_batch_items_batch_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["essay_id"], ["essays.id"], name=op.f("fk_provider_batch_items_essay_id"), ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(["call_id"], ["llm_calls.id"], name=op.f("fk_provider_batch_items_call_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_provider_batch_items")),
        sa.UniqueConstraint("batch_id", "custom_id", name=op.f("uq_provider_batch_items_batch_id_custom_id")),
    )
    op.create_index(op.f("ix_provider_batch_items_essay_id"), "provider_batch_items", ["essay_id"])
    op.create_index(
        "ix_provider_batch_items_owed",
        "provider_batch_items",
        ["call_id"],
        postgresql_where=sa.text("outcome IS NULL"),
    )


def downgrade() -> None:
    op.drop_table("provider_batch_items")
    op.drop_table("provider_batches")
    op.execute("DROP TYPE batch_item_outcome")
    op.execute("DROP TYPE batch_state")
