"""An upgrade while people sign in, over rows of all that signing in had: a code that was texted before works after."""

import os
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import psycopg
import pytest
from alembic import command
from sqlalchemy import make_url

from app import database as schema
from auth import customers, opaque
from auth.native import otp, sign_ins, steps
from auth.native.attempts import Caller
from auth.oauth import clients
from core import crypto, db, ids
from core.db import connection_of, transaction
from core.events import epoch
from core.settings import Settings

#: Of the release that landed before sign-in by more than a code.
BEFORE = "0041"
NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
SENT_AT = NOW - timedelta(minutes=1)
PHONE = "+12125550142"


@pytest.fixture
def before(settings: Settings) -> Iterator[None]:
    """A database of the release before, opened."""
    name = f"upgraded_sign_in_{os.getpid()}"
    url = make_url(settings.database_url)
    with psycopg.connect(settings.database_url, autocommit=True) as admin:
        admin.execute(f'CREATE DATABASE "{name}"')
        db.open_database(replace(settings, database_url=url.set(database=name).render_as_string(hide_password=False)))
        crypto.load_keys(settings)
        with db.engine().connect() as connection:
            command.upgrade(schema._config(connection), BEFORE)
            connection.commit()
        yield
        db.close_database()
        admin.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


@pytest.mark.usefixtures("before")
def test_a_code_that_is_under_way_works_after_an_upgrade(settings: Settings) -> None:
    attempt, customer, family, staff = ids.block(4)
    merchant, store, terminal = ids.block(3)
    with transaction() as session:
        connection = connection_of(session)
        crypto.create_data_keys(session, [attempt, customer])
        phone = crypto.seal(session, owner_id=attempt, place=sign_ins.PHONE_PLACE, row_id=attempt, text=PHONE)
        connection.execute(
            "INSERT INTO auth.sign_in (id, handle, client_id, phone, code_challenge, otp, created_at, expires_at)"
            " VALUES (%s, %s, 'pocketful-app', %s, %s, %s, %s, %s)",
            [
                attempt, opaque.kept("auth_session", "handle"), phone, "c" * 43, otp.kept_otp(attempt, "123456"),
                SENT_AT, SENT_AT + otp.CODE_TTL,
            ],
        )  # fmt: skip
        connection.execute("INSERT INTO auth.customer (id, created_at) VALUES (%s, %s)", [customer, SENT_AT])
        connection.execute(
            "INSERT INTO auth.token_family (id, client_id, customer_id, rotated_at, created_at)"
            " VALUES (%s, 'pocketful-app', %s, %s, %s)",
            [family, customer, SENT_AT, SENT_AT],
        )
        connection.execute(
            "INSERT INTO auth.refresh_token (token, family_id, generation) VALUES ('token', %s, 0)", [family]
        )
        connection.execute(
            "INSERT INTO auth.authorization_code (code, client_id, customer_id, code_challenge, expires_at, family_id)"
            " VALUES ('code', 'pocketful-app', %s, 'c', %s, %s)",
            [customer, NOW, family],
        )
        connection.execute(
            "INSERT INTO auth.staff (id, email, email_index, name, permissions, created_at)"
            " VALUES (%s, 'sealed', 'index', 'sealed', '{finance.read}', %s)",
            [staff, SENT_AT],
        )
        connection.execute(
            "INSERT INTO auth.merchant (id, name, created_at) VALUES (%s, 'Bakers', %s)", [merchant, SENT_AT]
        )
        connection.execute(
            "INSERT INTO auth.store (id, merchant_id, name, created_at) VALUES (%s, %s, 'High Street', %s)",
            [store, merchant, SENT_AT],
        )
        connection.execute(
            "INSERT INTO auth.terminal (id, store_id, name, public_key, key_fingerprint, created_at)"
            " VALUES (%s, %s, 'Till 1', 'key', 'fingerprint', %s)",
            [terminal, store, SENT_AT],
        )

        connection.execute(
            "INSERT INTO core.audit_entry (id, actor, action, target, change, at) VALUES (%s, 'a', 'b', 'c', '{}', %s)",
            [ids.new(), SENT_AT],
        )

    schema.migrate()
    epoch.ensure()

    client = clients.find("pocketful-app")
    assert client is not None
    caller = Caller(client=client, jkt=None, address="192.0.2.1", settings=settings)
    with transaction() as session:
        code = steps.answer_code(session, caller, handle="handle", code="123456", now=NOW)
        assert isinstance(code, str)
        assert customers.by_phone(session, PHONE) is not None
