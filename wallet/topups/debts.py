"""What customers owe after claw-backs: taken from their cash as far as it goes, and paid back by what comes in."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from core.db import Connection
from wallet import accounts
from wallet.transfers import Leg

#: Whose money, in which currency.
Purse = tuple[UUID, str]


@dataclass(frozen=True, slots=True)
class Standing:
    """spendable: of the cash, 0 where nothing may leave it; owed: at least 0."""

    spendable: int
    owed: int


def owed_by(connection: Connection, purses: Collection[Purse]) -> Mapping[Purse, int]:
    """What those who owe anything owe, with their cash and debt locked for this transaction.

    Asked without a lock first, since hardly anybody owes.
    """
    debtors = {row[0] for row in connection.execute(_DEBTORS, [[_debt(purse) for purse in purses]])}
    return {
        purse: lock(connection, purse).owed
        for purse in sorted(purses, key=_debt)
        if _debt(purse) in debtors
    }  # fmt: skip


def lock(connection: Connection, purse: Purse) -> Standing:
    """How cash and debt stand, locked in the order in which a posting locks them."""
    accounts.open_all(connection, [accounts.of_customer(*purse), accounts.debt(*purse)])
    cash, debt = accounts.of_customer(*purse).id, _debt(purse)
    rows = {row[0]: row[1:] for row in connection.execute(_LOCK, [[cash, debt]])}
    posted, held, status = rows[cash]
    return Standing(spendable=max(posted - held, 0) if status == "open" else 0, owed=max(-rows[debt][0], 0))


def credit(purse: Purse, amount: int, *, owed: int) -> Sequence[Leg]:
    """The legs by which a customer gets an amount: what they owe is paid first.

    Of 25.00 with 10.00 owed, 10.00 pay the debt and 15.00 are cash.
    """
    paid = min(owed, amount)
    both = (accounts.debt(*purse).leg(paid), accounts.of_customer(*purse).leg(amount - paid))
    return [leg for leg in both if leg.amount]


def debit(purse: Purse, amount: int, *, spendable: int) -> Sequence[Leg]:
    """The legs by which an amount is taken back: from cash as far as it goes, the rest is owed."""
    taken = min(spendable, amount)
    both = (accounts.of_customer(*purse).leg(-taken), accounts.debt(*purse).leg(taken - amount))
    return [leg for leg in both if leg.amount]


def _debt(purse: Purse) -> UUID:
    return accounts.debt(*purse).id


_DEBTORS = "SELECT account_id FROM wallet.balance WHERE account_id = ANY (%s) AND posted < 0"

_LOCK = """
    SELECT account_id, posted, held, status FROM wallet.balance WHERE account_id = ANY (%s)
     ORDER BY account_id FOR NO KEY UPDATE
"""
