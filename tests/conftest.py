"""What every test stands on: a real PostgreSQL, migrated once, cloned for each test process, emptied between tests."""

import fcntl
import hashlib
import os
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import psycopg
import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import make_url

from app import database as schema
from core import crypto, db, idempotency
from core.events import epoch, readers
from core.postgres import embedded
from core.settings import Settings
from rewards import answers as rewards_answers
from rewards.campaigns import catalogue

PROJECT = Path(__file__).resolve().parent.parent

#: We answer "busy" after two seconds at a lock. A machine that others use may stand still for as long, and a test that
#: is about something else must not hear of it.
OWN_OPTIONS = db.CONNECTION_OPTIONS
PATIENT_OPTIONS = OWN_OPTIONS.replace("lock_timeout=2s", "lock_timeout=20s")

#: The longest tests, in two parts: two processes begin with one each, so that in the end neither waits for the other.
LONG = (
    ("stories/",),
    ("app/demo/", "wallet/test_machine", "rewards/machines/", "core/test_embedded", "core/delivery/"),
)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> Iterator[None]:
    for item in items:
        if "settings" in getattr(item, "fixturenames", ()):  # which make the database
            item.add_marker("database")
    yield  # and pytest leaves out what was not asked for
    of = [[item for item in items if item.nodeid.removeprefix("tests/").startswith(long)] for long in LONG]
    short = [item for item in items if item not in of[0] and item not in of[1]]
    half = len(items) // 2 - len(of[0])  # xdist deals the list out in as many halves
    items[:] = [*of[0], *short[:half], *of[1], *short[half:]]


@pytest.fixture(scope="session")
def settings() -> Iterator[Settings]:
    """Settings whose database is this test process's own clone of the migrated template."""
    server = _own_server()
    template = _template(server)
    name = f"{template}_{os.environ.get('PYTEST_XDIST_WORKER', 'main')}_{os.getpid()}"
    with psycopg.connect(server, autocommit=True) as admin:
        admin.execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}"')
    yield replace(Settings(environment="test"), database_url=_at(server, name))
    db.close_database()
    with psycopg.connect(server, autocommit=True) as admin:
        admin.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


@pytest.fixture(scope="session")
def sweeper(settings: Settings) -> Iterator[psycopg.Connection]:
    """The connection that empties the tables: a new one would first read the whole catalogue, each time anew."""
    with psycopg.connect(settings.database_url, autocommit=True) as connection:
        yield connection


@pytest.fixture
def database(settings: Settings, sweeper: psycopg.Connection) -> Iterator[None]:
    """An opened, empty database (seed rows stay)."""
    if db._database is None:
        db.CONNECTION_OPTIONS = PATIENT_OPTIONS
        db.open_database(settings)
    crypto.load_keys(settings)
    sweeper.execute("SELECT testing.empty_tables()")
    catalogue.forget()
    readers._limits.clear()
    rewards_answers.register(rewards_answers.Answers())  # the room that knows segments comes with the app
    yield


@pytest.fixture
def own_options(database: None, settings: Settings) -> Iterator[None]:
    """Connections that wait for a lock as long as ours do: two seconds."""
    db.CONNECTION_OPTIONS = OWN_OPTIONS
    db.open_database(settings)
    yield
    db.close_database()


@pytest.fixture
def app(database: None, settings: Settings) -> Flask:
    """The whole application over the empty database."""
    # Loaded here, so that tests below the roof do not wait for every room.
    from app import wiring
    from auth import tokens
    from auth.privacy import answers as privacy_answers
    from auth.sessions import ending
    from insights.segments import uses
    from tests import applications
    from wallet import answers

    tokens.load_key(settings)
    answers.register(wiring.answers(settings))
    rewards_answers.register(wiring.REWARDS_ANSWERS)
    uses.register(wiring.SEGMENT_USERS)
    ending.register(wiring.SESSION_ENDINGS)
    idempotency.register(wiring.KEYS)
    privacy_answers.register(wiring.PRIVACY)
    readers.register(wiring.READERS)
    return applications.over(settings)


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    return app.test_client()


def _own_server() -> str:
    """Each test process has a server to itself: on a common one, any transaction of the others holds the log's horizon.

    DATABASE_URL may name several, one after another, for the processes in turn.
    """
    process = os.environ.get("PYTEST_XDIST_WORKER", "gw0")
    given = os.environ.get("DATABASE_URL", "").split()
    if given:
        return given[int(process.removeprefix("gw")) % len(given)]
    return embedded.url(PROJECT / ".data" / f"test-postgres-{process}", durable=False)


def _template(server: str) -> str:
    """The migrated template database, made once for each state of the migrations, whoever comes first."""
    state = hashlib.sha256()
    for path in sorted((PROJECT / "migrations" / "versions").glob("*.py")):
        state.update(path.name.encode() + path.read_bytes())
    state.update(Path(__file__).read_bytes())
    name = f"pocketful_{state.hexdigest()[:12]}"
    place = hashlib.sha256(server.encode()).hexdigest()[:12]
    lock = Path(tempfile.gettempdir()) / f"pocketful-tests-{os.getuid()}-{place}.lock"
    with lock.open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        with psycopg.connect(server, autocommit=True) as admin:
            ready = f"{name}_ready"
            if admin.execute("SELECT 1 FROM pg_database WHERE datname = %s", [ready]).fetchone():
                return ready
            admin.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
            admin.execute(f'CREATE DATABASE "{name}"')
            db.open_database(replace(Settings(environment="test"), database_url=_at(server, name)))
            schema.migrate()
            epoch.ensure()
            db.close_database()
            with psycopg.connect(_at(server, name), autocommit=True) as connection:
                connection.execute(_EMPTY_TABLES)
            admin.execute(f'ALTER DATABASE "{name}" RENAME TO "{ready}"')
            return ready


def _at(server: str, name: str) -> str:
    return make_url(server).set(database=name).render_as_string(hide_password=False)


# Only what a test has written to is emptied: a table that takes no room on the disk costs a look. The few rows of a
# test are deleted, since a truncation makes each index's file anew and takes twenty times as long (measured); but
# before dead rows pile up, the table is truncated. Tables that the migrations seeded keep their rows.
_EMPTY_TABLES = """
CREATE SCHEMA testing;
CREATE TABLE testing.seeded (name regclass PRIMARY KEY);
CREATE VIEW testing.written AS
    SELECT c.oid::regclass AS name, pg_relation_size(c.oid) AS bytes
      FROM pg_class c
     WHERE c.relkind = 'r' AND pg_relation_size(c.oid) > 0
       AND c.relnamespace = ANY ('{core,auth,wallet,rewards,insights,engage,connect}'::regnamespace[])
       AND NOT EXISTS (SELECT FROM testing.seeded s WHERE s.name = c.oid);
DO $$ DECLARE own regclass; BEGIN
    FOR own IN SELECT name FROM testing.written LOOP
        EXECUTE format('INSERT INTO testing.seeded SELECT %L WHERE EXISTS (SELECT FROM %s)', own, own);
    END LOOP;
END $$;
CREATE FUNCTION testing.empty_tables() RETURNS void LANGUAGE plpgsql SET session_replication_role = replica AS $$
DECLARE
    own regclass; large text; every text := string_agg(name::text, ', ') FROM testing.written;
BEGIN
    IF every IS NULL THEN RETURN; END IF;
    -- Whoever still writes for the test before, a killed worker's session perhaps, is waited for.
    EXECUTE 'LOCK TABLE ' || every || ' IN SHARE ROW EXCLUSIVE MODE';
    FOR own IN SELECT name FROM testing.written WHERE bytes <= 65536 LOOP
        EXECUTE 'DELETE FROM ' || own;
    END LOOP;
    large := string_agg(name::text, ', ') FROM testing.written WHERE bytes > 65536;
    IF large <> '' THEN EXECUTE 'TRUNCATE ' || large || ' CASCADE'; END IF;
END $$;
"""
