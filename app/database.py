"""The schema's state: bringing a database to the newest migration, and saying when it is behind."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import text

from core import db

_MIGRATIONS = Path(__file__).resolve().parent.parent / "migrations"
_LOCK = 7_046_000


def migrate() -> None:
    """Bring the opened database to the newest migration; processes that start together take turns."""
    if is_current():
        return
    with db.engine().connect() as connection:
        # A session lock is right here alone: the migrations run on this connection, never behind a pooler.
        connection.execute(text("SET lock_timeout = '120s'"))
        connection.execute(text("SELECT pg_advisory_lock(:lock)"), {"lock": _LOCK})
        connection.commit()
        try:
            command.upgrade(_config(connection), "head")
            connection.commit()
        finally:
            connection.execute(text("SELECT pg_advisory_unlock(:lock)"), {"lock": _LOCK})
            connection.execute(text("RESET lock_timeout"))
            connection.commit()


def is_current() -> bool:
    """Whether the opened database stands at the newest migration."""
    with db.engine().connect() as connection:
        at = MigrationContext.configure(connection, opts={"version_table_schema": "public"}).get_current_revision()
    return at == ScriptDirectory.from_config(_config(None)).get_current_head()


def _config(connection: object) -> Config:
    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    return config
