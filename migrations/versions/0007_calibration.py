"""what is learned from a teacher's marks"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0007"
down_revision = "0006"

JSON = postgresql.JSONB(astext_type=sa.Text())


def upgrade() -> None:
    op.create_table(
        "calibrations",
        sa.Column("assignment_id", sa.Uuid(), nullable=False),
        sa.Column("rubric_id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.String(length=64), nullable=False),
        sa.Column("marks", sa.Integer(), nullable=False),
        sa.Column("dump", sa.LargeBinary(), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("signature", sa.String(length=64), nullable=False),
        sa.Column("library", sa.String(length=40), nullable=False),
        sa.Column("scale", JSON, nullable=False),
        sa.Column("quality", JSON, nullable=True),
        sa.Column("graders", JSON, nullable=False),
        sa.Column("evidence", JSON, nullable=False),
        sa.Column("predictions", JSON, nullable=False),
        sa.Column("comparison", JSON, nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(
            ["assignment_id"], ["assignments.id"], name=op.f("fk_calibrations_assignment_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["rubric_id"], ["rubric_versions.id"], name=op.f("fk_calibrations_rubric_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_calibrations")),
    )
    op.create_index("ix_calibrations_assignment", "calibrations", ["assignment_id", "created_at"], unique=False)
    op.add_column("assignments", sa.Column("calibration_id", sa.Uuid(), nullable=True))
    op.create_foreign_key(
        op.f("fk_assignments_calibration_id"),
        "assignments",
        "calibrations",
        ["calibration_id"],
        ["id"],
        initially="DEFERRED",
        deferrable=True,
        use_alter=True,
    )
    # The version before inserts assignments without it.
    op.add_column("assignments", sa.Column("rubric_only", sa.Boolean(), server_default=sa.false(), nullable=False))
    op.add_column("assignments", sa.Column("to_mark", JSON, nullable=True))
    op.add_column("gradings", sa.Column("calibration_id", sa.Uuid(), nullable=True))
    op.create_foreign_key(op.f("fk_gradings_calibration_id"), "gradings", "calibrations", ["calibration_id"], ["id"])
    op.add_column("gradings", sa.Column("rubric_total", sa.Numeric(precision=8, scale=2), nullable=True))


def downgrade() -> None:
    op.drop_column("gradings", "rubric_total")
    op.drop_constraint(op.f("fk_gradings_calibration_id"), "gradings", type_="foreignkey")
    op.drop_column("gradings", "calibration_id")
    op.drop_column("assignments", "to_mark")
    op.drop_column("assignments", "rubric_only")
    op.drop_constraint(op.f("fk_assignments_calibration_id"), "assignments", type_="foreignkey")
    op.drop_column("assignments", "calibration_id")
    op.drop_table("calibrations")
