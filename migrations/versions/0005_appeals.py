"""appeals against grades"""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    op.add_column("assignments", sa.Column("appeal_until", sa.DateTime(timezone=True), nullable=True))
    op.create_table(
        "appeals",
        sa.Column("essay_id", sa.Uuid(), nullable=False),
        sa.Column("student_id", sa.Uuid(), nullable=False),
        sa.Column("grading_id", sa.Uuid(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("answered_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("answered_by_id", sa.Uuid(), nullable=True),
        sa.Column("answer", sa.Text(), nullable=True),
        sa.Column("grading_id_after", sa.Uuid(), nullable=True),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(["essay_id"], ["essays.id"], name=op.f("fk_appeals_essay_id"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["student_id"], ["users.id"], name=op.f("fk_appeals_student_id"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(
            ["grading_id"], ["gradings.id"], name=op.f("fk_appeals_grading_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["answered_by_id"], ["users.id"], name=op.f("fk_appeals_answered_by_id"), ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(
            ["grading_id_after"], ["gradings.id"], name=op.f("fk_appeals_grading_id_after"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_appeals")),
    )
    op.create_index("ix_appeals_essay", "appeals", ["essay_id", "created_at"], unique=False)
    op.create_index(
        "uq_appeals_open", "appeals", ["essay_id"], unique=True, postgresql_where=sa.text("answered_at IS NULL")
    )
    op.create_index(
        "ix_essays_review",
        "essays",
        ["assignment_id"],
        unique=False,
        postgresql_where=sa.text("state IN ('needs_review', 'failed')"),
    )


def downgrade() -> None:
    op.drop_index(
        "ix_essays_review", table_name="essays", postgresql_where=sa.text("state IN ('needs_review', 'failed')")
    )
    op.drop_table("appeals")
    op.drop_column("assignments", "appeal_until")
