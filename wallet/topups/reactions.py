"""What top-ups do when others announce."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy.orm import Session

from core.events import LoggedEvent, Reader
from wallet.topups import automatic, debts


def look_at_cash(session: Session, events: Sequence[LoggedEvent], now: datetime) -> None:
    """Top up the wallets of those who have paid and wished for it."""
    automatic.look_at(session, {event.customer_id for event in events if event.customer_id is not None}, now=now)


def collect_debts(session: Session, events: Sequence[LoggedEvent], now: datetime) -> None:
    """Have those pay what they owe who got money, or may spend theirs again."""
    debts.collect(session, {event.customer_id for event in events if event.customer_id is not None}, now=now)


#: Money that came into a wallet, or may be spent again. (Top-ups pay what is owed by themselves.)
_CREDITS = frozenset(
    {
        "value.granted",
        "payment.refunded",
        "payment.reversed",
        "money.received",
        "sending.cancelled",
        "sending.returned",
        "adjustment.posted",
        "hold.expired",
        "hold.voided",
        "wallet.unfrozen",
        # Of rewards: a bought gift card that is given back becomes cash.
        "gift_card.refunded",
    }
)

READERS = [
    Reader("wallet.auto_topups", look_at_cash, frozenset({"payment.completed"})),
    Reader("wallet.debts", collect_debts, _CREDITS, limit=100),
]
