"""A customer to report about, and what the log holds of it."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import insert

from auth.models import Customer
from core import crypto, db, ids

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)


def a_customer() -> UUID:
    customer_id = ids.new()
    with db.transaction() as session:
        crypto.create_data_keys(session, [customer_id])
        session.execute(
            insert(Customer).values(
                id=customer_id, phone=b"sealed", phone_index=customer_id.bytes * 2, status="active", created_at=NOW
            )
        )
    return customer_id


def logged() -> list[dict[str, Any]]:
    with db.transaction() as session:
        rows = db.connection_of(session).execute(
            "SELECT name, source, customer_id, subject_id, occurred_at, payload, id FROM core.event ORDER BY seq"
        )
        names = ("name", "source", "customer_id", "subject_id", "occurred_at", "payload", "id")
        return [dict(zip(names, row, strict=True)) for row in rows]


def private_of(event_id: UUID, customer_id: UUID) -> str:
    with db.transaction() as session:
        row = (
            db.connection_of(session)
            .execute("SELECT ciphertext FROM core.event_private WHERE event_id = %s", [event_id])
            .fetchone()
        )
        assert row, "nothing was sealed for this event"
        return crypto.unseal(
            session, owner_id=customer_id, place="core.event_private.ciphertext", row_id=event_id, ciphertext=row[0]
        )
