"""signatures of essays, and what pairs of them share"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0017"
down_revision = "0016"

TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "signatures",
        sa.Column("essay_id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.SmallInteger(), nullable=False),
        sa.Column("numbers", postgresql.ARRAY(sa.Integer()), nullable=False),
        sa.Column("compared_at", TIME, nullable=True),
        _essay("signatures", "essay_id"),
        sa.PrimaryKeyConstraint("essay_id", name=op.f("pk_signatures")),
    )
    op.create_index("ix_signatures_numbers", "signatures", ["numbers"], postgresql_using="gin")
    op.create_index(
        "ix_signatures_uncompared", "signatures", ["essay_id"], postgresql_where=sa.text("compared_at IS NULL")
    )
    op.create_table(
        "overlaps",
        sa.Column("essay_id", sa.Uuid(), nullable=False),
        sa.Column("other_id", sa.Uuid(), nullable=False),
        sa.Column("tokens", sa.Integer(), nullable=False),
        sa.Column("share", sa.Float(), nullable=False),
        sa.Column("other_share", sa.Float(), nullable=False),
        sa.Column("passages", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", TIME, server_default=sa.text("now()"), nullable=False),
        _essay("overlaps", "essay_id"),
        _essay("overlaps", "other_id"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_overlaps")),
        sa.UniqueConstraint("essay_id", "other_id", name=op.f("uq_overlaps_essay_id_other_id")),
    )
    op.create_index(op.f("ix_overlaps_other_id"), "overlaps", ["other_id"])


def _essay(table: str, column: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint([column], ["essays.id"], name=op.f(f"fk_{table}_{column}"), ondelete="CASCADE")


def downgrade() -> None:
    op.drop_table("overlaps")
    op.drop_table("signatures")
