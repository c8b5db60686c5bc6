"""Alembic's way to Pizhu's tables: the same settings and the same pool as everything else."""

from alembic import context

from models import Base
from models.cache_entry import GRAPHS
from models.session import engine


def run() -> None:
    with engine().connect() as connection:
        context.configure(
            connection=connection,
            target_metadata=Base.metadata,
            compare_type=True,
            include_name=lambda name, kind, _: not (kind == "index" and (name or "").startswith(GRAPHS)),
        )
        with context.begin_transaction():
            # One migration at a time: two processes that start together must not both create the tables.
            connection.exec_driver_sql("SELECT pg_advisory_xact_lock(7301)")
            context.run_migrations()


run()
