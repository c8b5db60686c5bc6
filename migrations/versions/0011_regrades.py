"""essays graded once more to compare, anchors and their drift"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0011"
down_revision = "0010"

JSON = postgresql.JSONB(astext_type=sa.Text())
TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "anchors",
        sa.Column("assignment_id", sa.Uuid(), nullable=False),
        sa.Column("grading_id", sa.Uuid(), nullable=False),
        sa.Column("essay_id", sa.Uuid(), nullable=False),
        sa.Column("since", sa.Date(), nullable=False),
        sa.Column("retired_at", TIME, nullable=True),
        *_identity(),
        _reference("anchors", "assignment_id", "assignments"),
        _reference("anchors", "grading_id", "gradings"),
        _reference("anchors", "essay_id", "essays"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_anchors")),
    )
    op.create_index("ix_anchors_assignment", "anchors", ["assignment_id"])
    op.create_index(
        "uq_anchors_essay", "anchors", ["essay_id"], unique=True, postgresql_where=sa.text("retired_at IS NULL")
    )
    op.create_table(
        "regrades",
        sa.Column("essay_id", sa.Uuid(), nullable=False),
        sa.Column("against_id", sa.Uuid(), nullable=False),
        sa.Column("tier", sa.String(16), nullable=False),
        sa.Column("queue", sa.String(32), nullable=False),
        sa.Column("anchor_id", sa.Uuid(), nullable=True),
        sa.Column("day", sa.Date(), nullable=True),
        sa.Column("rung_at", TIME, nullable=True),
        sa.Column("claim_token", sa.Uuid(), nullable=True),
        sa.Column("lease_until", TIME, nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("finished_at", TIME, nullable=True),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("grade", JSON, nullable=True),
        *_identity(),
        _reference("regrades", "essay_id", "essays"),
        _reference("regrades", "against_id", "gradings"),
        _reference("regrades", "anchor_id", "anchors"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_regrades")),
        sa.UniqueConstraint("anchor_id", "day", name=op.f("uq_regrades_anchor_id_day")),
    )
    op.create_index(op.f("ix_regrades_essay_id"), "regrades", ["essay_id"])
    op.create_index("ix_regrades_open", "regrades", ["created_at"], postgresql_where=sa.text("finished_at IS NULL"))
    op.create_table(
        "drifts",
        sa.Column("assignment_id", sa.Uuid(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("shift", sa.Float(), nullable=False),
        sa.Column("p_value", sa.Float(), nullable=False),
        sa.Column("anchors", sa.Integer(), nullable=False),
        sa.Column("changed", JSON, nullable=False),
        sa.Column("ended_at", TIME, nullable=True),
        *_identity(),
        _reference("drifts", "assignment_id", "assignments"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_drifts")),
    )
    op.create_index("ix_drifts_assignment", "drifts", ["assignment_id", "day"])
    op.create_index(
        "uq_drifts_open", "drifts", ["assignment_id"], unique=True, postgresql_where=sa.text("ended_at IS NULL")
    )


def _identity() -> tuple[sa.Column, sa.Column]:
    return (
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", TIME, server_default=sa.text("now()"), nullable=False),
    )


def _reference(table: str, column: str, to: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint([column], [f"{to}.id"], name=op.f(f"fk_{table}_{column}"), ondelete="CASCADE")


def downgrade() -> None:
    for table in ("drifts", "regrades", "anchors"):
        op.drop_table(table)
