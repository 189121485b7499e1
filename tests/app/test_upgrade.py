"""An upgrade over rows: what stood in the tables of the release before means the same in those of this one."""

import json
import os
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

import psycopg
import pytest
from alembic import command
from sqlalchemy import make_url

from app import database as schema
from core import crypto, db, ids
from core.db import connection_of, transaction
from core.events import epoch, readers
from core.settings import Settings
from engage import inbox, journeys
from engage.walks import holding, reactions, work
from insights import reactions as insights
from insights.profiles import histories

#: Of the release that landed before Engage.
BEFORE = "0032"
NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
LONG_AGO = NOW - timedelta(days=8)
#: As that release published it: a trigger, one re-entry, and a title of two lines.
GRAPH = {
    "trigger": {"event": "topup.completed", "where": {"field": "amount_minor", "is": "at_least", "value": 2000}},
    "re_entry": "never",
    "first": "wait",
    "steps": {
        "wait": {
            "kind": "wait", "for_event": "order.completed", "timeout_seconds": 604_800,
            "on_event": "back", "on_timeout": "remind",
        },
        "back": {"kind": "exit", "reason": "came back"},
        "remind": {
            "kind": "message", "channel": "push", "purpose": "marketing",
            "template": {"title": "Still\nyours", "body": "Come back"},
        },
    },
}  # fmt: skip


@pytest.fixture
def before(settings: Settings) -> Iterator[None]:
    """A database of the release before, opened."""
    name = f"upgraded_{os.getpid()}"
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
def test_what_stood_there_means_the_same_after_an_upgrade() -> None:
    customer, held_out, journey, version = ids.block(4)
    walks = {"waiting": ids.new(), "held": ids.new(), "over": ids.new()}
    items = ids.block(3)
    with transaction() as session:
        connection = connection_of(session)
        crypto.create_data_keys(session, [customer])
        connection.execute("INSERT INTO auth.customer (id, created_at) VALUES (%s, %s)", [customer, LONG_AGO])
        connection.execute(
            "INSERT INTO auth.device (id, customer_id, device_id, platform, created_at, seen_at)"
            " VALUES (%s, %s, 'd', 'ios', %s, %s)",
            [ids.new(), customer, LONG_AGO, LONG_AGO],
        )
        connection.execute(
            "INSERT INTO core.message (id, customer_id, channel, purpose, recipient, content, state, created_at)"
            " VALUES (%s, %s, 'sms', 'transactional', '', '', 'in_doubt', %s)",
            [ids.new(), customer, LONG_AGO],
        )
        connection.execute(
            "INSERT INTO insights.subject (subject_id, customer_id, first_seen_at, last_seen_at)"
            " VALUES ('mine', %s, %s, %s), ('nobodys', NULL, %s, %s)",
            [customer, *[LONG_AGO] * 4],
        )
        connection.execute(
            "INSERT INTO insights.trait (customer_id, name, value, at) VALUES (%s, 'town', '\"Boston\"', %s)",
            [customer, LONG_AGO],
        )
        connection.execute(
            "INSERT INTO engage.consent VALUES (%s, 'push', 'marketing', true, 'app', %s)", [customer, LONG_AGO]
        )
        connection.execute(
            "INSERT INTO engage.journey VALUES (%s, 'Thanks', 'live', 5000, %s, %s)", [journey, version, LONG_AGO]
        )
        connection.execute(
            "INSERT INTO engage.journey_version VALUES (%s, %s, 1, %s, 'staff:1', %s)",
            [version, journey, json.dumps(GRAPH), LONG_AGO],
        )
        _walk(connection, walks["waiting"], journey, version, customer, state="waiting")
        _walk(connection, walks["held"], journey, version, held_out, state="waiting", is_held_out=True)
        _walk(connection, walks["over"], journey, version, ids.new(), state="ended")
        for item_id in items:
            text = json.dumps({"title": str(item_id), "body": "Hello"})
            content = crypto.seal(session, owner_id=customer, place="inbox_item.content", row_id=item_id, text=text)
            connection.execute(
                "INSERT INTO engage.inbox_item VALUES (%s, %s, NULL, %s, %s)", [item_id, customer, content, LONG_AGO]
            )

    schema.migrate()
    epoch.ensure()

    with transaction() as session:
        assert [item.id for item in inbox.list_(session, customer, before=None, limit=5, now=NOW)] == items[::-1]
        assert [item.id for item in inbox.list_(session, customer, before=items[1], limit=5, now=NOW)] == [items[0]]
        assert inbox.unread_count(session, customer, now=NOW) == 3
        assert [change.value for change in histories.history(session, customer, "town")] == ["Boston"]
        found = connection_of(session)
        linked = found.execute("SELECT subject_id, customer_id FROM insights.link WHERE undone_at IS NULL").fetchall()
        assert linked == [("mine", customer)]
        arms = found.execute("SELECT id, arm, is_held_out FROM engage.enrolment").fetchall()
        assert set(arms) == {
            (walks["waiting"], "treated", False), (walks["held"], "holdout", True), (walks["over"], "treated", False),
        }  # fmt: skip
        journeys.set_status(
            session, journey_id=journey, status="paused", holds_inside=True, actor="staff:test", now=NOW
        )

    readers.register([*insights.READERS, *reactions.READERS])
    for reader in (*insights.READERS, *reactions.READERS):
        readers.run_batch(reader, now=NOW)
    work.advance_due(NOW)
    assert set(_ended()) == {walks["over"]}
    with transaction() as session:
        journeys.set_status(session, journey_id=journey, status="live", actor="staff:test", now=NOW)
    holding.wake_all(NOW)
    work.advance_due(NOW)

    assert set(_ended()) == set(walks.values())
    with transaction() as session:
        runs = connection_of(session).execute("SELECT enrolment_id, step, outcome FROM engage.step_run").fetchall()
    assert {(walks["waiting"], "remind", "skipped"), (walks["held"], "remind", "held_out")} <= set(runs)


def _walk(
    connection: db.Connection,
    walk_id: UUID,
    journey_id: UUID,
    version_id: UUID,
    customer_id: UUID,
    *,
    state: str,
    is_held_out: bool = False,
) -> None:
    over = state == "ended"
    until = LONG_AGO + timedelta(days=7)
    connection.execute(
        """
        INSERT INTO engage.enrolment
               (id, state, due_at, journey_id, version_id, customer_id, entry_key, is_held_out, step, visit,
                step_entered_at, awaited_event, timeout_at, depth, entered_at, ended_at, end_reason)
        VALUES (%s, %s, %s, %s, %s, %s, '', %s, 'wait', 1, %s, %s, %s, 0, %s, %s, %s)
        """,
        [
            walk_id, state, None if over else until, journey_id, version_id, customer_id, is_held_out,
            LONG_AGO, None if over else "order.completed", None if over else until, LONG_AGO,
            LONG_AGO if over else None, "came back" if over else None,
        ],
    )  # fmt: skip
    connection.execute(
        "INSERT INTO engage.step_run VALUES (%s, %s, %s, 'wait', 1, 'wait', 'waiting', '[]', NULL, '{}', %s)",
        [ids.new(), walk_id, customer_id, LONG_AGO],
    )


def _ended() -> list[UUID]:
    with transaction() as session:
        rows = connection_of(session).execute("SELECT id FROM engage.enrolment WHERE state = 'ended'").fetchall()
    return [row[0] for row in rows]
