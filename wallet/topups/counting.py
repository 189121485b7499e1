"""Top-ups as they count against the limit of what a customer may load."""

from datetime import datetime

from core.db import Connection
from wallet import accounts, limits
from wallet.topups.models import Topup
from wallet.transfers import Limit


def take(connection: Connection, topup: Topup, *, at: datetime) -> None:
    """raises  LimitExceeded, also where it would stand above the most that may be on the customer's cash"""
    limits.take(connection, [_limit(topup)], at=at)


def uncount(connection: Connection, topup: Topup) -> None:
    """What failed uses up nothing; that it was tried is counted."""
    limits.uncount(connection, _limit(topup), taken_at=topup.created_at)


def recount(connection: Connection, topup: Topup) -> None:
    """What was charged although it had failed."""
    limits.recount(connection, _limit(topup), taken_at=topup.created_at)


def _limit(topup: Topup) -> Limit:
    return Limit(
        customer_id=topup.customer_id,
        scope="load",
        asset=topup.currency,
        amount=topup.amount_minor,
        account_id=accounts.of_customer(topup.customer_id, topup.currency).id,
    )
