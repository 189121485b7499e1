"""Guards that no row of the ledger is: a debt is not overpaid, a merchant is not paid out more than is owed, and one
whose accounts are closed gets no new one."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from uuid import UUID

from core.db import Connection
from wallet.accounts import BRAND, Opening
from wallet.errors import PostingRefused
from wallet.finance.movement_errors import DebtOverpaid, PayoutExceedsPayable


@dataclass(frozen=True, slots=True)
class Movement:
    source: Opening
    target: Opening
    amount_minor: int


def refuse_overpaying(connection: Connection, movements: Sequence[Movement]) -> None:
    """Look at the movements in their order, before they are posted in the same transaction.

    raises   DebtOverpaid, PayoutExceedsPayable, each with the `position` at fault
    effects  locks the debts and payables among the accounts until the transaction ends
    """
    debts = {each.target.id for each in movements if each.target.purpose == "debt"}
    payables = {each.source.id for each in movements if each.source.purpose == "payable"}
    if not debts and not payables:
        return
    standing: dict[UUID, int] = dict(connection.execute(_STANDING, [[*debts, *payables]]).fetchall())
    for position, each in enumerate(movements):
        for account, change in ((each.source.id, -each.amount_minor), (each.target.id, each.amount_minor)):
            if account in debts or account in payables:
                standing[account] = standing.get(account, 0) + change
        if each.target.id in debts and standing[each.target.id] > 0:
            raise _at(position, DebtOverpaid())
        if each.source.id in payables and standing[each.source.id] < 0:
            raise _at(position, PayoutExceedsPayable())


def closed_ones(connection: Connection, openings: Iterable[Opening]) -> set[str]:
    """The owners among them who have a closed account."""
    owners = list({opening.owner for opening in openings} - {BRAND})
    return {owner for (owner,) in connection.execute(_CLOSED, [owners])}


def _at(position: int, refusal: PostingRefused) -> PostingRefused:
    refusal.position = position
    return refusal


_STANDING = """
    SELECT account_id, sum(posted - held)::bigint
      FROM (SELECT account_id, posted, held FROM wallet.balance WHERE account_id = ANY (%s)
             ORDER BY hot, account_id, shard FOR NO KEY UPDATE) AS locked
     GROUP BY account_id
"""

_CLOSED = "SELECT DISTINCT owner FROM wallet.account WHERE owner = ANY (%s) AND status = 'closed'"
