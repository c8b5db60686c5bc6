"""who kept or dismissed an anchor, and when"""

import sqlalchemy as sa
from alembic import op

revision = "0024"
down_revision = "0023"


def upgrade() -> None:
    for deed in ("kept", "dismissed"):
        op.add_column("anchors", sa.Column(f"{deed}_at", sa.DateTime(timezone=True), nullable=True))
        op.add_column("anchors", sa.Column(f"{deed}_by", sa.Text(), nullable=True))
    # Who it was had not been recorded, nor when one that was chosen automatically was kept: not before it was chosen.
    op.execute("UPDATE anchors SET kept_at = created_at WHERE by_person AND retired_at IS NULL")
    op.execute("UPDATE anchors SET dismissed_at = retired_at WHERE by_person AND retired_at IS NOT NULL")
    op.drop_column("anchors", "by_person")


def downgrade() -> None:
    op.add_column("anchors", sa.Column("by_person", sa.Boolean(), server_default=sa.false(), nullable=False))
    op.execute("UPDATE anchors SET by_person = true WHERE retired_at IS NULL AND kept_at IS NOT NULL")
    op.execute("UPDATE anchors SET by_person = true WHERE dismissed_at IS NOT NULL")
    for deed in ("kept", "dismissed"):
        op.drop_column("anchors", f"{deed}_by")
        op.drop_column("anchors", f"{deed}_at")
