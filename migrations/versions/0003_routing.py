"""what a tier said that was not trusted, and how an assignment routes"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.add_column("gradings", sa.Column("accepted", sa.Boolean(), server_default=sa.true(), nullable=False))
    op.alter_column("gradings", "accepted", server_default=None)
    op.add_column("gradings", sa.Column("tier", sa.String(length=16), nullable=True))
    op.add_column("llm_calls", sa.Column("prompt_estimated", sa.Boolean(), server_default=sa.false(), nullable=False))
    op.alter_column("llm_calls", "prompt_estimated", server_default=None)
    op.add_column("assignments", sa.Column("routing", postgresql.JSONB(astext_type=sa.Text()), nullable=True))


def downgrade() -> None:
    op.drop_column("assignments", "routing")
    op.drop_column("llm_calls", "prompt_estimated")
    op.drop_column("gradings", "tier")
    op.drop_column("gradings", "accepted")
