"""How Alembic reaches the database: through a connection handed in by `app.database.migrate`, or DATABASE_URL."""

from alembic import context
from sqlalchemy import create_engine

from core.db import Base

SCHEMAS = ("core", "auth", "wallet", "rewards", "insights", "engage", "connect")


def run() -> None:
    connection = context.config.attributes.get("connection")
    if connection is None:
        connection = create_engine(context.config.get_main_option("sqlalchemy.url") or "").connect()
    context.configure(
        connection=connection,
        target_metadata=Base.metadata,
        include_schemas=True,
        version_table_schema="public",
        transaction_per_migration=True,
    )
    with context.begin_transaction():
        context.run_migrations()


run()
