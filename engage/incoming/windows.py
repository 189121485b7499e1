"""Windows: for a day after a customer wrote by WhatsApp we may answer in free words; after that only by template.

source  https://www.twilio.com/docs/whatsapp/key-concepts (error 63016 outside of it), read 2026-11
"""

from collections.abc import Iterable
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy.orm import Session

from core.db import connection_of

OPEN_FOR = timedelta(hours=24)


def open_(session: Session, customer_id: UUID, channel: str, *, now: datetime) -> None:
    """The customer wrote just now."""
    connection_of(session).execute(_OPEN, [customer_id, channel, now])


def ends_of(session: Session, customer_ids: Iterable[UUID], *, now: datetime) -> dict[UUID, datetime]:
    """Until when WhatsApp takes free text to each of the customers to whom it does now."""
    rows = connection_of(session).execute(_OPEN_NOW, [list(set(customer_ids)), now - OPEN_FOR])
    return {customer_id: last_at + OPEN_FOR for customer_id, last_at in rows}


_OPEN_NOW = """
    SELECT customer_id, last_at FROM engage.incoming_window
     WHERE customer_id = ANY(%s) AND channel = 'whatsapp' AND last_at > %s
"""

_OPEN = """
    INSERT INTO engage.incoming_window AS kept (customer_id, channel, last_at) VALUES (%s, %s, %s)
        ON CONFLICT (customer_id, channel) DO UPDATE SET last_at = greatest(kept.last_at, excluded.last_at)
"""
