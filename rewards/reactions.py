"""What rewards do when others announce."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Session

from core.db import connection_of
from core.events import LoggedEvent, Reader
from rewards.rollbacks import cards, refunded


def return_refunded_vouchers(session: Session, events: Sequence[LoggedEvent], now: datetime) -> None:
    """Revive the gift cards that refunds filled, and give back uses of vouchers where a whole checkout was refunded."""
    # Checkouts are locked before vouchers, and those before counters, as everywhere.
    opened = refunded.open_all(session, [(UUID(event.payload["payment_id"]), event.occurred_at) for event in events])
    cards.revive(connection_of(session), [(UUID(event.payload["refund_id"]), event.occurred_at) for event in events])
    refunded.close_all(session, opened)


READERS = [
    Reader("rewards.refunded_vouchers", return_refunded_vouchers, frozenset({"payment.refunded"}), sees_sandbox=True)
]
