"""essays that a teacher's correction of another one touches"""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    op.create_table(
        "second_looks",
        sa.Column("grading_id", sa.Uuid(), nullable=False),
        sa.Column("essay_id", sa.Uuid(), nullable=False),
        sa.Column("points", sa.Numeric(8, 2), nullable=False),
        sa.Column("distance", sa.Float(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(
            ["grading_id"], ["gradings.id"], name=op.f("fk_second_looks_grading_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["essay_id"], ["essays.id"], name=op.f("fk_second_looks_essay_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_second_looks")),
        sa.UniqueConstraint("grading_id", "essay_id", name=op.f("uq_second_looks_grading_id_essay_id")),
    )
    op.create_index(op.f("ix_second_looks_essay_id"), "second_looks", ["essay_id"])


def downgrade() -> None:
    op.drop_table("second_looks")
