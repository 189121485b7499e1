"""Diversions: where a refund goes whose source was closed meanwhile, as a customer's wallet is for ever.

Cash goes to the brand's suspense, where staff find it waiting for whom it belongs to. What lapses with a wallet as it
is closed (promotional value, points) lapses here as well. Either way it counts against what the closed source gave.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from core.db import Connection
from wallet import accounts
from wallet.accounts import Opening


@dataclass(frozen=True, slots=True)
class Diverted:
    """So much of a refund goes to `target` in place of the closed account."""

    account_id: UUID
    target: Opening
    amount: int
    is_lapsed: bool


def closed_among(connection: Connection, account_ids: Sequence[UUID]) -> set[UUID]:
    """Those that are closed. The customers' among them stay as they are until the transaction ends."""
    rows = connection.execute(_STANDING, [list(account_ids)]).fetchall()
    return {account_id for account_id, status in rows if status == "closed"}


def of(account_id: UUID, amount: int, *, asset: str, has_lots: bool) -> Diverted:
    """Where what a closed account gave goes back to."""
    return Diverted(account_id, accounts.of_brand("breakage" if has_lots else "suspense", asset), amount, has_lots)


def note(
    connection: Connection,
    diverted: Sequence[Diverted],
    *,
    payment_id: UUID,
    refund_id: UUID,
    customer_id: UUID,
    at: datetime,
) -> None:
    """Let the refund that is posted next in this transaction go there. The payment's parts are locked already.

    raises  psycopg.IntegrityError by ck_transfer_part_refund_cap for more than the closed source gave
    """
    accounts.open_all(connection, [each.target for each in diverted])
    columns = [
        [each.account_id for each in diverted],
        [each.target.id for each in diverted],
        [each.amount for each in diverted],
        [each.is_lapsed for each in diverted],
    ]
    connection.execute(_DIVERT, [payment_id, refund_id, customer_id, at, *columns])


# Customers' alone: nobody closes another's, and the brand's are everybody's. A closing takes them in id order, too.
_STANDING = """
    SELECT id, status FROM wallet.account WHERE id = ANY (%s) AND owner LIKE 'customer:%%' ORDER BY id FOR SHARE
"""

_DIVERT = "SELECT wallet.divert(%s, %s, %s, %s, %s::uuid[], %s::uuid[], %s::bigint[], %s::boolean[])"
