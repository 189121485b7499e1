"""What rewards do when others announce."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Session

from core.db import connection_of
from core.events import LoggedEvent, Reader
from wallet.lots import REVIVED_FOR


def revive_refunded_cards(session: Session, events: Sequence[LoggedEvent], now: datetime) -> None:
    """Let gift cards be spent again that a refund filled after they had expired, for as long as lots are revived."""
    columns = [[UUID(event.payload["refund_id"]) for event in events], [event.occurred_at for event in events]]
    connection_of(session).execute(_REVIVE, [REVIVED_FOR, *columns])


# The cards in id order, as everywhere. It counts from when the refund was given, however late that is read.
_REVIVE = """
    WITH refilled AS (
        SELECT split_part(a.owner, ':', 2)::uuid AS id, r.at, r.at + %s AS until
          FROM unnest(%s::uuid[], %s::timestamptz[]) AS r (id, at)
          JOIN wallet.entry e ON e.transfer_id = r.id AND e.amount > 0
          JOIN wallet.account a ON a.id = e.account_id AND a.purpose = 'gift'
    ), expired AS (
        SELECT v.id FROM rewards.voucher v
         WHERE EXISTS (SELECT FROM refilled r WHERE r.id = v.id AND v.expires_at <= r.at)
         ORDER BY v.id FOR NO KEY UPDATE)
    UPDATE rewards.voucher v SET expires_at = (SELECT max(until) FROM refilled r WHERE r.id = v.id)
      FROM expired WHERE v.id = expired.id
"""

READERS = [Reader("rewards.refunded_cards", revive_refunded_cards, frozenset({"payment.refunded"}))]
