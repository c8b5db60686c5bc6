from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import inspect

from models import Base
from models.cache_entry import GRAPHS
from models.session import engine


def test_migrations_lead_to_exactly_the_tables_of_the_models(database: None) -> None:
    with engine().connect() as connection:
        options = {
            "compare_type": True,
            "compare_server_default": False,
            "include_name": lambda name, kind, _: not (kind == "index" and (name or "").startswith(GRAPHS)),
        }
        context = MigrationContext.configure(connection, opts=options)
        assert compare_metadata(context, Base.metadata) == []


def test_every_time_in_the_database_knows_its_zone(database: None) -> None:
    found = inspect(engine())
    times = [
        (table, column["name"])
        for table in found.get_table_names()
        for column in found.get_columns(table)
        if column["type"].python_type.__name__ == "datetime" and not column["type"].timezone
    ]
    assert times == []
