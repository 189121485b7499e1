"""A database of its own for each measurement, on the server that everything else uses, dropped afterwards."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import psycopg
from sqlalchemy import make_url

from app import database
from core import crypto, db
from core.events import epoch
from core.postgres import embedded
from core.settings import Settings
from rewards.campaigns import catalogue


@contextmanager
def fresh() -> Iterator[Settings]:
    """Open an empty, migrated database for the length of the block."""
    server = os.environ.get("DATABASE_URL") or embedded.url()
    name = f"pocketful_bench_{os.getpid()}"
    url = make_url(server).set(database=name).render_as_string(hide_password=False)
    settings = replace(Settings(environment="test"), database_url=url)
    with psycopg.connect(server, autocommit=True) as admin:
        admin.execute(f'CREATE DATABASE "{name}"')
        try:
            db.open_database(settings)
            catalogue.forget()  # what was known of the measurement before
            crypto.load_keys(settings)
            database.migrate()
            epoch.ensure()
            yield settings
        finally:
            db.close_database()
            admin.execute(f'DROP DATABASE "{name}" WITH (FORCE)')
