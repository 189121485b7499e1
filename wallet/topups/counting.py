"""Top-ups as they count against the limit of what a customer may load."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from uuid import UUID

from core.db import Connection
from wallet import accounts, limits
from wallet.errors import AccountClosed, LimitExceeded, PostingRefused
from wallet.faults import refusals
from wallet.topups.models import Topup
from wallet.transfers import Limit


class Over(Exception):
    """A top-up among several that would pass a limit, or whose account takes nothing more."""

    def __init__(self, topup_id: UUID, refusal: PostingRefused) -> None:
        super().__init__(refusal.detail)
        self.topup_id, self.refusal = topup_id, refusal


def take_all(connection: Connection, topups: Sequence[Topup], *, at: datetime) -> None:
    """Count them before the provider is asked; customers in one order.

    raises  Over for the first that would pass a limit, or bring money to a closed account
    """
    found = connection.execute(_STATUSES, [[_limit(topup).account_id for topup in topups]])
    closed = {account_id for account_id, status in found if status == "closed"}
    for topup in sorted(topups, key=lambda topup: (topup.customer_id, topup.currency, topup.id)):
        limit = _limit(topup)
        if limit.account_id in closed:
            raise Over(topup.id, AccountClosed())
        try:
            limits.take(connection, [replace(limit, account_id=None)], at=at)
            _check_ceiling(connection, limit)
        except LimitExceeded as refusal:
            raise Over(topup.id, refusal) from refusal


def uncount(connection: Connection, topup: Topup) -> None:
    """What failed uses up nothing; that it was tried is counted."""
    limits.uncount(connection, _limit(topup), taken_at=topup.created_at)


def recount(connection: Connection, topup: Topup) -> None:
    """What was charged although it had failed."""
    limits.recount(connection, _limit(topup), taken_at=topup.created_at)


def _check_ceiling(connection: Connection, limit: Limit) -> None:
    """What is on its way counts as if it stood there: asked one by one, each would find room that is promised.

    raises  LimitExceeded
    """
    with refusals():
        named = [limit.customer_id, limit.asset]
        connection.execute(_CEILING, [*named, limit.amount, *named, limit.account_id])


def _limit(topup: Topup) -> Limit:
    return Limit(
        customer_id=topup.customer_id,
        scope="load",
        asset=topup.currency,
        amount=topup.amount_minor,
        account_id=accounts.of_customer(topup.customer_id, topup.currency).id,
    )


# Undecided top-ups, this one and those taken with it among them.
_CEILING = """
    SELECT wallet.check_ceiling(1, %s, %s, (b.posted + t.awaited)::bigint, %s)
      FROM wallet.balance b,
           (SELECT coalesce(sum(amount_minor), 0) AS awaited FROM wallet.topup
             WHERE customer_id = %s AND currency = %s AND state IN ('pending', 'requires_action', 'in_doubt')) t
     WHERE b.account_id = %s
"""

# Locked, so that who closes a wallet sees the top-ups that were taken before.
_STATUSES = "SELECT id, status FROM wallet.account WHERE id = ANY (%s) ORDER BY id FOR SHARE"
