"""What the wallet does when others announce."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy.orm import Session

from core.events import LoggedEvent, Reader, announce_all
from wallet import accounts
from wallet.assets import brand_currency
from wallet.events import WalletOpened


def open_wallets(session: Session, events: Sequence[LoggedEvent], now: datetime) -> None:
    """Open a cash account for each customer who has signed up."""
    currency = brand_currency()
    customers = [event.customer_id for event in events if event.customer_id is not None]
    accounts.open_all(session, [accounts.of_customer(customer_id, currency) for customer_id in customers])

    announce_all(
        session,
        [
            WalletOpened(
                customer_id=event.customer_id,
                occurred_at=event.occurred_at,
                caused_by=event.id,
                depth=event.depth + 1,
                trace=event.trace,
                currency=currency,
            )
            for event in events
        ],
    )


READERS = [Reader("wallet.open", open_wallets, frozenset({"customer.signed_up"}))]
