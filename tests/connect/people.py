"""What the log holds of those who were reported about."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from core import crypto, db

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)


def logged(*, ours: bool = False) -> list[dict[str, Any]]:
    """The events from outside, or those that the house itself announced."""
    with db.transaction() as session:
        rows = db.connection_of(session).execute(
            "SELECT name, source, customer_id, subject_id, occurred_at, payload, id FROM core.event"
            " WHERE (source = 'pocketful') = %s ORDER BY seq",
            [ours],
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
