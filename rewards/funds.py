"""Posting where a refusal of one must not refuse the others that are posted with it.

The ledger posts all or none. So the first try trusts that funds suffice, as they nearly always do; where the ledger
says no, everything since is undone, what stands on the accounts is read, and each taking is decided by itself in order.
Value may still be taken in between, so the ledger stays the judge: then it is read again.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import TypeVar
from uuid import UUID

from sqlalchemy.orm import Session

from core.db import Connection, connection_of
from core.errors import Busy
from wallet.errors import AccountMissing, InsufficientFunds

_TRIES = 5


class Beaten(Exception):
    """Another transaction was first with the same deed: once all is undone, what it did can be read."""


Result = TypeVar("Result")


@dataclass(slots=True)
class Funds:
    """What may be taken from accounts, as far as it was read.

    are_read   False on the first try: every account that was not read counts as full
    """

    are_read: bool
    available: dict[UUID, int] = field(default_factory=dict)

    def read(self, connection: Connection, account_ids: Iterable[UUID], *, always: bool = False) -> None:
        """Read accounts, if this try reads any (or `always`); one that does not exist holds nothing."""
        wanted = [account_id for account_id in set(account_ids) if account_id not in self.available]
        if wanted and (self.are_read or always):
            self.available |= dict.fromkeys(wanted, 0)
            self.available |= available(connection, wanted)

    def has(self, account_id: UUID, amount: int) -> bool:
        return account_id not in self.available or self.available[account_id] >= amount

    def take(self, account_id: UUID, amount: int) -> None:
        """Count an amount as taken; a negative one as given back."""
        if account_id in self.available:
            self.available[account_id] -= amount


def available(connection: Connection, account_ids: Iterable[UUID]) -> dict[UUID, int]:
    """What may be taken from each account now, in minor units; accounts that do not exist are left out."""
    query = "SELECT account_id, posted - held FROM wallet.balance WHERE account_id = ANY(%s)"
    return {row[0]: row[1] for row in connection.execute(query, [list(account_ids)])}


def post_with(session: Session, work: Callable[[Connection, Funds], Result]) -> Result:
    """Do `work` in a savepoint; again, with the funds read, if the ledger refuses for want of them or a twin was first.

    raises  what `work` raises; Busy when others keep taking what was just read
    """
    for attempt in range(_TRIES):
        funds = Funds(are_read=attempt > 0)
        try:
            with session.begin_nested():
                return work(connection_of(session), funds)
        except (InsufficientFunds, Beaten):
            continue
        except AccountMissing:
            if funds.are_read:
                raise
    raise Busy
