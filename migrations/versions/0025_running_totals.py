"""sums of the ledger as running totals, and sums of what was saved by hour"""

from collections.abc import Iterable

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0025"
down_revision = "0024"

TIME, COUNT, SUM = sa.DateTime(timezone=True), sa.BigInteger(), sa.Numeric(24, 12)
TEXTS = {"model": sa.String(200), "feature": sa.String(32), "prompt_version": sa.String(80)}
OUTCOME = {"outcome": postgresql.ENUM(name="call_outcome", create_type=False)}
COUNTS = dict.fromkeys(("calls", "prompt_tokens", "cached_tokens", "completion_tokens"), COUNT)
COSTS = dict.fromkeys(("cost", "baseline_cost"), SUM)
PARTS = dict.fromkeys(("prompt_cost", "cacheable_cost"), SUM)
SAVED = ("baseline_usd", "cost_usd", "prompt_usd", "cache_usd", "routing_usd", "local_usd", "batch_usd")


def upgrade() -> None:
    for table in ("cost_window", "cost_days", "cost_hours"):
        op.drop_table(table)
    op.drop_column("cost_rollup", "window_until")
    op.execute("DELETE FROM cost_rollup")  # upkeep adds up anew
    create("cost_hours", {"hour": TIME}, COUNTS | COSTS)
    create("cost_totals", {"until": TIME} | TEXTS | OUTCOME, COUNTS | COSTS | PARTS)
    create("owner_totals", {"until": TIME, "kind": sa.String(8), "owner_id": sa.Uuid()}, {"calls": COUNT} | COSTS)
    create("saving_hours", {"class_id": sa.Uuid(), "hour": TIME}, dict.fromkeys(SAVED, SUM))


def downgrade() -> None:
    for table in ("saving_hours", "owner_totals", "cost_totals", "cost_hours"):
        op.drop_table(table)
    op.execute("DELETE FROM cost_rollup")
    op.add_column("cost_rollup", sa.Column("window_until", sa.Date(), nullable=True))
    texts = {"model": TEXTS["model"], "tier": sa.String(16)} | TEXTS
    create("cost_hours", {"hour": TIME} | texts | OUTCOME, COUNTS | COSTS | PARTS)
    create("cost_days", {"id": sa.Integer()}, {"day": sa.Date(), "calls": COUNT} | COSTS, ("user_id", "class_id"))
    create("cost_window", {"id": sa.Integer()}, {"calls": COUNT} | COSTS, ("user_id", "class_id"))
    op.create_index("ix_cost_days_day", "cost_days", ["day"])
    op.create_index("ix_cost_days_class", "cost_days", ["class_id", "day"])


def create(
    table: str, keys: dict[str, sa.types.TypeEngine], values: dict[str, sa.types.TypeEngine], owners: Iterable[str] = ()
) -> None:
    op.create_table(
        table,
        *(sa.Column(name, kind, nullable=False) for name, kind in (keys | values).items()),
        *(sa.Column(name, sa.Uuid(), nullable=True) for name in owners),
        sa.PrimaryKeyConstraint(*keys, name=op.f(f"pk_{table}")),
    )
